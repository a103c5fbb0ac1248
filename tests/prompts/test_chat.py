"""Prompts of messages, where they differ from the reference's on purpose; the rest is in test_against_reference.py."""

from __future__ import annotations

import pytest

from chatcore.errors import ConfigurationError, UnsupportedError
from chatcore.load import dumps, loads
from chatcore.messages import HumanMessage, SystemMessage
from chatcore.output_parsers import StrOutputParser
from chatcore.prompt_values import ChatPromptValue
from chatcore.prompts import ChatPromptTemplate, HumanMessagePromptTemplate, MessagesPlaceholder
from chatcore.prompts.message import BaseMessagePromptTemplate
from chatcore.runnables import RunnableLambda

pytestmark = pytest.mark.anyio


def test_what_is_appended_counts_as_input() -> None:
    prompt = ChatPromptTemplate([("system", "s")])
    prompt.append(("human", "{q}"))
    prompt.append(("placeholder", "{history}"))
    assert prompt.input_variables == ["q"]
    assert prompt.optional_variables == ["history"]
    assert prompt.invoke("x") == ChatPromptValue(messages=[SystemMessage("s"), HumanMessage("x")])
    with pytest.raises(KeyError, match=r"missing variables \{'q'\}"):
        prompt.invoke({})


def test_copies_do_not_share_their_messages() -> None:
    prompt = ChatPromptTemplate([("system", "{a}")])
    changed = prompt.partial(a=1)
    changed.append("more")
    assert (len(prompt), len(changed)) == (1, 2)


def test_a_part_keeps_what_is_filled_in() -> None:
    prompt = ChatPromptTemplate([("system", "{a}"), ("human", "{b}")]).partial(a=1, b=2)
    assert prompt[1:].invoke({}).to_string() == "Human: 2"
    assert list(prompt[1:].partial_variables) == ["b"]
    assert prompt[::-1].invoke({}).to_string() == "Human: 2\nSystem: 1"


def test_a_prompt_within_a_prompt_keeps_what_is_filled_in() -> None:
    inner = ChatPromptTemplate([("placeholder", "{history}"), ("human", "{q}")]).partial(history=[("ai", "a")])
    prompt = ChatPromptTemplate([("system", "s"), inner])
    assert prompt.input_variables == ["q"]
    assert prompt.invoke("x").to_string() == "System: s\nAI: a\nHuman: x"
    assert prompt.invoke({"q": "x", "history": []}).to_string() == "System: s\nHuman: x"


def test_jinja2_is_refused_with_what_to_use_instead() -> None:
    for build in (
        lambda: ChatPromptTemplate([("human", "{{ x }}")], template_format="jinja2"),
        lambda: ChatPromptTemplate([("human", [{"type": "image", "data": "x"}])], template_format="jinja2"),
        lambda: HumanMessagePromptTemplate.from_template("{{ x }}", template_format="jinja2"),
    ):
        with pytest.raises(ConfigurationError, match=r"jinja2.*mustache"):
            build()


def test_what_cannot_be_a_message_is_told() -> None:
    with pytest.raises(UnsupportedError, match="Unsupported message type: <class 'int'>"):
        ChatPromptTemplate([7])  # type: ignore[list-item]
    with pytest.raises(ConfigurationError, match=r"Unexpected message type: meow\. Use one of 'human'"):
        ChatPromptTemplate([("meow", "x")])


def test_a_template_of_messages_of_a_users_own() -> None:
    class Twice(BaseMessagePromptTemplate):
        @property
        def input_variables(self) -> list[str]:
            return ["x"]

        def format_messages(self, **kwargs: object) -> list[HumanMessage]:  # type: ignore[override]
            return [HumanMessage(f"{kwargs['x']}")] * 2

    prompt = ChatPromptTemplate([Twice(), "and {y}"])
    assert prompt.input_variables == ["x", "y"]
    assert len(prompt.invoke({"x": 1, "y": 2}).to_messages()) == 3
    with pytest.raises(UnsupportedError, match="pretty_repr"):
        Twice().pretty_repr()


async def test_in_a_sequence() -> None:
    model: RunnableLambda[ChatPromptValue, str] = RunnableLambda(lambda value: value.to_string().upper())
    chain = ChatPromptTemplate([("placeholder", "{history}"), ("human", "{q}")]) | model | StrOutputParser()
    assert await chain.ainvoke({"q": "hi", "history": [("ai", "a")]}) == "AI: A\nHUMAN: HI"
    assert [one async for one in chain.astream("hi")] == ["HUMAN: HI"]


def test_written_and_read_again() -> None:
    prompt = ChatPromptTemplate(
        [
            ("system", "You are {name}."),
            MessagesPlaceholder("history", n_messages=2),
            (
                "human",
                [{"type": "text", "text": "{q}"}, {"type": "image_url", "image_url": "{u}"}, {"type": "x", "y": "{z}"}],
            ),
            HumanMessage("hi"),
        ]
    ).partial(name="Bob")
    assert loads(dumps(prompt), allowed_objects="core") == prompt
    assert loads(dumps(StrOutputParser()), allowed_objects="core") == StrOutputParser()


def test_printing(capsys: pytest.CaptureFixture[str]) -> None:
    ChatPromptTemplate([("human", "{q}")]).pretty_print()
    MessagesPlaceholder("history").pretty_print()
    printed = capsys.readouterr().out
    assert "Human Message" in printed
    assert "{history}" in printed
