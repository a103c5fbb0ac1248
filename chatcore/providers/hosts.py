"""The hosts that speak OpenAI's chat completions, as a table: where they are, and where they differ.

A host is a row, not a class. `ChatOpenAI` finds its row by `provider=` or by the origin of its `base_url`; a server
that is in no row is read as `COMPATIBLE`. Sources: the page that each row names, and the recorded traffic beside the
checkout (`../shared/traffic`), which shows what they accept and send.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Final, Literal
from urllib.parse import urlsplit

from chatcore.errors import ConfigurationError

__all__ = ["COMPATIBLE", "HOSTS", "Host", "address_variable", "host_of", "is_local"]

_PLACE: Final = re.compile(r"\{([A-Z0-9_|]+)\}")
"""A place in an address or a header, filled from the first of these environment variables that is set."""

_ANYWHERE: Final = "CHATCORE_BASE_URL"
"""The environment variable that sends every host of the table elsewhere."""


@dataclass(frozen=True, slots=True)
class Host:
    """One host of OpenAI's wire, and its differences from it.

    name: how users name it, in `init_chat_model("name:model")` and in `response_metadata["model_provider"]`.
    base_url: the address that `/chat/completions` is appended to. `{NAME}` in it stands for an environment variable's
        value, `{ONE|OTHER}` for that of the first that is set.
    key: the environment variable that holds its API key; None where no key is needed.
    docs: the page of the host's own documentation that says so.
    other_keys: further environment variables that may hold the key, tried in their order after `key`.
    domains: hosts whose `base_url` means this row, beside that of its own; a leading dot stands for every subdomain.
    variables: environment variables that may hold another `base_url`, as its own tools or the reference name them.
    key_header: the header that shows the key. In "authorization" it is a bearer's, as it is in Cloudflare's own.
    headers: sent with every request; one whose environment variable is not set is left out.
    max_tokens: what it calls the bound on the answer's tokens.
    seed: what it calls the sampling seed.
    required: what it calls the tool choice "call at least one tool".
    stream_options: whether a stream must ask for its usage; False where usage always comes, or asking is refused.
    reasoning: the message fields in which it takes its own reasoning back, for the next turn.
    thinking_parts: whether reasoning travels as content parts of type "thinking".
    developer_role: whether it is known to take the role "developer"; elsewhere such a message is sent as "system".
    nine_character_ids: whether it refuses ids of tool calls that are not nine letters and digits.
    cache_marks: whether it takes Anthropic's marks of what to cache, `cache_control`, for the models that it has or
        reaches; elsewhere, where they are refused or say nothing, they are left out.
    video: whether it takes content parts of type "video_url".
    document_urls: the type of the content part in which it takes a file by its URL; None where it takes none so.
    """

    name: str
    base_url: str
    key: str | None
    docs: str = ""
    other_keys: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    key_header: Literal["authorization", "cf-aig-authorization", "x-portkey-api-key"] = "authorization"
    headers: tuple[tuple[str, str], ...] = ()
    max_tokens: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    seed: str = "seed"
    required: str = "required"
    stream_options: bool = True
    reasoning: tuple[str, ...] = ("reasoning_content",)
    thinking_parts: bool = False
    developer_role: bool = False
    nine_character_ids: bool = False
    cache_marks: bool = False
    video: bool = False
    document_urls: Literal["file", "document_url"] | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        """The environment variables that may hold its key, the first that is set counts; none: it needs no key."""
        return () if self.key is None else (self.key, *self.other_keys)

    @property
    def address_variables(self) -> tuple[str, ...]:
        """The environment variables that may hold another `base_url`, the first that is set counts."""
        return (address_variable(self.name), _ANYWHERE, *self.variables)

    def address(self) -> str:
        """Its `base_url`, the places in it filled from the environment.

        Raises:
            ConfigurationError: one of the variables is not set, or holds what can be no part of an address.
        """
        return _PLACE.sub(self._filled, self.base_url)

    def _filled(self, place: re.Match[str]) -> str:
        names = place[1].split("|")
        name, value = next(((name, value) for name in names if (value := os.environ.get(name, "").strip())), ("", ""))
        if not name:
            msg = f"The address of {self.name} has a part of yours: set {' or '.join(names)}, or pass base_url=."
            raise ConfigurationError(msg)
        # Whole addresses are common in these: of a workspace, or of an account.
        value = value.partition("://")[2] if "://" in value else value
        value = value.rstrip("/").removesuffix(self.base_url[place.end() :].partition("/")[0] or "/")
        if not re.fullmatch(r"\w[\w.-]*", value, re.ASCII):
            # Nothing in it may lead a request, and its key, to some other host.
            msg = f"The environment variable {name} is wrong: a name is needed, of letters, digits, '.', '-' and '_'."
            raise ConfigurationError(msg)
        return value

    def own_headers(self) -> dict[str, str]:
        """The headers of every request, the places in them filled from the environment."""
        filled: dict[str, str] = {}
        for name, value in self.headers:
            place = _PLACE.fullmatch(value)
            found = os.environ.get(place[1], "").strip() if place else value
            if found:
                filled[name] = found
        return filled


def address_variable(provider: str) -> str:
    """The environment variable that sends a provider's requests elsewhere: CHATCORE_GROQ_BASE_URL, say.

    provider: its name, as in `init_chat_model("provider:model")`.
    """
    return f"CHATCORE_{re.sub(r'[^A-Z0-9]', '_', provider.upper())}_BASE_URL"


OPENAI = Host(
    "openai",
    "https://api.openai.com/v1",
    "OPENAI_API_KEY",
    "https://platform.openai.com/docs/api-reference/chat",
    domains=(".api.openai.com", ".openai.azure.com", ".cognitiveservices.azure.com"),
    variables=("OPENAI_BASE_URL", "OPENAI_API_BASE"),
    max_tokens="max_completion_tokens",  # reasoning models refuse `max_tokens`
    reasoning=(),  # its reasoning is only given, and taken back, by the Responses API
    developer_role=True,
)

COMPATIBLE = Host(OPENAI.name, OPENAI.base_url, OPENAI.key, variables=OPENAI.variables, cache_marks=True)
"""What is assumed of a server that is in no row: the oldest names, which every server knows."""

_ROWS = (
    OPENAI,
    Host(
        "anthropic_openai",
        "https://api.anthropic.com/v1",
        "ANTHROPIC_API_KEY",
        "https://platform.claude.com/docs/en/api/openai-sdk",
        reasoning=(),
    ),
    Host("avian", "https://api.avian.io/v1", "AVIAN_API_KEY", "https://docs.avian.io"),
    Host(
        "azure_ai",
        "https://{AZURE_RESOURCE_NAME}.services.ai.azure.com/openai/v1",
        "AZURE_API_KEY",
        "https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle",
        other_keys=("AZURE_OPENAI_API_KEY",),
        domains=(".services.ai.azure.com",),
        max_tokens="max_completion_tokens",
        developer_role=True,
    ),
    Host(
        "baseten",
        "https://inference.baseten.co/v1",
        "BASETEN_API_KEY",
        "https://docs.baseten.co/development/model-apis/overview",
    ),
    Host(
        "bedrock_openai",
        "https://bedrock-mantle.{AWS_REGION|AWS_DEFAULT_REGION}.api.aws/v1",
        "AWS_BEARER_TOKEN_BEDROCK",
        "https://docs.aws.amazon.com/bedrock/latest/userguide/bedrock-mantle.html",
        domains=(".api.aws",),
        reasoning=("reasoning",),
    ),
    Host(
        "cerebras",
        "https://api.cerebras.ai/v1",
        "CEREBRAS_API_KEY",
        "https://inference-docs.cerebras.ai/api-reference/chat-completions",
        reasoning=("reasoning",),
    ),
    Host("chutes", "https://llm.chutes.ai/v1", "CHUTES_API_KEY", "https://docs.chutes.ai"),
    Host(
        "clarifai",
        "https://api.clarifai.com/v2/ext/openai/v1",
        "CLARIFAI_PAT",
        "https://docs.clarifai.com/compute/inference",
    ),
    Host(
        "cloudflare",
        "https://api.cloudflare.com/client/v4/accounts/{CLOUDFLARE_ACCOUNT_ID}/ai/v1",
        "CLOUDFLARE_API_TOKEN",
        "https://developers.cloudflare.com/workers-ai/configuration/open-ai-compatibility",
        other_keys=("CLOUDFLARE_API_KEY",),
        domains=("api.cloudflare.com",),
    ),
    Host(
        "cloudflare_gateway",
        "https://gateway.ai.cloudflare.com/v1/{CLOUDFLARE_ACCOUNT_ID}/{CLOUDFLARE_GATEWAY_ID}/compat",
        "CLOUDFLARE_API_TOKEN",
        "https://developers.cloudflare.com/ai-gateway/usage/chat-completion",
        domains=("gateway.ai.cloudflare.com",),
        key_header="cf-aig-authorization",
        cache_marks=True,
    ),
    Host(
        "cohere",
        "https://api.cohere.ai/compatibility/v1",
        "COHERE_API_KEY",
        "https://docs.cohere.com/docs/compatibility-api",
        other_keys=("CO_API_KEY",),
        domains=("api.cohere.com",),
        reasoning=(),
    ),
    Host("cortecs", "https://api.cortecs.ai/v1", "CORTECS_API_KEY", "https://docs.cortecs.ai"),
    Host(
        "crusoe",
        "https://api.inference.crusoecloud.com/v1",
        "CRUSOE_API_KEY",
        "https://docs.crusoecloud.com/managed-inference/overview",
        reasoning=("reasoning",),
    ),
    Host(
        "dashscope",
        "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
        "DASHSCOPE_API_KEY",
        "https://www.alibabacloud.com/help/en/model-studio/compatibility-of-openai-with-dashscope",
        other_keys=("ALIBABA_API_KEY",),
        domains=(".aliyuncs.com",),
        video=True,
        cache_marks=True,
    ),
    Host(
        "databricks",
        "https://{DATABRICKS_HOST}/serving-endpoints",
        "DATABRICKS_TOKEN",
        "https://docs.databricks.com/aws/en/machine-learning/model-serving/query-chat-models",
        domains=(".cloud.databricks.com", ".gcp.databricks.com", ".azuredatabricks.net"),
        reasoning=(),
        cache_marks=True,
    ),
    Host(
        "deepinfra",
        "https://api.deepinfra.com/v1/openai",
        "DEEPINFRA_API_KEY",
        "https://deepinfra.com/docs/openai_api",
        other_keys=("DEEPINFRA_TOKEN", "DEEPINFRA_API_TOKEN"),
    ),
    Host(
        "deepseek",
        "https://api.deepseek.com",
        "DEEPSEEK_API_KEY",
        "https://api-docs.deepseek.com/api/create-chat-completion",
        variables=("DEEPSEEK_API_BASE",),
    ),
    Host(
        "digitalocean",
        "https://inference.do-ai.run/v1",
        "DIGITALOCEAN_ACCESS_TOKEN",
        "https://docs.digitalocean.com/products/gradient-ai-platform",
        other_keys=("MODEL_ACCESS_KEY",),
    ),
    Host("doubleword", "https://api.doubleword.ai/v1", "DOUBLEWORD_API_KEY", "https://docs.doubleword.ai"),
    Host(
        "featherless",
        "https://api.featherless.ai/v1",
        "FEATHERLESS_API_KEY",
        "https://featherless.ai/docs/api-overview-and-common-options",
        other_keys=("FEATHERLESS_AI_API_KEY",),
    ),
    Host(
        "fireworks",
        "https://api.fireworks.ai/inference/v1",
        "FIREWORKS_API_KEY",
        "https://docs.fireworks.ai/api-reference/post-chatcompletions",
        variables=("FIREWORKS_API_BASE",),
    ),
    Host(
        "friendli",
        "https://api.friendli.ai/serverless/v1",
        "FRIENDLI_TOKEN",
        "https://friendli.ai/docs/guides/serverless_endpoints/introduction",
    ),
    Host(
        "github_copilot",
        "https://api.githubcopilot.com",
        "GITHUB_COPILOT_API_KEY",
        "https://docs.github.com/en/copilot",
        other_keys=("GITHUB_TOKEN",),
        domains=(".githubcopilot.com",),
        max_tokens="max_completion_tokens",  # `max_tokens` is refused
        reasoning=(),
    ),
    Host(
        "github_models",
        "https://models.github.ai/inference",
        "GITHUB_TOKEN",
        "https://docs.github.com/en/rest/models/inference",
        other_keys=("GITHUB_API_KEY",),
        domains=("models.inference.ai.azure.com",),
    ),
    Host(
        "google_openai",
        "https://generativelanguage.googleapis.com/v1beta/openai",
        "GEMINI_API_KEY",
        "https://ai.google.dev/gemini-api/docs/openai",
        other_keys=("GOOGLE_API_KEY",),
        reasoning=(),
    ),
    Host("gpustack", "http://localhost/v1", None, "https://docs.gpustack.ai/latest/user-guide/openai-compatible-apis"),
    Host(
        "groq",
        "https://api.groq.com/openai/v1",
        "GROQ_API_KEY",
        "https://console.groq.com/docs/api-reference",
        variables=("GROQ_API_BASE",),
        reasoning=("reasoning",),
    ),
    Host(
        "helicone",
        "https://ai-gateway.helicone.ai/v1",
        "HELICONE_API_KEY",
        "https://docs.helicone.ai/gateway/overview",
        cache_marks=True,
    ),
    Host(
        "heroku",
        "https://us.inference.heroku.com/v1",
        "HEROKU_INFERENCE_KEY",
        "https://devcenter.heroku.com/articles/heroku-inference-api-v1-chat-completions",
        other_keys=("INFERENCE_KEY",),
        domains=(".inference.heroku.com",),
    ),
    Host(
        "huggingface",
        "https://router.huggingface.co/v1",
        "HF_TOKEN",
        "https://huggingface.co/docs/inference-providers",
        other_keys=("HUGGINGFACEHUB_API_TOKEN",),
    ),
    Host("hyperbolic", "https://api.hyperbolic.xyz/v1", "HYPERBOLIC_API_KEY", "https://docs.hyperbolic.xyz"),
    Host("inception", "https://api.inceptionlabs.ai/v1", "INCEPTION_API_KEY", "https://docs.inceptionlabs.ai"),
    Host(
        "inference_net",
        "https://api.inference.net/v1",
        "INFERENCE_API_KEY",
        "https://docs.inference.net",
        domains=("inference.net",),
    ),
    Host(
        "ionos",
        "https://openai.inference.de-txl.ionos.com/v1",
        "IONOS_API_TOKEN",
        "https://docs.ionos.com/cloud/ai/ai-model-hub",
    ),
    Host("jan", "http://localhost:1337/v1", None, "https://jan.ai/docs/api-server"),
    Host("koboldcpp", "http://localhost:5001/v1", None, "https://github.com/LostRuins/koboldcpp/wiki"),
    Host(
        "litellm",
        "http://localhost:4000/v1",
        None,
        "https://docs.litellm.ai/docs/proxy/user_keys",
        variables=("LITELLM_PROXY_API_BASE",),
        cache_marks=True,
    ),
    Host(
        "llama",
        "https://api.llama.com/compat/v1",
        "LLAMA_API_KEY",
        "https://llama.developer.meta.com/docs/features/compatibility",
    ),
    Host(
        "llama.cpp", "http://localhost:8080/v1", None, "https://github.com/ggml-org/llama.cpp/tree/master/tools/server"
    ),
    Host("lmstudio", "http://localhost:1234/v1", None, "https://lmstudio.ai/docs/developer/openai-compat"),
    Host("localai", "http://localhost:8080/v1", None, "https://localai.io/basics/getting_started"),
    Host("meta", "https://api.meta.ai/v1", "META_API_KEY", "https://dev.meta.ai/docs/protocols/chat-completions"),
    Host(
        "minimax",
        "https://api.minimax.io/v1",
        "MINIMAX_API_KEY",
        "https://platform.minimax.io/docs/api-reference/text-openai-api",
        domains=("api.minimaxi.com", "api.minimax.chat"),
        max_tokens="max_completion_tokens",  # `max_tokens` is deprecated
        reasoning=("reasoning_details", "reasoning_content"),
    ),
    Host(
        "mistral",
        "https://api.mistral.ai/v1",
        "MISTRAL_API_KEY",
        "https://docs.mistral.ai/api/endpoint/chat",
        domains=("codestral.mistral.ai",),
        variables=("MISTRAL_BASE_URL",),
        seed="random_seed",
        required="any",
        stream_options=False,  # the last chunk always has the usage
        reasoning=(),
        thinking_parts=True,
        nine_character_ids=True,  # "Tool call id has to be a-z, A-Z, 0-9, with a length of 9"
        document_urls="document_url",
    ),
    Host(
        "modelscope",
        "https://api-inference.modelscope.cn/v1",
        "MODELSCOPE_API_KEY",
        "https://modelscope.cn/docs/model-service/API-Inference/intro",
    ),
    Host(
        "moonshot",
        "https://api.moonshot.ai/v1",
        "MOONSHOT_API_KEY",
        "https://platform.moonshot.ai/docs/api/chat",
        domains=("api.moonshot.cn",),
        video=True,
    ),
    Host(
        "morph", "https://api.morphllm.com/v1", "MORPH_API_KEY", "https://docs.morphllm.com/api-reference/introduction"
    ),
    Host(
        "nebius",
        "https://api.tokenfactory.nebius.com/v1",
        "NEBIUS_API_KEY",
        "https://docs.tokenfactory.nebius.com",
        domains=("api.studio.nebius.com", "api.studio.nebius.ai"),
    ),
    Host("novita", "https://api.novita.ai/openai", "NOVITA_API_KEY", "https://novita.ai/docs/guides/llm-api"),
    Host(
        "nscale",
        "https://inference.api.nscale.com/v1",
        "NSCALE_API_KEY",
        "https://docs.nscale.com",
        other_keys=("NSCALE_SERVICE_TOKEN",),
    ),
    Host(
        "nvidia",
        "https://integrate.api.nvidia.com/v1",
        "NVIDIA_API_KEY",
        "https://docs.api.nvidia.com/nim/reference/llm-apis",
    ),
    Host(
        "ollama",
        "http://localhost:11434/v1",
        None,
        "https://docs.ollama.com/api/openai-compatibility",
        reasoning=("reasoning",),
        developer_role=True,
    ),
    Host(
        "ollama_cloud",
        "https://ollama.com/v1",
        "OLLAMA_API_KEY",
        "https://docs.ollama.com/cloud",
        reasoning=("reasoning",),
        developer_role=True,
    ),
    Host(
        "opencode", "https://opencode.ai/zen/v1", "OPENCODE_API_KEY", "https://opencode.ai/docs/zen", cache_marks=True
    ),
    Host(
        "openrouter",
        "https://openrouter.ai/api/v1",
        "OPENROUTER_API_KEY",
        "https://openrouter.ai/docs/api-reference/chat-completion",
        variables=("OPENROUTER_API_BASE",),
        headers=(("http-referer", "{OPENROUTER_APP_URL}"), ("x-title", "{OPENROUTER_APP_TITLE}")),
        reasoning=("reasoning_details", "reasoning"),
        developer_role=True,
        video=True,
        document_urls="file",
        cache_marks=True,
    ),
    Host(
        "ovhcloud",
        "https://oai.endpoints.kepler.ai.cloud.ovh.net/v1",
        "OVHCLOUD_API_KEY",
        "https://help.ovhcloud.com/csm/en-public-cloud-ai-endpoints-getting-started",
        other_keys=("OVH_AI_ENDPOINTS_ACCESS_TOKEN",),
        domains=(".endpoints.kepler.ai.cloud.ovh.net",),
    ),
    Host(
        "perplexity",
        "https://api.perplexity.ai",
        "PERPLEXITY_API_KEY",
        "https://docs.perplexity.ai/api-reference/chat-completions-post",
        other_keys=("PPLX_API_KEY",),
        reasoning=(),
    ),
    Host(
        "poe",
        "https://api.poe.com/v1",
        "POE_API_KEY",
        "https://creator.poe.com/docs/external-applications/openai-compatible-api",
        cache_marks=True,
    ),
    Host(
        "portkey",
        "https://api.portkey.ai/v1",
        "PORTKEY_API_KEY",
        "https://portkey.ai/docs/api-reference/inference-api/chat",
        key_header="x-portkey-api-key",
        headers=(
            ("x-portkey-config", "{PORTKEY_CONFIG}"),
            ("x-portkey-provider", "{PORTKEY_PROVIDER}"),
            ("x-portkey-virtual-key", "{PORTKEY_VIRTUAL_KEY}"),
        ),
        cache_marks=True,
    ),
    Host("publicai", "https://api.publicai.co/v1", "PUBLICAI_API_KEY", "https://platform.publicai.co/docs"),
    Host(
        "qianfan",
        "https://qianfan.baidubce.com/v2",
        "QIANFAN_API_KEY",
        "https://cloud.baidu.com/doc/qianfan/s/Hmh4suq26",
    ),
    Host("reka", "https://api.reka.ai/v1", "REKA_API_KEY", "https://docs.reka.ai"),
    Host("requesty", "https://router.requesty.ai/v1", "REQUESTY_API_KEY", "https://docs.requesty.ai", cache_marks=True),
    Host(
        "sambanova",
        "https://api.sambanova.ai/v1",
        "SAMBANOVA_API_KEY",
        "https://docs.sambanova.ai/cloud/api-reference/endpoints/chat",
        reasoning=("reasoning",),
    ),
    Host(
        "scaleway",
        "https://api.scaleway.ai/v1",
        "SCW_SECRET_KEY",
        "https://www.scaleway.com/en/docs/generative-apis",
        other_keys=("SCALEWAY_API_KEY",),
    ),
    Host(
        "sglang",
        "http://localhost:30000/v1",
        None,
        "https://docs.sglang.ai/basic_usage/openai_api_completions.html",
        video=True,
    ),
    Host(
        "siliconflow",
        "https://api.siliconflow.com/v1",
        "SILICONFLOW_API_KEY",
        "https://docs.siliconflow.com/en/api-reference/chat-completions/chat-completions",
        domains=("api.siliconflow.cn",),
    ),
    Host(
        "snowflake",
        "https://{SNOWFLAKE_ACCOUNT}.snowflakecomputing.com/api/v2/cortex/v1",
        "SNOWFLAKE_TOKEN",
        "https://docs.snowflake.com/en/user-guide/snowflake-cortex/open_ai_sdk",
        other_keys=("SNOWFLAKE_PAT",),
        domains=(".snowflakecomputing.com",),
        max_tokens="max_completion_tokens",  # `max_tokens` is deprecated
        reasoning=("reasoning_details",),
    ),
    Host(
        "stepfun",
        "https://api.stepfun.com/v1",
        "STEPFUN_API_KEY",
        "https://platform.stepfun.com/docs/en/api-reference/chat/chat-completion-create",
        other_keys=("STEP_API_KEY",),
        domains=("api.stepfun.ai",),
        reasoning=("reasoning",),
    ),
    Host(
        "synthetic",
        "https://api.synthetic.new/openai/v1",
        "SYNTHETIC_API_KEY",
        "https://dev.synthetic.new/docs/api/overview",
    ),
    Host(
        "tencent",
        "https://api.hunyuan.cloud.tencent.com/v1",
        "HUNYUAN_API_KEY",
        "https://cloud.tencent.com/document/product/1729/111007",
    ),
    Host(
        "text_generation_webui",
        "http://localhost:5000/v1",
        None,
        "https://github.com/oobabooga/text-generation-webui/wiki/12-%E2%80%90-OpenAI-API",
    ),
    Host("tgi", "http://localhost:8080/v1", None, "https://huggingface.co/docs/text-generation-inference/messages_api"),
    Host(
        "together",
        "https://api.together.xyz/v1",
        "TOGETHER_API_KEY",
        "https://docs.together.ai/reference/chat-completions-1",
        domains=("api.together.ai",),
        variables=("TOGETHER_API_BASE",),
        reasoning=("reasoning",),
    ),
    Host("upstage", "https://api.upstage.ai/v1/solar", "UPSTAGE_API_KEY", "https://console.upstage.ai/api/chat"),
    Host("v0", "https://api.v0.dev/v1", "V0_API_KEY", "https://v0.app/docs/api/model"),
    Host(
        "venice",
        "https://api.venice.ai/api/v1",
        "VENICE_API_KEY",
        "https://docs.venice.ai/api-reference/endpoint/chat/completions",
    ),
    Host(
        "vercel",
        "https://ai-gateway.vercel.sh/v1",
        "AI_GATEWAY_API_KEY",
        "https://vercel.com/docs/ai-gateway/sdks-and-apis/openai-chat-completions",
        other_keys=("VERCEL_AI_GATEWAY_API_KEY", "VERCEL_OIDC_TOKEN"),
        reasoning=("reasoning_details", "reasoning"),
        cache_marks=True,
    ),
    Host(
        "vllm",
        "http://localhost:8000/v1",
        None,
        "https://docs.vllm.ai/en/stable/serving/openai_compatible_server",
        video=True,
    ),
    Host(
        "volcengine",
        "https://ark.cn-beijing.volces.com/api/v3",
        "ARK_API_KEY",
        "https://www.volcengine.com/docs/82379/1330626",
        other_keys=("VOLCENGINE_API_KEY",),
        domains=(".volces.com",),
        video=True,
    ),
    Host(
        "vultr",
        "https://api.vultrinference.com/v1",
        "VULTR_API_KEY",
        "https://api.vultrinference.com",
        other_keys=("VULTR_INFERENCE_API_KEY",),
    ),
    Host(
        "wandb",
        "https://api.inference.wandb.ai/v1",
        "WANDB_API_KEY",
        "https://docs.wandb.ai/guides/integrations/inference",
    ),
    Host(
        "xai",
        "https://api.x.ai/v1",
        "XAI_API_KEY",
        "https://docs.x.ai/docs/api-reference",
        domains=(".api.x.ai",),
        variables=("XAI_API_BASE",),
    ),
    Host(
        "xiaomi",
        "https://api.xiaomimimo.com/v1",
        "XIAOMI_API_KEY",
        "https://platform.xiaomimimo.com/docs",
        other_keys=("XIAOMI_MIMO_API_KEY",),
    ),
    Host(
        "xinference",
        "http://localhost:9997/v1",
        None,
        "https://inference.readthedocs.io/en/latest/user_guide/client_api.html",
    ),
    Host(
        "zai",
        "https://api.z.ai/api/paas/v4",
        "ZAI_API_KEY",
        "https://docs.z.ai/api-reference/llm/chat-completion",
        other_keys=("ZHIPU_API_KEY",),
        video=True,
    ),
    Host(
        "zhipu",
        "https://open.bigmodel.cn/api/paas/v4",
        "ZHIPUAI_API_KEY",
        "https://docs.bigmodel.cn/api-reference",
        other_keys=("ZHIPU_API_KEY",),
        video=True,
    ),
)

HOSTS: Mapping[str, Host] = MappingProxyType({row.name: row for row in _ROWS})
"""The rows, by name."""


def host_of(base_url: str) -> Host:
    """The row whose domain serves `base_url`; `COMPATIBLE` if there is none.

    base_url: an absolute URL, as `ChatOpenAI` takes it.
    """
    domain = urlsplit(base_url).hostname or ""
    whole, under = _domains()
    found = whole.get(domain)
    if found is None:
        found = next((row for ending, row in under.items() if domain.endswith(ending)), COMPATIBLE)
    return found


@cache
def _domains() -> tuple[dict[str, Host], dict[str, Host]]:
    """The rows by their domains: those that are whole, and those that stand for every subdomain."""
    whole: dict[str, Host] = {}
    under: dict[str, Host] = {}
    for row in _ROWS:
        own = urlsplit(row.base_url).hostname or ""
        if row.key is not None and "{" not in own:
            whole[own] = row
        for domain in row.domains:
            (under if domain.startswith(".") else whole)[domain] = row
    return whole, under


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
