"""Messages and settings → the JSON of an Ollama chat request. No I/O.

The wire is Ollama's own (https://docs.ollama.com/api/chat): a message is one text, images in base64 beside it, thinking
of its own, tool calls with arguments as objects. What an answer of another provider carries and the wire has no place
for is left out: ids, citations, signatures, thinking. What the *user* asked to send and cannot be sent is an error that
names it.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, cast

from chatcore.errors import InvalidInputError
from chatcore.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from chatcore.messages._shapes import is_dict
from chatcore.messages._standard import standard_blocks
from chatcore.messages._tool_calls import parsed_call
from chatcore.messages.block_translators._blocks import data_of_uri
from chatcore.providers._history import told_to_others
from chatcore.providers._wire_request import TOOL_FORM, Where, openai_tool, schema_of, stop_words, tool_name

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["OPTIONS", "encode_messages", "encode_request"]

OPTIONS: Final = frozenset(
    {
        *("num_ctx", "num_batch", "num_gpu", "main_gpu", "num_thread", "numa", "low_vram", "f16_kv", "use_mmap"),
        *("use_mlock", "vocab_only", "logits_all", "embedding_only", "num_keep", "seed", "num_predict", "top_k"),
        *("top_p", "min_p", "typical_p", "tfs_z", "repeat_last_n", "temperature", "repeat_penalty"),
        *("presence_penalty", "frequency_penalty", "mirostat", "mirostat_tau", "mirostat_eta", "penalize_newline"),
        "stop",
    }
)
"""The settings that stand under `options` (https://docs.ollama.com/modelfile#parameter, and the official SDK)."""

_RENAMED: Final = {"max_tokens": "num_predict", "max_completion_tokens": "num_predict"}

_NOT_SENT: Final = frozenset({"parallel_tool_calls", "strict", "stream", "stream_options"})
"""What other providers know, and Ollama has no word for."""

_THINK: Final = ("think", "reasoning", "reasoning_effort")
"""The names of how much to think, the strongest first."""

_EFFORTS: Final = {"none": False, "minimal": "low"}
"""OpenAI's efforts, where Ollama calls them otherwise."""


def encode_request(
    messages: Sequence[BaseMessage],
    settings: Mapping[str, Any],
    *,
    stream: bool = False,
    extra_body: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The request's body, ready for `to_json`.

    messages: the conversation, oldest first.
    settings: parameters by Ollama's names or by OpenAI's, `model` among them; None means "not set". Names that are not
        known here are sent as they are.
    stream: whether the answer is to be streamed.
    extra_body: merged last, over everything else.

    Raises `InvalidInputError` for a message, a tool or a setting that cannot be sent, naming it.
    """
    # The server streams unless it is told not to.
    body: dict[str, Any] = {
        "model": settings.get("model"),
        "messages": encode_messages(messages),
        "stream": stream,
    }
    options: dict[str, Any] = {}
    for name, value in settings.items():
        ours = _RENAMED.get(name, name)
        if value is None or ours in body or ours in _NOT_SENT or ours in _READ_TOGETHER:
            continue
        if ours == "stop":
            value = stop_words(value)  # noqa: PLW2901 - as a list
            if not value:
                continue
        (options if ours in OPTIONS else body)[ours] = value
    body.update(_together(settings))
    given: Any = settings.get("options")
    if given is not None and not isinstance(given, Mapping):
        msg = f"options is of type {type(given).__name__}: give a dict, such as {{'num_ctx': 8192}}."
        raise InvalidInputError(msg)
    if options or given is not None:
        body["options"] = {**options, **cast("Mapping[str, Any]", given or {})}
    if extra_body:
        body.update(extra_body)
    return body


_READ_TOGETHER: Final = frozenset({*_THINK, "options", "format", "response_format", "tools", "tool_choice"})
"""Settings that say something only together with others."""


def _together(settings: Mapping[str, Any]) -> dict[str, Any]:
    said: dict[str, Any] = {}
    efforts = (settings[name] for name in _THINK if settings.get(name) is not None)
    effort: Any = next(efforts, None)
    if is_dict(effort):
        effort = effort.get("effort")  # OpenAI's newer form
    if effort is not None:
        said["think"] = _EFFORTS.get(effort, effort) if isinstance(effort, str) else effort
    form: Any = settings.get("format")
    if form is None:
        form = _format(settings.get("response_format"))
    if form is not None:
        said["format"] = form
    if settings.get("top_logprobs") is not None and settings.get("logprobs") is None:
        said["logprobs"] = True
    tools = _tools(settings.get("tools"), settings.get("tool_choice"))
    if tools:
        said["tools"] = tools
    return said


def _format(response_format: Any) -> Any:
    """OpenAI's form of an answer's format as Ollama's: a schema, or "json"; None for any text."""
    if response_format is None:
        return None
    if isinstance(response_format, type):
        msg = f"response_format is the class {response_format.__name__}: give format={schema_of(response_format)}."
        raise InvalidInputError(msg)
    form: dict[str, Any] = response_format if is_dict(response_format) else {}
    kind: Any = form.get("type")
    if kind == "json_object":
        return "json"
    if kind == "text":
        return None
    schema: Any = form.get("json_schema") if kind == "json_schema" else None
    if is_dict(schema) and is_dict(schema.get("schema")):
        return schema["schema"]
    msg = (
        "response_format is not understood: give {'type': 'json_schema', 'json_schema': {'name': ..., 'schema': ...}} "
        "or {'type': 'json_object'}; or format= with a JSON schema."
    )
    raise InvalidInputError(msg)


def _tools(given: Any, choice: Any) -> list[dict[str, Any]]:
    """The tools to offer: Ollama knows no choice among them, so that of a tool that is named, only that is offered."""
    if given is None or choice == "none":
        return []
    if not isinstance(given, list | tuple):
        msg = f"tools is of type {type(given).__name__}: give a list of dicts, each {TOOL_FORM}."
        raise InvalidInputError(msg)
    tools = [openai_tool(tool, position) for position, tool in enumerate(cast("Sequence[Any]", given))]
    name = tool_name(choice) if is_dict(choice) else choice
    if not isinstance(name, str) or name in ("auto", "any", "required"):
        return tools
    named = [tool for tool in tools if tool_name(tool) == name]
    if tools and not named:
        msg = f"tool_choice={name!r} names no tool of this call; there are {[tool_name(tool) for tool in tools]}."
        raise InvalidInputError(msg)
    return named


# ------------------------------------------------------------------------------------------------------------- messages


def encode_messages(messages: Sequence[BaseMessage]) -> list[dict[str, Any]]:
    """The request's `messages`.

    Raises `InvalidInputError` for an empty list, and for a message or block that cannot be sent, naming its position.
    """
    if not messages:
        msg = "There is no message to send: the input is an empty list. Give at least one message."
        raise InvalidInputError(msg)
    names: dict[str, str] = {}
    encoded: list[dict[str, Any]] = []
    for position, message in enumerate(messages):
        if isinstance(message, AIMessage):
            names.update((call["id"], call["name"]) for call in message.tool_calls if call["id"])
            names.update(
                (call["id"], call["name"]) for call in message.invalid_tool_calls if call["id"] and call["name"]
            )
            encoded.append(_answer(message))
        else:
            encoded.append(_message(message, position, names))
    return encoded


def _message(message: BaseMessage, position: int, names: Mapping[str, str]) -> dict[str, Any]:
    wire: dict[str, Any] = {"role": _role(message, position), **_content(message, position)}
    if isinstance(message, ToolMessage):
        name = message.name or names.get(message.tool_call_id)
        if name:
            wire["tool_name"] = name
        if message.tool_call_id:
            wire["tool_call_id"] = message.tool_call_id
    elif isinstance(message, FunctionMessage):
        wire["tool_name"] = message.name
    return wire


def _role(message: BaseMessage, position: int) -> str:
    if isinstance(message, ChatMessage):
        return message.role
    for kind, role in ((HumanMessage, "user"), (SystemMessage, "system"), (ToolMessage | FunctionMessage, "tool")):
        if isinstance(message, kind):
            return role
    msg = f"Message {position} is a {type(message).__name__}, which is not a message that a model can be sent."
    raise InvalidInputError(msg)


def _content(message: BaseMessage, position: int) -> dict[str, Any]:
    """A message's text, and its images."""
    content: Any = message.content
    if isinstance(content, str):
        return {"content": content}
    texts: list[str] = []
    images: list[str] = []
    for part in cast("list[str | dict[str, Any]]", content):
        if isinstance(part, str):
            texts.append(part)
            continue
        where = Where(position, message.type, part)
        block = _standard(part)
        kind: Any = block.get("type")
        if kind == "image":
            images.append(_image(block, where))
        elif kind in _TEXTS:
            texts.append(_TEXTS[kind](block, where))
        else:
            raise where.error(
                "Ollama takes text and images; write what it says as text, or use a model of another provider"
            )
    wire: dict[str, Any] = {"content": "\n".join(texts)}
    return {**wire, "images": images} if images else wire


def _standard(part: dict[str, Any]) -> dict[str, Any]:
    if part.get("type") == "image_url" and isinstance(part.get("image_url"), str):
        return {"type": "image", "url": part["image_url"]}
    return cast("dict[str, Any]", standard_blocks([part])[0])


def _image(block: dict[str, Any], where: Where) -> str:
    data = _image_data(block)
    if data is None:
        raise where.error("Ollama takes an image as 'base64' only: fetch it first, and give its bytes so")
    return data


def _image_data(block: dict[str, Any]) -> str | None:
    data: Any = block.get("base64")
    if isinstance(data, str):
        return data
    url: Any = block.get("url")
    if not isinstance(url, str):
        return None
    embedded = data_of_uri(url)
    if embedded is not None:
        return cast("str", embedded["base64"])
    # The reference takes bare base64 for a URL.
    return None if ":" in url or "/" in url[:1] or not url else url


def _text(block: dict[str, Any], where: Where) -> str:
    text: Any = block.get("text")
    if not isinstance(text, str):
        raise where.error("its 'text' must be a str")
    return text


def _document(block: dict[str, Any], where: Where) -> str:
    """The text of a document that is text."""
    if isinstance(block.get("text"), str):
        return cast("str", block["text"])
    mime_type = str(block.get("mime_type") or "")
    data: Any = block.get("base64")
    if isinstance(data, str) and mime_type.startswith(("text/", "application/json")):
        try:
            return base64.b64decode(data).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise where.error(f"its base64 holds no UTF-8 text ({error})") from error
    raise where.error("Ollama takes documents as text only: give what it says, as a 'text' block")


_TEXTS: Final[dict[str, Callable[[dict[str, Any], Where], str]]] = {
    "text": _text,
    "text-plain": _document,
    "file": _document,
}


# -------------------------------------------------------------------------------------------------------------- answers


def _answer(message: AIMessage) -> dict[str, Any]:
    """An earlier answer, of whichever provider."""
    extras = message.additional_kwargs
    own = message.response_metadata.get("model_provider", "ollama") == "ollama"
    said = _Said(message)
    wire: dict[str, Any] = {"role": "assistant", "content": "".join(said.texts)}
    if own and said.thoughts:
        wire["thinking"] = "".join(said.thoughts)
    if own and extras.get("images"):
        said.images.extend(extras["images"])
    if said.images:
        wire["images"] = said.images
    calls = [_call(call["id"], call["name"], call["args"]) for call in message.tool_calls]
    # Ollama takes objects only: what a model wrote that is none is shown to it as what it is.
    calls += [
        _call(call["id"], call["name"], {"unreadable_arguments": call["args"] or ""})
        for call in message.invalid_tool_calls
    ]
    function: Any = extras.get("function_call")
    if not calls and is_dict(function):
        parsed = parsed_call(function.get("name"), function.get("arguments"), None)
        args: Any = parsed.get("args")
        calls = [_call(None, parsed["name"], args if is_dict(args) else {"unreadable_arguments": args})]
    if calls:
        wire["tool_calls"] = calls
    if not wire["content"] and isinstance(extras.get("refusal"), str):
        wire["content"] = extras["refusal"]
    return wire


class _Said:
    """What an answer says, sorted: texts, thoughts, images. What only its provider understands is left out."""

    __slots__ = ("images", "texts", "thoughts")

    def __init__(self, message: AIMessage) -> None:
        self.texts: list[str] = []
        self.thoughts: list[str] = []
        self.images: list[str] = []
        for block in told_to_others(message, media=("image",)):
            if block["type"] == "text":
                self.texts.append(block["text"])
            elif block["type"] == "reasoning":
                self.thoughts.append(block["reasoning"])
            elif block["type"] == "image" and (data := _image_data(block)) is not None:
                self.images.append(data)
            elif isinstance(url := block.get("url"), str):
                self.texts.append(url)


def _call(call_id: str | None, name: str | None, arguments: Any) -> dict[str, Any]:
    call: dict[str, Any] = {"type": "function", "function": {"name": name or "", "arguments": arguments}}
    return call if call_id is None else {"id": call_id, **call}
