from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatcore.testing._text import chance, count_tokens, digest_of, pieces, prompt_tokens, write


@given(st.text())
def test_the_pieces_of_a_text_are_its_tokens(text: str) -> None:
    assert "".join(pieces(text)) == text
    assert len(pieces(text)) == count_tokens(text)


def test_prompts_count_frames_texts_images_and_calls() -> None:
    messages: list[dict[str, Any]] = [
        {"role": "user", "content": "12345678"},
        {
            "role": "user",
            "content": [{"type": "text", "text": "1234"}, {"type": "image_url", "image_url": {"url": "x"}}],
        },
        {"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "add", "arguments": "{}123"}}]},
    ]
    assert [prompt_tokens([message]) for message in messages] == [4 + 2, 4 + 1 + 85, 4 + 2]
    assert prompt_tokens(messages) == 6 + 90 + 6


def test_the_digest_follows_from_model_messages_and_seeds_alone() -> None:
    body: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "x"}]}
    assert digest_of(0, body) == digest_of(0, {**body, "stream": True, "temperature": 1})
    others = [
        digest_of(1, body),
        digest_of(0, {**body, "model": "n"}),
        digest_of(0, {**body, "seed": 5}),
        digest_of(0, {**body, "messages": []}),
    ]
    assert len({digest_of(0, body), *others}) == 5


def test_chances_are_even_and_differ_by_purpose_and_occurrence() -> None:
    draws = [chance(digest_of(seed, {}), b"fault", 1) for seed in range(2000)]
    assert all(0 <= draw < 1 for draw in draws)
    assert 0.48 < sum(draws) / len(draws) < 0.52
    digest = digest_of(0, {})
    assert len({chance(digest, b"fault", 1), chance(digest, b"fault", 2), chance(digest, b"latency", 1)}) == 3


def test_a_text_follows_from_its_digest() -> None:
    texts = {write(digest_of(seed, {}), None) for seed in range(50)}
    assert len(texts) == 50
    assert write(digest_of(7, {}), None) == write(digest_of(7, {}), None)
    assert any(not text.isascii() for text in texts), "clients that split UTF-8 wrongly are to be found out"


@pytest.mark.parametrize("tokens", [1, 2, 50, 1000])
def test_a_text_is_as_long_as_it_is_wanted(tokens: int) -> None:
    for seed in range(20):
        assert count_tokens(write(digest_of(seed, {}), tokens)) == tokens
