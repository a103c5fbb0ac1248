"""What has come so far, for any number of readers: each reads from the start, at its own pace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar, cast

from chatcore.errors import TypedStreamError

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["REPLAY_LIMIT", "Replay"]

T = TypeVar("T")
W = TypeVar("W")

REPLAY_LIMIT = 100_000
"""How many items are kept for readers to come, if nobody says otherwise: some hours of any model's speech."""


class Replay(Generic[T, W]):
    """Items in order, the latest `limit` of them kept; then the whole, or an error.

    limit: at least 1. What falls out is lost for those who have not read it; they get an error, not a gap.
    """

    __slots__ = ("_dropped", "_items", "_traceback", "_whole", "done", "error", "limit")

    def __init__(self, limit: int = REPLAY_LIMIT) -> None:
        self.limit = limit
        self.done = False
        self.error: BaseException | None = None
        self._items: list[T] = []
        self._dropped = 0
        self._whole: W | None = None
        self._traceback: TracebackType | None = None

    def __len__(self) -> int:
        """How many items have come, those that were dropped included."""
        return self._dropped + len(self._items)

    def push(self, item: T) -> None:
        """Take the next item."""
        items = self._items
        items.append(item)
        if len(items) >= 2 * self.limit:
            # In large strides, so that an item costs the same however many are kept.
            self._dropped += len(items) - self.limit
            del items[: -self.limit]

    def complete(self, whole: W) -> None:
        """There will be no more: this is the whole."""
        self._whole = whole
        self.done = True

    def fail(self, error: BaseException) -> None:
        """There will be no more: `error` came instead."""
        self.error = error
        self._traceback = error.__traceback__
        self.done = True

    def has(self, position: int) -> bool:
        """Whether the item at `position` is here.

        Raises:
            TypedStreamError: it was here, and is no longer kept.
        """
        count = self._dropped + len(self._items)
        if position < count - self.limit:
            msg = (
                f"A reader is too far behind: {count} items have come, it has read {position}, and the latest"
                f" {self.limit} are kept. Read faster, begin to read before the stream is far ahead, or raise"
                " replay_limit."
            )
            raise TypedStreamError(msg)
        return position < count

    def at(self, position: int) -> T:
        """The item at `position`, which `has` has found."""
        return self._items[position - self._dropped]

    def kept(self) -> list[T]:
        """The items that are still kept."""
        return self._items[-self.limit :]

    def check(self) -> None:
        """Raise the error, if one came."""
        error = self.error
        if error is not None:
            # Every reader raises it; each with the way to where it came from, and not with those of the others.
            raise error.with_traceback(self._traceback)

    def whole(self) -> W:
        """The whole.

        Raises:
            Exception: what came instead.
        """
        self.check()
        return cast("W", self._whole)
