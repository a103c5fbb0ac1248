"""`ConsoleCallbackHandler`: every run, told on the console with its inputs and outputs, as `set_debug(True)` asks."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from chatcore.callbacks._console import bold, colored, put
from chatcore.tracers.base import BaseTracer
from chatcore.tracers.schemas import Run

__all__ = ["ConsoleCallbackHandler", "FunctionCallbackHandler", "elapsed", "try_json_stringify"]


def try_json_stringify(obj: Any, fallback: str) -> str:
    """Write as indented JSON.

    Args:
        obj: what to write.
        fallback: what to write instead if it cannot be written as JSON.
    """
    try:
        return json.dumps(obj, indent=2, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        return fallback


def elapsed(run: Any) -> str:
    """How long a run took: `"12ms"` or `"3.45s"`."""
    seconds = (run.end_time - run.start_time) / timedelta(seconds=1)
    return f"{seconds * 1000:.0f}ms" if seconds < 1 else f"{seconds:.2f}s"


class FunctionCallbackHandler(BaseTracer):
    """Gives a line about each run's start and end to a function.

    function_callback: the function.
    """

    name: str = "function_callback_handler"

    def __init__(self, function: Callable[[str], None], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.function_callback = function

    def _persist_run(self, run: Run) -> None:
        """Nothing is kept."""

    def get_parents(self, run: Run) -> list[Run]:
        """The runs that a run was made in, the innermost first."""
        parents: list[Run] = []
        while run.parent_run_id is not None and (parent := self.run_map.get(str(run.parent_run_id))) is not None:
            parents.append(parent)
            run = parent
        return parents

    def get_breadcrumbs(self, run: Run) -> str:
        """Where a run is: `chain:outer > llm:FakeModel`."""
        return " > ".join(f"{each.run_type}:{each.name}" for each in [*reversed(self.get_parents(run)), run])

    def _tell(self, run: Run, event: str, color: str, what: str, said: str) -> None:
        took = "" if run.end_time is None else f"[{elapsed(run)}] "
        head = colored(f"[{event}]", color)
        self.function_callback(f"{head} " + bold(f"[{self.get_breadcrumbs(run)}] {took}{what}:\n") + said)

    def _on_chain_start(self, run: Run) -> None:
        what = f"Entering {run.run_type.capitalize()} run with input"
        self._tell(run, "chain/start", "green", what, try_json_stringify(run.inputs, "[inputs]"))

    def _on_chain_end(self, run: Run) -> None:
        what = f"Exiting {run.run_type.capitalize()} run with output"
        self._tell(run, "chain/end", "blue", what, try_json_stringify(run.outputs, "[outputs]"))

    def _on_chain_error(self, run: Run) -> None:
        what = f"{run.run_type.capitalize()} run errored with error"
        self._tell(run, "chain/error", "red", what, try_json_stringify(run.error, "[error]"))

    def _on_llm_start(self, run: Run) -> None:
        inputs = {key: [each.strip() for each in value] for key, value in run.inputs.items() if key == "prompts"}
        self._tell(run, "llm/start", "green", "Entering LLM run with input", try_json_stringify(inputs, "[inputs]"))

    def _on_llm_end(self, run: Run) -> None:
        said = try_json_stringify(run.outputs, "[response]")
        self._tell(run, "llm/end", "blue", "Exiting LLM run with output", said)

    def _on_llm_error(self, run: Run) -> None:
        said = try_json_stringify(run.error, "[error]")
        self._tell(run, "llm/error", "red", "LLM run errored with error", said)

    def _on_tool_start(self, run: Run) -> None:
        given = run.inputs.get("input", run.inputs)
        self._tell(run, "tool/start", "green", "Entering Tool run with input", f'"{str(given).strip()}"')

    def _on_tool_end(self, run: Run) -> None:
        said = f'"{str((run.outputs or {}).get("output")).strip()}"'
        self._tell(run, "tool/end", "blue", "Exiting Tool run with output", said)

    def _on_tool_error(self, run: Run) -> None:
        self._tell(run, "tool/error", "red", "Tool run errored with error", str(run.error))


class ConsoleCallbackHandler(FunctionCallbackHandler):
    """Prints a line about each run's start and end."""

    name: str = "console_callback_handler"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(lambda line: put(line, end="\n"), **kwargs)
