"""Blocks of langchain-core 0.x, which say where their data is by a `source_type`, as standard blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable

    from chatcore.messages.block_translators._blocks import Block

__all__ = ["from_input"]


def from_input(part: Block) -> Block | None:
    """The standard form of an image, audio or file block of langchain-core 0.x; None if the part is none."""
    if "source_type" not in part or part.get("type") not in {"image", "audio", "file"}:
        return None
    convert = _BY_SOURCE.get(cast("str", part["source_type"]))
    return convert(part) if convert is not None else None


def _from_url(part: Block) -> Block | None:
    if "url" not in part:
        return None
    return _completed({"type": part["type"], "url": part["url"]}, part, {"url"})


def _from_base64(part: Block) -> Block | None:
    if "data" not in part:
        return None
    return _completed({"type": part["type"], "base64": part["data"]}, part, {"data"})


def _from_file_id(part: Block) -> Block | None:
    # Here the id is the file's, not the block's.
    if "id" not in part:
        return None
    return _completed({"type": part["type"], "file_id": part["id"]}, part, {"id"}, own_id=False)


def _from_text(part: Block) -> Block | None:
    text = part.get("text", part.get("url"))
    if part["type"] != "file" or not isinstance(text, str):
        return None
    return _completed({"type": "text-plain", "text": text, "mime_type": "text/plain"}, part, {"text", "url"})


_BY_SOURCE: dict[str, Callable[[Block], Block | None]] = {
    "url": _from_url,
    "base64": _from_base64,
    "id": _from_file_id,
    "text": _from_text,
}


def _completed(block: Block, part: Block, read: set[str], *, own_id: bool = True) -> Block:
    """Complete `block` with what else `part` says: its id and mime type as such, all the rest as extras."""
    if own_id and "id" in part:
        block["id"] = part["id"]
    if part.get("mime_type"):
        block["mime_type"] = part["mime_type"]
    known = {"type", "source_type", "mime_type", "id", "extras", *read}
    extras: dict[str, Any] = {
        **part.get("extras", {}),
        **{key: value for key, value in part.items() if key not in known and value is not None},
    }
    if extras:
        block["extras"] = extras
    return block
