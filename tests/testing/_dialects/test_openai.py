from __future__ import annotations

import json

import pytest

from chatcore.testing._dialects._openai import duration, strict_schema
from chatcore.testing._dialects.openai_chat import OpenAIChat
from chatcore.testing._limits import Level, Verdict
from chatcore.testing._problem import Problem, RefusedError

OPENAI = OpenAIChat(None, prefix="/v1", refuse_stream_options=False)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (-1, "0s"),
        (0.0005, "1ms"),
        (0.017, "17ms"),
        (1, "1s"),
        (1.5, "1.5s"),
        (59.9999, "1m0s"),
        (360, "6m0s"),
        (3600, "1h0m0s"),
        (3661.25, "1h1m1.25s"),
    ],
)
def test_durations_are_written_as_openai_writes_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "lines"),
    [
        (None, b""),
        (0.25, b"retry-after: 1\r\nretry-after-ms: 250\r\n"),
        (2, b"retry-after: 2\r\nretry-after-ms: 2000\r\n"),
    ],
    ids=str,
)
def test_retry_after(seconds: float | None, lines: bytes) -> None:
    assert OPENAI.retry_lines(seconds) == lines


def test_limits_are_told_in_headers() -> None:
    lines = OPENAI.limit_lines([Level("requests", 60, 59, 1.0), Level("tokens", 6000, 5900, 0.5)])
    assert dict(line.split(": ", 1) for line in lines.decode().splitlines()) == {
        "x-ratelimit-limit-requests": "60",
        "x-ratelimit-remaining-requests": "59",
        "x-ratelimit-reset-requests": "1s",
        "x-ratelimit-limit-tokens": "6000",
        "x-ratelimit-remaining-tokens": "5900",
        "x-ratelimit-reset-tokens": "500ms",
    }
    assert OPENAI.limit_lines([]) == b""


def test_who_is_limited_is_told_why() -> None:
    soon = OPENAI.limited(Verdict("requests", 3, 3, 3, 1, 20.0), "gpt")
    assert "gpt on requests per min (RPM): Limit 3, Used 3, Requested 1. Please try again in 20s." in str(soon.message)
    assert (soon.retry_after, soon.kind, soon.code) == (20.0, "requests", "rate_limit_exceeded")
    never = OPENAI.limited(Verdict("tokens", 60, 60, 0, 61, None), "gpt")
    assert "Request too large for gpt on tokens per min (TPM): Limit 60, Requested 61." in str(never.message)


def test_what_a_problem_does_not_say_openai_says() -> None:
    def error(problem: Problem) -> dict[str, str]:
        return json.loads(OPENAI.error(problem, ""))["error"]

    assert error(Problem(401))["code"] == "invalid_api_key"
    assert error(Problem(401, kind="mine"))["code"] is None
    assert error(Problem(599))["type"] == "server_error"
    assert error(Problem(418, "teapot", code="tea")) == {
        "message": "teapot",
        "type": "invalid_request_error",
        "param": None,
        "code": "tea",
    }


LEAF = {"type": "string"}


@pytest.mark.parametrize(
    ("schema", "where", "why"),
    [
        ({"type": "object", "properties": {}}, "()", "'additionalProperties'"),
        (
            {"type": "object", "properties": {"a": LEAF, "b": LEAF}, "required": ["a"], "additionalProperties": False},
            "()",
            "Missing 'b'",
        ),
        (
            {
                "type": "object",
                "properties": {"a": {"type": "array", "items": {"anyOf": [LEAF, {"type": "object"}]}}},
                "required": ["a"],
                "additionalProperties": False,
            },
            "('properties', 'a', 'items', 'anyOf', '1')",
            "'additionalProperties'",
        ),
        ({"$defs": {"x": {"type": "object"}}, **LEAF}, "('$defs', 'x')", "'additionalProperties'"),
    ],
    ids=["open", "optional", "deep", "defs"],
)
def test_a_strict_schema_leaves_nothing_open(schema: object, where: str, why: str) -> None:
    with pytest.raises(RefusedError) as refused:
        strict_schema(schema, "function 'f'", "tools[0]", "bad")
    assert f"In context={where}, " in str(refused.value)
    assert why in str(refused.value)
    assert refused.value.problem.code == "bad"


def test_a_closed_schema_is_strict() -> None:
    closed = {"type": "object", "properties": {"a": LEAF}, "required": ["a"], "additionalProperties": False}
    strict_schema(closed, "f", "p", "c")
    strict_schema(None, "f", "p", "c")
