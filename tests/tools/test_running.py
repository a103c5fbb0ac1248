"""Running tool calls: side by side, bounded, in time, in order; and the loop of model and tools."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import Annotated, Any

import anyio
import anyio.lowlevel
import pytest
import trio
from pydantic import BaseModel, Field

from chatcore.errors import (
    ConfigurationError,
    InvalidInputError,
    StepLimitError,
    ToolCallError,
    ToolTimeoutError,
)
from chatcore.language_models import ScriptedChatModel
from chatcore.messages import AIMessage, HumanMessage, ToolMessage
from chatcore.messages.tool import ToolOutputMixin, invalid_tool_call
from chatcore.model import BaseChatModel
from chatcore.outputs import ChatGeneration, ChatResult
from chatcore.prompt_values import StringPromptValue
from chatcore.runnables import RunnableConfig, RunnableLambda
from chatcore.tools import (
    InjectedToolArg,
    InjectedToolCallId,
    ToolException,
    run_tools,
    run_tools_sync,
    tool,
    tool_loop,
    tool_loop_sync,
)


def call(name: str, call_id: str | None = None, /, **args: Any) -> dict[str, Any]:
    return {"type": "tool_call", "name": name, "args": args, "id": call_id or name}


def calls(*asked: Any, **fields: Any) -> AIMessage:
    return AIMessage(content="", tool_calls=[*asked], **fields)


def shown(answers: list[Any]) -> list[tuple[str, str, str]]:
    return [(answer.tool_call_id, answer.status, answer.text) for answer in answers]


@tool
async def double(x: int) -> int:
    """Double it."""
    return 2 * x


@tool
def triple(x: int) -> int:
    """Triple it."""
    return 3 * x


@pytest.mark.anyio
async def test_answers_come_in_the_order_of_the_calls() -> None:
    first_waits, second_is_done = anyio.Event(), anyio.Event()

    @tool
    async def first() -> str:
        """Wait."""
        first_waits.set()
        await second_is_done.wait()
        return "1"

    @tool
    async def second() -> str:
        """Go."""
        await first_waits.wait()
        second_is_done.set()
        return "2"

    answers = await run_tools(calls(call("first"), call("second"), call("triple", x=1)), [triple, second, first])
    assert shown(answers) == [("first", "success", "1"), ("second", "success", "2"), ("triple", "success", "3")]
    assert [answer.name for answer in answers] == ["first", "second", "triple"]


@pytest.mark.anyio
@pytest.mark.parametrize(("given", "bound"), [({"max_concurrency": 2}, 2), ({"config": {"max_concurrency": 3}}, 3)])
async def test_as_many_run_at_once_as_may(given: dict[str, Any], bound: int) -> None:
    running, most = 0, 0

    async def work(n: int) -> int:
        """Work."""
        nonlocal running, most
        running += 1
        most = max(most, running)
        for _ in range(3):
            await anyio.lowlevel.checkpoint()
        running -= 1
        return n

    answers = await run_tools(calls(*(call("work", str(n), n=n) for n in range(9))), [work], **given)
    assert [answer.text for answer in answers] == [str(n) for n in range(9)]
    assert most == bound


@pytest.mark.anyio
async def test_sync_tools_run_in_threads_side_by_side() -> None:
    both = threading.Barrier(2, timeout=5)

    def meet(n: int) -> str:
        """Meet."""
        both.wait()
        return str(threading.get_ident())

    threads = [answer.text for answer in await run_tools(calls(call("meet", "1", n=1), call("meet", "2", n=2)), [meet])]
    assert len({*threads, str(threading.get_ident())}) == 3


class Order(BaseModel):
    """Order a thing."""

    what: str
    count: int


FAILURES: list[tuple[Any, str]] = [
    (call("double", "c", x="two"), "not valid:\n- x: Input should be a valid integer"),
    (call("Order", "c", what="a"), "not valid:\n- count: Field required\nMend them"),
    (call("nobody", "c"), "no tool 'nobody'. The tools are: double, triple, fail, refuse, Order, grouped."),
    (call("fail", "c"), "KeyError: 'oh'\nMend the call"),
    (call("refuse", "c"), "Error: sold out"),
    (call("grouped", "c"), "Error: KeyError: 'inner'"),
    (invalid_tool_call(name="double", args='{"x": ', id="c", error="cut off"), '(cut off); they were: {"x": \nCall'),
    (invalid_tool_call(name="double", args="x" * 9999, id="c"), f"{'x' * 500}...\nCall it again"),
    (invalid_tool_call(name=None, args="", id="c"), "no tool None"),
]


def fail() -> None:
    """Fail."""
    raise KeyError("oh")


def refuse() -> None:
    """Refuse."""
    raise ToolException("sold out")


async def grouped() -> None:
    """Fail in a group."""
    async with anyio.create_task_group():
        raise KeyError("inner")


TOOLS = [double, triple, fail, refuse, Order, grouped]


def asking(failing: dict[str, Any]) -> AIMessage:
    valid = failing["type"] == "tool_call"
    other = call("triple", "other", x=1)
    return calls(other, failing) if valid else calls(other, invalid_tool_calls=[failing])


@pytest.mark.anyio
@pytest.mark.parametrize(("failing", "told"), FAILURES, ids=[str(n) for n in range(len(FAILURES))])
async def test_a_failure_tells_the_model_what_to_do(failing: dict[str, Any], told: str) -> None:
    good, bad = await run_tools(asking(failing), TOOLS)
    assert good.text == "3"
    assert (bad.status, bad.tool_call_id, bad.name) == ("error", "c", failing["name"])
    assert bad.text.startswith("Error: ")
    assert told in bad.text


@pytest.mark.anyio
@pytest.mark.parametrize("failing", [failing for failing, _ in FAILURES], ids=[str(n) for n in range(len(FAILURES))])
async def test_a_failure_is_raised_if_asked_for(failing: dict[str, Any]) -> None:
    with pytest.raises((ToolCallError, ValueError, KeyError, ToolException)) as caught:
        await run_tools(asking(failing), TOOLS, on_error="raise")
    assert caught.value.__notes__ == [f"in the tool call 'c' of {failing['name']!r}"]
    if isinstance(caught.value, ToolCallError):
        assert caught.value.tool_call == failing


@pytest.mark.anyio
async def test_a_failure_stops_the_others_if_it_is_raised() -> None:
    stopped: list[str] = []

    async def wait() -> None:
        """Wait."""
        try:
            await anyio.sleep_forever()
        finally:
            stopped.append("wait")

    with pytest.raises(KeyError):
        await run_tools(calls(call("wait"), call("fail")), [wait, fail], on_error="raise")
    assert stopped == ["wait"]


@pytest.mark.anyio
async def test_cancelled_it_has_stopped_every_call() -> None:
    begun, left = [], []

    async def wait(n: int) -> None:
        """Wait."""
        begun.append(n)
        if len(begun) == 3:
            group.cancel_scope.cancel()
        try:
            await anyio.sleep_forever()
        finally:
            left.append(n)

    async with anyio.create_task_group() as group:
        await run_tools(calls(*(call("wait", str(n), n=n) for n in range(3))), [wait])
        pytest.fail("it was cancelled")  # pragma: no cover
    assert sorted(left) == [0, 1, 2]


@pytest.mark.trio
async def test_each_call_has_its_own_time(autojump_clock: trio.testing.MockClock) -> None:
    async def work(seconds: float) -> str:
        """Work."""
        await anyio.sleep(seconds)
        return "done"

    asked = calls(*(call("work", str(seconds), seconds=seconds) for seconds in (4, 60, 4, 4)))
    answers = await run_tools(asked, [work], timeout=5, max_concurrency=1)
    assert trio.current_time() == pytest.approx(4 + 5 + 4 + 4)
    assert [answer.status for answer in answers] == ["success", "error", "success", "success"]
    assert answers[1].text == "Error: Tool 'work' took longer than 5 s. Ask it for less, or go on without it."
    with pytest.raises(ToolTimeoutError) as caught:
        await run_tools(asked, [work], timeout=5, on_error="raise")
    assert caught.value.tool_call == {"type": "tool_call", "name": "work", "args": {"seconds": 60}, "id": "60"}


@pytest.mark.trio
async def test_a_timeout_of_the_tools_own_is_told_as_its_own(autojump_clock: trio.testing.MockClock) -> None:
    async def work() -> None:
        """Work."""
        with anyio.fail_after(1):
            await anyio.sleep(2)

    (answer,) = await run_tools(calls(call("work")), [work], timeout=5)
    assert answer.text.startswith("Error: TimeoutError\n")


@pytest.mark.anyio
async def test_time_holds_for_sync_tools_too() -> None:
    go_on = threading.Event()

    def stand_still() -> None:
        """Stand still."""
        go_on.wait(30)

    try:
        (answer,) = await run_tools(calls(call("stand_still")), [stand_still], timeout=0.01)
    finally:
        go_on.set()
    assert answer.status == "error"
    assert "longer than 0.01 s" in answer.text


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])  # tasks of trio cannot be awaited
async def test_what_somebody_else_cancelled_is_a_failure_of_its_tool() -> None:
    async def work() -> None:
        """Await a task that is cancelled."""
        raise anyio.get_cancelled_exc_class() from None

    (answer,) = await run_tools(calls(call("work")), [work])
    assert answer.text == "Error: Tool 'work' was cancelled, though nobody cancelled its call."


@pytest.mark.anyio
async def test_injected_arguments_are_the_programs_alone() -> None:
    @tool
    async def balance(
        account: str,
        user: Annotated[str, InjectedToolArg],
        call_id: Annotated[str, InjectedToolCallId],
        locale: Annotated[str, InjectedToolArg] = "en",
    ) -> str:
        """Tell the balance."""
        return f"{account} {user} {call_id} {locale}"

    asked = calls(call("balance", "c", account="a", user="root", call_id="x", locale="de"))
    (answer,) = await run_tools(asked, [balance], injected={"user": "me", "unused": 1})
    assert answer.text == "a me c en"
    with pytest.raises(ConfigurationError, match=r"injected=\{'user': \.\.\.\}"):
        await run_tools(asked, [balance])
    # A tool that is not called needs nothing.
    assert await run_tools(calls(call("double", x=1)), [balance, double])


@pytest.mark.anyio
async def test_injected_fields_of_a_schema_are_given_too() -> None:
    class Asked(BaseModel):
        """Ask."""

        x: int
        user: Annotated[str, InjectedToolArg]

    ask = tool("ask", args_schema=Asked)(lambda x, user: f"{x} {user}")
    (answer,) = await run_tools(calls(call("ask", x=1, user="root")), [ask], injected={"user": "me"})
    assert answer.text == "1 me"


@pytest.mark.anyio
async def test_config_reaches_every_tool() -> None:
    async def tell(config: RunnableConfig) -> Any:
        """Tell."""
        return config["metadata"]

    answers = await run_tools(calls(call("tell", "1"), call("tell", "2")), [tell], config={"metadata": {"a": 1}})
    assert [answer.text for answer in answers] == ['{"a": 1}', '{"a": 1}']


@pytest.mark.anyio
async def test_tools_of_any_kind() -> None:
    upper = RunnableLambda(str.upper, name="upper").with_types(input_type=str)
    server_side = {"type": "web_search"}
    asked = calls(call("upper", __arg1="a"), call("Order", what="tea", count=2), call("double", x=2))
    answers = await run_tools(asked, (one for one in (upper, server_side, Order, double)))
    assert [answer.text for answer in answers] == ["A", "what='tea' count=2", "4"]


@pytest.mark.anyio
async def test_messages_of_a_tools_own() -> None:
    @tool
    def several(tool_call_id: Annotated[str, InjectedToolCallId]) -> list[ToolMessage]:
        """Give several."""
        return [ToolMessage("a", tool_call_id=tool_call_id), ToolMessage("b", tool_call_id=tool_call_id)]

    @tool
    def strange() -> Any:
        """Give something else."""
        return ToolOutputMixin()

    answers = await run_tools(calls(call("several"), call("strange"), call("double", x=1)), [several, strange, double])
    assert [answer.tool_call_id for answer in answers] == ["several", "several", "strange", "double"]
    assert "answered with a ToolOutputMixin" in answers[2].text


@pytest.mark.anyio
async def test_a_message_without_calls_needs_no_answers() -> None:
    assert await run_tools(AIMessage("hi"), [double]) == []


@pytest.mark.anyio
async def test_a_call_without_an_id_is_answered() -> None:
    (answer,) = await run_tools(calls({"name": "double", "args": {"x": 1}, "id": None}), [double])
    assert (answer.text, answer.tool_call_id) == ("2", "")


WRONG: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: run_tools(HumanMessage("hi"), []), InvalidInputError, "not HumanMessage"),  # type: ignore[arg-type]
    (lambda: run_tools(calls(), [3]), ConfigurationError, r"tools\[0\]"),
    (lambda: run_tools(calls(), [double, double]), ConfigurationError, "Two tools are called 'double'"),
    (lambda: run_tools(calls(), [], timeout=0), ConfigurationError, "timeout must be"),
    (lambda: run_tools(calls(), [], max_concurrency=0), ConfigurationError, "max_concurrency must be"),
    (lambda: run_tools(calls(), [], on_error="ignore"), ConfigurationError, "on_error must be"),  # type: ignore[arg-type]
    (lambda: tool_loop(None, "hi", [], max_steps=0), ConfigurationError, "max_steps must be"),
]


@pytest.mark.anyio
@pytest.mark.parametrize(("wrong", "kind", "said"), WRONG, ids=[said for _, _, said in WRONG])
async def test_wrong_arguments_are_refused(wrong: Callable[[], Any], kind: type[Exception], said: str) -> None:
    with pytest.raises(kind, match=said):
        await wrong()


colour: ContextVar[str] = ContextVar("colour", default="none")


def test_sync_forms() -> None:
    async def tell() -> str:
        """Tell."""
        return colour.get()

    colour.set("red")
    (answer,) = run_tools_sync(calls(call("tell")), [tell])
    assert answer.text == "red"
    assert [message.text for message in tool_loop_sync(Scripted(calls(call("tell")), "done"), "hi", [tell])] == [
        "",
        "red",
        "done",
    ]
    assert (run_tools_sync.__name__, run_tools_sync.__qualname__) == ("run_tools_sync",) * 2


# ------------------------------------------------------------------------------------------------------------- the loop


class Scripted(BaseChatModel):
    """A model that says what it is told to, and keeps what it was asked."""

    answers: list[AIMessage]
    asked: list[Any] = Field(default_factory=list)
    tools: list[Any] = Field(default_factory=list)

    def __init__(self, *answers: AIMessage | str) -> None:
        super().__init__(answers=[AIMessage(answer) if isinstance(answer, str) else answer for answer in answers])

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        self.tools[:] = tools
        return self.bind(tools=True)

    async def _agenerate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> ChatResult:
        self.asked.append(([message.text for message in messages], kwargs))
        return ChatResult(generations=[ChatGeneration(message=self.answers.pop(0))])


@pytest.mark.anyio
@pytest.mark.parametrize("given", ["go", [HumanMessage("go")], [("human", "go")], StringPromptValue(text="go")])
async def test_loop_asks_until_no_tool_is_called(given: Any) -> None:
    model = Scripted(calls(call("double", "1", x=2)), calls(call("triple", "2", x=4), call("double", "3", x=4)), "done")
    new = await tool_loop(model, given, [double, triple], temperature=1)
    assert [(message.type, message.text) for message in new] == [
        ("ai", ""),
        ("tool", "4"),
        ("ai", ""),
        ("tool", "12"),
        ("tool", "8"),
        ("ai", "done"),
    ]
    assert [texts for texts, _ in model.asked] == [["go"], ["go", "", "4"], ["go", "", "4", "", "12", "8"]]
    assert model.asked[0][1] == {"tools": True, "temperature": 1}
    assert model.tools == [double, triple]


@pytest.mark.anyio
async def test_loop_ends_with_a_tool_that_answers_directly() -> None:
    @tool(return_direct=True)
    def final(x: int) -> str:
        """Answer."""
        return f"final {x}"

    model = Scripted(calls(call("final", x=1), call("double", x=1)), "never")
    assert [message.text for message in await tool_loop(model, "go", [final, double])] == ["", "final 1", "2"]
    model = Scripted(calls(call("final", x="one")), "mended")
    assert [message.type for message in await tool_loop(model, "go", [final])] == ["ai", "tool", "ai"]


@pytest.mark.anyio
async def test_loop_has_a_limit_and_can_be_taken_up_again() -> None:
    ran: list[int] = []

    async def step(n: int) -> str:
        """Step."""
        ran.append(n)
        return f"stepped {n}"

    model = Scripted(*(calls(call("step", str(n), n=n)) for n in range(3)), "done")
    with pytest.raises(StepLimitError, match="after 2 steps") as caught:
        await tool_loop(model, "go", [step], max_steps=2)
    so_far = caught.value.messages
    assert [message.text for message in so_far] == ["", "stepped 0", ""]
    assert ran == [0]
    more = await tool_loop(model, [HumanMessage("go"), *so_far], [step], max_steps=2)
    assert [message.text for message in more] == ["stepped 1", "", "stepped 2", "done"]
    assert ran == [0, 1, 2]


@pytest.mark.anyio
async def test_loop_tells_the_model_of_calls_it_has_botched() -> None:
    botched = AIMessage("", invalid_tool_calls=[invalid_tool_call(name="double", args="{", id="1", error="cut off")])
    new = await tool_loop(Scripted(botched, "sorry"), "go", [double])
    assert [message.type for message in new] == ["ai", "tool", "ai"]
    assert new[1].status == "error"  # type: ignore[attr-defined]


@pytest.mark.anyio
async def test_loop_raises_what_tools_raise_if_asked_to() -> None:
    with pytest.raises(KeyError, match="oh"):
        await tool_loop(Scripted(calls(call("fail"))), "go", [fail], on_error="raise")


@pytest.mark.anyio
async def test_loop_without_tools_asks_once() -> None:
    assert [message.text for message in await tool_loop(Scripted("done"), "go", [])] == ["done"]
    assert await tool_loop(Scripted("done"), "go", [{"type": "web_search"}])


@pytest.mark.anyio
async def test_a_function_without_a_docstring_is_run_as_it_was_bound() -> None:
    def double(x: int) -> int:
        return 2 * x

    model = ScriptedChatModel(script=[{"name": "double", "args": {"x": 2}}, "Four."])
    _, answer, _ = await tool_loop(model, "2 times 2?", [double])
    assert answer.text == "4"


def test_one_tool_alone_is_no_list() -> None:
    @tool
    def one() -> str:
        """One."""
        return "1"

    # It can be iterated, over its fields.
    with pytest.raises(ValueError, match=r"bind_tools\(\[tool\]\)"):
        ScriptedChatModel(script=[]).bind_tools(one)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="tools must be a list"):
        run_tools_sync(AIMessage(""), one)
