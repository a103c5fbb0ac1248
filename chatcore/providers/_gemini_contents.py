"""Messages → the `contents` and the `systemInstruction` of a request to Gemini. No I/O.

What Gemini answered goes back part by part, as it came. Everything else is written from standard blocks. Facts are from
https://ai.google.dev/api/caching#Content, and from the guides to function calling and to thought signatures there.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast
from urllib.parse import urlsplit

from chatcore.errors import InvalidInputError
from chatcore.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from chatcore.messages._json import read_json
from chatcore.messages._shapes import is_dict
from chatcore.messages._standard import standard_blocks
from chatcore.messages._tool_calls import parsed_call
from chatcore.messages.block_translators._blocks import as_base64, data_of_uri
from chatcore.providers._gemini import OUTCOMES, PROVIDER, SIGNATURES, is_generation_3, is_made
from chatcore.providers._history import is_in_shape_of, told_to_others
from chatcore.providers._wire import as_object, as_text, word
from chatcore.providers._wire_request import Where, extras_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["encode_messages"]

_OWN: Final = (PROVIDER, "google_vertexai")
"""Who writes content in Gemini's shape: the reference has two packages for it."""

UNSIGNED: Final = "skip_thought_signature_validator"
"""What stands for the signature of a call that no Gemini 3 has made, which such a model would refuse otherwise
(https://ai.google.dev/gemini-api/docs/thought-signatures)."""

_MEDIA: Final = frozenset({"image", "audio", "video", "file"})

_WIRE_KEYS: Final = frozenset(
    {
        *("text", "inlineData", "fileData", "functionCall", "functionResponse", "executableCode"),
        *("codeExecutionResult", "toolCall", "toolResponse", "thoughtSignature"),
        *("inline_data", "file_data", "function_call", "function_response", "executable_code"),
        *("code_execution_result", "tool_call", "tool_response", "thought_signature"),
    }
)
"""What makes a dict without a type a part as it is on the wire, which takes both forms of a key."""

_ROLES: Final = {
    **dict.fromkeys(("user", "human"), "user"),
    **dict.fromkeys(("model", "assistant", "ai"), "model"),
    **dict.fromkeys(("system", "developer"), "system"),
}

_MIME_TYPES: Final = {
    **dict.fromkeys(("jpg", "jpeg"), "image/jpeg"),
    **{kind: f"image/{kind}" for kind in ("png", "gif", "webp", "heic", "heif", "avif", "bmp")},
    "svg": "image/svg+xml",
    "tif": "image/tiff",
    "tiff": "image/tiff",
    **{kind: f"audio/{kind}" for kind in ("wav", "aac", "ogg", "flac", "aiff", "opus")},
    "mp3": "audio/mpeg",
    "m4a": "audio/mp4",
    "aif": "audio/aiff",
    **{kind: f"video/{kind}" for kind in ("mp4", "mpeg", "webm", "mov", "avi", "wmv", "mpg")},
    "flv": "video/x-flv",
    "3gp": "video/3gpp",
    "mov": "video/quicktime",
    "pdf": "application/pdf",
    "json": "application/json",
    "rtf": "application/rtf",
    "xml": "text/xml",
    "txt": "text/plain",
    "md": "text/markdown",
    "csv": "text/csv",
    "html": "text/html",
    "htm": "text/html",
    "css": "text/css",
    "js": "text/javascript",
    "py": "text/x-python",
}
"""What a file is by the end of its name: the kinds that Gemini reads."""

_OF_KIND: Final = {"image": "image/jpeg", "audio": "audio/mpeg", "video": "video/mp4"}
"""What media of a kind are if nothing says so: Vertex AI wants a type."""

_BEGINNINGS: Final = {
    "iVBORw0KGgo": "image/png",
    "/9j/": "image/jpeg",
    "R0lGOD": "image/gif",
    "JVBERi0": "application/pdf",
    "SUQz": "audio/mpeg",
    "T2dnUw": "audio/ogg",
    "ZkxhQ": "audio/flac",
}
"""What data are, by how their base64 begins."""

_FILES: Final = "https://generativelanguage.googleapis.com/v1beta/"
"""Where an uploaded file is that is known by its name, "files/..."."""


def encode_messages(
    messages: Sequence[BaseMessage], *, model: str = "", has_instruction: bool = True
) -> dict[str, Any]:
    """`contents`, and `systemInstruction` if there is a system message.

    Neighbours of one role are one content; but results of calls stand apart from what a user says.

    model: whom it is for.
    has_instruction: whether it knows a `systemInstruction`.

    Raises `InvalidInputError` for an empty list, and for a message or block that cannot be sent, naming its position.
    """
    if not messages:
        msg = "There is no message to send: the input is an empty list. Give at least one message."
        raise InvalidInputError(msg)
    written = _Contents(model)
    for position, message in enumerate(messages):
        written.add(message, position)
    contents, system = written.contents, written.system
    if system and (not contents or not has_instruction or "gemma-" in model.lower()):
        # Gemma knows no instruction, and nobody answers an instruction alone: it is told by the user.
        first = contents[:1] if contents and contents[0]["role"] == "user" else []
        told = {"role": "user", "parts": [*system, *(first[0]["parts"] if first else ())]}
        contents, system = [told, *contents[len(first) :]], []
    if is_generation_3(model):
        _sign(contents)
    body: dict[str, Any] = {"contents": contents}
    return {**body, "systemInstruction": {"parts": system}} if system else body


def _sign(contents: list[dict[str, Any]]) -> None:
    """Mark calls that lack a signature since no Gemini made them: the first of each step of the current turn."""
    for content in reversed(contents):
        parts: list[dict[str, Any]] = content["parts"]
        if content["role"] == "user":
            if not any("functionResponse" in part for part in parts):
                return
            continue
        first = next((part for part in parts if "functionCall" in part), None)
        if first is not None and not (first.get("thoughtSignature") or first.get("thought_signature")):
            first["thoughtSignature"] = UNSIGNED


class _Contents:
    """The contents so far."""

    __slots__ = ("_holds_results", "_model", "_names", "contents", "system")

    def __init__(self, model: str) -> None:
        self.contents: list[dict[str, Any]] = []
        self.system: list[dict[str, Any]] = []
        self._model = model
        # Which tool was called, by the call's id.
        self._names: dict[str, str] = {}
        self._holds_results = False

    def add(self, message: BaseMessage, position: int) -> None:
        if isinstance(message, AIMessage):
            for call in (*message.tool_calls, *message.invalid_tool_calls):
                if call["id"] and call["name"]:
                    self._names[call["id"]] = call["name"]
            self._append("model", _Answer(message, position).parts)
        elif isinstance(message, ToolMessage | FunctionMessage):
            self._append("user", self._result(message, position), results=True)
        else:
            role = _role(message, position)
            parts = _parts(message.content, position, message.type)
            if role == "system":
                self.system.extend(parts)
            else:
                self._append(role, parts)

    def _append(self, role: str, parts: list[dict[str, Any]], *, results: bool = False) -> None:
        if not parts:
            return
        last = self.contents[-1] if self.contents else None
        if last is not None and last["role"] == role and self._holds_results == results:
            last["parts"].extend(parts)
        else:
            self.contents.append({"role": role, "parts": parts})
        self._holds_results = results

    def _result(self, message: ToolMessage | FunctionMessage, position: int) -> list[dict[str, Any]]:
        """What a call has given. Images and files stand in it, or beside it for models that look for them there."""
        call_id = message.tool_call_id if isinstance(message, ToolMessage) else ""
        name = self._names.get(call_id) or message.name or message.additional_kwargs.get("name")
        if not name:
            msg = (
                f"Message {position} ({message.type}) is the result of a call {call_id!r} that no earlier message "
                "makes, and Gemini knows results by their tool: give the message the tool's name as name=."
            )
            raise InvalidInputError(msg)
        response: dict[str, Any] = {"name": name}
        if call_id and not is_made(call_id):
            response["id"] = call_id
        content: Any = message.content
        media: list[dict[str, Any]] = []
        if not isinstance(content, str):
            parts = _parts(content, position, message.type)
            texts = [part["text"] for part in parts if part.keys() == {"text"}]
            media = [part for part in parts if part.keys() != {"text"}]
            content = "\n".join(texts) if texts or not media else None
        failed = isinstance(message, ToolMessage) and message.status == "error"
        response["response"] = _response(content, failed=failed)
        if media and is_generation_3(self._model):
            response["parts"] = media
            media = []
        return [{"functionResponse": response}, *media]


def _response(content: str | None, *, failed: bool) -> dict[str, Any]:
    """What a tool gave, as the object that Gemini wants it to be."""
    if content is None:
        return {}
    value: Any = content
    if content.lstrip()[:1] in ("{", "["):
        try:
            value = read_json(content)
        except ValueError:
            value = content
    if is_dict(value) and not failed:
        return value
    # The keys that Gemini looks for.
    return {"error" if failed else "output": value}


def _role(message: BaseMessage, position: int) -> str:
    if isinstance(message, ChatMessage):
        role = _ROLES.get(message.role)
        if role is None:
            msg = f"Message {position} has the role {message.role!r}: Gemini knows {sorted(_ROLES)}."
            raise InvalidInputError(msg)
        return role
    for kind, role in ((HumanMessage, "user"), (SystemMessage, "system")):
        if isinstance(message, kind):
            return role
    msg = f"Message {position} is a {type(message).__name__}, which is not a message that a model can be sent."
    raise InvalidInputError(msg)


# --------------------------------------------------------------------------------------------------- what a user says


def _parts(content: Any, position: int, role: str) -> list[dict[str, Any]]:
    """Content of anybody but the model."""
    if isinstance(content, str):
        return [{"text": content}]
    parts: list[dict[str, Any]] = []
    for block in cast("Sequence[Any]", content):
        if isinstance(block, str):
            parts.append({"text": block})
        elif block.keys() != {"cachePoint"}:
            parts.append(_part(block, Where(position, role, block)))
    return parts


def _part(block: dict[str, Any], where: Where) -> dict[str, Any]:
    if "type" not in block:
        return _verbatim(block, where)
    if block["type"] == "media":
        return _given_media(block, where)
    if block["type"] == "image_url" and isinstance(block.get("image_url"), str):
        block = {**block, "type": "image", "url": block["image_url"]}
    standard = cast("dict[str, Any]", standard_blocks([block])[0])
    kind = standard["type"]
    if kind == "text":
        if not isinstance(standard.get("text"), str):
            raise where.error("its 'text' must be a str")
        return {"text": standard["text"]}
    if kind == "text-plain" and isinstance(standard.get("text"), str):
        return {"text": standard["text"]}
    if kind in _MEDIA or kind == "text-plain":
        return {**_media(standard, where), **_looked_at(standard)}
    value: Any = standard.get("value")
    if kind == "non_standard" and is_dict(value) and "type" not in value:
        return _verbatim(value, where)
    raise where.error("Gemini takes text, images, audio, video and files; write what it says as text")


def _verbatim(part: dict[str, Any], where: Where) -> dict[str, Any]:
    """A part as it is on the wire."""
    if not part.keys() & _WIRE_KEYS:
        raise where.error("it has no 'type', and is no part of Gemini's: give {'type': 'text', 'text': ...}")
    return part


def _media(block: dict[str, Any], where: Where) -> dict[str, Any]:
    """Data, or where they are: a URL that Gemini loads itself, or a file that was uploaded to it."""
    data: Any = block.get("base64") or block.get("data")
    mime_type: Any = block.get("mime_type")
    url: Any = block.get("file_id") or block.get("url") or block.get("id")
    if not data and isinstance(url, str) and (embedded := data_of_uri(url)) is not None:
        data, mime_type = embedded["base64"], mime_type or embedded["mime_type"]
    if data and isinstance(data, str | bytes):
        data = as_base64(data)
        mime_type = mime_type or _mime_type_of_data(data) or _OF_KIND.get(block["type"])
        if not mime_type:
            raise where.error("Gemini wants to know what its base64 holds: give its 'mime_type'")
        return {"inlineData": {"mimeType": mime_type, "data": data}}
    if not isinstance(url, str) or not url:
        raise where.error("it has neither 'base64' nor 'url' nor 'file_id'")
    file = {"fileUri": f"{_FILES}{url}" if url.startswith("files/") else url}
    mime_type = mime_type or _mime_type_of_url(url, block["type"])
    return {"fileData": {**file, "mimeType": mime_type} if mime_type else file}


def _mime_type_of_data(data: str) -> str | None:
    if data.startswith("UklGR"):  # RIFF, of which the ninth byte on says what it is
        return (
            "audio/wav" if data[10:].startswith(("XQVZF", "FXQVZF", "BXQVZF")) or "V0FWR" in data[:24] else "image/webp"
        )
    return next((mime_type for begins, mime_type in _BEGINNINGS.items() if data.startswith(begins)), None)


def _mime_type_of_url(url: str, kind: str) -> str | None:
    parts = urlsplit(url)
    if parts.hostname and parts.hostname.removeprefix("www.").removeprefix("m.") in ("youtube.com", "youtu.be"):
        return "video/mp4"
    return _MIME_TYPES.get(parts.path.rpartition(".")[2].lower()) or _OF_KIND.get(kind)


def _looked_at(block: dict[str, Any]) -> dict[str, Any]:
    """How media are to be looked at: which part of a video, how closely."""
    said: dict[str, Any] = {}
    extras = extras_of(block)
    for key, camel in (("video_metadata", "videoMetadata"), ("media_resolution", "mediaResolution")):
        value: Any = next((each[name] for each in (block, extras) for name in (key, camel) if each.get(name)), None)
        if value is not None and key == "media_resolution" and not is_dict(value):
            level = str(value).upper()
            value = {"level": level if level.startswith("MEDIA_") else f"MEDIA_RESOLUTION_{level}"}
        if value is not None:
            said[camel] = value
    return said


def _given_media(block: dict[str, Any], where: Where) -> dict[str, Any]:
    """The reference's block for any media."""
    uri = block.get("file_uri")
    kind = str(block.get("mime_type") or "").partition("/")[0]
    given = {
        "type": kind if kind in _OF_KIND else "file",
        "data": block.get("data"),
        "mime_type": block.get("mime_type"),
    }
    if uri:
        given["url"] = uri
    return {**_media(given, where), **_looked_at(block)}


# ------------------------------------------------------------------------------------------------- what the model said


_AnyCall = TypeVar("_AnyCall", bound="Mapping[str, Any]")


def _by_id(calls: Sequence[_AnyCall]) -> dict[Any, _AnyCall]:
    """Calls by their ids, or by their place where an id is missing or repeats: none is lost."""
    sorted_out: dict[Any, _AnyCall] = {}
    for position, call in enumerate(calls):
        key = call.get("id") or position
        sorted_out[position if key in sorted_out else key] = call
    return sorted_out


class _Answer:
    """The parts of an earlier answer, of whichever model."""

    __slots__ = ("_calls", "_invalid", "_own", "_position", "_signatures", "parts")

    def __init__(self, message: AIMessage, position: int) -> None:
        self.parts: list[dict[str, Any]] = []
        self._position = position
        self._own = message.response_metadata.get("model_provider") in _OWN
        self._signatures = as_object(message.additional_kwargs.get(SIGNATURES)) if self._own else {}
        self._calls = _by_id(message.tool_calls)
        self._invalid = _by_id(message.invalid_tool_calls)
        if is_in_shape_of(message, *_OWN):
            content: Any = message.content
        else:
            content = message.content_blocks if self._own else told_to_others(message)
        for block in [content] if isinstance(content, str) else content:
            part = {"text": block} if isinstance(block, str) and block else self._part(block) if block else None
            if part is not None:
                self.parts.append(part)
        while self._calls or self._invalid:
            self.parts.append(self._call(next(iter((*self._calls, *self._invalid)))))
        self._add_legacy_call(message)

    def _part(self, block: dict[str, Any]) -> dict[str, Any] | None:
        where = Where(self._position, "ai", block)
        if "type" not in block:
            return _verbatim(block, where)
        kind = word(block["type"]) or ""
        read = _BLOCKS.get(kind)
        if read is not None:
            part = read(self, block)
        elif kind == "non_standard":
            value = as_object(block.get("value"))
            is_block = word(value.get("type")) in _BLOCKS
            part = self._part(value) if is_block else _verbatim(value, where) if value else None
        elif kind in ("media", "image_url") or kind in _MEDIA or kind == "text-plain":
            part = _part({key: value for key, value in block.items() if key not in ("extras", "index")}, where)
        else:
            raise where.error("it is none of Gemini's; remove it from the message")
        if part is None or not self._own or "functionCall" in part:
            return part
        extras = extras_of(block)
        beside = {key: extras[key] for key in ("thought", "videoMetadata", "mediaResolution") if extras.get(key)}
        signature = block.get("signature") or block.get("thought_signature") or extras.get("signature")
        return {**part, **beside, **({"thoughtSignature": signature} if signature else {})}

    def text(self, block: dict[str, Any]) -> dict[str, Any] | None:
        text = block.get("text")
        signed = self._own and (extras_of(block).get("signature") or block.get("thought_signature"))
        return {"text": text or ""} if text or signed else None

    def thought(self, block: dict[str, Any]) -> dict[str, Any] | None:
        """What Gemini thought; what others thought, it is not told."""
        if not self._own:
            return None
        return {"text": block.get("thinking") or block.get("reasoning") or "", "thought": True}

    def call_block(self, block: dict[str, Any]) -> dict[str, Any] | None:
        call_id = block.get("id")
        if not isinstance(call_id, str | None):
            return None
        if call_id in self._calls or call_id in self._invalid:
            return self._call(call_id)
        # One that has been told, or that the message's own list of calls no longer has.
        return None

    def _call(self, key: Any) -> dict[str, Any]:
        if key in self._calls:
            call = self._calls.pop(key)
            call_id = call["id"]
            function: dict[str, Any] = {"name": call["name"], "args": call["args"]}
        else:
            invalid = self._invalid.pop(key)
            call_id = invalid["id"]
            # Only objects can be sent: what a model wrote that is none is shown to it as what it is.
            function = {"name": invalid["name"] or "", "args": {"unreadable_arguments": invalid["args"] or ""}}
        if call_id and not is_made(call_id):
            function["id"] = call_id
        part: dict[str, Any] = {"functionCall": function}
        signature = self._signatures.get(key)
        return {**part, "thoughtSignature": signature} if signature else part

    def _add_legacy_call(self, message: AIMessage) -> None:
        function: Any = message.additional_kwargs.get("function_call")
        if not is_dict(function) or message.tool_calls or message.invalid_tool_calls:
            return
        arguments: Any = function.get("arguments")
        parsed = parsed_call(
            function.get("name"), arguments if isinstance(arguments, str) else as_text(arguments), None
        )
        args: Any = parsed.get("args")
        args = args if is_dict(args) else {"unreadable_arguments": args or ""}
        self.parts.append({"functionCall": {"name": parsed["name"] or "", "args": args}})

    def code(self, block: dict[str, Any]) -> dict[str, Any] | None:
        code = {"language": block.get("language"), "code": block.get("executable_code")}
        return {"executableCode": _with_id(code, block.get("id"))}

    def code_result(self, block: dict[str, Any]) -> dict[str, Any] | None:
        result = {"outcome": _outcome(block.get("outcome")), "output": block.get("code_execution_result")}
        return {"codeExecutionResult": _with_id(result, block.get("tool_call_id"))}

    def server_call(self, block: dict[str, Any]) -> dict[str, Any] | None:
        name = str(block.get("name"))
        args = as_object(block.get("args"))
        if name == "code_interpreter":
            code = {"language": str(args.get("language") or "PYTHON").upper(), "code": args.get("code")}
            return {"executableCode": _with_id(code, block.get("id"))}
        if name == "media_processing":
            return None  # told for information: Gemini refuses to hear of it again
        return {"toolCall": _with_id({"toolType": name.upper(), "args": args}, block.get("id"))}

    def server_result(self, block: dict[str, Any]) -> dict[str, Any] | None:
        extras = extras_of(block)
        kind = extras.get("block_type")
        if kind in (None, "code_execution_result"):
            outcome = extras.get("outcome", 1 if block.get("status") == "success" else 2)
            output = block.get("output")
            text = output if isinstance(output, str) else as_text(output)
            return {
                "codeExecutionResult": _with_id(
                    {"outcome": _outcome(outcome), "output": text}, block.get("tool_call_id")
                )
            }
        if kind == "media_processing":
            return None
        return {
            "toolResponse": _with_id(
                {"toolType": str(kind).upper(), "response": block.get("output")}, block.get("tool_call_id")
            )
        }

    def file(self, block: dict[str, Any]) -> dict[str, Any] | None:
        mime_type = block.get("mime_type")
        return {"fileData": {"fileUri": block.get("file_uri"), **({"mimeType": mime_type} if mime_type else {})}}

    def image(self, block: dict[str, Any]) -> dict[str, Any] | None:
        image = block.get("image_url")
        url = image.get("url") if is_dict(image) else image
        return _media({"type": "image", "url": url}, Where(self._position, "ai", block))

    def nothing(self, _block: dict[str, Any]) -> dict[str, Any] | None:
        return None


_BLOCKS: Final[dict[Any, Callable[[_Answer, dict[str, Any]], dict[str, Any] | None]]] = {
    "text": _Answer.text,
    "thinking": _Answer.thought,
    "reasoning": _Answer.thought,
    **dict.fromkeys(
        ("function_call", "tool_call", "tool_call_chunk", "invalid_tool_call", "tool_use"), _Answer.call_block
    ),
    "function_call_signature": _Answer.nothing,
    "executable_code": _Answer.code,
    "code_execution_result": _Answer.code_result,
    "server_tool_call": _Answer.server_call,
    "server_tool_result": _Answer.server_result,
    "file_data": _Answer.file,
    "image_url": _Answer.image,
}


def _with_id(fields: dict[str, Any], own_id: Any) -> dict[str, Any]:
    """Fields with the id that Gemini gave; one that was made here, it does not know."""
    said = {key: value for key, value in fields.items() if value is not None}
    return {**said, "id": own_id} if own_id and not is_made(own_id) and not _UUID.fullmatch(str(own_id)) else said


_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""The form of an id that the reference makes for code that has none."""


def _outcome(outcome: Any) -> Any:
    """How code ended: the reference has numbers."""
    if isinstance(outcome, int) and not isinstance(outcome, bool) and 0 <= outcome < len(OUTCOMES):
        return OUTCOMES[outcome]
    return outcome if isinstance(outcome, str) else OUTCOMES[0]
