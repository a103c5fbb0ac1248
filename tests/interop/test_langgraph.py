"""LangGraph over a chatcore model: a graph of model and tools, streamed token by token."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool

from chatcore import ChatOpenAI
from chatcore.interop.langchain import as_langchain
from chatcore.testing import Fault, Reply, Simulator, ThreadedSimulator

pytest.importorskip("langgraph", reason="LangGraph is an example here, not a dependency")

from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, tools_condition


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@tool
def weather(city: str) -> str:
    """Tell the weather."""
    return f"rain in {city}"


SCRIPT = [
    Reply(tool_calls=[{"name": "weather", "args": {"city": "Paris"}}]),
    Reply("It rains.", chunks=["It", " rains."]),
]


def agent(sim: Simulator | ThreadedSimulator) -> Any:
    model = as_langchain(ChatOpenAI(model="any", api_key="test", base_url=sim.base_url)).bind_tools([weather])

    async def answer(state: MessagesState) -> dict[str, Any]:
        return {"messages": [await model.ainvoke(state["messages"])]}

    graph = StateGraph(MessagesState)
    graph.add_node("model", answer)
    graph.add_node("tools", ToolNode([weather]))
    graph.add_edge(START, "model")
    graph.add_conditional_edges("model", tools_condition)
    graph.add_edge("tools", "model")
    return graph.compile()


@pytest.mark.anyio
async def test_an_agent_calls_its_tool_and_answers() -> None:
    async with Simulator(script=SCRIPT) as sim:
        state = await agent(sim).ainvoke({"messages": [HumanMessage("Weather in Paris?")]})
        sent = sim.requests[1].body["messages"]
    assert [type(message) for message in state["messages"]] == [HumanMessage, AIMessage, ToolMessage, AIMessage]
    assert state["messages"][-1].text == "It rains."
    assert sent[-1]["content"] == "rain in Paris"


@pytest.mark.anyio
async def test_its_tokens_stream_though_its_nodes_call_ainvoke() -> None:
    async with Simulator(script=SCRIPT) as sim:
        asked = {"messages": [HumanMessage("Weather in Paris?")]}
        parts = [part async for part, _ in agent(sim).astream(asked, stream_mode="messages")]
    assert [part.text for part in parts if part.type == "AIMessageChunk" and part.text] == ["It", " rains."]
    assert any(part.type == "tool" for part in parts)


@pytest.mark.anyio
async def test_a_graph_that_is_left_closes_the_models_connection() -> None:
    async with Simulator(script=Fault.stall(after_chunks=3)) as sim:
        stream = agent(sim).astream({"messages": [HumanMessage("hi")]}, stream_mode="messages")
        async for _ in stream:
            break
        await stream.aclose()
        stats = await sim.wait_for(lambda stats: stats.connections_open == 0, timeout=2)
        assert stats.requests_cut_off == 1
