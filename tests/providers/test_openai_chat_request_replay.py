"""Recorded requests, read as messages and written again, are the requests that were sent.

Up to what several SDKs write differently and no host tells apart; `normal` is the list of it.
"""

from __future__ import annotations

import json
from typing import Any

from chatcore.messages import convert_to_messages
from chatcore.providers._openai_chat_request import encode_request
from chatcore.providers._wire_request import to_json
from chatcore.providers.hosts import COMPATIBLE, HOSTS, Host, host_of
from tests.providers.traffic import rows

BAR = 0.99
"""The share of whole requests that must come out as they were sent."""

NOT_CONVERSATIONS = {
    "b8d816c595f289dfe05e25f4": "an empty list of messages, sent to be refused; we refuse it before it is sent",
    "32a795be4275e65b1b3fa6c0": "a content part without a type, which the host refused; we refuse it before it is sent",
}
"""Rows whose request was a mistake: nothing should write it again."""


def host_in(row: dict[str, Any]) -> Host:
    """The row of the table for a recorded exchange: by its address, or by its provider where that is not told."""
    host = host_of("https://" + row["path"])
    return HOSTS.get(row["provider"], host) if host is COMPATIBLE else host


def parsed(arguments: str) -> Any:
    try:
        return json.loads(arguments or "{}")
    except ValueError:
        return arguments  # what a model wrote that is no JSON


def normal(message: dict[str, Any], host: Host) -> dict[str, Any]:
    """A message of a request, without what does not count.

    - a null key, or an empty list of tool calls, says no more than a missing one
    - no content beside tool calls may be absent, null, "" or []
    - the JSON text of arguments may be spaced differently
    - a tool call's "type" may be left out, and its "index" and cache mark are an answer's or a gateway's own
    - annotations of an earlier answer are the answer's: they are not sent back
    - reasoning goes back under the one name that the host's row has, whichever an SDK chose; what the host does not
      take back is left out
    """
    wire = {key: value for key, value in message.items() if value is not None and value != []}
    wire.pop("annotations", None)
    if wire.get("role") == "developer" and not host.developer_role:
        wire["role"] = "system"
    if "tool_calls" in wire:
        wire["tool_calls"] = [
            {
                "id": call["id"],
                "name": call["function"]["name"],
                "arguments": parsed(call["function"]["arguments"]),
            }
            for call in wire["tool_calls"]
        ]
    text = wire.pop("reasoning_content", None) or wire.get("reasoning")
    wire.pop("reasoning", None)
    details = wire.pop("reasoning_details", None)
    if "reasoning_details" in host.reasoning and details:
        wire["thought"] = details
    elif set(host.reasoning) - {"reasoning_details"} and text:
        wire["thought"] = text
    content = wire.get("content")
    if not host.thinking_parts and isinstance(content, list) and wire["role"] == "assistant":
        wire["content"] = [part for part in content if part["type"] != "thinking"]
    if not content:
        wire.pop("content", None)
    return wire


def test_recorded_requests_are_written_as_they_were_sent() -> None:
    """Messages as sent; and every other parameter, under the host's own name for it."""
    different: dict[str, Any] = {}
    whole = 0
    for row in rows("openai-chat"):
        sent = row["request_json"]
        if not isinstance(sent, dict) or "messages" not in sent or row["id"] in NOT_CONVERSATIONS:
            continue
        whole += 1
        host = host_in(row)
        settings = {key: value for key, value in sent.items() if key not in ("messages", "stream", "stream_options")}
        body = encode_request(convert_to_messages(sent["messages"]), settings, host, stream=bool(sent.get("stream")))
        body = json.loads(to_json(body))
        theirs = [normal(message, host) for message in sent["messages"]]
        ours = [normal(message, host) for message in body["messages"]]
        if theirs != ours:
            different[row["id"]] = next(pair for pair in zip(theirs, ours, strict=True) if pair[0] != pair[1])
        for name, value in settings.items():
            renamed = {"max_tokens": host.max_tokens, "max_completion_tokens": host.max_tokens, "seed": host.seed}
            written = body.get(renamed.get(name, name))
            said = host.required if name == "tool_choice" and value in ("any", "required") else value
            if said not in (None, [], {}) and written != said:
                different[row["id"]] = (name, said, written)
    share = 1 - len(different) / whole
    assert share >= BAR, f"{share:.1%} of {whole}: {dict(list(different.items())[:10])}"
    assert different == {}
