"""What holds for the whole process: the cache of models that name none, and how much is told of what runs."""

from __future__ import annotations

from typing import Any

from chatcore.errors import WrongTypeError

__all__ = ["get_debug", "get_llm_cache", "get_verbose", "set_debug", "set_llm_cache", "set_verbose"]

_llm_cache: Any = None
_debug = False
_verbose = False


def set_llm_cache(value: Any) -> None:
    """Set the cache of all models whose `cache` is None or True.

    Args:
        value: a `chatcore.caches.BaseCache`; None: no cache.

    Raises:
        WrongTypeError: it is no cache.
    """
    if value is not None and not hasattr(value, "alookup"):
        # Known by its method, since caches are on a floor above.
        msg = f"set_llm_cache takes a cache, such as chatcore.caches.InMemoryCache(), not {type(value).__name__}."
        raise WrongTypeError(msg)
    global _llm_cache  # noqa: PLW0603 - a setting of the process
    _llm_cache = value


def get_llm_cache() -> Any:
    """Return the cache that `set_llm_cache` has set, or None."""
    return _llm_cache


def set_debug(value: bool) -> None:  # noqa: FBT001 - the reference's signature
    """Set whether every run is told on the console, with its input and output.

    Args:
        value: whether it is.
    """
    global _debug  # noqa: PLW0603 - as above
    _debug = value


def get_debug() -> bool:
    """Return what `set_debug` has set; False if it has not."""
    return _debug


def set_verbose(value: bool) -> None:  # noqa: FBT001 - the reference's signature
    """Set whether the main steps are told on the console.

    Args:
        value: whether they are.
    """
    global _verbose  # noqa: PLW0603 - as above
    _verbose = value


def get_verbose() -> bool:
    """Return what `set_verbose` has set; False if it has not."""
    return _verbose
