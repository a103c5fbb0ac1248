"""What the models of all providers have in common, on each of them: arguments, keys, addresses, pickles, copies."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from chatcore import (
    AzureChatOpenAI,
    ChatAnthropic,
    ChatBedrockConverse,
    ChatGoogleGenerativeAI,
    ChatOllama,
    ChatOpenAI,
)
from chatcore.errors import ConfigurationError, InvalidInputError, MissingKeyError
from chatcore.load import dumpd, dumps, load

SECRET = "sk-very-secret-0123456789abcdef"


@dataclass(frozen=True)
class Kind:
    """One provider's model.

    key: the argument that holds its key.
    variable: the environment variable that does.
    needs: what else it must be told.
    """

    model: type[Any]
    key: str
    variable: str | None
    needs: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def make(self, **given: Any) -> Any:
        return self.model(**{"model": "m-1", **self.needs, self.key: SECRET, **given})


KINDS = {
    "ChatOpenAI": Kind(ChatOpenAI, "api_key", "OPENAI_API_KEY"),
    "AzureChatOpenAI": Kind(
        AzureChatOpenAI,
        "api_key",
        "AZURE_OPENAI_API_KEY",
        {"azure_endpoint": "https://x.openai.azure.com", "azure_deployment": "d", "api_version": "2024-10-21"},
    ),
    "ChatAnthropic": Kind(ChatAnthropic, "api_key", "ANTHROPIC_API_KEY"),
    "ChatGoogleGenerativeAI": Kind(ChatGoogleGenerativeAI, "api_key", "GOOGLE_API_KEY"),
    "ChatOllama": Kind(ChatOllama, "api_key", None),
    "ChatBedrockConverse": Kind(
        ChatBedrockConverse,
        "aws_secret_access_key",
        None,
        {"region_name": "us-east-1", "aws_access_key_id": "AKIDEXAMPLE"},
    ),
}
every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in KINDS.values():
        if kind.variable:
            monkeypatch.delenv(kind.variable, raising=False)
    for name in ("AWS_BEARER_TOKEN_BEDROCK", "GEMINI_API_KEY", "OLLAMA_API_KEY", "ANTHROPIC_AUTH_TOKEN"):
        monkeypatch.delenv(name, raising=False)


@every_kind
def test_a_key_is_never_shown_dumped_or_pickled(kind: Kind) -> None:
    model = kind.make(default_headers={"authorization": SECRET, "x-harmless": "yes"})
    bound = model.bind(extra_headers={"x-api-key": SECRET}).with_retry()
    for shown in (model, bound):
        assert SECRET not in repr(shown)
        assert SECRET not in str(shown)
        assert SECRET not in dumps(shown)
        assert SECRET not in str(shown.model_dump())
        assert SECRET.encode() not in pickle.dumps(shown)
    assert SECRET not in str(model._identifying_params)
    assert SECRET not in str(model._get_ls_params())


@every_kind
def test_a_pickled_model_finds_its_key_again(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    model = kind.make(temperature=0.5)
    if kind.variable:
        monkeypatch.setenv(kind.variable, SECRET)
    back = pickle.loads(pickle.dumps(model))  # noqa: S301 - made here
    assert type(back) is kind.model
    assert (back.model, back.temperature, back.base_url) == (model.model, 0.5, model.base_url)
    if kind.variable:
        assert getattr(back, kind.key).get_secret_value() == SECRET


@every_kind
def test_copies_keep_the_key(kind: Kind) -> None:
    model = kind.make()
    for other in (copy.copy(model), copy.deepcopy(model), model.model_copy(update={"temperature": 0.1})):
        assert getattr(other, kind.key) == getattr(model, kind.key)


@every_kind
def test_a_dump_loads_again(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    if kind.variable:
        monkeypatch.setenv(kind.variable, SECRET)
    model = kind.make(temperature=0.25)
    secrets = dict.fromkeys(model.lc_secrets.values(), SECRET)
    back = load(dumpd(model), secrets_map=secrets, allowed_objects=[kind.model])
    assert type(back) is kind.model
    assert (back.model, back.temperature, back.base_url) == ("m-1", 0.25, model.base_url)


@every_kind
def test_the_key_from_the_environment(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    if kind.variable is None:
        pytest.skip("it needs no key, or finds its credentials in another way")
    with pytest.raises(MissingKeyError, match=kind.variable):
        kind.make(**{kind.key: None})
    monkeypatch.setenv(kind.variable, f" {SECRET}\n")
    assert kind.make(**{kind.key: None}).api_key.get_secret_value() == SECRET
    monkeypatch.setenv(kind.variable, "two\nlines")
    with pytest.raises(ConfigurationError, match=kind.variable) as raised:
        kind.make(**{kind.key: None})
    assert "two" not in str(raised.value)


@every_kind
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"temprature": 1}, "Did you mean 'temperature'"),
        ({"temperature": -1}, "temperature"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_retries": -1}, "max_retries"),
        ({"base_url": "localhost:8000"}, "has no scheme"),
        ({"base_url": "https://user:pass@host"}, "seen in logs"),
        ({"base_url": f"https://host?api_key={SECRET}"}, "seen in logs"),
        ({"model_kwargs": {"temperature": 1}}, "argument of its own"),
        ({"http_client": 3}, "http_client"),
        ({"default_headers": {"x": "a\nb"}}, "default_headers"),
    ],
    ids=[
        *("misspelt", "temperature", "tokens", "retries", "no scheme", "password", "key in the address"),
        *("twice", "client", "header"),
    ],
)
def test_wrong_arguments_say_what_to_do(kind: Kind, given: dict[str, Any], said: str) -> None:
    if kind.model is ChatOllama and "scheme" in said:
        pytest.skip("Ollama's own client takes an address without a scheme")
    if kind.model is ChatOllama and "pass@" in str(given):
        pytest.skip("Ollama's own client takes a password in the address, as a header; test_ollama.py")
    with pytest.raises(ConfigurationError, match=said) as raised:
        kind.make(**given)
    assert SECRET not in str(raised.value)


@pytest.mark.anyio
@every_kind
@pytest.mark.parametrize("name", ["base_url", "max_retries", "http_client", "timeout"])
async def test_what_is_said_of_a_model_is_no_parameter_of_a_call(kind: Kind, name: str) -> None:
    with pytest.raises(InvalidInputError, match=f"{name}= is no parameter of a call"):
        await kind.make().ainvoke("hi", **{name: 1})


@pytest.mark.anyio
@every_kind
async def test_there_must_be_a_message(kind: Kind) -> None:
    with pytest.raises(InvalidInputError, match=r"empty|at least one message"):
        await kind.make().ainvoke([])


@every_kind
def test_names_of_the_reference(kind: Kind) -> None:
    model = kind.make()
    assert model.is_lc_serializable()
    assert model._llm_type
    assert model._get_ls_params()["ls_provider"]
