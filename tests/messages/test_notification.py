"""Messages that no human wrote."""

from __future__ import annotations

from chatcore.messages import AIMessage, HumanMessage, add_notification_metadata, get_notification_metadata


def test_a_mark_is_read_again_and_is_the_copys_own() -> None:
    message, data = HumanMessage("a", id="m"), {"task": 1}
    marked = add_notification_metadata(message, source="tasks", data=data)
    assert get_notification_metadata(marked) == {"source": "tasks", "data": {"task": 1}}
    assert get_notification_metadata(message) is None
    data["task"] = 2
    found = get_notification_metadata(marked)
    assert found is not None
    found["data"]["task"] = 3
    assert get_notification_metadata(marked) == {"source": "tasks", "data": {"task": 1}}


def test_a_later_mark_replaces_an_earlier_one() -> None:
    marked = add_notification_metadata(add_notification_metadata(HumanMessage("a"), source="x", data={}), source="y")
    assert get_notification_metadata(marked) == {"source": "y"}


def test_what_is_no_mark_is_none() -> None:
    for additional in ({"lc_source": 1}, {"lc_data": {}}, {}):
        assert get_notification_metadata(AIMessage("a", additional_kwargs=additional)) is None
    assert get_notification_metadata(AIMessage("a", additional_kwargs={"lc_source": "s", "lc_data": 1})) == {
        "source": "s"
    }
