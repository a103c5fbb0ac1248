"""A message's content blocks → those of a request to Amazon Bedrock's Converse API. No I/O.

Written are blocks in the wire's own shape (as they are), in the shape that `_bedrock_converse` gives an answer's,
standard blocks, and through these the shapes of other providers:
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ContentBlock.html
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections import deque
from typing import TYPE_CHECKING, Any, Final, cast

import pydantic_core

from chatcore.errors import InvalidInputError
from chatcore.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from chatcore.messages._shapes import is_dict, is_list
from chatcore.messages._standard import standard_blocks
from chatcore.providers._bedrock_converse import CITATION_KEYS, PROVIDER
from chatcore.providers._history import told_to_others
from chatcore.providers._wire import as_object, as_text, word
from chatcore.providers._wire_request import Source, Where, extras_of, is_block

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["MAX_DEPTH", "PLACEHOLDER", "Writer", "as_json", "family_of", "is_blank"]

PLACEHOLDER: Final = "."
"""What stands where the wire wants a text and the message has none; the reference sends the same."""

NAMELESS: Final = "unknown"
"""What a call is called whose name never came."""

FAMILIES: Final = frozenset(
    {
        "ai21", "amazon", "anthropic", "cohere", "deepseek", "google", "luma", "meta", "minimax", "mistral", "moonshot",
        "moonshotai", "nvidia", "openai", "qwen", "stability", "twelvelabs", "writer", "xai", "zai",
    }
)  # fmt: skip
"""Who made the models, as their ids say it."""

_BLOCKS: Final = frozenset(
    {
        "audio", "cachePoint", "citationsContent", "document", "guardContent", "image", "json", "reasoningContent",
        "searchResult", "text", "toolAddition", "toolRemoval", "toolResult", "toolUse", "video",
    }
)  # fmt: skip
"""The kinds of content blocks of the wire; a block has one of these keys."""

_REFUSES_REASONING: Final = ("deepseek.r1",)
"""Models that refuse the reasoning of their own earlier answers."""

_IMAGES_APART: Final = frozenset({"anthropic", "amazon", "meta"})
"""Families that take images inside the results of tools; for others they stand behind."""

MAX_DEPTH: Final = 100


def family_of(model: str) -> str | None:
    """Who made a model, by its id: `"anthropic"` of `"us.anthropic.claude-sonnet-4-5-20250929-v1:0"`.

    None for what does not say it: the ARNs of provisioned models, imported ones and application inference profiles.
    """
    parts = model.rpartition("/")[2].lower().split(".")
    return next((part for part in parts if part in FAMILIES), None)


def is_blank(block: dict[str, Any]) -> bool:
    text = block.get("text")
    return isinstance(text, str) and not text.strip() and len(block) == 1


class Writer:
    """What is written of a conversation's blocks depends on the blocks before: ids and names that must differ."""

    __slots__ = ("_family", "_ids", "_model", "_names", "_taken", "_unnamed")

    def __init__(self, model: str, family: str | None) -> None:
        self._model = model.lower()
        self._family = family
        self._ids: dict[str, str] = {}
        self._taken: set[str] = set()
        self._names: dict[str, int] = {}
        # Ids that calls without one were given, and that no result has taken yet.
        self._unnamed: deque[str] = deque()

    def content(self, message: BaseMessage, position: int) -> list[dict[str, Any]]:
        """A message's blocks as the wire's."""
        if isinstance(message, AIMessage):
            return self._answer(message, position)
        blocks = self.blocks(message.content, message, position)
        return self._result(message, blocks) if isinstance(message, ToolMessage) else blocks

    def _result(self, message: ToolMessage, blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
        images_apart = self._family is not None and self._family not in _IMAGES_APART
        inside: list[dict[str, Any]] = []
        behind: list[dict[str, Any]] = []
        for block in blocks:
            is_behind = "cachePoint" in block or (images_apart and "image" in block)
            (behind if is_behind else inside).append(block)
        if message.tool_call_id not in self._ids and self._unnamed:
            # Of a provider that names no calls: results come in the order of the calls.
            self._ids[message.tool_call_id] = self._unnamed.popleft()
        result = {
            "toolUseId": self.tool_id(message.tool_call_id),
            "content": [block for block in inside if not is_blank(block)] or [{"text": PLACEHOLDER}],
            "status": message.status,
        }
        return [{"toolResult": result}, *behind]

    def _answer(self, message: AIMessage, position: int) -> list[dict[str, Any]]:
        content = self._said(message)
        blocks = self.blocks(content, message, position)
        said = {word(call.get("toolUseId")): call for block in blocks if is_dict(call := block.get("toolUse"))}
        # The content repeats the calls; where it has one without an id, it has them all.
        has_unnamed = any(is_dict(block) and block.get("type") in _CALLS and not block.get("id") for block in content)
        calls: list[tuple[str | None, Any, str | None]] = [
            *((call["name"], call["args"], call["id"]) for call in message.tool_calls),
            *((call["name"], None, call["id"]) for call in message.invalid_tool_calls),
        ]
        raw = {call["id"]: call["args"] for call in message.invalid_tool_calls}
        for name, args, call_id in calls:
            if not call_id and has_unnamed:
                continue
            tool_use_id = self.tool_id(call_id)
            if tool_use_id not in said:
                given = _partial(raw.get(call_id)) if args is None else args
                blocks.append({"toolUse": {"toolUseId": tool_use_id, "name": name or NAMELESS, "input": given}})
            elif args is not None:
                # What is to be believed, if somebody has changed it.
                said[tool_use_id].update(name=name, input=args)
        return blocks

    def _said(self, message: AIMessage) -> list[Any]:
        """What an answer's content is to this model: that of its own kind as it is, of others what they said."""
        wrote = message.response_metadata.get("model_provider")
        if wrote not in _OWN:
            told = [block for block in told_to_others(message) if block["type"] in _TOLD]
            if wrote == "anthropic" and self._family == "anthropic":
                # Signatures of Claude's hold on every platform:
                # https://docs.claude.com/en/docs/build-with-claude/extended-thinking
                blocks = cast("list[dict[str, Any]]", message.content_blocks)
                told[:0] = [block for block in blocks if "signature" in extras_of(block)]
            return told
        content = _parts(message.content)
        source = family_of(str(message.response_metadata.get("model_name") or ""))
        is_refused = any(name in self._model for name in _REFUSES_REASONING)
        if is_refused or (source and self._family and source != self._family):
            return [block for block in content if not _is_reasoning(block)]
        return content

    def tool_id(self, given: str | None) -> str:
        """An id of a call that the wire takes, `[a-zA-Z0-9_.:-]{1,64}`: the same for the same, else another."""
        if not given:
            self._unnamed.append(f"call-{len(self._taken)}")
            self._taken.add(self._unnamed[-1])
            return self._unnamed[-1]
        found = self._ids.get(given)
        if found is None:
            found = given if _TOOL_ID.fullmatch(given) else _FOREIGN.sub("_", given)[:64]
            if found in self._taken:
                found = f"{found[:51]}-{hashlib.sha256(given.encode('utf-8', 'replace')).hexdigest()[:12]}"
            self._ids[given] = found
            self._taken.add(found)
        return found

    def document_name(self, given: str | None) -> str:
        """A name of a document that the wire takes, and that no other document of the request has."""
        name = _NOT_IN_NAMES.sub("-", (given or "document").rpartition("/")[2])
        name = re.sub(r"\s+", " ", name).strip()[:190] or "document"
        seen = self._names[name] = self._names.get(name, 0) + 1
        return name if seen == 1 else f"{name}-{seen}"

    def blocks(self, content: Any, message: BaseMessage, position: int) -> list[dict[str, Any]]:
        blocks: list[dict[str, Any]] = []
        for part in _parts(content):
            where = Where(position, message.type, part)
            blocks.extend(self._block(part, where))
            mark = part.get("cache_control") if is_dict(part) else None
            if is_dict(mark):
                blocks.append(_cache_point(mark))
        return blocks

    def _block(self, part: Any, where: Where) -> list[dict[str, Any]]:
        if isinstance(part, str):
            return [{"text": part}]
        if not is_dict(part):
            raise where.error("a block is text or a dict, such as {'type': 'text', 'text': '...'} or {'text': '...'}")
        if "type" not in part:
            return [_verbatim(part, where)]
        write = _WRITERS.get(part["type"]) if isinstance(part["type"], str) else None
        if write is None:
            standard = cast("dict[str, Any]", standard_blocks([part])[0])
            write = _WRITERS.get(standard["type"])
            if write is None or standard["type"] == "non_standard":
                kinds = "text, image, video, audio, file, tool_use, tool_result, or one of the wire's own"
                raise where.error(f"Converse has no such block; it has {kinds}, such as {{'guardContent': ...}}")
            part = standard
        block = write(self, part, where)
        return [] if block is None else [block]


def _parts(content: Any) -> list[Any]:
    return [content] if isinstance(content, str) else content


_OWN: Final = (None, PROVIDER, "bedrock")
"""Who writes in this wire's shape: Converse, the reference's older class of the name, and users."""

_TOLD: Final = frozenset({"text", "tool_call", "invalid_tool_call"})

_REASONING: Final = frozenset({"reasoning", "reasoning_content", "thinking", "redacted_thinking"})


def _is_reasoning(block: Any) -> bool:
    return is_dict(block) and (block.get("type") in _REASONING or "reasoningContent" in block)


_TOOL_ID: Final = re.compile(r"[a-zA-Z0-9_.:-]{1,64}")
_FOREIGN: Final = re.compile(r"[^a-zA-Z0-9_.:-]")
_NOT_IN_NAMES: Final = re.compile(r"[^\w\s()\[\]-]|_", re.ASCII)


# --------------------------------------------------------------------------------------------------------------- blocks


def _verbatim(block: dict[str, Any], where: Where) -> dict[str, Any]:
    """A block in the wire's own shape."""
    if not block or not block.keys() <= _BLOCKS:
        why = f"it has neither a 'type' nor only a key of the wire's blocks ({', '.join(sorted(_BLOCKS))})"
        raise where.error(why)
    plain: dict[str, Any] = as_json(block)
    return plain


def _text(_: Writer, block: dict[str, Any], where: Where) -> dict[str, Any] | None:
    text = block.get("text")
    if not isinstance(text, str):
        raise where.error("its 'text' must be a str")
    citations = block.get("citations")
    # Other providers' have no source_content, nor a location of the wire's.
    if not is_list(citations) or not all(
        is_dict(citation) and ("source_content" in citation or is_dict(citation.get("location")))
        for citation in citations
    ):
        return {"text": text}
    cited: dict[str, Any] = {}
    if is_list(block.get("parts")):
        cited["content"] = block["parts"]
    elif text:
        cited["content"] = [{"text": text}]
    cited["citations"] = [_wire_keys(citation) for citation in citations]
    return {"citationsContent": cited}


def _wire_keys(value: Any, depth: int = 0) -> Any:
    if depth < MAX_DEPTH and is_dict(value):
        return {_CITATION_NAMES.get(key, key): _wire_keys(item, depth + 1) for key, item in value.items()}
    return [_wire_keys(item, depth + 1) for item in value] if depth < MAX_DEPTH and is_list(value) else value


_CITATION_NAMES: Final = {ours: theirs for theirs, ours in CITATION_KEYS.items()}


def _plain_text(writer: Writer, block: dict[str, Any], where: Where) -> dict[str, Any] | None:
    if not isinstance(block.get("text"), str):
        return _file(writer, {**block, "mime_type": block.get("mime_type") or "text/plain"}, where)
    if not (block.get("title") or block.get("context") or extras_of(block)):
        return {"text": block["text"]}
    return {"document": _document(writer, block, "txt", {"text": block["text"]})}


def _non_standard(writer: Writer, block: dict[str, Any], where: Where) -> dict[str, Any] | None:
    value = block.get("value")
    if is_block(value) and (write := _WRITERS.get(value["type"])) is not None and write is not _non_standard:
        return write(writer, value, where)
    if not is_dict(value):
        raise where.error("its 'value' must be the block to send, such as {'guardContent': ...}")
    if where.role == "ai":
        # What Converse answered, it knows, though we do not.
        return as_json(value) or None
    return _verbatim(value, where)


def _json(_: Writer, block: dict[str, Any], where: Where) -> dict[str, Any]:
    if "json" not in block:
        raise where.error("it must have its value under 'json'")
    return {"json": as_json(block["json"])}


def _tool_use(writer: Writer, block: dict[str, Any], where: Where) -> dict[str, Any]:
    given = block.get("args") if block["type"] in _STANDARD_CALLS else block.get("input")
    del where
    name = block.get("name")
    call: dict[str, Any] = {
        "toolUseId": writer.tool_id(_id(block.get("id"))),
        "name": name if name and isinstance(name, str) else NAMELESS,
        "input": _partial(given) if given is None or isinstance(given, str) else as_json(given),
    }
    if block["type"] in _SERVER_CALLS:
        call["type"] = "server_tool_use"
    return {"toolUse": call}


_CALLS: Final = frozenset({"tool_use", "tool_call", "invalid_tool_call", "server_tool_use", "server_tool_call"})
_STANDARD_CALLS: Final = frozenset({"tool_call", "invalid_tool_call", "tool_call_chunk", "server_tool_call"})
_SERVER_CALLS: Final = frozenset({"server_tool_use", "server_tool_call"})


def _tool_result(writer: Writer, block: dict[str, Any], where: Where) -> dict[str, Any]:
    content = (
        block.get("output") if block["type"] == "server_tool_result" and "output" in block else block.get("content")
    )
    status = block.get("status") or ("error" if block.get("is_error") else "success")
    message = HumanMessage([])
    if content is None or content == "":
        inside: list[dict[str, Any]] = []
    elif isinstance(content, str) or is_list(content):
        inside = writer.blocks(content, message, where.position)
    else:
        inside = [{"json": as_json(content)}]
    result: dict[str, Any] = {
        "toolUseId": writer.tool_id(_id(block.get("tool_use_id") or block.get("tool_call_id"))),
        "content": [part for part in inside if not is_blank(part)] or [{"text": PLACEHOLDER}],
        "status": status,
    }
    if isinstance(kind := block.get("result_type") or extras_of(block).get("result_type"), str):
        result["type"] = kind
    return {"toolResult": result}


def _id(given: Any) -> str | None:
    return given if isinstance(given, str) else None


def _partial(args: Any) -> Any:
    """Arguments as an object: the beginning of what can be read of arguments that are none."""
    if not isinstance(args, str):
        return {}
    try:
        value: Any = pydantic_core.from_json(args, allow_partial="trailing-strings")
    except ValueError:
        return {}
    return value if is_dict(value) else {}


def _reasoning(_: Writer, block: dict[str, Any], where: Where) -> dict[str, Any] | None:
    """Reasoning in this wire's, the standard or Anthropic's shape; None where there is nothing to send."""
    del where
    said = {**extras_of(block), **as_object(block.get("reasoning_content"))}
    redacted = said.get("redacted_content") or (block.get("data") if block["type"] == "redacted_thinking" else None)
    if redacted:
        return {"reasoningContent": {"redactedContent": as_json(redacted)}}
    text = said.get("text") or block.get("reasoning") or block.get("thinking") or ""
    signature = said.get("signature") or block.get("signature")
    if not text and not signature:
        return None
    reasoning = {"text": text, "signature": signature} if signature else {"text": text}
    return {"reasoningContent": {"reasoningText": reasoning}}


def _guard(_: Writer, block: dict[str, Any], where: Where) -> dict[str, Any]:
    said = as_object(block.get("guard_content"))
    text = block.get("text", said.get("text"))
    if is_dict(text) or "image" in said:
        return {"guardContent": as_json(said)}
    if not isinstance(text, str):
        raise where.error("its 'text' must be a str")
    return {"guardContent": {"text": {"text": text}}}


def _search_result(_: Writer, block: dict[str, Any], where: Where) -> dict[str, Any]:
    parts = block.get("content")
    if not is_list(parts) or not all(is_dict(part) and isinstance(part.get("text"), str) for part in parts):
        raise where.error("its 'content' must be a list of texts, [{'text': '...'}]")
    result: dict[str, Any] = {
        "source": block.get("source") or "",
        "title": block.get("title") or "",
        "content": [{"text": part["text"]} for part in parts],
    }
    if is_dict(block.get("citations")) and "enabled" in block["citations"]:
        result["citations"] = {"enabled": block["citations"]["enabled"]}
    return {"searchResult": result}


def _cache_point(mark: Mapping[str, Any]) -> dict[str, Any]:
    """Anthropic's mark of what to cache, as the block that follows it here. Five minutes are what it means unsaid."""
    point = {"type": "default"}
    if mark.get("ttl") not in (None, "5m"):
        point["ttl"] = mark["ttl"]
    return {"cachePoint": point}


# ---------------------------------------------------------------------------------------------------------------- media

_FORMATS: Final[dict[str, dict[str, str]]] = {
    "image": {"image/png": "png", "image/jpeg": "jpeg", "image/jpg": "jpeg", "image/gif": "gif", "image/webp": "webp"},
    "video": {
        "video/x-matroska": "mkv",
        "video/mkv": "mkv",
        "video/quicktime": "mov",
        "video/mov": "mov",
        "video/mp4": "mp4",
        "video/webm": "webm",
        "video/x-flv": "flv",
        "video/flv": "flv",
        "video/mpeg": "mpeg",
        "video/mpg": "mpg",
        "video/wmv": "wmv",
        "video/x-ms-wmv": "wmv",
        "video/3gpp": "three_gp",
        "video/three_gp": "three_gp",
    },
    "audio": {
        "audio/mpeg": "mp3",
        "audio/mp3": "mp3",
        "audio/wav": "wav",
        "audio/x-wav": "wav",
        "audio/wave": "wav",
        "audio/aac": "aac",
        "audio/flac": "flac",
        "audio/x-flac": "flac",
        "audio/mp4": "mp4",
        "audio/ogg": "ogg",
        "audio/opus": "opus",
        "audio/x-m4a": "m4a",
        "audio/m4a": "m4a",
        "audio/webm": "webm",
        "audio/pcm": "pcm",
    },
    "document": {
        "application/pdf": "pdf",
        "text/csv": "csv",
        "application/msword": "doc",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
        "application/vnd.ms-excel": "xls",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
        "text/html": "html",
        "text/plain": "txt",
        "text/markdown": "md",
        "text/x-markdown": "md",
    },
}
"""The wire's names of formats, by media type."""

_DATA_URL: Final = re.compile(r"data:([^;,]*)(?:;[^,]*)?;base64,(.*)", re.DOTALL)


def _medium(kind: str) -> Callable[[Writer, dict[str, Any], Where], dict[str, Any] | None]:
    def write(_: Writer, block: dict[str, Any], where: Where) -> dict[str, Any]:
        if is_dict(block.get(kind)):
            return {kind: as_json(block[kind])}
        mime_type, source = _place(block, where)
        return {kind: {"format": _format(kind, mime_type, where), "source": source}}

    return write


def _file(writer: Writer, block: dict[str, Any], where: Where) -> dict[str, Any]:
    if is_dict(block.get("document")):
        return {"document": as_json(block["document"])}
    if is_dict(block.get("file")):
        standard = cast("dict[str, Any]", standard_blocks([block])[0])
        if standard["type"] != "file" or "file" in standard:
            raise where.error("a file is sent as 'base64' with its 'mime_type'")
        block = standard
    source = as_object(block.get("source"))
    if source.get("type") in ("text", "content"):
        text = source.get("data", source.get("content"))
        return {"document": _document(writer, block, "txt", {"text": text if isinstance(text, str) else as_text(text)})}
    mime_type, place = _place(block, where)
    for other in ("image", "video", "audio"):
        if mime_type is not None and mime_type.startswith(f"{other}/"):
            return {other: {"format": _format(other, mime_type, where), "source": place}}
    return {"document": _document(writer, block, _format("document", mime_type, where), place)}


def _document(writer: Writer, block: dict[str, Any], form: str, source: dict[str, Any]) -> dict[str, Any]:
    extras = {**extras_of(block), **as_object(block.get("metadata"))}
    named = (holder.get(key) for holder in (block, extras) for key in ("name", "filename", "title"))
    name = next((name for name in named if isinstance(name, str) and name), None)
    document: dict[str, Any] = {"format": form, "name": writer.document_name(name), "source": source}
    context = block.get("context") or extras.get("context")
    if isinstance(context, str):
        document["context"] = context
    citations = block.get("citations") or extras.get("citations")
    if is_dict(citations) and isinstance(citations.get("enabled"), bool):
        document["citations"] = {"enabled": citations["enabled"]}
    return document


def _place(block: dict[str, Any], where: Where) -> tuple[str | None, dict[str, Any]]:
    """The media type of a block's data, and where it is."""
    given = as_object(block.get("source"))
    if given.get("type") == "s3Location" or is_dict(given.get("s3Location")):
        place = given.get("s3Location") or given.get("data")
        return given.get("media_type"), {"s3Location": {"uri": place} if isinstance(place, str) else as_json(place)}
    source = Source(block)
    data: Any = source.data if source.data is not None else given.get("bytes")
    url: Any = source.url or source.file_id
    if isinstance(url, str) and (found := _DATA_URL.fullmatch(url)) is not None:
        return found[1] or source.mime_type, {"bytes": found[2]}
    if data is not None and isinstance(data, str | bytes):
        return source.mime_type, {"bytes": as_json(data)}
    if isinstance(url, str) and url.startswith("s3://"):
        place = {"uri": url}
        if isinstance(owner := extras_of(block).get("bucket_owner"), str):
            place["bucketOwner"] = owner
        return source.mime_type or _guessed(url), {"s3Location": place}
    raise where.error("Bedrock loads nothing from the web: give 'base64' with 'mime_type', or an 's3://...' 'url'")


_ENDINGS: Final = {"jpg": "jpeg", "htm": "html", "3gp": "three_gp"}


def _guessed(url: str) -> str | None:
    """The media type of a file in S3, by the ending of its name."""
    ending = url.rpartition(".")[2].lower()
    form = _ENDINGS.get(ending, ending)
    return next((mime for formats in _FORMATS.values() for mime, name in formats.items() if name == form), None)


def _format(kind: str, mime_type: Any, where: Where) -> str:
    formats = _FORMATS[kind]
    if not isinstance(mime_type, str):
        raise where.error(f"its data needs its 'mime_type', such as {next(iter(formats))!r}")
    plain = mime_type.partition(";")[0].strip().lower()
    found = formats.get(plain)
    if found is None and kind == "document" and (plain.startswith("text/") or plain == "application/xml"):
        return "txt"
    if found is None and plain.partition("/")[2] in formats.values():
        found = plain.partition("/")[2]
    if found is None:
        raise where.error(f"Converse takes no {kind} of the type {mime_type!r}; it takes {', '.join(formats)}")
    return found


_WRITERS: Final[dict[str, Callable[[Writer, dict[str, Any], Where], dict[str, Any] | None]]] = {
    "text": _text,
    "text-plain": _plain_text,
    "non_standard": _non_standard,
    "json": _json,
    **dict.fromkeys(("tool_use", "server_tool_use"), _tool_use),
    **dict.fromkeys(("tool_call", "invalid_tool_call", "server_tool_call"), _tool_use),
    **dict.fromkeys(("tool_result", "server_tool_result"), _tool_result),
    **dict.fromkeys(("reasoning_content", "reasoning", "thinking", "redacted_thinking"), _reasoning),
    "guard_content": _guard,
    "search_result": _search_result,
    "image": _medium("image"),
    "video": _medium("video"),
    "audio": _medium("audio"),
    **dict.fromkeys(("file", "document"), _file),
}


def as_json(value: Any, depth: int = 0) -> Any:
    """A value in which bytes, as boto3 takes them, are the base64 text that the wire has."""
    if isinstance(value, bytes | bytearray):
        return base64.b64encode(value).decode("ascii")
    if depth > MAX_DEPTH:
        msg = f"A block or setting is nested more than {MAX_DEPTH} deep, or holds itself: it cannot be sent."
        raise InvalidInputError(msg)
    if is_dict(value):
        return {key: as_json(item, depth + 1) for key, item in value.items()}
    if is_list(value):
        return [as_json(item, depth + 1) for item in value]
    return value
