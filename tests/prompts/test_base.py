"""What every prompt is: where users' code runs, what a call carries, what a decorated prompt keeps."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from chatcore.callbacks import BaseCallbackHandler
from chatcore.errors import ConfigurationError, InvalidInputError
from chatcore.messages import BaseMessage, HumanMessage
from chatcore.prompts import BaseChatPromptTemplate, ChatPromptTemplate, PromptTemplate, StringPromptTemplate

pytestmark = pytest.mark.anyio


def here() -> str:
    return str(threading.get_ident())


class Text(StringPromptTemplate):
    def format(self, **kwargs: Any) -> str:
        return here()


class Chat(BaseChatPromptTemplate):
    def format_messages(self, **kwargs: Any) -> list[BaseMessage]:
        return [HumanMessage(here())]


class Awaiting(Chat):
    async def aformat_messages(self, **kwargs: Any) -> list[BaseMessage]:
        return [HumanMessage(here())]


@pytest.mark.parametrize(
    ("prompt", "is_here"),
    [
        (Text(input_variables=[]), False),
        (Chat(input_variables=[]), False),
        (Awaiting(input_variables=[]), True),
        (PromptTemplate.from_template("{x}", partial_variables={"x": here}), False),
        (ChatPromptTemplate([("human", "{x}")]).partial(x=here), False),
    ],
    ids=["text", "chat", "awaiting", "function in a text", "function in a chat"],
)
async def test_sync_code_of_users_runs_in_threads(prompt: Any, is_here: bool) -> None:
    ran = (await prompt.ainvoke({})).to_messages()[0].content
    assert (ran == here()) is is_here


def test_functions_are_called_at_each_use_and_only_if_needed() -> None:
    calls: list[int] = []

    def count() -> str:
        calls.append(1)
        return str(len(calls))

    prompt = PromptTemplate.from_template("{n}").partial(n=count)
    assert [prompt.invoke({}).to_string() for _ in range(2)] == ["1", "2"]
    assert prompt.invoke({"n": "given"}).to_string() == "given"
    assert len(calls) == 2


class Heard(BaseCallbackHandler):
    def __init__(self) -> None:
        self.runs: list[Any] = []

    def on_chain_start(self, serialized: Any, inputs: Any, **kwargs: Any) -> None:
        self.runs.append((inputs, kwargs["tags"], kwargs["metadata"]))


async def test_what_a_prompt_carries_is_told() -> None:
    heard = Heard()
    prompt = PromptTemplate.from_template("{x}", metadata={"version": 1}, tags=["mine"])
    await prompt.ainvoke({"x": 1}, {"callbacks": [heard], "metadata": {"of": "call"}, "tags": ["call"]})
    ((inputs, tags, metadata),) = heard.runs
    assert inputs == {"x": 1}
    assert set(tags) == {"mine", "call"}
    assert metadata == {"version": 1, "of": "call"}


async def test_decorating_keeps_the_class_and_partial_keeps_the_layers() -> None:
    prompt = ChatPromptTemplate([("human", "{a} {b}")]).with_config(tags=["x"]).with_retry().partial(a=1)
    assert isinstance(prompt, ChatPromptTemplate)
    assert len(prompt._middleware) == 2
    assert (await prompt.ainvoke("y")).to_string() == "Human: 1 y"


@pytest.mark.parametrize("prompt", [PromptTemplate.from_template("{a} {b}"), ChatPromptTemplate(["{a} {b}"])])
def test_errors_say_what_to_do(prompt: Any) -> None:
    with pytest.raises(KeyError) as missing:
        prompt.invoke({"a": 1})
    assert isinstance(missing.value, InvalidInputError)
    assert "missing variables {'b'}" in str(missing.value)
    assert "{{b}}" in str(missing.value)
    with pytest.raises(TypeError, match=r"Expected mapping type as input to \w+\. Received <class 'str'>"):
        prompt.invoke("x")
    with pytest.raises(ConfigurationError, match="'stop'"):
        prompt.partial(stop=1)


def test_a_variable_is_given_or_filled_in() -> None:
    with pytest.raises(ValueError, match=r"overlapping input and partial variables: \{'a'\}"):
        Text(input_variables=["a"], partial_variables={"a": 1})
