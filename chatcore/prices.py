"""What answers cost: as the provider says in the answer itself, or by the list of prices of `genai-prices`.

::

    from chatcore.prices import cost

    answer = model.invoke("Why is the sky blue?")
    cost(answer)  # Cost(total=Decimal("0.00225"), input=Decimal("0.00125"), output=Decimal("0.001"), ...)

Nothing of this is done before it is asked for: a call that nobody asks the cost of does no work for it. What is not
known costs None, and never nothing: a model that is in no list, one that only resembles a listed one, a server of
one's own. Tools that run at the provider (web searches, ...) are in the first kind of price only.

The list comes with the extra `prices`: pip install "chatcore[prices]".
"""

from __future__ import annotations

import importlib
import re
import threading
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, Literal, cast

from typing_extensions import override

from chatcore._provider_names import provider_name
from chatcore.callbacks.base import BaseCallbackHandler
from chatcore.errors import MissingExtraError
from chatcore.messages import AIMessage, UsageMetadata
from chatcore.outputs import ChatGeneration, LLMResult

__all__ = ["Cost", "CostCallbackHandler", "cost", "cost_of"]


@dataclass(frozen=True, slots=True)
class Cost:
    """What an answer cost, in US dollars.

    total: the whole price.
    input, output: the shares of prompt and answer; None where the provider says the total only. What is asked for each
        request, besides its tokens, is in neither.
    model, provider: whose price it is, as the list names them.
    source: "provider": the provider says so in its answer; "list": reckoned by the list.
    """

    total: Decimal
    input: Decimal | None
    output: Decimal | None
    model: str
    provider: str
    source: Literal["provider", "list"]


_LISTS: Final = {
    "anthropic": "anthropic",
    "anthropic_openai": "anthropic",
    "avian": "avian",
    "azure_ai": "azure",
    "azure_openai": "azure",
    "baseten": "baseten",
    "bedrock_converse": "aws",
    "bedrock_openai": "aws",
    "cerebras": "cerebras",
    "cloudflare": "cloudflare",
    "cohere": "cohere",
    "databricks": "databricks",
    "deepseek": "deepseek",
    "doubleword": "doubleword",
    "fireworks": "fireworks",
    "google_genai": "google",
    "google_openai": "google",
    "google_vertexai": "google",
    "groq": "groq",
    "meta": "meta",
    "minimax": "minimax",
    "mistral": "mistral",
    "moonshot": "moonshotai",
    "novita": "novita",
    "openai": "openai",
    "openrouter": "openrouter",
    "ovhcloud": "ovhcloud",
    "together": "together",
    "xai": "x-ai",
    "zai": "zai",
    "zhipu": "zhipuai",
}
"""Our names of providers, each with that of the list; of no other is the price known by its name alone.

Perplexity asks for each request what depends on its searches, and says so in the answer.
"""

_SPLIT_BY_SOUND: Final = frozenset({"openai", "azure"})
"""The lists in which sound has a price of its own, or none that is known: it is not that of text."""

_TICKS: Final = 10**10
"""xAI's `cost_in_usd_ticks` in a dollar (https://docs.x.ai/docs/guides/usage)."""


def cost(message: AIMessage, *, at: datetime | None = None) -> Cost | None:
    """What an answer cost; None if that is not known.

    What the provider says counts (OpenRouter, Perplexity, Vercel's gateway, xAI and Avian do); else the list does, by
    the answer's `usage_metadata` (tokens read from and written to a cache, reasoning, sound), by its `model_name`,
    `model_provider` and `service_tier`. A server in no table of hosts counts as OpenAI, if its models' names are
    OpenAI's.

    Args:
        message: the answer.
        at: when it was asked for, for prices that have changed; None: now.

    Raises:
        MissingExtraError: the list is needed, and the extra `prices` is not installed.
    """
    metadata = message.response_metadata
    provider, model = metadata.get("model_provider"), metadata.get("model_name") or metadata.get("model")
    if not isinstance(provider, str) or not isinstance(model, str):
        return None
    usage = _mapping(metadata.get("token_usage") or metadata.get("usage"))
    said = _said(usage, provider, model)
    if said is not None or message.usage_metadata is None:
        return said
    tier = metadata.get("service_tier") or usage.get("service_tier")
    return cost_of(
        message.usage_metadata, provider=provider, model=model, tier=tier if isinstance(tier, str) else None, at=at
    )


def cost_of(
    usage: UsageMetadata, *, provider: str, model: str, tier: str | None = None, at: datetime | None = None
) -> Cost | None:
    """What so many tokens of one call cost, by the list; None if that is not known.

    Sums of several calls give the sum of their prices only where the price of a token does not grow with the prompt.

    Args:
        usage: how many tokens.
        provider: as in `init_chat_model("provider:model")`.
        model: the model's name there.
        tier: the tier of service, as the provider names it: "flex", "priority", "batch".
        at: when they were used; None: now.

    Raises:
        MissingExtraError: the extra `prices` is not installed.
    """
    listed = _LISTS.get(provider_name(provider))
    if listed is None:
        return None
    library = _library()
    counts, name = _counts(usage), _RESOURCE.sub("", model.strip().lower())
    context = None if tier is None else {"processing": "batch"} if tier == "batch" else {"service_tier": tier}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            price = library.calc_price(
                library.Usage(**counts), name, provider_id=listed, genai_request_timestamp=at, price_context=context
            )
        except (LookupError, ValueError):
            # It is not in the list; or counts contradict one another.
            return None
    if not _is_meant(name, price.model):
        return None
    sounds = [name for name in ("input_audio", "output_audio") if counts.get(f"{name}_tokens")]
    if listed in _SPLIT_BY_SOUND and any(getattr(price.model_price, f"{name}_mtok") is None for name in sounds):
        return None
    return Cost(price.total_price, price.input_price, price.output_price, price.model.id, price.provider.id, "list")


def _counts(usage: UsageMetadata) -> dict[str, int]:
    """Usage by the list's names: sums, and shares of them."""
    read = cast("Mapping[str, int]", usage.get("input_token_details") or {})
    written = cast("Mapping[str, int]", usage.get("output_token_details") or {})
    minutes, hour = (read.get(f"ephemeral_{lifetime}_input_tokens") or 0 for lifetime in ("5m", "1h"))
    output, thought = usage["output_tokens"], written.get("reasoning") or 0
    if thought and usage["total_tokens"] == usage["input_tokens"] + output + thought:
        output += thought  # xAI counts reasoning beside the answer
    counts = {
        "input_tokens": usage["input_tokens"],
        "output_tokens": output,
        "cache_read_tokens": read.get("cache_read") or 0,
        "cache_write_tokens": (read.get("cache_creation") or 0) + minutes + hour,
        "cache_write_5m_tokens": minutes,
        "cache_write_1h_tokens": hour,
        "input_audio_tokens": read.get("audio") or 0,
        "output_audio_tokens": written.get("audio") or 0,
        "output_reasoning_tokens": thought,
    }
    return {name: count for name, count in counts.items() if count}


# -------------------------------------------------------------------------------------------- what the provider says


def _said(told: Mapping[str, Any], provider: str, model: str) -> Cost | None:
    """The price that the usage in the answer tells."""
    total: Decimal | None = None
    shares: tuple[Decimal | None, Decimal | None] = (None, None)
    if provider == "xai":
        ticks = _dollars(told.get("cost_in_usd_ticks"))
        total = None if ticks is None else ticks / _TICKS
    elif provider == "perplexity":
        parts = _mapping(told.get("cost"))
        total, given, answered = (
            _dollars(parts.get(name)) for name in ("total_cost", "input_tokens_cost", "output_tokens_cost")
        )
        shares = (given, answered)
    elif provider in ("openrouter", "vercel", "avian") and not told.get("is_byok"):
        # With a key of one's own the provider behind it asks for the rest.
        total = _dollars(told.get("cost"))
    return None if total is None else Cost(total, *shares, model, provider, "provider")


def _mapping(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def _dollars(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    # By its shortest text: 0.1 is a tenth.
    amount = Decimal(repr(value))
    return amount if amount.is_finite() and amount >= 0 else None


# ------------------------------------------------------------------------------------------------------------- the list

_RELEASE: Final = re.compile(
    r"(-latest|@default|[-@]\d{8}|-\d{4}-\d{2}-\d{2}|-\d{2}-\d{2}|-\d{4}|-\d{3}|-v\d+(:\d+)?(:\d+k)?|-preview|-exp|-beta)+$"
)
"""What names append for one release of a model, which costs what the model does unless the list says otherwise."""

_RESOURCE: Final = re.compile(r"^(models/|arn:aws[\w-]*:bedrock:.*/)")
"""What makes the address of a resource of a name."""

_PLACE: Final = re.compile(r"^(us|eu|apac|jp|au|ca|us-gov|global|regional)\.")
"""What stands before a name, of where the model is; it may have a price of its own there."""


@lru_cache(maxsize=1)
def _library() -> Any:
    try:
        return importlib.import_module("genai_prices")
    except ImportError as error:
        msg = 'What answers cost is told by a list of prices: pip install "chatcore[prices]"'
        raise MissingExtraError(msg) from error


def _is_meant(name: str, model: Any) -> bool:
    """Whether a model that the list found for a name is that one, and not one whose name it begins with.

    The list goes by beginnings and parts of names, so that it knows dated releases: what it adds must be a release.
    """
    core = _core(name)
    known = [model.id]
    for rule in _rules(model.match):
        if hasattr(rule, "regex"):
            if re.fullmatch(rule.regex, name):
                return True
        else:
            known.extend(str(text) for text in cast("dict[str, Any]", vars(rule)).values())
    cores = {_core(text.lower()) for text in known}
    return core in cores or any(core.endswith((f".{one}", f"/{one}")) for one in cores)


def _rules(rule: Any) -> Iterator[Any]:
    parts = getattr(rule, "or_", None) or getattr(rule, "and_", None)
    if parts is None:
        yield rule
        return
    for part in parts:
        yield from _rules(part)


def _core(name: str) -> str:
    """A name without its place and its release; of a fine-tuned model that of what it was made of."""
    name = _PLACE.sub("", name.strip("-:@/ "))
    if name.startswith("ft:"):
        name = ":".join(name.split(":")[:2])
    return _RELEASE.sub("", name.rstrip("-:@/"))


# ------------------------------------------------------------------------------------------------------------ all calls


class CostCallbackHandler(BaseCallbackHandler):
    """Adds up what all calls cost that it hears of; one may serve many calls, tasks and threads at once.

    ::

        costs = CostCallbackHandler()
        model.invoke("hi", {"callbacks": [costs]})
        costs.total  # Decimal("0.00225")

    total: US dollars, of the answers whose price is known.
    by_model: likewise, by the name that answers have in `response_metadata["model_name"]`.
    unknown: how many answers have no price that is known; as long as it is 0, the total is whole.

    Raises:
        MissingExtraError: the extra `prices` is not installed.
    """

    run_inline = True

    def __init__(self) -> None:
        _library()
        self._lock = threading.Lock()
        self.total = Decimal(0)
        self.by_model: dict[str, Decimal] = {}
        self.unknown = 0

    def __repr__(self) -> str:
        return f"<CostCallbackHandler: ${self.total}, {self.unknown} unknown>"

    @override
    def on_llm_end(self, response: LLMResult, **kwargs: Any) -> None:
        generation = next((each for generations in response.generations[:1] for each in generations), None)
        self.add(generation.message if isinstance(generation, ChatGeneration) else None)

    def add(self, message: object) -> None:
        """Count in what a call has answered.

        Args:
            message: the answer; anything but an `AIMessage` has no price.
        """
        found = cost(message) if isinstance(message, AIMessage) else None
        with self._lock:
            if found is None:
                self.unknown += 1
                return
            name = str(cast("AIMessage", message).response_metadata.get("model_name") or found.model)
            self.total += found.total
            self.by_model[name] = self.by_model.get(name, Decimal(0)) + found.total
