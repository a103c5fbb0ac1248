"""What tests of chat-model code need: a provider that runs on this machine, says what you script, and fails on demand.

::

    from chatcore.testing import Fault, Simulator

    async with Simulator(script=[Fault.http(503), "Hello!"]) as sim:
        print(sim.base_url)  # point any client of OpenAI here; those of Anthropic, Gemini and Ollama at sim.origin

docs/simulator.md is its guide. Fakes that need no server (`ScriptedChatModel` and others) are in
`chatcore.language_models`.
"""

from __future__ import annotations

from chatcore.testing._faults import Fault, FaultKind, Faults
from chatcore.testing._latency import Latency
from chatcore.testing._limits import Limits
from chatcore.testing._record import CutOff, Outcome, SimulatedRequest, Stats
from chatcore.testing._reply import Reply, ScriptedToolCall
from chatcore.testing._script import Script, Scripted, echo
from chatcore.testing.simulator import Simulator, ThreadedSimulator

__all__ = [
    "CutOff",
    "Fault",
    "FaultKind",
    "Faults",
    "Latency",
    "Limits",
    "Outcome",
    "Reply",
    "Script",
    "Scripted",
    "ScriptedToolCall",
    "SimulatedRequest",
    "Simulator",
    "Stats",
    "ThreadedSimulator",
    "echo",
]
