"""What a docstring says of a function and of each of its arguments, in any of the three styles.

Google style is read by the reference's rules, so that the model is told the same words; NumPy and Sphinx style, which
the reference takes for prose, by `docstring_parser`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from docstring_parser import DocstringStyle, ParseError, parse

from chatcore.errors import ConfigurationError

__all__ = ["Described", "describe"]

_NUMPY = re.compile(
    r"^(?:Parameters|Other Parameters|Attributes|Returns|Yields|Raises)[ \t]*\n-{3,}[ \t]*$", re.MULTILINE
)
_SPHINX = re.compile(
    r"^:(?:param|parameter|arg|argument|key|keyword|type|returns?|rtype|raises?)\b[^:\n]*:", re.MULTILINE
)
# Arguments that a caller's framework gives: a docstring may leave them out.
_UNDESCRIBED = frozenset({"run_manager", "callbacks", "runtime", "return"})


@dataclass(frozen=True, slots=True)
class Described:
    """A docstring, read.

    text: what it says of the whole.
    arguments: what it says of each argument, by name.
    google: whether the arguments stood in an `Args:` section, whose names must be the function's.
    """

    text: str = ""
    arguments: dict[str, str] = field(default_factory=dict[str, str])
    google: bool = False


def describe(docstring: str | None, arguments: list[str], *, error_on_invalid: bool = False) -> Described:
    """Read a docstring whose common indentation has been taken away.

    Args:
        docstring: as `inspect.getdoc` gives it.
        arguments: the names that it should describe.
        error_on_invalid: whether a docstring that describes no argument is an error, if there are any.

    Raises:
        ConfigurationError: the docstring is missing or describes no arguments, and that is asked for.
    """
    blocks = [block.rstrip() for block in re.split(r"\n[ \t]*\n", docstring or "")]
    first = next((number for number, block in enumerate(blocks) if block.startswith("Args:")), None)
    found = None
    if docstring and first is None:
        found = _parsed(docstring)
    if error_on_invalid:
        complete = bool(first) or (found is not None and bool(found.arguments))
        wanted = [name for name in arguments if name not in _UNDESCRIBED]
        if not docstring or (wanted and not complete):
            msg = (
                f"Found invalid Google-Style docstring: it should describe {', '.join(wanted) or 'the function'} in an "
                f"'Args:' section after an empty line, or in NumPy or Sphinx style. It is: {docstring!r}"
            )
            raise ConfigurationError(msg)
    if found is not None:
        return found
    text = " ".join(_until_sections(blocks[:first])).strip()
    if first is None:
        return Described(text)
    return Described(text, _google_arguments(_section(blocks[first:])), google=True)


def _until_sections(blocks: list[str]) -> list[str]:
    ends = (number for number, block in enumerate(blocks) if block.startswith(("Returns:", "Example:")))
    return blocks[: next(ends, None)]


def _section(blocks: list[str]) -> list[str]:
    """The lines of the section that the first block begins: what is indented after an empty line belongs to it."""
    lines = blocks[0].split("\n")[1:]
    for block in blocks[1:]:
        if not block.startswith((" ", "\t")):
            break
        lines += block.split("\n")
    return lines


def _google_arguments(lines: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    name: str | None = None
    # The first argument's indentation is every argument's: deeper lines go on with the one before, colons or not.
    indent: int | None = None
    for line in lines:
        text = line.strip()
        if not text:
            continue
        depth = len(line) - len(line.lstrip())
        if indent is None and ":" in text:
            indent = depth
        goes_on = name is not None and indent is not None and depth > indent
        if ":" in text and not goes_on:
            head, _, text = text.partition(":")
            name, _, kind = head.strip().partition(" ")
            if not (kind.startswith("(") and kind.endswith(")")):
                name = head.strip()
            found[name] = text.strip()
        elif name is not None:
            found[name] += f" {text}"
    return found


def _parsed(docstring: str) -> Described | None:
    style = (
        DocstringStyle.NUMPYDOC
        if _NUMPY.search(docstring)
        else DocstringStyle.REST
        if _SPHINX.search(docstring)
        else None
    )
    if style is None:
        return None
    try:
        read = parse(docstring, style=style)
    except ParseError:  # prose that looks like a field, then
        return None
    parts = (read.short_description, read.long_description)
    text = " ".join(block for part in parts if part for block in part.split("\n\n"))
    arguments = {
        name.strip().lstrip("*"): " ".join((param.description or "").split())
        for param in read.params
        for name in param.arg_name.split(",")
    }
    return Described(text.strip(), {name: said for name, said in arguments.items() if said})
