"""Content blocks: one vocabulary for what a message holds, whichever provider it came from.

A message's `content` is a string or a list of parts in the provider's own shape; `message.content_blocks` reads either
as a list of the blocks below. Each block is a plain dict (a `TypedDict`) told apart by its `type`:

| type | what it is |
|---|---|
| `text` | text, with citations where the provider gave them |
| `reasoning` | what a reasoning model thought, or the summary of it |
| `image`, `audio`, `video`, `file`, `text-plain` | data, by `url`, `base64` (with `mime_type`) or `file_id` |
| `tool_call`, `tool_call_chunk`, `invalid_tool_call` | a call the model asks for: whole, in part, unreadable |
| `server_tool_call`, `server_tool_call_chunk`, `server_tool_result` | a tool the provider ran by itself |
| `non_standard` | anything else, kept verbatim under `value` |

What a provider adds to a standard block goes under its `extras`. The names and keys are those of langchain-core 1.7
(`langchain_core.messages.content`).
"""

# ruff: noqa: I002 - who asks a block's class for its keys and their types shall find types, not their texts

from typing import Any, Literal, NotRequired, cast
from uuid import uuid4

# pydantic reads TypedDicts of `typing` only from Python 3.12 on; typing_extensions comes with pydantic.
from typing_extensions import TypedDict

__all__ = [
    "KNOWN_BLOCK_TYPES",
    "LC_AUTO_PREFIX",
    "LC_ID_PREFIX",
    "Annotation",
    "AudioContentBlock",
    "Citation",
    "ContentBlock",
    "DataContentBlock",
    "FileContentBlock",
    "ImageContentBlock",
    "InvalidToolCall",
    "NonStandardAnnotation",
    "NonStandardContentBlock",
    "PlainTextContentBlock",
    "ReasoningContentBlock",
    "ServerToolCall",
    "ServerToolCallChunk",
    "ServerToolResult",
    "TextContentBlock",
    "ToolCall",
    "ToolCallChunk",
    "ToolContentBlock",
    "VideoContentBlock",
    "create_audio_block",
    "create_citation",
    "create_file_block",
    "create_image_block",
    "create_non_standard_block",
    "create_plaintext_block",
    "create_reasoning_block",
    "create_text_block",
    "create_tool_call",
    "create_video_block",
    "ensure_id",
    "is_data_content_block",
]


class Citation(TypedDict):
    """Where a stretch of the answer comes from.

    start_index, end_index: the stretch, as offsets into the text of the *answer*.
    cited_text: what the source says there.
    """

    type: Literal["citation"]
    id: NotRequired[str]
    url: NotRequired[str]
    title: NotRequired[str]
    start_index: NotRequired[int]
    end_index: NotRequired[int]
    cited_text: NotRequired[str]
    extras: NotRequired[dict[str, Any]]


class NonStandardAnnotation(TypedDict):
    """An annotation that only its provider knows, verbatim under `value`."""

    type: Literal["non_standard_annotation"]
    id: NotRequired[str]
    value: dict[str, Any]


Annotation = Citation | NonStandardAnnotation
"""What may stand under a text block's `annotations`."""


class TextContentBlock(TypedDict):
    """Text, with the citations that belong to it."""

    type: Literal["text"]
    id: NotRequired[str]
    text: str
    annotations: NotRequired[list[Annotation]]
    index: NotRequired[int | str]
    extras: NotRequired[dict[str, Any]]


class ToolCall(TypedDict):
    """A call that the model asks for, as a block of content.

    id: what the tool's answer names as its `tool_call_id`.
    """

    type: Literal["tool_call"]
    id: str | None
    name: str
    args: dict[str, Any]
    index: NotRequired[int | str]
    extras: NotRequired[dict[str, Any]]


class ToolCallChunk(TypedDict):
    """A part of a tool call, as it streams in; `args` is a stretch of JSON text."""

    type: Literal["tool_call_chunk"]
    id: str | None
    name: str | None
    args: str | None
    index: NotRequired[int | str]
    extras: NotRequired[dict[str, Any]]


class InvalidToolCall(TypedDict):
    """A tool call whose arguments cannot be read; `args` is their raw text, `error` says what is wrong with it."""

    type: Literal["invalid_tool_call"]
    id: str | None
    name: str | None
    args: str | None
    error: str | None
    index: NotRequired[int | str]
    extras: NotRequired[dict[str, Any]]


class ServerToolCall(TypedDict):
    """A tool call that the provider runs by itself (web search, code execution)."""

    type: Literal["server_tool_call"]
    id: str
    name: str
    args: dict[str, Any]
    index: NotRequired[int | str]
    extras: NotRequired[dict[str, Any]]


class ServerToolCallChunk(TypedDict):
    """A part of a server tool call, as it streams in."""

    type: Literal["server_tool_call_chunk"]
    name: NotRequired[str]
    args: NotRequired[str]
    id: NotRequired[str]
    index: NotRequired[int | str]
    extras: NotRequired[dict[str, Any]]


class ServerToolResult(TypedDict):
    """What a tool that the provider ran has answered."""

    type: Literal["server_tool_result"]
    id: NotRequired[str]
    tool_call_id: str
    status: Literal["success", "error"]
    output: NotRequired[Any]
    index: NotRequired[int | str]
    extras: NotRequired[dict[str, Any]]


class ReasoningContentBlock(TypedDict):
    """What a reasoning model thought, or the provider's summary of it."""

    type: Literal["reasoning"]
    id: NotRequired[str]
    reasoning: NotRequired[str]
    index: NotRequired[int | str]
    extras: NotRequired[dict[str, Any]]


class ImageContentBlock(TypedDict):
    """An image, by `url`, `base64` (with `mime_type`) or the provider's `file_id`."""

    type: Literal["image"]
    id: NotRequired[str]
    file_id: NotRequired[str]
    mime_type: NotRequired[str]
    index: NotRequired[int | str]
    url: NotRequired[str]
    base64: NotRequired[str]
    extras: NotRequired[dict[str, Any]]


class VideoContentBlock(TypedDict):
    """A video, by `url`, `base64` (with `mime_type`) or the provider's `file_id`."""

    type: Literal["video"]
    id: NotRequired[str]
    file_id: NotRequired[str]
    mime_type: NotRequired[str]
    index: NotRequired[int | str]
    url: NotRequired[str]
    base64: NotRequired[str]
    extras: NotRequired[dict[str, Any]]


class AudioContentBlock(TypedDict):
    """Sound, by `url`, `base64` (with `mime_type`) or the provider's `file_id`."""

    type: Literal["audio"]
    id: NotRequired[str]
    file_id: NotRequired[str]
    mime_type: NotRequired[str]
    index: NotRequired[int | str]
    url: NotRequired[str]
    base64: NotRequired[str]
    extras: NotRequired[dict[str, Any]]


class PlainTextContentBlock(TypedDict):
    """A plain-text document to read (not something said: that is a `text` block)."""

    type: Literal["text-plain"]
    id: NotRequired[str]
    file_id: NotRequired[str]
    mime_type: Literal["text/plain"]
    index: NotRequired[int | str]
    url: NotRequired[str]
    base64: NotRequired[str]
    text: NotRequired[str]
    title: NotRequired[str]
    context: NotRequired[str]
    extras: NotRequired[dict[str, Any]]


class FileContentBlock(TypedDict):
    """Any other file (a PDF, say), by `url`, `base64` (with `mime_type`) or the provider's `file_id`."""

    type: Literal["file"]
    id: NotRequired[str]
    file_id: NotRequired[str]
    mime_type: NotRequired[str]
    index: NotRequired[int | str]
    url: NotRequired[str]
    base64: NotRequired[str]
    extras: NotRequired[dict[str, Any]]


class NonStandardContentBlock(TypedDict):
    """A part that only its provider knows, verbatim under `value`."""

    type: Literal["non_standard"]
    id: NotRequired[str]
    value: dict[str, Any]
    index: NotRequired[int | str]


DataContentBlock = ImageContentBlock | VideoContentBlock | AudioContentBlock | PlainTextContentBlock | FileContentBlock
"""Blocks that hold data."""

ToolContentBlock = ToolCall | ToolCallChunk | ServerToolCall | ServerToolCallChunk | ServerToolResult
"""Blocks about tools."""

ContentBlock = (
    TextContentBlock
    | InvalidToolCall
    | ReasoningContentBlock
    | NonStandardContentBlock
    | DataContentBlock
    | ToolContentBlock
)
"""Every standard block."""

KNOWN_BLOCK_TYPES = frozenset(
    {
        "text",
        "reasoning",
        "tool_call",
        "invalid_tool_call",
        "tool_call_chunk",
        "image",
        "audio",
        "file",
        "text-plain",
        "video",
        "server_tool_call",
        "server_tool_call_chunk",
        "server_tool_result",
        "non_standard",
    }
)
"""The `type` of every standard block; a part with any other type is its provider's own."""

LC_AUTO_PREFIX = "lc_"
"""What ids begin with that were made up."""

LC_ID_PREFIX = "lc_run-"
"""What ids of messages begin with that are those of their runs."""

_DATA_BLOCK_TYPES = frozenset({"image", "video", "audio", "text-plain", "file"})


def ensure_id(id_val: str | None) -> str:
    """Return `id_val`, or a new id (`lc_` and a random UUID) if it is None or empty."""
    return id_val or f"{LC_AUTO_PREFIX}{uuid4()}"


def is_data_content_block(block: dict[str, Any]) -> bool:
    """Whether `block` is an image, video, audio, plain-text or file block that holds or names its data.

    Blocks of langchain-core 0.x, which say where the data is by a `source_type`, count too.
    """
    if block.get("type") not in _DATA_BLOCK_TYPES:
        return False
    if any(key in block for key in ("url", "base64", "file_id", "text")):
        return True
    match block.get("source_type"):
        case "base64":
            return "data" in block
        case "id":
            return "id" in block
        case _:
            return False


def create_text_block(
    text: str,
    *,
    id: str | None = None,  # noqa: A002 - the block's own key
    annotations: list[Annotation] | None = None,
    index: int | str | None = None,
    **kwargs: Any,
) -> TextContentBlock:
    """Make a text block; a missing `id` is made up, other keywords become its `extras`."""
    return cast("TextContentBlock", _block("text", id, index, kwargs, text=text, annotations=annotations))


def create_image_block(
    *,
    url: str | None = None,
    base64: str | None = None,
    file_id: str | None = None,
    mime_type: str | None = None,
    id: str | None = None,  # noqa: A002 - the block's own key
    index: int | str | None = None,
    **kwargs: Any,
) -> ImageContentBlock:
    """Make an image block; a missing `id` is made up, other keywords become its `extras`.

    Raises ValueError if none of `url`, `base64` and `file_id` is given.
    """
    _check_source("image", url, base64, file_id)
    return cast(
        "ImageContentBlock",
        _block("image", id, index, kwargs, url=url, base64=base64, file_id=file_id, mime_type=mime_type),
    )


def create_video_block(
    *,
    url: str | None = None,
    base64: str | None = None,
    file_id: str | None = None,
    mime_type: str | None = None,
    id: str | None = None,  # noqa: A002 - the block's own key
    index: int | str | None = None,
    **kwargs: Any,
) -> VideoContentBlock:
    """Make a video block; a missing `id` is made up, other keywords become its `extras`.

    Raises ValueError if none of `url`, `base64` and `file_id` is given, or `base64` without `mime_type`.
    """
    _check_source("video", url, base64, file_id)
    _check_mime_type("video", base64, mime_type)
    return cast(
        "VideoContentBlock",
        _block("video", id, index, kwargs, url=url, base64=base64, file_id=file_id, mime_type=mime_type),
    )


def create_audio_block(
    *,
    url: str | None = None,
    base64: str | None = None,
    file_id: str | None = None,
    mime_type: str | None = None,
    id: str | None = None,  # noqa: A002 - the block's own key
    index: int | str | None = None,
    **kwargs: Any,
) -> AudioContentBlock:
    """Make an audio block; a missing `id` is made up, other keywords become its `extras`.

    Raises ValueError if none of `url`, `base64` and `file_id` is given, or `base64` without `mime_type`.
    """
    _check_source("audio", url, base64, file_id)
    _check_mime_type("audio", base64, mime_type)
    return cast(
        "AudioContentBlock",
        _block("audio", id, index, kwargs, url=url, base64=base64, file_id=file_id, mime_type=mime_type),
    )


def create_file_block(
    *,
    url: str | None = None,
    base64: str | None = None,
    file_id: str | None = None,
    mime_type: str | None = None,
    id: str | None = None,  # noqa: A002 - the block's own key
    index: int | str | None = None,
    **kwargs: Any,
) -> FileContentBlock:
    """Make a file block; a missing `id` is made up, other keywords (`filename`, say) become its `extras`.

    Raises ValueError if none of `url`, `base64` and `file_id` is given, or `base64` without `mime_type`.
    """
    _check_source("file", url, base64, file_id)
    _check_mime_type("file", base64, mime_type)
    return cast(
        "FileContentBlock",
        _block("file", id, index, kwargs, url=url, base64=base64, file_id=file_id, mime_type=mime_type),
    )


def create_plaintext_block(  # noqa: PLR0913, PLR0917 - the reference's signature
    text: str | None = None,
    url: str | None = None,
    base64: str | None = None,
    file_id: str | None = None,
    title: str | None = None,
    context: str | None = None,
    id: str | None = None,  # noqa: A002 - the block's own key
    index: int | str | None = None,
    **kwargs: Any,
) -> PlainTextContentBlock:
    """Make a plain-text document block; a missing `id` is made up, other keywords become its `extras`."""
    return cast(
        "PlainTextContentBlock",
        _block(
            "text-plain",
            id,
            index,
            kwargs,
            mime_type="text/plain",
            text=text,
            url=url,
            base64=base64,
            file_id=file_id,
            title=title,
            context=context,
        ),
    )


def create_tool_call(
    name: str,
    args: dict[str, Any],
    *,
    id: str | None = None,  # noqa: A002 - the block's own key
    index: int | str | None = None,
    **kwargs: Any,
) -> ToolCall:
    """Make a tool-call block; a missing `id` is made up, other keywords become its `extras`."""
    return cast("ToolCall", _block("tool_call", id, index, kwargs, name=name, args=args))


def create_reasoning_block(
    reasoning: str | None = None,
    id: str | None = None,  # noqa: A002 - the block's own key
    index: int | str | None = None,
    **kwargs: Any,
) -> ReasoningContentBlock:
    """Make a reasoning block; a missing `id` is made up, other keywords become its `extras`."""
    return cast("ReasoningContentBlock", _block("reasoning", id, index, kwargs, reasoning=reasoning or ""))


def create_citation(
    *,
    url: str | None = None,
    title: str | None = None,
    start_index: int | None = None,
    end_index: int | None = None,
    cited_text: str | None = None,
    id: str | None = None,  # noqa: A002 - the citation's own key
    **kwargs: Any,
) -> Citation:
    """Make a citation; a missing `id` is made up, other keywords become its `extras`."""
    return cast(
        "Citation",
        _block(
            "citation",
            id,
            None,
            kwargs,
            url=url,
            title=title,
            start_index=start_index,
            end_index=end_index,
            cited_text=cited_text,
        ),
    )


def create_non_standard_block(
    value: dict[str, Any],
    *,
    id: str | None = None,  # noqa: A002 - the block's own key
    index: int | str | None = None,
) -> NonStandardContentBlock:
    """Wrap a part that only its provider knows; a missing `id` is made up."""
    return cast("NonStandardContentBlock", _block("non_standard", id, index, {}, value=value))


def _block(
    kind: str,
    block_id: str | None,
    index: int | str | None,
    extras: dict[str, Any],
    /,
    **fields: Any,
) -> dict[str, Any]:
    block: dict[str, Any] = {"type": kind, "id": ensure_id(block_id)}
    block.update((key, value) for key, value in fields.items() if value is not None)
    if index is not None:
        block["index"] = index
    if extras := {key: value for key, value in extras.items() if value is not None}:
        block["extras"] = extras
    return block


def _check_source(kind: str, *sources: str | None) -> None:
    if not any(sources):
        msg = f"an {kind} block needs its data: give one of url=, base64= or file_id="
        raise ValueError(msg)


def _check_mime_type(kind: str, base64: str | None, mime_type: str | None) -> None:
    if base64 and not mime_type:
        msg = f"base64 data in a block of type {kind!r} needs mime_type= (such as 'application/pdf')"
        raise ValueError(msg)
