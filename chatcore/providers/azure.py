"""`AzureChatOpenAI`: OpenAI's models, as Azure deploys them."""

from __future__ import annotations

import os
import re
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from inspect import isawaitable, iscoroutinefunction
from typing import Annotated, Any, ClassVar, Final, cast
from urllib.parse import quote, unquote, urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator
from typing_extensions import override

from chatcore.engine.threads import in_thread
from chatcore.errors import ConfigurationError, MissingKeyError
from chatcore.http.client import Reply, check_header
from chatcore.language_models.model_profile import load_profile
from chatcore.messages._shapes import is_dict, is_list
from chatcore.outputs import ChatResult
from chatcore.providers._remote import Call, Outgoing, address, as_secret, from_environment
from chatcore.providers._wire import Exchange, StreamDecoder
from chatcore.providers.hosts import OPENAI, Host, address_variable
from chatcore.providers.openai import ChatOpenAI

__all__ = ["AzureChatOpenAI"]

TokenProvider = Callable[[], str | SecretStr | Awaitable[str | SecretStr]]

_EXAMPLE: Final = "https://my-resource.openai.azure.com"

_HOST: Final = replace(
    OPENAI,
    base_url=_EXAMPLE,
    key="AZURE_OPENAI_API_KEY",
    docs="https://learn.microsoft.com/azure/ai-foundry/openai/reference",
    other_keys=("AZURE_OPENAI_AD_TOKEN",),
    domains=(),
    variables=(),
)

_VERSIONED: Final = re.compile(r"/openai/v\d+(/|$)")
"""The newer API, whose paths have no dated version and no deployment."""

_DEPLOYED_RESPONSES: Final = re.compile(r"/openai(/deployments/[^/?#]+)?/responses")

_OF_NEWER: Final = frozenset({"v1", "preview", "latest"})
"""API versions that mean the newer API."""

_TOKEN: Final = re.compile(r"eyJ[\w-]*\.[\w-]+\.[\w-]*")
"""What a token of Microsoft Entra looks like; a key has no dots."""


class AzureChatOpenAI(ChatOpenAI):
    """A chat model of OpenAI's in a deployment of Azure's.

    ::

        model = AzureChatOpenAI(
            azure_endpoint="https://my-resource.openai.azure.com",
            azure_deployment="my-gpt-5-mini",
            api_version="2025-04-01-preview",
        )
        model = AzureChatOpenAI(azure_endpoint="https://my-resource.openai.azure.com", azure_deployment="my-gpt-5-mini")

    With a dated `api_version` requests go to `/openai/deployments/<deployment>`, without one to Azure's newer API at
    `/openai/v1`; those of the Responses API go there in any case. What the content filter found stands in
    `response_metadata["prompt_filter_results"]` and `["content_filter_results"]`; a prompt that it refuses is a
    `ContentFilteredError` that says for what.

    azure_endpoint: where the resource is; None: `AZURE_OPENAI_ENDPOINT` from the environment.
    azure_deployment: the deployment's name; None: `model`.
    api_version: such as `"2025-04-01-preview"`; None: `OPENAI_API_VERSION` from the environment, else the newer API,
        which `"v1"` and `"preview"` mean as well.
    model: the deployed model, for what is known of it; None: the deployment's name.
    model_version: of the model; it is added to the model's name in `llm_output`.
    api_key: the resource's key; None: `AZURE_OPENAI_API_KEY` from the environment. A function may give a key, or a
        token of Microsoft Entra, which is told by its form.
    azure_ad_token: a token of Microsoft Entra; None, with no key given: `AZURE_OPENAI_AD_TOKEN` from the environment.
    azure_ad_token_provider: gives the token, asked at every request; a sync function runs in a worker thread.
    azure_ad_async_token_provider: as before; for the reference's name.
    base_url: in place of `azure_endpoint`, an address with its path, such as ".../openai/v1" or
        ".../openai/deployments/my-gpt-5-mini".
    validate_base_url: whether to refuse a `base_url` without "/openai" in it.
    disabled_params: parameters that this deployment refuses, and which are left out: name → their values, or None for
        any value.
    openai_api_type: not used; for the reference's name.

    The other arguments are those of `ChatOpenAI`.

    Raises:
        ConfigurationError: an argument is unknown or wrong, or there is no endpoint.
        MissingKeyError: no key and no token was found.
    """

    _PROVIDER: ClassVar[str] = "azure_openai"
    _KEY_VARIABLES: ClassVar[tuple[str, ...]] = ("AZURE_OPENAI_API_KEY", "AZURE_OPENAI_AD_TOKEN")
    _BASE_URL: ClassVar[str] = f"{_EXAMPLE}/openai/v1"
    _ALIASES: ClassVar[Mapping[str, str]] = {
        **ChatOpenAI._ALIASES,  # noqa: SLF001 - its own base's
        "deployment_name": "azure_deployment",
        "openai_api_version": "api_version",
        "azure_openai_api_key": "api_key",
    }
    _SECRETS: ClassVar[frozenset[str]] = frozenset(
        {"api_key", "azure_ad_token", "azure_ad_token_provider", "azure_ad_async_token_provider"}
    )

    model: str = ""  # for type checkers: `_named_by_deployment` always gives one
    azure_endpoint: str | None = None
    azure_deployment: str | None = None
    api_version: str | None = None
    model_version: str = ""
    azure_ad_token: Annotated[SecretStr | str | None, AfterValidator(as_secret)] = Field(
        default=None, exclude=True, repr=False
    )
    azure_ad_token_provider: TokenProvider | None = Field(default=None, exclude=True, repr=False)
    azure_ad_async_token_provider: TokenProvider | None = Field(default=None, exclude=True, repr=False)
    validate_base_url: bool = True
    disabled_params: dict[str, Any] | None = None
    openai_api_type: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _named_by_deployment(cls, given: Any) -> Any:
        """A model that is not named is the deployment."""
        if not is_dict(given) or given.get("model"):
            return given
        deployment = given.get("azure_deployment") or _deployment_in(given.get("base_url"))
        if not deployment:
            msg = "give azure_deployment, the name of your deployment"
            raise ValueError(msg)
        return {**given, "model": deployment}

    @override
    def _settle(self, given: Mapping[str, Any]) -> None:
        if self.api_version is None:
            self.api_version = os.environ.get("OPENAI_API_VERSION", "").strip() or None
            self.model_fields_set.discard("api_version")
        if self.base_url is not None and self.validate_base_url and "/openai" not in urlsplit(self.base_url).path:
            msg = (
                f"base_url has no '/openai' in its path: give azure_endpoint={self.base_url!r} instead, or "
                "validate_base_url=False for a gateway with paths of its own."
            )
            raise ConfigurationError(msg)
        super()._settle(given)
        token = self._plain_token()
        if token is not None:
            check_header("authorization", token, "azure_ad_token")

    @override
    def _found_host(self, base_url: str) -> Host:
        return _HOST

    @override
    def _found_address(self) -> str:
        endpoint = self.azure_endpoint
        if endpoint is None:
            elsewhere = from_environment((address_variable(self._PROVIDER),), self._BASE_URL)
            if elsewhere is not None:
                return elsewhere
            endpoint = from_environment(("AZURE_OPENAI_ENDPOINT",), _EXAMPLE)
        else:
            try:
                endpoint = address(endpoint, _EXAMPLE)
            except ValueError as error:
                msg = f"azure_endpoint: {error}."
                raise ConfigurationError(msg) from None
        if endpoint is None:
            msg = (
                "No endpoint was found: set the environment variable AZURE_OPENAI_ENDPOINT, or pass "
                f"azure_endpoint={_EXAMPLE!r}, for example."
            )
            raise ConfigurationError(msg)
        if "/openai" in urlsplit(endpoint).path:
            return endpoint
        is_newer = self.api_version is None or self.api_version in _OF_NEWER
        return f"{endpoint}/openai/v1" if is_newer else f"{endpoint}/openai"

    @property
    @override
    def _provider(self) -> str:
        return self._PROVIDER

    @property
    def deployment_name(self) -> str | None:
        """The reference's name of `azure_deployment`."""
        return self.azure_deployment

    @property
    def openai_api_version(self) -> str | None:
        """The reference's name of `api_version`."""
        return self.api_version

    @classmethod
    @override
    def get_lc_namespace(cls) -> list[str]:
        """The path before the class's name in JSON; the reference's."""
        return ["langchain", "chat_models", "azure_openai"]

    @property
    @override
    def lc_secrets(self) -> dict[str, str]:
        """The key and the token, known by the names of their environment variables."""
        return {"api_key": "AZURE_OPENAI_API_KEY", "azure_ad_token": "AZURE_OPENAI_AD_TOKEN"}

    @override
    def _known_profile(self) -> dict[str, Any] | None:
        profile = super()._known_profile()
        # Azure's models are OpenAI's, and so is what is known of them.
        return profile if profile is not None else cast("dict[str, Any] | None", load_profile("openai", self.model))

    # ----------------------------------------------------------------------------------------------------------- whose

    def _plain_token(self) -> str | None:
        return self.azure_ad_token.get_secret_value() if isinstance(self.azure_ad_token, SecretStr) else None

    @property
    def _gives_token(self) -> TokenProvider | None:
        return self.azure_ad_async_token_provider or self.azure_ad_token_provider

    @override
    def _find_key(self) -> None:
        if self.api_key is not None or self.azure_ad_token is not None or self._gives_token is not None:
            return
        for name, variable in (("azure_ad_token", "AZURE_OPENAI_AD_TOKEN"), ("api_key", "AZURE_OPENAI_API_KEY")):
            found = os.environ.get(variable, "").strip()
            if found:
                setattr(self, name, SecretStr(found))
                return

    @override
    def _plain_key(self) -> str | None:
        if self._gives_token is not None or self.azure_ad_token is not None:
            return None
        return super()._plain_key()

    @override
    def _key_headers(self, key: str) -> dict[str, str]:
        return {"authorization": f"Bearer {key}"} if _TOKEN.fullmatch(key) else {"api-key": key}

    @override
    async def _signed(self, method: str, url: str, headers: dict[str, str], content: bytes) -> dict[str, str]:
        give = self._gives_token
        token = self._plain_token() if give is None else await _token_given_by(give)
        if token is not None:
            return {"authorization": f"Bearer {token}", **headers}
        return await super()._signed(method, url, headers, content)

    # ------------------------------------------------------------------------------------------------------------ hooks

    @property
    @override
    def _llm_type(self) -> str:
        return "azure-openai-chat"

    @override
    def _defaults(self) -> dict[str, Any]:
        # The newer API calls the deployment a model; the older one does not look at it.
        settings = super()._defaults()
        if self.azure_deployment:
            settings["model"] = self.azure_deployment
        return settings

    @override
    def _name_of(self, settings: Mapping[str, Any]) -> str:
        # What a model needs, its own name says, and not that of its deployment.
        return self.model if settings.get("model") == self.azure_deployment else super()._name_of(settings)

    @override
    def _call(self, stop: list[str] | None, given: Mapping[str, Any], *, stream: bool) -> Call:
        call = super()._call(stop, given, stream=stream)
        for name, values in (self.disabled_params or {}).items():
            if values is None or call.settings.get(name) in (values if is_list(values) else [values]):
                call.settings.pop(name, None)
        return call

    @override
    async def _sent(self, outgoing: Outgoing, call: Call) -> AbstractAsyncContextManager[Reply]:
        """As every model, to the deployment's path: a call may name another deployment, as `model=`."""
        path = outgoing.path
        base = urlsplit(cast("str", self.base_url)).path
        is_newer = path.startswith("/responses") or _VERSIONED.search(base) is not None
        query: dict[str, str] = {}
        if self.api_version is not None and (not is_newer or self.api_version in ("preview", "latest")):
            query["api-version"] = self.api_version
        if not is_newer and base.endswith("/openai"):
            path = f"/deployments/{quote(str(call.settings.get('model')), safe='')}{path}"
        return await super()._sent(replace(outgoing, path=path, query={**query, **outgoing.query}), call)

    @override
    def _url(self, path: str, query: Mapping[str, str]) -> str:
        url = super()._url(path, query)
        # The Responses API knows no deployments in paths: those are its models.
        return _DEPLOYED_RESPONSES.sub("/openai/v1/responses", url, count=1)

    @override
    def _answer(self, body: bytes, exchange: Exchange, call: Call) -> ChatResult:
        result = super()._answer(body, _as_openai(exchange), call)
        if self.model_version and result.llm_output is not None and result.llm_output.get("model_name"):
            result.llm_output["model_name"] += f"-{self.model_version}"
        return result

    @override
    def _reader(self, exchange: Exchange, call: Call) -> StreamDecoder:
        return super()._reader(_as_openai(exchange), call)


def _as_openai(exchange: Exchange) -> Exchange:
    """Answers are OpenAI's, and what they hold goes back to OpenAI's models, wherever those run."""
    return replace(exchange, provider=OPENAI.name)


def _deployment_in(base_url: Any) -> str | None:
    found = re.search(r"/deployments/([^/?#]+)", base_url) if isinstance(base_url, str) else None
    return None if found is None else unquote(found[1])


async def _token_given_by(give: TokenProvider) -> str:
    """The token that the user's function gives; those of Azure's own library are sync, and ask the network."""
    # In a tuple, since trio refuses functions for threads that return something to be awaited.
    given: Any = give() if iscoroutinefunction(give) else (await in_thread(lambda: (give(),)))[0]
    if isawaitable(given):
        given = await given
    token = given.get_secret_value() if isinstance(given, SecretStr) else given
    if isinstance(token, str) and token.strip():
        return token.strip()
    found = "an empty text" if isinstance(token, str) else type(token).__name__
    msg = f"azure_ad_token_provider() returned {found}: it must return the token, as a str or SecretStr."
    raise MissingKeyError(msg)
