"""The names of providers, as users may write them: the reference's names and other common ones mean ours."""

from __future__ import annotations

from typing import Final

__all__ = ["OTHER_NAMES", "provider_name"]

OTHER_NAMES: Final = {
    "aws": "bedrock_converse",
    "azure": "azure_openai",
    "bedrock": "bedrock_converse",
    "bedrock_mantle_openai": "bedrock_openai",
    "gemini": "google_genai",
    "google": "google_genai",
    "google_gemini": "google_genai",
    "google_vertex": "google_vertexai",
    "vertexai": "google_vertexai",
    "alibaba": "dashscope",
    "fireworks_ai": "fireworks",
    "hugging_face": "huggingface",
    "llama_cpp": "llama.cpp",
    "lm_studio": "lmstudio",
    "mistralai": "mistral",
    "moonshotai": "moonshot",
    "nvidia_nim": "nvidia",
    "openai_compatible": "openai",
    "together_ai": "together",
    "togetherai": "together",
    "x_ai": "xai",
    "zhipuai": "zhipu",
}
"""Other names of providers, the reference's among them, each with ours."""


def provider_name(given: str) -> str:
    """Our name of a provider; what is not known stays as it is, in lower case and with underscores.

    given: the name, as in `init_chat_model("provider:model")`.
    """
    name = given.strip().lower().replace("-", "_")
    return OTHER_NAMES.get(name, name)
