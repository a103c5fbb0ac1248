"""`as_langchain` under LangChain's own conformance suite: its unit tests, and its integration tests with the simulator.

What is skipped there, and why:

    test_serdes                     what is wrapped is a live object with connections; it is not `Serializable`
    test_stream_time                needs recorded cassettes; the simulator needs none
    test_image_tool_message, test_pdf_tool_message
                                    chat completions have text alone in tool messages; the simulator is lax there
    usage of cache_creation_input   OpenAI tells of no such tokens
"""

from __future__ import annotations

import functools
import json
import operator
import re
import zlib
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_tests.integration_tests import ChatModelIntegrationTests
from langchain_tests.unit_tests import ChatModelUnitTests

from chatcore import ChatOpenAI
from chatcore.interop.langchain import as_langchain
from chatcore.testing import Reply, SimulatedRequest, Simulator, ThreadedSimulator

WRAPPED: Any = type(as_langchain(ChatOpenAI(model="any", api_key="test")))


class Made(WRAPPED):
    """The class that the suite asks for: it gives what `as_langchain` makes of a model with these arguments."""

    def __new__(cls, **given: Any) -> BaseChatModel:
        return as_langchain(ChatOpenAI(**given))


class TestUnit(ChatModelUnitTests):
    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return Made

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": "any", "api_key": "test"}

    @property
    def init_from_env_params(self) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
        return {"OPENAI_API_KEY": "test"}, {"model": "any"}, {"name": "ChatOpenAI"}


USAGE = {
    "Listen.": {"prompt_tokens_details": {"audio_tokens": 5}},
    "Speak.": {"completion_tokens_details": {"audio_tokens": 5}},
    "Think.": {"completion_tokens_details": {"reasoning_tokens": 5}},
    "Remember.": {"prompt_tokens_details": {"cached_tokens": 5}},
}
"""What is told of the tokens of a call, by its prompt."""


def script(request: SimulatedRequest) -> Reply | None:
    """What a model would do that reads its prompt; None: what the simulator makes of the tools and schemas."""
    body, prompt = request.body, request.prompt
    if prompt in USAGE:
        return Reply("Yes.", usage={"prompt_tokens": 9, "completion_tokens": 8, "total_tokens": 17, **USAGE[prompt]})
    tools = {tool["function"]["name"] for tool in body.get("tools") or ()}
    asked = re.search(r"magic_function\((\d+)\)", prompt)
    if asked and "magic_function" in tools:
        return Reply(tool_calls=[{"name": "magic_function", "args": {"input": int(asked[1])}}])
    named = re.search(r"customer named '(.+)' \(", prompt)
    if named and "unicode_customer" in tools:
        args = {"customer_name": named[1], "description": "a company"}
        return Reply(tool_calls=[{"name": "unicode_customer", "args": args}])
    if "get_weather" in tools and "weather" in prompt and body["messages"][-1]["role"] == "user":
        return Reply(tool_calls=[{"name": "get_weather", "args": {"location": "San Francisco, CA"}}])
    if (body.get("response_format") or {}).get("type") == "json_object":
        return Reply(json.dumps({"setup": "Why do cats purr?", "punchline": "They are idling."}))
    return None


def _png() -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4)

    header = (1).to_bytes(4) + (1).to_bytes(4) + bytes((8, 0, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(b"\0\0"))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + pixels + chunk(b"IEND", b"")


@pytest.mark.anyio
class TestIntegration(ChatModelIntegrationTests):
    # LangChain runs on asyncio alone.
    @pytest.fixture
    def anyio_backend(self) -> str:
        return "asyncio"

    @pytest.fixture(autouse=True)
    def sim(self) -> Iterator[ThreadedSimulator]:
        with Simulator.in_thread(script=script) as sim:
            self.base_url = sim.base_url
            yield sim

    @pytest.fixture(autouse=True)
    def no_downloads(self, monkeypatch: pytest.MonkeyPatch) -> None:
        # The suite downloads its pictures and sounds; any bytes will do.
        monkeypatch.setattr(httpx, "get", lambda url, **_: SimpleNamespace(content=_png()))
        monkeypatch.setenv("LANGCHAIN_TESTS_USER_AGENT", "chatcore")

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return Made

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": "any", "api_key": "test", "base_url": self.base_url}

    @property
    def model_override_value(self) -> str:
        return "another"

    supports_json_mode = True
    supports_image_inputs = True
    supports_image_urls = True
    supports_pdf_inputs = True
    supports_audio_inputs = True
    supports_anthropic_inputs = True

    @property
    def supported_usage_metadata_details(self) -> Any:
        details = ["audio_input", "audio_output", "reasoning_output", "cache_read_input"]
        return {"invoke": details, "stream": details}

    def _invoke(self, prompt: str, stream: bool) -> AIMessage:
        model = self.chat_model_class(**self.chat_model_params)
        return functools.reduce(operator.add, model.stream(prompt)) if stream else model.invoke(prompt)

    def invoke_with_audio_input(self, *, stream: bool = False) -> AIMessage:
        return self._invoke("Listen.", stream)

    def invoke_with_audio_output(self, *, stream: bool = False) -> AIMessage:
        return self._invoke("Speak.", stream)

    def invoke_with_reasoning_output(self, *, stream: bool = False) -> AIMessage:
        return self._invoke("Think.", stream)

    def invoke_with_cache_read_input(self, *, stream: bool = False) -> AIMessage:
        return self._invoke("Remember.", stream)
