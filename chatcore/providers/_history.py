"""An earlier answer, told to a provider that did not write it. No I/O.

What a provider answered goes back to it as it came: with signatures, encrypted reasoning, and the tools that it ran
itself. Another provider would refuse these; it is told what was said and what was called, and what those tools gave,
as text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from chatcore.messages._shapes import is_dict, is_list
from chatcore.messages.block_translators import anthropic
from chatcore.providers._wire import as_text

if TYPE_CHECKING:
    from chatcore.messages import AIMessage

__all__ = ["is_in_shape_of", "told_to_others"]

_SEALED: Final = frozenset(
    {"encrypted_content", "encrypted_index", "encrypted_stdout", "redacted_content", "signature", "thoughtSignature"}
)
"""Keys of what a provider's own tool gave that only this provider can read."""

_MEDIA: Final = frozenset({"image", "audio", "video", "file", "text-plain"})

_OF_MEDIA: Final = ("type", "mime_type", "url", "base64", "text", "title", "filename")

_MAX_DEPTH: Final = 50


def is_in_shape_of(message: AIMessage, *providers: str) -> bool:
    """Whether an answer is one of these providers', and its content in that provider's own shape.

    False for content in standard blocks (`output_version="v1"`), whoever wrote it.
    """
    said = message.response_metadata
    return said.get("model_provider") in providers and said.get("output_version") != "v1"


def told_to_others(message: AIMessage) -> list[dict[str, Any]]:
    """What an answer says, in standard blocks that any provider can be told; in its order, each call once.

    - `text`: neighbours are one; citations are left out. A refusal, the transcript of what was spoken, and the calls
      and results of tools that ran at the provider are text, too.
    - `tool_call`, `invalid_tool_call`: with their own ids
    - `reasoning`: its text alone, for whoever takes another's reasoning; nothing is signed or encrypted
    - `image`, `audio`, `video`, `file`, `text-plain`: with their data or URL; one that only its provider can load, by
      an id, is left out
    """
    told = _Told()
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
    blocks = cast("list[dict[str, Any]]", message.content_blocks)
    if "model_provider" not in message.response_metadata and any(block["type"] == "non_standard" for block in blocks):
        # Who wrote it, nobody says: older messages of Anthropic's do not, and no other has blocks of such names.
        return cast("list[dict[str, Any]]", anthropic.translate_content(message))
    return blocks


class _Told:
    """The blocks told so far."""

    __slots__ = ("_names", "blocks", "has_text")

    def __init__(self) -> None:
        self.blocks: list[dict[str, Any]] = []
        self.has_text = False
        self._names: dict[str, str] = {}

    def add(self, block: dict[str, Any]) -> None:
        kind = block.get("type")
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
        """What a tool was asked, or gave, on a line of its own."""
        said = _unsealed(said)
        shown = said if isinstance(said, str) else "" if said in (None, [], {}) else as_text(said)
        begins = "" if not self.has_text else "\n"
        self.say(f"{begins}[{what}: {shown}]\n" if shown else f"{begins}[{what}]\n")

    def _show(self, block: dict[str, Any]) -> None:
        kept: dict[str, Any] = {key: block[key] for key in _OF_MEDIA if key in block}
        if any(kept.get(key) for key in ("url", "base64", "text")):
            self.blocks.append(kept)


def _unsealed(value: Any, depth: int = 0) -> Any:
    """What a provider's tool gave, without what only that provider can read."""
    if depth > _MAX_DEPTH:
        return None
    if is_dict(value):
        sealed = {*_SEALED, "data"} if value.get("type") == "base64" else _SEALED
        return {key: _unsealed(item, depth + 1) for key, item in value.items() if key not in sealed}
    return [_unsealed(item, depth + 1) for item in value] if is_list(value) else value
