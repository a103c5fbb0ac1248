from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatcore.testing._text import (
    chance,
    count_tokens,
    digest_of,
    is_base64,
    is_sealed,
    pieces,
    prompt_tokens,
    seal,
    write,
)


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


def test_the_digest_follows_from_model_messages_and_seeds() -> None:
    messages = [{"role": "user", "content": "x"}]
    digests = [
        digest_of(0, "m", messages, None),
        digest_of(1, "m", messages, None),
        digest_of(0, "n", messages, None),
        digest_of(0, "m", messages, 5),
        digest_of(0, "m", [], None),
    ]
    assert len({*digests}) == 5
    assert digests[0] == digest_of(0, "m", [{"role": "user", "content": "x"}], None)


@given(st.text(), st.text())
def test_a_seal_is_ours_and_of_one_text(text: str, other: str) -> None:
    made = seal(text)
    assert is_sealed(made)
    assert is_sealed(made.replace("+", "-").replace("/", "_"))
    assert is_sealed(made, text)
    assert is_sealed(made, other) == (text == other)


@pytest.mark.parametrize("forged", [None, 5, "", "forged", seal("x")[:-4], "A" * 64, "é"])
def test_what_we_have_not_made_is_no_seal(forged: object) -> None:
    assert not is_sealed(forged)


@pytest.mark.parametrize(
    ("value", "right"),
    [("aGk=", True), ("-_-_", True), ("", False), ("a", False), ("not base64!", False), (None, False), (5, False)],
)
def test_base64(value: object, right: bool) -> None:
    assert is_base64(value) is right


def test_chances_are_even_and_differ_by_purpose_and_occurrence() -> None:
    draws = [chance(digest_of(seed, None, None, None), b"fault", 1) for seed in range(2000)]
    assert all(0 <= draw < 1 for draw in draws)
    assert 0.48 < sum(draws) / len(draws) < 0.52
    digest = digest_of(0, None, None, None)
    assert len({chance(digest, b"fault", 1), chance(digest, b"fault", 2), chance(digest, b"latency", 1)}) == 3


def test_a_text_follows_from_its_digest() -> None:
    texts = {write(digest_of(seed, None, None, None), None) for seed in range(50)}
    assert len(texts) == 50
    assert write(digest_of(7, None, None, None), None) == write(digest_of(7, None, None, None), None)
    assert any(not text.isascii() for text in texts), "clients that split UTF-8 wrongly are to be found out"


@pytest.mark.parametrize("tokens", [1, 2, 50, 1000])
def test_a_text_is_as_long_as_it_is_wanted(tokens: int) -> None:
    for seed in range(20):
        assert count_tokens(write(digest_of(seed, None, None, None), tokens)) == tokens
