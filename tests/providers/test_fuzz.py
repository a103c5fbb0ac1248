"""Every codec, fuzzed: answers of any bytes under any cuts, and any messages, give a message or a typed error, in time.

What has failed once is kept as an example. `FUZZ_EXAMPLES` in the environment makes these tests look further, and
`python tests/fuzz/fuzz_codecs.py` for as long as it is given.
"""

from __future__ import annotations

import os
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatcore.messages import AIMessage
from tests.fuzz import mutation
from tests.fuzz.targets import CODECS, TooSlowError, as_bytes, check_answer, check_request, codec

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "60"))
SEED = st.integers(0, 2**64)

each_codec = pytest.mark.parametrize("name", CODECS)
searching = settings(
    max_examples=EXAMPLES,
    deadline=None,  # `check_answer` has bounds of its own, by size
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=20,
)


@each_codec
def test_the_corpus(name: str) -> None:
    fuzzed = codec(name)
    for body in (*fuzzed.whole, *fuzzed.streams):
        check_answer(fuzzed, body, range(0, len(body), max(1, len(body) // 50)))


@each_codec
@searching
@given(SEED)
def test_changed_answers(name: str, seed: int) -> None:
    chance = Random(seed)
    fuzzed = codec(name)
    body = mutation.body(fuzzed, chance)
    check_answer(fuzzed, body, mutation.cuts(chance, len(body)))


@each_codec
@searching
@given(st.lists(JSON, max_size=3), st.lists(st.integers(0, 400), max_size=4))
def test_any_json(name: str, values: list[Any], cuts: list[int]) -> None:
    fuzzed = codec(name)
    for value in values:
        check_answer(fuzzed, as_bytes(value), cuts)
    check_answer(fuzzed, fuzzed.framed((None, value) for value in values), cuts)


@each_codec
@searching
@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=4))
def test_any_bytes(name: str, body: bytes, cuts: list[int]) -> None:
    check_answer(codec(name), body, cuts)


@each_codec
@searching
@given(SEED)
def test_any_conversation(name: str, seed: int) -> None:
    chance = Random(seed)
    check_request(codec(name), mutation.messages(name, chance), mutation.settings(name, chance))


ENDLESS = b'{"model": "m", "message": {"role "assistant"}, "done": false}\n{"error": "No."}\n'
_PARTS = [{"functionCall": {"name": "f", "id": "c"}, "thoughtSignature": odd} for odd in ("AA", {"a": 1}, ["x"])]
SIGNED = [{"candidates": [{"content": {"parts": [part]}, "finishReason": "STOP"}]} for part in _PARTS]
REGRESSIONS = [
    pytest.param("gemini", codec("gemini").framed((None, answer) for answer in SIGNED), id="signatures of any type"),
    pytest.param(
        "gemini",
        as_bytes({"candidates": [{"content": {"parts": [{"type": []}]}}]}),
        id="a part with a type of any type",
    ),
    pytest.param("ollama", ENDLESS, id="lines that are no JSON"),
    pytest.param("ollama", b'"' + ENDLESS, id="a string, then lines"),
    *(pytest.param(name, b'{"usage": {"a": 1' + b"0" * 400 + b"}}", id=f"{name}: a huge number") for name in CODECS),
    *(pytest.param(name, b"[" * 100_000, id=f"{name}: nested deep") for name in CODECS),
    *(pytest.param(name, b'{"a":' * 100_000, id=f"{name}: nested deep in objects") for name in CODECS),
    *(pytest.param(name, b"data: {}\n\n" * 20_000, id=f"{name}: many events of nothing") for name in CODECS),
    *(pytest.param(name, b"{}\n" * 50_000, id=f"{name}: many lines of nothing") for name in CODECS),
]


@pytest.mark.parametrize(("name", "body"), REGRESSIONS)
def test_what_has_failed_once(name: str, body: bytes) -> None:
    check_answer(codec(name), body, [1, len(body) // 2])


def test_sending_an_answer_back_changes_nothing_of_it() -> None:
    item = {"type": "x", "id": "m", "role": "assistant", "content": [{"type": "output_text", "text": "Hi"}]}
    content = [item, {"type": "text", "text": "Hi", "id": "m"}]
    said = {"model_provider": "openai", "output_version": "responses/v1"}
    message = AIMessage(content, response_metadata=said)
    before = message.model_dump_json()
    check_request(codec("openai-responses"), [message], {"model": "m"})
    assert message.model_dump_json() == before


@each_codec
def test_a_block_of_a_stream_with_an_id_of_any_type(name: str) -> None:
    """The accumulator of chunks looks at ids."""
    fuzzed = codec(name)
    for odd in ({}, [], 3, None, ""):
        for stream in fuzzed.streams:
            text = stream.replace(b'"toolu_1"', as_bytes(odd)).replace(b'"call_1"', as_bytes(odd))
            check_answer(fuzzed, text, [10])


def test_the_bound_of_time_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.fuzz.targets.SECONDS", -1.0)
    with pytest.raises(TooSlowError, match="took"):
        check_answer(codec("ollama"), b"{}")
