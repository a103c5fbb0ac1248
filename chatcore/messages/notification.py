"""Human messages that no human wrote: marked as such, and read again.

An agent's harness adds them to a conversation (a task in the background has finished, a summary of what was said). The
mark is in the message and is not sent to a model. Whoever can write a conversation can set it: it proves nothing.
"""

from __future__ import annotations

from typing import Any, NotRequired

from typing_extensions import TypedDict

from chatcore.messages._roles import HumanMessage
from chatcore.messages._shapes import is_dict
from chatcore.messages.base import BaseMessage

__all__ = ["NotificationMetadata", "add_notification_metadata", "get_notification_metadata"]


class NotificationMetadata(TypedDict):
    """Which feature added a message.

    source: the feature.
    data: what it says besides.
    """

    source: str
    data: NotRequired[dict[str, Any]]


def add_notification_metadata(
    message: HumanMessage, *, source: str, data: dict[str, Any] | None = None
) -> HumanMessage:
    """Return a copy of a message that is marked as added by a program; an earlier mark is replaced.

    message: what the model will read.
    source: the feature that adds it.
    data: what the feature says besides; it must be JSON.
    """
    marked = {key: value for key, value in message.additional_kwargs.items() if key != "lc_data"}
    marked["lc_source"] = source
    if data is not None:
        marked["lc_data"] = {**data}
    return message.model_copy(update={"additional_kwargs": marked})


def get_notification_metadata(message: BaseMessage) -> NotificationMetadata | None:
    """Return which feature added a message; None if no mark says so."""
    source = message.additional_kwargs.get("lc_source")
    if not isinstance(source, str):
        return None
    data = message.additional_kwargs.get("lc_data")
    return {"source": source, "data": {**data}} if is_dict(data) else {"source": source}
