from __future__ import annotations

from typing import Any

import pytest

from chatcore.errors import ConfigurationError
from chatcore.testing import Fault, Reply, SimulatedRequest, echo
from chatcore.testing._asked import Asked
from chatcore.testing._script import check_outcome, scripting


def request(*contents: Any) -> SimulatedRequest:
    messages = [{"role": "user", "content": content} for content in contents]
    return SimulatedRequest(1, "req_1", "POST", "/", {}, 1, 0.0, asked=Asked(messages=messages))


@pytest.mark.parametrize("one", [Reply("x"), Fault.reset(), "x", None])
def test_one_outcome_is_for_every_request(one: Any) -> None:
    script = scripting(one)
    assert [script(request()), script(request())] == [one, one]


def test_a_sequence_is_served_in_order_and_then_the_default() -> None:
    script = scripting(["a", None, "b"])
    assert [script(request()) for _ in range(5)] == ["a", None, "b", None, None]


def test_a_function_is_asked() -> None:
    assert scripting(lambda request: request.prompt.upper())(request("hi")) == "HI"


@pytest.mark.parametrize("script", [5, [5], {"a": 1}.items(), b"x"], ids=str)
def test_what_is_no_script_is_refused(script: Any) -> None:
    with pytest.raises(ConfigurationError, match="script is a Reply"):
        scripting(script)


def test_what_a_function_may_not_give() -> None:
    check_outcome("text")
    with pytest.raises(TypeError, match="this one gave 5"):
        check_outcome(5)


@pytest.mark.parametrize(
    ("contents", "said"),
    [
        (["one", "two"], "two"),
        ([[{"type": "text", "text": "a"}, {"type": "image_url"}, {"type": "text", "text": "b"}]], "ab"),
        ([None], ""),
        ([], ""),
    ],
    ids=str,
)
def test_echo_says_what_the_user_said_last(contents: list[Any], said: str) -> None:
    assert echo(request(*contents)).text == said
