"""Recorded answers through a codec, cut anywhere, beside what the provider's own SDK reads in them; tests use it.

Each dialect's test names its codec, and lists row by row what the SDK gets wrong, with the reason and what is right.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from chatcore.errors import ProviderError
from chatcore.http.status import error_from
from chatcore.messages import Accumulator, AIMessage
from chatcore.outputs import ChatResult
from chatcore.providers._wire import Exchange, StreamDecoder
from tests.providers.traffic import rows

Cut = Callable[[bytes], Iterator[bytes]]


def whole(body: bytes) -> Iterator[bytes]:
    """Uncut."""
    yield body


def byte_by_byte(body: bytes) -> Iterator[bytes]:
    """Cut at every byte."""
    for position in range(len(body)):
        yield body[position : position + 1]


def at_random(seed: int) -> Cut:
    """Cut anywhere: into parts of one byte, of a few, and of many."""
    source = random.Random(seed)

    def cut(body: bytes) -> Iterator[bytes]:
        position = 0
        while position < len(body):
            size = source.choice((1, 2, 7, 60, 300, 5000))
            yield body[position : position + size]
            position += size

    return cut


def facts(message: AIMessage) -> dict[str, Any]:
    """What the recordings expect of an answer, as this message has it."""
    said = message.response_metadata
    reasoning = [block.get("reasoning", "") for block in message.content_blocks if block["type"] == "reasoning"]
    usage = message.usage_metadata
    calls = [(call["name"], call["id"], call["args"]) for call in message.tool_calls]
    calls += [(call["name"], call["id"], call["args"]) for call in message.invalid_tool_calls]
    function = message.additional_kwargs.get("function_call")
    return {
        "text": message.text,
        "reasoning_text": "".join(reasoning),
        "tool_calls": calls,
        "finish_reason": said.get("finish_reason"),
        "model": said.get("model_name"),
        "response_id": said.get("id"),
        "refusal": message.additional_kwargs.get("refusal"),
        "legacy_function_call": function and {"name": function["name"], "args": json.loads(function["arguments"])},
        "usage": usage
        and {
            "input": usage["input_tokens"],
            "output": usage["output_tokens"],
            "total": usage["total_tokens"],
            "cached_input": usage.get("input_token_details", {}).get("cache_read"),
            "reasoning": usage.get("output_token_details", {}).get("reasoning"),
        },
    }


def expected_facts(row: dict[str, Any]) -> dict[str, Any]:
    """What the SDK reads in a row."""
    expected = row["expected"]
    usage = expected["usage"] or {}
    return {
        **{
            key: expected[key] for key in ("text", "reasoning_text", "finish_reason", "model", "response_id", "refusal")
        },
        "tool_calls": [
            (call["name"], call["id"], call["args_raw"] if call["args"] is None else call["args"])
            for call in expected["tool_calls"] or ()
        ],
        "legacy_function_call": expected.get("legacy_function_call"),
        "usage": None if all(count is None for count in usage.values()) else usage,
    }


@dataclass(frozen=True)
class Replay:
    """One dialect's codec, and the rows it is held to.

    decode: a whole body → the answer.
    decoder: the reader of a stream.
    listed: row id → why the SDK is wrong there, and the facts that differ, as they are right.
    facts: how a message's facts are told; `facts` above unless the dialect needs more.
    expected: how the recorded facts are told.
    """

    dialect: str
    decode: Callable[[bytes, Exchange], ChatResult]
    decoder: Callable[[Exchange], StreamDecoder]
    listed: Mapping[str, tuple[str, dict[str, Any]]] = field(default_factory=dict[str, tuple[str, dict[str, Any]]])
    facts: Callable[[AIMessage], dict[str, Any]] = facts
    expected: Callable[[dict[str, Any]], dict[str, Any]] = expected_facts

    def rows(self) -> list[dict[str, Any]]:
        """The rows that have an expected answer; skips the test where the recordings are absent."""
        return [row for row in rows(self.dialect) if row["expected"] is not None]

    def read(self, row: dict[str, Any], cut: Cut) -> AIMessage:
        """The row's answer as a message; raises what it stands for, if it is an error."""
        body = row["body_text"].encode()
        if row["status"] != 200:
            raise error_from(row["status"], row["response_headers"], body, provider=row["provider"])
        exchange = Exchange(row["provider"])
        if not row["stream_body"]:
            message = self.decode(body, exchange).generations[0].message
            assert isinstance(message, AIMessage)
            return message
        decoder = self.decoder(exchange)
        merged = Accumulator()
        for part in cut(body):
            for chunk in decoder.feed(part):
                merged.add(chunk.message)
        for chunk in decoder.finish():
            merged.add(chunk.message)
        return merged.message()

    def differences(self, row: dict[str, Any], cut: Cut) -> dict[str, Any]:
        """The facts in which we and the SDK differ: as we read them. An empty text or list and none are the same."""
        try:
            message = self.read(row, cut)
        except ProviderError as raised:
            return self.difference_of_error(row, raised)
        return self.difference(row, message)

    def difference(self, row: dict[str, Any], message: AIMessage) -> dict[str, Any]:
        """The same for an answer that was read."""
        if row["expected"]["error"] is not None:
            return {"error": None}
        theirs = self.expected(row)
        return {key: value for key, value in self.facts(message).items() if (value or None) != (theirs[key] or None)}

    def difference_of_error(self, row: dict[str, Any], raised: ProviderError) -> dict[str, Any]:
        """The same for an answer that was none."""
        error = row["expected"]["error"]
        if error is None:
            return {"error": str(raised)}
        as_sent = (error["message"] or "") in str(raised)
        in_stream = row["status"] == 200
        right = as_sent and raised.status == (None if in_stream else row["status"])
        # The SDK has code and type apart; ours is the code, or the type where there is none.
        codes = {str(error[key]) for key in ("code", "type", "status") if error.get(key)}
        right = right and (raised.code is None or raised.code in codes)
        return {} if right else {"error": str(raised)}

    def unexplained(self, row: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
        """What of the differences is not listed, or listed and not found."""
        _, right = self.listed.get(row["id"], ("", {}))
        if "error" in right and "error" in found:
            return {} if right["error"] in found["error"] else found
        return {} if found == right else {"found": found, "listed": right}

    def wrong(self, cut: Cut) -> dict[str, Any]:
        """The rows that neither agree with the SDK nor differ as listed."""
        found = ((row, self.differences(row, cut)) for row in self.rows())
        return {
            row["id"]: (row["provider"], row["quirks"], rest)
            for row, difference in found
            if (rest := self.unexplained(row, difference))
        }

    def wrong_byte_by_byte(self, sample: int) -> dict[str, Any]:
        """The same for a sample of the streams, with a cut at every byte."""
        streamed = [row for row in self.rows() if row["stream_body"]]
        chosen = random.Random(0).sample(streamed, min(sample, len(streamed)))
        return {
            row["id"]: rest for row in chosen if (rest := self.unexplained(row, self.differences(row, byte_by_byte)))
        }
