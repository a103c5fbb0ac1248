"""Every recorded answer, plain and streamed, cut anywhere, gives what the provider's own SDK reads in it.

What the SDK gets wrong is listed here, row by row, with the reason and with what is right.
"""

from __future__ import annotations

import random
from typing import Any

import pytest

from chatcore.errors import ChatCoreError
from chatcore.messages import AIMessage
from chatcore.providers._anthropic import AnswerDecoder, decode_answer
from tests.providers.replay import Cut, Replay, at_random, expected_facts, facts, whole

DIFFERENCES: dict[str, tuple[str, dict[str, Any]]] = {}


def told(message: AIMessage) -> dict[str, Any]:
    """The facts, with counts as the API has them: input without what the cache took or gave, and no total."""
    said = facts(message)
    details: dict[str, Any] = {}
    if message.usage_metadata is not None:
        details = dict(message.usage_metadata.get("input_token_details", {}))
        written = details.get("cache_creation", 0)
        written += sum(details.get(f"ephemeral_{lifetime}_input_tokens", 0) for lifetime in ("5m", "1h"))
        if "cache_creation" in details:
            details["cache_creation"] = written
        said["usage"]["input"] -= details.get("cache_read", 0) + written
        said["usage"]["total"] = None
        # Where no token was spent on thought, the recordings tell none.
        said["usage"]["reasoning"] = said["usage"]["reasoning"] or None
        said["usage"]["cache_write"] = details.get("cache_creation")
    content = message.content if isinstance(message.content, list) else []
    kinds = [block["type"] if isinstance(block, dict) else "text" for block in content]
    known = ("text", "thinking", "redacted_thinking", "tool_use")
    return {
        **said,
        "usage_raw": without_iterations(message.response_metadata.get("usage")),
        "thinking_blocks": kinds.count("thinking"),
        "thinking_signatures": sum(1 for block in content if isinstance(block, dict) and block.get("signature")),
        "redacted_thinking_blocks": kinds.count("redacted_thinking"),
        "other_blocks": [kind for kind in kinds if kind not in known],
        "stop_sequence": message.response_metadata.get("stop_sequence"),
    }


def expected(row: dict[str, Any]) -> dict[str, Any]:
    """What the SDK reads in a row; the facts that only this dialect has among them."""
    more = ("usage_raw", "thinking_blocks", "thinking_signatures", "redacted_thinking_blocks", "other_blocks")
    facts = {key: row["expected"].get(key) for key in (*more, "stop_sequence")}
    return {**expected_facts(row), **facts, "usage_raw": without_iterations(facts["usage_raw"])}


def without_iterations(usage: dict[str, Any] | None) -> dict[str, Any] | None:
    """Counts without those of each iteration, which the SDK's accumulator of streams drops."""
    return usage and {key: value for key, value in usage.items() if key != "iterations"}


REPLAY = Replay("anthropic-messages", decode_answer, AnswerDecoder, DIFFERENCES, told, expected)
IN_BLOCKS = Replay(
    "anthropic-messages",
    decode_answer,
    lambda exchange: AnswerDecoder(exchange, blocks=True),
    DIFFERENCES,
    told,
    expected,
)


@pytest.mark.parametrize(
    "cut", [whole, at_random(1), at_random(2), at_random(3)], ids=["whole", "seed 1", "seed 2", "seed 3"]
)
def test_every_recorded_answer_reads_as_expected(cut: Cut) -> None:
    """Each row agrees with the SDK, or differs as listed."""
    assert REPLAY.wrong(cut) == {}


def test_text_in_blocks_is_the_same_text() -> None:
    assert IN_BLOCKS.wrong(whole) == {}


def test_answers_that_come_byte_by_byte() -> None:
    """The same, for a sample, with a cut at every byte."""
    assert REPLAY.wrong_byte_by_byte(40) == {}


def test_answers_cut_short_are_never_taken_for_whole() -> None:
    """A stream that loses its end is an error, wherever it is cut before its stop reason."""
    source = random.Random(5)
    silent: list[tuple[str, int]] = []
    for row in REPLAY.rows():
        end = row["body_text"].encode().find(b"event: message_delta")
        if not row["stream_body"] or end < 0:
            continue
        at = source.randrange(end)
        body = row["body_text"].encode()[:at].decode(errors="replace")
        try:
            REPLAY.read({**row, "body_text": body}, whole)
        except ChatCoreError:
            continue
        silent.append((row["id"], at))
    assert silent == []
