"""Models that the config of each call chooses."""

from __future__ import annotations

import copy
import pickle
from typing import Any, cast

import pytest
from pydantic import BaseModel

from chatcore import ChatOpenAI, HumanMessage, StructuredOutputError, init_chat_model
from chatcore.errors import ConfigurationError, MissingKeyError
from chatcore.jobs import BatchJob
from chatcore.providers._configurable_model import ConfigurableChatModel
from chatcore.providers._named import class_of
from chatcore.testing import Fault, Reply, Simulator


class Person(BaseModel):
    """A person."""

    name: str


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GROQ_API_KEY", "OPENAI_BASE_URL", "CHATCORE_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


def config(**values: Any) -> Any:
    return {"configurable": values}


def configurable(*args: Any, **kwargs: Any) -> ConfigurableChatModel:
    model = init_chat_model(*args, **kwargs)
    assert isinstance(model, ConfigurableChatModel)
    return model


def chosen(model: ConfigurableChatModel, /, **values: Any) -> ChatOpenAI:
    made = model.chosen(config(**values))
    assert isinstance(made, ChatOpenAI)
    return made


# ------------------------------------------------------------------------------------------------------------- choosing


def test_a_model_named_by_the_config() -> None:
    model = configurable(temperature=0, api_key="k")
    made = chosen(model, model="groq:llama", temperature=1)
    assert (made.provider, made.model, made.temperature) == ("groq", "llama", 0)
    made = chosen(model, model="llama", model_provider="groq")
    assert (made.provider, made.model) == ("groq", "llama")


def test_a_model_of_another_wire() -> None:
    model = configurable("openai:gpt-5", configurable_fields=["model"], api_key="mine", temperature=0)
    with pytest.raises(MissingKeyError, match="ANTHROPIC_API_KEY"):
        model.chosen(config(model="claude-sonnet-4-5"))
    made: Any = configurable(temperature=0, api_key="k").chosen(config(model="claude-sonnet-4-5"))
    assert (type(made), made.model, made.temperature) == (class_of("anthropic"), "claude-sonnet-4-5", 0)


def test_a_config_that_names_no_model() -> None:
    with pytest.raises(ConfigurationError, match=r"No model is named.*'configurable': {'a_model': 'openai"):
        configurable(config_prefix="a").chosen({})


def test_any_argument() -> None:
    model = configurable("openai:gpt-5", configurable_fields="any", temperature=0, api_key="k")
    assert chosen(model).temperature == 0
    made = chosen(model, temperature=0.5, max_completion_tokens=9, thread_id="another's", model="gpt-5-mini")
    assert (made.model, made.temperature, made.max_tokens) == ("gpt-5-mini", 0.5, 9)


def test_only_the_arguments_that_are_named() -> None:
    model = configurable("openai:gpt-5", configurable_fields=["temperature"], api_key="k")
    made = chosen(model, temperature=0.5, base_url="https://evil.example", model="other")
    assert (made.model, made.temperature, made.base_url) == ("gpt-5", 0.5, "https://api.openai.com/v1")


@pytest.mark.parametrize("prefix", ["a", "a_"])
def test_a_prefix(prefix: str) -> None:
    model = configurable("openai:gpt-5", configurable_fields="any", config_prefix=prefix, api_key="k")
    made = chosen(model, a_temperature=0.5, temperature=1, b_seed=5)
    assert (made.temperature, made.seed) == (0.5, None)
    with pytest.raises(ConfigurationError, match="no argument 'heat'"):
        chosen(model, a_heat=1)


def test_a_prefix_without_fields_is_told_of() -> None:
    with pytest.warns(UserWarning, match="config_prefix='a' has no effect"):
        init_chat_model("openai:gpt-5", config_prefix="a", api_key="k")


def test_fields_are_a_list() -> None:
    with pytest.raises(ConfigurationError, match="configurable_fields='model': give a list"):
        init_chat_model("openai:gpt-5", configurable_fields="model")


def test_a_wrong_name_is_told_at_once() -> None:
    with pytest.raises(ConfigurationError, match="names no provider"):
        init_chat_model("nobody:m", configurable_fields="any")


def test_the_provider_of_the_default_stays_unless_the_name_says_another() -> None:
    model = configurable("llama", model_provider="groq", configurable_fields=["model", "model_provider"], api_key="k")
    assert (chosen(model, model="gpt-oss").provider, chosen(model, model="gpt-oss").model) == ("groq", "gpt-oss")
    with pytest.raises(MissingKeyError, match="CEREBRAS_API_KEY"):
        chosen(model, model="cerebras:gpt-oss")


def test_another_provider_is_not_given_the_key_and_address_of_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROQ_API_KEY", "theirs")
    model = configurable(
        "openai:gpt-5",
        configurable_fields=["model"],
        openai_api_key="mine",
        base_url="https://mine.example/v1",
        default_headers={"x-secret": "mine"},
        temperature=0,
    )
    assert chosen(model)._plain_key() == "mine"
    assert chosen(model, model="gpt-5-mini").base_url == "https://mine.example/v1"
    made = chosen(model, model="groq:llama")
    assert (made._plain_key(), made.base_url, made.temperature) == ("theirs", "https://api.groq.com/openai/v1", 0)
    assert made.default_headers is None


def test_a_model_is_made_once() -> None:
    model = configurable(configurable_fields="any", api_key="k")
    first = chosen(model, model="gpt-5", temperature=1)
    assert chosen(model, temperature=1, model="gpt-5") is first
    assert chosen(model.bind(stop=["x"]), temperature=1, model="gpt-5") is first
    assert chosen(model, model="gpt-5", temperature=0) is not first
    assert chosen(model, model="gpt-5", stop=["a"]).stop == ["a"]  # not hashable
    for number in range(40):
        chosen(model, model="gpt-5", seed=number)
    assert len(model._made) <= 16


# ------------------------------------------------------------------------------------------------------- as every model


@pytest.mark.anyio
async def test_calls_streams_and_tools() -> None:
    script = [Reply("One."), Reply(chunks=["T", "wo."]), Reply(tool_calls=[{"name": "Person", "args": {"name": "A"}}])]
    async with Simulator(script=script) as simulator:
        model = init_chat_model(base_url=simulator.base_url, api_key="k")
        which = config(model="openai:gpt-5-mini")
        assert (await model.ainvoke("1?", which)).content == "One."
        assert [chunk.text async for chunk in model.astream("2?", which) if chunk.text] == ["T", "wo."]
        bound = model.bind_tools([Person]).with_retry()
        assert (await bound.ainvoke("3?", which)).tool_calls[0]["args"] == {"name": "A"}
        requests = simulator.requests
    assert requests[0].body["model"] == "gpt-5-mini"
    assert requests[2].body["tools"][0]["function"]["name"] == "Person"
    # One model, and so one connection.
    assert simulator.stats.connections_total == 1


@pytest.mark.anyio
async def test_structured_output_is_that_of_the_chosen_model() -> None:
    async with Simulator(script=[Reply('{"name": "A"}'), Reply('{"name": 5}')] * 2) as simulator:
        model = init_chat_model(base_url=simulator.base_url, api_key="k")
        people = model.bind(stop=["."]).with_structured_output(Person)
        assert await people.ainvoke("Who?", config(model="openai:gpt-5")) == Person(name="A")
        with pytest.raises(StructuredOutputError):
            await people.ainvoke("Who?", config(model="openai:gpt-5"))
        fixed = model.with_config(config(model="openai:gpt-5")).with_structured_output(Person)
        assert [part async for part in fixed.astream("Who?")][-1] == Person(name="A")
        requests = simulator.requests
    assert requests[0].body["response_format"]["json_schema"]["name"] == "Person"
    assert requests[0].body["stop"] == ["."]


def test_a_schema_that_is_none_is_told_at_once() -> None:
    with pytest.raises(ConfigurationError, match="method"):
        init_chat_model().with_structured_output(Person, method=cast("Any", "guess"))


@pytest.mark.anyio
async def test_fallbacks_and_alternatives() -> None:
    script = [Fault.http(400), Reply("From the other."), Reply("Chosen.")]
    async with Simulator(script=script) as simulator:
        model = init_chat_model("openai:a", configurable_fields=["model"], base_url=simulator.base_url, api_key="k")
        other = init_chat_model("openai:b", base_url=simulator.base_url, api_key="k")
        safe = model.with_fallbacks([other])
        assert (await safe.ainvoke("hi", config(model="openai:c"))).content == "From the other."
        assert (await model.ainvoke("hi", config(model="openai:c"))).content == "Chosen."
        assert [request.body["model"] for request in simulator.requests] == ["c", "b", "c"]


def test_sync_and_batches() -> None:
    with Simulator.in_thread() as simulator:
        model = init_chat_model(base_url=simulator.base_url, api_key="k")
        both = [config(model="openai:a"), config(model="openai:b")]
        assert len(model.batch(["1", "2"], both)) == 2
        assert {request.body["model"] for request in simulator.requests} == {"a", "b"}
        assert model.with_config(both[0]).generate([[HumanMessage("hi")]]).generations[0][0].text


def test_what_may_be_configured() -> None:
    model = configurable("openai:gpt-5", configurable_fields=["temperature", "api_key"], config_prefix="a", api_key="k")
    specs = {spec.id: spec.default for spec in model.config_specs}
    assert specs == {"a_temperature": None, "a_api_key": None}
    assert {spec.id for spec in init_chat_model().config_specs} == {"model", "model_provider"}


def test_keys_are_not_shown_copied_out_or_pickled() -> None:
    model = configurable("openai:gpt-5", configurable_fields="any", api_key="sk-secret", temperature=0)
    chosen(model)
    assert "sk-secret" not in repr(model) + str(model.model_dump())
    dumped = pickle.dumps(model)
    assert b"sk-secret" not in dumped
    again = pickle.loads(dumped)  # noqa: S301 - what this test has just written
    assert again.arguments == {"model": "openai:gpt-5", "temperature": 0}
    assert copy.deepcopy(model).arguments == model.arguments


def test_it_is_known_by_the_default_models_name() -> None:
    assert configurable("openai:gpt-5", configurable_fields="any")._model_name() == "gpt-5"
    assert configurable()._model_name() is None
    assert configurable()._llm_type == "configurable"


def test_a_job_takes_it() -> None:
    assert BatchJob(init_chat_model("openai:gpt-5", configurable_fields="any"), source="a", output="b")
