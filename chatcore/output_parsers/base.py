"""What every output parser is: a runnable that makes something of a model's answer."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator
from typing import Any, ClassVar, Generic, TypeVar

from chatcore.engine._opening import opening
from chatcore.engine.request import Request, Response, Whole
from chatcore.engine.threads import in_thread
from chatcore.errors import UnsupportedError
from chatcore.messages import AnyMessage, BaseMessage
from chatcore.output_parsers._reading import generation_of
from chatcore.outputs import Generation
from chatcore.prompt_values import PromptValue
from chatcore.runnables import Runnable, RunnableSerializable

__all__ = [
    "BaseGenerationOutputParser",
    "BaseLLMOutputParser",
    "BaseOutputParser",
    "LanguageModelOutput",
    "OutputParserLike",
]

T = TypeVar("T")

LanguageModelOutput = BaseMessage | str
"""What a parser reads: a message, or text."""


class BaseLLMOutputParser(ABC, Generic[T]):
    """Makes something of a model's answers.

    A subclass implements `parse_result`; it runs in a worker thread, so that it may block. One that has something to
    await overrides `aparse_result`.
    """

    # Parsers of this package compute and nothing else: a hop to a thread for each chunk would cost more than they do.
    _runs_in_loop: ClassVar[bool] = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "_runs_in_loop" not in vars(cls) and vars(cls).keys() & {"parse", "parse_result"}:
            cls._runs_in_loop = False

    @abstractmethod
    def parse_result(self, result: list[Generation], *, partial: bool = False) -> T:
        """Parse an answer.

        Args:
            result: the model's answers to one input, the best first.
            partial: whether the answer is still growing.

        Raises:
            OutputParserException: the answer is not what this parser is for.
        """

    async def aparse_result(self, result: list[Generation], *, partial: bool = False) -> T:
        """Parse an answer without blocking the loop. Arguments as for `parse_result`."""
        if self._runs_in_loop:
            return self.parse_result(result, partial=partial)
        return await in_thread(self.parse_result, result, partial=partial)


class _Parser(BaseLLMOutputParser[T], RunnableSerializable[LanguageModelOutput, T]):
    """A parser as a runnable: it reads a message or text."""

    _kind: ClassVar[str] = "parser"

    @property
    def InputType(self) -> Any:  # noqa: N802 - the reference's name
        """What it reads: text or a message."""
        return str | AnyMessage

    @property
    def OutputType(self) -> Any:  # noqa: N802 - the reference's name
        """What it makes: the first type argument of its class.

        Raises:
            TypeError: the class was given none.
        """
        for base in type(self).__mro__:
            arguments = getattr(base, "__pydantic_generic_metadata__", {}).get("args")
            # Further up are runnables, whose first argument is what they take.
            if arguments and issubclass(base, BaseLLMOutputParser):
                return arguments[0]
        msg = f"{type(self).__name__} does not say what it makes: override OutputType, or inherit from Parser[kind]."
        raise TypeError(msg)

    @opening
    async def _start(self, request: Request) -> AsyncGenerator[Response[T]]:
        yield Whole(await self.aparse_result([generation_of(request.input)]))


class BaseGenerationOutputParser(_Parser[T]):
    """A parser of answers with all that belongs to them; a subclass implements `parse_result`."""


class BaseOutputParser(_Parser[T]):
    """A parser of text; a subclass implements `parse`.

    ::

        class YesOrNo(BaseOutputParser[bool]):
            def parse(self, text: str) -> bool:
                match text.strip().lower():
                    case "yes" | "no" as said:
                        return said == "yes"
                raise OutputParserException(f"Neither yes nor no: {text}", llm_output=text)
    """

    @abstractmethod
    def parse(self, text: str) -> T:
        """Parse a text.

        Raises:
            OutputParserException: the text is not what this parser is for.
        """

    async def aparse(self, text: str) -> T:
        """Parse a text without blocking the loop."""
        return self.parse(text) if self._runs_in_loop else await in_thread(self.parse, text)

    def parse_result(self, result: list[Generation], *, partial: bool = False) -> T:  # noqa: ARG002 - for subclasses
        """Parse the text of the best answer."""
        return self.parse(result[0].text)

    def parse_with_prompt(self, completion: str, prompt: PromptValue) -> Any:  # noqa: ARG002 - for subclasses
        """Parse a text, knowing what was asked: for parsers that mend answers.

        Args:
            completion: the text.
            prompt: what the model was asked.
        """
        return self.parse(completion)

    def get_format_instructions(self) -> str:
        """What to tell a model for its answer to be such that this parser can read it.

        Raises:
            UnsupportedError: this parser has no such instructions.
        """
        msg = f"{type(self).__name__} has no format instructions: override get_format_instructions."
        raise UnsupportedError(msg)

    @property
    def _type(self) -> str:
        msg = f"_type property is not implemented in class {type(self).__name__}. `asdict` leaves it out then."
        raise UnsupportedError(msg)

    def asdict(self, **kwargs: Any) -> dict[str, Any]:
        """The parser's fields, and its `_type` if it has one.

        Args:
            **kwargs: what pydantic's `model_dump` takes.
        """
        fields = self.model_dump(**kwargs)
        with contextlib.suppress(NotImplementedError):
            fields["_type"] = self._type
        return fields


OutputParserLike = Runnable[LanguageModelOutput, T]
"""A runnable that reads what a model answers."""
