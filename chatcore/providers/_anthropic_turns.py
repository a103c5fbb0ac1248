"""Messages → the turns of a conversation with Anthropic's Messages API. No I/O.

The wire (https://docs.anthropic.com/en/api/messages) takes turns of user and assistant in alternation; what the system
says, and what tools answered, has its place:

::

    SystemMessage, first                → "system"
    SystemMessage, later                → "system", or a turn of its own, for models that read it where it stands
    ToolMessage, ToolMessage, Human     → one turn of the user: tool results, then what was said
    AIMessage of Anthropic's            → its own blocks as they came: signatures, citations, calls of server tools
    AIMessage of anybody else           → its text and its tool calls

What cannot be sent is an error that names it.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64decode
from collections import Counter, deque
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from chatcore.errors import InvalidInputError
from chatcore.messages import AIMessage, BaseMessage, ChatMessage, HumanMessage, SystemMessage, ToolMessage
from chatcore.messages._shapes import is_dict, is_list
from chatcore.messages._standard import standard_blocks
from chatcore.messages._tool_calls import partial_calls
from chatcore.messages.block_translators._blocks import data_of_uri
from chatcore.messages.tool import tool_call_chunk
from chatcore.providers._history import told_to_others
from chatcore.providers._wire import as_object, as_objects, as_text, word
from chatcore.providers._wire_request import Source, Where, is_block

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

__all__ = ["PROVIDER", "TOOL_CHANGES", "encode_messages"]

PROVIDER: Final = "anthropic"
"""Who wrote the answers whose blocks are sent back as they are."""

TOOL_CHANGES: Final = frozenset({"tool_addition", "tool_removal"})
"""Blocks of a system message that change the tools in mid-conversation."""

Part: TypeAlias = dict[str, Any]
"""A block of a request."""

Content: TypeAlias = str | list[Part]


def encode_messages(
    messages: Sequence[BaseMessage], *, system_in_place: bool = False
) -> tuple[Content | None, list[dict[str, Any]]]:
    """The request's `system` (None: nothing) and its `messages`.

    Raises `InvalidInputError` for a conversation in which nobody says anything, and for a message or block that cannot
    be sent, naming its position.
    """
    roles = [_role(message, position) for position, message in enumerate(messages)]
    followed_by = _followed_by(roles) if system_in_place else []
    conversation = _Conversation()
    for position, (message, role) in enumerate(zip(messages, roles, strict=True)):
        if role == "system":
            in_place = system_in_place and _may_stand(conversation.turns, followed_by[position])
            conversation.add_system(message, position, in_place=in_place)
        elif isinstance(message, ToolMessage):
            conversation.add_results(message, position)
        else:
            conversation.add(message, position, role)
    system = _joined(conversation.system)
    written = [turn.written() for turn in conversation.turns]
    _trim_ending(written)
    if not written:
        what = "nothing but a system message" if system else "no message"
        msg = f"There is {what} to send: add a message of the user, such as HumanMessage('Hello')."
        raise InvalidInputError(msg)
    return system, written


class _Conversation:
    """What has been said so far."""

    __slots__ = ("_calls", "system", "turns")

    def __init__(self) -> None:
        self.system: list[Content] = []
        self.turns: list[_Turn] = []
        self._calls = _Calls()

    def add_system(self, message: BaseMessage, position: int, *, in_place: bool) -> None:
        content = _system_content(message, position, in_place=in_place)
        if content and in_place:
            self._turn("system").said.append(content)
        elif content:
            self.system.append(content)

    def add_results(self, message: ToolMessage, position: int) -> None:
        self._turn("user").results += _results(message, position, self._calls)

    def add(self, message: BaseMessage, position: int, role: str) -> None:
        if isinstance(message, AIMessage):
            content = _answer_content(message, position, self._calls)
        else:
            content = _input_content(message, position, self._calls)
        if content:
            self._turn(role).said.append(_marked_last(content, message))
        elif role == "user" and not (self.turns and self.turns[-1].role == role):
            # An empty answer says nothing; an empty question may be a mistake.
            msg = f"Message {position} ({message.type}) is empty, which Anthropic refuses: leave it out, or say more."
            raise InvalidInputError(msg)

    def _turn(self, role: str) -> _Turn:
        """The turn that a message of this role belongs to: the last, if it is of that role."""
        if not self.turns or self.turns[-1].role != role:
            self.turns.append(_Turn(role))
        return self.turns[-1]


class _Turn:
    """What one side says at a time.

    results: what tools answered, which the API wants before everything else.
    said: the contents of messages, in order.
    """

    __slots__ = ("results", "role", "said")

    def __init__(self, role: str) -> None:
        self.role = role
        self.results: list[Part] = []
        self.said: list[Content] = []

    def written(self) -> dict[str, Any]:
        said = _joined(self.said)
        content = [*self.results, *_as_parts(said)] if self.results else said
        return {"role": self.role, "content": content}


def _joined(contents: Sequence[Content]) -> Content | None:
    if len(contents) == 1:
        return contents[0]
    return [part for content in contents for part in _as_parts(content)] or None


def _as_parts(content: Content | None) -> list[Part]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return content or []


def _role(message: BaseMessage, position: int) -> str:
    if isinstance(message, SystemMessage):
        return "system"
    if isinstance(message, AIMessage):
        return "assistant"
    if isinstance(message, HumanMessage | ToolMessage):
        return "user"
    role = message.role if isinstance(message, ChatMessage) else None
    if role in _ROLES:
        return _ROLES[role]
    kind = type(message).__name__ + (f" of the role {role!r}" if role else "")
    msg = (
        f"Message {position} is a {kind}, which Anthropic does not take: give a SystemMessage, HumanMessage, AIMessage "
        "or ToolMessage."
    )
    raise InvalidInputError(msg)


_ROLES: Final[dict[str | None, str]] = {
    **dict.fromkeys(("user", "human"), "user"),
    **dict.fromkeys(("assistant", "ai"), "assistant"),
    **dict.fromkeys(("system", "developer"), "system"),
}


def _followed_by(roles: Sequence[str]) -> list[str]:
    """For each message, the role of the next that is no system message; the assistant's turn follows the last."""
    found = ["assistant"]
    for role in reversed(roles[1:]):
        found.append(found[-1] if role == "system" else role)
    return found[::-1]


def _may_stand(turns: Sequence[_Turn], following: str) -> bool:
    """Whether a system message may have its place here: after the user, and last or before an answer."""
    if not turns or following != "assistant":
        return False
    if turns[-1].role != "assistant":
        return True
    ending = _as_parts(turns[-1].said[-1])
    return bool(ending) and str(ending[-1]["type"]).endswith("_tool_result")


def _trim_ending(turns: list[dict[str, Any]]) -> None:
    """Take white space from the end of an answer that the model is to go on with: the API refuses it."""
    if not turns or turns[-1]["role"] != "assistant":
        return
    content = turns[-1]["content"]
    if isinstance(content, str):
        turns[-1]["content"] = content.rstrip()
    elif content[-1]["type"] == "text":
        text = content[-1]["text"].rstrip()
        turns[-1]["content"] = [*content[:-1], {**content[-1], "text": text}] if text else content[:-1]
    if not turns[-1]["content"]:
        turns.pop()


def _marked_last(content: Content, message: BaseMessage) -> Content:
    """`content` with the message's own cache mark on its last block."""
    mark = message.additional_kwargs.get("cache_control")
    parts = _as_parts(content) if mark else []
    return [*parts[:-1], {**parts[-1], "cache_control": mark}] if parts else content


class _Calls:
    """The ids of tool calls, as the API takes them, and what else results repeat of their calls.

    An id that the API refuses is replaced by one made of it, in a call and in its result. One that a second call has,
    too, is made another: the result that follows belongs to the last call of that id. So are empty ones, in order.
    """

    __slots__ = ("_by_id", "_taken", "_unnamed", "toolsets")

    def __init__(self) -> None:
        self._by_id: dict[str, str] = {}
        self._taken: Counter[str] = Counter()
        self._unnamed: deque[str] = deque()
        self.toolsets: dict[str, Any] = {}

    def of_call(self, given: str | None) -> str:
        """The id of a call."""
        wanted = _accepted(given) if given else "toolu_unnamed"
        made = wanted
        while self._taken[made]:
            self._taken[wanted] += 1
            made = f"{wanted}_{self._taken[wanted]}"
        self._taken[made] += 1
        if given:
            self._by_id[given] = made
        else:
            self._unnamed.append(made)
        return made

    def of_result(self, given: str | None) -> str:
        """The id in a result."""
        if given:
            return self._by_id.get(given) or _accepted(given)
        return self._unnamed.popleft() if self._unnamed else "toolu_unnamed"


_ACCEPTED_ID: Final = re.compile(r"[a-zA-Z0-9_-]+")


def _accepted(call_id: str) -> str:
    if _ACCEPTED_ID.fullmatch(call_id):
        return call_id
    return f"toolu_{hashlib.sha256(call_id.encode('utf-8', 'surrogatepass')).hexdigest()[:24]}"


# ------------------------------------------------------------------------------------------- what system and user say

_OWN_INPUT: Final = frozenset({"document", "search_result", "container_upload", "tool_reference", "browser_state"})
"""Blocks that only this API knows; an image is its own if it has a source."""


def _system_content(message: BaseMessage, position: int, *, in_place: bool) -> Content:
    content: Any = message.content
    if isinstance(content, str):
        return _marked_last(content, message)
    parts: list[Part] = []
    for block in content:
        where = Where(position, message.type, block)
        own = block.get("value") if is_block(block) and block["type"] == "non_standard" else block
        if isinstance(block, str):
            parts += _as_parts(block)
        elif is_block(own) and own["type"] == "text":
            parts += _text(own, where)
        elif in_place and is_block(own) and own["type"] in TOOL_CHANGES:
            parts.append(_unmarked(own))
        elif is_block(own) and own["type"] in TOOL_CHANGES:
            raise where.error("tools change only in a system message after the user's, for models that read it there")
        else:
            raise where.error("a system message holds text only")
    return _marked_last(parts, message)


def _input_content(message: BaseMessage, position: int, calls: _Calls) -> Content:
    content: Any = message.content
    if isinstance(content, str):
        return content
    return [part for block in content for part in _input(block, Where(position, message.type, block), calls)]


def _input(block: Any, where: Where, calls: _Calls) -> list[Part]:
    """A block that the user or a tool sends; no part for an empty text, which the API refuses."""
    if isinstance(block, str):
        return _as_parts(block)
    if not is_block(block):
        raise where.error("a block is text or a dict with a 'type', such as {'type': 'text', 'text': '...'}")
    kind = block["type"]
    if kind == "text":
        return _text(block, where)
    return [_own_result(block, where, calls) if kind == "tool_result" else _data(block, where)]


def _data(block: dict[str, Any], where: Where) -> Part:
    kind = block["type"]
    if kind in _OWN_INPUT or (kind == "image" and is_dict(block.get("source"))):
        return _unmarked(block)
    if kind == "image_url":
        return _image_url(block, where)
    standard = cast("dict[str, Any]", standard_blocks([block])[0])
    write = _DATA.get(standard["type"])
    if write is not None:
        return write(standard, where)
    value = standard.get("value")
    if not is_block(value):
        raise where.error("it is none of text, image, file and text-plain, and no block of Anthropic's")
    return _unmarked(value)


def _text(block: dict[str, Any], where: Where) -> list[Part]:
    text = block.get("text")
    if not isinstance(text, str):
        raise where.error("its 'text' must be a str")
    if not text:
        return []
    part: Part = {"type": "text", "text": text}
    citations = block.get("citations")
    if citations:
        part["citations"] = [_cited(one) for one in as_objects(citations)]
    elif block.get("annotations"):
        cited = [_citation(one) for one in as_objects(block["annotations"])]
        if any(cited):
            part["citations"] = [one for one in cited if one]
    return [_with_marks(part, block, ("cache_control",))]


def _unmarked(block: dict[str, Any]) -> Part:
    """A block of this API's own, without what only its place in a stream was."""
    return {key: value for key, value in block.items() if key != "index"} if "index" in block else block


def _extras(block: dict[str, Any]) -> dict[str, Any]:
    return as_object(block.get("extras"))


def _with_marks(part: Part, block: dict[str, Any], marks: Iterable[str]) -> Part:
    """`part` with what `block` says besides, on itself or among its extras (the reference's older name: metadata)."""
    for key in marks:
        for place in (block, _extras(block), as_object(block.get("metadata"))):
            if place.get(key) is not None:
                part[key] = place[key]
                break
    return part


def _image_url(block: dict[str, Any], where: Where) -> Part:
    given = block.get("image_url")
    url = given.get("url") if is_dict(given) else given
    if not isinstance(url, str) or not url:
        raise where.error("its 'image_url' must be {'url': '...'}")
    return _image({**block, "url": url}, where)


def _image(block: dict[str, Any], where: Where) -> Part:
    part: Part = {"type": "image", "source": _source(block, where, "image/png")}
    return _with_marks(part, block, ("cache_control",))


def _file(block: dict[str, Any], where: Where) -> Part:
    source = Source(block)
    mime_type = word(source.mime_type) or ""
    if mime_type.startswith("image/"):
        return _image(block, where)
    if source.data and (mime_type.startswith("text/") or mime_type in _TEXTUAL):
        try:
            text = b64decode(source.data, validate=True).decode()
        except (ValueError, TypeError):
            raise where.error(f"its data is no base64 of {mime_type} in UTF-8") from None
        return _text_document(block, text)
    document = _source(block, where, "application/pdf")
    if document["type"] == "base64" and document["media_type"] != "application/pdf":
        raise where.error(f"Anthropic reads PDFs, plain text and images, and no {document['media_type']}")
    return _document(block, document)


def _plain_text(block: dict[str, Any], where: Where) -> Part:
    text = block.get("text")
    if isinstance(text, str) and text:
        return _text_document(block, text)
    source = Source(block)
    if source.data or source.url or source.file_id:
        return _file({**block, "mime_type": source.mime_type or "text/plain"}, where)
    raise where.error("give its 'text', 'base64', 'url' or 'file_id'")


_TEXTUAL: Final = frozenset({"application/json", "application/xml", "application/yaml", "application/x-yaml"})


def _text_document(block: dict[str, Any], text: str) -> Part:
    return _document(block, {"type": "text", "media_type": "text/plain", "data": text})


def _document(block: dict[str, Any], source: Part) -> Part:
    part: Part = {"type": "document", "source": source}
    _with_marks(part, block, ("title", "context", "citations", "cache_control"))
    name = block.get("filename") or _extras(block).get("filename")
    if name and "title" not in part:
        part["title"] = name
    return part


def _source(block: dict[str, Any], where: Where, example: str) -> Part:
    """Where the data of an image or document is."""
    source = Source(block)
    if source.file_id:
        return {"type": "file", "file_id": source.file_id}
    inline = data_of_uri(source.url)
    data, mime_type = (inline["base64"], inline["mime_type"]) if inline else (source.data, source.mime_type)
    if data:
        if not mime_type and example != "application/pdf":
            raise where.error(f"base64 data needs its 'mime_type', such as {example!r}")
        return {"type": "base64", "media_type": mime_type or example, "data": data}
    if not source.url:
        raise where.error("give one of 'url', 'base64' with 'mime_type', or 'file_id'")
    return {"type": "url", "url": source.url}


def _not_taken(block: dict[str, Any], where: Where) -> Part:
    raise where.error(f"Anthropic takes no {block['type']}: send what is said or seen in it as text or images")


_DATA: Final[dict[str, Callable[[dict[str, Any], Where], Part]]] = {
    "image": _image,
    "file": _file,
    "text-plain": _plain_text,
    "audio": _not_taken,
    "video": _not_taken,
}


# --------------------------------------------------------------------------------------------------------- tool results


def _results(message: ToolMessage, position: int, calls: _Calls) -> list[Part]:
    content: Any = message.content
    if is_list(content) and content and all(is_block(one) and one["type"] == "tool_result" for one in content):
        return [_own_result(one, Where(position, message.type, one), calls) for one in content]
    part: Part = {"type": "tool_result", "tool_use_id": calls.of_result(message.tool_call_id)}
    part["content"], mark = _result_content(content, position, message.type, calls)
    mark = message.additional_kwargs.get("cache_control") or mark
    if message.status == "error":
        part["is_error"] = True
    if mark:
        part["cache_control"] = mark
    return [_of_toolset(part, calls)]


def _own_result(block: dict[str, Any], where: Where, calls: _Calls) -> Part:
    part = {**_unmarked(block), "tool_use_id": calls.of_result(word(block.get("tool_use_id")))}
    if is_list(part.get("content")):
        part["content"], mark = _result_content(part["content"], where.position, where.role, calls)
        if mark and "cache_control" not in part:
            part["cache_control"] = mark
    return _of_toolset(part, calls)


def _result_content(content: Any, position: int, role: str, calls: _Calls) -> tuple[Content, Any]:
    """What a tool answered, and the cache mark in it, which belongs to the result as a whole."""
    if isinstance(content, str):
        return content, None
    mark: Any = None
    parts: list[Part] = []
    for block in content:
        if is_dict(block) and not is_block(block):
            parts.append({"type": "text", "text": as_text(block)})  # an object that a tool answered
            continue
        for part in _input(block, Where(position, role, block), calls):
            mark = part.get("cache_control") or mark
            parts.append({key: value for key, value in part.items() if key != "cache_control"})
    return parts, mark


def _of_toolset(part: Part, calls: _Calls) -> Part:
    toolset = calls.toolsets.get(part["tool_use_id"])
    return part if toolset is None else {"toolset_name": toolset, **part}


# -------------------------------------------------------------------------------------------------------------- answers


def _answer_content(message: AIMessage, position: int, calls: _Calls) -> Content:
    provider = message.response_metadata.get("model_provider")
    # What nobody has signed was written by hand, or kept without its metadata: its blocks tell whose they are.
    answer = _Answer(message, position, calls, is_own=provider in (None, PROVIDER))
    content: Any = message.content
    if isinstance(content, str) and content and not message.tool_calls and not message.invalid_tool_calls:
        return content
    if not answer.is_own:
        content = told_to_others(message)
    for block in _as_parts(content) if isinstance(content, str) else content:
        answer.add(block)
    answer.add_missing_calls()
    return answer.parts


class _Answer:
    """An answer, block by block, on its way back to the API.

    parts: what is sent.
    is_own: whether it is Anthropic's own, whose thoughts and tools the API knows.
    """

    __slots__ = ("_calls", "_known", "_message", "_position", "_shown", "is_own", "parts")

    def __init__(self, message: AIMessage, position: int, calls: _Calls, *, is_own: bool) -> None:
        self._message = message
        self._position = position
        self._calls = calls
        every: Iterable[Any] = (*message.tool_calls, *message.invalid_tool_calls)
        self._known: dict[str | None, Any] = {call["id"]: call for call in every if call.get("id")}
        self._shown: Counter[str | None] = Counter()
        self.is_own = is_own
        self.parts: list[Part] = []

    def add(self, block: Any) -> None:
        """Take the next block of the content: one of the API's own, or a standard one."""
        where = Where(self._position, self._message.type, block)
        if isinstance(block, str):
            self.parts += _as_parts(block)
            return
        if not is_block(block):
            raise where.error("a block is text or a dict with a 'type', such as {'type': 'text', 'text': '...'}")
        kind = block["type"]
        if kind == "text":
            self.parts += _text(block, where)
        elif kind in ("tool_use", "tool_call", "tool_call_chunk", "invalid_tool_call"):
            self._add_call(block)
        elif kind in _STANDARD:
            part = _STANDARD[kind](block) if self.is_own else None
            if part is not None:
                self.parts.append(part)
        elif kind in _DATA and not is_dict(block.get("source")):
            pass  # what another model has drawn or spoken: the API takes no such thing from an assistant
        elif self.is_own and kind != "function_call":
            self.parts.append(_own_block(block))

    def add_missing_calls(self) -> None:
        """Add the calls that the message has beside its content."""
        for call in (*self._message.tool_calls, *self._message.invalid_tool_calls):
            call_id = call.get("id")
            if self._shown[call_id] > 0:
                self._shown[call_id] -= 1
            else:
                self._write_call({}, call.get("name"), call.get("args"), call_id)

    def _add_call(self, block: dict[str, Any]) -> None:
        call_id = word(block.get("id"))
        self._shown[call_id] += 1
        # The message's own calls count: a user may have mended them.
        known = self._known.get(call_id) if call_id else None
        args: Any = block.get("input", block.get("args"))
        if not args and block.get("partial_json"):
            args = block["partial_json"]
        if known is not None:
            args = known.get("args")
        extras = _extras(block)
        beside: dict[str, Any] = {key: extras[key] for key in _BESIDE_CALLS if key in extras}
        if block["type"] == "tool_use":
            beside.update({key: value for key, value in block.items() if key not in _CALL_KEYS and value is not None})
        self._write_call(beside, (known or block).get("name"), args, call_id)

    def _write_call(self, beside: dict[str, Any], name: Any, args: Any, call_id: str | None) -> None:
        made = self._calls.of_call(call_id)
        if beside.get("toolset_name"):
            self._calls.toolsets[made] = beside["toolset_name"]
        self.parts.append(
            {"type": "tool_use", "id": made, "name": word(name) or "", "input": _arguments(args), **beside}
        )


_BESIDE_CALLS: Final = ("caller", "toolset_name", "cache_control")
_CALL_KEYS: Final = frozenset({"type", "id", "name", "input", "index", "partial_json"})


def _arguments(args: Any) -> dict[str, Any]:
    """Arguments as an object: of a text that is no JSON, as much as can be read."""
    if is_dict(args):
        return args
    calls, _ = partial_calls([tool_call_chunk(name="", args=args if isinstance(args, str) else "", id=None)])
    return calls[0]["args"] if calls else {}


def _own_block(block: dict[str, Any]) -> Part:
    """A block of the API's own, as it came: what a stream has left in it taken out again."""
    part = _unmarked(block)
    if "partial_json" in part:
        given = part.get("input") or _arguments(part["partial_json"])
        part = {key: value for key, value in part.items() if key != "partial_json"}
        part["input"] = given
    if part["type"] == "thinking":
        part = {key: value for key, value in part.items() if key in _OF_THOUGHT}
        part.setdefault("thinking", "")
    return part


_OF_THOUGHT: Final = frozenset({"type", "thinking", "signature", "cache_control"})


def _cited(citation: dict[str, Any]) -> dict[str, Any]:
    # An answer tells a null file_id, which a request may not.
    return {key: value for key, value in citation.items() if not (key == "file_id" and value is None)}


# ------------------------------------------------------------------------ standard blocks of answers of Anthropic's


def _thought(block: dict[str, Any]) -> Part | None:
    signature = _extras(block).get("signature")
    # Without its signature it is refused.
    return {"type": "thinking", "thinking": block.get("reasoning") or "", "signature": signature} if signature else None


def _server_call(block: dict[str, Any]) -> Part:
    extras = {**_extras(block)}
    name = block.get("name")
    args = block.get("args")
    given = {"id": block.get("id"), "input": _arguments(args)}
    if name == "remote_mcp":
        return {"type": "mcp_tool_use", "name": extras.pop("tool_name", ""), **given, **extras}
    return {"type": "server_tool_use", "name": _OWN_NAMES.get(str(name), name), **given, **extras}


_OWN_NAMES: Final = {"code_interpreter": "code_execution"}


def _server_result(block: dict[str, Any]) -> Part | None:
    extras = {**_extras(block)}
    kind = extras.pop("block_type", None)
    if not isinstance(kind, str):
        return None
    part: Part = {"type": kind, "tool_use_id": block.get("tool_call_id"), "content": block.get("output", []), **extras}
    if kind == "mcp_tool_result":
        part["is_error"] = block.get("status") == "error"
    return part


def _unwrapped(block: dict[str, Any]) -> Part | None:
    value = block.get("value")
    return _own_block(value) if is_block(value) else None


_STANDARD: Final[dict[str, Callable[[dict[str, Any]], Part | None]]] = {
    "reasoning": _thought,
    "server_tool_call": _server_call,
    "server_tool_call_chunk": _server_call,
    "server_tool_result": _server_result,
    "non_standard": _unwrapped,
}
"""Standard blocks that are Anthropic's own blocks in another form; those of another provider mean nothing to it."""


def _citation(annotation: dict[str, Any]) -> dict[str, Any] | None:
    """A standard annotation as the API's citation; None for one of another provider's."""
    if annotation.get("type") == "non_standard_annotation":
        value = annotation.get("value")
        return value if is_block(value) else None
    extras = _extras(annotation)
    kind = next((kind for mark, kind in _LOCATIONS.items() if mark in extras), None)
    if kind is None:
        return None
    titled = "document_title" if kind in ("char_location", "page_location", "content_block_location") else "title"
    cited = {"type": kind, "cited_text": annotation.get("cited_text"), titled: annotation.get("title")}
    if "url" in annotation:
        cited["url"] = annotation["url"]
    return _cited({**cited, **extras})


_LOCATIONS: Final = {
    "encrypted_index": "web_search_result_location",
    "search_result_index": "search_result_location",
    "start_char_index": "char_location",
    "start_page_number": "page_location",
    "start_block_index": "content_block_location",
}
"""What tells one kind of citation from the others."""
