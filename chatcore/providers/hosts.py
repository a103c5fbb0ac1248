"""The hosts that speak OpenAI's chat completions, as a table: where they are, and where they differ.

A host is a row, not a class. `ChatOpenAI` finds its row by `provider=` or by the origin of its `base_url`; a server
that is in no row is read as `COMPATIBLE`. Sources: each host's API reference, and the recorded traffic beside the
checkout (`../shared/traffic`), which shows what they accept.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["COMPATIBLE", "HOSTS", "Host", "host_of", "is_local"]


@dataclass(frozen=True, slots=True)
class Host:
    """One host of OpenAI's wire, and its differences from it.

    name: how users name it, in `init_chat_model("name:model")` and in `response_metadata["model_provider"]`.
    base_url: the address that `/chat/completions` is appended to.
    key: the environment variable that holds its API key; None where no key is needed.
    domains: hosts whose `base_url` means this row; a leading dot stands for every subdomain.
    max_tokens: what it calls the bound on the answer's tokens.
    seed: what it calls the sampling seed.
    required: what it calls the tool choice "call at least one tool".
    stream_options: whether a stream must ask for its usage; False where usage always comes, or asking is refused.
    reasoning: the message fields in which it takes its own reasoning back, for the next turn.
    thinking_parts: whether reasoning travels as content parts of type "thinking".
    developer_role: whether it knows the role "developer"; elsewhere such a message is sent as "system".
    """

    name: str
    base_url: str
    key: str | None
    domains: tuple[str, ...] = ()
    max_tokens: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    seed: str = "seed"
    required: str = "required"
    stream_options: bool = True
    reasoning: tuple[str, ...] = ("reasoning_content",)
    thinking_parts: bool = False
    developer_role: bool = True


OPENAI = Host(
    "openai",
    "https://api.openai.com/v1",
    "OPENAI_API_KEY",
    ("api.openai.com", ".api.openai.com", ".openai.azure.com"),
    max_tokens="max_completion_tokens",  # reasoning models refuse `max_tokens`
    reasoning=(),  # its reasoning is only given, and taken back, by the Responses API
)

COMPATIBLE = Host("openai", OPENAI.base_url, OPENAI.key)
"""What is assumed of a server that is in no row: the oldest names, which every server knows."""

_ROWS = (
    OPENAI,
    Host("cerebras", "https://api.cerebras.ai/v1", "CEREBRAS_API_KEY", ("api.cerebras.ai",), reasoning=("reasoning",)),
    Host(
        "dashscope",
        "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
        "DASHSCOPE_API_KEY",
        (".aliyuncs.com",),
    ),
    Host(
        "deepseek",
        "https://api.deepseek.com",
        "DEEPSEEK_API_KEY",
        ("api.deepseek.com",),
        developer_role=False,
    ),
    Host("fireworks", "https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY", ("api.fireworks.ai",)),
    Host("groq", "https://api.groq.com/openai/v1", "GROQ_API_KEY", ("api.groq.com",), reasoning=("reasoning",)),
    Host("huggingface", "https://router.huggingface.co/v1", "HF_TOKEN", ("router.huggingface.co",)),
    Host("llama.cpp", "http://localhost:8080/v1", None),
    Host("lmstudio", "http://localhost:1234/v1", None),
    Host(
        "mistral",
        "https://api.mistral.ai/v1",
        "MISTRAL_API_KEY",
        ("api.mistral.ai",),
        seed="random_seed",
        required="any",
        stream_options=False,  # the last chunk always has the usage
        reasoning=(),
        thinking_parts=True,
        developer_role=False,
    ),
    Host("moonshot", "https://api.moonshot.ai/v1", "MOONSHOT_API_KEY", ("api.moonshot.ai", "api.moonshot.cn")),
    Host("ollama", "http://localhost:11434/v1", None, reasoning=("reasoning",)),
    Host(
        "openrouter",
        "https://openrouter.ai/api/v1",
        "OPENROUTER_API_KEY",
        ("openrouter.ai",),
        reasoning=("reasoning_details", "reasoning"),
    ),
    Host("perplexity", "https://api.perplexity.ai", "PERPLEXITY_API_KEY", ("api.perplexity.ai",), reasoning=()),
    Host(
        "together",
        "https://api.together.xyz/v1",
        "TOGETHER_API_KEY",
        ("api.together.xyz", "api.together.ai"),
        reasoning=("reasoning",),
    ),
    Host("venice", "https://api.venice.ai/api/v1", "VENICE_API_KEY", ("api.venice.ai",)),
    Host(
        "vercel",
        "https://ai-gateway.vercel.sh/v1",
        "AI_GATEWAY_API_KEY",
        ("ai-gateway.vercel.sh",),
        reasoning=("reasoning_details", "reasoning"),
    ),
    Host("vllm", "http://localhost:8000/v1", None),
    Host("xai", "https://api.x.ai/v1", "XAI_API_KEY", ("api.x.ai",)),
    Host("zai", "https://api.z.ai/api/paas/v4", "ZAI_API_KEY", ("api.z.ai",)),
)

HOSTS: Mapping[str, Host] = MappingProxyType({row.name: row for row in _ROWS})
"""The rows, by name."""


def host_of(base_url: str) -> Host:
    """The row whose domain serves `base_url`; `COMPATIBLE` if there is none.

    base_url: an absolute URL, as `ChatOpenAI` takes it.
    """
    domain = urlsplit(base_url).hostname or ""
    for row in _ROWS:
        for known in row.domains:
            if domain == known or (known.startswith(".") and domain.endswith(known)):
                return row
    return COMPATIBLE


def is_local(base_url: str) -> bool:
    """Whether `base_url` is this machine or a private network, where servers commonly want no key.

    base_url: an absolute URL. Names count as local without a dot ("vllm"), or under .local, .localhost and .internal.
    """
    domain = urlsplit(base_url).hostname or ""
    try:
        address = ipaddress.ip_address(domain)
    except ValueError:
        return "." not in domain or domain.endswith((".local", ".localhost", ".internal"))
    return address.is_private or address.is_loopback or address.is_unspecified
