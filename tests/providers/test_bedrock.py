"""`ChatBedrockConverse` over real sockets on both backends: requests that are signed, streams, errors, secrets."""

from __future__ import annotations

import copy
import json
import pickle
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import anyio
import anyio.lowlevel
import httpx
import httpx2
import pytest
from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from pydantic import BaseModel

from chatcore import dumps, loads
from chatcore.errors import (
    ConfigurationError,
    ConnectionFailedError,
    InvalidInputError,
    MissingKeyError,
    ProviderError,
    RateLimited,
    ServerError,
    StreamInterrupted,
)
from chatcore.messages import AIMessage, HumanMessage, ToolMessage
from chatcore.providers._bedrock_converse_request import encode_messages
from chatcore.providers.bedrock import AWSCredentials, ChatBedrockConverse
from tests.http.conftest import Request
from tests.http.event_streams import event, exception
from tests.providers.bedrock_wire import answer, streamed
from tests.providers.loopback import Answer, json_of, provider

MODEL = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
ARN = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2"
ACCESS, SECRET, TOKEN = "ASIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "IQoJb3JpZ2luX2VjEXAMPLE=="
BEARER = "ABSK0123456789abcdef0123456789"
EVENT_STREAM = {"content-type": "application/vnd.amazon.eventstream"}
TEXT = {"text": "Hello, world!"}
CALL = {"toolUse": {"toolUseId": "tooluse_1", "name": "Weather", "input": {"city": "Bern"}}}


class Weather(BaseModel):
    """The weather of a city."""

    city: str


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in (
        *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_REGION"),
        *("AWS_DEFAULT_REGION", "AWS_BEARER_TOKEN_BEDROCK", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_BEDROCK_RUNTIME"),
        *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"),
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))


def model_at(url: str, **arguments: Any) -> ChatBedrockConverse:
    signing = {"aws_access_key_id": ACCESS, "aws_secret_access_key": SECRET, "aws_session_token": TOKEN}
    arguments = {"model": MODEL, "region_name": "eu-central-1", "max_retries": 0, **signing, **arguments}
    return ChatBedrockConverse(base_url=url, **arguments)


def signature_of_botocore(request: Request, url: str, region: str = "eu-central-1") -> str:
    """What botocore would sign this request with, at the moment that it names."""
    method, target, _ = request.line.split(" ")
    moment = datetime.strptime(request.headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    names = request.headers["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    added = ("x-amz-date", "x-amz-security-token", "host")
    headers = {name: request.headers[name] for name in names if name not in added}
    theirs = AWSRequest(method, url + target, headers, request.body)
    signer = auth.SigV4Auth(Credentials(ACCESS, SECRET, TOKEN), "bedrock", region)
    with patch.object(auth, "get_current_datetime", lambda *_, **__: moment.replace(tzinfo=None)):
        signer.add_auth(theirs)
    return str(theirs.headers["authorization"])


# ------------------------------------------------------------------------------------------------------- whole answers


@pytest.mark.anyio
@pytest.mark.parametrize("client", [None, httpx.AsyncClient, httpx2.AsyncClient], ids=["own", "httpx", "httpx2"])
async def test_a_plain_and_a_streamed_answer_are_signed_for_each_client(client: Any) -> None:
    replies = (
        Answer(answer(TEXT), headers={"x-amzn-requestid": "r-1"}),
        Answer([streamed(answer(TEXT))], headers={**EVENT_STREAM, "x-amzn-requestid": "r-2"}),
    )
    async with provider(*replies) as server:
        model = model_at(server.url, http_client=client and (lambda: client(trust_env=False)), max_tokens=9)
        plain = await model.ainvoke("Hi")
        chunks = [chunk async for chunk in model.astream("Hi")]
        assert server.accepted == 1
        for request, verb in zip(server.requests, ("converse", "converse-stream"), strict=True):
            assert request.line == f"POST /model/{MODEL.replace(':', '%3A')}/{verb} HTTP/1.1"
            assert request.headers["authorization"] == signature_of_botocore(request, server.url)
            assert request.headers["x-amz-security-token"] == TOKEN
            assert json_of(request) == {
                "messages": [{"role": "user", "content": [{"text": "Hi"}]}],
                "inferenceConfig": {"maxTokens": 9},
            }
        assert server.requests[1].headers["accept"] == "application/vnd.amazon.eventstream"
    assert plain.content == "Hello, world!"
    assert plain.response_metadata["request_id"] == "r-1"
    assert plain.response_metadata["model_provider"] == "bedrock_converse"
    assert plain.response_metadata["model_name"] == MODEL
    assert plain.usage_metadata == {"input_tokens": 9, "output_tokens": 4, "total_tokens": 13}
    assert [chunk.content for chunk in chunks] == ["Hello,", " world!", ""]
    assert chunks[-1].chunk_position == "last"
    assert chunks[-1].response_metadata["request_id"] == "r-2"
    assert chunks[-1].usage_metadata == plain.usage_metadata


@pytest.mark.anyio
async def test_an_arn_is_one_segment_of_the_path() -> None:
    async with provider(Answer(answer(TEXT))) as server:
        await model_at(server.url, model=ARN, region_name=None, provider="anthropic").ainvoke("Hi")
        (request,) = server.requests
        assert request.line.split(" ")[1] == (
            "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Aapplication-inference-profile%2Fa1b2/converse"
        )
        assert request.headers["authorization"] == signature_of_botocore(request, server.url, "us-east-1")


@pytest.mark.anyio
async def test_calls_of_tools_and_back_again() -> None:
    reply = Answer([streamed(answer(TEXT, CALL, stop="tool_use"))], headers=EVENT_STREAM)
    async with provider(reply, Answer(answer(TEXT))) as server:
        model = model_at(server.url).bind_tools([Weather], tool_choice="any")
        chunks = [chunk async for chunk in model.astream("Weather?")]
        message = chunks[0]
        for chunk in chunks[1:]:
            message += chunk
        assert message.tool_calls == [
            {"name": "Weather", "args": {"city": "Bern"}, "id": "tooluse_1", "type": "tool_call"}
        ]
        # A request that offers tools is answered in blocks from the start on.
        assert [block["type"] for block in message.content] == ["text", "tool_use"]
        await model.ainvoke([HumanMessage("Weather?"), message, ToolMessage("Rain", tool_call_id="tooluse_1")])
        bodies = [json_of(request) for request in server.requests]
    spec = bodies[0]["toolConfig"]["tools"][0]["toolSpec"]
    assert (spec["name"], spec["description"]) == ("Weather", "The weather of a city.")
    assert bodies[0]["toolConfig"]["toolChoice"] == {"any": {}}
    result = {"toolResult": {"toolUseId": "tooluse_1", "content": [{"text": "Rain"}], "status": "success"}}
    assert bodies[1]["messages"][1:] == [
        {"role": "assistant", "content": [TEXT, CALL]},
        {"role": "user", "content": [result]},
    ]


@pytest.mark.anyio
@pytest.mark.parametrize("version", ["v0", "v1"])
async def test_the_blocks_of_a_stream_are_those_of_the_answer(version: str) -> None:
    thought = {"reasoningContent": {"reasoningText": {"text": "Hmm.", "signature": "s"}}}
    reply = Answer([streamed(answer(thought, TEXT, CALL, stop="tool_use"))], headers=EVENT_STREAM)
    async with provider(reply) as server:
        model = model_at(server.url, output_version=version).bind_tools([Weather])
        chunks = [chunk async for chunk in model.astream("Weather?")]
    kinds = {block["type"] for chunk in chunks for block in chunk.content_blocks}
    assert kinds == {"reasoning", "text", "tool_call_chunk"}
    blocks = [
        {key: value for key, value in block.items() if key != "index"}
        for block in sum(chunks[1:], chunks[0]).content_blocks
    ]
    assert blocks == [
        {"type": "reasoning", "reasoning": "Hmm.", "extras": {"signature": "s"}},
        {"type": "text", "text": TEXT["text"]},
        {"type": "tool_call", "name": "Weather", "args": {"city": "Bern"}, "id": "tooluse_1"},
    ]


@pytest.mark.anyio
async def test_citations_of_a_document_stay_with_their_text() -> None:
    cited = {"citationsContent": {"content": [TEXT], "citations": [{"title": "t", "location": {"web": {"url": "u"}}}]}}
    document = {
        "document": {"format": "txt", "name": "n", "source": {"text": "x"}, "citations": {"enabled": True}},
    }
    async with provider(Answer([streamed(answer(cited))], headers=EVENT_STREAM)) as server:
        message = await model_at(server.url, streaming=True).ainvoke([HumanMessage([document])])
    assert isinstance(message, AIMessage)
    assert encode_messages([message], family="anthropic")[0][0]["content"] == [cited]


@pytest.mark.anyio
@pytest.mark.parametrize("method", ["function_calling", "json_schema"])
async def test_structured_output(method: Any) -> None:
    reply = answer(CALL) if method == "function_calling" else answer({"text": '{"city": "Bern"}'})
    async with provider(Answer(reply)) as server:
        found = await model_at(server.url).with_structured_output(Weather, method=method).ainvoke("Where?")
        body = json_of(server.requests[0])
    assert found == Weather(city="Bern")
    if method == "function_calling":
        assert body["toolConfig"]["toolChoice"] in ({"tool": {"name": "Weather"}}, {"any": {}})
    else:
        schema = json.loads(body["outputConfig"]["textFormat"]["structure"]["jsonSchema"]["schema"])
        assert schema["additionalProperties"] is False


@pytest.mark.anyio
async def test_what_the_model_says_of_every_call_and_a_call_of_itself() -> None:
    async with provider(Answer(answer(TEXT))) as server:
        model = model_at(
            server.url,
            system="Be brief.",
            temperature=0.5,
            guardrail_config={"guardrailIdentifier": "g", "guardrailVersion": "1", "streamProcessingMode": "async"},
            performance_config={"latency": "optimized"},
            additional_model_request_fields={"top_k": 3},
            supports_tool_choice_values=("auto",),
            extra_body={"requestMetadata": {"a": "b"}},
        )
        await model.bind_tools([Weather], tool_choice="any").ainvoke("Hi", stop=["END"], temperature=0.1)
        body = json_of(server.requests[0])
    assert body["system"] == [{"text": "Be brief."}]
    assert body["inferenceConfig"] == {"temperature": 0.1, "stopSequences": ["END"]}
    # Only of streams, and not taken by this model.
    assert body["guardrailConfig"] == {"guardrailIdentifier": "g", "guardrailVersion": "1"}
    assert "toolChoice" not in body["toolConfig"]
    assert body["additionalModelRequestFields"] == {"top_k": 3}
    assert body["requestMetadata"] == {"a": "b"}


@pytest.mark.parametrize(
    ("model", "arguments", "choices"),
    [
        (MODEL, {}, [{"any": {}}, {"tool": {"name": "Weather"}}]),
        (MODEL, {"additional_model_request_fields": {"thinking": {"type": "enabled", "budget_tokens": 9}}}, [None] * 2),
        ("amazon.nova-pro-v1:0", {}, [{"any": {}}, {"tool": {"name": "Weather"}}]),
        ("mistral.mistral-large-2407-v1:0", {}, [{"any": {}}, None]),
        ("us.meta.llama4-scout-17b-instruct-v1:0", {}, [None, None]),
        ("us.deepseek.r1-v1:0", {}, [None, None]),
        (ARN, {"base_model_id": "meta.llama3-1-70b-instruct-v1:0"}, [None, None]),
        (ARN, {}, [{"any": {}}, {"tool": {"name": "Weather"}}]),
        ("us.deepseek.r1-v1:0", {"supports_tool_choice_values": ("any",)}, [{"any": {}}, None]),
    ],
)
@pytest.mark.anyio
async def test_a_choice_of_tools_that_the_model_refuses_is_left_out(model: str, arguments: Any, choices: Any) -> None:
    async with provider(Answer(answer(TEXT)), Answer(answer(TEXT))) as server:
        asked = model_at(server.url, model=model, **arguments)
        for choice in ("any", "Weather"):
            await asked.bind_tools([Weather], tool_choice=choice).ainvoke("Hi")
        configs = [json_of(request)["toolConfig"] for request in server.requests]
    assert [config.get("toolChoice") for config in configs] == choices
    assert all(config["tools"] for config in configs)


# --------------------------------------------------------------------------------------------------------------- errors


@pytest.mark.anyio
async def test_errors_before_and_within_the_answer() -> None:
    broken = event("contentBlockDelta", {"delta": {"text": "Hel"}}) + exception(
        "throttlingException", {"message": "Slow"}
    )
    replies = (
        Answer({"message": "Too many tokens"}, 429, {"x-amzn-errortype": "ThrottlingException"}),
        Answer([exception("modelStreamErrorException", {"message": "Oh"})], headers=EVENT_STREAM),
        Answer([broken], headers=EVENT_STREAM),
        Answer([streamed(answer(TEXT))[:-150]], headers=EVENT_STREAM, is_cut=True),
    )
    async with provider(*replies) as server:
        model = model_at(server.url)
        with pytest.raises(RateLimited, match="Too many tokens"):
            await model.ainvoke("Hi")
        with pytest.raises(ServerError, match="Oh"):
            [chunk async for chunk in model.astream("Hi")]
        with pytest.raises(StreamInterrupted) as caught:
            [chunk async for chunk in model.astream("Hi")]
        assert isinstance(caught.value.__cause__, RateLimited)
        assert caught.value.partial.text == "Hel"
        with pytest.raises((StreamInterrupted, ConnectionFailedError)):
            [chunk async for chunk in model.astream("Hi")]


@pytest.mark.anyio
async def test_an_overload_at_the_start_of_a_stream_is_tried_again() -> None:
    replies = (
        Answer([exception("serviceUnavailableException", {"message": "Busy"})], headers=EVENT_STREAM),
        Answer([streamed(answer(TEXT))], headers=EVENT_STREAM),
    )
    async with provider(*replies) as server:
        model = model_at(server.url).with_retry(stop_after_attempt=2, wait_exponential_jitter=False)
        assert "".join([chunk.text async for chunk in model.astream("Hi")]) == "Hello, world!"
        first, second = server.requests
        # Each attempt is signed by itself.
        assert "authorization" in second.headers
        assert first.body == second.body


@pytest.mark.anyio
@pytest.mark.parametrize("leave", ["break", "cancel"])
async def test_whoever_leaves_a_stream_closes_its_connection(leave: str) -> None:
    stream = streamed(answer({"text": "one two three four"}))
    reply = Answer([stream[: stream.index(b"contentBlockStop") - 40]], headers=EVENT_STREAM, hangs=True)
    async with provider(reply) as server:
        model = model_at(server.url)
        with anyio.CancelScope() as scope:
            async with model.astream("Hi") as chunks:
                async for _ in chunks:
                    if leave == "break":
                        break
                    scope.cancel()
                    await anyio.lowlevel.checkpoint()
        await server.until(lambda: server.open == 0)
        assert scope.cancelled_caught == (leave == "cancel")


# ----------------------------------------------------------------------------------------- credentials, region, address


@pytest.mark.anyio
async def test_a_key_of_bedrocks_own_and_functions() -> None:
    async def credentials() -> AWSCredentials:
        return AWSCredentials(ACCESS, SECRET, TOKEN)

    async with provider(*[Answer(answer(TEXT))] * 4) as server:
        bare = {"aws_access_key_id": None, "aws_secret_access_key": None, "aws_session_token": None}
        await model_at(server.url, **bare, api_key=BEARER).ainvoke("Hi")
        await model_at(server.url, **bare, bedrock_api_key=lambda: BEARER).ainvoke("Hi")
        await model_at(server.url, **bare, credentials=credentials).ainvoke("Hi")
        # A server on this machine may ask for nothing.
        await model_at(server.url, **bare).ainvoke("Hi")
        found = [request.headers.get("authorization") for request in server.requests]
        assert found[:2] == [f"Bearer {BEARER}"] * 2
        assert found[2] == signature_of_botocore(server.requests[2], server.url)
        assert found[3] is None


@pytest.mark.anyio
async def test_the_environment_and_the_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    bare = {"aws_access_key_id": None, "aws_secret_access_key": None, "aws_session_token": None}
    keys = f"aws_access_key_id={ACCESS}\naws_secret_access_key={SECRET}\naws_session_token={TOKEN}\n"
    (tmp_path / "credentials").write_text(f"[default]\n{keys}", encoding="utf-8")
    (tmp_path / "config").write_text("[default]\nregion=eu-central-1\n", encoding="utf-8")
    async with provider(*[Answer(answer(TEXT))] * 5) as server:
        from_files = model_at(server.url, **bare, region_name=None)
        assert from_files.region_name == "eu-central-1"
        await from_files.ainvoke("Hi")
        (tmp_path / "credentials").unlink()
        # They are not read at each request.
        await from_files.ainvoke("Hi")
        for request in server.requests:
            assert request.headers["authorization"] == signature_of_botocore(request, server.url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAOTHER")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "other")
        await model_at(server.url, **bare).ainvoke("Hi")
        assert "Credential=AKIAOTHER/" in server.requests[2].headers["authorization"]
        monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", BEARER)
        await model_at(server.url, **bare).ainvoke("Hi")
        assert server.requests[3].headers["authorization"] == f"Bearer {BEARER}"
        # What an argument says counts more than the environment.
        await model_at(server.url).ainvoke("Hi")
        assert server.requests[4].headers["authorization"] == signature_of_botocore(server.requests[4], server.url)


@pytest.mark.anyio
async def test_no_credentials_at_all() -> None:
    with pytest.raises(MissingKeyError, match="No AWS credentials were found: set AWS_BEARER_TOKEN_BEDROCK"):
        await ChatBedrockConverse(model=MODEL, region_name="us-west-2").ainvoke("Hi")
    async with provider() as server:
        with pytest.raises(MissingKeyError, match="The profile 'mine' is not there"):
            bare = {"aws_access_key_id": None, "aws_secret_access_key": None, "aws_session_token": None}
            await model_at(server.url, **bare, credentials_profile_name="mine").ainvoke("Hi")


@pytest.mark.parametrize(
    ("region", "url"),
    [
        ("us-east-1", "https://bedrock-runtime.us-east-1.amazonaws.com"),
        ("eu-central-1", "https://bedrock-runtime.eu-central-1.amazonaws.com"),
        ("cn-north-1", "https://bedrock-runtime.cn-north-1.amazonaws.com.cn"),
    ],
)
def test_addresses(region: str, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ChatBedrockConverse(model=MODEL, region_name=region).endpoint_url == url
    monkeypatch.setenv("AWS_REGION", region)
    assert ChatBedrockConverse(model_id=MODEL).base_url == url
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "https://vpce-1.example.com")
    assert ChatBedrockConverse(model=MODEL).base_url == "https://vpce-1.example.com"
    assert ChatBedrockConverse(model=MODEL, endpoint_url="https://other.example.com").base_url == (
        "https://other.example.com"
    )


def test_the_region_may_be_that_of_the_arn() -> None:
    assert ChatBedrockConverse(model=ARN).region_name == "us-east-1"
    with pytest.raises(ConfigurationError, match="No AWS region was found"):
        ChatBedrockConverse(model=MODEL)


def test_arguments_that_do_not_fit() -> None:
    for arguments, said in (
        ({"aws_access_key_id": ACCESS}, "aws_secret_access_key is missing"),
        ({"guard_last_turn_only": True}, "needs a guardrail"),
        ({"regoin": "x"}, "has no argument 'regoin'"),
    ):
        with pytest.raises(ConfigurationError, match=said):
            ChatBedrockConverse(model=MODEL, region_name="us-east-1", **arguments)


@pytest.mark.anyio
async def test_what_is_no_parameter_of_a_call() -> None:
    model = model_at("http://127.0.0.1:9")
    for name in ("aws_secret_access_key", "region_name", "credentials", "bedrock_api_key"):
        with pytest.raises(InvalidInputError, match=f"{name}= is no parameter of a call"):
            await model.ainvoke("Hi", **{name: "x"})


# ------------------------------------------------------------------------------------------------------------- secrets


@pytest.mark.anyio
async def test_secrets_are_shown_nowhere() -> None:
    echo = {"message": f"The Canonical String should have been x-amz-security-token:{TOKEN} {ACCESS}"}
    async with provider(
        Answer(echo, 403, {"x-amzn-errortype": "InvalidSignatureException"}), Answer(answer(TEXT))
    ) as server:
        model = model_at(server.url)
        with pytest.raises(ProviderError) as caught:
            await model.ainvoke("Hi")
        await model.ainvoke("Hi")
    shown = [repr(model), str(model), dumps(model), repr(pickle.dumps(model)), model.model_dump_json()]
    shown += [repr(caught.value), str(caught.value), str(caught.value.body), repr(model.bind(stop="x"))]
    for text in shown:
        for secret in (ACCESS, SECRET, TOKEN):
            assert secret not in text


def test_copies_share_credentials_and_pickles_have_none(monkeypatch: pytest.MonkeyPatch) -> None:
    model = ChatBedrockConverse(model=MODEL, region_name="us-east-1", api_key=BEARER)
    assert copy.deepcopy(model).api_key is model.api_key
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "ABSKother0123456789012345")
    again = pickle.loads(pickle.dumps(model))  # noqa: S301 - our own
    assert again.api_key.get_secret_value() == "ABSKother0123456789012345"
    assert again.model_id == MODEL


def test_dumped_and_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    model = ChatBedrockConverse(model=MODEL, region_name="eu-west-1", temperature=0.5, api_key=BEARER)
    written = dumps(model)
    assert json.loads(written)["id"] == ["langchain_aws", "chat_models", "ChatBedrockConverse"]
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", BEARER)
    read = loads(written, allowed_objects=[ChatBedrockConverse])
    assert isinstance(read, ChatBedrockConverse)
    assert (read.model, read.region_name, read.temperature) == (MODEL, "eu-west-1", 0.5)


def test_names_of_the_reference() -> None:
    model = ChatBedrockConverse(
        model_id=MODEL,
        region_name="us-east-1",
        endpoint_url="http://localhost:1",
        stop_sequences=["x"],
        guardrails={"a": 1},
    )
    assert (model.model, model.base_url, model.stop, model.guardrail_config) == (
        MODEL,
        "http://localhost:1",
        ["x"],
        {"a": 1},
    )
    assert model._llm_type == "amazon_bedrock_converse_chat"
    assert ChatBedrockConverse.create_cache_point() == {"cachePoint": {"type": "default"}}
