"""Writing objects as JSON, in the reference's format.

Each object of a `Serializable` class becomes `{"lc": 1, "type": "constructor", "id": [...], "kwargs": {...}}`. Users'
dicts that look like one (they have a key `"lc"`) are wrapped as `{"__lc_escaped__": {...}}`, so that they come back as
the data they are: nothing that a model or a user has said is ever taken for an object.
"""

from __future__ import annotations

import json
from typing import Any, cast

from pydantic import BaseModel

from chatcore.errors import ConfigurationError, InvalidInputError
from chatcore.load._format import ESCAPED, MAX_DEPTH, SecretMarker
from chatcore.load.serializable import Serializable, to_json_not_implemented

__all__ = ["default", "dumpd", "dumps"]

_KEYS = (str, int, float, bool, type(None))


def dumps(obj: Any, *, pretty: bool = False, **kwargs: Any) -> str:
    """Return an object as a JSON text that `loads` reads, here and in the reference. Secrets are not in it.

    Args:
        obj: messages, models, or lists and dicts of them; anything.
        pretty: whether to indent it, by 2 or by `indent=`.
        **kwargs: what `json.dumps` takes, but for `default`.

    Raises:
        ValueError: `default` was given, or the object is nested too deeply or within itself.
    """
    if "default" in kwargs:
        msg = "`default` should not be passed to dumps: it has its own way to write what JSON does not know."
        raise ConfigurationError(msg)
    if pretty:
        kwargs.setdefault("indent", 2)
    return json.dumps(dumpd(obj), **kwargs)


def dumpd(obj: Any) -> Any:
    """Return an object as what `dumps` writes: dicts, lists and plain values, that `load` reads.

    Args:
        obj: messages, models, or lists and dicts of them; anything.

    Raises:
        ValueError: the object is nested too deeply, or within itself.
    """
    return _written(obj, 0)


def default(obj: Any) -> Any:
    """Return an object as its constructor, with its arguments as they are: for `json.dumps(default=...)`."""
    return obj.to_json() if isinstance(obj, Serializable) else to_json_not_implemented(obj)


def _written(value: Any, depth: int) -> Any:
    if value is None or isinstance(value, str | int | float):
        return value
    if depth > MAX_DEPTH:
        msg = f"This {type(value).__name__} is nested more than {MAX_DEPTH} levels deep, or within itself."
        raise InvalidInputError(msg)
    if isinstance(value, Serializable):
        return _object(value, depth + 1)
    if isinstance(value, SecretMarker):
        return dict(value)
    if isinstance(value, dict):
        return _dict(cast("dict[Any, Any]", value), depth + 1)
    if isinstance(value, list | tuple):
        return [_written(item, depth + 1) for item in cast("list[Any]", value)]
    return to_json_not_implemented(cast("object", value))


def _object(value: Serializable, depth: int) -> dict[str, Any]:
    written: dict[str, Any] = {**value.to_json()}
    arguments: dict[str, Any] | None = written.get("kwargs") if written["type"] == "constructor" else None
    if arguments is not None:
        written["kwargs"] = {
            name: _written(_parsed_as_dict(given) if name == "additional_kwargs" else given, depth + 1)
            for name, given in arguments.items()
        }
    return written


def _parsed_as_dict(additional: Any) -> Any:
    """A structured answer is kept beside its message as a pydantic object, which comes back as a dict."""
    if not isinstance(additional, dict):
        return additional
    held = cast("dict[str, Any]", additional)
    parsed = held.get("parsed")
    if isinstance(parsed, BaseModel) and not isinstance(parsed, Serializable):
        return {**held, "parsed": parsed.model_dump()}
    return held


def _dict(value: dict[Any, Any], depth: int) -> Any:
    if not all(isinstance(key, _KEYS) for key in value):
        return to_json_not_implemented(value)
    if "lc" in value or (len(value) == 1 and ESCAPED in value):
        return {ESCAPED: _verbatim(value, depth)}
    return {key: _written(item, depth) for key, item in value.items()}


def _verbatim(value: Any, depth: int) -> Any:
    """What stands under an escape, which is read back as it is."""
    if value is None or isinstance(value, str | int | float):
        return value
    if depth > MAX_DEPTH:
        msg = f"This {type(value).__name__} is nested more than {MAX_DEPTH} levels deep, or within itself."
        raise InvalidInputError(msg)
    if isinstance(value, dict):
        inner = cast("dict[Any, Any]", value)
        if all(isinstance(key, _KEYS) for key in inner):
            return {key: _verbatim(item, depth + 1) for key, item in inner.items()}
    if isinstance(value, list | tuple):
        return [_verbatim(item, depth + 1) for item in cast("list[Any]", value)]
    return to_json_not_implemented(cast("object", value))
