"""`RunnableConfig`: what a call carries besides its input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict, cast

from chatcore.callbacks._hooks import HOOKS
from chatcore.callbacks._seam import found_by_hooks, with_handlers
from chatcore.engine.runs import Ambient, ambient
from chatcore.errors import InvalidInputError
from chatcore.globals import get_debug

if TYPE_CHECKING:
    import uuid

__all__ = ["RunnableConfig", "check_config", "check_configs"]


class RunnableConfig(TypedDict, total=False):
    """What a call carries besides its input; every key may be absent. It goes on to all calls made within the call.

    tags: labels of the call.
    metadata: JSON-like facts about the call.
    run_name: a name for the call.
    run_id: an id for the call.
    max_concurrency: how many calls of a batch run at once.
    recursion_limit: how deep functions that return runnables may go; 25 if absent.
    configurable: values for what was made configurable.
    callbacks: handlers of events.
    """

    tags: list[str]
    metadata: dict[str, Any]
    run_name: str
    run_id: uuid.UUID | None
    max_concurrency: int | None
    recursion_limit: int
    configurable: dict[str, Any]
    callbacks: Any


_EMPTY: RunnableConfig = {}


def check_config(config: RunnableConfig | None) -> RunnableConfig:
    """The config of a call, refused with a reason if it is none.

    Raises:
        InvalidInputError: it is not a mapping, or `max_concurrency` is not a positive whole number.
    """
    around = ambient.get()
    if config is None:
        if around is None and not (HOOKS or get_debug()):
            return _EMPTY
        return _found(around, _EMPTY)
    given: object = config
    if not isinstance(given, Mapping):
        msg = f"config must be a dict (a RunnableConfig), not {type(given).__name__}. Keyword arguments go by name."
        raise InvalidInputError(msg)
    limit: object = config.get("max_concurrency")
    if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 1):
        msg = f"config['max_concurrency'] must be a whole number of at least 1, or None, not {limit!r}."
        raise InvalidInputError(msg)
    return config if around is None and not (HOOKS or get_debug()) else _found(around, config)


def _found(around: Ambient | None, config: RunnableConfig) -> RunnableConfig:
    """The config with what it is not handed: that of the call around it, and who hears every call."""
    found: Mapping[str, Any] = config
    if around is not None:
        found = {**around.config, **{key: value for key, value in config.items() if value is not None}}
        if around.heard_by:
            found["callbacks"] = with_handlers(found.get("callbacks"), around.heard_by)
    return cast("RunnableConfig", found_by_hooks(found) if HOOKS or get_debug() else found)


def check_configs(
    config: RunnableConfig | Sequence[RunnableConfig] | None, inputs: object
) -> RunnableConfig | list[RunnableConfig]:
    """The config of a batch: one for all inputs, or as many as there are inputs.

    Raises:
        InvalidInputError: their number is not that of the inputs, or one of them is no config.
    """
    if config is None or isinstance(config, Mapping) or not isinstance(config, Sequence):
        return check_config(config)
    configs = [check_config(one) for one in config]
    if isinstance(inputs, Sequence) and len(configs) != len(cast("Sequence[object]", inputs)):
        count = len(cast("Sequence[object]", inputs))
        msg = f"There are {len(configs)} configs for {count} inputs; give one for each, or one for all."
        raise InvalidInputError(msg)
    return configs
