"""One line of a batch's input → what to ask. No I/O.

Two forms, which may be mixed in one file::

    {"id": "a", "input": "Why is the sky blue?", "settings": {"temperature": 0}, "metadata": {"topic": "physics"}}
    {"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": {"model": "...", "messages": [...]}}

The second is the input of OpenAI's batches (https://platform.openai.com/docs/api-reference/batch/request-input), as
vLLM's `run-batch` takes it. docs/batch.md is the users' description of both.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, TypeGuard, cast

import pydantic_core

from chatcore.errors import InvalidInputError
from chatcore.messages import convert_to_messages

__all__ = ["BadLine", "Line", "Prompt", "parse_line"]

_BOM = b"\xef\xbb\xbf"
_SIMPLE_KEYS = ("id", "input", "settings", "metadata")
_TRANSPORT = ("messages", "stream", "stream_options")
"""Keys of an OpenAI body that are no settings of the call; how an answer travels is the job's own affair."""


@dataclass(slots=True, kw_only=True)
class Line:
    """One line of the input, as far as it is known.

    number: counted from 1, blank lines included.
    id: the line's own, else `line-<number>`.
    openai: whether it came in OpenAI's form, and its result is to be written in that.
    metadata: what is to be copied to the result.
    """

    number: int
    id: str | int
    openai: bool = False
    metadata: Any = None


@dataclass(slots=True, kw_only=True)
class Prompt(Line):
    """A line that can be asked.

    input: text, or a list of messages.
    settings: of this call, over those of the model.
    attempts: how often it has been asked.
    """

    input: str | list[Any]
    settings: dict[str, Any] = field(default_factory=dict[str, Any])
    attempts: int = 0


@dataclass(slots=True, kw_only=True)
class BadLine(Line):
    """A line that cannot be asked.

    reason: what is wrong with it, and how it should be.
    """

    reason: str


def parse_line(number: int, raw: bytes) -> Prompt | BadLine | None:
    """What a line asks; None if it is blank.

    number: of the line, from 1.
    raw: its bytes; a line end may be there.
    """
    if number == 1:
        raw = raw.removeprefix(_BOM)
    if not raw.strip():
        return None
    try:
        given: Any = pydantic_core.from_json(raw, allow_inf_nan=False)
    except ValueError as error:
        return BadLine(number=number, id=_default_id(number), reason=_unreadable(raw, error))
    if not _is_object(given):
        return BadLine(
            number=number, id=_default_id(number), reason=f"A line must be a JSON object, not {_kind(given)}."
        )
    openai = "custom_id" in given or "body" in given
    name = given.get("custom_id") if openai else given.get("id")
    if not isinstance(name, str | int) or isinstance(name, bool):
        name = _default_id(number)
    metadata = None if openai else given.get("metadata")
    wrong = _wrong_in_openai(given) if openai else _wrong_in_simple(given)
    if wrong is not None:
        return BadLine(number=number, id=name, openai=openai, metadata=metadata, reason=wrong)
    asked = given["body"]["messages"] if openai else given["input"]
    settings = _settings(given["body"] if openai else given.get("settings") or {})
    return Prompt(number=number, id=name, openai=openai, metadata=metadata, input=asked, settings=settings)


def _wrong_in_simple(given: dict[str, Any]) -> str | None:
    name, asked, settings = given.get("id"), given.get("input"), given.get("settings")
    if isinstance(name, bool) or not isinstance(name, str | int | None):
        return f'"id" must be a string or a whole number, not {_kind(name)}.'
    if "input" not in given:
        return f'"input" is missing: give a string or a list of messages. The line has {_listed(given)}.'
    if not isinstance(asked, str | list):
        return f'"input" must be a string or a list of messages, not {_kind(asked)}.'
    if settings is not None and not _is_object(settings):
        return f'"settings" must be an object, not {_kind(settings)}.'
    unknown = [key for key in given if key not in _SIMPLE_KEYS]
    if unknown:
        # A setting at the wrong place, passed over in silence, would be found out after the whole batch.
        return f'Unknown {_listed(unknown)}: settings of the call go into "settings", your own data into "metadata".'
    return _wrong_in_messages(cast("object", asked))


def _wrong_in_openai(given: dict[str, Any]) -> str | None:
    name, method, url, body = (given.get(key) for key in ("custom_id", "method", "url", "body"))
    if not isinstance(name, str):
        return '"custom_id" is missing.' if name is None else f'"custom_id" must be a string, not {_kind(name)}.'
    if method not in (None, "POST"):
        return f'"method" must be "POST", not {method!r}.'
    if url is not None and not (isinstance(url, str) and url.endswith("/chat/completions")):
        return f'"url" must be "/v1/chat/completions", not {url!r}: only chat completions can be asked.'
    if not _is_object(body):
        return f'"body" must be an object with "messages", not {_kind(body)}.'
    if not isinstance(body.get("messages"), list):
        return f'"body" must have a list of "messages"; it has {_listed(body)}.'
    return _wrong_in_messages(body["messages"])


def _wrong_in_messages(asked: object) -> str | None:
    """What the model would say of them, said before it is asked; it is given them as they are."""
    if not isinstance(asked, list):
        return None
    if not asked:
        return "The list of messages is empty: there is nothing to ask."
    try:
        convert_to_messages(cast("list[Any]", asked))
    except InvalidInputError as error:
        return f"The line cannot be asked: {error}."
    except Exception as error:  # noqa: BLE001 - a line may hold anything, and stops no other
        return f"Its messages cannot be read: {type(error).__name__}: {error}."
    return None


def _settings(given: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in given.items() if key not in _TRANSPORT and value is not None}


def _default_id(number: int) -> str:
    return f"line-{number}"


def _unreadable(raw: bytes, error: ValueError) -> str:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as wrong:
        return f"The line is not UTF-8: byte 0x{raw[wrong.start]:02x} at offset {wrong.start}."
    return f"The line is not JSON: {error}."


def _listed(keys: Iterable[str]) -> str:
    return ", ".join(f'"{key}"' for key in keys) or "none"


def _kind(value: object) -> str:
    """A value's type by JSON's name for it."""
    for kind, name in _KINDS:
        if isinstance(value, kind):
            return name
    return "null"


_KINDS = (
    (bool, "a boolean"),
    (str, "a string"),
    (int | float, "a number"),
    (list, "a list"),
    (dict, "an object"),
)


def _is_object(value: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)  # what JSON makes has str for keys
