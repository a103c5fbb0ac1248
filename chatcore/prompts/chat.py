"""Prompts that are messages."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Self, SupportsIndex, cast, overload

from pydantic import Field, PositiveInt, SkipValidation, model_validator

from chatcore.errors import ConfigurationError, InvalidInputError, UnsupportedError
from chatcore.load.serializable import Serializable
from chatcore.messages import (
    AIMessage,
    AnyMessage,
    BaseMessage,
    ChatMessage,
    HumanMessage,
    SystemMessage,
    convert_to_messages,
)
from chatcore.messages._shapes import is_dict, is_list
from chatcore.messages.base import get_msg_title_repr
from chatcore.prompt_values import ChatPromptValue
from chatcore.prompts._style import highlighted
from chatcore.prompts.base import BasePromptTemplate, MissingVariablesError
from chatcore.prompts.dict import DictPromptTemplate
from chatcore.prompts.image import ImagePromptTemplate
from chatcore.prompts.prompt import PromptTemplate
from chatcore.prompts.string import PromptTemplateFormat, StringPromptTemplate, get_template_variables

__all__ = [
    "AIMessagePromptTemplate",
    "BaseChatPromptTemplate",
    "BaseMessagePromptTemplate",
    "BaseStringMessagePromptTemplate",
    "ChatMessagePromptTemplate",
    "ChatPromptTemplate",
    "HumanMessagePromptTemplate",
    "MessageLike",
    "MessageLikeRepresentation",
    "MessagesPlaceholder",
    "SystemMessagePromptTemplate",
]


# ---------------------------------------------------------------------------------------------- templates of messages


class BaseMessagePromptTemplate(Serializable, ABC):
    """A template of one message, or of several; a subclass implements `format_messages` and `input_variables`."""

    @classmethod
    def is_lc_serializable(cls) -> bool:
        """It may be written as JSON."""
        return True

    @classmethod
    def get_lc_namespace(cls) -> list[str]:
        """The reference's."""
        return ["langchain", "prompts", "chat"]

    @property
    @abstractmethod
    def input_variables(self) -> list[str]:
        """The variables that must be given."""

    @abstractmethod
    def format_messages(self, **kwargs: Any) -> list[BaseMessage]:
        """The messages, with their variables filled in."""

    async def aformat_messages(self, **kwargs: Any) -> list[BaseMessage]:
        """The messages, with their variables filled in."""
        return self.format_messages(**kwargs)

    def pretty_repr(self, html: bool = False) -> str:  # noqa: ARG002, FBT001, FBT002 - the reference's signature
        """The template, for people to read.

        Raises:
            UnsupportedError: this kind of template does not say.
        """
        msg = f"{type(self).__name__} has no pretty_repr."
        raise UnsupportedError(msg)

    def pretty_print(self) -> None:
        """Print `pretty_repr()`, with colours in an interactive session."""
        print(self.pretty_repr(html=hasattr(sys, "ps2")))  # noqa: T201 - printing is what it is for

    def __add__(self, other: Any) -> ChatPromptTemplate:
        """A prompt of this and what follows: see `ChatPromptTemplate`."""
        return ChatPromptTemplate([self]).__add__(other)


class MessagesPlaceholder(BaseMessagePromptTemplate):
    """A place for messages that are given as a variable: the history of a conversation.

    variable_name: the variable: a list of messages in any form `convert_to_messages` takes.
    optional: whether it may be missing.
    n_messages: how many there are at most, the last ones; None: all.
    """

    variable_name: str
    optional: bool = False
    n_messages: PositiveInt | None = None

    def __init__(self, variable_name: str, *, optional: bool = False, **kwargs: Any) -> None:
        super().__init__(**{"variable_name": variable_name, "optional": optional, **kwargs})

    @property
    def input_variables(self) -> list[str]:
        """The variable, unless it is optional."""
        return [] if self.optional else [self.variable_name]

    def format_messages(self, **kwargs: Any) -> list[BaseMessage]:
        """The messages.

        Raises:
            KeyError: they are missing.
            ValueError: what was given is no list of messages.
        """
        if self.variable_name not in kwargs and not self.optional:
            msg = f"The messages {self.variable_name!r} are missing: give a list of them, or say optional=True."
            raise MissingVariablesError(msg)
        value = kwargs.get(self.variable_name, [])
        if not is_list(value):
            msg = f"variable {self.variable_name} should be a list of base messages, got {value} of type {type(value)}"
            raise InvalidInputError(msg)
        messages = convert_to_messages(value)
        return messages[-self.n_messages :] if self.n_messages else messages

    def pretty_repr(self, html: bool = False) -> str:  # noqa: FBT001, FBT002 - the reference's signature
        """The placeholder, for people to read."""
        variable = f"{{{self.variable_name}}}"
        title = get_msg_title_repr("Messages Placeholder", bold=html)
        return f"{title}\n\n{highlighted(variable) if html else variable}"


class BaseStringMessagePromptTemplate(BaseMessagePromptTemplate, ABC):
    """A template of one message whose content is one text; a subclass implements `format`.

    prompt: the template of its text.
    additional_kwargs: what the message has besides.
    """

    prompt: StringPromptTemplate
    additional_kwargs: dict[str, Any] = Field(default_factory=dict[str, Any])

    @classmethod
    def from_template(
        cls,
        template: str,
        template_format: PromptTemplateFormat = "f-string",
        partial_variables: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> Self:
        """Make one of a template. Arguments as for `PromptTemplate.from_template`, and other fields."""
        prompt = PromptTemplate.from_template(
            template, template_format=template_format, partial_variables=partial_variables
        )
        return cls(prompt=prompt, **kwargs)

    @classmethod
    def from_template_file(cls, template_file: str | Path, **kwargs: Any) -> Self:
        """Make one of a template in a file.

        Args:
            template_file: the file.
            **kwargs: other fields.
        """
        return cls(prompt=PromptTemplate.from_file(template_file), **kwargs)

    @property
    def input_variables(self) -> list[str]:
        """The variables of its text."""
        return self.prompt.input_variables

    @abstractmethod
    def format(self, **kwargs: Any) -> BaseMessage:
        """The message, with its variables filled in."""

    async def aformat(self, **kwargs: Any) -> BaseMessage:
        """The message, with its variables filled in."""
        return self.format(**kwargs)

    def format_messages(self, **kwargs: Any) -> list[BaseMessage]:
        """The message, in a list."""
        return [self.format(**kwargs)]

    async def aformat_messages(self, **kwargs: Any) -> list[BaseMessage]:
        """The message, in a list."""
        return [await self.aformat(**kwargs)]

    def pretty_repr(self, html: bool = False) -> str:  # noqa: FBT001, FBT002 - the reference's signature
        """The template, for people to read."""
        return f"{_title(self, html=html)}\n\n{self.prompt.pretty_repr(html=html)}"


class ChatMessagePromptTemplate(BaseStringMessagePromptTemplate):
    """A template of a message in a role of the user's own naming.

    role: the role.
    """

    role: str

    def format(self, **kwargs: Any) -> BaseMessage:
        """The message, with its variables filled in."""
        text = self.prompt.format(**kwargs)
        return ChatMessage(content=text, role=self.role, additional_kwargs=self.additional_kwargs)


BlockTemplate = StringPromptTemplate | ImagePromptTemplate | DictPromptTemplate


class _BlocksMessagePromptTemplate(BaseMessagePromptTemplate):
    """A template of one message whose content is one text, or blocks.

    prompt: the template of its text, or of each block.
    additional_kwargs: what the message has besides.
    """

    prompt: StringPromptTemplate | list[BlockTemplate]
    additional_kwargs: dict[str, Any] = Field(default_factory=dict[str, Any])

    _msg_class: ClassVar[type[BaseMessage]]

    @classmethod
    def from_template(
        cls,
        template: str | Sequence[str | dict[str, Any]],
        template_format: PromptTemplateFormat = "f-string",
        *,
        partial_variables: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> Self:
        """Make one of a template.

        Args:
            template: that of its text; or a list, of templates of texts, and of content blocks as dicts.
            template_format: `"f-string"` or `"mustache"`.
            partial_variables: variables that are filled in already; of a text only.
            **kwargs: other fields.

        Raises:
            ConfigurationError: a template or the format is not what it should be.
        """
        if isinstance(template, str):
            prompt = PromptTemplate.from_template(
                template, template_format=template_format, partial_variables=partial_variables
            )
            return cls(prompt=prompt, **kwargs)
        if not isinstance(cast("object", template), Sequence):
            msg = f"Invalid template: {template}. It must be a str, or a list of these and of content blocks."
            raise ConfigurationError(msg)
        if partial_variables:
            msg = "Partial variables are not supported for list of templates."
            raise ConfigurationError(msg)
        return cls(prompt=[_block_template(block, template_format) for block in template], **kwargs)

    @classmethod
    def from_template_file(cls, template_file: str | Path, input_variables: list[str], **kwargs: Any) -> Self:
        """Make one of a template in a file.

        Args:
            template_file: the file, in UTF-8.
            input_variables: not needed: they follow from the template.
            **kwargs: other fields.
        """
        text = Path(template_file).read_text(encoding="utf-8")
        return cls.from_template(text, input_variables=input_variables, **kwargs)

    @property
    def input_variables(self) -> list[str]:
        """The variables of its text, or of its blocks, one after the other."""
        return [name for prompt in self._prompts() for name in prompt.input_variables]

    def _prompts(self) -> Sequence[BlockTemplate]:
        return [self.prompt] if isinstance(self.prompt, StringPromptTemplate) else self.prompt

    def format(self, **kwargs: Any) -> BaseMessage:
        """The message, with its variables filled in; a text that says nothing then is left out of a list."""
        content: str | list[str | dict[Any, Any]]
        if isinstance(self.prompt, StringPromptTemplate):
            content = self.prompt.format(**kwargs)
        else:
            content = []
            for prompt in self.prompt:
                made = prompt.format(**{name: kwargs[name] for name in prompt.input_variables})
                if isinstance(prompt, ImagePromptTemplate):
                    content.append({"type": "image_url", "image_url": made})
                elif not isinstance(made, str):
                    content.append({**made})
                elif made:
                    content.append({"type": "text", "text": made})
        return self._msg_class(content=content, additional_kwargs=self.additional_kwargs)

    async def aformat(self, **kwargs: Any) -> BaseMessage:
        """The message, with its variables filled in."""
        return self.format(**kwargs)

    def format_messages(self, **kwargs: Any) -> list[BaseMessage]:
        """The message, in a list."""
        return [self.format(**kwargs)]

    async def aformat_messages(self, **kwargs: Any) -> list[BaseMessage]:
        """The message, in a list."""
        return [await self.aformat(**kwargs)]

    def pretty_repr(self, html: bool = False) -> str:  # noqa: FBT001, FBT002 - the reference's signature
        """The template, for people to read."""
        return "\n\n".join([_title(self, html=html), *(prompt.pretty_repr(html=html) for prompt in self._prompts())])


class HumanMessagePromptTemplate(_BlocksMessagePromptTemplate):
    """A template of what the user says."""

    _msg_class: ClassVar[type[BaseMessage]] = HumanMessage


class AIMessagePromptTemplate(_BlocksMessagePromptTemplate):
    """A template of what the model has said."""

    _msg_class: ClassVar[type[BaseMessage]] = AIMessage


class SystemMessagePromptTemplate(_BlocksMessagePromptTemplate):
    """A template of what the model is told before the conversation."""

    _msg_class: ClassVar[type[BaseMessage]] = SystemMessage


def _title(template: BaseMessagePromptTemplate, *, html: bool) -> str:
    kind = type(template).__name__.replace("MessagePromptTemplate", " Message")
    return get_msg_title_repr(kind, bold=html)


def _block_template(block: object, template_format: PromptTemplateFormat) -> BlockTemplate:
    if isinstance(block, str):
        return PromptTemplate.from_template(block, template_format=template_format)
    if not is_dict(block):
        msg = f"Invalid template: {block}. A block is a str, or a dict with a type."
        raise ConfigurationError(msg)
    keys = block.keys() - {"type"}
    if keys == {"text"}:
        return PromptTemplate.from_template(block["text"], template_format=template_format)
    if keys == {"image_url"}:
        return _image_template(block["image_url"], template_format)
    if template_format == "jinja2":
        get_template_variables("", template_format)
    return DictPromptTemplate(template=block, template_format=cast("Any", template_format))


def _image_template(image: Any, template_format: PromptTemplateFormat) -> ImagePromptTemplate:
    if isinstance(image, str):
        variables = get_template_variables(image, template_format)
        if len(variables) > 1:
            msg = f"Only one format variable allowed per image template.\nGot: {variables}\nFrom: {image}"
            raise ConfigurationError(msg)
        image = {"url": image}
    elif is_dict(image):
        texts = [image[key] for key in ("url", "path", "detail") if key in image]
        variables = [name for text in texts for name in get_template_variables(text, template_format)]
    else:
        msg = f"Invalid image template: {image}. It is a str, or a dict with a url."
        raise ConfigurationError(msg)
    return ImagePromptTemplate(template=dict(image), input_variables=variables, template_format=template_format)


# ------------------------------------------------------------------------------------------------ prompts of messages


class BaseChatPromptTemplate(BasePromptTemplate[str], ABC):
    """A prompt that is messages; a subclass implements `format_messages`."""

    @property
    def lc_attributes(self) -> dict[str, Any]:
        """What is written besides: the variables."""
        return {"input_variables": self.input_variables}

    @abstractmethod
    def format_messages(self, **kwargs: Any) -> list[BaseMessage]:
        """The messages, with their variables filled in."""

    async def aformat_messages(self, **kwargs: Any) -> list[BaseMessage]:
        """The messages, with their variables filled in."""
        return self.format_messages(**kwargs)

    def format_prompt(self, **kwargs: Any) -> ChatPromptValue:
        """The messages with their variables filled in, as a model takes them."""
        return ChatPromptValue(messages=self.format_messages(**kwargs))

    async def aformat_prompt(self, **kwargs: Any) -> ChatPromptValue:
        """The messages with their variables filled in, as a model takes them."""
        return ChatPromptValue(messages=await self.aformat_messages(**kwargs))

    def format(self, **kwargs: Any) -> str:
        """The messages with their variables filled in, as text."""
        return self.format_prompt(**kwargs).to_string()

    async def aformat(self, **kwargs: Any) -> str:
        """The messages with their variables filled in, as text."""
        return (await self.aformat_prompt(**kwargs)).to_string()

    def pretty_repr(self, html: bool = False) -> str:  # noqa: ARG002, FBT001, FBT002 - the reference's signature
        """The prompt, for people to read.

        Raises:
            UnsupportedError: this kind of prompt does not say.
        """
        msg = f"{type(self).__name__} has no pretty_repr."
        raise UnsupportedError(msg)

    def pretty_print(self) -> None:
        """Print `pretty_repr()`, with colours in an interactive session."""
        print(self.pretty_repr(html=hasattr(sys, "ps2")))  # noqa: T201 - printing is what it is for


MessageLike = BaseMessagePromptTemplate | BaseMessage | BaseChatPromptTemplate
"""What a prompt of messages is made of."""

MessageLikeRepresentation = (
    MessageLike | tuple[str | type, str | Sequence[dict[str, Any]] | Sequence[object]] | str | dict[str, Any]
)
"""What a prompt of messages can be made of: also a str (the user's), and a role or class with a template."""


class ChatPromptTemplate(BaseChatPromptTemplate):
    """A prompt that is messages.

    ::

        prompt = ChatPromptTemplate(
            [
                ("system", "You are {name}."),
                ("placeholder", "{history}"),
                ("human", "{question}"),
            ]
        )
        chain = prompt | model

    Args:
        messages: templates of messages, and messages, which stay as they are; also a str, which is a template of what
            the user says; a role (`"system"`, `"human"`, `"ai"`, ...) or a class of messages and a template, in a tuple
            or as `{"role": ..., "content": ...}`; `("placeholder", "{history}")`, an optional `MessagesPlaceholder`.
        template_format: `"f-string"` (`{name}`) or `"mustache"` (`{{name}}`).
        **kwargs: other fields.

    validate_template: whether to see that `input_variables` are those of the messages; else they follow from them.

    Raises:
        ConfigurationError: a message is none of these, or a template is malformed.
    """

    messages: SkipValidation[list[MessageLike]]
    validate_template: bool = False

    _runs_in_loop: ClassVar[bool] = True

    def __init__(
        self,
        messages: Sequence[MessageLikeRepresentation],
        *,
        template_format: PromptTemplateFormat = "f-string",
        **kwargs: Any,
    ) -> None:
        fields: dict[str, Any] = {
            "messages": [_convert_to_message_template(message, template_format) for message in messages]
        }
        super().__init__(**fields, **kwargs)

    @model_validator(mode="before")
    @classmethod
    def _find_variables(cls, values: dict[str, Any]) -> dict[str, Any]:
        found = _variables_in(values["messages"], values.get("partial_variables") or {})
        required = found["input_variables"]
        if values.get("validate_template") and set(values.get("input_variables", required)) != set(required):
            msg = f"Got mismatched input_variables. Expected: {set(required)}. Got: {values['input_variables']}"
            raise ConfigurationError(msg)
        return {**values, **found, "input_types": {**found["input_types"], **(values.get("input_types") or {})}}

    @classmethod
    def get_lc_namespace(cls) -> list[str]:
        """The reference's."""
        return ["langchain", "prompts", "chat"]

    @property
    def _prompt_type(self) -> str:
        return "chat"

    @classmethod
    def from_messages(
        cls, messages: Sequence[MessageLikeRepresentation], template_format: PromptTemplateFormat = "f-string"
    ) -> Self:
        """Make a prompt of messages; the constructor by another name."""
        return cls(messages, template_format=template_format)

    @classmethod
    def from_template(cls, template: str, **kwargs: Any) -> Self:
        """Make a prompt of what the user says.

        Args:
            template: its template.
            **kwargs: what `PromptTemplate.from_template` takes.
        """
        return cls([HumanMessagePromptTemplate(prompt=PromptTemplate.from_template(template, **kwargs))])

    def format_messages(self, **kwargs: Any) -> list[BaseMessage]:
        """The messages, with their variables filled in.

        Raises:
            KeyError: a variable is missing.
        """
        variables = self._merge_partial_and_user_variables(**kwargs)
        made: list[BaseMessage] = []
        for message in self.messages:
            made.extend([message] if isinstance(message, BaseMessage) else message.format_messages(**variables))
        return made

    async def aformat_messages(self, **kwargs: Any) -> list[BaseMessage]:
        """The messages, with their variables filled in.

        Raises:
            KeyError: a variable is missing.
        """
        variables = self._merge_partial_and_user_variables(**kwargs)
        made: list[BaseMessage] = []
        for message in self.messages:
            made.extend([message] if isinstance(message, BaseMessage) else await message.aformat_messages(**variables))
        return made

    def partial(self, **kwargs: Any) -> Self:
        """A copy with some variables filled in: values, or functions that are called for one at each use."""
        changed = super().partial(**kwargs)
        # The copy's own, so that what is appended to one does not appear in the other.
        changed.messages = [*self.messages]
        return changed

    def append(self, message: MessageLikeRepresentation) -> None:
        """Add a message at the end, in any form the constructor takes."""
        self.extend([message])

    def extend(self, messages: Sequence[MessageLikeRepresentation]) -> None:
        """Add messages at the end, in any form the constructor takes."""
        self.messages.extend(_convert_to_message_template(message) for message in messages)
        found = _variables_in(self.messages, self.partial_variables)
        self.input_types = {**found.pop("input_types"), **self.input_types}
        for name, value in found.items():
            setattr(self, name, value)

    def __add__(self, other: Any) -> ChatPromptTemplate:
        """This and what follows: a prompt, a message or a template of one, a str, or a list of these."""
        following: Sequence[Any]
        if isinstance(other, ChatPromptTemplate):
            following = other.messages
        elif isinstance(other, list | tuple):
            following = cast("Sequence[Any]", other)
        elif isinstance(other, str | BaseMessage | BaseMessagePromptTemplate | BaseChatPromptTemplate):
            following = [other]
        else:
            msg = f"Unsupported operand type for +: {type(other)}. Add a prompt, a message, a str, or a list of these."
            raise UnsupportedError(msg)
        theirs: dict[str, Any] = getattr(cast("object", other), "partial_variables", None) or {}
        partials: dict[str, Any] = {**self.partial_variables, **theirs}
        return ChatPromptTemplate([*self.messages, *following]).partial(**partials)

    @overload
    def __getitem__(self, index: SupportsIndex) -> MessageLike: ...
    @overload
    def __getitem__(self, index: slice) -> ChatPromptTemplate: ...
    def __getitem__(self, index: SupportsIndex | slice) -> MessageLike | ChatPromptTemplate:
        """One of the messages, or a prompt of several, with what is filled in for them."""
        if not isinstance(index, slice):
            return self.messages[index]
        part = ChatPromptTemplate(self.messages[index])
        names = {*part.input_variables, *part.optional_variables}
        return part.partial(**{name: value for name, value in self.partial_variables.items() if name in names})

    def __len__(self) -> int:
        """How many messages and templates there are."""
        return len(self.messages)

    def pretty_repr(self, html: bool = False) -> str:  # noqa: FBT001, FBT002 - the reference's signature
        """The prompt, for people to read.

        Args:
            html: whether to set titles in bold and variables in colour (by terminal escapes, whatever the name says).
        """
        return "\n\n".join(message.pretty_repr(html=html) for message in self.messages)


def _variables_in(messages: Sequence[MessageLike], partials: Any) -> dict[str, Any]:
    """What follows from the messages of a prompt and what is filled in: the fields that hold its variables."""
    required: set[str] = set()
    optional: set[str] = set()
    types: dict[str, Any] = {}
    for message in messages:
        if isinstance(message, BaseMessage):
            continue
        required.update(message.input_variables)
        if isinstance(message, MessagesPlaceholder):
            types[message.variable_name] = list[AnyMessage]
            if message.optional:
                optional.add(message.variable_name)
    # What need not be given is filled in with nothing.
    filled = {**{name: cast("list[Any]", []) for name in sorted(optional)}, **partials}
    return {
        "input_variables": sorted(required - filled.keys()),
        "optional_variables": sorted(optional),
        "partial_variables": filled,
        "input_types": types,
    }


# -------------------------------------------------------------------------------------------------- in whatever form

_TEMPLATES: dict[str, type[_BlocksMessagePromptTemplate]] = {
    "human": HumanMessagePromptTemplate,
    "user": HumanMessagePromptTemplate,
    "ai": AIMessagePromptTemplate,
    "assistant": AIMessagePromptTemplate,
    "system": SystemMessagePromptTemplate,
}


def _convert_to_message_template(message: Any, template_format: PromptTemplateFormat = "f-string") -> MessageLike:
    if isinstance(message, BaseMessage | BaseMessagePromptTemplate | BaseChatPromptTemplate):
        return message
    if isinstance(message, str):
        return _of_role("human", message, template_format)
    if is_dict(message):
        if message.keys() != {"content", "role"}:
            msg = f"Expected dict to have exact keys 'role' and 'content'. Got: {message}"
            raise ConfigurationError(msg)
        role, template = message["role"], message["content"]
    elif isinstance(message, tuple):
        if len(cast("tuple[Any, ...]", message)) != 2:
            msg = f"Expected 2-tuple of (role, template), got {message}"
            raise ConfigurationError(msg)
        role, template = cast("tuple[Any, Any]", message)
    else:
        msg = f"Unsupported message type: {type(message)}. See ChatPromptTemplate for what can be a message."
        raise UnsupportedError(msg)
    if isinstance(role, str):
        return _of_role(role, template, template_format)
    fields = getattr(role, "model_fields", {})
    if "type" in fields:
        return _of_role(fields["type"].default, template, template_format)
    return cast("MessageLike", role(prompt=PromptTemplate.from_template(template, template_format=template_format)))


def _of_role(role: str, template: Any, template_format: PromptTemplateFormat) -> BaseMessagePromptTemplate:
    if role == "placeholder":
        return _placeholder(template)
    if role not in _TEMPLATES:
        msg = (
            f"Unexpected message type: {role}. Use one of 'human', 'user', 'ai', 'assistant', 'system', 'placeholder'."
        )
        raise ConfigurationError(msg)
    return _TEMPLATES[role].from_template(template, template_format=template_format)


def _placeholder(template: Any) -> MessagesPlaceholder:
    name, optional = (template, True) if isinstance(template, str) else _pair(template)
    if not isinstance(optional, bool):
        msg = f"Expected is_optional to be a boolean. Got: {optional}"
        raise ConfigurationError(msg)
    if not isinstance(name, str):
        msg = f"Expected variable name to be a string. Got: {name}"
        raise ConfigurationError(msg)
    if not (name.startswith("{") and name.endswith("}")):
        msg = f"Invalid placeholder template: {name}. Expected a variable name surrounded by curly braces."
        raise ConfigurationError(msg)
    return MessagesPlaceholder(name[1:-1], optional=optional)


def _pair(template: Any) -> tuple[Any, Any]:
    if (is_list(template) or isinstance(template, tuple)) and len(cast("Sequence[Any]", template)) == 2:
        name, optional = cast("Sequence[Any]", template)
        return name, optional
    msg = (
        "Unexpected arguments for placeholder message type. Expected either a single string variable name or a list of"
        f" [variable_name: str, is_optional: bool]. Got: {template}"
    )
    raise ConfigurationError(msg)
