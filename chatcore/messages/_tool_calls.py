"""Tool calls in the making: reading their arguments, and joining their parts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeGuard, cast

from pydantic_core import from_json

from chatcore.messages._calls import invalid_tool_call, tool_call, tool_call_chunk
from chatcore.messages._json import mended
from chatcore.messages._shapes import is_dict, is_list

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from chatcore.messages._calls import ToolCall, ToolCallChunk
    from chatcore.messages.content import InvalidToolCall

__all__ = [
    "TYPED",
    "ToolCallJoin",
    "finished_blocks",
    "finished_calls",
    "function_of",
    "is_standard",
    "parsed_call",
    "partial_calls",
]


def parsed_call(name: str | None, args: str | None, call_id: str | None) -> ToolCall | InvalidToolCall:
    """Read the arguments of one whole call, strictly: what is no JSON object makes an invalid call that says why.

    No text at all, and `null`, mean no arguments: servers send both for a tool without parameters. Raw line breaks
    inside strings, which models write and JSON forbids, can be read in one way only, and are.
    """
    value: Any = {}
    try:
        if args:
            value = _strict(args)
    except (ValueError, RecursionError) as error:
        return invalid_tool_call(name=name, args=args, id=call_id, error=f"the arguments are not JSON: {error}")
    if value is None:
        value = {}
    if not is_dict(value):
        found = f"the arguments are not a JSON object but of type {type(value).__name__}"
        return invalid_tool_call(name=name, args=args, id=call_id, error=found)
    return tool_call(name=name or "", args=value, id=call_id)


def finished_calls(chunks: Iterable[ToolCallChunk]) -> tuple[list[ToolCall], list[InvalidToolCall]]:
    """Read whole calls strictly, and sort those that can be read from those that cannot."""
    calls: list[ToolCall] = []
    invalid: list[InvalidToolCall] = []
    for chunk in chunks:
        call = parsed_call(chunk["name"], chunk["args"], chunk["id"])
        if call.get("type") == "tool_call":
            calls.append(cast("ToolCall", call))
        else:
            invalid.append(cast("InvalidToolCall", call))
    return calls, invalid


def is_standard(content: Any, response_metadata: Mapping[Any, Any]) -> TypeGuard[list[Any]]:
    """Whether content is a list of standard blocks already, as its provider says by `output_version` `"v1"`."""
    return is_list(content) and response_metadata.get("output_version") == "v1"


def finished_blocks(content: list[Any], calls: Sequence[ToolCall]) -> list[Any]:
    """Standard blocks with whole tool calls in the place of their parts."""
    by_id = {call["id"]: call for call in calls if call["id"]}
    return [_finished_block(block, by_id) if is_dict(block) else block for block in content]


def partial_calls(chunks: Iterable[ToolCallChunk]) -> tuple[list[ToolCall], list[InvalidToolCall]]:
    """Read calls that may still grow: as much of their arguments as has arrived."""
    calls: list[ToolCall] = []
    invalid: list[InvalidToolCall] = []
    for chunk in chunks:
        name, args, call_id = chunk["name"], chunk["args"], chunk["id"]
        value = _partial(args) if args else {}
        if value is None:
            invalid.append(invalid_tool_call(name=name, args=args, id=call_id))
        else:
            calls.append(tool_call(name=name or "", args=value, id=call_id))
    return calls, invalid


class _Call:
    """A call that grows."""

    __slots__ = ("args", "id", "index", "name")

    def __init__(self, delta: Mapping[str, Any]) -> None:
        self.name: str | None = delta.get("name")
        self.id: str | None = delta.get("id")
        self.index: Any = delta.get("index")
        args: str | None = delta.get("args")
        self.args: list[str] | None = None if args is None else [args]

    def grow(self, delta: Mapping[str, Any]) -> None:
        args: str | None = delta.get("args")
        if args is not None:
            if self.args is None:
                self.args = [args]
            else:
                self.args.append(args)
        name: str | None = delta.get("name")
        if name is not None and name != self.name:
            # A name may come in pieces; the same name again is a repetition, not its second half.
            self.name = (self.name or "") + name
        self.id = self.id or delta.get("id")

    def chunk(self) -> ToolCallChunk:
        args = None if self.args is None else "".join(self.args)
        if args is not None:
            self.args = [args]
        return tool_call_chunk(name=self.name, args=args, id=self.id, index=self.index)


class ToolCallJoin:
    """Joins the parts of tool calls: appends as they come, joins once.

    Which call a part belongs to, by what its provider says of it:

    - an index and an id: the call with both; else the latest at that index, if it has no id yet and no other call has
      this one; else a new call;
    - an index alone: the latest call at that index, else a new call;
    - an id alone: the latest call with that id, else a new call;
    - neither: the latest call, unless the part has a name, which only a new call begins with.

    "Latest" is the last to begin. So the answer follows from the calls as they stand, and not from the way there: calls
    that were joined, taken out and joined again stay what they are, and sums of chunks may be cut anywhere.
    """

    __slots__ = ("_by_id", "_by_index", "_by_index_and_id", "_calls")

    def __init__(self) -> None:
        self._calls: list[_Call] = []
        self._by_id: dict[str, _Call] = {}
        self._by_index: dict[Any, _Call] = {}
        self._by_index_and_id: dict[tuple[Any, str], _Call] = {}

    def add(self, deltas: Iterable[Mapping[str, Any]]) -> None:
        """Take the parts that one chunk brings."""
        for delta in deltas:
            index, call_id = delta.get("index"), delta.get("id") or None
            call = self._call_for(index, call_id, delta.get("name"))
            if call is None:
                call = _Call(delta)
                self._calls.append(call)
                if index is not None:
                    self._by_index[index] = call
                self._name(call, call_id)
            else:
                if not call.id:
                    self._name(call, call_id)
                call.grow(delta)

    def chunks(self) -> list[ToolCallChunk]:
        """The calls so far, each in one piece."""
        return [call.chunk() for call in self._calls]

    def _call_for(self, index: Any, call_id: str | None, name: str | None) -> _Call | None:
        if index is None and call_id is None:
            return None if name or not self._calls else self._calls[-1]
        if index is None:
            return self._by_id.get(cast("str", call_id))
        latest = self._by_index.get(index)
        if call_id is None or latest is None:
            return latest
        if not latest.id and call_id not in self._by_id:
            return latest
        return self._by_index_and_id.get((index, call_id))

    def _name(self, call: _Call, call_id: str | None) -> None:
        if call_id is not None:
            self._by_id[call_id] = call
            if call.index is not None:
                self._by_index_and_id[call.index, call_id] = call


def function_of(call: Any) -> dict[str, Any] | None:
    """What OpenAI's shape of a call says of the function; None if it is not in that shape."""
    function: Any = call.get("function") if is_dict(call) else None
    return function if is_dict(function) else None


def _typed_tool_call(call: dict[str, Any]) -> dict[str, Any]:
    return {**{key: call[key] for key in ("name", "args") if key in call}, "id": call.get("id"), "type": "tool_call"}


def _typed_invalid_tool_call(call: dict[str, Any]) -> dict[str, Any]:
    return dict(
        invalid_tool_call(name=call.get("name"), args=call.get("args"), id=call.get("id"), error=call.get("error"))
    )


def _typed_tool_call_chunk(call: dict[str, Any]) -> dict[str, Any]:
    return dict(
        tool_call_chunk(name=call.get("name"), args=call.get("args"), id=call.get("id"), index=call.get("index"))
    )


TYPED: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "tool_calls": _typed_tool_call,
    "invalid_tool_calls": _typed_invalid_tool_call,
    "tool_call_chunks": _typed_tool_call_chunk,
}
"""For each field that holds tool calls: a call with exactly the keys that belong there, its `type` among them."""


def _finished_block(block: dict[str, Any], by_id: Mapping[str, ToolCall]) -> dict[str, Any]:
    kind = block.get("type")
    if kind == "tool_call_chunk" and (call := by_id.get(cast("str", block.get("id")))) is not None:
        extras = {"extras": block["extras"]} if "extras" in block else {}
        return {"type": "tool_call", "name": call["name"], "args": call["args"], "id": call["id"], **extras}
    if kind in {"server_tool_call", "server_tool_call_chunk"}:
        args: Any = block.get("args") or "{}"
        parsed = parsed_call(None, args, None) if isinstance(args, str) else None
        if parsed is not None and parsed.get("type") == "tool_call":
            return {**block, "type": "server_tool_call", "args": parsed["args"]}
    return block


def _strict(text: str) -> Any:
    try:
        return from_json(text)
    except (ValueError, TypeError):
        # The standard library's parser is slower and takes what this one will not: deeper nesting.
        return json.loads(mended(text))


def _partial(text: str) -> dict[str, Any] | None:
    # A stretch from the middle of a call cannot be read; saying so must cost next to nothing, for most stretches are.
    if not text.lstrip().startswith("{"):
        return {} if text.strip() == "null" else None
    try:
        value = from_json(text, allow_partial="trailing-strings")
    except (ValueError, TypeError):
        try:
            value = from_json(mended(text), allow_partial="trailing-strings")
        except ValueError:
            return None
    return cast("dict[str, Any]", value)
