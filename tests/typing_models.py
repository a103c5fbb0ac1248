"""The arguments of providers' models, as users give them: mypy and pyright read this file, nothing runs it."""

from __future__ import annotations

from typing import assert_type

from pydantic import SecretStr

from chatcore import (
    AIMessage,
    AzureChatOpenAI,
    BaseChatModel,
    ChatAnthropic,
    ChatBedrockConverse,
    ChatGoogleGenerativeAI,
    ChatOllama,
    ChatOpenAI,
    Timeout,
    init_chat_model,
)


def token() -> str:
    return "t"


async def token_later() -> SecretStr:
    return SecretStr("t")


def keys() -> None:
    ChatOpenAI(model="gpt-5", api_key="k")
    ChatOpenAI(model="gpt-5", api_key=SecretStr("k"))
    ChatOpenAI(model="gpt-5", api_key=token)
    ChatAnthropic(model="claude-sonnet-4-5", api_key=token_later)
    ChatAnthropic(model="claude-sonnet-4-5", auth_token="t")
    ChatGoogleGenerativeAI(model="gemini-2.5-flash", api_key="k")
    ChatBedrockConverse(model="m", aws_access_key_id="a", aws_secret_access_key="s", aws_session_token="t")
    ChatBedrockConverse(model="m", aws_access_key_id=SecretStr("a"), aws_secret_access_key=SecretStr("s"))
    ChatBedrockConverse(model="m", api_key="k", region_name="us-east-1")


def deployments() -> None:
    AzureChatOpenAI(azure_endpoint="https://a.openai.azure.com", azure_deployment="d")
    AzureChatOpenAI(azure_deployment="d", azure_ad_token="t", api_version="2024-10-21")
    AzureChatOpenAI(azure_deployment="d", azure_ad_token_provider=token)
    AzureChatOpenAI(azure_deployment="d", azure_ad_async_token_provider=token_later, model="gpt-5")


def settings() -> None:
    ChatOpenAI(model="gpt-5", timeout=Timeout(total=3), max_retries=1, reasoning={"effort": "low"}, stop=["."])
    ChatAnthropic(model="claude-sonnet-4-5", thinking={"type": "adaptive"}, max_tokens=10, timeout=3, temperature=1)
    ChatOllama(model="qwen3", base_url="http://gpu-box:11434", num_ctx=4096, reasoning=True)


def decorated(claude: ChatAnthropic, gpt: ChatOpenAI) -> None:
    assert_type(claude.with_fallbacks([gpt]).bind_tools([]).with_retry(), ChatAnthropic)
    assert_type(claude.invoke("hi"), AIMessage)
    assert_type(claude.count_tokens("hi"), int)
    assert_type(init_chat_model("groq:llama-3.3-70b-versatile"), BaseChatModel)
    assert_type(init_chat_model("claude-sonnet-4-5", configurable_fields="any").bind_tools([]), BaseChatModel)
