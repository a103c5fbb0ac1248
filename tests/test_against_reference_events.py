"""The same calls on chatcore and on langchain-core: the same events, and handlers told the same."""

from __future__ import annotations

import copy
import importlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from functools import cache
from types import SimpleNamespace
from typing import Any

import anyio
import pytest

from chatcore.errors import StreamInterrupted

# What is called, and what comes of it, is of two libraries: there is no type for "a model of either".
Library = Any
Runnable = Any

FAILURES = (ValueError, KeyError, StreamInterrupted)


# ------------------------------------------------------------------------------------------------- a scripted model


def _library(root: str) -> Library:
    modules = ("callbacks", "language_models", "messages", "output_parsers", "outputs", "prompts", "runnables", "tools")
    library = SimpleNamespace(**{name: importlib.import_module(f"{root}.{name}") for name in modules})
    library.models = _models(library)
    return library


def _models(library: Library) -> SimpleNamespace:  # noqa: C901 - four small classes
    """The scripted model in four variants, by the hooks that they have.

    It answers with `answer`, chunk by chunk at its spaces, and then with the calls of `calls`. At `!` it fails.
    """

    class Scripted(library.language_models.BaseChatModel):  # type: ignore[misc] # of either library
        answer: str = "one two three"
        calls: tuple[str, ...] = ()
        counted: bool = False

        @property
        def _llm_type(self) -> str:
            return "scripted"

        def _chunks(self) -> Iterator[Any]:
            facts = {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7} if self.counted else None
            words = self.answer.split()
            last = len(words) + len(self.calls) - 1
            for index, word in enumerate(words):
                if "!" in word:
                    raise ValueError(word)
                yield self._chunk(content=word + " ", usage_metadata=facts if index == last else None)
            for index, name in enumerate(self.calls, len(words)):
                part = {
                    "name": name,
                    "args": '{"x": 1}',
                    "id": f"call {index}",
                    "index": index,
                    "type": "tool_call_chunk",
                }
                yield self._chunk(content="", tool_call_chunks=[part], usage_metadata=facts if index == last else None)

        def _chunk(self, **fields: Any) -> Any:
            return library.outputs.ChatGenerationChunk(message=library.messages.AIMessageChunk(**fields))

        def _result(self) -> Any:
            whole, *rest = self._chunks()
            for chunk in rest:
                whole += chunk
            message = library.messages.AIMessage(
                content=whole.message.content,
                tool_calls=whole.message.tool_calls,
                usage_metadata=whole.message.usage_metadata,
            )
            return library.outputs.ChatResult(generations=[library.outputs.ChatGeneration(message=message)])

    class Generating(Scripted):
        def _generate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Any:
            return self._result()

    class Native(Generating):
        async def _agenerate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Any:
            return self._result()

    class Streaming(Native):
        async def _astream(
            self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any
        ) -> AsyncIterator[Any]:
            for chunk in self._chunks():
                yield chunk

    class Threaded(Generating):
        def _stream(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Iterator[Any]:
            yield from self._chunks()

    return SimpleNamespace(Generating=Generating, Native=Native, Streaming=Streaming, Threaded=Threaded)


OURS = _library("chatcore")
THEIRS = _library("langchain_core")


# ------------------------------------------------------------------------------------------------------- what is called


def _prompt(of: Library) -> Runnable:
    return of.prompts.ChatPromptTemplate.from_messages([("system", "Be brief."), ("human", "{q}")])


def _model(of: Library, kind: str = "Streaming", **fields: Any) -> Runnable:
    return getattr(of.models, kind)(**fields)


def _chain(of: Library, kind: str = "Streaming", **fields: Any) -> Runnable:
    return _prompt(of) | _model(of, kind, **fields) | of.output_parsers.StrOutputParser()


def _upper(text: Any) -> str:
    return str(getattr(text, "content", text)).upper()


def _asking(of: Library, *, sync: bool = False, named: str = "ask") -> Runnable:
    """A function that calls a model, and does not hand on its config."""
    model = _model(of)

    async def ask(given: Any) -> str:
        return (await model.ainvoke(str(given))).content

    def ask_sync(given: Any) -> str:
        return model.invoke(str(given)).content

    return of.runnables.RunnableLambda(ask_sync if sync else ask, name=named)


def _handing(of: Library) -> Runnable:
    model = _model(of)

    async def hand(given: Any, config: Any) -> str:
        return (await model.ainvoke(str(given), config)).content

    return of.runnables.RunnableLambda(hand)


def _returning(of: Library) -> Runnable:
    model = _model(of)

    def choose(given: Any) -> Any:
        return model

    return of.runnables.RunnableLambda(choose)


def _streaming_inside(of: Library) -> Runnable:
    model = _model(of)

    async def gather(given: Any) -> str:
        return "".join([chunk.content async for chunk in model.astream(str(given))])

    return of.runnables.RunnableLambda(gather)


def _generator(of: Library) -> Runnable:
    async def letters(chunks: AsyncIterator[Any]) -> AsyncIterator[str]:
        async for chunk in chunks:
            yield _upper(chunk)

    return of.runnables.RunnableGenerator(letters)


def _tool(of: Library, *, fails: bool = False) -> Runnable:
    @of.tools.tool
    async def look(x: int) -> str:
        """Look x up."""
        if fails:
            raise ValueError(x)
        return f"found {x}"

    return look


def _tool_with_model(of: Library) -> Runnable:
    model = _model(of)

    @of.tools.tool
    async def ask(x: int) -> str:
        """Ask a model."""
        return (await model.ainvoke(str(x))).content

    return ask


def _failing(of: Library) -> Runnable:
    def fail(given: Any) -> Any:
        raise ValueError(str(given))

    return of.runnables.RunnableLambda(fail)


def _branch(of: Library) -> Runnable:
    step = of.runnables.RunnableLambda
    return of.runnables.RunnableBranch(
        (step(lambda given: given == "no", name="is no"), step(_upper, name="one")),
        (lambda given: given == "hi", _model(of)),
        step(_upper, name="two"),
    )


def _dispatching(of: Library) -> Runnable:
    async def speak(given: str, config: Any) -> str:
        await of.callbacks.adispatch_custom_event("said", {"given": given}, config=config)
        return given

    return of.runnables.RunnableLambda(speak)


def _lambda(of: Library) -> Runnable:
    return of.runnables.RunnableLambda(_upper, name="upper")


def _rest(of: Library) -> Any:
    return of.output_parsers.StrOutputParser()


QUESTION = {"q": "hi"}

Shape = tuple[Callable[[Library], Runnable], Any]

IN_ORDER: dict[str, Shape] = {
    # A model.
    "model": (_model, "hi"),
    "model: _generate": (lambda of: _model(of, "Generating"), "hi"),
    "model: _agenerate": (lambda of: _model(of, "Native"), "hi"),
    "model: _stream": (lambda of: _model(of, "Threaded"), "hi"),
    "model: messages": (_model, [("system", "a"), ("human", "b")]),
    "model: usage": (lambda of: _model(of, counted=True), "hi"),
    "model: calls": (lambda of: _model(of, calls=("look", "see"), counted=True), "hi"),
    "model: calls only": (lambda of: _model(of, answer="", calls=("look",)), "hi"),
    "model: fails": (lambda of: _model(of, answer="!"), "hi"),
    "model: fails midway": (lambda of: _model(of, answer="one two !"), "hi"),
    "model: _generate fails": (lambda of: _model(of, "Generating", answer="!"), "hi"),
    "model: tags": (lambda of: _model(of, tags=["mine"], metadata={"m": 1}), "hi"),
    "model: config": (lambda of: _model(of).with_config(tags=["t"], metadata={"k": 1}, run_name="asked"), "hi"),
    "model: bind": (lambda of: _model(of).bind(stop=["."]), "hi"),
    # Sequences.
    "chain": (_chain, QUESTION),
    "chain: _generate": (lambda of: _chain(of, "Generating"), QUESTION),
    "chain: _agenerate": (lambda of: _chain(of, "Native"), QUESTION),
    "chain: _stream": (lambda of: _chain(of, "Threaded"), QUESTION),
    "chain: fails": (lambda of: _chain(of, answer="!"), QUESTION),
    "chain: fails midway": (lambda of: _chain(of, answer="one !"), QUESTION),
    "chain: config": (
        lambda of: _chain(of).with_config(tags=["t"], metadata={"k": 1}, run_name="answering"),
        QUESTION,
    ),
    "chain: steps' configs": (
        lambda of: (
            _prompt(of).with_config(run_name="asking")
            | _model(of).with_config(tags=["model"], metadata={"k": 1})
            | _rest(of).with_config(run_name="reading", tags=["parser"])
        ),
        QUESTION,
    ),
    "chain: in a chain": (
        lambda of: _lambda(of) | (_model(of) | _rest(of)).with_config(run_name="inner", tags=["in"]) | _lambda(of),
        "hi",
    ),
    "chain: JSON": (
        lambda of: _model(of, answer='{"a": [1, 2], "b": "c"}') | of.output_parsers.JsonOutputParser(),
        "hi",
    ),
    "chain: list": (
        lambda of: _model(of, answer="a, b, c, d") | of.output_parsers.CommaSeparatedListOutputParser(),
        "hi",
    ),
    "chain: tools parser": (
        lambda of: _model(of, answer="", calls=("look",)) | of.output_parsers.JsonOutputToolsParser(),
        "hi",
    ),
    "chain: function after": (lambda of: _model(of) | _lambda(of), "hi"),
    "chain: function before": (lambda of: _lambda(of) | _model(of), "hi"),
    "chain: function in between": (lambda of: _model(of) | _lambda(of) | _rest(of), "hi"),
    "chain: fails at its end": (lambda of: _model(of) | _failing(of), "hi"),
    "chain: fails at its start": (lambda of: _failing(of) | _model(of), "hi"),
    "chain: a missing variable": (_chain, {"other": 1}),
    "prompt": (_prompt, QUESTION),
    # Functions.
    "function": (_lambda, "hi"),
    "function: fails": (_failing, "hi"),
    "function: asks a model": (_asking, "hi"),
    "function: asks a model, sync": (lambda of: _asking(of, sync=True), "hi"),
    "function: hands its config on": (_handing, "hi"),
    "function: returns a model": (_returning, "hi"),
    "function: streams a model": (_streaming_inside, "hi"),
    "function: asks, in a chain": (lambda of: _lambda(of) | _asking(of) | _rest(of), "hi"),
    "function: asks, in a function": (
        lambda of: of.runnables.RunnableLambda(_nesting(of), name="outer"),
        "hi",
    ),
    "function: dispatches": (_dispatching, "hi"),
    "function: dispatches, in a chain": (lambda of: _dispatching(of) | _lambda(of), "hi"),
    "generator": (_generator, "hi"),
    "generator: after a model": (lambda of: _model(of) | _generator(of), "hi"),
    "generator: and a parser": (lambda of: _model(of) | _generator(of) | _rest(of), "hi"),
    # Choices.
    "branch": (_branch, "hi"),
    "branch: default": (_branch, "other"),
    "branch: in a chain": (lambda of: of.runnables.RunnableLambda(str, name="str") | _branch(of), "hi"),
    "router": (
        lambda of: of.runnables.RouterRunnable({"a": _lambda(of), "b": _model(of)}),
        {"key": "b", "input": "hi"},
    ),
    # Decorated.
    "retry": (lambda of: _model(of).with_retry().with_config(run_name="tried"), "hi"),
    "retry: of a chain": (lambda of: _chain(of).with_retry().with_config(run_name="tried"), QUESTION),
    "fallbacks: not needed": (lambda of: _model(of).with_fallbacks([_model(of, answer="second")]), "hi"),
    "fallbacks": (lambda of: _model(of, answer="!").with_fallbacks([_model(of, answer="second")]), "hi"),
    "fallbacks: all fail": (lambda of: _model(of, answer="!").with_fallbacks([_model(of, answer="!!")]), "hi"),
    "fallbacks: in a chain": (
        lambda of: _prompt(of) | _model(of, answer="!").with_fallbacks([_model(of, answer="second")]) | _rest(of),
        QUESTION,
    ),
    "fallbacks: of a chain": (lambda of: _chain(of, answer="!").with_fallbacks([_chain(of)]), QUESTION),
    # Tools.
    "tool": (_tool, {"x": 1}),
    "tool: a call": (_tool, {"name": "look", "args": {"x": 1}, "id": "c1", "type": "tool_call"}),
    "tool: fails": (lambda of: _tool(of, fails=True), {"x": 1}),
    "tool: wrong arguments": (_tool, {"x": "many"}),
    "tool: asks a model": (_tool_with_model, {"x": 1}),
    "tool: in a chain": (
        lambda of: (
            _model(of, answer="", calls=("look",))
            | of.runnables.RunnableLambda(lambda message: message.tool_calls[0], name="call")
            | _tool(of)
        ),
        "hi",
    ),
    # Passed on.
    "passthrough": (lambda of: of.runnables.RunnablePassthrough() | _model(of), "hi"),
    "assign: one": (lambda of: of.runnables.RunnablePassthrough.assign(a=_lambda(of)), {"q": "hi"}),
    "assign: a chain": (lambda of: _taking_q(of).assign(answer=_chain(of)), {"q": "hi"}),
    "pick": (lambda of: of.runnables.RunnablePassthrough.assign(a=_lambda(of)).pick("a"), {"q": "hi"}),
    "parallel: of one": (lambda of: of.runnables.RunnableParallel(a=_model(of)), "hi"),
    "map": (lambda of: _lambda(of).map(), ["a"]),
}


def _taking_q(of: Library) -> Runnable:
    return of.runnables.RunnableLambda(dict, name="dict")


def _nesting(of: Library) -> Callable[[Any], Any]:
    inner = _asking(of, named="inner")

    async def outer(given: Any) -> str:
        return await inner.ainvoke(given) + await inner.ainvoke("again")

    return outer


AT_ONCE: dict[str, Shape] = {
    "parallel": (
        lambda of: of.runnables.RunnableParallel(a=_model(of, answer="1 2"), b=_model(of, answer="3 4")),
        "hi",
    ),
    "parallel: chains": (lambda of: of.runnables.RunnableParallel(a=_chain(of), b=_prompt(of)), QUESTION),
    "parallel: in a chain": (
        lambda of: (
            of.runnables.RunnableParallel(q=_lambda(of), other=_asking(of)).with_config(run_name="both") | _chain(of)
        ),
        "hi",
    ),
    "parallel: in a parallel": (
        lambda of: of.runnables.RunnableParallel(
            a=of.runnables.RunnableParallel(b=_model(of), c=_lambda(of)), d=_model(of)
        ),
        "hi",
    ),
    "parallel: configured": (
        lambda of: of.runnables.RunnableParallel(
            a=_model(of).with_config(tags=["a"], run_name="first"), b=_lambda(of).with_config(metadata={"b": 1})
        ).with_config(tags=["t"]),
        "hi",
    ),
    "assign: several": (
        lambda of: of.runnables.RunnablePassthrough.assign(a=_lambda(of), b=_chain(of), c=_prompt(of)),
        QUESTION,
    ),
    "map: several": (lambda of: _lambda(of).map(), ["a", "b", "c"]),
    "map: models": (lambda of: _model(of).map(), ["a", "b"]),
}
"""Whose runs begin and end in an order of their own in each library."""

SHAPES = IN_ORDER | AT_ONCE


# --------------------------------------------------------------------------------------------------- what is told of it


def _plain(value: Any) -> Any:  # noqa: PLR0911 - a table of kinds
    """In words that are the same for both libraries."""
    if isinstance(value, BaseException):
        # Ours says of a stream that it broke off; why, is its cause.
        value = value.__cause__ if isinstance(value, StreamInterrupted) else value
        return ("error", isinstance(value, FAILURES))
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if hasattr(value, "generations"):
        return ["result", _plain(value.generations)]
    if hasattr(value, "message"):
        return _plain(value.message)
    if hasattr(value, "to_messages"):
        return ["prompt", _plain(value.to_messages())]
    if hasattr(value, "content"):
        calls = [(call["name"], call["args"]) for call in getattr(value, "tool_calls", ())]
        return [value.type, value.content, calls, _plain(getattr(value, "usage_metadata", None))]
    return value if isinstance(value, str | int | float | None) else type(value).__name__


def _facts(metadata: Any) -> dict[str, Any]:
    """Metadata without what is for LangSmith."""
    return {key: value for key, value in (metadata or {}).items() if not key.startswith(("ls_", "lc_"))}


class _Names:
    """Runs by names that say where they stand, and not by ids."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def new(self, run_id: Any, name: str, tags: Any) -> None:
        if str(run_id) in self._names:
            return
        branch = "".join(f"[{tag}]" for tag in sorted(tags or ()) if tag.startswith("map:key"))
        taken = sum(one.partition("#")[0] == name + branch for one in self._names.values())
        self._names[str(run_id)] = name + branch + (f"#{taken}" if taken else "")

    def of(self, run_id: Any) -> str | None:
        return None if run_id is None else self._names.get(str(run_id), "?")


Told = tuple[str, str, dict[str, Any]]
"""What was told, of which run, and the facts."""


def _events(events: list[dict[str, Any]]) -> list[Told]:
    names = _Names()
    told: list[Told] = []
    for event in events:
        if event["event"] != "on_custom_event":
            names.new(event["run_id"], event["name"], event["tags"])
        facts = {
            "name": event["name"],
            "tags": sorted(event["tags"]),
            "metadata": _facts(event["metadata"]),
            "parents": [names.of(parent) for parent in event["parent_ids"]],
            "data": _plain(event["data"]),
        }
        told.append((event["event"], str(names.of(event["run_id"])), facts))
    return told


STARTS = {
    "on_chat_model_start": "messages",
    "on_chain_start": "inputs",
    "on_tool_start": "input",
}
OTHERS = (
    "on_llm_new_token",
    "on_llm_end",
    "on_llm_error",
    "on_chain_end",
    "on_chain_error",
    "on_tool_end",
    "on_tool_error",
    "on_retry",
    "on_custom_event",
)


def _recorder(of: Library, told: list[Told]) -> Any:
    names = _Names()

    def note(event: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        run_id = kwargs["run_id"]
        if event in STARTS:
            # The reference leaves it to what is called to name a model.
            names.new(run_id, kwargs["name"] or args[0]["name"], kwargs["tags"])
        facts: dict[str, Any] = {"tags": sorted(kwargs.get("tags") or ())}
        if event in STARTS or event == "on_custom_event":
            facts["metadata"] = _facts(kwargs.get("metadata"))
            facts["given"] = _plain(args[1])
        else:
            facts["given"] = _plain(args[0])
        facts["parent"] = names.of(kwargs.get("parent_run_id"))
        told.append((event, str(names.of(run_id)), facts))

    def method(event: str) -> Any:
        async def noted(self: Any, *args: Any, **kwargs: Any) -> None:
            note(event, args, kwargs)

        return noted

    kind = type(
        "Recorder", (of.callbacks.AsyncCallbackHandler,), {event: method(event) for event in (*STARTS, *OTHERS)}
    )
    return kind()


CONFIG = {"tags": ["outer"], "metadata": {"who": "me"}}


async def _told(of: Library, what: str, verb: str, filters: str | None = None) -> list[Told]:
    shape, given = SHAPES[what]
    runnable = shape(of)
    if verb == "astream_events":
        found: list[dict[str, Any]] = []
        with suppress(*FAILURES):
            async for event in runnable.astream_events(given, CONFIG, version="v2", **FILTERS.get(filters or "", {})):
                found.append(event)  # noqa: PERF401 - what came before a failure counts
        return _events(found)
    told: list[Told] = []
    config = {**CONFIG, "callbacks": [_recorder(of, told)]}
    with suppress(*FAILURES):
        if verb == "ainvoke":
            await runnable.ainvoke(given, config)
        elif verb == "astream":
            async for _ in runnable.astream(given, config):
                pass
        else:
            await runnable.abatch([given, given], {**config, "max_concurrency": 1})
    return told


@cache
def _told_there(what: str, verb: str, filters: str | None = None) -> list[Told]:
    """By the reference, which knows asyncio only."""
    return anyio.run(_told, THEIRS, what, verb, filters)


# ------------------------------------------------------------------------------------------------ what differs, and why


def _start_inputs(there: list[Told], here: list[Told]) -> None:
    """A chain that is streamed begins without its input there; here with it, where it is known."""
    for theirs, ours in zip(_starts(there), _starts(here), strict=False):
        for key, nothing in (("data", {}), ("given", {"input": ""})):
            if theirs[1] == ours[1] and theirs[2].get(key) == nothing:
                del theirs[2][key], ours[2][key]


def _starts(told: list[Told]) -> list[Told]:
    return sorted((one for one in told if one[0].endswith("_start")), key=lambda one: one[1])


def _whole_inputs(there: list[Told], here: list[Told]) -> None:
    """What a function or model is given after a streamed step is there the sum of chunks; here a whole message."""
    for _, _, facts in (*there, *here):
        if isinstance(facts.get("data"), dict) and "input" in facts["data"]:
            facts["data"]["input"] = _whole(facts["data"]["input"])


def _whole(given: Any) -> Any:
    if isinstance(given, list):
        return [_whole(each) for each in given]
    return "ai" if given == "AIMessageChunk" else given


def _answers_in_one_piece(there: list[Told], here: list[Told]) -> None:
    """A model that cannot stream gives its answer as one chunk; there that is no event."""
    here[:] = [
        one for one in here if one[0] != "on_chat_model_stream" or one[2]["data"]["chunk"][0] == "AIMessageChunk"
    ]


def _chunks_passed_on(there: list[Told], here: list[Told]) -> None:
    """Branches and fallbacks tell of their chunks in a chain, too; there only if they are the outermost."""
    here[:] = [
        one
        for one in here
        if one[0] != "on_chain_stream"
        or one[2]["name"] not in {"RunnableBranch", "RunnableWithFallbacks"}
        or not one[2]["parents"]
    ]


def _sync_code_streams(there: list[Told], here: list[Told]) -> None:
    """A sync function's call of a model that streams asynchronously has chunks; there only `_stream` makes some."""
    here[:] = [one for one in here if one[0] != "on_chat_model_stream"]


def _router(there: list[Told], here: list[Told]) -> None:
    """A router has a run of its own; there it has none."""
    here[:] = [one for one in here if one[1].partition("#")[0] != "RouterRunnable"]
    for _, _, facts in here:
        facts.pop("parent", None)
        facts["parents"] = [parent for parent in facts.get("parents", []) if parent != "RouterRunnable"]
        _input_of_outermost(facts)
    for _, _, facts in there:
        facts.pop("parent", None)
        facts["parents"] = facts.get("parents", [])
        _input_of_outermost(facts)


def _input_of_outermost(facts: dict[str, Any]) -> None:
    facts.get("data", {}).pop("input", None)


def _attempts(there: list[Told], here: list[Told]) -> None:
    """What fallbacks call is within them; there, but for streams and batches, it is beside them, with their tags."""
    within = {one[1]: one[2]["parent"] for one in here if one[1].startswith("RunnableWithFallbacks")}
    attempts = {one[1] for one in here if one[2]["parent"] in within}
    for _, run, facts in here:
        if run in attempts:
            facts["parent"] = within[facts["parent"]]
    for _, run, facts in there:
        if run in attempts:
            facts["tags"] = [tag for tag in facts["tags"] if not tag.startswith("seq:step")]


def _first_event(there: list[Told], here: list[Told]) -> None:
    """The first event that passes a filter has the whole call's input there, whatever it is an event of."""
    for told in (there, here):
        for _, run, facts in told:
            if run == told[0][1] and isinstance(facts["data"], dict):
                facts["data"].pop("input", None)


Difference = Callable[[list[Told], list[Told]], None]

EVERYWHERE: tuple[Difference, ...] = (_start_inputs, _whole_inputs)

DIFFERENT: dict[tuple[str, str], Difference] = {
    **{
        (f"{what}: {hook}", "astream_events"): _answers_in_one_piece
        for what in ("model", "chain")
        for hook in ("_generate", "_agenerate")
    },
    ("branch: in a chain", "astream_events"): _chunks_passed_on,
    ("fallbacks: in a chain", "astream_events"): _chunks_passed_on,
    ("function: asks a model, sync", "astream_events"): _sync_code_streams,
    **{("router", verb): _router for verb in ("ainvoke", "astream", "abatch", "astream_events")},
    **{(what, "ainvoke"): _attempts for what in IN_ORDER if what.startswith("fallbacks")},
}
"""By what is called and by which verb, what must be put aside before the two are equal."""


def _compared(what: str, verb: str, backend: str, filters: str | None = None) -> tuple[list[Told], list[Told]]:
    there = copy.deepcopy(_told_there(what, verb, filters))
    here = anyio.run(_told, OURS, what, verb, filters, backend=backend)
    for adjust in (*EVERYWHERE, DIFFERENT.get((what, verb))):
        if adjust is not None:
            adjust(there, here)
    return there, here


LATER: dict[str, str] = {
    **dict.fromkeys(
        (
            "chain: in a chain",
            "chain: function after",
            "chain: function in between",
            "chain: fails at its end",
            "function: asks, in a chain",
            "function: dispatches, in a chain",
            "tool: in a chain",
        ),
        "a function begins when its whole input is there; there, when a first chunk of it is",
    ),
    **dict.fromkeys(
        ("chain: _generate", "chain: _agenerate"),
        "an answer in one piece is over when it has been read; there, when it is made",
    ),
    **dict.fromkeys(
        ("assign: one", "assign: a chain", "pick", "parallel: of one"),
        "branches of a parallel run ahead of their reader by other steps",
    ),
}
"""Whose runs, streamed, begin or end in another order than there, and why; each run's own events are in order."""

NOT_STREAMED_THERE = ("retry", "retry: of a chain")
"""Streams are retried here, and so are runs; there `with_retry` does not concern them."""

NO_EVENTS_THERE = ("map", "map: several", "map: models")
"""`astream_events` raises NotImplementedError there."""

NOT_STOPPED_THERE = tuple(
    what for what in SHAPES if "fail" in what.partition(": ")[2] or "missing" in what or "wrong" in what
)
"""Of a batch, one failing call stops the others here, and does not there."""


def _by_run(told: list[Told]) -> dict[str, list[tuple[str, dict[str, Any]]]]:
    """The events of each run, in order; the chunks of several branches in the branches' order."""
    runs: dict[str, list[tuple[str, dict[str, Any]]]] = {}
    for event, run, facts in told:
        runs.setdefault(run, []).append((event, facts))
    return {run: sorted(events, key=_branch_of) for run, events in runs.items()}


def _branch_of(one: tuple[str, dict[str, Any]]) -> tuple[int, str]:
    event, facts = one
    if not event.endswith("_stream"):
        return (0 if event.endswith("_start") else 2, "")
    path: list[str] = []
    chunk = facts["data"]["chunk"]
    while isinstance(chunk, dict) and len(chunk) == 1:
        path += chunk
        (chunk,) = chunk.values()
    return (1, ".".join(path))


def _of_any_item(told: list[Told]) -> list[str]:
    """Each run's events, without which item of a batch it belongs to: items take turns in different ways."""
    runs: dict[str, list[str]] = {}
    for event, run, facts in told:
        parent = (facts.get("parent") or "").partition("#")[0]
        runs.setdefault(run, []).append(repr((event, run.partition("#")[0], {**facts, "parent": parent})))
    return sorted("\n".join(events) for events in runs.values())


# ----------------------------------------------------------------------------------------------------------- the calls


@pytest.mark.parametrize("what", SHAPES)
def test_handlers_of_a_call(what: str, anyio_backend: str) -> None:
    there, here = _compared(what, "ainvoke", anyio_backend)
    assert _by_run(here) == _by_run(there)
    assert what in AT_ONCE or here == there
    assert here


@pytest.mark.parametrize("what", [what for what in SHAPES if what not in NOT_STREAMED_THERE])
def test_handlers_of_a_stream(what: str, anyio_backend: str) -> None:
    there, here = _compared(what, "astream", anyio_backend)
    assert _by_run(here) == _by_run(there)
    assert what in AT_ONCE or what in LATER or here == there
    assert here


@pytest.mark.parametrize("what", [what for what in SHAPES if what not in NOT_STOPPED_THERE])
def test_handlers_of_a_batch(what: str, anyio_backend: str) -> None:
    there, here = _compared(what, "abatch", anyio_backend)
    assert _of_any_item(here) == _of_any_item(there)
    assert here


@pytest.mark.parametrize("what", [what for what in SHAPES if what not in {*NOT_STREAMED_THERE, *NO_EVENTS_THERE}])
def test_events(what: str, anyio_backend: str) -> None:
    there, here = _compared(what, "astream_events", anyio_backend)
    assert _by_run(here) == _by_run(there)
    assert what in AT_ONCE or what in LATER or here == there
    assert here


FILTERS: dict[str, dict[str, Any]] = {
    "types": {"include_types": ["chat_model"]},
    "names": {"include_names": ["StrOutputParser", "inner", "first"]},
    "tags": {"include_tags": ["model", "in", "a", "seq:step:2"]},
    "names or types": {"include_names": ["upper"], "include_types": ["prompt", "parser"]},
    "not these types": {"exclude_types": ["chain", "prompt"]},
    "not these names": {"exclude_names": ["Streaming", "RunnableSequence"]},
    "not these tags": {"exclude_tags": ["model", "in", "a"]},
    "these, but not those": {"include_types": ["chat_model", "chain"], "exclude_tags": ["in", "seq:step:3"]},
    "none": {"include_names": ["nobody"]},
    "custom": {"include_names": ["said"], "include_types": ["said"]},
}

FILTERED = (
    "chain",
    "chain: steps' configs",
    "chain: in a chain",
    "function: asks, in a chain",
    "function: dispatches, in a chain",
    "parallel: configured",
    "tool: in a chain",
)


@pytest.mark.parametrize("filters", FILTERS)
@pytest.mark.parametrize("what", FILTERED)
def test_filtered_events(what: str, filters: str, anyio_backend: str) -> None:
    there, here = _compared(what, "astream_events", anyio_backend, filters)
    _first_event(there, here)
    assert _by_run(here) == _by_run(there)


# ----------------------------------------------------------------------------- what cannot be compared, as it is here


@pytest.mark.parametrize("verb", ["astream", "astream_events"])
def test_a_retried_stream_is_within_its_retry(verb: str, anyio_backend: str) -> None:
    here = anyio.run(_told, OURS, "retry", verb, backend=anyio_backend)
    there = _told_there("retry", verb)
    assert {run for _, run, _ in here} == {"tried", "Streaming"}
    assert {run for _, run, _ in there} == {"tried"}, "the model itself, under the name that was given to the whole"
    chat_model = [event for event, run, _ in here if run == "Streaming"]
    assert chat_model == [event for event, _, _ in there]


def test_the_run_of_a_retry_has_a_name_of_its_own(anyio_backend: str) -> None:
    """There it has that of what it tries, so that two runs, one within the other, have one name."""

    async def names(of: Library) -> list[str]:
        told: list[Told] = []
        await _model(of).with_retry().ainvoke("hi", {"callbacks": [_recorder(of, told)]})
        return [run for event, run, _ in told if event.endswith("_start")]

    assert anyio.run(names, OURS, backend=anyio_backend) == ["RunnableRetry", "Streaming"]
    assert anyio.run(names, THEIRS) == ["Streaming", "Streaming#1"]


@pytest.mark.parametrize("what", NO_EVENTS_THERE)
def test_events_of_a_map(what: str, anyio_backend: str) -> None:
    with pytest.raises(NotImplementedError):
        _told_there(what, "astream_events")
    here = _by_run(anyio.run(_told, OURS, what, "astream_events", backend=anyio_backend))
    within = [run for run in here if not run.startswith("RunnableEach")]
    assert len(within) == len(SHAPES[what][1])
    assert all(here[run][0][1]["parents"] in (["RunnableEach<upper>"], ["RunnableEach<Streaming>"]) for run in within)


def test_every_difference_is_one() -> None:
    """A difference that is gone must go from the table too."""
    gone = []
    for (what, verb), adjust in DIFFERENT.items():
        there = copy.deepcopy(_told_there(what, verb))
        here = anyio.run(_told, OURS, what, verb)
        for each in EVERYWHERE:
            each(there, here)
        if here == there:
            gone.append((what, verb, adjust.__name__))
    assert gone == []


def test_every_other_order_is_one() -> None:
    compared = {what: _compared(what, "astream_events", "asyncio") for what in LATER}
    assert [what for what, (there, here) in compared.items() if here == there] == []
