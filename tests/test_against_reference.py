"""The same calls made on the reference and on chatcore, with the same model written once: the same results.

Where chatcore differs on purpose, the call is in `DIFFERENT`, with the reason; docs/differences.md is for users.
"""

from __future__ import annotations

import asyncio
import functools
import importlib
import operator
import re
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, ClassVar

import pytest

pytest.importorskip("langchain_core")

REFERENCE = {
    "messages": "langchain_core.messages",
    "outputs": "langchain_core.outputs",
    "prompts": "langchain_core.prompt_values",
    "runnables": "langchain_core.runnables",
    "models": "langchain_core.language_models",
}
OURS = {
    "messages": "chatcore.messages",
    "outputs": "chatcore.outputs",
    "prompts": "chatcore.prompt_values",
    "runnables": "chatcore.runnables",
    "models": "chatcore.model",
}

# Now, and not in the first test: what is there before the tests begin the garbage collector does not look at any more.
LOADED = {path: importlib.import_module(path) for path in (*REFERENCE.values(), *OURS.values())}


class Library:
    """One of the two libraries: its names, and the models of these tests written with them."""

    def __init__(self, modules: dict[str, str]) -> None:
        self.name = modules["messages"].partition(".")[0]
        self.m, self.o, self.p, self.r, models = (LOADED[path] for path in modules.values())
        self.base: Any = models.BaseChatModel
        self.log: list[Any] = []
        self.fails = 0

    # ------------------------------------------------------------------------------------------------ what models do

    def fail(self) -> None:
        if self.fails:
            self.fails -= 1
            raise ValueError(f"failed, {self.fails} to go")

    def seen(self, messages: Any, stop: Any, kwargs: Any) -> None:
        self.log.append(([(message.type, message.content) for message in messages], stop, kwargs))

    def answer(self, messages: Any, stop: Any, kwargs: Any) -> Any:
        """A whole answer: the last message's text in upper case, or what it asks for."""
        self.seen(messages, stop, kwargs)
        self.fail()
        text = messages[-1].text
        if "boom" in text:
            raise ValueError(text)
        message = self.m.AIMessage(
            content=text.upper(),
            usage_metadata={"input_tokens": len(messages), "output_tokens": len(text), "total_tokens": 9},
        )
        infos = {"finish_reason": "stop"} if "info" in text else None
        generations = [self.o.ChatGeneration(message=message, generation_info=infos)]
        if "two" in text:
            generations.append(self.o.ChatGeneration(message=self.m.AIMessage(content="second", id="given")))
        return self.o.ChatResult(generations=generations, llm_output={"asked": text})

    def pieces(self, messages: Any, stop: Any, kwargs: Any) -> Iterator[Any]:
        """An answer in chunks: the last message's letters, or what it asks for."""
        self.seen(messages, stop, kwargs)
        self.fail()
        text = messages[-1].text
        if text == "tools":
            yield from self.tool_pieces()
            return
        for index, letter in enumerate(text):
            if letter == "!":
                raise ValueError("broke off")
            fields: dict[str, Any] = {"content": letter}
            if "id" in text:
                fields["id"] = "provider-1"
            if "usage" in text and index == len(text) - 1:
                fields["usage_metadata"] = {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}
            if "last" in text and index == len(text) - 1:
                fields["chunk_position"] = "last"
            if "blocks" in text:
                fields["content"] = [{"type": "text", "text": letter, "index": 0}]
            info = {"finish_reason": "stop"} if "info" in text and index == len(text) - 1 else None
            yield self.o.ChatGenerationChunk(message=self.m.AIMessageChunk(**fields), generation_info=info)

    def tool_pieces(self) -> Iterator[Any]:
        parts = [("get", '{"a"', "1", 0), (None, ": 1}", None, 0), ("put", '{"b": ', "2", 1), (None, "tr", None, 1)]
        for name, args, id_, index in parts:
            calls = [{"name": name, "args": args, "id": id_, "index": index, "type": "tool_call_chunk"}]
            yield self.o.ChatGenerationChunk(message=self.m.AIMessageChunk(content="", tool_call_chunks=calls))

    # ---------------------------------------------------------------------------------------------------- the models

    def model(self, *hooks: str, **fields: Any) -> Any:
        """A model with these hooks, by default all four; it does what the library in use does."""
        RUNNING[self.name] = self
        return model_class(self.name, self.base, hooks or tuple(HOOKS), streaming="streaming" in fields)(**fields)

    @property
    def plain(self) -> Any:
        return self.model("_generate", "_agenerate")

    def asked(self, *texts: str) -> list[list[Any]]:
        """One prompt for each text, as `generate` takes them."""
        return [[self.m.HumanMessage(content=text)] for text in texts]

    def lam(self, function: Callable[..., Any]) -> Any:
        return self.r.RunnableLambda(function)


# --------------------------------------------------------------------------------------------------------- the models

RUNNING: dict[str, Library] = {}
"""Whose models are being called. Their classes are made once: the reference takes long to make one."""


def running(model: Any) -> Library:
    return RUNNING[model.library]


def _generate(self: Any, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Any:
    return running(self).answer(messages, stop, kwargs)


async def _agenerate(self: Any, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Any:
    return running(self).answer(messages, stop, kwargs)


def _stream(self: Any, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Iterator[Any]:
    yield from running(self).pieces(messages, stop, kwargs)


async def _astream(
    self: Any, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any
) -> AsyncIterator[Any]:
    for piece in running(self).pieces(messages, stop, kwargs):
        yield piece


HOOKS = {hook.__name__: hook for hook in (_generate, _agenerate, _stream, _astream)}


@functools.cache
def model_class(library: str, base: Any, hooks: tuple[str, ...], *, streaming: bool) -> Any:
    if library == "langchain_core":
        # It wants this one of every model.
        hooks = ("_generate", *hooks)
    body: dict[str, Any] = {name: HOOKS[name] for name in hooks}
    body |= {"_llm_type": property(lambda self: "scripted"), "library": library, "__module__": __name__}
    body["__annotations__"] = {"library": ClassVar[str]}
    if streaming:
        body["streaming"] = False
        body["__annotations__"]["streaming"] = bool
    return type("Scripted", (base,), body)


# ---------------------------------------------------------------------------------------------------------- the calls

Call = Callable[[Library], Any]
CALLS: dict[str, Call] = {}
DIFFERENT: dict[str, tuple[Call, str]] = {}


def call(function: Call) -> Call:
    CALLS[function.__name__] = function
    return function


def different(reason: str) -> Callable[[Call], Call]:
    def keep(function: Call) -> Call:
        DIFFERENT[function.__name__] = function, reason
        return function

    return keep


def also(name: str, function: Call) -> None:
    CALLS[name] = function


INPUTS: dict[str, Callable[[Library], Any]] = {
    "str": lambda lib: "hello",
    "message": lambda lib: [lib.m.HumanMessage(content="hello")],
    "tuple": lambda lib: [("human", "hello")],
    "several tuples": lambda lib: [("system", "be brief"), ("user", "hi"), ("ai", "yes?"), ("human", "hello")],
    "dict": lambda lib: [{"role": "user", "content": "hello"}],
    "dict with type": lambda lib: [{"type": "human", "content": "hello"}],
    "strs": lambda lib: ["hi", "hello"],
    "mixed": lambda lib: ["hi", ("ai", "yes?"), {"role": "user", "content": "hello"}, lib.m.SystemMessage(content="x")],
    "string prompt": lambda lib: lib.p.StringPromptValue(text="hello"),
    "chat prompt": lambda lib: lib.p.ChatPromptValue(messages=[lib.m.HumanMessage(content="hello")]),
    "content blocks": lambda lib: [lib.m.HumanMessage(content=[{"type": "text", "text": "hello"}])],
    "tuple of messages": lambda lib: (lib.m.HumanMessage(content="a"), lib.m.HumanMessage(content="b")),
    "number": lambda lib: 5,
    "none": lambda lib: None,
    "bare message": lambda lib: lib.m.HumanMessage(content="hello"),
    "bare dict": lambda lib: {"role": "user", "content": "hello"},
    "unknown role": lambda lib: [("stranger", "hello")],
    "dict without role": lambda lib: [{"content": "hello"}],
}
for _name, _input in INPUTS.items():
    also(f"invoke: {_name}", lambda lib, given=_input: lib.plain.invoke(given(lib)))
    also(f"stream: {_name}", lambda lib, given=_input: list(lib.model().stream(given(lib))))

VERBS: dict[str, Callable[[Any], Any]] = {
    "invoke": lambda r: r.invoke("abc"),
    "ainvoke": lambda r: r.ainvoke("abc"),
    "stream": lambda r: list(r.stream("abc")),
    "astream": lambda r: gathered(r.astream("abc")),
    "batch": lambda r: r.batch(["abc", "d"]),
    "abatch": lambda r: r.abatch(["abc", "d"]),
    "batch_as_completed": lambda r: sorted(r.batch_as_completed(["abc", "d"]), key=operator.itemgetter(0)),
    "abatch_as_completed": lambda r: by_index(r.abatch_as_completed(["abc", "d"])),
}


def asked(model: Any, *texts: str) -> list[list[Any]]:
    reference = any(base.__module__.startswith("langchain_core") for base in type(model).__mro__)
    return Library(REFERENCE if reference else OURS).asked(*texts)


MODEL_VERBS: dict[str, Callable[[Any], Any]] = {
    **VERBS,
    "generate": lambda r: r.generate(asked(r, "abc", "two")),
    "agenerate": lambda r: r.agenerate(asked(r, "abc", "info")),
}
for _name, _verb in MODEL_VERBS.items():
    also(f"plain model: {_name}", lambda lib, verb=_verb: verb(lib.plain))
    also(f"all hooks: {_name}", lambda lib, verb=_verb: verb(lib.model()))
    also(f"sync hooks: {_name}", lambda lib, verb=_verb: verb(lib.model("_generate", "_stream")))
    also(f"only _generate: {_name}", lambda lib, verb=_verb: verb(lib.model("_generate")))
    also(f"disable_streaming: {_name}", lambda lib, verb=_verb: verb(lib.model(disable_streaming=True)))
for _name in ("invoke", "ainvoke", "batch", "abatch"):
    # Streamed, branches come in any order; see `parallel_streams`.
    also(f"parallel: {_name}", lambda lib, verb=VERBS[_name]: verb(lib.r.RunnableParallel(a=lib.plain, b=lib.lam(len))))
for _name, _verb in VERBS.items():
    also(f"sequence: {_name}", lambda lib, verb=_verb: verb(lib.lam(lambda x: x + "!?") | lib.plain | lib.lam(text)))
    also(f"functions: {_name}", lambda lib, verb=_verb: verb(lib.lam(str.upper) | len | (lambda n: n + 1)))
    also(f"passthrough: {_name}", lambda lib, verb=_verb: verb(lib.r.RunnablePassthrough()))
    also(f"bind: {_name}", lambda lib, verb=_verb: verb(lib.model().bind(stop=["x"], temperature=1)))
    also(f"with_config: {_name}", lambda lib, verb=_verb: verb(lib.model().with_config(tags=["a"], max_concurrency=1)))
    also(f"with_fallbacks: {_name}", lambda lib, verb=_verb: verb(lib.lam(boom).with_fallbacks([lib.plain])))
    also(f"with_retry: {_name}", lambda lib, verb=_verb: verb(lib.plain.with_retry(wait_exponential_jitter=False)))
    also(f"a failing call: {_name}", lambda lib, verb=_verb: verb(lib.lam(boom)))
    also(f"sequence of a failing call: {_name}", lambda lib, verb=_verb: verb(lib.plain | text | boom))


def text(message: Any) -> str:
    return message.text


def boom(given: Any) -> Any:
    raise ValueError(f"boom {given}")


async def gathered(items: Any) -> list[Any]:
    return [item async for item in items]


async def by_index(items: Any) -> list[Any]:
    return sorted(await gathered(items), key=operator.itemgetter(0))


for _text in ("info", "usage", "last", "blocks", "id last", "ab!c", "info id usage last"):
    also(f"chunks: {_text}", lambda lib, given=_text: gathered(lib.model().astream(given)))
    also(f"sync chunks: {_text}", lambda lib, given=_text: list(lib.model().stream(given)))
    also(f"chunks added up: {_text}", lambda lib, given=_text: added(lib.model().stream(given)))
    also(f"stream=True: {_text}", lambda lib, given=_text: lib.model().ainvoke(given, stream=True))
    also(f"streaming=True: {_text}", lambda lib, given=_text: lib.model(streaming=True).invoke(given))
    also(f"streaming=False: {_text}", lambda lib, given=_text: list(lib.model(streaming=False).stream(given)))
for _text in ("info", "two", "info two", "boom", ""):
    also(f"answer: {_text}", lambda lib, given=_text: lib.plain.invoke(given))
    also(f"generated: {_text}", lambda lib, given=_text: lib.plain.generate(lib.asked(given, "other")))
    also(f"generated twice: {_text}", lambda lib, given=_text: lib.plain.agenerate(lib.asked("x", given)))


def added(chunks: Any) -> Any:
    first, *others = chunks
    for chunk in others:
        first += chunk
    return first


@call
def generate_prompt(lib: Library) -> Any:
    return lib.plain.generate_prompt([lib.p.StringPromptValue(text="a"), lib.p.StringPromptValue(text="b")], stop=["x"])


@call
def agenerate_prompt(lib: Library) -> Any:
    return lib.plain.agenerate_prompt([lib.p.StringPromptValue(text="a")], ["x"], temperature=1)


@call
def generate_nothing(lib: Library) -> Any:
    return lib.plain.generate([])


@call
def generate_with_stop_and_settings(lib: Library) -> Any:
    return lib.plain.generate(lib.asked("a"), ["x"], temperature=1)


@call
def flattened(lib: Library) -> Any:
    return lib.plain.generate(lib.asked("a", "two")).flatten()


@call
def stop_and_settings(lib: Library) -> Any:
    return lib.plain.invoke("a", stop=["x"], temperature=1, tools=[{"name": "f"}])


@call
def settings_of_a_stream(lib: Library) -> Any:
    return list(lib.model().stream("a", stop=["x"], temperature=1))


@call
def call_wins_over_bound(lib: Library) -> Any:
    return lib.plain.bind(stop=["x"], temperature=1).invoke("a", temperature=2)


@call
def bound_twice(lib: Library) -> Any:
    return lib.plain.bind(stop=["x"], temperature=1).bind(temperature=2, seed=3).invoke("a")


@call
def bound_in_a_sequence(lib: Library) -> Any:
    return (lib.plain.bind(stop=["x"]) | text).invoke("a", temperature=1)


@call
def settings_go_to_the_first_step(lib: Library) -> Any:
    return (lib.plain | text).invoke("a", temperature=1)


@call
def a_sequence_bound(lib: Library) -> Any:
    return (lib.plain | text | len).bind(temperature=1).invoke("a")


for _tools, _disabled in ((None, "tool_calling"), ([{"name": "f"}], "tool_calling"), ([{"name": "f"}], False)):
    also(
        f"disable_streaming={_disabled}, {'with' if _tools else 'without'} tools",
        lambda lib, tools=_tools, off=_disabled: list(
            lib.model(disable_streaming=off).stream("abc", **({"tools": tools} if tools else {}))
        ),
    )


@call
def retried_until_it_succeeds(lib: Library) -> Any:
    lib.fails = 2
    return lib.plain.with_retry(wait_exponential_jitter=False, stop_after_attempt=3).invoke("a")


@call
def retried_in_vain(lib: Library) -> Any:
    lib.fails = 9
    return lib.plain.with_retry(wait_exponential_jitter=False, stop_after_attempt=2).ainvoke("a")


@call
def not_retried(lib: Library) -> Any:
    lib.fails = 1
    return lib.plain.with_retry(retry_if_exception_type=(KeyError,)).invoke("a")


@call
def retried_by_a_bare_type(lib: Library) -> Any:
    lib.fails = 1
    return lib.plain.with_retry(retry_if_exception_type=ValueError, wait_exponential_jitter=False).invoke("a")


@call
def sequence_retried(lib: Library) -> Any:
    lib.fails = 1
    return (lib.plain | text).with_retry(wait_exponential_jitter=False).invoke("a")


@call
def batch_retried(lib: Library) -> Any:
    lib.fails = 1
    return lib.plain.with_retry(wait_exponential_jitter=False).batch(["a"])


@call
def fallbacks_in_turn(lib: Library) -> Any:
    return lib.lam(boom).with_fallbacks([lib.lam(boom), lib.plain, lib.lam(len)]).invoke("abc")


@call
def all_fallbacks_fail(lib: Library) -> Any:
    def other(given: Any) -> Any:
        raise KeyError(given)

    return lib.lam(boom).with_fallbacks([lib.lam(other)]).invoke("abc")


@call
def fallback_for_some_errors_only(lib: Library) -> Any:
    return lib.lam(boom).with_fallbacks([lib.plain], exceptions_to_handle=(KeyError,)).invoke("abc")


@call
def fallback_with_exception_key(lib: Library) -> Any:
    last = lib.lam(lambda given: f"{given['a']} {given['error']!r}")
    return lib.lam(boom).with_fallbacks([last], exception_key="error").invoke({"a": 1})


@call
def exception_key_without_a_dict(lib: Library) -> Any:
    return lib.lam(boom).with_fallbacks([lib.plain], exception_key="error").invoke("abc")


@call
def fallback_of_a_stream_that_cannot_open(lib: Library) -> Any:
    lib.fails = 1
    return list(lib.model().with_fallbacks([lib.model()]).stream("abc"))


@call
def exceptions_returned(lib: Library) -> Any:
    return lib.plain.batch(["a", "boom", "c"], return_exceptions=True)


@call
def exceptions_returned_async(lib: Library) -> Any:
    return lib.plain.abatch(["a", "boom", "c"], return_exceptions=True)


@call
def exceptions_returned_as_completed(lib: Library) -> Any:
    return by_index(lib.plain.abatch_as_completed(["a", "boom", "c"], return_exceptions=True))


@call
def batch_fails(lib: Library) -> Any:
    return lib.plain.batch(["boom 1"])


@call
def batch_of_nothing(lib: Library) -> Any:
    return lib.plain.batch([])


@call
def batch_with_a_config_each(lib: Library) -> Any:
    tags = lib.lam(lambda given, config: (given, config["tags"]))
    return tags.batch(["a", "b"], [{"tags": ["x"]}, {"tags": ["y"]}])


@call
def batch_with_too_few_configs(lib: Library) -> Any:
    return lib.plain.batch(["a", "b"], [{}])


@call
def config_reaches_the_function(lib: Library) -> Any:
    def look(given: Any, config: Any) -> Any:
        return config["tags"], config["metadata"], config.get("configurable")

    bound = lib.lam(look).with_config(tags=["a"], metadata={"k": 1, "l": 1})
    return bound.invoke("x", {"tags": ["b"], "metadata": {"k": 2}, "configurable": {"c": 3}})


@call
def config_reaches_a_step(lib: Library) -> Any:
    return (lib.lam(len) | lib.lam(lambda given, config: config["tags"])).invoke("x", {"tags": ["b"]})


@different(
    "A later with_config is merged into an earlier one, as any two configs are; the reference replaces its metadata."
)
def metadata_of_two_configs(lib: Library) -> Any:
    look = lib.lam(lambda given, config: config["run_name"] if "run_name" in config else config["metadata"])
    return look.with_config(metadata={"a": 1, "b": 1}).with_config(metadata={"b": 2}).invoke("x")


@call
def function_that_returns_a_runnable(lib: Library) -> Any:
    return lib.lam(lambda given: lib.plain).invoke("abc")


@call
def function_that_returns_a_runnable_streams(lib: Library) -> Any:
    return list(lib.lam(lambda given: lib.model()).stream("abc"))


@call
def function_that_returns_a_runnable_gets_none_of_the_settings(lib: Library) -> Any:
    return lib.lam(lambda given, temperature: lib.plain).bind(temperature=1).invoke("abc")


@call
def async_function(lib: Library) -> Any:
    async def double(given: str) -> str:
        return given * 2

    return (lib.lam(double) | lib.plain).ainvoke("ab")


@call
def dict_in_a_sequence(lib: Library) -> Any:
    return (lib.r.RunnablePassthrough() | {"a": lib.plain, "b": len, "c": lib.r.RunnablePassthrough()}).invoke("abc")


@call
def dict_first(lib: Library) -> Any:
    return ({"a": lib.lam(len), "b": lib.lam(str.upper)} | lib.lam(operator.itemgetter("a"))).invoke("abc")


@call
def itemgetter_as_a_step(lib: Library) -> Any:
    return (lib.r.RunnablePassthrough() | operator.itemgetter("a") | str.upper).invoke({"a": "x"})


@call
def nested_dicts(lib: Library) -> Any:
    return lib.r.RunnableParallel({"a": {"b": len, "c": lib.lam(str.upper)}, "d": len}).invoke("abc")


@call
def piped(lib: Library) -> Any:
    return lib.lam(str.upper).pipe(len, lambda n: n + 1).invoke("abc")


@call
def generator_step(lib: Library) -> Any:
    def shout(chunks: Iterator[Any]) -> Iterator[str]:
        for chunk in chunks:
            yield chunk.text.upper()

    return list((lib.model() | shout).stream("abc"))


@call
def generator_step_invoked(lib: Library) -> Any:
    def halves(chunks: Iterator[Any]) -> Iterator[str]:
        for chunk in chunks:
            yield chunk.text[:1]
            yield chunk.text[1:]

    return (lib.plain | halves).invoke("abc")


@call
def async_generator_step(lib: Library) -> Any:
    async def shout(chunks: AsyncIterator[Any]) -> AsyncIterator[str]:
        async for chunk in chunks:
            yield chunk.text.upper()

    return gathered((lib.model() | shout).astream("abc"))


@different("Chunks that cannot be added: the whole is the last of them; the reference raises TypeError.")
def generator_of_what_cannot_be_added(lib: Library) -> Any:
    def mixed(chunks: Iterator[Any]) -> Iterator[Any]:
        yield "a"
        yield 1

    return lib.r.RunnableGenerator(mixed).invoke("x")


@different("As before; dicts cannot be added.")
def generator_of_dicts(lib: Library) -> Any:
    def dicts(chunks: Iterator[Any]) -> Iterator[Any]:
        yield {"a": 1}
        yield {"a": 2}

    return lib.r.RunnableGenerator(dicts).invoke("x")


@call
def passthrough_keeps_chunks(lib: Library) -> Any:
    return list((lib.model() | lib.r.RunnablePassthrough()).stream("abc"))


@call
def passthrough_with_a_function(lib: Library) -> Any:
    seen: list[Any] = []
    result = lib.r.RunnablePassthrough(seen.append).invoke("abc")
    return result, seen


@call
def parallel_streams(lib: Library) -> Any:
    chunks = list(lib.r.RunnableParallel(a=lib.model(), b=len).stream("ab"))
    # Branches come in any order; each one's own chunks in theirs.
    return [chunk for chunk in chunks if "a" in chunk], [chunk for chunk in chunks if "b" in chunk]


@call
def model_in_the_middle_does_not_stream(lib: Library) -> Any:
    return list((lib.model() | lib.lam(text) | lib.lam(len)).stream("abc"))


@call
def one_hook_sync_stream_only(lib: Library) -> Any:
    return list(lib.model("_stream").stream("abc"))


@call
def one_hook_async_stream_only(lib: Library) -> Any:
    return gathered(lib.model("_astream").astream("abc"))


@call
def model_sees_the_messages(lib: Library) -> Any:
    return lib.plain.invoke([("system", "s"), {"role": "assistant", "content": "a"}, "h"])


# ----------------------------------------------------------------------------------------------- different on purpose


@different("The chunk that marks the end has the provider's id, as the others have; in the reference one made anew.")
def id_of_the_last_chunk(lib: Library) -> Any:
    return list(lib.model().stream("id"))


@different(
    "Arguments that are no JSON make an invalid tool call, with their text; the reference mends them by guessing."
)
def broken_tool_arguments(lib: Library) -> Any:
    return lib.model().invoke("tools", stream=True)


@call
def tool_call_chunks(lib: Library) -> Any:
    return [chunk.tool_call_chunks for chunk in lib.model().stream("tools")]


@different(
    "An empty stream is a malformed answer, as it is a retryable error of the provider; the reference: ValueError."
)
def empty_stream(lib: Library) -> Any:
    return list(lib.model().stream(""))


@different("No messages at all are refused before anything is sent; the reference sends them.")
def no_messages(lib: Library) -> Any:
    return lib.model("_generate", "_stream").bind().batch([[("human", "x")], []], return_exceptions=True)


@different("One hook is enough: a plain call on a model that only streams merges its chunks.")
def only_a_stream_hook(lib: Library) -> Any:
    return lib.model("_astream").ainvoke("abc")


@different("with_retry covers streams up to their first chunk; the reference retries no stream.")
def stream_retried(lib: Library) -> Any:
    lib.fails = 1
    return list(lib.model().with_retry(wait_exponential_jitter=False).stream("abc"))


@different("Decorating keeps the class and every method; the reference's binding has lost `generate`'s settings.")
def decorated_keeps_generate(lib: Library) -> Any:
    decorated = lib.plain.with_retry(wait_exponential_jitter=False).with_fallbacks([lib.plain])
    return [hasattr(decorated, name) for name in ("generate", "agenerate_prompt", "rate_limiter")]


@different("A batch takes any iterable and reads it lazily; the reference needs a list.")
def batch_of_an_iterator(lib: Library) -> Any:
    return lib.plain.batch(iter(["a", "b"]))


@different("generate takes whatever ainvoke takes for each prompt; the reference takes messages only.")
def generate_of_tuples(lib: Library) -> Any:
    return lib.plain.generate([[("human", "a")]])


@different("A str is one input and not a batch of letters.")
def batch_of_a_str(lib: Library) -> Any:
    return lib.plain.batch("ab")


@different("A failing item cancels its siblings, and nothing is left behind; the reference lets them run to their end.")
def siblings_of_a_failing_item(lib: Library) -> Any:
    ended: list[str] = []

    async def work(given: str) -> str:
        if given == "boom":
            raise ValueError(given)
        await asyncio.sleep(0.01)
        ended.append(given)
        return given

    async def main() -> Any:
        with pytest.raises(ValueError, match="boom"):
            await lib.lam(work).abatch(["a", "boom", "b"])
        await asyncio.sleep(0.03)
        return sorted(ended)

    return main()


@different("A generator that yields nothing in a sequence is an error; the reference's result is None.")
def generator_of_nothing(lib: Library) -> Any:
    def nothing(chunks: Iterator[Any]) -> Iterator[Any]:
        yield from ()

    return lib.r.RunnableGenerator(nothing).invoke("x")


@different("A step that cannot be called is a ConfigurationError; the reference: TypeError.")
def step_that_is_none(lib: Library) -> Any:
    return lib.plain | 5


@different("Settings of a parallel go to each branch; the reference drops them.")
def settings_of_a_parallel(lib: Library) -> Any:
    lib.r.RunnableParallel(a=lib.plain).invoke("x", temperature=1)
    return lib.log


@different("Functions that return runnables for ever: an InvalidInputError that names `recursion_limit`.")
def endless_functions(lib: Library) -> Any:
    endless = lib.lam(lambda given: endless)
    return endless.invoke("x", {"recursion_limit": 3})


@different("max_concurrency below 1 is refused; the reference waits for ever or ignores it.")
def no_concurrency(lib: Library) -> Any:
    return lib.plain.batch(["a"], {"max_concurrency": -1})


@different("Tags are joined in the order in which they were given; the reference sorts them.")
def order_of_tags(lib: Library) -> Any:
    look = lib.lam(lambda given, config: config["tags"])
    return look.with_config(tags=["b"]).invoke("x", {"tags": ["a"]})


# -------------------------------------------------------------------------------------------------------- comparing


def plain(value: Any) -> Any:
    """A result as what can be compared between two libraries: data, with ids made anew and run ids left out."""
    if isinstance(value, BaseException):
        return "error", type(value).__name__, [] if type(value).__module__ != "builtins" else list(map(str, value.args))
    if hasattr(value, "model_dump"):
        data = {key: plain(getattr(value, key)) for key in type(value).model_fields}
        for key in ("run",):
            data.pop(key, None)
        return type(value).__name__, data
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, str):
        # The reference's `text` is a str that can be called.
        return (
            "an id of the library's own" if re.match(r"lc_run--|run--|[0-9a-f]{8}-[0-9a-f]{4}-", value) else str(value)
        )
    return value


def outcome(function: Call, modules: dict[str, str]) -> Any:
    library = Library(modules)

    async def wait(awaitable: Any) -> Any:
        return await awaitable

    try:
        result = function(library)
        if hasattr(result, "__await__"):
            result = asyncio.run(wait(result))
    except Exception as error:  # noqa: BLE001 - what it is, is compared
        result = error
    # Calls of a batch are made in any order.
    return plain(result), sorted(plain(library.log), key=repr), result


def errors_are_alike(theirs: Any, ours: Any) -> bool:
    """Ours may be a class of our own; it is theirs too (or what they should have said: a bad input is a ValueError)."""
    return isinstance(ours, type(theirs)) or (
        isinstance(ours, ValueError) and isinstance(theirs, ValueError | TypeError | NotImplementedError)
    )


def kind(name: str) -> str:
    return name.partition(":")[0]


@pytest.mark.parametrize("of", dict.fromkeys(map(kind, CALLS)))
def test_same_call_same_result(of: str) -> None:
    differing = {name: found for name in CALLS if kind(name) == of and (found := difference(name)) is not None}
    assert differing == {}


def difference(name: str) -> Any:
    """What the libraries give that is not the same: theirs, ours; None if it is the same."""
    their_result, their_log, theirs = outcome(CALLS[name], REFERENCE)
    our_result, our_log, ours = outcome(CALLS[name], OURS)
    if not isinstance(theirs, Exception):
        same = (our_result, our_log) == (their_result, their_log)
    else:
        same = isinstance(ours, Exception) and errors_are_alike(theirs, ours)
        # Of a failing batch it is chance which of the other calls had been made by then.
        same = same and (our_log == their_log or "batch" in name or "generated" in name)
    return None if same else ((their_result, their_log), (our_result, our_log))


@pytest.mark.parametrize("name", DIFFERENT)
def test_different_on_purpose(name: str) -> None:
    function, reason = DIFFERENT[name]
    their_result, their_log, _ = outcome(function, REFERENCE)
    our_result, our_log, _ = outcome(function, OURS)
    assert (our_result, our_log) != (their_result, their_log), f"no longer different: {reason}"


def test_enough_calls_are_compared() -> None:
    assert len(CALLS) >= 60
