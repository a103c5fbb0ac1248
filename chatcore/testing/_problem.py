"""What is wrong with a request or with the provider, before any dialect has put it into its own words."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Problem", "RefusedError"]


@dataclass(frozen=True, slots=True)
class Problem:
    """An error to be reported.

    status: of the reply.
    message, kind, code: as the service says them, which has its own usual words for each status; None: those.
    param: what part of the request it is about.
    retry_after: seconds until the request may be sent again; None if that would not help.
    """

    status: int = 400
    message: str | None = None
    kind: str | None = None
    param: str | None = None
    code: str | None = None
    retry_after: float | None = None


class RefusedError(Exception):
    """A request is turned away.

    path: of a request that could not be read to its end, where that much is known.
    """

    def __init__(self, problem: Problem, path: str = "") -> None:
        super().__init__(problem.message)
        self.problem = problem
        self.path = path
