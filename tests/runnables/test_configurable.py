"""What calls configure: of models as of any other runnable, in any order of decorating, streamed as well."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from pydantic import Field

from chatcore import BaseChatModel
from chatcore.errors import ConfigurationError, InvalidInputError
from chatcore.messages import AIMessage
from chatcore.outputs import ChatGeneration, ChatResult
from chatcore.runnables import (
    ConfigurableField,
    ConfigurableFieldMultiOption,
    ConfigurableFieldSingleOption,
    RunnableLambda,
    RunnableSerializable,
)
from chatcore.runnables.configurable import DynamicRunnable

pytestmark = pytest.mark.anyio

TONE = ConfigurableFieldSingleOption(id="tone", options={"kind": "dear", "rude": "you"}, default="kind")


class Parrot(BaseChatModel):
    """Says a word, and what it was called with."""

    word: str = "polly"
    times: int = 1
    words: list[str] = Field(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "parrot"

    async def _agenerate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> ChatResult:
        said = " ".join([*[self.word] * self.times, *self.words, *sorted(kwargs)])
        return ChatResult(generations=[ChatGeneration(message=AIMessage(content=said))])

    def introduce(self) -> str:
        return f"I am {self.word}"

    def introduce_to(self, whom: str, config: Any = None) -> str:
        return f"{whom}, I am {self.word}"


def of(**values: Any) -> Any:
    return {"configurable": values}


CONFIGURABLE = Parrot().configurable_fields(word=ConfigurableField(id="word"), times=ConfigurableField(id="times"))


@pytest.mark.parametrize(
    "model",
    [
        CONFIGURABLE.bind(tools=[]),
        CONFIGURABLE.with_retry().bind(tools=[]),
        CONFIGURABLE.bind(tools=[]).with_fallbacks([]),
        Parrot().bind(tools=[]).configurable_fields(word=ConfigurableField(id="word")),
        Parrot()
        .with_retry()
        .bind(tools=[])
        .configurable_fields(word=ConfigurableField(id="word"))
        .with_config(tags=["a"]),
        CONFIGURABLE.bind(tools=[]).configurable_alternatives(ConfigurableField(id="which"), other=Parrot(word="no")),
    ],
)
async def test_any_order_keeps_every_method(model: Any) -> None:
    assert isinstance(model, Parrot)
    assert (await model.ainvoke("hi")).text == "polly tools"
    assert (await model.ainvoke("hi", of(word="coco"))).text == "coco tools"
    async with model.astream("hi", of(word="coco")) as chunks:
        assert "".join([chunk.text async for chunk in chunks]) == "coco tools"
    assert [one.text for one in await model.abatch(["a", "b"], [of(word="coco"), {}])] == ["coco tools", "polly tools"]
    assert model.with_config(of(word="ara")).introduce() == "I am ara"


async def test_fields_over_fields() -> None:
    once = Parrot().configurable_fields(word=ConfigurableField(id="word"))
    both = once.with_retry().configurable_fields(times=ConfigurableField(id="times"))
    assert (await both.ainvoke("hi", of(word="coco", times=2))).text == "coco coco"


async def test_the_same_values_are_the_same_model() -> None:
    layer: Any = CONFIGURABLE._middleware[0]
    first, _ = layer.choose(of(word="x"))
    again, _ = layer.choose(of(word="x"))
    other, _ = layer.choose(of(word="y"))
    assert first is again
    assert other is not first
    for number in range(100):
        layer.choose(of(times=number))
    assert len(layer.made) <= 16


async def test_methods_of_the_users_class() -> None:
    model: Any = CONFIGURABLE
    assert model.introduce() == "I am polly"
    assert model.introduce_to("Ann", of(word="coco")) == "Ann, I am coco"
    assert model.introduce_to("Ann", config=of(word="coco")) == "Ann, I am coco"
    bound = model.with_config(of(word="ara"))
    assert bound.introduce_to("Ann") == "Ann, I am ara"
    assert bound.introduce_to("Ann", of(word="coco")) == "Ann, I am coco"
    with pytest.raises(AttributeError, match="fly"):
        model.fly()


def pickled(model: Any) -> Any:
    return pickle.loads(pickle.dumps(model))  # noqa: S301 - our own


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, pickled])
async def test_copies(again: Any) -> None:
    model = again(CONFIGURABLE.with_config(of(times=2)))
    assert (await model.ainvoke("hi", of(word="coco"))).text == "coco coco"
    assert model.with_config(of(word="ara")).introduce() == "I am ara"


async def test_options() -> None:
    model = Parrot().configurable_fields(
        word=TONE,
        words=ConfigurableFieldMultiOption(id="more", options={"a": "x", "b": "y"}, default=["a"]),
    )
    assert (await model.ainvoke("hi")).text == "dear x"
    assert (await model.ainvoke("hi", of(tone="rude", more=["b", "a"]))).text == "you y x"
    with pytest.raises(InvalidInputError, match=r"Unknown option 'odd' for .*'tone'.*it has 'kind', 'rude'"):
        await model.ainvoke("hi", of(tone="odd"))
    with pytest.raises(InvalidInputError, match="it has 'a', 'b'"):
        await model.ainvoke("hi", of(more=["c"]))
    with pytest.raises(InvalidInputError, match="a list of options"):
        await model.ainvoke("hi", of(more="a"))


async def test_alternatives() -> None:
    made: list[int] = []

    def make() -> Parrot:
        made.append(1)
        return Parrot(word="made")

    model = CONFIGURABLE.configurable_alternatives(ConfigurableField(id="which"), default_key="own", lazy=make)
    assert (await model.ainvoke("hi", of(which="own", word="coco"))).text == "coco"
    assert not made
    assert (await model.ainvoke("hi", of(which="lazy"))).text == "made"
    with pytest.raises(InvalidInputError, match=r"Unknown alternative: 'none' .* there are 'own', 'lazy'"):
        await model.ainvoke("hi", of(which="none"))
    with pytest.raises(ConfigurationError, match="Alternative 'odd' must be a Runnable"):
        Parrot().configurable_alternatives(ConfigurableField(id="which"), odd=5)  # type: ignore[arg-type]


async def test_alternatives_with_prefixes() -> None:
    model = CONFIGURABLE.configurable_alternatives(
        ConfigurableField(id="which"),
        prefix_keys=True,
        other=Parrot().configurable_fields(word=ConfigurableField("word")),
    )
    assert [spec.id for spec in model.config_specs] == [
        "which",
        "which==default/times",
        "which==default/word",
        "which==other/word",
    ]
    assert (await model.ainvoke("hi", {"configurable": {"which": "other", "which==other/word": "ara"}})).text == "ara"


async def test_a_function_has_alternatives_and_no_fields() -> None:
    runnable: RunnableLambda[Any, Any] = RunnableLambda(len).configurable_alternatives(
        ConfigurableField(id="which"), text=RunnableLambda(str)
    )
    assert await runnable.ainvoke([1], of(which="text")) == "[1]"
    assert isinstance(runnable, DynamicRunnable)
    with pytest.raises(ConfigurationError, match="available keys are no fields"):
        RunnableLambda(len).configurable_fields(x=ConfigurableField(id="x"))


async def test_unknown_fields() -> None:
    with pytest.raises(
        ConfigurationError, match=r"Configuration key colour not found in Parrot: available keys are .*word"
    ):
        Parrot().configurable_fields(colour=ConfigurableField(id="colour"))
    with pytest.raises(ValueError, match="times"):
        await CONFIGURABLE.ainvoke("hi", of(times="often"))


async def test_schemas_follow_the_config() -> None:
    class Typed(RunnableSerializable[int, str]):
        key: str = "a"

        def get_input_schema(self, config: Any = None) -> Any:
            return (
                RunnableLambda(lambda given: given[self.key]).with_types(input_type=dict[str, int]).get_input_schema()
            )

        def get_output_schema(self, config: Any = None) -> Any:
            return type(self.key, (super().get_output_schema(config),), {})

        async def ainvoke(self, input: Any, config: Any = None, **kwargs: Any) -> str:
            return self.key

    runnable = Typed().configurable_fields(key=ConfigurableField(id="key"))
    assert runnable.get_output_schema().__name__ == "a"
    assert runnable.get_output_schema(of(key="b")).__name__ == "b"
    assert runnable.with_config(of(key="c")).output_schema.__name__ == "c"
    assert runnable.with_types(output_type=int).get_output_jsonschema()["type"] == "integer"
