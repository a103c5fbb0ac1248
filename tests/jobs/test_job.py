# ruff: noqa: ASYNC240 - small files on a local disk: a thread for each would only blur the test
from __future__ import annotations

import errno
import json
import os
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from pydantic import Field

from chatcore.errors import (
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
    NotFoundError,
    PermissionDeniedError,
    RateLimited,
)
from chatcore.jobs import BatchJob, _job
from chatcore.jobs._job import ClockedBucket
from chatcore.messages import AIMessage, AIMessageChunk
from chatcore.model import BaseChatModel
from chatcore.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from chatcore.providers import ChatOpenAI
from chatcore.runnables import RunnableLambda
from chatcore.testing import Fault, Latency, Limits, Reply, SimulatedRequest, Simulator

pytestmark = pytest.mark.anyio


class Echo(BaseChatModel):
    """Answers with what it was asked; fails on what begins with "fail"; waits for ever on "hold"."""

    asked: list[str] = Field(default_factory=list)
    under_way: int = 0
    most_under_way: int = 0

    @property
    def _llm_type(self) -> str:
        return "echo"

    async def _answer(self, messages: list[Any]) -> str:
        text = str(messages[-1].text)
        self.asked.append(text)
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            await (anyio.sleep_forever() if text == "hold" else anyio.lowlevel.checkpoint())
        finally:
            self.under_way -= 1
        if text.startswith("fail"):
            raise ValueError(f"cannot: {text}")
        return text

    async def _agenerate(
        self, messages: list[Any], stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        message = AIMessage(
            content=await self._answer(messages),
            usage_metadata={"input_tokens": 1, "output_tokens": 2, "total_tokens": 3},
            response_metadata={"settings": kwargs},
        )
        return ChatResult(generations=[ChatGeneration(message=message)])

    async def _astream(
        self, messages: list[Any], stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> AsyncIterator[ChatGenerationChunk]:
        for character in await self._answer(messages):
            yield ChatGenerationChunk(message=AIMessageChunk(content=character))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return tmp_path / "in put.jsonl"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out put.jsonl"


def write(path: Path, lines: Iterable[Any]) -> None:
    with path.open("wb") as file:
        for line in lines:
            file.write((line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n")


def read(path: Path) -> list[dict[str, Any]]:
    content = path.read_bytes()
    assert content.endswith(b"\n") or not content
    return [json.loads(line) for line in content.splitlines()]


def prompts(number: int) -> list[Any]:
    return [{"id": f"p{index}", "input": f"text {index}"} for index in range(1, number + 1)]


# -------------------------------------------------------------------------------------------------------------- lines


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "plain"])
async def test_every_line_is_answered_once(stream: bool, source: Path, out: Path) -> None:
    write(source, prompts(500))
    model = Echo()
    report = await BatchJob(model, source, out, max_concurrency=50, stream=stream).run()
    results = read(out)
    assert {result["id"]: result["output"] for result in results} == {f"p{n}": f"text {n}" for n in range(1, 501)}
    assert {result["line"]: result["id"] for result in results} == {n: f"p{n}" for n in range(1, 501)}
    assert all(result["error"] is None for result in results)
    assert (report.answered, report.failed, report.in_flight, report.retries) == (500, 0, 0, 0)
    assert not report.interrupted
    streamed = [result for result in results if result["first_token_seconds"] is not None]
    assert len(streamed) == report.first_token.count == (500 if stream else 0)
    assert report.latency.count == 500
    assert report.output_tokens == (0 if stream else 1000)


async def test_many_are_asked_at_once_and_some_are_streamed(source: Path, out: Path) -> None:
    class Crowd(Echo):
        """Answers nobody until sixty ask."""

        full: Any = Field(default_factory=anyio.Event)

        async def _answer(self, messages: list[Any]) -> str:
            self.under_way += 1
            self.most_under_way = max(self.most_under_way, self.under_way)
            if self.under_way == 60:
                self.full.set()
            await self.full.wait()
            self.under_way -= 1
            return "together"

    write(source, prompts(120))
    model = Crowd()
    with anyio.fail_after(10):
        report = await BatchJob(model, source, out, max_concurrency=60).run()
    assert model.most_under_way == 60
    assert 32 < report.first_token.count < 120, "as one stream ends, another may begin"
    assert report.latency.count == report.answered == 120


async def test_checksum_is_that_of_the_line(source: Path, out: Path) -> None:
    write(source, prompts(1))
    await BatchJob(Echo(), source, out).run()
    assert read(out)[0]["line_crc"] == zlib.crc32(source.read_bytes().strip())


async def test_what_the_answers_cost_if_asked(source: Path, out: Path) -> None:
    write(source, [{"input": "x"}, {"input": "y", "settings": {"model": "gpt-nobody"}}, b"bad"])
    async with Simulator(script=lambda _: Reply("Yes.")) as simulator:
        model = ChatOpenAI(model="gpt-5", api_key="k", base_url=simulator.base_url)
        report = await BatchJob(model, source=source, output=out, costs=True).run()
        again = await BatchJob(model, source=source, output=out, overwrite=True).run()
    assert report.costs is not None
    assert (report.answered, report.failed, report.costs.unknown) == (2, 1, 1)
    assert report.costs.by_model == {"gpt-5": report.costs.total}
    assert report.costs.total > 0
    assert again.costs is None


async def test_bad_lines_become_results_and_stop_nothing(source: Path, out: Path) -> None:
    write(
        source,
        [
            {"id": "good", "input": "hi"},
            b"\xff\xfe",
            b"",
            b"not json",
            {"id": "shape"},
            {"id": "empty", "input": []},
            {"id": "role", "input": [{"role": "wizard", "content": "x"}]},
            {"id": "fails", "input": "fail now"},
            {"custom_id": "o", "body": {"messages": [{"role": "user", "content": "hello"}]}},
            {"id": "good", "input": "same id again"},
        ],
    )
    told: list[tuple[int, str]] = []
    job = BatchJob(Echo(), source, out, on_bad_line=lambda number, reason: told.append((number, reason)))
    report = await job.run()
    results = {result["line"]: result for result in read(out)}
    assert sorted(results) == [1, 2, 4, 5, 6, 7, 8, 9, 10]
    assert {line: result["error"] and result["error"]["type"] for line, result in results.items()} == {
        1: None,
        2: "BadLine",
        4: "BadLine",
        5: "BadLine",
        6: "BadLine",
        7: "BadLine",
        8: "ValueError",
        9: None,
        10: None,
    }
    assert [number for number, _ in sorted(told)] == [2, 4, 5, 6, 7]
    assert "not UTF-8" in dict(told)[2]
    assert (report.answered, report.failed, report.blank) == (3, 6, 1)
    assert report.errors["ValueError"].example == "cannot: fail now"
    assert results[9]["response"]["body"]["choices"][0]["message"]["content"] == "hello"
    assert [results[1]["output"], results[10]["output"]] == ["hi", "same id again"]


async def test_too_long_line_is_read_over(source: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatcore.jobs._job.LineReader.__init__.__defaults__", (1000,))
    write(source, [{"input": "x" * 1000}, {"input": "short"}])
    await BatchJob(Echo(), source, out).run()
    first, second = sorted(read(out), key=lambda result: result["line"])
    assert first["error"]["message"] == "The line is longer than 64 MiB; send less at once."
    assert second["output"] == "short"


async def test_settings_of_a_line_go_to_its_call(source: Path, out: Path) -> None:
    write(source, [{"input": "a", "settings": {"temperature": 0.5, "stop": "x"}}, {"input": "b"}])
    asked: dict[str, Any] = {}

    class Noting(Echo):
        async def _agenerate(
            self, messages: list[Any], stop: Any = None, run_manager: Any = None, **kwargs: Any
        ) -> Any:
            asked[str(messages[0].text)] = (stop, kwargs)
            return await super()._agenerate(messages, stop, run_manager, **kwargs)

    await BatchJob(Noting(), source, out, stream=False).run()
    assert asked == {"a": (["x"], {"temperature": 0.5}), "b": (None, {})}


async def test_answer_that_cannot_be_written_is_a_failure(source: Path, out: Path) -> None:
    write(source, prompts(1))

    async def answer(_: Any) -> AIMessage:
        return AIMessage(content="\udfff")

    report = await BatchJob(RunnableLambda(answer), source, out).run()
    assert read(out)[0]["error"]["type"] == "PydanticSerializationError"
    assert (report.answered, report.failed) == (0, 1)


async def test_answer_must_be_a_message(source: Path, out: Path) -> None:
    write(source, prompts(1))

    async def answer(_: Any) -> str:
        return "no message"

    wrong: Any = RunnableLambda(answer)
    await BatchJob(wrong, source, out).run()
    assert read(out)[0]["error"]["message"] == "The model answered with a str; a batch needs an AIMessage."


async def test_several_choices_of_a_model_that_gives_one(source: Path, out: Path) -> None:
    write(source, [{"custom_id": "a", "body": {"messages": [{"role": "user", "content": "x"}], "n": 2}}])

    async def answer(_: Any, **settings: Any) -> AIMessage:
        return AIMessage(content="one")

    await BatchJob(RunnableLambda(answer), source, out).run()
    assert len(read(out)[0]["response"]["body"]["choices"]) == 1


# ----------------------------------------------------------------------------------------------------- over real HTTP


def model_at(simulator: Simulator, **settings: Any) -> ChatOpenAI:
    return ChatOpenAI(model="simulated", base_url=simulator.base_url, api_key="any", **settings)


async def test_thousand_lines_over_http(source: Path, out: Path) -> None:
    write(source, prompts(1000))
    async with Simulator(latency=Latency(time_to_first_token=0.6)) as simulator:
        report = await BatchJob(model_at(simulator), source, out, max_concurrency=200).run()
        assert simulator.stats.requests_finished == 1000
        assert simulator.stats.requests_peak > 100
    results = read(out)
    assert sorted(result["line"] for result in results) == list(range(1, 1001))
    assert all(result["output"] and result["usage"]["output_tokens"] and result["request_id"] for result in results)
    assert report.output_tokens == sum(result["usage"]["output_tokens"] for result in results)
    assert (report.latency.quantile(0.5) or 0) > 0.59
    assert (report.first_token.quantile(0.5) or 0) > 0.59


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "plain"])
async def test_openai_lines_over_http(stream: bool, source: Path, out: Path) -> None:
    tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
    ask = {"messages": [{"role": "user", "content": "hi"}]}
    write(
        source,
        [
            {"custom_id": "text", "body": {**ask, "model": "other-model", "max_completion_tokens": 5}},
            {"custom_id": "tool", "body": {**ask, "tools": [tool], "tool_choice": "required"}},
            {"custom_id": "two", "body": {**ask, "n": 2}},
            {"custom_id": "bad", "body": {**ask, "temperature": 9}},
        ],
    )
    async with Simulator() as simulator:
        report = await BatchJob(model_at(simulator), source, out, stream=stream).run()
        assert {request.body["model"] for request in simulator.requests} == {"other-model", "simulated"}
    results = {result["custom_id"]: result for result in read(out)}
    text = results["text"]["response"]
    assert text["status_code"] == 200
    assert text["body"]["object"] == "chat.completion"
    assert text["body"]["model"] == "other-model"
    assert text["body"]["choices"][0]["finish_reason"] == "length"
    assert text["body"]["usage"]["completion_tokens"] == 5
    [call] = results["tool"]["response"]["body"]["choices"][0]["message"]["tool_calls"]
    assert call["function"]["name"] == "look"
    assert [choice["index"] for choice in results["two"]["response"]["body"]["choices"]] == [0, 1]
    assert results["bad"]["response"]["status_code"] == 400
    assert results["bad"]["error"]["type"] == "BadRequestError"
    assert report.failed == 1


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "plain"])
async def test_what_may_pass_is_asked_again(
    stream: bool, source: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatcore.engine.policies.Retry.pause", lambda *_: 0.0)
    write(source, prompts(4))
    script = [Fault.http(503), Fault.cut(after_chunks=3), Fault.http(429), Fault.error_event(after_chunks=2)]
    async with Simulator(script=script) as simulator:
        report = await BatchJob(model_at(simulator), source, out, max_concurrency=1, stream=stream).run()
        # A cut in mid-stream too: nobody saw the beginning. And the model's own retries come not on top.
        assert simulator.stats.requests_total == 8
    assert (report.answered, report.failed, report.retries) == (4, 0, 4)
    assert len(read(out)) == 4


async def test_what_does_not_pass_is_not_asked_again(source: Path, out: Path) -> None:
    write(source, prompts(1))
    async with Simulator(api_key="another") as simulator:
        report = await BatchJob(model_at(simulator), source, out).run()
        assert simulator.stats.requests_total == 1
    assert report.errors["AuthenticationError"].count == 1
    assert read(out)[0]["error"]["status"] == 401
    assert "any" not in read(out)[0]["error"]["message"].split()


async def test_retries_come_to_an_end(source: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatcore.engine.policies.Retry.pause", lambda *_: 0.0)
    write(source, prompts(1))
    async with Simulator(script=Fault.http(500)) as simulator:
        report = await BatchJob(model_at(simulator), source, out, retries=2).run()
        assert simulator.stats.requests_total == 3
    assert (report.failed, report.retries) == (1, 2)


async def test_too_long_a_pause_is_a_refusal(source: Path, out: Path) -> None:
    write(source, prompts(1))
    async with Simulator(script=Fault.http(429, retry_after=3600)) as simulator:
        report = await BatchJob(model_at(simulator, max_retries=0), source, out).run()
    assert report.errors["RateLimited"].count == 1


def test_which_failures_may_pass() -> None:
    assert _job._may_pass(RateLimited("x", retry_after=300))
    assert not _job._may_pass(RateLimited("x", retry_after=301))
    assert _job._may_pass(ConnectionResetError())
    assert not _job._may_pass(KeyError())


async def test_latency_is_without_the_queue_for_the_limits(source: Path, out: Path) -> None:
    write(source, prompts(10))
    async with Simulator(limits=Limits(requests_per_minute=100_000)) as simulator:
        model = model_at(simulator, rate_limiter=ClockedBucket(requests_per_minute=600, burst=0.1))
        report = await BatchJob(model, source, out).run()
    assert report.seconds > 0.8
    assert (report.latency.quantile(1.0) or 1) < 0.4
    assert (report.first_token.quantile(1.0) or 1) < 0.4


# ----------------------------------------------------------------------------------------------------- stop and resume


async def test_stop_keeps_what_is_done_and_resuming_does_the_rest(source: Path, out: Path) -> None:
    write(source, [{"input": "hold" if 300 < n <= 310 else f"text {n}"} for n in range(1, 1001)])
    model = Echo()
    job = BatchJob(model, source, out, max_concurrency=10)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(job.run)
        while model.under_way < 10 or job.report.answered < 300:
            await anyio.lowlevel.checkpoint()
        assert job.report.in_flight == 10
        job.stop()
    assert job.report.interrupted
    assert model.under_way == 0
    assert sorted(result["line"] for result in read(out)) == list(range(1, 301))
    write(source, [{"input": f"text {n}"} for n in range(1, 1001)])
    before = out.read_bytes()
    again = Echo()
    report = await BatchJob(again, source, out, resume=True).run()
    assert out.read_bytes().startswith(before)
    assert sorted(result["line"] for result in read(out)) == list(range(1, 1001))
    assert (report.kept, report.answered, report.total) == (300, 700, 1000)
    assert sorted(again.asked) == sorted(f"text {n}" for n in range(301, 1001))


async def test_failures_are_asked_again(source: Path, out: Path) -> None:
    write(source, [{"id": "a", "input": "fail"}, {"id": "b", "input": "text"}, b"bad"])
    await BatchJob(Echo(), source, out).run()
    # A line that has no answer may be mended; one that has may not be changed.
    write(source, [{"id": "a", "input": "mended"}, {"id": "b", "input": "text"}, {"id": "c", "input": "good"}])
    report = await BatchJob(Echo(), source, out, resume=True).run()
    assert {result["line"]: result["output"] for result in read(out)} == {1: "mended", 2: "text", 3: "good"}
    assert (report.kept, report.answered, report.failed) == (1, 2, 0)


async def test_resuming_what_is_done_asks_nothing(source: Path, out: Path) -> None:
    write(source, prompts(5))
    await BatchJob(Echo(), source, out).run()
    model = Echo()
    report = await BatchJob(model, source, out, resume=True).run()
    assert model.asked == []
    assert (report.kept, report.done) == (5, 0)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ([{"id": "new", "input": "first"}, *prompts(3)], "line 1 is not the one that was answered"),
        (prompts(2), "it has 2 lines, and line 3 was answered"),
        ([], "it has 0 lines, and line 3 was answered"),
    ],
    ids=["a line more", "a line less", "nothing"],
)
async def test_changed_input_is_refused_before_anything_is_asked(
    changed: list[Any], reason: str, source: Path, out: Path
) -> None:
    write(source, prompts(3))
    await BatchJob(Echo(), source, out).run()
    before = out.read_bytes()
    write(source, changed)
    model = Echo()
    with pytest.raises(ConfigurationError, match=f"is not the one that the output was made of: {reason}"):
        await BatchJob(model, source, out, resume=True).run()
    assert model.asked == []
    assert out.read_bytes() == before


async def test_changed_input_is_refused_before_what_is_left_above_is_asked(source: Path, out: Path) -> None:
    write(source, [{"input": "fail"}, *prompts(2)])
    await BatchJob(Echo(), source, out).run()
    write(source, [{"input": "mended"}, *prompts(1), {"input": "changed"}])
    model = Echo()
    with pytest.raises(ConfigurationError, match="line 3 is not the one"):
        await BatchJob(model, source, out, resume=True).run()
    assert model.asked == []


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "plain"])
async def test_answer_that_came_with_the_stop_is_kept(stream: bool, source: Path, out: Path) -> None:
    class Stopping(Echo):
        async def _answer(self, messages: list[Any]) -> str:
            job.stop()
            return "x"

    write(source, prompts(3))
    job = BatchJob(Stopping(), source, out, stream=stream, max_concurrency=1)
    assert (await job.run()).interrupted
    assert [result["output"] for result in read(out)] == ["x"]


class Refusing(Echo):
    """Refuses every prompt but those in `answered`, all for the same reason."""

    error: Any = AuthenticationError
    answered: frozenset[str] = frozenset()

    async def _answer(self, messages: list[Any]) -> str:
        text = await super()._answer(messages)
        if text not in self.answered:
            raise self.error("no")
        return text


@pytest.mark.parametrize("error", [AuthenticationError, NotFoundError])
async def test_job_whose_every_line_is_refused_gives_up(error: type[Exception], source: Path, out: Path) -> None:
    write(source, [b"bad", *prompts(200)])
    model = Refusing(error=error)
    report = await BatchJob(model, source, out, max_concurrency=5).run()
    assert report.gave_up
    assert report.interrupted
    assert 20 <= len(model.asked) < 30
    assert report.errors[error.__name__].count == len(read(out)) - 1
    rest = await BatchJob(Echo(), source, out, resume=True).run()
    assert (rest.answered, rest.failed, rest.gave_up) == (200, 1, False)


@pytest.mark.parametrize("error", [PermissionDeniedError, BadRequestError])
async def test_refusals_that_may_be_of_one_line_stop_nothing(error: type[Exception], source: Path, out: Path) -> None:
    write(source, prompts(60))
    report = await BatchJob(Refusing(error=error), source, out).run()
    assert (report.failed, report.gave_up, report.interrupted) == (60, False, False)


async def test_one_answer_shows_that_the_rest_is_worth_asking(source: Path, out: Path) -> None:
    write(source, prompts(60))
    model = Refusing(answered=frozenset(["text 20"]))
    report = await BatchJob(model, source, out, max_concurrency=1).run()
    assert (report.answered, report.failed, report.gave_up) == (1, 59, False)


async def test_stop_before_the_run(source: Path, out: Path) -> None:
    write(source, prompts(3))
    job = BatchJob(Echo(), source, out)
    job.stop()
    assert (await job.run()).interrupted
    assert read(out) == []


async def test_cancelled_run_keeps_what_is_done(source: Path, out: Path) -> None:
    write(source, [*prompts(3), {"input": "hold"}])
    job = BatchJob(Echo(), source, out, max_concurrency=1)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(job.run)
        while job.report.answered < 3 or not job.report.in_flight:
            await anyio.lowlevel.checkpoint()
        tasks.cancel_scope.cancel()
    assert len(read(out)) == 3


# ---------------------------------------------------------------------------------------------------------- bad usage


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"max_concurrency": 0}, "max_concurrency must be a whole number of at least 1, not 0"),
        ({"max_concurrency": True}, "max_concurrency must be a whole number of at least 1, not True"),
        ({"max_concurrency": 1.5}, "max_concurrency must be a whole number"),
        ({"retries": -1}, "retries must be a whole number of at least 0, not -1"),
        ({"resume": True, "overwrite": True}, "ask for one of them"),
    ],
)
def test_settings_that_cannot_be_meant(settings: dict[str, Any], reason: str, source: Path, out: Path) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        BatchJob(Echo(), source, out, **settings)


def test_stdout_cannot_be_resumed(source: Path) -> None:
    with pytest.raises(ConfigurationError, match="stdout"):
        BatchJob(Echo(), source, "-", resume=True)


async def test_unreadable_input_makes_no_output(source: Path, out: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        await BatchJob(Echo(), source, out).run()
    assert not out.exists()


async def test_full_disk_stops_the_job_with_a_clean_file(
    source: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(source, prompts(100))
    write_to = os.write
    written = 0

    def full(fd: int, line: bytes) -> int:
        nonlocal written
        written += 1
        if written <= 10:
            return write_to(fd, line)
        if written == 11:
            return write_to(fd, line[:20])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr("chatcore.jobs._journal.os.write", full)
        with pytest.raises(OSError, match="No space left on device"):
            await BatchJob(Echo(), source, out, max_concurrency=10).run()
    assert len(read(out)) == 10
    report = await BatchJob(Echo(), source, out, resume=True).run()
    assert report.kept == 10
    assert sorted(result["line"] for result in read(out)) == list(range(1, 101))


# --------------------------------------------------------------------------------------------------------------- memory


async def test_memory_does_not_grow_with_the_lines(source: Path, out: Path) -> None:
    class Quick(BaseChatModel):
        @property
        def _llm_type(self) -> str:
            return "quick"

        async def _agenerate(self, messages: list[Any], *given: Any, **kwargs: Any) -> ChatResult:
            return ChatResult(generations=[ChatGeneration(message=AIMessage(content="x" * 500))])

    async def peak(lines: int) -> int:
        write(source, prompts(lines))
        tracemalloc.start()
        await BatchJob(Quick(), source, out, overwrite=True, max_concurrency=20, stream=False).run()
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    await peak(200)
    small, large = await peak(500), await peak(5000)
    # One block of the input is 256 KiB, which the small one does not fill.
    assert large - small < 2**20


async def test_requests_are_not_kept(source: Path, out: Path) -> None:
    """Each line is asked as it was written, whoever answers it."""
    write(source, [{"id": n, "input": [["human", f"{n}"]]} for n in range(30)])

    def reply(request: SimulatedRequest) -> Reply:
        return Reply(text=request.body["messages"][0]["content"])

    async with Simulator(script=reply) as simulator:
        await BatchJob(model_at(simulator), source, out).run()
    assert {result["id"]: result["output"] for result in read(out)} == {n: f"{n}" for n in range(30)}
