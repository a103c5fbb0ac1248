"""Handlers and the manager that holds them, beside the reference's."""

from __future__ import annotations

import inspect
from uuid import uuid4

import pytest
from langchain_core.callbacks import base as reference

from chatcore.callbacks import base

CLASSES = [name for name in base.__all__ if name != "Callbacks"]
MANAGER = base.BaseCallbackManager


@pytest.mark.parametrize("name", CLASSES)
def test_each_class_has_the_references_methods_with_its_parameters(name: str) -> None:
    theirs, ours = getattr(reference, name), getattr(base, name)
    for method, value in inspect.getmembers(theirs):
        if not method.startswith("_"):
            assert hasattr(ours, method), method
            if inspect.isfunction(value):
                wanted, found = (dict(inspect.signature(each).parameters) for each in (value, getattr(ours, method)))
                # Some methods take `tags` by name in the reference; here it is among the other keywords.
                if "tags" not in found:
                    wanted.pop("tags", None)
                assert [(p.name, p.kind, p.default) for p in found.values()] == [
                    (p.name, p.kind, p.default) for p in wanted.values()
                ]


EVENTS = [name for name in dir(base.BaseCallbackHandler) if name.startswith("on_")]


@pytest.mark.anyio
@pytest.mark.parametrize("event", EVENTS)
async def test_what_a_handler_does_not_override_does_nothing(event: str) -> None:
    asynchronous = getattr(base.AsyncCallbackHandler(), event)
    assert inspect.iscoroutinefunction(asynchronous)
    given = [
        None
        for parameter in inspect.signature(asynchronous).parameters.values()
        if parameter.kind is parameter.POSITIONAL_OR_KEYWORD
    ]
    assert given
    if event == "on_chat_model_start":
        with pytest.raises(NotImplementedError, match="AsyncCallbackHandler does not implement"):
            await asynchronous(*given, run_id=uuid4())
    else:
        assert await asynchronous(*given, run_id=uuid4()) is None
        assert getattr(base.BaseCallbackHandler(), event)(*given, run_id=uuid4()) is None


def test_handlers_are_added_once_set_and_removed() -> None:
    one, two = base.BaseCallbackHandler(), base.BaseCallbackHandler()
    manager = MANAGER([])
    manager.add_handler(one)
    manager.add_handler(one)
    manager.add_handler(two, inherit=False)
    assert (manager.handlers, manager.inheritable_handlers) == ([one, two], [one])
    manager.remove_handler(one)
    manager.remove_handler(one)
    assert (manager.handlers, manager.inheritable_handlers) == ([two], [])
    manager.set_handler(one)
    assert (manager.handlers, manager.inheritable_handlers) == ([one], [one])
    manager.set_handlers([one, two], inherit=False)
    assert (manager.handlers, manager.inheritable_handlers) == ([one, two], [])


def test_tags_and_metadata_are_added_and_removed_as_in_the_reference() -> None:
    seen = []
    for made in (reference.BaseCallbackManager, MANAGER):
        manager = made(handlers=[])
        manager.add_tags(["a", "b"])
        manager.add_tags(["a", "c"], inherit=False)
        manager.remove_tags(["b", "unknown"])
        manager.add_metadata({"x": 1, "y": 2})
        manager.add_metadata({"y": 3}, inherit=False)
        manager.remove_metadata(["x", "unknown"])
        seen.append((manager.tags, manager.inheritable_tags, manager.metadata, manager.inheritable_metadata))
    assert seen[0] == seen[1] == (["a", "c"], [], {"y": 3}, {"y": 2})


def test_a_copy_shares_nothing() -> None:
    handler = base.BaseCallbackHandler()
    manager = MANAGER([handler], [handler], uuid4(), tags=["t"], inheritable_tags=["t"], metadata={"m": 1})
    copied = manager.copy()
    assert vars(copied) == vars(manager)
    copied.handlers.clear()
    copied.inheritable_handlers.clear()
    copied.add_tags(["u"])
    copied.metadata["n"] = 2
    assert (manager.handlers, manager.inheritable_handlers) == ([handler], [handler])
    assert (manager.tags, manager.inheritable_tags, manager.metadata) == (["t"], ["t"], {"m": 1})


def test_two_managers_merge_in_order_each_handler_and_tag_once() -> None:
    one, two, three = (base.BaseCallbackHandler() for _ in range(3))
    left = MANAGER([one, two], [one], uuid4(), tags=["a", "b"], metadata={"x": 1, "y": 1})
    right = MANAGER([three, two], [three, one], uuid4(), tags=["b", "c"], metadata={"y": 2})
    merged = left.merge(right)
    assert merged.handlers == [one, two, three]
    assert merged.inheritable_handlers == [one, three]
    assert merged.parent_run_id == left.parent_run_id
    assert merged.tags == ["a", "b", "c"]
    assert merged.metadata == {"x": 1, "y": 2}
    assert not merged.is_async


def test_handlers_need_not_be_hashable() -> None:
    class Equal(base.BaseCallbackHandler):
        __hash__ = None  # type: ignore[assignment]

        def __eq__(self, other: object) -> bool:
            return self is other

    one = Equal()
    assert MANAGER([one]).merge(MANAGER([one])).handlers == [one]
