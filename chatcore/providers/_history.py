"""An earlier answer, told to a provider that did not write it. No I/O.

What a provider answered goes back to it as it came: with signatures, encrypted reasoning, and the tools that it ran
itself. Another provider would refuse these; it is told what was said and what was called, and what those tools gave,
as text.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, cast

import pydantic_core

from chatcore.messages._shapes import is_dict, is_list
from chatcore.messages._standard import UNREADABLE
from chatcore.messages.block_translators import anthropic
from chatcore.providers._wire import word
from chatcore.providers._wire_request import extras_of

if TYPE_CHECKING:
    from collections.abc import Container

    from chatcore.messages import AIMessage

__all__ = ["is_in_shape_of", "told_to_others"]

_SEALED: Final = frozenset(
    {"encrypted_content", "encrypted_index", "encrypted_stdout", "redacted_content", "signature", "thoughtSignature"}
)
"""Keys of what a provider's own tool gave that only this provider can read."""

_MEDIA: Final = frozenset({"image", "audio", "video", "file", "text-plain"})

_OF_MEDIA: Final = ("type", "mime_type", "url", "base64", "filename")

_MAX_DEPTH: Final = 50


def is_in_shape_of(message: AIMessage, *providers: str) -> bool:
    """Whether an answer is one of these providers', and its content in that provider's own shape.

    False for content in standard blocks (`output_version="v1"`), whoever wrote it.
    """
    said = message.response_metadata
    return said.get("model_provider") in providers and said.get("output_version") != "v1"


def told_to_others(message: AIMessage, *, media: Container[str] = ()) -> list[dict[str, Any]]:
    """What an answer says, in standard blocks that any provider can be told; in its order, each call once.

    media: of `image`, `audio`, `video` and `file`, what the provider takes in an answer; of others a text says that
        there was one.

    - `text`: neighbours are one; citations are left out. A refusal, the transcript of what was spoken, and the calls
      and results of tools that ran at the provider are text, too.
    - `tool_call`, `invalid_tool_call`: with their own ids
    - `reasoning`: its text alone, for whoever takes another's reasoning; nothing is signed or encrypted
    - media: with their data or URL; one that only its provider can load, by an id, is left out
    """
    told = _Told(media)
    for block in _standard(message):
        told.add(block)
    beside = message.additional_kwargs
    audio: Any = beside.get("audio")
    if is_dict(audio):
        told.say(audio.get("transcript"))
    if not told.has_text:
        told.say(beside.get("refusal"))
    return told.blocks


def _standard(message: AIMessage) -> list[dict[str, Any]]:
    given = cast("list[Any]", message.content_blocks)
    blocks = [block if is_dict(block) else {"type": "text", "text": block} for block in given]
    if "model_provider" not in message.response_metadata and any(
        block.get("type") == "non_standard" for block in blocks
    ):
        # Who wrote it, nobody says: older messages of Anthropic's do not, and no other has blocks of such names.
        with suppress(*UNREADABLE):
            return cast("list[dict[str, Any]]", anthropic.translate_content(message))
    return blocks


class _Told:
    """The blocks told so far."""

    __slots__ = ("_media", "_names", "blocks", "has_text")

    def __init__(self, media: Container[str]) -> None:
        self._media = media
        self.blocks: list[dict[str, Any]] = []
        self.has_text = False
        self._names: dict[str, str] = {}

    def add(self, block: dict[str, Any]) -> None:
        kind = word(block.get("type"))
        if kind == "text":
            self.say(block.get("text"))
        elif kind == "reasoning":
            if isinstance(text := block.get("reasoning"), str) and text:
                self.blocks.append({"type": "reasoning", "reasoning": text})
        elif kind == "tool_call":
            self.blocks.append({key: block.get(key) for key in ("type", "name", "args", "id")})
        elif kind == "invalid_tool_call":
            self.blocks.append({key: block.get(key) for key in ("type", "name", "args", "id", "error")})
        elif kind == "server_tool_call":
            name = str(block.get("name") or "a tool")
            self._names[str(block.get("id"))] = name
            self._note(f"Called {name}", block.get("args"))
        elif kind == "server_tool_result":
            name = self._names.get(str(block.get("tool_call_id")), "a tool")
            failed = block.get("status") == "error"
            self._note(f"{'Error of' if failed else 'Result of'} {name}", block.get("output"))
        elif kind in _MEDIA:
            self._show(block)
        elif kind == "non_standard" and is_dict(value := block.get("value")):
            self.say(value.get("text") or value.get("refusal"))

    def say(self, text: Any) -> None:
        """What was said, beside what was said just before."""
        if not text or not isinstance(text, str):
            return
        self.has_text = True
        if self.blocks and self.blocks[-1]["type"] == "text":
            self.blocks[-1]["text"] += text
        else:
            self.blocks.append({"type": "text", "text": text})

    def _note(self, what: str, said: Any) -> None:
        """What a tool was asked, or gave."""
        said = _unsealed(said)
        shown = said if isinstance(said, str) else "" if said in (None, [], {}) else _as_json(said)
        self._say_apart(f"[{what}: {shown}]" if shown else f"[{what}]")

    def _show(self, block: dict[str, Any]) -> None:
        kept: dict[str, Any] = {key: block[key] for key in _OF_MEDIA if key in block}
        spoken = block.get("transcript") or extras_of(block).get("transcript")
        if spoken:
            self.say(spoken)
        elif block["type"] == "text-plain" and block.get("text"):
            self._say_apart(str(block["text"]))
        elif block["type"] not in self._media:
            url = kept.get("url")
            is_link = isinstance(url, str) and url.startswith("http")
            self._say_apart(f"[{block['type']}: {url if is_link else kept.get('mime_type') or 'data'}]")
        elif kept.get("url") or kept.get("base64"):
            self.blocks.append(kept)

    def _say_apart(self, text: str) -> None:
        """What nobody has said, on a line of its own."""
        self.say(f"\n{text}\n" if self.has_text else f"{text}\n")


def _as_json(value: Any) -> str:
    try:
        return pydantic_core.to_json(value, bytes_mode="base64", inf_nan_mode="constants", fallback=str).decode()
    except ValueError:  # half a character, say: a user may have put anything there
        return str(value)


def _unsealed(value: Any, depth: int = 0) -> Any:
    """What a provider's tool gave, without what only that provider can read."""
    if depth > _MAX_DEPTH:
        return None
    if is_dict(value):
        sealed = {*_SEALED, "data"} if value.get("type") == "base64" else _SEALED
        return {key: _unsealed(item, depth + 1) for key, item in value.items() if key not in sealed}
    return [_unsealed(item, depth + 1) for item in value] if is_list(value) else value
