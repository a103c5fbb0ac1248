"""What Anthropic's messages may hold, and in which order, and what that is in neutral words.

Sources: https://platform.claude.com/docs/en/api/messages, the guides to tool use and extended thinking, and the
service's answers to bad requests, whose texts these are close to.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic_core import to_json

from chatcore.testing._problem import Problem, RefusedError
from chatcore.testing._text import is_array, is_base64, is_object, is_sealed

__all__ = ["blocks_of", "check_block", "check_messages", "content_of", "neutral", "refusal"]

_GIVEN = ("text", "image", "document", "search_result", "tool_result", "container_upload")
_MADE = (
    "text", "thinking", "redacted_thinking", "tool_use", "server_tool_use", "web_search_tool_result",
    "web_fetch_tool_result", "code_execution_tool_result", "bash_code_execution_tool_result",
    "text_editor_code_execution_tool_result", "tool_search_tool_result", "mcp_tool_use", "mcp_tool_result",
    "container_upload", "compaction", "fallback",
)  # fmt: skip
_IN_RESULT = ("text", "image", "document", "search_result", "tool_reference")
_IMAGES = ("image/jpeg", "image/png", "image/gif", "image/webp")
_CALL_ID = re.compile(r"[a-zA-Z0-9_-]+")


def refusal(message: str, status: int = 400) -> RefusedError:
    """A request is turned away."""
    return RefusedError(Problem(status, message))


def blocks_of(content: object) -> list[dict[str, Any]]:
    """The blocks of a content, if it is a list of them."""
    return [block for block in content if is_object(block)] if is_array(content) else []


def _listed(content: object) -> list[Any]:
    return content if is_array(content) else []


def check_messages(messages: object, *, thinking: bool) -> None:
    """Raise RefusedError unless these are messages that may follow each other. thinking: whether the model thinks."""
    if not is_array(messages):
        raise refusal("messages: Input should be a valid array")
    if not messages:
        raise refusal("messages: at least one message is required")
    owed: list[str] = []
    for number, message in enumerate(messages):
        path = f"messages.{number}"
        if not is_object(message):
            raise refusal(f"{path}: Input does not match the expected shape.")
        _check_message(message, path, last=number == len(messages) - 1)
        if number == 0 and message["role"] != "user":
            raise refusal('messages: first message must use the "user" role')
        owed = _settle(message, owed, path, number)
    if owed:
        raise _unanswered(owed, f"messages.{len(messages) - 1}")
    if thinking:
        _check_thinks(messages)


def _check_message(message: dict[str, Any], path: str, *, last: bool) -> None:
    for name in message:
        if name not in ("role", "content"):
            raise refusal(f"{path}.{name}: Extra inputs are not permitted")
    _check_role(message, path)
    if "content" not in message:
        raise refusal(f"{path}.content: Field required")
    content: object = message["content"]
    made = message["role"] == "assistant"
    if not isinstance(content, str) and not is_array(content):
        raise refusal(f"{path}.content: Input should be a valid array")
    if not content and not (last and made):
        raise refusal(
            f"{path}: all messages must have non-empty content except for the optional final assistant message"
        )
    for number, block in enumerate(_listed(content)):
        check_block(block, _MADE if made else _GIVEN, f"{path}.content.{number}")
    if last and made:
        blocks = blocks_of(content)
        text: object = blocks[-1].get("text") if blocks else content
        if isinstance(text, str) and text != text.rstrip():
            raise refusal("messages: final assistant content cannot end with trailing whitespace")


def _check_role(message: dict[str, Any], path: str) -> None:
    role: object = message.get("role")
    if role is None:
        raise refusal(f"{path}.role: Field required")
    if role == "system":
        raise refusal(
            'messages: Unexpected role "system". The Messages API accepts a top-level `system` parameter, not "system" '
            "as an input message role."
        )
    if role not in ("user", "assistant"):
        raise refusal(
            f'messages: Unexpected role "{role}". Allowed roles are "user" or "assistant". For more information, see '
            "https://docs.claude.com/en/api/messages."
        )


def check_block(block: object, kinds: Sequence[str], path: str) -> None:
    """Raise RefusedError unless this is a block of one of these kinds. path: where it stands."""
    if not is_object(block):
        raise refusal(f"{path}: Input should be an object")
    kind: object = block.get("type")
    if kind is None:
        raise refusal(f"{path}.type: Field required")
    if not isinstance(kind, str) or kind not in kinds:
        expected = ", ".join(map(repr, kinds))
        raise refusal(
            f"{path}: Input tag '{kind}' found using 'type' does not match any of the expected tags: {expected}"
        )
    # Of the blocks that the service's own tools make, only the type is looked at.
    check = _CHECKS.get(kind)
    if check is not None:
        check(block, path)


def _check_text(block: dict[str, Any], path: str) -> None:
    if not isinstance(block.get("text"), str):
        raise refusal(f"{path}.text.text: Field required")
    if not block["text"]:
        raise refusal("messages: text content blocks must be non-empty")


def _check_thinking(block: dict[str, Any], path: str) -> None:
    for name in ("thinking", "signature"):
        if not isinstance(block.get(name), str):
            raise refusal(f"{path}.thinking.{name}: Field required")
    # What was left out of the reply has a signature all the same.
    if not is_sealed(block["signature"], block["thinking"] or None):
        raise refusal(f"{path}: Invalid `signature` in `thinking` block")


def _check_redacted(block: dict[str, Any], path: str) -> None:
    if not is_sealed(block.get("data")):
        raise refusal(f"{path}: Invalid `data` in `redacted_thinking` block")


def _check_image(block: dict[str, Any], path: str) -> None:
    _check_source(block, "image", path)


def _check_document(block: dict[str, Any], path: str) -> None:
    _check_source(block, "document", path)


def _check_source(block: dict[str, Any], kind: str, path: str) -> None:
    source: object = block.get("source")
    if not is_object(source):
        raise refusal(f"{path}.{kind}.source: Field required")
    by: object = source.get("type")
    where = f"{path}.{kind}.source"
    sources = ("base64", "url", "file") if kind == "image" else ("base64", "url", "file", "text", "content")
    if not isinstance(by, str) or by not in sources:
        raise refusal(
            f"{where}: Input tag '{by}' found using 'type' does not match any of the expected tags: "
            f"{', '.join(map(repr, sources))}"
        )
    field = {"base64": "data", "url": "url", "file": "file_id", "text": "data", "content": "content"}[by]
    value: object = source.get(field)
    if value is None:
        raise refusal(f"{where}.{by}.{field}: Field required")
    if by == "base64":
        media: object = source.get("media_type")
        allowed = _IMAGES if kind == "image" else ("application/pdf",)
        if media not in allowed:
            raise refusal(f"{where}.base64.media_type: Input should be {' or '.join(map(repr, allowed))}")
        if not is_base64(value):
            raise refusal(f"{where}.base64.data: Invalid base64 data")
    if by == "url" and not str(value).startswith(("http://", "https://")):
        raise refusal(f"{where}.url.url: Only HTTPS URLs are supported.")


def _check_tool_use(block: dict[str, Any], path: str) -> None:
    for name in ("id", "name", "input"):
        if block.get(name) is None:
            raise refusal(f"{path}.tool_use.{name}: Field required")
    if not isinstance(block["id"], str) or not _CALL_ID.fullmatch(block["id"]):
        raise refusal(f"{path}.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'")
    if not is_object(block["input"]):
        raise refusal(f"{path}.tool_use.input: Input should be an object")
    if not isinstance(block["name"], str) or not 1 <= len(block["name"]) <= 200:
        raise refusal(f"{path}.tool_use.name: String should have at least 1 character")


def _check_tool_result(block: dict[str, Any], path: str) -> None:
    if not isinstance(block.get("tool_use_id"), str):
        raise refusal(f"{path}.tool_result.tool_use_id: Field required")
    content: object = block.get("content")
    if not isinstance(content, str | None) and not is_array(content):
        raise refusal(f"{path}.tool_result.content: Input should be a valid array")
    for number, inner in enumerate(_listed(content)):
        check_block(inner, _IN_RESULT, f"{path}.tool_result.content.{number}")


def _settle(message: dict[str, Any], owed: list[str], path: str, number: int) -> list[str]:
    """The ids of the tool calls that the next message must answer."""
    blocks = blocks_of(message["content"])
    if message["role"] == "assistant":
        if owed:
            raise _unanswered(owed, f"messages.{number - 1}")
        ids = [block["id"] for block in blocks if block["type"] == "tool_use"]
        if len(set(ids)) < len(ids):
            raise refusal("messages: `tool_use` ids must be unique")
        return ids
    results = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
    for place, block in enumerate(blocks):
        if block["type"] == "tool_result" and block["tool_use_id"] not in owed:
            raise refusal(
                f"{path}.content.{place}: unexpected `tool_use_id` found in `tool_result` blocks: "
                f"{block['tool_use_id']}. Each `tool_result` block must have a corresponding `tool_use` block in the "
                "previous message."
            )
    if len(set(results)) < len(results):
        raise refusal(f"{path}: each tool_use must have a single result. Found multiple `tool_result` blocks with the "
                      "same id.")  # fmt: skip
    left = [call for call in owed if call not in results]
    if left:
        raise _unanswered(left, f"messages.{number - 1}")
    return []


def _unanswered(owed: Sequence[str], path: str) -> RefusedError:
    return refusal(
        f"{path}: `tool_use` ids were found without `tool_result` blocks immediately after: {', '.join(owed)}. Each "
        "`tool_use` block must have a corresponding `tool_result` block in the next message."
    )


def _check_thinks(messages: Sequence[dict[str, Any]]) -> None:
    """While a turn of tool calls goes on, its thinking must be there."""
    last = messages[-1]
    if len(messages) < 2 or not any(block["type"] == "tool_result" for block in blocks_of(last["content"])):
        return
    blocks = blocks_of(messages[-2]["content"])
    found = blocks[0]["type"] if blocks else "text"
    # The service refuses this of `enabled` alone, and only if the turn began while thinking: it kept its signature.
    if found not in ("thinking", "redacted_thinking"):
        raise refusal(
            f"messages.{len(messages) - 2}.content.0.type: Expected `thinking` or `redacted_thinking`, but found "
            f"`{found}`. When `thinking` is enabled, a final `assistant` message must start with a thinking block "
            "(preceeding the lastmost set of `tool_use` and `tool_result` blocks). We recommend you include thinking "
            "blocks from previous turns. To avoid this requirement, disable `thinking`."
        )


_CHECKS: Mapping[str, Callable[[dict[str, Any], str], None]] = {
    "text": _check_text,
    "image": _check_image,
    "document": _check_document,
    "tool_use": _check_tool_use,
    "tool_result": _check_tool_result,
    "thinking": _check_thinking,
    "redacted_thinking": _check_redacted,
}


# ---------------------------------------------------------------------------------------------------- in neutral words


def neutral(given: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Valid messages in OpenAI's chat form."""
    messages: list[dict[str, Any]] = []
    for message in given:
        content = message["content"]
        if isinstance(content, str):
            messages.append({"role": message["role"], "content": content})
        elif message["role"] == "assistant":
            messages.append(_made(content))
        else:
            messages += (_result(block) for block in content if block["type"] == "tool_result")
            rest = [block for block in content if block["type"] != "tool_result"]
            if rest:
                messages.append({"role": "user", "content": content_of(rest)})
    return messages


def _made(blocks: Sequence[dict[str, Any]]) -> dict[str, Any]:
    said = [block for block in blocks if block["type"] not in {"tool_use", "thinking", "redacted_thinking"}]
    message: dict[str, Any] = {"role": "assistant", "content": content_of(said) if said else None}
    calls = [block for block in blocks if block["type"] == "tool_use"]
    if calls:
        message["tool_calls"] = [
            {
                "id": call["id"],
                "type": "function",
                "function": {"name": call["name"], "arguments": to_json(call["input"]).decode()},
            }
            for call in calls
        ]
    return message


def _result(block: dict[str, Any]) -> dict[str, Any]:
    content = block.get("content") or ""
    return {"role": "tool", "tool_call_id": block["tool_use_id"],
            "content": content if isinstance(content, str) else content_of(content)}  # fmt: skip


def content_of(blocks: Sequence[dict[str, Any]]) -> str | list[dict[str, Any]]:
    """Blocks in OpenAI's chat form: a text alone is no list."""
    if len(blocks) == 1 and blocks[0]["type"] == "text":
        return str(blocks[0]["text"])
    return [_part(block) for block in blocks]


def _part(block: dict[str, Any]) -> dict[str, Any]:
    if block["type"] == "text":
        return {"type": "text", "text": block["text"]}
    source = block.get("source")
    if block["type"] == "image" and is_object(source):
        url = source.get("url") or source.get("file_id")
        if source["type"] == "base64":
            url = f"data:{source['media_type']};base64,{source['data']}"
        return {"type": "image_url", "image_url": {"url": url}}
    return block
