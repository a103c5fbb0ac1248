"""Running the tool calls of a model's message, and asking the model again until it calls no more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

import anyio
from pydantic import ValidationError
from typing_extensions import is_typeddict

from chatcore.engine._host import told_to_stop
from chatcore.engine._portal import blocking_function
from chatcore.engine.batch import DEFAULT_CONCURRENCY, collapse, run_workers
from chatcore.engine.threads import abandoning
from chatcore.errors import ConfigurationError, InvalidInputError, StepLimitError, ToolCallError, ToolTimeoutError
from chatcore.messages import AIMessage, BaseMessage, InvalidToolCall, ToolCall, ToolMessage, convert_to_messages
from chatcore.messages._shapes import is_list
from chatcore.prompt_values import PromptValue
from chatcore.runnables import Runnable, RunnableConfig
from chatcore.runnables._config import check_config
from chatcore.schemas import convert_to_openai_tool
from chatcore.tools.base import BaseTool, ToolException
from chatcore.tools.convert import convert_runnable_to_tool
from chatcore.tools.structured import StructuredTool

__all__ = ["run_tools", "run_tools_sync", "tool_loop", "tool_loop_sync"]

SHOWN = 500
"""How much a model is shown of arguments that it has botched, in characters."""


async def run_tools(
    message: AIMessage,
    tools: Iterable[Any],
    *,
    max_concurrency: int | None = None,
    timeout: float | None = None,
    on_error: Literal["message", "raise"] = "message",
    injected: Mapping[str, Any] | None = None,
    config: RunnableConfig | None = None,
) -> list[ToolMessage]:
    """Run the tool calls of a message, several at a time.

    Async tools run as tasks, sync ones in worker threads. What the provider has run itself (server-side tools) is not
    run again. Cancelled, it has stopped every call before it returns; only sync tools go on to their end.

    Args:
        message: what the model has said.
        tools: what it may call: tools, functions, pydantic models, runnables. Dicts (tools of the provider, schemas)
            are passed over.
        max_concurrency: how many calls run at once; the config's `max_concurrency` if absent, or else 100.
        timeout: seconds that each call may take. What a sync tool still does after them is not waited for.
        on_error: `"message"`: a call that fails is answered by a `ToolMessage` of status "error", which tells the model
            what was wrong and what to do. `"raise"`: the first failure is raised, and the other calls are stopped.
        injected: values for the arguments marked by `InjectedToolArg`, by name. What the model says of these does not
            count.
        config: the config of each call.

    Returns:
        The answers, in the order of the calls; those to calls that could not be read (`invalid_tool_calls`) come last.

    Raises:
        InvalidInputError: `message` is no message of a model.
        ConfigurationError: an argument is wrong, or a tool that is called lacks an injected argument.
        ToolCallError: a call could not be run, or (`ToolTimeoutError`) took too long; with `on_error="raise"`.
        Exception: what a tool has raised, with `on_error="raise"`.
    """
    if not isinstance(cast("object", message), AIMessage):
        msg = f"run_tools takes the AIMessage that has the tool calls, not {type(message).__name__}."
        raise InvalidInputError(msg)
    runner = _Runner(
        _by_name(tools), timeout, on_error, injected or {}, check_config(config), _concurrency(max_concurrency, config)
    )
    return await runner.run(message)


async def tool_loop(  # noqa: PLR0913 - most of them are those of `run_tools`
    model: Any,
    messages: Any,
    tools: Sequence[Any],
    *,
    max_steps: int = 10,
    max_concurrency: int | None = None,
    timeout: float | None = None,
    on_error: Literal["message", "raise"] = "message",
    injected: Mapping[str, Any] | None = None,
    config: RunnableConfig | None = None,
    **settings: Any,
) -> list[BaseMessage]:
    """Ask a model, run the tools that it calls, and ask again, until it calls none.

    It also ends after a tool with `return_direct` has answered. Messages that end with calls nobody has answered are
    taken up there: these are run first.

    Args:
        model: a chat model that has `bind_tools`, or any runnable if there are no tools.
        messages: what to ask first: a str, a `PromptValue`, or messages in any form a chat model takes.
        tools: what it may call, in any form `bind_tools` takes; those that can be called are run here.
        max_steps: how often the model is asked at most.
        max_concurrency: as for `run_tools`.
        timeout: seconds for each tool call, as for `run_tools`.
        on_error: as for `run_tools`.
        injected: as for `run_tools`.
        config: the config of each call, of the model and of the tools.
        **settings: settings of each call of the model.

    Returns:
        The new messages: the model's, and the tools' answers between them.

    Raises:
        StepLimitError: the model wants to go on; it carries the messages so far. The last calls have not been run.
        ConfigurationError: `max_steps` is below 1, or a tool is wrong.
        Exception: what the model raises, and with `on_error="raise"` the tools.
    """
    if max_steps < 1:
        msg = f"max_steps must be at least 1, not {max_steps}."
        raise ConfigurationError(msg)
    runner = _Runner(
        _by_name(tools), timeout, on_error, injected or {}, check_config(config), _concurrency(max_concurrency, config)
    )
    asked = model.bind_tools(tools) if tools else model
    before = messages.to_messages() if isinstance(messages, PromptValue) else convert_to_messages(messages)
    new: list[BaseMessage] = []
    last = before[-1] if before else None
    steps = 0
    while True:
        if isinstance(last, AIMessage) and (last.tool_calls or last.invalid_tool_calls):
            if steps == max_steps:
                msg = (
                    f"The model still calls tools after {steps} steps. Raise max_steps, or go on from here:"
                    " tool_loop(model, [*messages, *error.messages], tools)."
                )
                raise StepLimitError(msg, messages=new)
            answers = await runner.run(last)
            new += answers
            if any(runner.is_last(answer) for answer in answers):
                return new
        elif steps:
            return new
        last = await asked.ainvoke([*before, *new], config, **settings)
        new.append(last)
        steps += 1


@dataclass(frozen=True, slots=True)
class _Runner:
    tools: Mapping[str, BaseTool]
    timeout: float | None
    on_error: Literal["message", "raise"]
    injected: Mapping[str, Any]
    config: RunnableConfig
    concurrency: int

    def __post_init__(self) -> None:
        if self.on_error not in ("message", "raise"):
            msg = f"on_error must be 'message' or 'raise', not {self.on_error!r}."
            raise ConfigurationError(msg)
        if self.timeout is not None and not self.timeout > 0:
            msg = f"timeout must be a number of seconds above 0, or None, not {self.timeout!r}."
            raise ConfigurationError(msg)

    async def run(self, message: AIMessage) -> list[ToolMessage]:
        calls: list[ToolCall | InvalidToolCall] = [*message.tool_calls, *message.invalid_tool_calls]
        # Before any of them has done anything: what is wrong is the program, not the model.
        prepared = [self._prepared(call) for call in calls]
        answers: dict[int, list[ToolMessage]] = {}

        async def answer(index: int, call: ToolCall | InvalidToolCall) -> None:
            answers[index] = await self._answer(call, prepared[index])

        await run_workers(calls, answer, self.concurrency)
        return [one for index in range(len(calls)) for one in answers[index]]

    def is_last(self, answer: ToolMessage) -> bool:
        """Whether it is the answer of a tool with `return_direct`."""
        called = self.tools.get(answer.name or "")
        return called is not None and called.return_direct and answer.status == "success"

    def _prepared(self, call: ToolCall | InvalidToolCall) -> ToolCall | None:
        """The call as its tool is to get it; None if it cannot be run."""
        called, args = self.tools.get(call.get("name") or ""), call.get("args")
        if called is None or not isinstance(args, dict):
            return None
        given = called._from_program()  # noqa: SLF001 - one of us
        if missing := [name for name, needed in given.items() if needed and name not in self.injected]:
            values = ", ".join(f"{name!r}: ..." for name in missing)
            msg = f"Tool {called.name!r} takes arguments that the program gives: injected={{{values}}}."
            raise ConfigurationError(msg)
        own = {name: value for name, value in args.items() if name not in given}
        added = {name: self.injected[name] for name in given if name in self.injected}
        return {"type": "tool_call", "name": called.name, "args": {**own, **added}, "id": call.get("id") or ""}

    async def _answer(self, call: ToolCall | InvalidToolCall, prepared: ToolCall | None) -> list[ToolMessage]:
        name, call_id = call.get("name"), call.get("id")
        try:
            return await self._call(call, prepared)
        except Exception as error:  # noqa: BLE001 - raised below, or told the model, as was asked for
            failure: BaseException = error
            if isinstance(error, ExceptionGroup):
                failure = collapse(cast("ExceptionGroup[Exception]", error))
        except anyio.get_cancelled_exc_class():
            if told_to_stop():
                raise
            failure = ToolCallError(f"Tool {name!r} was cancelled, though nobody cancelled its call.", tool_call=call)
        if self.on_error == "raise":
            failure.add_note(f"in the tool call {call_id!r} of {name!r}")
            try:
                raise failure
            finally:
                # Its traceback holds this frame.
                del failure
        return [ToolMessage(content=_told(failure), tool_call_id=call_id or "", name=name, status="error")]

    async def _call(self, call: ToolCall | InvalidToolCall, prepared: ToolCall | None) -> list[ToolMessage]:
        if prepared is None:
            raise self._unfit(call)
        called = self.tools[prepared["name"]]
        if self.timeout is None:
            return _messages(await called.ainvoke(prepared, self.config), called)
        with abandoning(), anyio.move_on_after(self.timeout):
            return _messages(await called.ainvoke(prepared, self.config), called)
        msg = f"Tool {called.name!r} took longer than {self.timeout:g} s. Ask it for less, or go on without it."
        raise ToolTimeoutError(msg, tool_call=call)

    def _unfit(self, call: ToolCall | InvalidToolCall) -> ToolCallError:
        name = call.get("name")
        if name not in self.tools:
            names = ", ".join(self.tools) or "none"
            msg = f"There is no tool {name!r}. The tools are: {names}. Call one of these, or go on without a tool."
            return ToolCallError(msg, tool_call=call)
        args, why = str(call.get("args")), call.get("error") or "it is none"
        shown = args if len(args) <= SHOWN else f"{args[:SHOWN]}..."
        msg = (
            f"The arguments of {name!r} must be one JSON object ({why}); they were: {shown}\nCall it again with"
            " complete arguments."
        )
        return ToolCallError(msg, tool_call=call)


def _told(failure: BaseException) -> str:
    """What the model is told of a failure."""
    if isinstance(failure, ValidationError):
        wrong = [f"- {'.'.join(map(str, error['loc'])) or 'all'}: {error['msg']}" for error in failure.errors()]
        return "\n".join(["Error: these arguments are not valid:", *wrong, "Mend them and call the tool again."])
    if isinstance(failure, ToolCallError | ToolException):
        return f"Error: {failure}"
    said = f"{type(failure).__name__}: {failure}" if str(failure) else type(failure).__name__
    return f"Error: {said}\nMend the call if its arguments are the cause, or go on without this tool."


def _messages(answer: Any, called: BaseTool) -> list[ToolMessage]:
    answers: list[Any] = answer if is_list(answer) else [answer]
    for one in answers:
        if not isinstance(one, ToolMessage):
            msg = f"Tool {called.name!r} answered with a {type(one).__name__}, which is nothing to tell a model."
            raise ConfigurationError(msg)
    return answers


def _by_name(tools: Iterable[Any]) -> dict[str, BaseTool]:
    whole: object = tools
    if isinstance(whole, str | Mapping | Runnable | type) or not isinstance(whole, Iterable):
        msg = "tools must be a list: [tool], not tool."
        raise ConfigurationError(msg)
    found: dict[str, BaseTool] = {}
    for position, given in enumerate(tools):
        # What only describes a tool: the provider runs it, or nobody.
        if isinstance(given, Mapping) or is_typeddict(given):
            continue
        one = _as_tool(given, position)
        if one.name in found:
            msg = f"Two tools are called {one.name!r}; the model could not tell one from the other."
            raise ConfigurationError(msg)
        found[one.name] = one
    return found


def _as_tool(given: Any, position: int) -> BaseTool:
    if isinstance(given, BaseTool):
        return given
    if isinstance(given, Runnable):
        return convert_runnable_to_tool(cast("Runnable[Any, Any]", given))
    if callable(given):
        # A model is told of functions without a docstring too.
        described = convert_to_openai_tool(given)["function"].get("description") or "Not described."
        return StructuredTool.from_function(given, description=described, parse_docstring=True)
    msg = f"tools[{position}] must be a tool, a function, a runnable or a dict, not {type(given).__name__}."
    raise ConfigurationError(msg)


def _concurrency(given: int | None, config: RunnableConfig | None) -> int:
    if given is not None and (isinstance(cast("object", given), bool) or given < 1):
        msg = f"max_concurrency must be a whole number of at least 1, or None, not {given!r}."
        raise ConfigurationError(msg)
    return given or (config or {}).get("max_concurrency") or DEFAULT_CONCURRENCY


run_tools_sync = blocking_function(run_tools, "run_tools_sync")
tool_loop_sync = blocking_function(tool_loop, "tool_loop_sync")
