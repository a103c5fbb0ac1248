"""What can be written as JSON, in the reference's format, and made again from it."""

from __future__ import annotations

import contextlib
from typing import Any, Literal, NotRequired, cast, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from typing_extensions import TypedDict

from chatcore.load._format import SecretMarker

__all__ = [
    "BaseSerialized",
    "Serializable",
    "SerializedConstructor",
    "SerializedNotImplemented",
    "SerializedSecret",
    "to_json_not_implemented",
    "try_neq_default",
]


class BaseSerialized(TypedDict):
    """What every written object has.

    lc: the version of the format; 1.
    id: the path of the class, or the name of a secret.
    name: what the object is called.
    graph: unused here; kept for what the reference has written.
    """

    lc: int
    id: list[str]
    name: NotRequired[str]
    graph: NotRequired[dict[str, Any]]


class SerializedConstructor(BaseSerialized):
    """An object: its class, and the arguments that make it again."""

    type: Literal["constructor"]
    kwargs: dict[str, Any]


class SerializedSecret(BaseSerialized):
    """The place of a secret, which is never written itself."""

    type: Literal["secret"]


class SerializedNotImplemented(BaseSerialized):
    """An object that cannot be made again.

    repr: what it looked like, for people.
    """

    type: Literal["not_implemented"]
    repr: str | None


class Serializable(BaseModel):
    """The base of pydantic models that `dumps` writes as constructors and `loads` makes again.

    A subclass says that it may be written, and what in it is secret::

        class Recipe(Serializable):
            name: str
            key: SecretStr

            @classmethod
            def is_lc_serializable(cls) -> bool:
                return True

            @property
            def lc_secrets(self) -> dict[str, str]:
                return {"key": "RECIPE_KEY"}
    """

    @classmethod
    def is_lc_serializable(cls) -> bool:
        """Whether objects of this class may be written as constructors. A subclass does not inherit it by accident."""
        return False

    @classmethod
    def get_lc_namespace(cls) -> list[str]:
        """The path before the class's name in its id; by default its module's."""
        return cls.__module__.split(".")

    @classmethod
    def lc_id(cls) -> list[str]:
        """What the class is called in JSON: its namespace and its name."""
        # A parametrized generic has a name of its own, and is made again as its origin.
        origin = cls.__pydantic_generic_metadata__["origin"]
        return [*cls.get_lc_namespace(), (origin or cls).__name__]

    @property
    def lc_secrets(self) -> dict[str, str]:
        """Which arguments are secret (`"a.b"`: the key `b` of the argument `a`), and the names of their secrets."""
        return {}

    @property
    def lc_attributes(self) -> dict[str, Any]:
        """Arguments to write besides the fields that hold something; the constructor must take them."""
        return {}

    def to_json(self) -> SerializedConstructor | SerializedNotImplemented:
        """This object as the format has it, with its arguments as they are: `dumpd` writes those as well.

        Fields that hold nothing, or their default and nothing, are left out; secrets are replaced by their names.
        """
        if not self.is_lc_serializable():
            return self.to_json_not_implemented()
        fields = type(self).model_fields
        arguments: dict[str, Any] = {
            name: value
            for name, value in self
            if (field := fields.get(name)) is not None and not field.exclude and _says_something(value, field)
        }
        secrets: dict[str, str] = {}
        # Each class of the ancestry may tell of its own, whether or not it calls `super()`.
        for this in self._bound_to_ancestors():
            secrets.update(this.lc_secrets)
            arguments.update(this.lc_attributes)
        for name, secret in list(secrets.items()):
            alias = fields[name].alias if name in fields else None
            if alias is not None:
                secrets[alias] = secret
        for name in secrets:
            # Named even where its field is excluded or came from the environment: making the object again needs it.
            if name not in arguments and (value := getattr(self, name, None)):
                arguments[name] = value
        return {
            "lc": 1,
            "type": "constructor",
            "id": self.lc_id(),
            "kwargs": _without_secrets(arguments, secrets),
        }

    def to_json_not_implemented(self) -> SerializedNotImplemented:
        """What is written of an object that cannot be made again."""
        return to_json_not_implemented(self)

    def _bound_to_ancestors(self) -> list[Serializable]:
        """This object as each class of its ancestry sees it, the nearest first."""
        ancestors = type(self).__mro__
        above = ancestors[: ancestors.index(Serializable)]
        return [self, *(cast("Serializable", super(cls, self)) for cls in above)]

    def __repr_args__(self) -> Any:
        # Fields at their default would drown those that were given.
        fields = type(self).model_fields
        return [
            (name, value)
            for name, value in super().__repr_args__()
            if name is None or name not in fields or _differs(value, fields[name])
        ]


def to_json_not_implemented(obj: object) -> SerializedNotImplemented:
    """Return what is written of an object that cannot be made again: where its class lives, and its repr."""
    named = obj if hasattr(obj, "__name__") else type(obj)
    path: list[str] = []
    with contextlib.suppress(Exception):  # a user's class may answer anything when it is asked for its name
        path = [*str(named.__module__).split("."), str(getattr(named, "__name__"))]  # noqa: B009 - not every object has it
    written: SerializedNotImplemented = {"lc": 1, "type": "not_implemented", "id": path, "repr": None}
    with contextlib.suppress(Exception):  # as here, when it is asked for its repr
        written["repr"] = repr(obj)
    return written


def try_neq_default(value: Any, key: str, model: BaseModel) -> bool:
    """Whether a value differs from the default of its field.

    Args:
        value: the value.
        key: the field's name.
        model: the model that has the field.
    """
    return _differs(value, type(model).model_fields[key])


def _differs(value: Any, field: FieldInfo) -> bool:
    # A factory is not called, for it may have effects; a field made by one is at its default while it holds None.
    default = None if field.default_factory is not None else field.default
    try:
        return bool(value is not default if default is PydanticUndefined else default != value)
    except Exception:  # noqa: BLE001 - arrays and data frames do not say whether they are equal
        return value is not default


def _says_something(value: Any, field: FieldInfo) -> bool:
    if field.is_required():
        return True
    try:
        if value:
            return True
    except Exception:  # noqa: BLE001 - arrays and data frames do not say whether they are true
        return _differs(value, field)
    factory = get_origin(field.default_factory) or field.default_factory  # list, and list[str] as well
    if (factory is dict and isinstance(value, dict)) or (factory is list and isinstance(value, list)):
        return False
    return _differs(value, field)


def _without_secrets(arguments: dict[str, Any], secrets: dict[str, str]) -> dict[str, Any]:
    """The arguments, copied as far as needed, with markers in the places of secrets."""
    for path, name in secrets.items():
        *parents, last = path.split(".")
        holder = arguments
        for parent in parents:
            inner = holder.get(parent)
            if not isinstance(inner, dict):
                break
            holder[parent] = holder = {**cast("dict[str, Any]", inner)}
        else:
            if last in holder:
                holder[last] = SecretMarker(name)
    return arguments
