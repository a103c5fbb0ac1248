"""OpenAI's content parts with data in them."""

from __future__ import annotations

from typing import Any, Literal, cast

__all__ = ["is_openai_data_block"]

_KINDS = {"image_url": "image", "input_audio": "audio", "file": "file"}


def is_openai_data_block(block: dict[str, Any], filter_: Literal["image", "audio", "file"] | None = None) -> bool:
    """Whether a part of a message's content is an image, sound or file as OpenAI's chat completions take it.

    Args:
        block: the part.
        filter_: only this kind counts; None: all three.
    """
    kind = str(block.get("type"))
    if kind not in _KINDS or (filter_ is not None and _KINDS[kind] != filter_):
        return False
    given = block.get(kind)
    if not isinstance(given, dict):
        return False
    held = cast("dict[str, Any]", given)
    match kind:
        case "image_url":
            return set(block) <= {"type", "image_url", "detail"} and isinstance(held.get("url"), str)
        case "input_audio":
            return isinstance(held.get("data"), str) and isinstance(held.get("format"), str)
        case _:
            return isinstance(held.get("file_data"), str) or isinstance(held.get("file_id"), str)
