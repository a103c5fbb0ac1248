"""The items of an answer that is a list: separated by commas, numbered, or with dashes."""

from __future__ import annotations

import csv
import re
from abc import abstractmethod
from collections import deque
from collections.abc import AsyncIterator, Iterator
from io import StringIO
from typing import ClassVar, Protocol, TypeVar

from chatcore.errors import UnsupportedError
from chatcore.messages import BaseMessage
from chatcore.output_parsers._reading import generation_of
from chatcore.output_parsers.transform import BaseTransformOutputParser

__all__ = [
    "CommaSeparatedListOutputParser",
    "ListOutputParser",
    "MarkdownListOutputParser",
    "NumberedListOutputParser",
    "droplastn",
]

T = TypeVar("T")

# One item and what ends it. An item in quotes may hold commas and line breaks; quotes within it are doubled.
_FIELD = re.compile(r'( *(?:"(?:[^"]|"")*"(?!")[^,\n]*|(?! *")[^,\n]*))([,\n])')

_BEGINNING = 40
"""How far into a line an item may begin: indent, number or dash, and a letter."""


def droplastn(iter: Iterator[T], n: int) -> Iterator[T]:  # noqa: A002 - the reference's name
    """All items but the last `n`."""
    held: deque[T] = deque()
    for item in iter:
        held.append(item)
        if len(held) > n:
            yield held.popleft()


class _Splitter(Protocol):
    """Tells items of a text that grows, each once, as soon as it is complete."""

    def feed(self, text: str) -> list[str]: ...

    def rest(self) -> list[str]: ...


class ListOutputParser(BaseTransformOutputParser[list[str]]):
    """A parser of lists. Streamed, it yields each item in a list of its own, as soon as it is complete.

    A subclass implements `parse`; and `parse_iter`, if a regular expression finds its items.
    """

    @property
    def _type(self) -> str:
        return "list"

    @abstractmethod
    def parse(self, text: str) -> list[str]:
        """The items of a text."""

    def parse_iter(self, text: str) -> Iterator[re.Match[str]]:  # noqa: ARG002 - for subclasses
        """The items of a text, where they are; each is the first group of its match.

        Raises:
            UnsupportedError: this kind of list has no such expression.
        """
        msg = f"{type(self).__name__} finds no items by matches: override parse_iter."
        raise UnsupportedError(msg)

    def _splitter(self) -> _Splitter:
        return _Reparsed(self)

    def _transform(self, input: Iterator[str | BaseMessage]) -> Iterator[list[str]]:
        splitter = self._splitter()
        for chunk in input:
            yield from _each(splitter.feed(generation_of(chunk).text))
        yield from _each(splitter.rest())

    async def _atransform(self, input: AsyncIterator[str | BaseMessage]) -> AsyncIterator[list[str]]:
        splitter = self._splitter()
        async for chunk in input:
            for item in _each(splitter.feed(generation_of(chunk).text)):
                yield item
        for item in _each(splitter.rest()):
            yield item


def _each(items: list[str]) -> list[list[str]]:
    return [[item] for item in items]


class CommaSeparatedListOutputParser(ListOutputParser):
    """A list separated by commas, as in a line of CSV: items with commas stand in double quotes."""

    _runs_in_loop: ClassVar[bool] = True

    @classmethod
    def is_lc_serializable(cls) -> bool:
        """It may be written as JSON."""
        return True

    @classmethod
    def get_lc_namespace(cls) -> list[str]:
        """The reference's."""
        return ["langchain", "output_parsers", "list"]

    def get_format_instructions(self) -> str:
        """What to tell a model: to separate values by commas."""
        return "Your response should be a list of comma separated values, eg: `foo, bar, baz` or `foo,bar,baz`"

    def parse(self, text: str) -> list[str]:
        """The items of a text."""
        try:
            lines = csv.reader(StringIO(text), quotechar='"', delimiter=",", skipinitialspace=True)
            return [item for line in lines for item in line]
        except csv.Error:
            # A lone carriage return, which CSV has no use for.
            return [part.strip() for part in text.split(",")]

    def _splitter(self) -> _Splitter:
        return _Fields(self)

    @property
    def _type(self) -> str:
        return "comma-separated-list"


class NumberedListOutputParser(ListOutputParser):
    """A numbered list.

    pattern: the regular expression of an item, which is its first group.
    """

    pattern: str = r"\d+\.\s([^\n]+)"

    _runs_in_loop: ClassVar[bool] = True

    def get_format_instructions(self) -> str:
        """What to tell a model: to number the items."""
        return (
            "Your response should be a numbered list with each item on a new line. "
            "For example: \n\n1. foo\n\n2. bar\n\n3. baz"
        )

    def parse(self, text: str) -> list[str]:
        """The items of a text."""
        return re.findall(self.pattern, text)

    def parse_iter(self, text: str) -> Iterator[re.Match[str]]:
        """The items of a text, where they are."""
        return re.finditer(self.pattern, text)

    def _splitter(self) -> _Splitter:
        return _Lines(self)

    @property
    def _type(self) -> str:
        return "numbered-list"


class MarkdownListOutputParser(ListOutputParser):
    """A Markdown list, with dashes or asterisks.

    pattern: the regular expression of an item, which is its first group; `^` and `$` match at line breaks.
    """

    pattern: str = r"^\s*[-*]\s([^\n]+)$"

    _runs_in_loop: ClassVar[bool] = True

    def get_format_instructions(self) -> str:
        """What to tell a model: to write a Markdown list."""
        return "Your response should be a markdown list, eg: `- foo\n- bar\n- baz`"

    def parse(self, text: str) -> list[str]:
        """The items of a text."""
        return re.findall(self.pattern, text, re.MULTILINE)

    def parse_iter(self, text: str) -> Iterator[re.Match[str]]:
        """The items of a text, where they are."""
        return re.finditer(self.pattern, text, re.MULTILINE)

    def _splitter(self) -> _Splitter:
        return _Lines(self)

    @property
    def _type(self) -> str:
        return "markdown-list"


class _Reparsed:
    """A list of a kind that is not known: what is left of its text is parsed at each chunk; the last item waits."""

    __slots__ = ("_parser", "_text")

    def __init__(self, parser: ListOutputParser) -> None:
        self._parser = parser
        self._text = ""

    def feed(self, text: str) -> list[str]:
        self._text += text
        try:
            matches = list(droplastn(self._parser.parse_iter(self._text), 1))
        except NotImplementedError:
            *complete, last = self._parser.parse(self._text) or [self._text]
            if complete:
                self._text = last
            return complete
        if matches:
            self._text = self._text[matches[-1].end() :]
        return [match.group(1) for match in matches]

    def rest(self) -> list[str]:
        return self._parser.parse(self._text)


class _Lines(_Reparsed):
    """A list whose items are lines: one is complete when the next begins, which is seen at the beginning of a line."""

    __slots__ = ("_line", "_pieces")

    def __init__(self, parser: ListOutputParser) -> None:
        super().__init__(parser)
        self._pieces: list[str] = []
        self._line = 0

    def feed(self, text: str) -> list[str]:
        self._pieces.append(text)
        after = text.rpartition("\n")
        self._line = len(after[2]) if after[1] else self._line + len(text)
        # Further on in a line nothing can begin: looking again at each of its chunks would cost more and more.
        return super().feed(self._joined()) if after[1] or self._line <= _BEGINNING else []

    def rest(self) -> list[str]:
        self._text += self._joined()
        return super().rest()

    def _joined(self) -> str:
        joined = "".join(self._pieces)
        self._pieces.clear()
        return joined


class _Fields:
    """A list in CSV, item by item: each is parsed once, by itself, when what ends it has come."""

    __slots__ = ("_at_line_start", "_parser", "_pieces")

    def __init__(self, parser: ListOutputParser) -> None:
        self._parser = parser
        self._pieces: list[str] = []
        self._at_line_start = True

    def feed(self, text: str) -> list[str]:
        self._pieces.append(text)
        # Without an end of an item in it, it completes none. Carriage returns are left to the whole.
        if not ("," in text or "\n" in text):
            return []
        joined = "".join(self._pieces)
        items: list[str] = []
        end = 0
        while "\r" not in joined and (field := _FIELD.match(joined, end)) is not None:
            end = field.end()
            items.extend(self._items(field[1], ends_line=field[2] == "\n"))
            self._at_line_start = field[2] == "\n"
        self._pieces = [joined[end:]]
        return items

    def rest(self) -> list[str]:
        return self._items("".join(self._pieces), ends_line=True)

    def _items(self, text: str, *, ends_line: bool) -> list[str]:
        # Nothing is no item if it is all of a line; beside a comma it is an empty one.
        return self._parser.parse(text) or ([] if ends_line and self._at_line_start else [""])
