"""An assistant with tools: it looks things up, shows what it does while it does it, and ends with a report.

    python examples/assistant.py "Do I need an umbrella in Paris?"

The key is in OPENAI_API_KEY, the address of another provider in OPENAI_BASE_URL.
"""

from __future__ import annotations

import sys

import anyio
from pydantic import BaseModel, Field

from chatcore import (
    AsyncCallbackHandler,
    ChatOpenAI,
    HumanMessage,
    InMemoryCache,
    SystemMessage,
    get_usage_metadata_callback,
    tool,
    tool_loop,
)


@tool
async def weather(city: str) -> str:
    """Tell today's weather in a city."""
    return f"Rain in {city}, 12 degrees."


class Report(BaseModel):
    """What the user is told."""

    advice: str = Field(description="one sentence")
    umbrella: bool


class Steps(AsyncCallbackHandler):
    """Shows which tools are called."""

    async def on_tool_start(self, serialized: object, input_str: str, *, name: str = "", **kwargs: object) -> None:
        """Show the call."""
        print(f"[{name} {input_str}]")


async def main(question: str) -> None:
    """Ask, let the model use its tools, and report."""
    model = ChatOpenAI(model="gpt-5-mini", timeout=60, cache=InMemoryCache())
    conversation = [SystemMessage("Look up what you do not know."), HumanMessage(question)]
    with get_usage_metadata_callback() as usage:
        said = await tool_loop(model, conversation, [weather], max_steps=5, timeout=10, config={"callbacks": [Steps()]})
        report = await model.with_structured_output(Report, retries=1).ainvoke([*conversation, *said])
    print(report.advice, "Take an umbrella." if report.umbrella else "No umbrella.")
    print(f"{sum(counts['total_tokens'] for counts in usage.usage_metadata.values())} tokens")


if __name__ == "__main__":
    anyio.run(main, " ".join(sys.argv[1:]) or "Do I need an umbrella in Paris?")
