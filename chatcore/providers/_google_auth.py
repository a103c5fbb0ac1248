"""Tokens for Google Cloud: of the user's own function, of credentials of google-auth, or of those it finds by itself.

google-auth is optional: only who gives none of the others needs it (`pip install chatcore[google]`). It is sync and
goes to the network, so it runs in a worker thread.
"""

from __future__ import annotations

import importlib
from inspect import isawaitable
from threading import Lock
from typing import Any, Final

from pydantic import SecretStr

from chatcore.engine.threads import in_thread
from chatcore.errors import AuthenticationError, ConfigurationError, ConnectionFailedError, MissingKeyError

__all__ = ["default_credentials", "token_of"]

SCOPE: Final = "https://www.googleapis.com/auth/cloud-platform"

_refreshing: Final = Lock()


async def token_of(credentials: Any) -> str:
    """The bearer token of credentials: a text, a function that gives one (sync or async), or google-auth's own kind.

    Raises:
        MissingKeyError: the function gave nothing.
        ConfigurationError: these are no credentials.
        AuthenticationError: Google gives no token for them.
        ConnectionFailedError: Google could not be asked.
    """
    given: Any = credentials
    if _is_of_google_auth(given):
        if not given.valid:
            await in_thread(_refresh, given)
        given = given.token
    elif callable(given):
        given = given()
        if isawaitable(given):
            given = await given
    token = given.get_secret_value() if isinstance(given, SecretStr) else given
    if isinstance(token, str) and token.strip():
        return token.strip()
    found = "an empty text" if isinstance(token, str) else type(token).__name__
    msg = (
        f"credentials gave {found} for a token: give a function that returns a token as a str, or credentials of "
        "google-auth."
    )
    raise (MissingKeyError if token is None or isinstance(token, str) else ConfigurationError)(msg)


async def default_credentials() -> Any:
    """The credentials that google-auth finds on this machine (https://google.aip.dev/auth/4110).

    Raises:
        MissingKeyError: it finds none, or is not installed.
    """
    return await in_thread(_found)


def _is_of_google_auth(credentials: Any) -> bool:
    return hasattr(credentials, "refresh") and hasattr(credentials, "token") and hasattr(credentials, "valid")


def _found() -> Any:
    try:
        auth = importlib.import_module("google.auth")
    except ImportError as error:
        msg = (
            "There are no credentials for Vertex AI: install google-auth, which finds those of this machine (`pip "
            "install 'chatcore[google]'`), or pass api_key= or credentials= (a function that returns a token)."
        )
        raise MissingKeyError(msg) from error
    try:
        credentials, _ = auth.default(scopes=[SCOPE])
    except Exception as error:
        raise _told(error) from error
    return credentials


def _refresh(credentials: Any) -> None:
    with _refreshing:
        if credentials.valid:
            return  # another call has just done it
        try:
            request = importlib.import_module("google.auth.transport.requests").Request()
            credentials.refresh(request)
        except Exception as error:
            raise _told(error) from error


def _told(error: Exception) -> Exception:
    """What google-auth raises, as one of ours: by its name, since the package may not be there."""
    names = {kind.__name__ for kind in type(error).__mro__}
    if "DefaultCredentialsError" in names:
        msg = (
            "There are no credentials for Vertex AI: run `gcloud auth application-default login`, set "
            "GOOGLE_APPLICATION_CREDENTIALS, or pass api_key= or credentials=."
        )
        return MissingKeyError(msg)
    if "TransportError" in names or getattr(error, "retryable", False) is True:
        return ConnectionFailedError(f"Google could not be asked for a token ({type(error).__name__}). Ask again.")
    if "GoogleAuthError" in names:
        return AuthenticationError(
            f"Google gives no token for these credentials ({type(error).__name__}): check them, or log in again."
        )
    return error
