"""Trimming, where the comparison with the reference leaves off."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatcore.errors import ConfigurationError
from chatcore.messages import BaseMessage, HumanMessage, SystemMessage, trim_messages


def characters(message: BaseMessage) -> int:
    return len(message.text)


class Model:
    def get_num_tokens_from_messages(self, messages: list[BaseMessage]) -> int:
        return sum(map(characters, messages))


class Splitter:
    def split_text(self, text: str) -> list[str]:
        return list(text)


@pytest.mark.parametrize(
    "counter", [characters, Model(), Model().get_num_tokens_from_messages], ids=["one", "model", "all"]
)
def test_tokens_are_counted_by_a_function_of_one_message_of_all_or_by_a_model(counter: Any) -> None:
    conversation = [HumanMessage("abc"), HumanMessage("de"), HumanMessage("f")]
    assert trim_messages(conversation, max_tokens=3, token_counter=counter) == conversation[1:]


def test_a_splitter_may_be_an_object() -> None:
    (cut,) = trim_messages(
        [HumanMessage("abcdef")], max_tokens=4, token_counter=characters, allow_partial=True, text_splitter=Splitter()
    )
    assert cut.text == "cdef"


def test_the_conversation_itself_is_not_changed() -> None:
    message = HumanMessage([{"type": "text", "text": "abc"}, {"type": "text", "text": "def"}])
    (cut,) = trim_messages([message], max_tokens=3, token_counter=characters, allow_partial=True)
    assert cut.content == [{"type": "text", "text": "def"}]
    assert len(message.content) == 2


texts = st.lists(st.text(alphabet="ab\n", max_size=8), max_size=8)


@settings(max_examples=200, deadline=None)
@given(texts, st.integers(0, 30), st.sampled_from(["first", "last"]), st.booleans())
def test_what_is_kept_fits_and_is_an_end_of_the_conversation(
    said: list[str], most: int, strategy: Any, partial: bool
) -> None:
    conversation = [HumanMessage(text) for text in said]
    kept = trim_messages(
        conversation, max_tokens=most, token_counter=characters, strategy=strategy, allow_partial=partial
    )
    assert sum(map(characters, kept)) <= most
    whole, text = "".join(said), "".join(message.text for message in kept)
    assert whole.startswith(text) if strategy == "first" else whole.endswith(text)
    if not partial:
        assert kept == (
            conversation[: len(kept)] if strategy == "first" else conversation[len(conversation) - len(kept) :]
        )


def test_a_system_message_counts() -> None:
    conversation = [SystemMessage("abc"), HumanMessage("de"), HumanMessage("f")]
    kept = trim_messages(conversation, max_tokens=4, token_counter=characters, include_system=True)
    assert kept == [conversation[0], conversation[2]]


def test_what_is_wrong_is_said() -> None:
    with pytest.raises(ConfigurationError, match="Invalid token_counter shortcut 'exact'"):
        trim_messages(["a"], max_tokens=1, token_counter="exact")  # type: ignore[arg-type]
