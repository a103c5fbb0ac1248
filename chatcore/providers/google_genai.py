"""`ChatGoogleGenerativeAI`: Gemini, by the Gemini API or on Vertex AI."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Final, cast
from urllib.parse import quote, urlsplit

from pydantic import Field, PrivateAttr, SecretStr, model_validator
from typing_extensions import override

from chatcore.errors import ConfigurationError
from chatcore.messages import BaseMessage
from chatcore.messages._shapes import is_dict
from chatcore.outputs import ChatResult
from chatcore.providers._counting import CountingChatModel
from chatcore.providers._gemini import PROVIDER, AnswerDecoder, decode_answer
from chatcore.providers._gemini_request import encode_request
from chatcore.providers._google_auth import default_credentials, token_of
from chatcore.providers._remote import Call, Outgoing, from_environment
from chatcore.providers._wire import Exchange, StreamDecoder, as_object
from chatcore.providers.hosts import address_variable, is_local
from chatcore.schemas import convert_to_openai_tool

__all__ = ["ChatGoogleGenerativeAI"]

_VERSIONED: Final = re.compile(r"/v\d+\w*/?$")
_LOCATION: Final = re.compile(r"[a-z][a-z0-9-]*")
_MULTI_REGIONAL: Final = frozenset({"us", "eu"})

_SAME: Final = (
    frozenset({"max_tokens", "max_completion_tokens", "max_output_tokens"}),
    frozenset({"stop", "stop_sequences"}),
    frozenset({"n", "candidate_count"}),
    frozenset({"thinking_budget", "thinking_level", "reasoning_effort"}),
    frozenset({"response_format", "response_schema"}),
)
"""Names of one thing: what a call says of it, by whichever name, takes the place of what the model says."""

_COUNTED: Final = frozenset({"contents", "systemInstruction", "tools", "generationConfig"})
"""What Vertex AI counts the tokens of."""


class ChatGoogleGenerativeAI(CountingChatModel):
    """A Gemini model, by the Gemini API or on Vertex AI.

    ::

        model = ChatGoogleGenerativeAI(model="gemini-2.5-flash", thinking_budget=0)
        model = ChatGoogleGenerativeAI(model="gemini-3-pro-preview", vertexai=True, project="my-project")

    Every call takes, by keyword, what the constructor takes of the request, and any other field of the API, in camel or
    in snake case; `generation_config`, `tool_config` and `code_execution=True` as the reference has them. OpenAI's
    names are understood as well: `response_format`, `reasoning_effort`, `logprobs`. Tools of Gemini's own are bound as
    they are: `bind_tools([{"google_search": {}}])`.

    What was thought, calls, code that was run and what was drawn go back to Gemini as they came, with their
    signatures. A prompt that is blocked has an empty answer, with the reason in `additional_kwargs["refusal"]`.

    model: the model's name, with or without "models/"; on Vertex AI, also a resource name with its publisher.
    api_key: the key; None: `GOOGLE_API_KEY` or `GEMINI_API_KEY` from the environment. On Vertex AI, those are looked at
        only where there is no project.
    base_url: another address, without the API's version; None: `GOOGLE_GEMINI_BASE_URL`, or for Vertex AI
        `GOOGLE_VERTEX_BASE_URL`, from the environment.
    vertexai: whether to use Vertex AI; None: as `GOOGLE_GENAI_USE_VERTEXAI` says, else if `credentials` or a `project`
        is given.
    project: the project on Vertex AI; None: that of `credentials`, else `GOOGLE_CLOUD_PROJECT` from the environment.
    location: where on Vertex AI, such as "us-central1"; None: `GOOGLE_CLOUD_LOCATION` from the environment, else
        "global".
    credentials: what shows whose a call on Vertex AI is, where there is no key: a function that gives a token, sync (it
        must not block) or async, asked at every request; a token; or credentials of google-auth. None: those that
        google-auth finds on this machine, if it is installed.
    api_version: the version in the path; None: "v1beta", and "v1beta1" on Vertex AI.
    top_k: sample from so many of the likeliest tokens.
    n: how many answers a plain call has.
    seed: for answers that are the same again, as far as possible.
    presence_penalty, frequency_penalty: how much to avoid what was said, or said often.
    thinking_budget: how many tokens may be thought; 0: none, -1: as many as the model likes.
    thinking_level: how much to think, for Gemini 3 and later; such as `"low"`.
    reasoning_effort: as `thinking_level`; for models without levels it is a budget.
    include_thoughts: whether to tell a summary of what was thought.
    thinking_config: the same as a dict, as the API has it.
    safety_settings: what to block: categories and thresholds, such as
        `{"HARM_CATEGORY_HARASSMENT": "BLOCK_ONLY_HIGH"}`.
    response_modalities: what to answer with, such as `["TEXT", "IMAGE"]`.
    response_mime_type, response_schema: the form of the answer; `with_structured_output` sets it by itself.
    media_resolution: how closely to look at images and videos: `"low"`, `"medium"`, `"high"`.
    speech_config, image_config: what speech and images are to be like, as the API has it.
    cached_content: the name of content that was cached before, "cachedContents/...".
    labels: of the request, for bills, on Vertex AI.
    convert_system_message_to_human: whether the user tells what system messages say, for models without an instruction.
    temperature, max_tokens, top_p, stop, timeout, max_retries, streaming, default_headers, default_query, model_kwargs,
        extra_body, http_client: as for every model (`RemoteChatModel`).

    Raises:
        ConfigurationError: an argument is unknown or wrong, or Vertex AI has neither project nor key.
        MissingKeyError: no key was found, or, at the first call, no credentials.
    """

    _PROVIDER: ClassVar[str] = PROVIDER
    _TOKENS: ClassVar[str] = "totalTokens"
    _KEY_VARIABLES: ClassVar[tuple[str, ...]] = ("GOOGLE_API_KEY", "GEMINI_API_KEY")
    _BASE_URL: ClassVar[str] = "https://generativelanguage.googleapis.com"
    _BASE_URL_VARIABLES: ClassVar[tuple[str, ...]] = ("GOOGLE_GEMINI_BASE_URL",)
    _ALIASES: ClassVar[Mapping[str, str]] = {
        "additional_headers": "default_headers",
        "candidate_count": "n",
        "client_options": "base_url",
        "google_api_key": "api_key",
        "max_output_tokens": "max_tokens",
        "model_name": "model",
        "request_timeout": "timeout",
        "retries": "max_retries",
        "stop_sequences": "stop",
    }
    _PARAMETERS: ClassVar[tuple[str, ...]] = (
        *("model", "temperature", "max_tokens", "top_p", "top_k", "stop", "n", "seed", "presence_penalty"),
        *("frequency_penalty", "thinking_budget", "thinking_level", "reasoning_effort", "include_thoughts"),
        *("thinking_config", "safety_settings", "response_modalities", "response_mime_type", "response_schema"),
        *("media_resolution", "speech_config", "image_config", "cached_content", "labels"),
    )
    _SECRETS: ClassVar[frozenset[str]] = frozenset({"api_key", "credentials"})

    vertexai: bool | None = None
    project: str | None = None
    location: str | None = None
    credentials: Any = Field(default=None, exclude=True, repr=False)
    api_version: str | None = None
    top_k: int | None = Field(default=None, gt=0)
    n: int | None = Field(default=None, gt=0)
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    thinking_budget: int | None = Field(default=None, ge=-1)
    thinking_level: str | None = None
    reasoning_effort: str | None = None
    include_thoughts: bool | None = None
    thinking_config: dict[str, Any] | None = None
    safety_settings: dict[Any, Any] | list[Any] | None = None
    response_modalities: list[Any] | None = None
    response_mime_type: str | None = None
    response_schema: dict[str, Any] | None = None
    media_resolution: Any = None
    speech_config: dict[str, Any] | None = None
    image_config: dict[str, Any] | None = None
    cached_content: str | None = None
    labels: dict[str, str] | None = None
    convert_system_message_to_human: bool = False

    # The credentials that google-auth has found.
    _found: Any = PrivateAttr(default=None)

    @model_validator(mode="before")
    @classmethod
    def _read_endpoint(cls, given: Any) -> Any:
        """Take the address out of the reference's older `client_options`."""
        options = given.get("base_url") if is_dict(given) else None
        if not is_dict(given) or not is_dict(options):
            return given
        endpoint = options.get("api_endpoint")
        if options.keys() != {"api_endpoint"} or not isinstance(endpoint, str):
            msg = "a dict of it holds 'api_endpoint' and nothing else: give a text"
            raise ValueError(msg)
        return {**given, "base_url": endpoint if "://" in endpoint else f"https://{endpoint}"}

    @override
    def _settle(self, given: Mapping[str, Any]) -> None:
        if self.project is None:
            project = getattr(self.credentials, "project_id", None)
            self.project = project if isinstance(project, str) and project else None
        if self.vertexai is None:
            said = os.environ.get("GOOGLE_GENAI_USE_VERTEXAI", "").strip().lower()
            implied = self.credentials is not None or self.project is not None
            self.vertexai = said in ("true", "1", "yes") if said else implied
        if self.vertexai:
            self.project = self.project or os.environ.get("GOOGLE_CLOUD_PROJECT", "").strip() or None
            self.location = self.location or os.environ.get("GOOGLE_CLOUD_LOCATION", "").strip() or "global"
            if _LOCATION.fullmatch(self.location) is None:
                msg = f"location={self.location!r} is none of Google's: give 'global' or 'us-central1', for example."
                raise ConfigurationError(msg)
        super()._settle(given)
        if self.vertexai and self.project is None and self.api_key is None:
            msg = (
                "Vertex AI needs a project: pass project=, or set the environment variable GOOGLE_CLOUD_PROJECT; or "
                "pass api_key= for its express mode."
            )
            raise ConfigurationError(msg)

    @override
    def _found_address(self) -> str:
        if not self.vertexai:
            return super()._found_address()
        location = cast("str", self.location)
        own = f"https://{location}-aiplatform.googleapis.com"
        if location == "global" or self.project is None:
            own = "https://aiplatform.googleapis.com"
        elif location in _MULTI_REGIONAL:
            own = f"https://aiplatform.{location}.rep.googleapis.com"
        return from_environment((address_variable(self._PROVIDER), "GOOGLE_VERTEX_BASE_URL"), own) or own

    # ------------------------------------------------------------------------------------------------------ whose it is

    @property
    @override
    def _key_variables(self) -> tuple[str, ...]:
        # As Google's SDK has it: who names a project, means its credentials.
        return () if self.vertexai and self.project is not None else self._KEY_VARIABLES

    @override
    def _find_key(self) -> None:
        if self.credentials is None:
            super()._find_key()

    @override
    def _plain_key(self) -> str | None:
        if not self.vertexai:
            return super()._plain_key()
        key = self.api_key.get_secret_value() if isinstance(self.api_key, SecretStr) else ""
        return key or None

    @override
    def _key_headers(self, key: str) -> dict[str, str]:
        return {"x-goog-api-key": key}

    @override
    async def _signed(self, method: str, url: str, headers: dict[str, str], content: bytes) -> dict[str, str]:
        headers = await super()._signed(method, url, headers, content)
        if not self.vertexai or headers.keys() & {"authorization", "x-goog-api-key"}:
            return headers
        credentials = self.credentials
        if credentials is None:
            if is_local(cast("str", self.base_url)):
                return headers
            if self._found is None:
                self._found = await default_credentials()
            credentials = self._found
        signed = {"authorization": f"Bearer {await token_of(credentials)}", **headers}
        payer = getattr(credentials, "quota_project_id", None)
        return {"x-goog-user-project": payer, **signed} if isinstance(payer, str) and payer else signed

    @property
    @override
    def lc_secrets(self) -> dict[str, str]:
        """The key, known by the name of its environment variable."""
        return {"api_key": self._KEY_VARIABLES[0]}

    @classmethod
    @override
    def _of_the_model(cls) -> frozenset[str]:
        return super()._of_the_model() | {"vertexai", "project", "location", "api_version"}

    @override
    def __getstate__(self) -> dict[Any, Any]:
        """Without credentials, wherever they are from."""
        state = super().__getstate__()
        return {**state, "__pydantic_private__": {**state["__pydantic_private__"], "_found": None}}

    # -------------------------------------------------------------------------------------------------- request, answer

    @override
    def _call(self, stop: list[str] | None, given: Mapping[str, Any], *, stream: bool) -> Call:
        call = super()._call(stop, given, stream=stream)
        said = given.keys() if stop is None else {*given.keys(), "stop"}
        for names in _SAME:
            if said & names:
                for name in names - said:
                    call.settings.pop(name, None)
        return call

    @override
    def _write(self, messages: list[BaseMessage], call: Call) -> Outgoing:
        body = encode_request(
            messages,
            call.settings,
            has_instruction=not self.convert_system_message_to_human,
            extra_body={**(self.extra_body or {}), **call.extra_body},
        )
        verb = "streamGenerateContent" if call.stream else "generateContent"
        return Outgoing(self._path(call, verb), body, query={"alt": "sse"} if call.stream else {})

    def _path(self, call: Call, verb: str) -> str:
        model = str(call.settings.get("model") or self.model)
        resource = self._resource(model.removeprefix("models/"))
        # An address with the version at its end is understood.
        has_version = _VERSIONED.search(urlsplit(cast("str", self.base_url)).path) is not None
        version = self.api_version or ("v1beta1" if self.vertexai else "v1beta")
        return f"{'' if has_version else f'/{version}'}/{quote(resource, safe='/')}:{verb}"

    def _resource(self, name: str) -> str:
        if not self.vertexai:
            return name if name.startswith("tunedModels/") else f"models/{name}"
        if name.startswith("projects/"):
            return name
        if not name.startswith("publishers/"):
            publisher, _, rest = name.rpartition("/")
            name = f"publishers/{publisher or 'google'}/models/{rest}"
        return name if self.project is None else f"projects/{self.project}/locations/{self.location}/{name}"

    @override
    def _answer(self, body: bytes, exchange: Exchange, call: Call) -> ChatResult:
        return decode_answer(body, exchange)

    @override
    def _reader(self, exchange: Exchange, call: Call) -> StreamDecoder:
        return AnswerDecoder(exchange)

    # ----------------------------------------------------------------------------------------------------------- tokens

    @override
    def _write_count(self, messages: list[BaseMessage], call: Call) -> Outgoing:
        """What https://ai.google.dev/api/tokens takes, or Vertex AI's own."""
        outgoing = self._write(messages, call)
        asked = as_object(outgoing.body)
        if self.vertexai:
            asked = {name: value for name, value in asked.items() if name in _COUNTED}
        else:
            model = self._resource(str(call.settings.get("model")).removeprefix("models/"))
            asked = {"generateContentRequest": {"model": model, **asked}}
        return replace(outgoing, path=self._path(call, "countTokens"), body=asked)

    @override
    def _counted_tool(self, tool: Any) -> dict[str, Any]:
        return tool if is_dict(tool) else convert_to_openai_tool(tool)

    # -------------------------------------------------------------------------------------------------------- as others

    @property
    @override
    def _llm_type(self) -> str:
        return "chat-google-generative-ai"

    @property
    def google_api_key(self) -> Any:
        """The reference's name of `api_key`."""
        return self.api_key

    @property
    def max_output_tokens(self) -> int | None:
        """The reference's name of `max_tokens`."""
        return self.max_tokens

    @classmethod
    @override
    def get_lc_namespace(cls) -> list[str]:
        """The path before the class's name in JSON; the reference's."""
        return ["langchain_google_genai", "chat_models"]
