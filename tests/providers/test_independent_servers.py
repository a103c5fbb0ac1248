"""Servers that nobody of ours has written: aimock, which speaks every wire, and llama.cpp with a real (random) model.

Both are installed from the registries: llama.cpp comes with the tests' packages, aimock by npm.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import gguf
import numpy as np
import pytest
import xllamacpp

from chatcore import (
    AzureChatOpenAI,
    BaseChatModel,
    ChatAnthropic,
    ChatBedrockConverse,
    ChatGoogleGenerativeAI,
    ChatOllama,
    ChatOpenAI,
)
from chatcore.errors import RateLimited, StreamInterrupted
from chatcore.messages import AIMessage, HumanMessage, ToolMessage

AIMOCK = "@copilotkit/aimock@1.43.0"
KEY = "sk-not-a-real-key"

WEATHER = {
    "name": "get_weather",
    "description": "The weather of a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}

GREETING = "Hi there, how are you today? Fine, I hope: é, 漢, 🙂."

ANSWERS = [
    ({"toolCallId": "call_1"}, {"content": "It is sunny."}),
    ({"userMessage": "weather", "hasToolResult": True}, {"content": "It is sunny."}),
    ({"userMessage": "weather"}, {"toolCalls": [{"name": "get_weather", "arguments": {"city": "Zürich"}}]}),
    ({"userMessage": "think"}, {"content": "42", "reasoning": "Let me think."}),
    ({"userMessage": "hello"}, {"content": GREETING}),
    (
        {"userMessage": "too many"},
        {"error": {"message": "Slow down, please", "type": "rate_limit_error"}, "status": 429},
    ),
]
CUT = {"match": {"userMessage": "cut"}, "response": {"content": "This is never read to its end. " * 20}}


@pytest.fixture(scope="module")
def aimock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server that answers as `ANSWERS` says, on every wire."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        pytest.skip("aimock needs npm and node, which are not here")
    folder = tmp_path_factory.mktemp("aimock")
    installed = subprocess.run(
        [npm, "install", "--no-audit", "--no-fund", "--no-save", "--prefix", str(folder), AIMOCK],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    if installed.returncode:
        pytest.skip(f"npm cannot install aimock: {installed.stderr.strip()[-300:]}")
    fixtures = [{"match": match, "response": response} for match, response in ANSWERS]
    fixtures.append({**CUT, "truncateAfterChunks": 20, "latency": 2})
    script = folder / "answers.json"
    script.write_text(json.dumps({"fixtures": fixtures}), encoding="utf-8")
    program = folder / "node_modules" / "@copilotkit" / "aimock" / "dist" / "cli.js"
    with subprocess.Popen(
        [node, str(program), "--port", "0", "--fixtures", str(script), "--strict", "--chunk-size", "3"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as server:
        assert server.stdout is not None
        try:
            said: list[str] = []
            for line in server.stdout:
                said.append(line)
                if "listening on " in line:
                    yield line.split("listening on ")[1].strip()
                    break
            else:
                pytest.fail("aimock did not start: " + "".join(said))
        finally:
            server.terminate()


MODELS: dict[str, Callable[[str], BaseChatModel]] = {
    "chat completions": lambda url: ChatOpenAI(model="gpt-4o", base_url=f"{url}/v1", api_key=KEY, max_retries=0),
    "responses": lambda url: ChatOpenAI(
        model="gpt-5", base_url=f"{url}/v1", api_key=KEY, max_retries=0, use_responses_api=True
    ),
    "azure": lambda url: AzureChatOpenAI(
        azure_endpoint=url, azure_deployment="gpt-4o", api_version="2024-10-21", api_key=KEY, max_retries=0
    ),
    "anthropic": lambda url: ChatAnthropic(model="claude-sonnet-4-5", base_url=url, api_key=KEY, max_retries=0),
    "gemini": lambda url: ChatGoogleGenerativeAI(
        model="gemini-2.5-flash", base_url=url, google_api_key=KEY, max_retries=0
    ),
    "ollama": lambda url: ChatOllama(model="llama3.2", base_url=url, max_retries=0),
    "bedrock": lambda url: ChatBedrockConverse(
        model="anthropic.claude-3-5-sonnet-20240620-v1:0",
        base_url=url,
        region_name="us-east-1",
        aws_access_key_id="AKIAAAAAAAAAAAAAAAAA",
        aws_secret_access_key=KEY,
        max_retries=0,
    ),
}
every_wire = pytest.mark.parametrize("make", MODELS.values(), ids=list(MODELS))


@pytest.mark.anyio
@every_wire
async def test_a_plain_answer(aimock: str, make: Callable[[str], BaseChatModel]) -> None:
    answer = await make(aimock).ainvoke("hello")
    assert answer.text == GREETING
    assert answer.response_metadata["model_provider"]


@pytest.mark.anyio
@every_wire
async def test_a_streamed_answer_is_the_plain_one(aimock: str, make: Callable[[str], BaseChatModel]) -> None:
    async with make(aimock).astream("hello") as chunks:
        texts = [chunk.text async for chunk in chunks]
        message = await chunks.result()
    assert message.text == "".join(texts) == GREETING
    assert len(texts) > 3


@pytest.mark.anyio
@every_wire
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
async def test_a_tool_called_and_answered(aimock: str, make: Callable[[str], BaseChatModel], *, stream: bool) -> None:
    model = make(aimock).bind_tools([WEATHER])
    asked = HumanMessage("What is the weather?")
    if stream:
        async with model.astream([asked]) as chunks:
            called = await chunks.result()
    else:
        called = await model.ainvoke([asked])
    assert isinstance(called, AIMessage)
    (call,) = called.tool_calls
    assert (call["name"], call["args"]) == ("get_weather", {"city": "Zürich"})
    assert call["id"]
    answer = await model.ainvoke([asked, called, ToolMessage("sunny", tool_call_id=call["id"])])
    assert answer.text == "It is sunny."


@pytest.mark.anyio
@every_wire
async def test_a_refusal_has_its_class(aimock: str, make: Callable[[str], BaseChatModel]) -> None:
    model = make(aimock)
    with pytest.raises(RateLimited, match="Slow down, please") as plain:
        await model.ainvoke("too many")
    with pytest.raises(RateLimited, match="Slow down, please"):
        await anext(aiter(model.astream("too many")))
    assert plain.value.status == 429
    assert KEY not in str(plain.value)


@pytest.mark.anyio
@every_wire
async def test_a_stream_that_is_cut_is_no_answer(aimock: str, make: Callable[[str], BaseChatModel]) -> None:
    chunks = make(aimock).astream("cut")
    with pytest.raises(StreamInterrupted) as raised:
        async for _ in chunks:
            pass
    assert isinstance(raised.value.partial, AIMessage)
    assert raised.value.partial.text.startswith("Thi")


@pytest.mark.anyio
@every_wire
async def test_many_at_once(aimock: str, make: Callable[[str], BaseChatModel]) -> None:
    model = make(aimock)
    answers = await model.abatch(["hello"] * 30)
    assert {answer.text for answer in answers} == {GREETING}


@pytest.mark.anyio
@pytest.mark.parametrize("wire", ["responses", "anthropic"])
async def test_reasoning(aimock: str, wire: str) -> None:
    model = MODELS[wire](aimock)
    plain = await model.ainvoke("think")
    async with model.astream("think") as chunks:
        streamed = await chunks.result()
    for answer in (plain, streamed):
        assert answer.text == "42"
        assert [block["reasoning"] for block in answer.content_blocks if block["type"] == "reasoning"] == [
            "Let me think."
        ]


# ------------------------------------------------------------------------------------------------------------ llama.cpp


def tiny_model(path: Path) -> None:
    """Write a llama of two layers with random weights, whose tokens are bytes and letters: it speaks nonsense, fast."""
    random = np.random.default_rng(0)
    width, hidden, heads, layers = 64, 128, 4, 2
    letters = [bytes([code]) if code != 32 else "\u2581".encode() for code in range(32, 127)]
    tokens = [b"<unk>", b"<s>", b"</s>", *(b"<0x%02X>" % code for code in range(256)), *letters]
    kinds = [gguf.TokenType.UNKNOWN, gguf.TokenType.CONTROL, gguf.TokenType.CONTROL]
    kinds += [gguf.TokenType.BYTE] * 256 + [gguf.TokenType.NORMAL] * len(letters)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(4096)
    writer.add_embedding_length(width)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(hidden)
    writer.add_head_count(heads)
    writer.add_head_count_kv(heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(width // heads)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([0.0] * 259 + [-float(rank) for rank in range(len(letters))])
    writer.add_token_types(kinds)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)

    def add(name: str, *shape: int) -> None:
        is_norm = len(shape) == 1
        weights = np.ones(shape) if is_norm else random.normal(0, 0.3, shape)
        writer.add_tensor(name, weights.astype(np.float32))

    add("token_embd.weight", len(tokens), width)
    add("output_norm.weight", width)
    add("output.weight", len(tokens), width)
    for layer in range(layers):
        for name in ("attn_norm", "ffn_norm"):
            add(f"blk.{layer}.{name}.weight", width)
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            add(f"blk.{layer}.{name}.weight", width, width)
        add(f"blk.{layer}.ffn_gate.weight", hidden, width)
        add(f"blk.{layer}.ffn_up.weight", hidden, width)
        add(f"blk.{layer}.ffn_down.weight", width, hidden)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of llama.cpp's own server, in this process, with one slot: what is not freed blocks the next call."""
    path = tmp_path_factory.mktemp("llama") / "tiny.gguf"
    tiny_model(path)
    settings = xllamacpp.CommonParams()
    settings.model.path = str(path)
    settings.n_ctx = 4096
    settings.cpuparams.n_threads = 1
    settings.n_parallel = 1
    settings.warmup = False
    settings.port = 0
    settings.verbosity = -1
    settings.use_jinja = True
    settings.chat_template = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}assistant:"
    server = xllamacpp.Server(settings)
    SERVERS.append(server)
    return str(server.listening_address)


SERVERS: list[Any] = []
"""Servers live as long as the process: llama.cpp's threads do not outlive their object."""

LLAMA: dict[str, Callable[[str], BaseChatModel]] = {
    "chat completions": lambda url: ChatOpenAI(
        model="tiny", base_url=f"{url}/v1", provider="llama.cpp", max_tokens=40, seed=1
    ),
    "responses": lambda url: ChatOpenAI(
        model="tiny", base_url=f"{url}/v1", provider="llama.cpp", max_tokens=40, use_responses_api=True
    ),
    "anthropic": lambda url: ChatAnthropic(model="tiny", base_url=url, max_tokens=40),
}
every_llama = pytest.mark.parametrize("make", LLAMA.values(), ids=list(LLAMA))


@pytest.mark.anyio
@every_llama
async def test_llama_cpp_answers(llama: str, make: Callable[[str], BaseChatModel]) -> None:
    model = make(llama)
    answer = await model.ainvoke([("system", "Be brief."), ("human", "hi")])
    assert answer.text
    assert answer.usage_metadata is not None
    assert 0 < answer.usage_metadata["output_tokens"] <= 40
    async with model.astream("hi") as chunks:
        texts = [chunk.text async for chunk in chunks]
        message = await chunks.result()
    assert message.text == "".join(texts)
    assert message.usage_metadata is not None
    assert message.response_metadata["finish_reason"]


@pytest.mark.anyio
@every_llama
async def test_llama_cpp_is_free_again_after_a_stream_is_left(llama: str, make: Callable[[str], BaseChatModel]) -> None:
    """A stream of thousands of tokens, left at once: the one slot there is serves the next call."""
    model = make(llama)
    with anyio.fail_after(30):
        async with model.astream("hi", max_tokens=100_000) as chunks:
            await anext(chunks)
        assert (await model.ainvoke("hi")).text


@pytest.mark.anyio
async def test_llama_cpp_keeps_to_a_schema(llama: str) -> None:
    schema = {
        "title": "Answer",
        "type": "object",
        "properties": {"n": {"type": "integer", "maximum": 99}, "sure": {"type": "boolean"}},
        "required": ["n", "sure"],
    }
    model = LLAMA["chat completions"](llama).with_structured_output(schema, method="json_schema")
    answer: Any = await model.ainvoke("How many?", max_tokens=200)
    assert answer.keys() == {"n", "sure"}
    assert isinstance(answer["n"], int)
    assert isinstance(answer["sure"], bool)
