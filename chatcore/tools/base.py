"""`BaseTool`: what a tool is. One that is made of a function is a `StructuredTool` or a `Tool`.

::

    BaseTool ── StructuredTool    any number of arguments
             ── Tool              one text
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from inspect import get_annotations
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, TypeVar, cast, get_args, get_origin

from pydantic import BaseModel, Field, SkipValidation, ValidationError

from chatcore.callbacks._seam import begun, run_manager, unheard
from chatcore.callbacks.base import Callbacks
from chatcore.callbacks.manager import AsyncCallbackManagerForToolRun
from chatcore.engine._opening import opening
from chatcore.engine._portal import blocking
from chatcore.engine.request import Request, Response, Whole, merge_configs
from chatcore.engine.runs import surrounding
from chatcore.engine.threads import in_thread
from chatcore.errors import ChatCoreError, ConfigurationError, InvalidInputError, UnsupportedError, WrongTypeError
from chatcore.messages import ToolCall, ToolMessage
from chatcore.messages._shapes import is_dict, is_list
from chatcore.messages.tool import ToolOutputMixin
from chatcore.runnables import RunnableConfig
from chatcore.runnables._serializable import RunnableSerializable
from chatcore.schemas import Injected, create_schema_from_function, is_injected, subset_model
from chatcore.tools._signature import Facts, is_model, plain, raised_by, signature_facts

if TYPE_CHECKING:
    import uuid

__all__ = [
    "FILTERED_ARGS",
    "TOOL_MESSAGE_BLOCK_TYPES",
    "ArgsSchema",
    "BaseTool",
    "BaseToolkit",
    "InjectedToolArg",
    "InjectedToolCallId",
    "SchemaAnnotationError",
    "ToolException",
    "create_schema_from_function",
    "get_all_basemodel_annotations",
]

T = TypeVar("T")

FILTERED_ARGS = ("run_manager", "callbacks")
"""The parameters that a tool's function is given by the run, and that are no arguments of the tool."""

TOOL_MESSAGE_BLOCK_TYPES = (
    "text",
    "image_url",
    "image",
    "json",
    "search_result",
    "custom_tool_call_output",
    "document",
    "file",
)
"""The types of content blocks that a tool may return as the content of its message; others are turned into text."""

ArgsSchema = type[BaseModel] | dict[str, Any]
"""What describes a tool's arguments: a pydantic model, or a JSON Schema."""


class SchemaAnnotationError(WrongTypeError):
    """A tool class annotates its `args_schema` as an instance of a model, where the model itself is meant."""


class ToolException(ChatCoreError):  # noqa: N818 - the reference's name
    """Raised by a tool: it could not do what was asked, for a reason the model may be told (`handle_tool_error`)."""


class InjectedToolArg(Injected):
    """Marks an argument that the program gives when the tool runs, and that the model is not told of.

    ::

        from typing import Annotated
        from chatcore import tool

        @tool
        def balance(account: str, user: Annotated[str, InjectedToolArg]) -> float:
            \"\"\"Tell the balance of an account.\"\"\"
    """


class InjectedToolCallId(InjectedToolArg):
    """Marks the argument that is given the id of the tool call."""


class BaseTool(RunnableSerializable[str | dict[str, Any] | ToolCall, Any], ABC):
    """The base of every tool: a runnable with a name, a description and a schema of its arguments.

    A subclass implements `_arun`, or `_run`, which runs in a worker thread; either may name a parameter of type
    `RunnableConfig`, and one called `run_manager`, which are given by the run. Called with a `ToolCall`, a tool answers
    with a `ToolMessage`; called with its arguments, with what it returns.

    name: what the model calls it.
    description: what it is for, for the model.
    args_schema: a pydantic model or a JSON Schema; None: the signature of `_run` says it.
    return_direct: whether a loop of model and tools ends with this tool's answer.
    verbose: there for programs that set it.
    callbacks: handlers of every call.
    tags, metadata: what every call carries.
    handle_tool_error: what becomes of a `ToolException`: False: it is raised. True: its text is the answer. A str: that
        is the answer. A function: what it returns for the exception is the answer. Answers in messages have the status
        "error".
    handle_validation_error: the same for arguments that do not validate.
    response_format: `"content_and_artifact"`: it returns a pair, of which the model sees the first.
    extras: what a provider may want to know of the tool besides.
    """

    _kind: ClassVar[str] = "tool"

    name: str  # pyright: ignore[reportGeneralTypeIssues, reportIncompatibleVariableOverride]  # every tool has one
    description: str
    args_schema: SkipValidation[ArgsSchema | None] = Field(default=None, description="The tool schema.")
    return_direct: bool = False
    verbose: bool = False
    callbacks: Callbacks = Field(default=None, exclude=True)
    tags: list[str] | None = None
    metadata: dict[str, Any] | None = None
    handle_tool_error: bool | str | Callable[[ToolException], str | Sequence[str | dict[str, Any]]] | None = False
    handle_validation_error: bool | str | Callable[[ValidationError], str] | None = False
    response_format: Literal["content", "content_and_artifact"] = "content"
    extras: dict[str, Any] | None = None

    # What was derived from the fields, and which values of theirs it was derived from. In the instance's __dict__ once
    # there is any: private attributes would count in comparisons.
    _derived: ClassVar[Mapping[str, tuple[Any, Any]]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Refuse `args_schema: BaseModel`.

        Raises:
            SchemaAnnotationError: that is what it says.
        """
        super().__init_subclass__(**kwargs)
        if get_annotations(cls).get("args_schema") in (BaseModel, "BaseModel"):
            msg = (
                f"Tool definition for {cls.__name__} must include valid type annotations for argument 'args_schema':"
                " it is a model class, not an instance of one. Write `args_schema: type[BaseModel] = ...`."
            )
            raise SchemaAnnotationError(msg)

    def __init__(self, **kwargs: Any) -> None:
        """Make a tool of its fields.

        Raises:
            TypeError: `args_schema` is neither a pydantic model nor a dict, or there is no `_run` and no `_arun`.
        """
        schema = kwargs.get("args_schema")
        if not (schema is None or is_dict(schema) or is_model(schema)):
            msg = f"args_schema must be a subclass of pydantic BaseModel or a JSON schema dict. Got: {schema!r}."
            raise SchemaAnnotationError(msg)
        if plain(self._run) is BaseTool._run and plain(self._arun) is BaseTool._arun:
            msg = f"Can't make a {type(self).__name__}: a tool implements `_arun` (async) or `_run`."
            raise WrongTypeError(msg)
        super().__init__(**kwargs)

    # --------------------------------------------------------------------------------------- for a subclass to give

    def _run(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ARG002 - a subclass has its own
        """Do it, in a worker thread."""
        msg = f"Tool {self.name!r} does not support sync invocation of its own; call the tool (invoke, ainvoke)."
        raise UnsupportedError(msg)

    async def _arun(self, *args: Any, **kwargs: Any) -> Any:
        """Do it, in the event loop."""
        return await in_thread(self._run, *args, **kwargs)

    # ------------------------------------------------------------------------------------------------------- schemas

    @property
    def is_single_input(self) -> bool:
        """Whether it takes one argument."""
        return len(self.args.keys() - {"kwargs"}) == 1

    @property
    def args(self) -> dict[str, Any]:
        """The JSON Schema of each argument that the model gives."""
        schema = self.tool_call_schema
        described = schema if is_dict(schema) else cast("type[BaseModel]", schema).model_json_schema()
        return cast("dict[str, Any]", described.get("properties", {}))

    @property
    def tool_call_schema(self) -> ArgsSchema:
        """The schema of what the model gives: a pydantic model without the injected arguments, or the JSON Schema."""
        schema = self.args_schema
        if is_dict(schema):
            return {**schema, "description": self.description} if self.description else schema
        source = schema or plain(self._source())
        return self._once("call", (self.name, self.description, source), self._make_call_schema)

    def get_input_schema(self, config: RunnableConfig | None = None) -> type[BaseModel]:
        """The model of all arguments, the injected ones included."""
        schema = self.args_schema
        if schema is None:
            return self._once("input", (self.name, plain(self._source())), self._make_input_schema)
        return schema if is_model(schema) else super().get_input_schema(config)

    def _make_call_schema(self) -> type[BaseModel]:
        full = self.get_input_schema()
        # A field whose type was not yet known when the model was made would otherwise be left out without a word.
        full.model_rebuild()
        names = [
            name for name, annotation in get_all_basemodel_annotations(full).items() if not is_injected(annotation)
        ]
        return _described_once(subset_model(self.name, full, names, fn_description=self.description))

    def _make_input_schema(self) -> type[BaseModel]:
        source = self._source()
        hidden = self._facts("source", source).config
        return create_schema_from_function(
            self.name, source, filter_args=[*FILTERED_ARGS, hidden] if hidden else FILTERED_ARGS
        )

    def _source(self) -> Callable[..., Any]:
        """The function whose signature says what the tool takes."""
        own = [
            method
            for method, base in ((self._run, BaseTool._run), (self._arun, BaseTool._arun))
            if plain(method) is not base
        ]
        # One that takes anything is there to say that the other one is to be called.
        return next((method for method in own if self._facts(method.__name__, method).takes), own[0])

    def _facts(self, role: str, function: Callable[..., Any]) -> Facts:
        return self._once(f"facts of {role}", plain(function), lambda: signature_facts(function))

    def _once(self, what: str, of: Any, make: Callable[[], T]) -> T:
        """What `make` gives, made again only when what it is made of has changed."""
        kept = self._derived.get(what)
        if kept is None or kept[0] != of:
            kept = (of, make())
            # Another dict, for a copy of the tool has the old one.
            object.__setattr__(self, "_derived", {**self._derived, what: kept})
        return cast("T", kept[1])

    def __getstate__(self) -> dict[Any, Any]:
        state = super().__getstate__()
        # Classes made on the way are found by pickle nowhere; they can be made again.
        return {**state, "__dict__": {key: value for key, value in state["__dict__"].items() if key != "_derived"}}

    # ------------------------------------------------------------------------------------------------------- running

    async def arun(  # noqa: PLR0913 - the reference's signature
        self,
        tool_input: str | dict[str, Any],
        verbose: bool | None = None,  # noqa: ARG002, FBT001 - the reference's signature
        start_color: str | None = "green",  # noqa: ARG002 - as above
        color: str | None = "green",  # noqa: ARG002 - as above
        callbacks: Callbacks = None,
        *,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        run_name: str | None = None,
        run_id: uuid.UUID | None = None,
        config: RunnableConfig | None = None,
        tool_call_id: str | None = None,
        **kwargs: Any,
    ) -> Any:
        """Call it: `ainvoke` with the parts of a config as arguments.

        Args:
            tool_input: its arguments, or a text for the only one.
            verbose: without effect.
            start_color: without effect.
            color: without effect.
            callbacks: handlers of this call.
            tags: labels of this call.
            metadata: facts about this call.
            run_name: a name for this call.
            run_id: an id for this call.
            config: a config, under these.
            tool_call_id: the id of the model's call, which the answer names: it is a `ToolMessage` then.
            **kwargs: settings of this call.

        Returns:
            What the tool answers.

        Raises:
            ToolException: the tool could not do it, and does not handle that.
            ValidationError: the arguments are not what its schema says.
        """
        said = {"callbacks": callbacks, "tags": tags, "metadata": metadata, "run_name": run_name, "run_id": run_id}
        merged = merge_configs(config or {}, {key: value for key, value in said.items() if value is not None})
        if tool_call_id is not None:
            kwargs["tool_call_id"] = tool_call_id
        return await self.ainvoke(tool_input, cast("RunnableConfig", merged), **kwargs)

    run = blocking(arun)  # type: ignore[pydantic-field]  # a method, which pydantic knows and its plugin does not

    def _begin(self, request: Request) -> AbstractAsyncContextManager[Response[Any]]:
        if self.callbacks or request.config.get("callbacks"):
            return begun(request, self._start, runnable=self, **self._as_run(request))
        return self._start(unheard(request))

    def _as_run(self, request: Request) -> dict[str, Any]:
        given, call_id = _asked(request)
        return {
            "name": self.get_name(),
            "kind": self._kind,
            "inputs": self._filter_injected_args(given) if is_dict(given) else given,
            "callbacks": self.callbacks,
            "tags": self.tags,
            "metadata": self.metadata,
            "details": {"tool_call_id": call_id},
        }

    @opening
    async def _start(self, request: Request) -> AsyncGenerator[Response[Any]]:
        yield Whole(await self._answer(request))

    async def _answer(self, request: Request) -> Any:
        given, call_id = _asked(request)
        if not isinstance(given, str | dict):
            kind = type(given).__name__
            msg = f"Invalid tool input: {self.name} takes a str, a dict of arguments or a ToolCall, not {kind}."
            raise InvalidInputError(msg)
        artifact = None
        status: Literal["success", "error"] = "success"
        try:
            args, kwargs = self._to_args_and_kwargs(cast("str | dict[str, Any]", given), call_id)
            # Models and tools that its code calls find their config there.
            with surrounding(request.config):
                content = await self._call(request, args, kwargs)
            if self.response_format == "content_and_artifact":
                content, artifact = _pair(content)
        except ValidationError as error:
            if not self.handle_validation_error:
                raise
            content, status = _handled(error, self.handle_validation_error, "Tool input validation error"), "error"
        except ToolException as error:
            if not self.handle_tool_error:
                raise
            said = error.args[0] if error.args else "Tool execution error"
            content, status = _handled(error, self.handle_tool_error, said), "error"
        return _output(content, artifact, call_id, self.name, status)

    async def _call(self, request: Request, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if plain(self._arun) is not BaseTool._arun:
            try:
                return await self._arun(*args, **{**kwargs, **self._given(self._arun, request, _manager(request))})
            except NotImplementedError as error:
                # An `_arun` that only says that it is not there: tools written for sync programs have one.
                if plain(self._run) is BaseTool._run or not raised_by(error, self._arun):
                    raise
        given = self._given(self._run, request, _manager(request).get_sync())
        return await in_thread(self._run, *args, **{**kwargs, **given})

    def _given(self, function: Callable[..., Any], request: Request, run_manager: Any) -> dict[str, Any]:
        """What the run gives to a method that names it."""
        facts = self._facts(function.__name__, function)
        given: dict[str, Any] = {facts.config: request.config} if facts.config else {}
        if "run_manager" in facts.names:
            given["run_manager"] = run_manager
        return given

    @property
    def _injected_args_keys(self) -> frozenset[str]:
        """The parameters of its function that are injected, whether its schema has them or not."""
        return frozenset(self._facts("source", self._source()).injected)

    def _from_program(self) -> dict[str, bool]:
        """The arguments that the program gives, and whether it must; the id of the call is not among them."""
        facts = self._facts("source", self._source())
        found = {name: name in facts.needed for name, kind in facts.injected.items() if not _is_call_id(kind)}
        if is_model(self.args_schema):
            for name, kind in get_all_basemodel_annotations(self.args_schema).items():
                if is_injected(kind) and not _is_call_id(kind):
                    found[name] = self.args_schema.model_fields[name].is_required()
        return found

    def _filter_injected_args(self, tool_input: dict[str, Any]) -> dict[str, Any]:
        """The arguments that the model gave: what listeners are told of a call."""
        hidden = {*FILTERED_ARGS, *self._injected_args_keys}
        if is_model(self.args_schema):
            fields = get_all_basemodel_annotations(self.args_schema)
            hidden |= {name for name, annotation in fields.items() if is_injected(annotation)}
        return {name: value for name, value in tool_input.items() if name not in hidden}

    def _to_args_and_kwargs(
        self, tool_input: str | dict[str, Any], tool_call_id: str | None
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """What its function is called with."""
        if is_model(self.args_schema) and not self.args_schema.model_fields:
            return (), {}
        parsed = self._parse_input(tool_input, tool_call_id)
        return ((parsed,), {}) if isinstance(parsed, str) else ((), {**parsed})

    def _parse_input(self, tool_input: str | dict[str, Any], tool_call_id: str | None) -> str | dict[str, Any]:
        """Validate the input. A text stands for the first argument.

        Raises:
            ValidationError: it is not what the schema says.
            InvalidInputError: it is a text where the schema does not say what for, or the call's id is wanted and there
                is none.
        """
        schema = self.args_schema
        if isinstance(tool_input, str):
            if is_dict(schema):
                msg = (
                    "String tool inputs are not allowed when using tools with JSON schema args_schema: give"
                    f" {self.name} a dict of its arguments."
                )
                raise InvalidInputError(msg)
            if is_model(schema):
                first, field = next(iter(schema.model_fields.items()))
                schema.model_validate({field.alias or first: tool_input})
            return tool_input
        injected = self._facts("source", self._source()).injected
        if not is_model(schema):
            return {**tool_input, **_call_ids(injected, tool_input, tool_call_id)}
        told = get_all_basemodel_annotations(schema)
        given = {**tool_input, **_call_ids({**injected, **told}, tool_input, tool_call_id)}
        # What the schema does not know of passes by it, as it is.
        beside = {name: given.pop(name) for name in injected if name in given and name not in told}
        result = schema.model_validate(given)
        validated = {
            name: getattr(result, name)
            for name, field in schema.model_fields.items()
            # `*args` and `**kwargs` have fields in a function's model, and are no names of arguments.
            if name in result.model_fields_set or not (field.is_required() or name in {"args", "kwargs"})
        }
        return validated | beside


class BaseToolkit(BaseModel, ABC):
    """Tools that belong together."""

    @abstractmethod
    def get_tools(self) -> list[BaseTool]:
        """Its tools."""


# --------------------------------------------------------------------------------------------------------------- calls


def _asked(request: Request) -> tuple[Any, str | None]:
    """The arguments of a call, and the id of the model's call if it is one."""
    given: Any = request.input
    if is_dict(given) and given.get("type") == "tool_call":
        return given.get("args"), given.get("id")
    return given, request.settings.get("tool_call_id")


def _manager(request: Request) -> AsyncCallbackManagerForToolRun:
    """What a tool's method is given to tell of its run."""
    run = request.run
    if run is None:
        return AsyncCallbackManagerForToolRun.get_noop_manager()
    return run_manager(run, AsyncCallbackManagerForToolRun)


def _call_ids(annotations: Mapping[str, Any], given: Mapping[str, Any], call_id: str | None) -> dict[str, str]:
    """The arguments that are the call's id; what the model says of it does not count."""
    names = [name for name, annotation in annotations.items() if _is_call_id(annotation)]
    if call_id is not None:
        return dict.fromkeys(names, call_id)
    if all(name in given for name in names):
        return {}
    msg = (
        "When tool includes an InjectedToolCallId argument, tool must always be invoked with a full model ToolCall:"
        " {'type': 'tool_call', 'name': ..., 'args': {...}, 'id': ...}."
    )
    raise InvalidInputError(msg)


def _is_call_id(annotation: Any) -> bool:
    if any(_is_call_id(option) for option in get_args(annotation) if is_injected(option)):
        return True
    marks = (mark if isinstance(mark, type) else type(mark) for mark in getattr(annotation, "__metadata__", ()))
    # By its name, as `is_injected` knows its kind: tools written for the reference are welcome.
    return any(base.__name__ == "InjectedToolCallId" for mark in marks for base in mark.__mro__)


def get_all_basemodel_annotations(cls: type[BaseModel], *, default_to_bound: bool = True) -> dict[str, Any]:
    """The annotations of a model's fields, inherited ones included.

    Args:
        cls: a pydantic model, which may be generic.
        default_to_bound: whether what a type variable is bound to (`Any`, if nothing) stands in its place.

    Returns:
        By name, in order, with their `Annotated` extras.
    """
    found: dict[str, Any] = {}
    for name, field in cls.model_fields.items():
        annotation: Any = field.annotation
        if default_to_bound:
            annotation = _bound(annotation)
        found[name] = _ANNOTATED[(annotation, *field.metadata)] if field.metadata else annotation
    return found


_ANNOTATED: Any = Annotated


def _bound(annotation: Any) -> Any:
    if isinstance(annotation, TypeVar):
        return Any if annotation.__bound__ is None else annotation.__bound__
    # A model that is generic is a type of its own as it stands.
    whole = isinstance(annotation, type) and get_origin(annotation) is None
    generic = cast("Any", annotation)
    variables: tuple[Any, ...] = () if whole else getattr(generic, "__parameters__", ())
    return generic[tuple(_bound(variable) for variable in variables)] if variables else generic


def _described_once(model: type[BaseModel]) -> type[BaseModel]:
    """The same model, which makes its JSON Schema once: a model is told of its tools at every call."""
    make = model.model_json_schema
    made: list[dict[str, Any]] = []

    def model_json_schema(_: type[BaseModel], *args: Any, **kwargs: Any) -> dict[str, Any]:
        if args or kwargs:
            return make(*args, **kwargs)
        if not made:
            made.append(make())
        return made[0]

    setattr(model, "model_json_schema", classmethod(model_json_schema))  # noqa: B010 - no assignment to a method
    return model


# -------------------------------------------------------------------------------------------------------------- answers


def _handled(error: Any, handler: Any, said: Any) -> Any:
    if isinstance(handler, bool):
        return said
    return handler if isinstance(handler, str) else handler(error)


def _pair(content: Any) -> tuple[Any, Any]:
    if isinstance(content, tuple) and len(cast("tuple[Any, ...]", content)) == 2:
        return cast("tuple[Any, Any]", content)
    msg = (
        "Since response_format='content_and_artifact' a two-tuple of the message content and raw tool output is"
        f" expected. Instead, generated response is of type: {type(cast('object', content))}. Return a pair."
    )
    raise ConfigurationError(msg)


def _output(content: Any, artifact: Any, call_id: str | None, name: str, status: Literal["success", "error"]) -> Any:
    """What a call gives: for a ToolCall a message, unless the tool has made one."""
    if call_id is None or isinstance(content, ToolOutputMixin):
        return content
    if is_list(content) and content and all(isinstance(one, ToolOutputMixin) for one in content):
        return content
    return ToolMessage(
        content=_message_content(content), artifact=artifact, tool_call_id=call_id, name=name, status=status
    )


def _message_content(content: Any) -> str | list[str | dict[str, Any]]:
    if isinstance(content, str):
        return content
    # One by one: a long range, say, is told from blocks by its first number.
    if isinstance(content, Sequence) and all(_is_block(one) for one in cast("Sequence[Any]", content)):
        return list(cast("Sequence[Any]", content))
    try:
        return json.dumps(content, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        return str(cast("object", content))


def _is_block(one: Any) -> bool:
    return isinstance(one, str) or (is_dict(one) and one.get("type") in TOOL_MESSAGE_BLOCK_TYPES)
