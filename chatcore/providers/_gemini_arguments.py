"""A function call's arguments that Gemini streams value by value, as the JSON text that they are. No I/O.

Each piece names a place by its path and says what stands there, or how the string there goes on
(https://ai.google.dev/api/caching#FunctionCall, `partialArgs`). Models write arguments from front to back, so each
piece continues the text where the last one ended.
"""

from __future__ import annotations

import re
from typing import Any, Final

from chatcore.providers._wire import as_text

__all__ = ["ArgumentsWriter"]

_STEP: Final = re.compile(
    r"""\.(?P<name>[^.\[\]]+)|\[(?P<position>\d{1,9})\]|\[(?P<quote>['"])(?P<quoted>.*?)(?P=quote)\]""", re.DOTALL
)

_CLOSING: Final = {"{": "}", "[": "]"}


class ArgumentsWriter:
    """Pieces of arguments in, JSON text out.

    ::

        writer.add({"jsonPath": "$.place.city", "stringValue": "Bos", "willContinue": True})   {"place":{"city":"Bos
        writer.add({"jsonPath": "$.place.city", "stringValue": "ton"})                         ton"
        writer.end()                                                                           }}
    """

    __slots__ = ("_containers", "_open_string")

    def __init__(self) -> None:
        # The containers that are open, the outermost first: none before the first piece.
        self._containers: list[_Container] = []
        # The path of the string that goes on.
        self._open_string: str | None = None

    def add(self, piece: dict[str, Any]) -> str:
        """The text that a piece adds.

        Raises ValueError for a piece that names no place, or one that is written already.
        """
        path = piece.get("jsonPath")
        if not isinstance(path, str):
            return ""
        value = _value(piece)
        goes_on = piece.get("willContinue") is True and isinstance(value, str)
        text = ""
        if path == self._open_string:
            if isinstance(value, str):
                text = as_text(value)[1:-1]
            if not goes_on:
                text += '"'
                self._open_string = None
            return text
        if value is _NOTHING:
            return ""
        text = self._goto(_steps(path)) + as_text(value)
        if goes_on:
            self._open_string = path
            return text[:-1]
        return text

    def put(self, name: str, value: Any) -> str:
        """The text that a whole argument adds."""
        return self._goto([name]) + as_text(value)

    def end(self) -> str:
        """The text that closes what is open."""
        text = '"' if self._open_string is not None else ""
        self._open_string = None
        if not self._containers:
            return "{}"
        text += "".join(container.closing for container in reversed(self._containers))
        self._containers.clear()
        return text

    def _goto(self, steps: list[str | int]) -> str:
        """The text up to the value at a place: what ends, what begins, and the value's own name."""
        texts: list[str] = []
        if self._open_string is not None:
            texts.append('"')
            self._open_string = None
        if not self._containers:
            texts.append(self._opened(None, steps[0]))
        depth = 0
        while depth + 1 < min(len(self._containers), len(steps)) and self._containers[depth + 1].is_at(steps, depth):
            depth += 1
        texts.extend(container.closing for container in reversed(self._containers[depth + 1 :]))
        del self._containers[depth + 1 :]
        for step, inner in zip(steps[depth:], steps[depth + 1 :], strict=False):
            texts.append(self._containers[-1].entered(step))
            texts.append(self._opened(step, inner))
        texts.append(self._containers[-1].entered(steps[-1]))
        return "".join(texts)

    def _opened(self, step: str | int | None, inner: str | int) -> str:
        opening = "[" if isinstance(inner, int) else "{"
        self._containers.append(_Container(step, opening))
        return opening


class _Container:
    """An object or array that is open: where it stands in the one around it, and what it holds."""

    __slots__ = ("_held", "closing", "opening", "step")

    def __init__(self, step: str | int | None, opening: str) -> None:
        self.step = step
        self.opening = opening
        self.closing = _CLOSING[opening]
        self._held: set[str | int] = set()

    def is_at(self, steps: list[str | int], depth: int) -> bool:
        return self.step == steps[depth] and (self.opening == "[") == isinstance(steps[depth + 1], int)

    def entered(self, step: str | int) -> str:
        """The text before a value of it."""
        if isinstance(step, int) != (self.opening == "["):
            msg = f"{step!r} is no place in what is written as {self.opening}{self.closing}"
            raise ValueError(msg)
        if step in self._held or (isinstance(step, int) and step != len(self._held)):
            msg = f"{step!r} comes out of order"
            raise ValueError(msg)
        comma = "," if self._held else ""
        self._held.add(step)
        return comma if isinstance(step, int) else f"{comma}{as_text(step)}:"


_NOTHING: Final = object()


def _value(piece: dict[str, Any]) -> Any:
    for key in ("stringValue", "numberValue", "boolValue"):
        if key in piece:
            return piece[key]
    return None if "nullValue" in piece else _NOTHING


def _steps(path: str) -> list[str | int]:
    """The names and positions in a path such as `$.places[0].city`."""
    steps: list[str | int] = []
    position = 1 if path.startswith("$") else 0
    if not position:
        path = f".{path}"
    while position < len(path):
        step = _STEP.match(path, position)
        if step is None:
            break
        position = step.end()
        if step["position"] is not None:
            steps.append(int(step["position"]))
        else:
            steps.append(step["name"] if step["quoted"] is None else step["quoted"])
    if not steps or position < len(path) or isinstance(steps[0], int):
        msg = f"{path!r} names no argument"
        raise ValueError(msg)
    return steps
