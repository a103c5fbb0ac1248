"""Many prompts within a provider's limits, with retries and a fallback, and what came of each.

    python examples/batch_with_limits.py [asyncio|trio]

The key is in OPENAI_API_KEY, the address of another provider in OPENAI_BASE_URL. `chatcore batch` does the same from
files, with a journal and a progress bar; this is the same thing as a program of your own.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import anyio

from chatcore import ChatOpenAI, TokenBucket

CITIES = ("Paris", "Lima", "Oslo", "Cairo", "Quito", "Hanoi", "Accra", "Delhi", "Perth", "Sofia")


def prompts() -> Iterator[str]:
    """Make prompts one by one: a batch reads them as its calls go out, so there may be any number of them."""
    for city in CITIES:
        for subject in ("food", "weather", "history", "music"):
            yield f"One sentence about the {subject} of {city}."


async def main() -> None:
    """Answer all prompts, at most 20 at a time, and say how it went."""
    # Both models draw on the same account, so they share its limits.
    limits = TokenBucket(requests_per_minute=3_000, tokens_per_minute=200_000)
    fast = ChatOpenAI(model="gpt-5-nano", rate_limiter=limits, timeout=60)
    strong = ChatOpenAI(model="gpt-5", rate_limiter=limits, timeout=60)
    model = fast.with_retry(stop_after_attempt=4).with_fallbacks([strong])

    asked = list(prompts())
    done = failed = tokens = 0
    async with model.abatch_as_completed(asked, {"max_concurrency": 20}, return_exceptions=True) as results:
        async for index, result in results:
            if isinstance(result, Exception):
                failed += 1
                print(f"{asked[index]}\n  failed: {result}")
            else:
                done += 1
                tokens += (result.usage_metadata or {"total_tokens": 0})["total_tokens"]
                print(f"{asked[index]}\n  {result.text}")
    print(f"{done} answered, {failed} failed, {tokens} tokens")


if __name__ == "__main__":
    anyio.run(main, backend=sys.argv[1] if len(sys.argv) > 1 else "asyncio")
