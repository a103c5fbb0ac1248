"""`RunnableConfig`, and what code that handles configs itself needs: completed, merged, patched, one for each input."""

from __future__ import annotations

import warnings
from collections.abc import Awaitable, Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import Context, copy_context
from functools import partial
from typing import Any, ParamSpec, TypeVar, cast

import anyio

from chatcore.callbacks._seam import with_handlers
from chatcore.callbacks.base import BaseCallbackManager
from chatcore.engine.runs import Ambient, ambient
from chatcore.engine.threads import in_thread
from chatcore.errors import InvalidInputError
from chatcore.runnables._config import RunnableConfig
from chatcore.runnables.utils import accepts_config, accepts_run_manager

__all__ = [
    "CONFIG_KEYS",
    "COPIABLE_KEYS",
    "DEFAULT_RECURSION_LIMIT",
    "ContextThreadPoolExecutor",
    "RunnableConfig",
    "acall_func_with_variable_args",
    "call_func_with_variable_args",
    "ensure_config",
    "get_config_list",
    "get_executor_for_config",
    "merge_configs",
    "patch_config",
    "run_in_executor",
    "set_config_context",
]

P = ParamSpec("P")
R = TypeVar("R")

CONFIG_KEYS = [
    "tags",
    "metadata",
    "callbacks",
    "run_name",
    "max_concurrency",
    "recursion_limit",
    "configurable",
    "run_id",
]
"""The keys of a config. Any other key is taken for one of `configurable`."""

COPIABLE_KEYS = ["tags", "metadata", "callbacks", "configurable"]
"""The keys whose values are copied, so that whoever adds to them changes nobody else's."""

DEFAULT_RECURSION_LIMIT = 25
"""How deep functions that return runnables may go."""

_SHOWN = ("model", "checkpoint_ns")
"""What of `configurable` listeners find in the metadata too."""


def ensure_config(config: RunnableConfig | None = None) -> RunnableConfig:
    """A config with all its keys: given ones, else those of the call around this code, else the defaults.

    Args:
        config: a config; it is not changed. Keys that no config has are taken for keys of `configurable`.
    """
    complete: dict[str, Any] = {
        "tags": [],
        "metadata": {},
        "callbacks": None,
        "recursion_limit": DEFAULT_RECURSION_LIMIT,
        "configurable": {},
    }
    around = ambient.get()
    if around is not None:
        complete.update(_copied(around.config))
    given: Mapping[str, Any] = config or {}
    complete.update(_copied({key: value for key, value in given.items() if key in CONFIG_KEYS}))
    complete["configurable"].update(
        {key: value for key, value in given.items() if key not in CONFIG_KEYS and value is not None}
    )
    for key in _SHOWN:
        shown = complete["configurable"].get(key)
        if isinstance(shown, str):
            complete["metadata"].setdefault(key, shown)
    return cast("RunnableConfig", complete)


def _copied(config: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value.copy() if key in COPIABLE_KEYS else value for key, value in config.items() if value is not None}


def merge_configs(*configs: RunnableConfig | None) -> RunnableConfig:
    """Several configs as one: tags and callbacks are joined, metadata and `configurable` merged, later ones win.

    Args:
        *configs: the configs; None is an empty one.
    """
    merged: dict[str, Any] = {}
    for config in configs:
        if config is not None:
            for key, value in ensure_config(config).items():
                if key in _MERGED and value is not None:
                    merged[key] = _MERGED[key](merged.get(key), value)
                elif key == "recursion_limit":
                    # The default is no one's wish.
                    merged.update({key: value} if value != DEFAULT_RECURSION_LIMIT else {})
                elif key not in _MERGED:
                    merged[key] = value or merged.get(key)
    return cast("RunnableConfig", merged)


def _merged_metadata(base: Mapping[str, Any] | None, over: Mapping[str, Any]) -> dict[str, Any]:
    base = base or {}
    # Versions of packages come from several places, and all are kept.
    merged = {**base, **over}
    versions, more = base.get("lc_versions"), over.get("lc_versions")
    if isinstance(more, Mapping) or ("lc_versions" not in over and isinstance(versions, Mapping)):
        given = cast("tuple[Mapping[str, Any] | None, ...]", (versions, more))
        known = [one for one in given if isinstance(one, Mapping)]
        merged["lc_versions"] = {name: version for one in known for name, version in one.items()}
    return merged


def _merged_values(base: Mapping[str, Any] | None, over: Mapping[str, Any]) -> dict[str, Any]:
    return {**(base or {}), **over}


def _merged_callbacks(base: Any, over: Any) -> Any:
    """Both: a manager if one of them is, else a list."""
    if base is None:
        return over.copy()
    if isinstance(over, BaseCallbackManager):
        return base.merge(over) if isinstance(base, BaseCallbackManager) else with_handlers(over, base)
    return with_handlers(base, over)


_MERGED: dict[str, Callable[[Any, Any], Any]] = {
    "tags": lambda base, over: sorted({*(base or ()), *over}),
    "metadata": _merged_metadata,
    "callbacks": _merged_callbacks,
    "configurable": _merged_values,
}
"""How the values of a key are merged: what there is so far (None: nothing), and what comes upon it."""


def patch_config(
    config: RunnableConfig | None,
    *,
    callbacks: BaseCallbackManager | None = None,
    recursion_limit: int | None = None,
    max_concurrency: int | None = None,
    run_name: str | None = None,
    configurable: dict[str, Any] | None = None,
) -> RunnableConfig:
    """A completed copy of a config with some keys set.

    Args:
        config: the config; it is not changed.
        callbacks: the manager of the calls made within this one; the name and id, which are this call's, go.
        recursion_limit: how deep functions that return runnables may go.
        max_concurrency: how many calls of a batch run at once.
        run_name: the call's name.
        configurable: values upon those that are there.
    """
    patched = cast("dict[str, Any]", ensure_config(config))
    if callbacks is not None:
        patched["callbacks"] = callbacks
        patched.pop("run_name", None)
        patched.pop("run_id", None)
    given = {"recursion_limit": recursion_limit, "max_concurrency": max_concurrency, "run_name": run_name}
    patched.update({key: value for key, value in given.items() if value is not None})
    if configurable is not None:
        patched["configurable"] = {**patched["configurable"], **configurable}
    return cast("RunnableConfig", patched)


def get_config_list(config: RunnableConfig | Sequence[RunnableConfig] | None, length: int) -> list[RunnableConfig]:
    """One completed config for each input of a batch.

    Args:
        config: one for all, or one for each. A `run_id` of one for all is that of the first call only.
        length: how many inputs there are.

    Raises:
        InvalidInputError: there is another number of configs, or `length` is negative.
    """
    if length < 0:
        msg = f"length must be >= 0, but got {length}."
        raise InvalidInputError(msg)
    if isinstance(config, Sequence):
        if len(config) != length:
            msg = (
                f"config must be a list of the same length as inputs, but got {len(config)} configs for {length}"
                " inputs; give one for each, or one for all."
            )
            raise InvalidInputError(msg)
        return [ensure_config(one) for one in config]
    if config is None or config.get("run_id") is None or length < 2:
        return [ensure_config(config) for _ in range(length)]
    warnings.warn("Provided run_id be used only for the first element of the batch.", RuntimeWarning, stacklevel=2)
    others = cast("RunnableConfig", {key: value for key, value in config.items() if key != "run_id"})
    return [ensure_config(config), *(ensure_config(others) for _ in range(length - 1))]


# ------------------------------------------------------------------------------------------------------------- calling


@contextmanager
def set_config_context(config: RunnableConfig) -> Generator[Context]:
    """Give a copy of the current context in which calls that are handed no config find `config`."""
    context = copy_context()
    around = ambient.get()
    context.run(ambient.set, Ambient(config, () if around is None else around.heard_by))
    yield context


def call_func_with_variable_args(
    func: Callable[..., R], input: Any, config: RunnableConfig, run_manager: Any = None, **kwargs: Any
) -> R:
    """Call a function with an input, and with `config` and `run_manager` as far as it has parameters for them.

    Args:
        func: the function.
        input: its first argument.
        config: the call's config; the function gets that of calls made within.
        run_manager: the manager of this call's run.
        **kwargs: more arguments.
    """
    if accepts_config(func):
        # A run that nobody follows has no children either.
        heard = run_manager is not None and run_manager.inheritable_handlers
        kwargs["config"] = patch_config(config, callbacks=cast("Any", run_manager).get_child()) if heard else config
    if run_manager is not None and accepts_run_manager(func):
        kwargs["run_manager"] = run_manager
    return func(input, **kwargs)


def acall_func_with_variable_args(
    func: Callable[..., Awaitable[R]], input: Any, config: RunnableConfig, run_manager: Any = None, **kwargs: Any
) -> Awaitable[R]:
    """`call_func_with_variable_args` for an async function; the result is to be awaited."""
    return call_func_with_variable_args(func, input, config, run_manager, **kwargs)


class ContextThreadPoolExecutor(ThreadPoolExecutor):
    """A thread pool whose calls find the context variables of the code that submits them."""

    def submit(self, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """Have a call made in a thread, in a copy of the current context."""
        return super().submit(cast("Callable[..., R]", partial(copy_context().run, fn, *args, **kwargs)))

    def map(
        self, fn: Callable[..., R], *iterables: Iterable[Any], timeout: float | None = None, chunksize: int = 1
    ) -> Iterator[R]:
        """As `Executor.map`, each call in a copy of the current context."""
        # What `ThreadPoolExecutor.map` calls is `submit`.
        return super().map(fn, *iterables, timeout=timeout, chunksize=chunksize)


@contextmanager
def get_executor_for_config(config: RunnableConfig | None) -> Generator[Executor]:
    """A thread pool with as many threads as the config's `max_concurrency` says, for a `with` block."""
    with ContextThreadPoolExecutor(max_workers=(config or {}).get("max_concurrency")) as executor:
        yield executor


async def run_in_executor(
    executor_or_config: Executor | RunnableConfig | None,
    func: Callable[P, R],
    *args: P.args,
    **kwargs: P.kwargs,
) -> R:
    """Await a sync call made in a worker thread; context variables travel there.

    Args:
        executor_or_config: an executor to run it in; with a config or None it is one of chatcore's worker threads.
        func: the function.
        *args: its arguments.
        **kwargs: its arguments by name.

    Raises:
        RuntimeError: the function let a `StopIteration` escape, which no coroutine can raise.
    """
    act = partial(_without_stop, partial(func, *args, **kwargs))
    if not isinstance(executor_or_config, Executor):
        return await in_thread(act)
    future = executor_or_config.submit(copy_context().run, act)
    # Waited for in a thread: a future of `concurrent.futures` belongs to no event loop.
    return await anyio.to_thread.run_sync(future.result, abandon_on_cancel=True)


def _without_stop(act: Callable[[], R]) -> R:
    try:
        return act()
    except StopIteration as error:
        msg = "A StopIteration escaped from a function that runs in a worker thread."
        raise RuntimeError(msg) from error
