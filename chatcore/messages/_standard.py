"""Reading a message's parts, in whichever shape they came, as standard content blocks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

from chatcore.messages._shapes import is_dict
from chatcore.messages.content import KNOWN_BLOCK_TYPES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from chatcore.messages.content import ContentBlock, InvalidToolCall

__all__ = ["reasoning_block", "standard_blocks", "tool_blocks"]

_DATA_URI = re.compile(r"data:(?P<mime_type>[^;]+);base64,(?P<data>.+)", re.DOTALL)


def standard_blocks(content: str | Sequence[str | dict[Any, Any]]) -> list[ContentBlock]:
    """Read content as standard blocks; what has no standard form is kept whole, as `non_standard`.

    Understood besides the standard blocks themselves: the parts of OpenAI's chat completions (`image_url`,
    `input_audio`, `file`; https://platform.openai.com/docs/api-reference/chat/create) and the blocks of langchain-core
    0.x, which say where their data is by a `source_type`.
    """
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return [
        {"type": "text", "text": part} if isinstance(part, str) else cast("ContentBlock", _standard(part))
        for part in content
    ]


def tool_blocks(
    content: str | Sequence[Any],
    tool_calls: Sequence[Mapping[str, Any]],
    invalid_tool_calls: Sequence[InvalidToolCall],
) -> list[ContentBlock]:
    """The blocks of a message's tool calls, but for those that its content already holds as blocks."""
    held: set[Any] = set()
    if tool_calls and not isinstance(content, str):
        held = {part.get("id") for part in content if is_dict(part) and part.get("type") == "tool_call"}
    found: list[ContentBlock] = [
        {"type": "tool_call", "id": call.get("id"), "name": call["name"], "args": call["args"]}
        for call in tool_calls
        if call.get("id") not in held
    ]
    found.extend({**call, "type": "invalid_tool_call"} for call in invalid_tool_calls)
    return found


def reasoning_block(additional_kwargs: Mapping[str, Any]) -> list[ContentBlock]:
    """The reasoning that came beside the content, as one block; none if there is none."""
    reasoning = additional_kwargs.get("reasoning_content")
    return [{"type": "reasoning", "reasoning": reasoning}] if isinstance(reasoning, str) else []


def _standard(part: dict[str, Any]) -> dict[str, Any]:
    kind = part.get("type")
    if kind == "non_standard" and isinstance(part.get("value"), dict):
        converted = _converted(part["value"])
        return part if converted is None else converted
    if (converted := _converted(part)) is not None:
        return converted
    if kind in KNOWN_BLOCK_TYPES and "source_type" not in part:
        return part
    return {"type": "non_standard", "value": part}


def _converted(part: dict[str, Any]) -> dict[str, Any] | None:
    """The standard form of a part in a foreign shape; None if it has none."""
    kind = part.get("type")
    if "source_type" in part and kind in {"image", "audio", "file"}:
        convert = _BY_SOURCE.get(cast("str", part["source_type"]))
        return convert(part) if convert is not None else None
    by_kind = _OPENAI.get(cast("str", kind))
    return by_kind(part) if by_kind is not None else None


def _image_url(part: dict[str, Any]) -> dict[str, Any] | None:
    image: Any = part.get("image_url")
    # Any other key says that this is not OpenAI's part but something like it.
    if not (part.keys() <= {"type", "image_url", "detail"} and is_dict(image)):
        return None
    url = image.get("url")
    if not isinstance(url, str):
        return None
    data = _from_data_uri(url) or {"url": url}
    nested = {key if key == "detail" else f"image_url_{key}": value for key, value in image.items() if key != "url"}
    return _with_extras({"type": "image", **data}, part, {"image_url"}, nested)


def _input_audio(part: dict[str, Any]) -> dict[str, Any] | None:
    audio: Any = part.get("input_audio")
    if not is_dict(audio):
        return None
    data, audio_format = audio.get("data"), audio.get("format")
    if not (isinstance(data, str) and isinstance(audio_format, str)):
        return None
    nested = {f"audio_{key}": value for key, value in audio.items() if key not in {"data", "format"}}
    block = {"type": "audio", "base64": data, "mime_type": f"audio/{audio_format}"}
    return _with_extras(block, part, {"input_audio"}, nested)


def _file(part: dict[str, Any]) -> dict[str, Any] | None:
    file: Any = part.get("file")
    if not is_dict(file):
        return None
    if isinstance(file.get("file_id"), str):
        data = {"file_id": file["file_id"]}
    elif isinstance(file.get("file_data"), str) and (found := _from_data_uri(file["file_data"])):
        data = found
    else:
        return None
    nested = {
        key if key == "filename" and "file_id" not in data else f"file_{key}": value
        for key, value in file.items()
        if key not in ({"file_id"} if "file_id" in data else {"file_data"})
    }
    return _with_extras({"type": "file", **data}, part, {"file"}, nested)


def _from_url(part: dict[str, Any]) -> dict[str, Any] | None:
    if "url" not in part:
        return None
    return _with_extras({"type": part["type"], "url": part["url"]}, part, {"url"})


def _from_base64(part: dict[str, Any]) -> dict[str, Any] | None:
    if "data" not in part:
        return None
    return _with_extras({"type": part["type"], "base64": part["data"]}, part, {"data"})


def _from_file_id(part: dict[str, Any]) -> dict[str, Any] | None:
    # Here the id is the file's, not the block's.
    if "id" not in part:
        return None
    return _with_extras({"type": part["type"], "file_id": part["id"]}, part, {"id"}, own_id=False)


def _from_text(part: dict[str, Any]) -> dict[str, Any] | None:
    text = part.get("text", part.get("url"))
    if part["type"] != "file" or not isinstance(text, str):
        return None
    return _with_extras({"type": "text-plain", "text": text, "mime_type": "text/plain"}, part, {"text", "url"})


_OPENAI: dict[str, Callable[[dict[str, Any]], dict[str, Any] | None]] = {
    "image_url": _image_url,
    "input_audio": _input_audio,
    "file": _file,
}
_BY_SOURCE: dict[str, Callable[[dict[str, Any]], dict[str, Any] | None]] = {
    "url": _from_url,
    "base64": _from_base64,
    "id": _from_file_id,
    "text": _from_text,
}


def _with_extras(
    block: dict[str, Any],
    part: dict[str, Any],
    read: set[str],
    nested: dict[str, Any] | None = None,
    *,
    own_id: bool = True,
) -> dict[str, Any]:
    """Complete `block` with what else `part` says: its id and mime type as such, all the rest as extras."""
    if own_id and "id" in part:
        block["id"] = part["id"]
    if part.get("mime_type"):
        block["mime_type"] = part["mime_type"]
    known = {"type", "source_type", "mime_type", "id", "extras", *read}
    extras = {
        **part.get("extras", {}),
        **{key: value for key, value in part.items() if key not in known and value is not None},
        **{key: value for key, value in (nested or {}).items() if value is not None},
    }
    if extras:
        block["extras"] = extras
    return block


def _from_data_uri(uri: str) -> dict[str, Any] | None:
    found = _DATA_URI.fullmatch(uri)
    return {"base64": found["data"], "mime_type": found["mime_type"]} if found else None
