"""Making objects again from the JSON that `dumps` writes, here or in the reference.

Only classes that are allowed are constructed, and nothing else runs: a class is looked up in a table of ours or among
those the caller gives, and never imported by a name that stands in the JSON. What a payload sets of a model's
arguments (an address, a header) takes effect all the same: read JSON that comes from others with
`allowed_objects="messages"` or with the classes you expect.
"""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, TypeAlias, cast

from chatcore.errors import ConfigurationError, InvalidInputError, UnsupportedError
from chatcore.load._format import ESCAPED, MAX_CHARACTERS, MAX_DEPTH, is_escaped
from chatcore.load._homes import MESSAGES, home_of
from chatcore.load.serializable import Serializable

__all__ = ["AllowedObject", "InitValidator", "Reviver", "default_init_validator", "load", "loads"]

AllowedObject: TypeAlias = type[Serializable]
"""A class that may be constructed."""

InitValidator: TypeAlias = Callable[[tuple[str, ...], dict[str, Any]], None]
"""Called with a class's id and its arguments before it is constructed; raises if it must not be."""

Path: TypeAlias = tuple[str, ...]
"""A class's id, or its module's path and its name."""

Allowed: TypeAlias = Iterable[AllowedObject] | Literal["all", "core", "messages"] | None
"""Which classes may be constructed: those of a list, or a tier of ours."""

_NAMESPACES = ("chatcore", "langchain", "langchain_core", "langchain_openai")


def default_init_validator(class_path: Path, kwargs: dict[str, Any]) -> None:
    """Refuse templates that can run code.

    Args:
        class_path: the id of the class.
        kwargs: its arguments.

    Raises:
        ValueError: the template format is jinja2.
    """
    if kwargs.get("template_format") == "jinja2":
        msg = (
            f"Jinja2 templates are not allowed when objects are loaded, for they can run code: {'.'.join(class_path)}."
            " Use the template format 'f-string', or give an init_validator of your own."
        )
        raise InvalidInputError(msg)


class Reviver:
    """Makes an object of each dict that stands for one; the arguments are those of `load`."""

    def __init__(
        self,
        allowed_objects: Allowed = None,
        secrets_map: Mapping[str, str] | None = None,
        valid_namespaces: list[str] | None = None,
        secrets_from_env: bool = False,  # noqa: FBT001, FBT002 - as above
        additional_import_mappings: Mapping[Path, Path] | None = None,
        *,
        ignore_unserializable_fields: bool = False,
        init_validator: InitValidator | None = default_init_validator,
    ) -> None:
        self._secrets = secrets_map or {}
        self._secrets_from_env = secrets_from_env
        self._namespaces = {*_NAMESPACES, *(valid_namespaces or ())}
        self._mappings = additional_import_mappings or {}
        self._ignores_unserializable = ignore_unserializable_fields
        self._init_validator = init_validator
        allowed = "core" if allowed_objects is None else allowed_objects
        self._tier = allowed if isinstance(allowed, str) else None
        self._classes: dict[Path, AllowedObject] = {}
        if not isinstance(allowed, str):
            self._classes = {tuple(_checked(cls).lc_id()): cls for cls in allowed}
        elif allowed not in ("all", "core", "messages"):
            msg = f"allowed_objects must be 'all', 'core', 'messages' or a list of classes, not {allowed!r}."
            raise ConfigurationError(msg)

    def __call__(self, value: dict[str, Any]) -> Any:
        """Return the object that the dict stands for, or the dict, if it stands for none.

        Args:
            value: the dict; what stands within it is already revived.

        Raises:
            ValueError: its class is unknown or not allowed, or its form is wrong.
            NotImplementedError: it was written as one that cannot be made again.
        """
        if value.get("lc") != 1 or value.get("id") is None:
            return value
        match value.get("type"):
            case "constructor":
                return self._object(value)
            case "secret":
                return self._secret(value)
            case "not_implemented":
                return self._unserializable(value)
            case _:
                return value

    def _secret(self, value: dict[str, Any]) -> str | None:
        path = _path_of(value)
        if len(path) != 1:
            msg = f"A secret is known by one name, not by {path!r}."
            raise InvalidInputError(msg)
        name = path[0]
        if name in self._secrets:
            return self._secrets[name]
        return (os.environ.get(name) or None) if self._secrets_from_env else None

    def _unserializable(self, value: dict[str, Any]) -> None:
        if not self._ignores_unserializable:
            msg = (
                "Trying to load an object that doesn't implement serialization:"
                f" {value.get('repr') or value['id']!r}. ignore_unserializable_fields=True reads it as None."
            )
            raise UnsupportedError(msg)

    def _object(self, value: dict[str, Any]) -> Serializable:
        path = _path_of(value)
        cls = self._class(path)
        arguments: Any = value.get("kwargs", {})
        if not isinstance(arguments, dict):
            msg = f"The kwargs of {'.'.join(path)} must be a dict, not a {type(arguments).__name__}."
            raise InvalidInputError(msg)
        given = cast("dict[str, Any]", arguments)
        if self._init_validator is not None:
            self._init_validator(path, given)
        return cls(**given)

    def _class(self, path: Path) -> AllowedObject:
        target = tuple(self._mappings.get(path, path))
        home = home_of(target)
        if self._tier is None:
            cls = self._classes.get(target)
            if cls is None and home is not None:
                cls = self._classes.get((*home.namespaces[0], target[-1]))
            if cls is not None:
                return cls
        elif home is not None:
            if self._tier == "all" or (home.is_core if self._tier == "core" else target[-1] in MESSAGES):
                return _imported(home.module, target[-1], path)
        elif path in self._mappings:
            # The caller, not the JSON, has named this module.
            if target[0] not in self._namespaces:
                msg = f"Invalid namespace: {'.'.join(target)}. Add {target[0]!r} to valid_namespaces."
                raise InvalidInputError(msg)
            return _imported(".".join(target[:-1]), target[-1], path)
        if path[0] not in self._namespaces:
            msg = (
                f"Invalid namespace: {'.'.join(path)} is not allowed: it is no class of chatcore."
                " Give the class itself in allowed_objects=[...]."
            )
            raise InvalidInputError(msg)
        allowed = repr(self._tier) if self._tier else [cls.__name__ for cls in self._classes.values()]
        known = "" if home else ", and is not known here"
        msg = (
            f"Deserialization of {path!r} is not allowed{known}. allowed_objects={allowed} was asked for:"
            " give the classes you expect as allowed_objects=[...]; 'all' has the models of providers as well."
        )
        raise InvalidInputError(msg)


def loads(  # noqa: PLR0913 - the reference's signature
    text: str,
    *,
    allowed_objects: Allowed = None,
    secrets_map: Mapping[str, str] | None = None,
    valid_namespaces: list[str] | None = None,
    secrets_from_env: bool = False,
    additional_import_mappings: Mapping[Path, Path] | None = None,
    ignore_unserializable_fields: bool = False,
    init_validator: InitValidator | None = default_init_validator,
) -> Any:
    """Make an object again from a JSON text; `load` of what it holds.

    Args:
        text: what `dumps` has written.
        allowed_objects: as for `load`.
        secrets_map: as for `load`.
        valid_namespaces: as for `load`.
        secrets_from_env: as for `load`.
        additional_import_mappings: as for `load`.
        ignore_unserializable_fields: as for `load`.
        init_validator: as for `load`.

    Raises:
        ValueError: the text is no JSON, too long, or nested too deeply; or as for `load`.
        NotImplementedError: as for `load`.
    """
    if len(text) > MAX_CHARACTERS:
        msg = f"The text has {len(text)} characters; at most {MAX_CHARACTERS} are read."
        raise InvalidInputError(msg)
    try:
        value = json.loads(text)
    except RecursionError:
        raise _too_deep() from None
    return load(
        value,
        allowed_objects=allowed_objects,
        secrets_map=secrets_map,
        valid_namespaces=valid_namespaces,
        secrets_from_env=secrets_from_env,
        additional_import_mappings=additional_import_mappings,
        ignore_unserializable_fields=ignore_unserializable_fields,
        init_validator=init_validator,
    )


def load(  # noqa: PLR0913 - the reference's signature
    obj: Any,
    *,
    allowed_objects: Allowed = None,
    secrets_map: Mapping[str, str] | None = None,
    valid_namespaces: list[str] | None = None,
    secrets_from_env: bool = False,
    additional_import_mappings: Mapping[Path, Path] | None = None,
    ignore_unserializable_fields: bool = False,
    init_validator: InitValidator | None = default_init_validator,
) -> Any:
    """Make objects again from what `dumpd` has returned.

    Args:
        obj: dicts, lists and plain values, as `dumpd` or `json.loads` returns them.
        allowed_objects: the classes that may be constructed; or `"messages"`: those of today's conversations; `"core"`
            (the default): chatcore's own but for providers; `"all"`: those as well.
        secrets_map: secrets by their names.
        valid_namespaces: further packages that `additional_import_mappings` may lead to.
        secrets_from_env: whether a secret that is not in the map is read from the environment variable of its name. The
            JSON says which: leave it off for JSON that comes from others.
        additional_import_mappings: for ids, the module path and class to construct instead.
        ignore_unserializable_fields: whether what could not be written is read as None, and not refused.
        init_validator: called before each construction; by default it refuses jinja2 templates. None: no check.

    Returns:
        What `dumpd` was given, but for secrets that are not known (None) and tuples (lists).

    Raises:
        ValueError: a class is unknown or not allowed, its arguments are wrong, or the JSON is nested too deeply.
        NotImplementedError: something in it cannot be made again.
    """
    reviver = Reviver(
        allowed_objects,
        secrets_map,
        valid_namespaces,
        secrets_from_env,
        additional_import_mappings,
        ignore_unserializable_fields=ignore_unserializable_fields,
        init_validator=init_validator,
    )
    return _loaded(obj, reviver, 0)


def _loaded(value: Any, reviver: Reviver, depth: int) -> Any:
    # What holds arguments is two levels of JSON to one of objects: twice what may be written.
    if depth > 2 * MAX_DEPTH:
        raise _too_deep()
    if isinstance(value, dict):
        held = cast("dict[str, Any]", value)
        # Before anything within: what stands under an escape is a user's data.
        if is_escaped(held):
            return held[ESCAPED]
        return reviver({key: _loaded(item, reviver, depth + 1) for key, item in held.items()})
    if isinstance(value, list):
        return [_loaded(item, reviver, depth + 1) for item in cast("list[Any]", value)]
    return value


def _too_deep() -> InvalidInputError:
    return InvalidInputError(f"The JSON is nested more than {2 * MAX_DEPTH} levels deep.")


def _path_of(value: dict[str, Any]) -> Path:
    path: Any = value["id"]
    if not isinstance(path, list) or len(cast("list[Any]", path)) == 0:
        msg = f"An id is a list of names, not {path!r}."
        raise InvalidInputError(msg)
    names = cast("list[Any]", path)
    if not all(isinstance(name, str) for name in names):
        msg = f"An id is a list of names, not {path!r}."
        raise InvalidInputError(msg)
    return tuple(names)


def _checked(cls: Any) -> AllowedObject:
    if not isinstance(cls, type) or not issubclass(cls, Serializable):
        msg = f"allowed_objects must contain Serializable subclasses, not {cls!r}."
        raise TypeError(msg)
    return cls


def _imported(module: str, name: str, path: Path) -> AllowedObject:
    cls = getattr(importlib.import_module(module), name, None)
    if not isinstance(cls, type) or not issubclass(cls, Serializable):
        msg = f"Invalid namespace: {'.'.join(path)} is no Serializable class of {module}."
        raise InvalidInputError(msg)
    return cls
