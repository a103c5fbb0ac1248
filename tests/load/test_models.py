"""Models as JSON."""

from __future__ import annotations

import json
from typing import Any

import langchain_core.load as their_load
import langchain_openai
import pytest

from chatcore.engine.policies import Timeout
from chatcore.load import dumpd, dumps, load, loads
from chatcore.providers import ChatOpenAI

pytestmark = pytest.mark.filterwarnings("ignore:.*is in beta")  # the reference's own word on its functions

KEY = "sk-very-secret-0123456789"

GIVEN: dict[str, dict[str, Any]] = {
    "a name": {},
    "sampling": {"temperature": 0.5, "max_tokens": 10, "stop": ["x"], "seed": 7, "model_kwargs": {"other": 1}},
    "a timeout": {"timeout": 30, "max_retries": 5},
    "no timeout": {"timeout": None, "max_retries": 0},
    "timeouts": {"timeout": Timeout(connect=3, total=9)},
    "an address": {"base_url": "http://localhost:8000/v1"},
    "a provider": {"provider": "mistral"},
    "headers": {"default_headers": {"authorization": f"Bearer {KEY}"}, "default_query": {"key": KEY}},
    "a function for a key": {"api_key": lambda: KEY},
}


@pytest.mark.parametrize("case", GIVEN)
def test_a_model_comes_back_without_its_key(case: str) -> None:
    model = ChatOpenAI(**{"model": "gpt-4o", "api_key": KEY, **GIVEN[case]})
    text = dumps(model)
    assert KEY not in text
    (secret,) = json.loads(text)["kwargs"]["api_key"]["id"]
    again = loads(text, allowed_objects="all", secrets_map={secret: KEY})
    assert isinstance(again, ChatOpenAI)
    assert dumpd(again) == dumpd(model)
    assert again.model_dump() == model.model_dump()
    assert again.api_key is not None


@pytest.mark.parametrize("case", ["a name", "sampling", "a timeout", "an address"])
def test_the_reference_reads_it(case: str) -> None:
    text = dumps(ChatOpenAI(**{"model": "gpt-4o", "api_key": KEY, **GIVEN[case]}))
    theirs = their_load.loads(text, allowed_objects="all", secrets_map={"OPENAI_API_KEY": KEY})
    assert isinstance(theirs, langchain_openai.ChatOpenAI)
    assert theirs.model_name == "gpt-4o"
    assert theirs.temperature == GIVEN[case].get("temperature")


def test_it_reads_the_references() -> None:
    theirs = langchain_openai.ChatOpenAI(model="gpt-4o", api_key=KEY, temperature=0.5, max_tokens=9, timeout=30)  # type: ignore[arg-type, call-arg]
    ours = loads(their_load.dumps(theirs), allowed_objects="all", secrets_map={"OPENAI_API_KEY": KEY})
    assert isinstance(ours, ChatOpenAI)
    assert (ours.model, ours.temperature, ours.max_tokens, ours.timeout) == ("gpt-4o", 0.5, 9, Timeout(total=30))


def test_models_are_refused_where_they_were_not_expected() -> None:
    written = dumpd(ChatOpenAI(model="gpt-4o", api_key=KEY, base_url="http://evil.example/v1"))
    for allowed in (None, "core", "messages"):
        with pytest.raises(ValueError, match=r"ChatOpenAI.*not allowed"):
            load(written, allowed_objects=allowed)
    assert load(written, allowed_objects=[ChatOpenAI], secrets_map={"OPENAI_API_KEY": KEY}).model == "gpt-4o"


def test_what_is_bound_to_a_model_is_not_lost_in_silence() -> None:
    written = dumpd(ChatOpenAI(model="gpt-4o", api_key=KEY).bind(stop=["x"]))
    with pytest.raises(NotImplementedError, match="doesn't implement serialization"):
        load(written, allowed_objects="all")
