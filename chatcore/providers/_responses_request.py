"""Messages and settings → the JSON of a request to OpenAI's Responses API. No I/O.

The wire is OpenAI's (https://platform.openai.com/docs/api-reference/responses/create). Its input is a list of items, of
which an answer may be several: what the provider itself has answered goes back as it came, reasoning and tools of the
server's own included; what another provider has answered goes as text and tool calls.
"""

from __future__ import annotations

import hashlib
import mimetypes
from typing import TYPE_CHECKING, Any, Final, cast

from chatcore.errors import InvalidInputError
from chatcore.messages import AIMessage, ChatMessage, HumanMessage, SystemMessage, ToolMessage
from chatcore.messages._shapes import is_dict, is_list
from chatcore.messages._standard import standard_blocks
from chatcore.messages.content import KNOWN_BLOCK_TYPES
from chatcore.providers._history import told_to_others
from chatcore.providers._wire import as_object, as_objects, as_text, text_of, word
from chatcore.providers._wire_request import (
    TOOL_EXTRAS,
    TOOL_FORM,
    Source,
    Where,
    extras_of,
    is_block,
    openai_tool,
    schema_of,
    tool_name,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from chatcore.messages import BaseMessage
    from chatcore.providers.hosts import Host

__all__ = ["encode_messages", "encode_request", "previous_answer"]

_MAX_CALL_ID: Final = 64
"""The longest id of a call that the API takes."""

_ANSWERED: Final = frozenset(
    {
        *("function_call", "custom_tool_call", "web_search_call", "file_search_call", "code_interpreter_call"),
        *("image_generation_call", "computer_call", "local_shell_call", "shell_call", "apply_patch_call"),
        *("mcp_call", "mcp_list_tools", "mcp_approval_request", "tool_search_call", "compaction"),
    }
)
"""Items that an answer may have, beside messages and reasoning."""

_GIVEN: Final = frozenset(
    {
        *("function_call_output", "custom_tool_call_output", "computer_call_output", "local_shell_call_output"),
        *("shell_call_output", "apply_patch_call_output", "tool_search_output", "mcp_approval_response"),
        *("item_reference", "additional_tools", "configuration_update"),
    }
)
"""Items that are no message, and may be given to the model."""

_NULLABLE: Final = {"code_interpreter_call": ("code", "outputs")}
"""Keys that the API wants even if they are null, and that messages do not keep then."""

_PARTS: Final = frozenset({"input_text", "input_image", "input_file", "input_audio"})
"""The wire's own parts of a message."""


def encode_request(
    messages: Sequence[BaseMessage],
    settings: Mapping[str, Any],
    host: Host,
    *,
    stream: bool = False,
    use_previous: bool = False,
    extra_body: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The request's body, ready for `to_json`.

    messages: the conversation, oldest first. Where `previous_response_id` names an answer among them, only what comes
        after it is sent, since the server has the rest.
    settings: parameters by their neutral names or the API's own, `model` among them; None means "not set". Names that
        are not known here are sent as they are.
    host: the row whose quirks apply.
    stream: whether the answer is to be streamed.
    use_previous: whether to continue the last answer that the server keeps, as `previous_response_id` does.
    extra_body: merged last, over everything else.

    Raises `InvalidInputError` for a message, a tool or a setting that cannot be sent, naming it.
    """
    given = {name: value for name, value in settings.items() if value is not None}
    previous = given.pop("previous_response_id", None)
    if previous is None and use_previous:
        previous = previous_answer(messages, host)
    body: dict[str, Any] = {"model": given.pop("model", None)}
    if previous is not None:
        body["previous_response_id"] = previous
    body["input"] = encode_messages(messages, host, store=given.get("store"), after=previous)
    for name, value in given.items():
        _add_parameter(body, name, value, given)
    if stream:
        body["stream"] = True
    if extra_body:
        body.update(extra_body)
    return body


def previous_answer(messages: Sequence[BaseMessage], host: Host) -> str | None:
    """The id of the last answer of `host` among the messages that its server keeps; None if there is none."""
    for message in reversed(messages):
        if isinstance(message, AIMessage) and _is_own(message, host):
            answer_id: Any = message.response_metadata.get("id")
            if isinstance(answer_id, str) and answer_id.startswith("resp_"):
                return answer_id
    return None


def encode_messages(
    messages: Sequence[BaseMessage], host: Host, *, store: bool | None = None, after: str | None = None
) -> list[dict[str, Any]]:
    """The request's `input`.

    store: whether the server keeps the exchange; if not, it does not know reasoning by its id either, so that of
        earlier answers only encrypted reasoning is sent.
    after: the id of an answer; if it is one of the messages, only what follows it is sent.

    Raises `InvalidInputError` for no messages, and for a message or block that cannot be sent, naming its position.
    """
    if not messages:
        msg = "There is no message to send: the input is an empty list. Give at least one message."
        raise InvalidInputError(msg)
    writer = _Writer(host, keeps=store is not False)
    for position, message in enumerate(messages):
        if after is not None and isinstance(message, AIMessage) and message.response_metadata.get("id") == after:
            writer.items.clear()
            writer.note(message)
        else:
            writer.write(message, position)
    if not writer.items:
        msg = f"There is no message after the answer {after}, which is to be continued. Give at least one."
        raise InvalidInputError(msg)
    return writer.items


def _is_own(message: AIMessage, host: Host) -> bool:
    provider: str = message.response_metadata.get("model_provider", host.name)
    return provider == host.name


# ------------------------------------------------------------------------------------------------------------- messages


class _Writer:
    """Writes messages as items, and knows which calls they answer."""

    __slots__ = ("_calls", "_host", "_keeps", "items")

    def __init__(self, host: Host, *, keeps: bool) -> None:
        self.items: list[dict[str, Any]] = []
        self._host = host
        self._keeps = keeps
        # The type of each call that is no function's, for it is answered otherwise.
        self._calls: dict[str, str] = {}

    def write(self, message: BaseMessage, position: int) -> None:
        """Add the items that a message is."""
        if isinstance(message, AIMessage):
            self._answer(message, position)
        elif isinstance(message, ToolMessage):
            self.items.append(_Output(message, position, self._calls.get(message.tool_call_id)).item())
        else:
            self._said(message, position)

    def note(self, answer: AIMessage) -> None:
        """Take note of the calls of an answer that is not sent itself."""
        for block in as_objects(answer.content):
            self._note(block)

    def _note(self, item: dict[str, Any]) -> None:
        kind, call_id = item.get("type"), item.get("call_id")
        if isinstance(kind, str) and kind in _ANSWERED and kind != "function_call" and isinstance(call_id, str):
            self._calls[call_id] = kind

    def _said(self, message: BaseMessage, position: int) -> None:
        role = _role(message, position, self._host)
        content: Any = message.content
        if isinstance(content, str):
            self.items.append({"role": role, "content": content})
            return
        parts: list[dict[str, Any]] = []
        for given in cast("list[Any]", content):
            where = Where(position, message.type, given)
            block = _unwrapped(given, where)
            if block["type"] not in _GIVEN:
                parts.append(_part(block, where))
                continue
            if parts:
                self.items.append({"role": role, "content": parts})
                parts = []
            self.items.append(_without_marks(block))
        if parts or not content:
            self.items.append({"role": role, "content": parts or ""})

    def _answer(self, message: AIMessage, position: int) -> None:
        own = _is_own(message, self._host)
        items = _answer_items(message, position, own=own)
        calls = {word(item.get("call_id")) for item in items if item["type"] in ("function_call", "custom_tool_call")}
        for item in items:
            if item["type"] == "reasoning" and not (self._keeps or item.get("encrypted_content")):
                continue
            self._note(item)
            self.items.append(item)
        for index, call in enumerate((*message.tool_calls, *message.invalid_tool_calls)):
            if (call_id := _call_id(call["id"] or f"call_{position}_{index}")) not in calls:
                args = call["args"]
                arguments = args if isinstance(args, str) else as_text(args or {})
                self.items.append(
                    {
                        "type": "function_call",
                        "call_id": call_id,
                        "name": call["name"] or "",
                        "arguments": arguments,
                    }
                )
        if message.content == "" and not (items or message.tool_calls or message.invalid_tool_calls):
            self.items.append({"type": "message", "role": "assistant", "content": ""})


def _role(message: BaseMessage, position: int, host: Host) -> str:
    role: str
    if isinstance(message, ChatMessage):
        role = message.role
    elif isinstance(message, SystemMessage):
        role = message.additional_kwargs.get("__openai_role__", "system")
    elif isinstance(message, HumanMessage):
        return "user"
    else:
        msg = f"Message {position} is a {type(message).__name__}, which is not a message that this API can be sent."
        raise InvalidInputError(msg)
    return "system" if role == "developer" and not host.developer_role else role


def _call_id(given: str) -> str:
    """An id of a call that the API takes: the same for the same."""
    return given if len(given) <= _MAX_CALL_ID else f"call_{hashlib.sha256(given.encode()).hexdigest()[:40]}"


def _unwrapped(block: Any, where: Where) -> dict[str, Any]:
    """A block as a dict, and what a block of no standard kind holds in its place."""
    if isinstance(block, str):
        return {"type": "text", "text": block}
    if not is_block(block):
        raise where.error("a block is text or a dict with a 'type', such as {'type': 'text', 'text': '...'}")
    if block["type"] != "non_standard":
        return block
    if not is_block(block.get("value")):
        raise where.error("its 'value' must be the part or item to send, a dict with a 'type'")
    held: dict[str, Any] = block["value"]
    return held


# -------------------------------------------------------------------------------------------------- answers of a model


_BESIDE_OLDER_CONTENT: Final = ("tool_outputs", "__openai_function_call_ids__", "reasoning")
"""What langchain-openai 0.3 had beside a message's content."""


def _answer_items(message: AIMessage, position: int, *, own: bool) -> list[dict[str, Any]]:
    """The items of an answer.

    own: whether this provider wrote it; else what only the other one understands is left out.
    """
    older = any(key in message.additional_kwargs for key in _BESIDE_OLDER_CONTENT)
    # A text alone is an answer of chat completions: what it refused or spoke stands beside it.
    own = own and (older or not isinstance(message.content, str))
    content: Any = message.content
    if not own:
        content = told_to_others(message)
    elif older:
        content = message.content_blocks
    items = _Answer(message, position, content, own=own).items()
    for item in items:
        _plain(item, own=own)
    return [{"type": "message", **item} for item in items]


class _Answer:
    """The blocks of an answer, on their way to items."""

    __slots__ = ("_calls", "_own", "_position", "_results", "_role", "_signed", "_written", "blocks")

    def __init__(self, message: AIMessage, position: int, content: Sequence[Any], *, own: bool) -> None:
        self._own = own
        self._signed = own and "model_provider" in message.response_metadata
        self._position = position
        self._role = message.type
        self.blocks = [_unwrapped(block, self._where(block)) for block in content]
        self._results = {
            text_of(block.get("tool_call_id")): block for block in self.blocks if block["type"] == "server_tool_result"
        }
        self._calls = {call["id"]: call for call in message.tool_calls if call["id"]}
        # A call that has no standard form stands there as it came, and once more as a call.
        self._written = {text_of(block.get("call_id")) for block in self.blocks if own and block["type"] in _ANSWERED}

    def items(self) -> list[dict[str, Any]]:
        """The items; those of messages have no type yet."""
        items: list[dict[str, Any]] = []
        for block in self.blocks:
            self._add(items, block)
        return items

    def _where(self, block: Any) -> Where:
        return Where(self._position, self._role, block)

    def _add(self, items: list[dict[str, Any]], block: dict[str, Any]) -> None:
        kind = block["type"]
        if kind in ("text", "output_text", "refusal"):
            _add_part(items, block, self._where(block), own=self._own)
        elif kind == "tool_call":
            if text_of(block.get("id")) in self._written:
                return
            call = cast("dict[str, Any]", self._calls.get(text_of(block.get("id")), block))
            items.append(_function_call(block, call, self._position, own=self._own))
        elif kind == "reasoning":
            if self._own:
                _add_reasoning(items, block)
        elif self._own:
            item = _item(block, self._results, signed=self._signed)
            if item is not None:
                items.append(item)


def _plain(item: dict[str, Any], *, own: bool) -> None:
    """Write a message of nothing but texts, of no item of the provider's, as a text; of its own, if it is one text."""
    content = item.get("content")
    if item.get("role") == "assistant" and "id" not in item and is_list(content):
        parts = as_objects(content)
        said = [part["text"] for part in parts if part.get("type") == "output_text" and not part.get("annotations")]
        if len(said) == len(parts) and (len(said) == 1 or not own):
            item["content"] = "\n\n".join(said)


def _add_part(items: list[dict[str, Any]], block: dict[str, Any], where: Where, *, own: bool) -> None:
    """Add a text or a refusal to the message that it is of: the last one, if that has the same id."""
    key = "refusal" if block["type"] == "refusal" else "text"
    text = block.get(key)
    if text is None and "annotations" in block:
        text = ""  # a citation alone
    if not isinstance(text, str):
        raise where.error(f"its {key!r} must be a str")
    part: dict[str, Any]
    if key == "refusal":
        part = {"type": "refusal", "refusal": text}
    else:
        notes = [_annotation(note) for note in as_objects(block.get("annotations"))] if own else []
        part = {"type": "output_text", "text": text, "annotations": notes}
    item_id = block.get("id") if own else None
    if not isinstance(item_id, str) or item_id.startswith("lc_"):
        item_id = None  # an id of ours, which the API refuses
    last = items[-1] if items else {}
    # An item that came whole is not added to: it is the message's own.
    if "type" not in last and last.get("role") == "assistant" and last.get("id") == item_id:
        last["content"].append(part)
    else:
        last = {"role": "assistant", "content": [part]}
        if item_id is not None:
            last.update(id=item_id, status="completed")
        items.append(last)
    if own and block.get("phase") is not None:
        last["phase"] = block["phase"]


def _annotation(note: dict[str, Any]) -> dict[str, Any]:
    """An annotation under the API's names: one of its own, or a standard citation."""
    kind = note.get("type")
    if kind == "non_standard_annotation":
        return as_object(note.get("value"))
    if kind == "citation":
        known: dict[str, Any] = {key: note[key] for key in ("start_index", "end_index") if key in note}
        if "url" in note:
            titled = {"title": note["title"]} if "title" in note else {}
            note = {"type": "url_citation", "url": note["url"], **titled, **known, **extras_of(note)}
        else:
            named = {"filename": note["title"]} if "title" in note else {}
            note = {"type": "file_citation", **named, **known, **extras_of(note)}
    return {"index" if key == "file_index" else key: value for key, value in note.items()}


def _function_call(block: dict[str, Any], call: dict[str, Any], position: int, *, own: bool) -> dict[str, Any]:
    """A standard call, with what the API said of its item."""
    extras = extras_of(block) if own else {}
    args = call.get("args")
    item: dict[str, Any] = {
        "type": "function_call",
        "call_id": _call_id(text_of(block.get("id") or f"call_{position}_0")),
        "name": text_of(call.get("name") or ""),
        "arguments": args if isinstance(args, str) else as_text(args or {}),
    }
    if extras.get("item_id"):
        item["id"] = extras["item_id"]
    item.update((key, extras[key]) for key in ("status", "namespace", "async") if key in extras)
    return item


def _add_reasoning(items: list[dict[str, Any]], block: dict[str, Any]) -> None:
    """Add reasoning: an item as it came, or one paragraph of an item in a standard block."""
    if "summary" in block or not isinstance(block.get("reasoning", ""), str):
        # What has no id and is not encrypted is no item, but was told beside the items.
        if block.get("id") or block.get("encrypted_content"):
            items.append(_without_marks(block))
        return
    rest = {key: value for key, value in block.items() if key not in ("reasoning", "extras", "index")}
    rest.update(extras_of(block))
    of_content = "content" in rest
    told = [{"type": "summary_text", "text": block["reasoning"]}] if "reasoning" in block and not of_content else []
    last = items[-1] if items else {}
    if last.get("type") == "reasoning" and last.get("id") == rest.get("id") and told and is_list(last.get("summary")):
        last["summary"].extend(told)
        last.update((key, value) for key, value in rest.items() if key not in last)
    elif rest.get("id") or rest.get("encrypted_content"):
        items.append(_without_marks({**rest, "summary": told}))


def _item(block: dict[str, Any], results: Mapping[str, dict[str, Any]], *, signed: bool) -> dict[str, Any] | None:
    """A block of this provider's as the item it was; None for one that is a part of another, or no item.

    signed: whether it is certain that it was the provider's, so that what is not known here is an item of its own, too.
    """
    kind = block["type"]
    if kind in _ANSWERED or kind in _GIVEN or (signed and kind not in KNOWN_BLOCK_TYPES):
        item = _without_marks(block)
        for key in _NULLABLE.get(kind, ()):
            item.setdefault(key, None)
        return item
    if kind == "server_tool_call":
        restore = _SERVER_CALLS.get(text_of(block.get("name")))
        return None if restore is None else restore(block, results.get(text_of(block.get("id")), {}))
    if kind == "server_tool_result" and extras_of(block).get("name") == "tool_search":
        extras = {key: value for key, value in extras_of(block).items() if key != "name"}
        tools = as_object(block.get("output")).get("tools", [])
        return {
            "type": "tool_search_output",
            "id": block.get("tool_call_id"),
            **_status(block),
            "tools": tools,
            **extras,
        }
    if kind == "image" and isinstance(block.get("base64"), str) and text_of(block.get("id")).startswith("ig_"):
        return {
            "type": "image_generation_call",
            "id": block["id"],
            "status": "completed",
            **extras_of(block),
            "result": block["base64"],
        }
    return None


_STATUS: Final = {"success": "completed", "error": "failed"}


def _status(result: dict[str, Any]) -> dict[str, Any]:
    status = result.get("status")
    if isinstance(status, str):
        return {"status": _STATUS.get(status, status)}
    said = extras_of(result).get("status")
    return {} if said is None else {"status": said}


def _web_search(call: dict[str, Any], result: dict[str, Any]) -> dict[str, Any]:
    known = ("type", "name", "args", "id", "index", "extras")
    more = {key: value for key, value in call.items() if key not in known}
    action = dict(as_object(call.get("args")))
    action.update(as_object(result.get("output")))
    item = {"type": "web_search_call", "id": call.get("id"), **_status(result), **more}
    return {**item, "action": action} if action else item


def _file_search(call: dict[str, Any], result: dict[str, Any]) -> dict[str, Any]:
    known = ("type", "name", "args", "id", "index", "extras")
    more = {key: value for key, value in call.items() if key not in known}
    queries = as_object(call.get("args")).get("queries", [])
    item = {"type": "file_search_call", "id": call.get("id"), "queries": queries, **_status(result), **more}
    return {**item, "results": result["output"]} if "output" in result else item


def _code_interpreter(call: dict[str, Any], result: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "code_interpreter_call",
        "id": call.get("id"),
        "code": as_object(call.get("args")).get("code"),
        "outputs": result.get("output"),
        **extras_of(call),
        **_status(result),
    }


def _mcp_call(call: dict[str, Any], result: dict[str, Any]) -> dict[str, Any]:
    extras = dict(extras_of(call))
    item: dict[str, Any] = {"type": "mcp_call", "id": call.get("id"), "name": extras.pop("tool_name", "")}
    item["arguments"] = extras.pop("arguments", None) or as_text(call.get("args") or {})
    item.update(extras)
    if "output" in result:
        item["output"] = result["output"]
    error = extras_of(result).get("error")
    return item if error is None else {**item, "error": error}


def _mcp_list_tools(call: dict[str, Any], result: dict[str, Any]) -> dict[str, Any]:
    item: dict[str, Any] = {
        "type": "mcp_list_tools",
        "id": call.get("id"),
        "tools": result.get("output") or [],
        **extras_of(call),
    }
    error = extras_of(result).get("error")
    return item if error is None else {**item, "error": error}


def _tool_search(call: dict[str, Any], _: dict[str, Any]) -> dict[str, Any]:
    return {"type": "tool_search_call", "id": call.get("id"), "arguments": call.get("args", {}), **extras_of(call)}


_SERVER_CALLS: Final[dict[str, Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]]]] = {
    "web_search": _web_search,
    "file_search": _file_search,
    "code_interpreter": _code_interpreter,
    "remote_mcp": _mcp_call,
    "mcp_list_tools": _mcp_list_tools,
    "tool_search": _tool_search,
}
"""How a call of a tool of the server's own, and its result, both in standard blocks, are made one item again."""


def _without_marks(block: dict[str, Any]) -> dict[str, Any]:
    """A block without the numbers by which the pieces of a stream merge."""
    item = {key: value for key, value in block.items() if key != "index"}
    if item["type"] == "reasoning":
        for key in ("summary", "content"):
            if is_list(item.get(key)):
                item[key] = [
                    {name: value for name, value in paragraph.items() if name != "index"}
                    for paragraph in as_objects(item[key])
                ]
    return item


# -------------------------------------------------------------------------------------------------------- content parts


def _part(block: dict[str, Any], where: Where) -> dict[str, Any]:
    """A part of a message that the model is given."""
    if block["type"] in _PARTS:
        return _without_marks(block)
    read = _READERS.get(block["type"])
    if read is None:
        standard = cast("dict[str, Any]", standard_blocks([block])[0])
        read = _READERS.get(standard["type"])
        if read is None:
            why = f"this API takes {', '.join(sorted(_READERS))}, and its own parts {', '.join(sorted(_PARTS))}"
            raise where.error(why)
        block = standard
    return read(block, where)


def _text(block: dict[str, Any], where: Where) -> dict[str, Any]:
    if not isinstance(block.get("text"), str):
        raise where.error("its 'text' must be a str")
    return _marked(block, {"type": "input_text", "text": block["text"]})


def _plain_text(block: dict[str, Any], where: Where) -> dict[str, Any]:
    if isinstance(block.get("text"), str):
        return _text(block, where)
    return _file({**block, "mime_type": block.get("mime_type") or "text/plain"}, where)


def _image(block: dict[str, Any], where: Where) -> dict[str, Any]:
    source = Source(block)
    image: dict[str, Any] = {"type": "input_image"}
    if source.file_id:
        image["file_id"] = source.file_id
    elif source.data:
        if not source.mime_type:
            raise where.error("base64 data needs its 'mime_type', such as 'image/png'")
        image["image_url"] = f"data:{source.mime_type};base64,{source.data}"
    elif source.url:
        image["image_url"] = source.url
    else:
        raise where.error("give one of 'url', 'base64' with 'mime_type', or 'file_id'")
    detail = block.get("detail") or extras_of(block).get("detail")
    if detail:
        image["detail"] = detail
    return _marked(block, image)


def _image_url(block: dict[str, Any], where: Where) -> dict[str, Any]:
    """An image as chat completions take it."""
    given = block.get("image_url")
    image = given if is_dict(given) else {"url": given}
    if not isinstance(image.get("url"), str):
        raise where.error("its 'image_url' must be {'url': '...'}")
    detail = {"detail": image["detail"]} if image.get("detail") else {}
    return _marked(block, {"type": "input_image", "image_url": image["url"], **detail})


def _file(block: dict[str, Any], where: Where) -> dict[str, Any]:
    if is_dict(block.get("file")):
        return _marked(block, {"type": "input_file", **block["file"]})  # as chat completions take it
    source = Source(block)
    if source.file_id:
        return _marked(block, {"type": "input_file", "file_id": source.file_id})
    name: Any = block.get("filename") or extras_of(block).get("filename")
    if source.url:
        return _marked(block, {"type": "input_file", "file_url": source.url})
    if not source.data:
        raise where.error("a file is sent as 'base64' with its 'mime_type', as 'url', or by its 'file_id'")
    mime_type = source.mime_type or "application/pdf"
    # The API wants a name with every file; only its ending tells it anything.
    name = name or "file" + (mimetypes.guess_extension(mime_type) or "")
    data = f"data:{mime_type};base64,{source.data}"
    return _marked(block, {"type": "input_file", "filename": name, "file_data": data})


def _audio(block: dict[str, Any], where: Where) -> dict[str, Any]:
    if Source(block).file_id:
        return _file(block, where)
    raise where.error("the Responses API takes no audio; give the model use_responses_api=False, or a transcript")


def _video(_block: dict[str, Any], where: Where) -> dict[str, Any]:
    raise where.error("the Responses API takes no video; send images of it")


def _marked(block: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    if "prompt_cache_breakpoint" in block:
        part["prompt_cache_breakpoint"] = block["prompt_cache_breakpoint"]
    return part


_READERS: Final[dict[str, Callable[[dict[str, Any], Where], dict[str, Any]]]] = {
    "text": _text,
    "text-plain": _plain_text,
    "image": _image,
    "image_url": _image_url,
    "file": _file,
    "audio": _audio,
    "video": _video,
}


# ----------------------------------------------------------------------------------------------------- results of tools


class _Output:
    """What a tool gave, as the item that answers the kind of call it was.

    called: the type of the call, if it was no function's.
    """

    __slots__ = ("_call_id", "_called", "_message", "_position")

    def __init__(self, message: ToolMessage, position: int, called: str | None) -> None:
        self._message = message
        self._position = position
        said = message.additional_kwargs.get("type")
        self._called = "computer_call" if said == "computer_call_output" else called
        self._call_id = _call_id(message.tool_call_id)

    def item(self) -> dict[str, Any]:
        """The item."""
        blocks = self._blocks()
        for block in blocks:
            if block["type"] in _GIVEN:
                return self._acknowledged({"call_id": self._call_id, **_without_marks(block)})
        write = _OUTPUTS.get(self._called or "")
        if write is not None:
            return write(self, blocks)
        kind = "custom_tool_call_output" if self._called == "custom_tool_call" else "function_call_output"
        return {"type": kind, "call_id": self._call_id, "output": self._output(blocks)}

    def _blocks(self) -> list[dict[str, Any]]:
        content: Any = self._message.content
        if isinstance(content, str):
            return [{"type": "text", "text": content}]
        return [_unwrapped(block, Where(self._position, "tool", block)) for block in cast("list[Any]", content)]

    def _output(self, blocks: list[dict[str, Any]]) -> str | list[dict[str, Any]]:
        if isinstance(self._message.content, str):
            return self._message.content
        return [_part(block, Where(self._position, "tool", block)) for block in blocks] or ""

    def _acknowledged(self, item: dict[str, Any]) -> dict[str, Any]:
        checks: Any = self._message.additional_kwargs.get("acknowledged_safety_checks")
        if checks is not None and item["type"] == "computer_call_output":
            item["acknowledged_safety_checks"] = checks
        return item

    def screenshot(self, blocks: list[dict[str, Any]]) -> dict[str, Any]:
        """The screen after an action; a text is the address of its image."""
        for block in blocks:
            where = Where(self._position, "tool", block)
            image = block if block["type"] == "computer_screenshot" else None
            if block["type"] == "text":
                image = {"image_url": block.get("text")}
            elif image is None:
                image = _part(block, where)
            seen = {key: image[key] for key in ("image_url", "file_id") if image.get(key)}
            if seen:
                output = {"type": "computer_screenshot", **seen}
                item = {"type": "computer_call_output", "call_id": self._call_id, "output": output}
                return self._acknowledged(item)
        where = Where(self._position, "tool", self._message.content)
        raise where.error("the result of computer use is a screenshot: an image block, or the text of its URL")

    def local_shell(self, _: list[dict[str, Any]]) -> dict[str, Any]:
        """What a command of the local shell printed."""
        return {"type": "local_shell_call_output", "id": self._call_id, "output": self._message.text}

    def shell(self, _: list[dict[str, Any]]) -> dict[str, Any]:
        """What the commands of a shell printed."""
        failed = self._message.status == "error"
        outcome = {"type": "exit", "exit_code": 1 if failed else 0}
        printed = {"stdout": "" if failed else self._message.text, "stderr": self._message.text if failed else ""}
        return {"type": "shell_call_output", "call_id": self._call_id, "output": [{**printed, "outcome": outcome}]}

    def patch(self, _: list[dict[str, Any]]) -> dict[str, Any]:
        """Whether a patch could be applied."""
        status = "failed" if self._message.status == "error" else "completed"
        item = {"type": "apply_patch_call_output", "call_id": self._call_id, "status": status}
        return {**item, "output": self._message.text} if self._message.text else item


_OUTPUTS: Final[dict[str, Callable[[_Output, list[dict[str, Any]]], dict[str, Any]]]] = {
    "computer_call": _Output.screenshot,
    "local_shell_call": _Output.local_shell,
    "shell_call": _Output.shell,
    "apply_patch_call": _Output.patch,
}
"""The calls whose results have a form of their own."""


# ----------------------------------------------------------------------------------------------------------- parameters


def _add_parameter(body: dict[str, Any], name: str, value: Any, settings: Mapping[str, Any]) -> None:
    """Add a setting as the API's parameter; nothing for one that says nothing, such as no stop words."""
    add = _PARAMETERS.get(name)
    if add is not None:
        add(body, value, settings)
    elif is_dict(value):
        body[name] = {**as_object(body.get(name)), **value}  # beside what another setting has put there
    elif name == "include" and name in body:
        body[name] = [*value, *(asked for asked in body[name] if asked not in value)]
    else:
        body[name] = value


def _add_max_tokens(body: dict[str, Any], value: Any, settings: Mapping[str, Any]) -> None:
    if "max_output_tokens" not in settings:
        body["max_output_tokens"] = value


def _add_effort(body: dict[str, Any], value: Any, settings: Mapping[str, Any]) -> None:
    if "effort" not in as_object(settings.get("reasoning")):
        body["reasoning"] = {**as_object(body.get("reasoning")), "effort": value}


def _add_verbosity(body: dict[str, Any], value: Any, settings: Mapping[str, Any]) -> None:
    if "verbosity" not in as_object(settings.get("text")):
        body["text"] = {**as_object(body.get("text")), "verbosity": value}


def _add_format(body: dict[str, Any], value: Any, settings: Mapping[str, Any]) -> None:  # noqa: ARG001 - as every one
    if isinstance(value, type):
        form = f"{{'name': {value.__name__!r}, 'schema': {schema_of(value)}}}"
        msg = f"response_format is the class {value.__name__}: give {{'type': 'json_schema', 'json_schema': {form}}}."
        raise InvalidInputError(msg)
    schema: Any = value.get("json_schema") if is_dict(value) else None
    written: Any = {"type": "json_schema", **schema} if is_dict(schema) else value
    body["text"] = {**as_object(body.get("text")), "format": written}


def _add_logprobs(body: dict[str, Any], value: Any, settings: Mapping[str, Any]) -> None:
    if value is True:
        # Asked for by name, here.
        _add_parameter(body, "include", [*body.get("include", ()), "message.output_text.logprobs"], settings)


def _add_stop(body: dict[str, Any], value: Any, settings: Mapping[str, Any]) -> None:  # noqa: ARG001 - as every one
    if value:
        msg = (
            "The Responses API knows no stop words: leave `stop` out, or give the model use_responses_api=False. Where "
            "a server takes them all the same, give them in extra_body."
        )
        raise InvalidInputError(msg)


def _add_answers(body: dict[str, Any], value: Any, settings: Mapping[str, Any]) -> None:  # noqa: ARG001 - as every one
    if value != 1:
        msg = f"n={value!r}: the Responses API gives one answer to a request. Give the model use_responses_api=False."
        raise InvalidInputError(msg)


def _add_tools(body: dict[str, Any], value: Any, settings: Mapping[str, Any]) -> None:  # noqa: ARG001 - as every one
    if not isinstance(value, list | tuple):
        msg = f"tools is of type {type(value).__name__}: give a list of dicts, each {TOOL_FORM}."
        raise InvalidInputError(msg)
    tools = [_flat(openai_tool(tool, position)) for position, tool in enumerate(cast("Sequence[Any]", value))]
    if tools:
        searched = any(tool.get("type") == "tool_search" for tool in tools)
        body["tools"] = [_without_foreign(tool, searched=searched) for tool in tools]


def _without_foreign(tool: dict[str, Any], *, searched: bool) -> dict[str, Any]:
    """A function without what only Anthropic's API knows of it: it may be that this one is its fallback.

    searched: whether there is a tool by which the model finds others, whose loading may be deferred then.
    """
    if tool.get("type") != "function":
        return tool
    own = {key: value for key, value in tool.items() if key not in TOOL_EXTRAS}
    if searched and "defer_loading" in tool:
        own["defer_loading"] = tool["defer_loading"]
    callers: Any = tool.get("allowed_callers")
    if is_list(callers) and all(caller in _CALLERS for caller in callers):
        own["allowed_callers"] = callers
    return own


_CALLERS: Final = ("direct", "programmatic")
"""What may call a function, by this API's names."""


def _add_tool_choice(body: dict[str, Any], value: Any, settings: Mapping[str, Any]) -> None:
    choice = _tool_choice(value, settings.get("tools") or ())
    if choice is not None:
        body["tool_choice"] = choice


def _tool_choice(choice: Any, tools: Sequence[Any]) -> Any:
    if isinstance(choice, bool):
        return "required" if choice else None
    if is_dict(choice):
        return _flat_choice(choice)
    if not isinstance(choice, str) or choice in ("auto", "none", "required"):
        return choice
    if choice == "any":
        return "required"
    known = {_name(tool): tool for tool in (_flat(openai_tool(tool, place)) for place, tool in enumerate(tools))}
    if known and choice not in known:
        msg = f"tool_choice={choice!r} names no tool of this call; there are {list(known)}."
        raise InvalidInputError(msg)
    kind = known[choice]["type"] if known else "function"
    return {"type": kind, "name": choice} if kind in ("function", "custom") else {"type": kind}


def _name(tool: Mapping[str, Any]) -> str:
    return tool.get("name") or tool_name(tool)


def _flat_choice(choice: dict[str, Any]) -> dict[str, Any]:
    """A choice of tools; chat completions have it in a dict of its own."""
    kind = choice.get("type")
    held: Any = choice.get(kind) if isinstance(kind, str) else None
    if not is_dict(held):
        return choice
    flat = {"type": kind, **held}
    if is_list(flat.get("tools")):
        flat["tools"] = [_flat(tool) for tool in as_objects(flat["tools"])]
    return flat


def _flat(tool: dict[str, Any]) -> dict[str, Any]:
    """A tool as this API has it: what chat completions have in `function` or `custom` stands beside the type."""
    kind = tool.get("type", "function")
    held: Any = tool.get(kind) if kind in ("function", "custom") else None
    if not is_dict(held):
        return tool
    flat: dict[str, Any] = {"type": kind, **held, **{key: tool[key] for key in tool if key not in ("type", kind)}}
    form: Any = flat.get("format")
    if kind == "custom" and is_dict(form) and is_dict(form.get("grammar")):
        flat["format"] = {"type": "grammar", **form["grammar"]}
    return flat


_PARAMETERS: Final[dict[str, Callable[[dict[str, Any], Any, Mapping[str, Any]], None]]] = {
    "max_tokens": _add_max_tokens,
    "max_completion_tokens": _add_max_tokens,
    "reasoning_effort": _add_effort,
    "verbosity": _add_verbosity,
    "response_format": _add_format,
    "logprobs": _add_logprobs,
    "stop": _add_stop,
    "n": _add_answers,
    "tools": _add_tools,
    "tool_choice": _add_tool_choice,
}
"""The settings that this API calls otherwise, or has elsewhere, than chat completions."""
