"""What a model is asked to answer with, and the object that its answer becomes.

::

    class, TypedDict,          AnswerSchema.of(...)      name, description, parameters     to the provider
    dataclass, JSON Schema  ─────────────────────────►   parse(dict)            object     from its answer
                                                         parse_partial(dict)    object     while it streams
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from types import UnionType
from typing import Any, Literal, Union, cast, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticSerializationError, to_json
from typing_extensions import is_typeddict

from chatcore.errors import ChatCoreError, ConfigurationError
from chatcore.messages._shapes import is_dict
from chatcore.schemas._conformance import problems
from chatcore.schemas._partial import ABSENT, partial_dict, partial_of
from chatcore.schemas._tools import convert_to_openai_function
from chatcore.schemas._typed_dicts import adapter_of

__all__ = ["AnswerSchema", "SchemaMismatchError"]


class SchemaMismatchError(ChatCoreError, ValueError):
    """A model's answer is not what the schema asks for.

    problems: what is wrong, each with its place; worth sending back to the model.
    Pydantic's own error, where there is one, is `__cause__`.
    """

    def __init__(self, message: str, problems: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.problems = problems

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (*self.args, self.problems)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class AnswerSchema:
    """The schema of an answer, read once from whatever the user gave.

    name: what the provider calls it.
    description: what it is for; empty if nobody said.
    parameters: the JSON Schema of an answer, without name and description.
    strict: whether the provider is to hold the model to it; None: the provider's own default.
    kind: what the answer becomes: a pydantic instance, a dict, a dataclass instance, or a dict.
    given: what the user gave.
    """

    name: str
    description: str
    parameters: dict[str, Any]
    strict: bool | None
    kind: Literal["pydantic", "typed_dict", "dataclass", "json_schema"]
    given: Any = dataclasses.field(repr=False)

    @classmethod
    def of(cls, schema: Any, *, strict: bool | None = None) -> AnswerSchema:
        """Read a schema.

        Args:
            schema: a pydantic model, TypedDict or dataclass; or a dict: a JSON Schema with a title, OpenAI's
                `{"name": ..., "schema": ...}`, or a tool in the formats that `convert_to_openai_function` takes.
            strict: whether every object is closed and every property required, as strict providers demand.

        Raises:
            ConfigurationError: it is none of these, or cannot be strict.
        """
        if schema is Any or get_origin(schema) in _NO_OBJECTS or schema in _PLAIN:
            msg = (
                f"{schema} is no schema of an answer, which is always an object: make it a field of a pydantic model, a"
                " TypedDict or a dataclass."
            )
            raise ConfigurationError(msg)
        if schema is None:
            msg = "Structured output needs a schema; only method='json_mode' does without one."
            raise ConfigurationError(msg)
        kind = _kind(schema)
        function = convert_to_openai_function(_as_tool(schema), strict=strict)
        return cls(
            name=function["name"],
            description=function.get("description") or "",
            parameters=function.get("parameters") or {"type": "object", "properties": {}},
            strict=function.get("strict"),
            kind=kind,
            given=schema,
        )

    @property
    def tool(self) -> dict[str, Any]:
        """The tool, in OpenAI's format, that a model calls to answer."""
        function: dict[str, Any] = {"name": self.name, "description": self.description, "parameters": self.parameters}
        return {"type": "function", "function": function | ({} if self.strict is None else {"strict": self.strict})}

    @property
    def json_schema(self) -> dict[str, Any]:
        """The JSON Schema with its title and description."""
        described = {"description": self.description} if self.description else {}
        return {"title": self.name, **described, **self.parameters}

    def parse(self, value: Any) -> Any:
        """Make the object of a whole answer.

        Args:
            value: the answer's JSON, parsed.

        Returns:
            An instance of the model or dataclass; the validated dict for a TypedDict, keys that it does not know
            included; the dict itself for a JSON Schema, of which `pattern`, `format`, `not`, `if`, `uniqueItems`,
            `multipleOf` and `dependent...` are not checked.

        Raises:
            SchemaMismatchError: the answer is not what the schema asks for.
        """
        if self.kind == "json_schema":
            wrong = problems(self.parameters, value)
            if wrong:
                raise self._mismatch(wrong)
            return value
        if not hasattr(self.given, "__pydantic_validator__") and hasattr(self.given, "parse_obj"):
            return self._parsed_by_old_model(value)
        adapter = adapter_of(self.given)
        try:
            return adapter.validate_python(value)
        except ValidationError as error:
            try:
                # A strict model takes a date as text from JSON only, and this was JSON.
                return adapter.validate_json(to_json(value, inf_nan_mode="constants"))
            except (ValidationError, PydanticSerializationError):
                raise self._mismatch([_told(problem) for problem in error.errors()]) from error

    def parse_partial(self, value: Any) -> Any:
        """Make as much of the object as has come of an answer that is still arriving. Never raises.

        Args:
            value: the answer's JSON, parsed as far as it has come.

        Returns:
            An object of the same kind: required attributes and keys that have not come, or are not valid yet, are
            absent, others have their defaults. None if the answer is not an object.
        """
        if not is_dict(value):
            return None
        if self.kind == "json_schema":
            return value
        if self.kind == "typed_dict":
            return partial_dict(self.given, value)
        made = partial_of(self.given, value)
        return None if made is ABSENT else made

    def _parsed_by_old_model(self, value: Any) -> Any:
        try:
            return self.given.parse_obj(value)
        except ValueError as error:
            raise self._mismatch([str(error)]) from error

    def _mismatch(self, wrong: list[str]) -> SchemaMismatchError:
        return SchemaMismatchError(f"The answer is no {self.name}: {'; '.join(wrong)}", tuple(wrong))


_NO_OBJECTS = frozenset({list, dict, tuple, set, frozenset, Union, UnionType, Literal})
"""What types are made of that describe no object; they can be called all the same, as functions can."""

_PLAIN: tuple[Any, ...] = (str, int, float, bool, bytes, list, dict, tuple, set, frozenset)


def _kind(schema: Any) -> Literal["pydantic", "typed_dict", "dataclass", "json_schema"]:
    if is_typeddict(schema):
        return "typed_dict"
    if isinstance(schema, type):
        if dataclasses.is_dataclass(cast("type[Any]", schema)):
            return "dataclass"
        if issubclass(cast("type[Any]", schema), BaseModel) or hasattr(cast("Any", schema), "parse_obj"):
            return "pydantic"
    # A function, too, says what arguments it wants: its answer is a dict of them.
    return "json_schema"


def _as_tool(schema: Any) -> Any:
    if not isinstance(schema, Mapping):
        return schema
    given = cast("Mapping[str, Any]", schema)
    if "name" in given and isinstance(given.get("schema"), Mapping):
        rest = {key: given[key] for key in ("name", "description", "strict") if given.get(key) is not None}
        return {**rest, "parameters": given["schema"]}
    return given


def _told(problem: Any) -> str:
    place = ".".join(str(step) for step in problem["loc"]) or "the answer"
    return f"{place}: {problem['msg']}"
