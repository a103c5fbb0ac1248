"""Content of Gemini models, as langchain-google-genai writes it, as standard blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from chatcore.messages._json import read_json
from chatcore.messages._shapes import is_dict, is_list
from chatcore.messages.block_translators._blocks import (
    Answer,
    Block,
    as_base64,
    call_parts,
    data_of_uri,
    finished,
    is_growing,
    parts_of,
    reasoning_block,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from chatcore.messages.content import Citation, ContentBlock

__all__ = ["from_input", "translate_content", "translate_content_chunk", "translate_grounding_metadata_to_citations"]


def translate_content(message: Answer) -> list[ContentBlock]:
    """Read the content of an answer of Gemini's as standard blocks, with citations of what grounds it."""
    blocks = reasoning_block(message.additional_kwargs)
    for part in parts_of(message.content):
        block = _block(part)
        if part.get("index") is not None:
            block.setdefault("index", part["index"])
        blocks.append(block)
    audio = message.additional_kwargs.get("audio")
    spoken: list[Block] = []
    if isinstance(audio, bytes) and audio:
        spoken.append({"type": "audio", "base64": as_base64(audio), "mime_type": "audio/wav"})
    if isinstance(message.content, list):
        blocks.extend(spoken)
    grounding: Any = message.response_metadata.get("grounding_metadata")
    citations = translate_grounding_metadata_to_citations(grounding) if is_dict(grounding) else []
    for position, block in enumerate(blocks):
        if citations and block["type"] == "text":
            blocks[position] = {**block, "annotations": citations}
            break
    in_parts = is_growing(message) and not all(_is_whole(part) for part in call_parts(message))
    whole = cast("list[Block]", finished(blocks, message, in_parts=in_parts))
    indices = _call_indices(message)
    for block in whole:
        if block["type"] == "tool_call" and block.get("id") in indices:
            block.setdefault("index", indices[block["id"]])
    if isinstance(message.content, str):
        whole.extend(spoken)
    return cast("list[ContentBlock]", whole)


def translate_content_chunk(message: Answer) -> list[ContentBlock]:
    """Read the content of a chunk of Gemini's as standard blocks."""
    return translate_content(message)


def translate_grounding_metadata_to_citations(grounding_metadata: dict[str, Any]) -> list[Citation]:
    """Read what grounds an answer (searches and maps) as citations of its text.

    grounding_metadata: as Gemini writes it, with keys in snake case
        (https://ai.google.dev/gemini-api/docs/google-search).
    """
    if not grounding_metadata:
        return []
    sources: Any = grounding_metadata.get("grounding_chunks")
    queries: Any = grounding_metadata.get("web_search_queries", [])
    return [
        cast("Citation", _citation(support, sources[position], position, queries))
        for support in _dicts(grounding_metadata.get("grounding_supports"))
        for position in _list(support.get("grounding_chunk_indices"))
        if isinstance(position, int)
        and is_list(sources)
        and 0 <= position < len(sources)
        and is_dict(sources[position])
    ]


def _list(value: Any) -> list[Any]:
    return value if is_list(value) else []


def _dicts(value: Any) -> list[Block]:
    return [item for item in _list(value) if is_dict(item)]


def _citation(support: Block, source: Block, position: int, queries: list[str]) -> Block:
    web, place, document, segment = (
        value if is_dict(value) else {}
        for value in (source.get("web"), source.get("maps"), source.get("retrieved_context"), support.get("segment"))
    )
    metadata: Block = {
        "web_search_queries": queries,
        "grounding_chunk_index": position,
        "confidence_scores": support.get("confidence_scores") or [],
    }
    if place.get("placeId") or place.get("place_id"):
        metadata["place_id"] = place.get("placeId") or place["place_id"]
    fields: Block = {
        "url": place.get("uri") or web.get("uri") or document.get("uri"),
        "title": place.get("title") or web.get("title") or document.get("title"),
        "start_index": segment.get("start_index"),
        "end_index": segment.get("end_index"),
        "cited_text": segment.get("text"),
    }
    said = {key: value for key, value in fields.items() if value is not None}
    return {"type": "citation", **said, "extras": {"google_ai_metadata": metadata}}


def from_input(part: Block) -> Block | None:
    """The standard form of a file, a function call or code that was run; None if the part is none of these."""
    kind = part.get("type")
    required = _REQUIRED.get(kind) if isinstance(kind, str) else None
    return _BY_TYPE[cast("str", kind)](part) if required is not None and required in part else None


# What makes a part one of Gemini's, where no provider is named.
_REQUIRED = {
    "file_data": "file_uri",
    "function_call": "name",
    "executable_code": "type",
    "code_execution_result": "type",
}


def _block(part: Block) -> Block:
    kind = part.get("type")
    if kind in _STANDARD:
        return dict(part)
    read = _BY_TYPE.get(kind) if isinstance(kind, str) else None
    if read is None:
        return {"type": "non_standard", "value": part}
    block = read(part)
    if is_dict(part.get("extras")) and block["type"] != "non_standard":
        # The signature of the part, to go back with it.
        block["extras"] = {**block.get("extras", {}), **part["extras"]}
    return block


# What the codec writes as standard blocks from the first.
_STANDARD = frozenset({"text", "audio", "video", "file", "server_tool_call", "server_tool_result", "non_standard"})


def _image_url(part: Block) -> Block:
    image: Any = part.get("image_url")
    url: Any = image.get("url") if is_dict(image) else image
    if not isinstance(url, str) or not url:
        return {"type": "non_standard", "value": part}
    data = data_of_uri(url)
    if data is not None:
        return {"type": "image", **data}
    if "://" in url:
        return {"type": "image", "url": url}
    # Bare base64: its first bytes say what it is.
    mime_type = next((mime for start, mime in _SIGNATURES.items() if url.startswith(start)), None)
    return {"type": "image", "base64": url, **({"mime_type": mime_type} if mime_type else {})}


_SIGNATURES = {"iVBORw0KGgo": "image/png", "/9j/": "image/jpeg", "R0lGOD": "image/gif", "UklGR": "image/webp"}


def _function_call(part: Block) -> Block:
    if isinstance(part.get("args"), str):
        # What could not be read stays as it came.
        return {"type": "invalid_tool_call", "error": None, **{key: part.get(key) for key in ("name", "args", "id")}}
    return {
        "type": "tool_call",
        "name": part.get("name", ""),
        "args": part.get("args", {}),
        "id": part.get("id", ""),
    }


def _file_data(part: Block) -> Block:
    block: Block = {"type": "file", "url": part.get("file_uri", "")}
    if part.get("mime_type"):
        block["mime_type"] = part["mime_type"]
    return block


def _thinking(part: Block) -> Block:
    block: Block = {"type": "reasoning", "reasoning": part.get("thinking", "")}
    if part.get("signature"):
        block["extras"] = {"signature": part["signature"]}
    return block


def _executable_code(part: Block) -> Block:
    args = {"code": part.get("executable_code", ""), "language": part.get("language", "python")}
    return {"type": "server_tool_call", "name": "code_interpreter", "args": args, "id": part.get("id", "")}


def _code_execution_result(part: Block) -> Block:
    outcome = part.get("outcome", _OUTCOME_OK)
    return {
        "type": "server_tool_result",
        "tool_call_id": part.get("tool_call_id", ""),
        "status": "success" if outcome == _OUTCOME_OK else "error",
        "output": part.get("code_execution_result", ""),
        "extras": {"block_type": part["type"], "outcome": outcome},
    }


_OUTCOME_OK = 1  # google.ai.generativelanguage: CodeExecutionResult.Outcome.OUTCOME_OK

_BY_TYPE: dict[str, Callable[[Block], Block]] = {
    "image_url": _image_url,
    "function_call": _function_call,
    "file_data": _file_data,
    "thinking": _thinking,
    "executable_code": _executable_code,
    "code_execution_result": _code_execution_result,
}


def _is_whole(part: Mapping[str, Any]) -> bool:
    """Whether a call came in one piece, as nearly all of Gemini's do; on Vertex AI arguments may be streamed."""
    if not part.get("name") or not part.get("args"):
        return False
    try:
        read_json(part["args"])
    except ValueError:
        return False
    return True


def _call_indices(message: Answer) -> Mapping[str, str]:
    """Where each call stands in the stream: Gemini's content does not hold the calls, so nothing else says."""
    parts: list[Block] = getattr(message, "tool_call_chunks", [])
    return {part["id"]: f"lc_tc_{part['index']}" for part in parts if part.get("id") and part.get("index") is not None}
