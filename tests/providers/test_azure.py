"""`AzureChatOpenAI` over real sockets: where its requests go, whose they are, what Azure's filter says."""

from __future__ import annotations

import copy
import pickle
import threading
from typing import Any

import pytest
from pydantic import SecretStr

from chatcore import dumps, loads
from chatcore.errors import ConfigurationError, ContentFilteredError, MissingKeyError, NotFoundError, RateLimited
from chatcore.messages import AIMessage, AIMessageChunk, HumanMessage
from chatcore.providers.azure import AzureChatOpenAI
from tests.http.conftest import Request, Server
from tests.providers.loopback import Answer, json_of, provider

KEY = "0123456789abcdef0123456789abcdef"
TOKEN = "eyJhbGciOiJub25lIn0.eyJhdWQiOiJhIn0.c2lnbmVk"
DATED = "2025-04-01-preview"
SAFE = {"hate": {"filtered": False, "severity": "safe"}}
PROMPT = [{"prompt_index": 0, "content_filter_results": SAFE}]
SAID = {
    "id": "chatcmpl-1",
    "model": "gpt-5-mini-2025-08-07",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Hi"},
            "finish_reason": "stop",
            "content_filter_results": SAFE,
        }
    ],
    "prompt_filter_results": PROMPT,
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}
STREAMED = (
    b'data: {"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":'
    b'[{"prompt_index":0,"content_filter_results":{"hate":{"filtered":false,"severity":"safe"}}}]}\n\n'
    b'data: {"id":"chatcmpl-1","model":"gpt-5-mini","choices":[{"index":0,"delta":{"content":"Hi"},'
    b'"content_filter_results":{"hate":{"filtered":false,"severity":"safe"}},"finish_reason":"stop"}]}\n\n'
    b"data: [DONE]\n\n"
)


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        *("AZURE_OPENAI_API_KEY", "AZURE_OPENAI_AD_TOKEN", "AZURE_OPENAI_ENDPOINT", "OPENAI_API_VERSION"),
        *("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_ORG_ID", "CHATCORE_BASE_URL", "CHATCORE_AZURE_OPENAI_BASE_URL"),
        *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"),
    ):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


async def asked(settings: dict[str, Any], *answers: Answer, **call: Any) -> tuple[Request, Any]:
    """The request that a call makes, and its answer. `{}` in the settings stands for the server's address."""
    async with provider(*(answers or (Answer(SAID),))) as server:
        answer = await of(server, **settings).ainvoke("?", **call)
    return server.requests[-1], answer


def of(server: Server, **settings: Any) -> AzureChatOpenAI:
    placed = {name: value.format(server.url) if isinstance(value, str) else value for name, value in settings.items()}
    return AzureChatOpenAI(**{"api_key": KEY, "max_retries": 0, **placed})


# -------------------------------------------------------------------------------------------------- where requests go


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("settings", "target", "model"),
    [
        (
            {"azure_endpoint": "{}", "azure_deployment": "mine", "api_version": DATED},
            f"/openai/deployments/mine/chat/completions?api-version={DATED}",
            "mine",
        ),
        (
            {"azure_endpoint": "{}/", "deployment_name": "mine", "openai_api_version": DATED, "model": "gpt-5-mini"},
            f"/openai/deployments/mine/chat/completions?api-version={DATED}",
            "mine",
        ),
        (
            {"azure_endpoint": "{}", "model": "my gpt/5", "api_version": DATED},
            f"/openai/deployments/my%20gpt%2F5/chat/completions?api-version={DATED}",
            "my gpt/5",
        ),
        ({"azure_endpoint": "{}", "azure_deployment": "mine"}, "/openai/v1/chat/completions", "mine"),
        (
            {"azure_endpoint": "{}", "azure_deployment": "mine", "model": "gpt-5-mini", "api_version": "v1"},
            "/openai/v1/chat/completions",
            "mine",
        ),
        (
            {"azure_endpoint": "{}", "model": "mine", "api_version": "preview"},
            "/openai/v1/chat/completions?api-version=preview",
            "mine",
        ),
        ({"base_url": "{}/openai/v1", "model": "mine"}, "/openai/v1/chat/completions", "mine"),
        ({"base_url": "{}/openai/v1/", "model": "mine", "api_version": DATED}, "/openai/v1/chat/completions", "mine"),
        ({"azure_endpoint": "{}/openai/v1/", "model": "mine"}, "/openai/v1/chat/completions", "mine"),
        (
            {"base_url": "{}/openai/deployments/mine", "api_version": DATED},
            f"/openai/deployments/mine/chat/completions?api-version={DATED}",
            "mine",
        ),
        (
            {"base_url": "{}/openai", "model": "mine", "api_version": DATED},
            f"/openai/deployments/mine/chat/completions?api-version={DATED}",
            "mine",
        ),
        (
            {"base_url": "{}/gateway", "model": "mine", "api_version": DATED, "validate_base_url": False},
            f"/gateway/chat/completions?api-version={DATED}",
            "mine",
        ),
    ],
    ids=str,
)
async def test_the_address_of_each_kind_of_endpoint(settings: dict[str, Any], target: str, model: str) -> None:
    request, answer = await asked(settings)
    assert request.line == f"POST {target} HTTP/1.1"
    assert json_of(request)["model"] == model
    assert answer.content == "Hi"
    assert request.headers["api-key"] == KEY
    assert "authorization" not in request.headers


@pytest.mark.anyio
async def test_a_call_may_name_another_deployment_and_another_version() -> None:
    settings = {"azure_endpoint": "{}", "azure_deployment": "mine", "api_version": DATED}
    request, _ = await asked(settings, model="other", extra_query={"api-version": "2024-02-01"})
    assert request.line == "POST /openai/deployments/other/chat/completions?api-version=2024-02-01 HTTP/1.1"


@pytest.mark.parametrize(
    "base_url", ["https://a.test/openai", "https://a.test/openai/deployments/mine", "https://a.test/openai/v1"]
)
def test_responses_have_no_deployment_in_their_path(base_url: str) -> None:
    model = AzureChatOpenAI(model="mine", base_url=base_url, api_version=DATED, api_key=KEY)
    assert model._url("/responses/r1/cancel", {}) == "https://a.test/openai/v1/responses/r1/cancel"


RESPONSE = {
    "id": "resp_1",
    "object": "response",
    "status": "completed",
    "model": "gpt-5-mini-2025-08-07",
    "output": [
        {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "Hi", "annotations": []}],
        }
    ],
    "content_filters": [{"blocked": False, "source_type": "prompt", "content_filter_results": SAFE}],
}


@pytest.mark.anyio
@pytest.mark.parametrize(
    "settings",
    [
        {"azure_endpoint": "{}", "azure_deployment": "mine", "api_version": DATED, "use_responses_api": True},
        {"azure_endpoint": "{}", "azure_deployment": "mine", "use_responses_api": True},
        {"base_url": "{}/openai/deployments/mine", "api_version": DATED, "use_responses_api": True},
        {"base_url": "{}/openai/v1", "model": "mine", "use_responses_api": True},
        {"azure_endpoint": "{}", "azure_deployment": "mine", "model": "gpt-5-pro", "api_version": DATED},
        {"azure_endpoint": "{}", "azure_deployment": "mine", "reasoning": {"effort": "low"}},
    ],
    ids=str,
)
async def test_calls_of_the_responses_api(settings: dict[str, Any]) -> None:
    request, answer = await asked(settings, Answer(RESPONSE))
    assert request.line == "POST /openai/v1/responses HTTP/1.1"
    assert json_of(request)["model"] == "mine"
    assert answer.text == "Hi"
    assert answer.response_metadata["model_provider"] == "openai"
    assert answer.response_metadata["content_filters"] == RESPONSE["content_filters"]


@pytest.mark.anyio
async def test_an_answer_made_in_the_background_is_asked_for_at_the_same_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatcore.providers._responses_background._FIRST_WAIT", 0.0)
    queued = {**RESPONSE, "status": "queued", "output": []}
    settings = {"azure_endpoint": "{}", "azure_deployment": "mine", "api_version": DATED}
    request, answer = await asked(settings, Answer(queued), Answer(RESPONSE), background=True)
    assert request.line == "GET /openai/v1/responses/resp_1 HTTP/1.1"
    assert request.headers["api-key"] == KEY
    assert answer.text == "Hi"


@pytest.mark.anyio
async def test_everything_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_API_VERSION", DATED)
    async with provider(Answer(SAID)) as server:
        monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", server.url)
        model = AzureChatOpenAI(azure_deployment="mine")
        await model.ainvoke("?")
    assert server.requests[0].line.startswith(f"POST /openai/deployments/mine/chat/completions?api-version={DATED} ")
    assert server.requests[0].headers["api-key"] == KEY
    assert (model.openai_api_version, model.deployment_name, model.model) == (DATED, "mine", "mine")


def test_another_address_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATCORE_AZURE_OPENAI_BASE_URL", "http://proxy/openai/v1")
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", "https://a.openai.azure.com")
    assert AzureChatOpenAI(model="m", api_key=KEY).base_url == "http://proxy/openai/v1"


# ----------------------------------------------------------------------------------------------------------- whose


async def later(token: str) -> str:
    return token


@pytest.mark.anyio
@pytest.mark.parametrize(
    "settings",
    [
        {"azure_ad_token": TOKEN},
        {"azure_ad_token": SecretStr(TOKEN)},
        {"azure_ad_token_provider": lambda: TOKEN},
        {"azure_ad_token_provider": lambda: SecretStr(TOKEN)},
        {"azure_ad_token_provider": lambda: later(TOKEN)},
        {"azure_ad_async_token_provider": lambda: later(TOKEN), "azure_ad_token_provider": lambda: "another"},
        {"api_key": lambda: TOKEN},
        {"api_key": TOKEN},
    ],
    ids=["text", "secret", "sync", "sync secret", "async", "both", "as a key's function", "as a key"],
)
async def test_tokens_take_the_place_of_the_key(monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any]) -> None:
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", KEY)
    request, _ = await asked({"azure_endpoint": "{}", "model": "m", "api_key": None, **settings})
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    assert "api-key" not in request.headers


@pytest.mark.anyio
async def test_a_token_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_OPENAI_AD_TOKEN", TOKEN)
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", KEY)
    request, _ = await asked({"azure_endpoint": "{}", "model": "m", "api_key": None})
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    request, _ = await asked({"azure_endpoint": "{}", "model": "m", "api_key": "given"})
    assert request.headers["api-key"] == "given"


@pytest.mark.anyio
async def test_a_token_is_asked_for_at_every_request_and_beside_the_loop() -> None:
    threads: list[str] = []

    def give() -> str:
        threads.append(threading.current_thread().name)
        return f"token-{len(threads)}"

    async with provider(Answer(SAID), Answer(SAID)) as server:
        model = of(server, azure_endpoint="{}", model="m", api_key=None, azure_ad_token_provider=give)
        await model.ainvoke("?")
        await model.ainvoke("?")
    assert [request.headers["authorization"] for request in server.requests] == ["Bearer token-1", "Bearer token-2"]
    assert threading.current_thread().name not in threads


@pytest.mark.anyio
@pytest.mark.parametrize("given", [None, "", " ", 1], ids=repr)
async def test_a_function_that_gives_no_token(given: Any) -> None:
    model = AzureChatOpenAI(azure_endpoint="http://127.0.0.1:1", model="m", azure_ad_token_provider=lambda: given)
    with pytest.raises(MissingKeyError, match="azure_ad_token_provider"):
        await model.ainvoke("?")


def test_no_key_and_no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "of-another-host")
    with pytest.raises(MissingKeyError, match="AZURE_OPENAI_API_KEY or AZURE_OPENAI_AD_TOKEN"):
        AzureChatOpenAI(azure_endpoint="https://a.openai.azure.com", model="m")


def test_nothing_secret_is_shown_or_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    settings: dict[str, Any] = {"azure_endpoint": "https://a.openai.azure.com", "model": "m"}
    for secret, given in ((TOKEN, {"azure_ad_token": TOKEN}), (KEY, {"api_key": KEY})):
        model = AzureChatOpenAI(**settings, **given)
        shown = f"{model!r} {model.model_dump()} {dumps(model)} {pickle.dumps(model)!r}"
        assert secret not in shown
        assert secret[5:20] not in shown
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", KEY)
    again = pickle.loads(pickle.dumps(AzureChatOpenAI(**settings)))  # noqa: S301 - our own bytes
    assert again._plain_key() == KEY
    give = lambda: TOKEN  # noqa: E731 - a name for it
    assert copy.deepcopy(AzureChatOpenAI(**settings, azure_ad_token_provider=give)).azure_ad_token_provider is give


# ------------------------------------------------------------------------------------------------------------ answers


@pytest.mark.anyio
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
async def test_what_the_filter_found_is_kept(stream: bool) -> None:
    settings = {"azure_endpoint": "{}", "model": "m"}
    answer = Answer([STREAMED], headers={"content-type": "text/event-stream"}) if stream else Answer(SAID)
    _, message = await asked(settings, answer, stream=stream)
    assert isinstance(message, AIMessage)
    assert message.content == "Hi"
    said = message.response_metadata
    assert (said["prompt_filter_results"], said["content_filter_results"]) == (PROMPT, SAFE)
    assert said["model_provider"] == "openai"


@pytest.mark.anyio
async def test_a_streamed_call() -> None:
    async with provider(Answer([STREAMED[:100], STREAMED[100:]])) as server:
        chunks = [chunk async for chunk in of(server, azure_endpoint="{}", model="m").astream("?")]
    assert "".join(chunk.text for chunk in chunks) == "Hi"
    assert isinstance(chunks[-1], AIMessageChunk)
    assert json_of(server.requests[0])["stream_options"] == {"include_usage": True}


@pytest.mark.anyio
async def test_the_models_version_is_told() -> None:
    async with provider(Answer(SAID)) as server:
        model = of(server, azure_endpoint="{}", model="m", model_version="0613")
        result = await model._agenerate([HumanMessage("?")])
    assert result.llm_output is not None
    assert result.llm_output["model_name"] == "gpt-5-mini-2025-08-07-0613"


@pytest.mark.anyio
async def test_a_prompt_that_the_filter_refuses() -> None:
    refusal = {
        "error": {
            "message": "The response was filtered due to the prompt triggering Azure OpenAI's content policy.",
            "type": None,
            "param": "prompt",
            "code": "content_filter",
            "status": 400,
            "innererror": {
                "code": "ResponsibleAIPolicyViolation",
                "content_filter_result": {
                    "hate": {"filtered": True, "severity": "high"},
                    "jailbreak": {"filtered": True, "detected": True},
                    "violence": {"filtered": False, "severity": "safe"},
                },
            },
        }
    }
    with pytest.raises(ContentFilteredError, match=r"Filtered for: hate \(high\), jailbreak\.") as caught:
        await asked({"azure_endpoint": "{}", "model": "m"}, Answer(refusal, 400, {"apim-request-id": "r-1"}))
    error = caught.value
    assert (error.status, error.code, error.request_id, error.provider) == (
        400,
        "content_filter",
        "r-1",
        "azure_openai",
    )
    assert error.body == refusal


@pytest.mark.anyio
async def test_other_failures_have_their_class() -> None:
    settings = {"azure_endpoint": "{}", "model": "m"}
    missing = {"error": {"code": "DeploymentNotFound", "message": "The API deployment does not exist."}}
    with pytest.raises(NotFoundError, match="'m'"):
        await asked(settings, Answer(missing, 404))
    busy = {"error": {"code": "429", "message": "Rate limit is exceeded. Try again in 6 seconds."}}
    with pytest.raises(RateLimited) as caught:
        await asked(settings, Answer(busy, 429, {"retry-after-ms": "6000", "retry-after": "6"}))
    assert caught.value.retry_after == 6.0


# ----------------------------------------------------------------------------------------------------------- arguments


@pytest.mark.anyio
async def test_parameters_that_the_deployment_refuses_are_left_out() -> None:
    settings = {
        "azure_endpoint": "{}",
        "model": "m",
        "temperature": 1,
        "disabled_params": {"parallel_tool_calls": None, "temperature": [1], "top_p": 1, "seed": None},
    }
    request, _ = await asked(settings, parallel_tool_calls=False, top_p=0.5)
    body = json_of(request)
    assert "parallel_tool_calls" not in body
    assert "temperature" not in body
    assert body["top_p"] == 0.5


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "give azure_deployment"),
        ({"model": "m"}, "AZURE_OPENAI_ENDPOINT"),
        ({"model": "m", "azure_endpoint": "a.openai.azure.com"}, "azure_endpoint: .* has no scheme"),
        ({"model": "m", "base_url": "https://a.openai.azure.com"}, "give azure_endpoint="),
        ({"model": "m", "azure_endpoints": "x"}, "Did you mean 'azure_endpoint'"),
    ],
    ids=str,
)
def test_wrong_arguments_are_named(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        AzureChatOpenAI(**{"api_key": KEY, **settings})


def test_a_model_is_written_and_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", KEY)
    model = AzureChatOpenAI(
        azure_endpoint="https://a.openai.azure.com", azure_deployment="d", model="gpt-4o", api_version=DATED
    )
    again = loads(dumps(model), allowed_objects="all")
    assert isinstance(again, AzureChatOpenAI)
    assert (again.model, again.azure_deployment, again.base_url) == ("gpt-4o", "d", "https://a.openai.azure.com/openai")
    assert again.api_version == DATED
    assert model._llm_type == "azure-openai-chat"
    assert model.profile == again.profile
    assert model.profile is not None
