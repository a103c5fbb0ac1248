"""What answers cost."""

from __future__ import annotations

import importlib
import json
import math
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from chatcore import AIMessage, ChatGeneration, Cost, CostCallbackHandler, LLMResult, MissingExtraError, cost, prices
from chatcore.language_models import model_profile
from chatcore.outputs import Generation
from chatcore.prices import cost_of
from chatcore.providers import ChatOpenAI
from chatcore.providers._openai_chat import decode_answer
from chatcore.providers._wire import Exchange
from chatcore.testing import Reply, Simulator
from tests.providers.traffic import rows


def usage(given: int, answered: int, *, total: int | None = None, read: Any = None, written: Any = None) -> Any:
    counts: dict[str, Any] = {
        "input_tokens": given,
        "output_tokens": answered,
        "total_tokens": given + answered if total is None else total,
    }
    return {
        **counts,
        **({"input_token_details": read} if read else {}),
        **({"output_token_details": written} if written else {}),
    }


def answer(provider: str, model: str, counts: Any = None, **metadata: Any) -> AIMessage:
    metadata = {"model_provider": provider, "model_name": model, **metadata}
    return AIMessage("Hi", usage_metadata=counts or usage(1000, 100), response_metadata=metadata)


def total(provider: str, model: str, counts: Any = None, **metadata: Any) -> Decimal | None:
    found = cost(answer(provider, model, counts, **metadata))
    return None if found is None else found.total


# ---------------------------------------------------------------------------------------------------------- by the list


def test_an_answer_by_the_list() -> None:
    assert cost(answer("openai", "gpt-5-2025-08-07")) == Cost(
        Decimal("0.00225"), Decimal("0.00125"), Decimal("0.001"), "gpt-5", "openai", "list"
    )


@pytest.mark.parametrize(
    ("provider", "model", "counts", "dollars"),
    [
        # Of 1000 tokens 500 from the cache, at a tenth: 0.000625 + 0.0000625, and the answer.
        ("openai", "gpt-5", usage(1000, 100, read={"cache_read": 500}), "0.0016875"),
        # Reasoning is in the answer's count; beside it at xAI.
        ("openai", "gpt-5", usage(1000, 100, written={"reasoning": 60}), "0.00225"),
        ("xai", "grok-3-mini", usage(291, 26, total=506, read={"cache_read": 244}, written={"reasoning": 189}), None),
        # Written to the cache at 1.25 times the price, for an hour at twice.
        ("anthropic", "claude-sonnet-4-5", usage(1000, 0, read={"cache_read": 300, "cache_creation": 200}), "0.00234"),
        (
            "anthropic",
            "claude-sonnet-4-5",
            usage(1000, 0, read={"cache_read": 300, "cache_creation": 100, "ephemeral_1h_input_tokens": 100}),
            "0.002565",
        ),
        # Beyond 200,000 tokens every token costs more.
        ("google_genai", "gemini-2.5-pro", usage(300_000, 100), "0.7515"),
    ],
)
def test_details_of_usage(provider: str, model: str, counts: Any, dollars: str | None) -> None:
    found = total(provider, model, counts)
    assert found == (Decimal(dollars) if dollars else Decimal("0.0001399"))


def test_tiers() -> None:
    normal = total("openai", "gpt-5")
    assert normal is not None
    assert total("openai", "gpt-5", service_tier="default") == total("openai", "gpt-5", service_tier=5) == normal
    assert total("openai", "gpt-5", service_tier="priority") == 2 * normal
    batched = total("anthropic", "claude-sonnet-4-5", usage={"service_tier": "batch"})
    assert batched is not None
    assert total("anthropic", "claude-sonnet-4-5", usage={"service_tier": "standard"}) == 2 * batched
    assert total("openai", "gpt-5", service_tier="flex") == total("openai", "gpt-5", service_tier="batch") == normal / 2


def test_prices_of_another_day() -> None:
    def of(month: int) -> Decimal:
        found = cost(answer("openai", "o3"), at=datetime(2025, month, 20, tzinfo=UTC))
        assert found is not None
        return found.total

    assert of(5) == 5 * of(6)


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("openai", "gpt-5-zz"),
        ("openai", "gpt"),
        ("openai", "my-model"),
        ("anthropic", "claude-sonnet-4-5-zz"),
        ("google_genai", "gemini-2.5-pro-zz"),
        ("google_genai", "gemini-2.5-prozz"),
        ("bedrock_converse", "amazon.nova-lite-v1:0-zz"),
        ("bedrock_converse", "arn:aws:bedrock:us-east-1:1:application-inference-profile/abc"),
        ("cohere", "c4ai-aya-expanse-32b-zz"),
        ("vllm", "gpt-5"),
        ("ollama", "gpt-5"),
        ("huggingface", "openai/gpt-oss-20b"),
        ("perplexity", "sonar"),
        ("nobody", "gpt-5"),
    ],
)
def test_what_is_not_known_costs_nobody_knows_what(provider: str, model: str) -> None:
    assert total(provider, model) is None


@pytest.mark.parametrize(
    ("provider", "model", "listed"),
    [
        ("openai", "ft:gpt-4o-2024-08-06:org::id", "ft:gpt-4o"),
        ("anthropic", "claude-sonnet-4-5-20250929", "claude-sonnet-4-5"),
        ("google_vertexai", "claude-sonnet-4-5@20250929", "claude-sonnet-4-5"),
        ("google_genai", "models/gemini-2.5-flash", "gemini-2.5-flash"),
        (
            "bedrock_converse",
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "regional.anthropic.claude-sonnet-4-5-20250929-v1:0",
        ),
        (
            "bedrock_converse",
            "arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "regional.anthropic.claude-sonnet-4-5-20250929-v1:0",
        ),
        ("mistral", "mistral-large-2411", "mistral-large"),
        ("azure_openai", "gpt-4o-2024-11-20", "gpt-4o"),
        ("groq", "llama-3.3-70b-versatile", "llama-3.3-70b-versatile"),
    ],
)
def test_releases_and_places_of_a_model(provider: str, model: str, listed: str) -> None:
    found = cost(answer(provider, model))
    assert found is not None
    assert found.model == listed


def test_no_model_is_taken_for_another_whose_name_it_begins_with() -> None:
    wrong: list[str] = []
    for provider in prices._LISTS:
        known = model_profile._profiles(provider)
        for name in list(known)[::7]:
            other = (name + more for more in ("-zz", "zz"))
            wrong.extend(one for one in other if cost_of(usage(1, 1), provider=provider, model=one) is not None)
    assert wrong == []


def test_most_models_with_a_profile_have_a_price() -> None:
    for provider in ("openai", "anthropic", "google_genai", "mistral", "xai", "deepseek"):
        known = model_profile._profiles(provider)
        priced = [name for name in known if cost_of(usage(1, 1), provider=provider, model=name) is not None]
        assert len(priced) >= 0.7 * len(known), provider


def test_sound_that_has_no_price_of_its_own_is_not_that_of_text() -> None:
    assert total("openai", "gpt-4o-audio-preview", usage(1000, 100, read={"audio": 900})) is None
    assert total("openai", "gpt-4o-audio-preview") is not None
    assert total("google_genai", "gemini-2.5-pro", usage(1000, 100, read={"audio": 900})) is not None


@pytest.mark.parametrize(
    "counts",
    [usage(10, 5, read={"cache_read": 50}), usage(-10, 5), usage(0, 5, written={"reasoning": 9})],
    ids=["more from the cache than there was", "negative", "more reasoning than answer"],
)
def test_counts_that_contradict_one_another(counts: Any) -> None:
    found = total("openai", "gpt-5", counts)
    assert found is None or found >= 0


def test_what_does_not_say_whose_it_is() -> None:
    assert cost(AIMessage("Hi")) is None
    assert cost(AIMessage("Hi", response_metadata={"model_provider": "openai", "model_name": "gpt-5"})) is None
    assert cost(AIMessage("Hi", usage_metadata=usage(1, 1), response_metadata={"model_name": "gpt-5"})) is None
    assert cost(AIMessage("Hi", usage_metadata=usage(1, 1), response_metadata={"model_provider": 5})) is None


# ------------------------------------------------------------------------------------------------ by the answer itself


@pytest.mark.parametrize(
    ("provider", "said", "dollars"),
    [
        ("openrouter", {"cost": 0.1}, "0.1"),
        ("openrouter", {"cost": 0}, "0"),
        ("vercel", {"cost": 0.00597125}, "0.00597125"),
        ("avian", {"cost": 0.0003287}, "0.0003287"),
        ("xai", {"cost_in_usd_ticks": 790_000}, "0.000079"),
        ("perplexity", {"cost": {"total_cost": 0.00502, "input_tokens_cost": 1e-05}}, "0.00502"),
        ("openrouter", {"cost": 0.1, "is_byok": True}, None),
        ("openrouter", {"cost": "0.1"}, None),
        ("openrouter", {"cost": True}, None),
        ("openrouter", {"cost": math.nan}, None),
        ("openrouter", {"cost": -1}, None),
        ("openrouter", [], None),
        ("perplexity", {"cost": 5}, None),
        ("azure_ai", {"cost_in_usd_ticks": 0}, None),
    ],
)
def test_what_the_provider_says(provider: str, said: Any, dollars: str | None) -> None:
    found = cost(answer(provider, "no-such-model", token_usage=said))
    assert (found and found.total) == (Decimal(dollars) if dollars is not None else None)
    if found is not None:
        assert (found.source, found.provider, found.model) == ("provider", provider, "no-such-model")


@pytest.mark.parametrize(("provider", "agree"), [("xai", 1.0), ("openrouter", 0.9)])
def test_recorded_prices_are_those_of_the_list(provider: str, agree: float) -> None:
    """xAI and OpenRouter say to a hundredth of a cent what each answer cost: so does the list, without being told.

    But for what OpenRouter's answers do not tell: searches, and which of several providers answered.
    """
    same: list[bool] = []
    for row in rows("openai-chat"):
        if row["provider"] != provider or row["status"] != 200 or row["stream_body"]:
            continue
        message = decode_answer(row["body_text"].encode(), Exchange(provider, None)).generations[0].message
        assert isinstance(message, AIMessage)
        said = cost(message)
        if said is None or said.source != "provider":
            continue
        del message.response_metadata["token_usage"]
        asked_at = datetime.fromtimestamp(json.loads(row["body_text"])["created"], UTC)
        ours = cost(message, at=asked_at)
        if ours is not None:
            assert ours.source == "list"
            same.append(abs(ours.total - said.total) <= said.total / 1000)
    assert len(same) >= 9
    assert sum(same) / len(same) >= agree, same


# ------------------------------------------------------------------------------------------------------------ all calls


def test_a_handler_adds_up() -> None:
    costs = CostCallbackHandler()
    script = [Reply("One."), Reply("Two.")]
    with Simulator.in_thread(script=script) as simulator:
        model = ChatOpenAI(model="gpt-5", api_key="k", base_url=simulator.base_url)
        first = model.invoke("1?", {"callbacks": [costs]})
        last = [*model.stream("2?", {"callbacks": [costs]})]
    assert first.usage_metadata is not None
    assert last
    assert costs.unknown == 0
    alone = cost(first)
    assert alone is not None
    assert costs.total > alone.total > 0
    assert costs.by_model == {"gpt-5": costs.total}
    costs.on_llm_end(LLMResult(generations=[[ChatGeneration(message=AIMessage("?"))]]))
    costs.on_llm_end(LLMResult(generations=[[Generation(text="?")]]))
    assert costs.unknown == 2
    assert repr(costs) == f"<CostCallbackHandler: ${costs.total}, 2 unknown>"


# ----------------------------------------------------------------------------------------------------------- the extra


@pytest.fixture
def without_the_list(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def importing(name: str) -> Any:
        raise ImportError(name)

    prices._library.cache_clear()
    monkeypatch.setattr(importlib, "import_module", importing)
    yield
    prices._library.cache_clear()


@pytest.mark.usefixtures("without_the_list")
def test_without_the_list_one_is_told_how_to_get_it() -> None:
    for ask in (lambda: cost(answer("openai", "gpt-5")), CostCallbackHandler):
        with pytest.raises(MissingExtraError, match=r'pip install "chatcore\[prices\]"'):
            ask()
    # What no list has needs none, and neither does what the provider says.
    assert total("vllm", "m") is None
    assert total("openrouter", "m", token_usage={"cost": 1}) == 1


def test_the_list_is_not_loaded_before_it_is_asked_for() -> None:
    code = "import sys, chatcore.prices; assert 'genai_prices' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
