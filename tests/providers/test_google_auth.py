"""Tokens for Google Cloud, of every kind of credentials; google-auth itself is asked, too, where it is installed."""

from __future__ import annotations

import sys
import threading
from typing import Any

import pytest
from pydantic import SecretStr

from chatcore.errors import (
    AuthenticationError,
    ChatCoreError,
    ConfigurationError,
    ConnectionFailedError,
    MissingKeyError,
)
from chatcore.providers._google_auth import default_credentials, token_of

pytestmark = pytest.mark.anyio


class Credentials:
    """As those of google-auth are."""

    def __init__(self, error: Exception | None = None) -> None:
        self.token: str | None = None
        self.valid = False
        self.refreshed_in: list[int] = []
        self.error = error

    def refresh(self, request: Any) -> None:
        assert callable(request)
        if self.error is not None:
            raise self.error
        self.refreshed_in.append(threading.get_ident())
        self.token, self.valid = "fresh", True


async def given_later() -> str:
    return "later"


@pytest.mark.parametrize(
    ("credentials", "token"),
    [
        ("text", "text"),
        (SecretStr("s"), "s"),
        (lambda: "made", "made"),
        (lambda: SecretStr("m"), "m"),
        (given_later, "later"),
    ],
)
async def test_a_token_or_a_function_that_gives_one(credentials: Any, token: str) -> None:
    assert await token_of(credentials) == token


@pytest.mark.parametrize(
    ("credentials", "kind"),
    [("", MissingKeyError), (lambda: None, MissingKeyError), (7, ConfigurationError), (lambda: 7, ConfigurationError)],
)
async def test_what_gives_no_token_is_named(credentials: Any, kind: type[ChatCoreError]) -> None:
    with pytest.raises(kind, match="credentials"):
        await token_of(credentials)


async def test_credentials_are_refreshed_in_a_thread_and_once() -> None:
    pytest.importorskip("google.auth.transport.requests", reason="google-auth is not installed")
    credentials = Credentials()
    assert [await token_of(credentials), await token_of(credentials)] == ["fresh", "fresh"]
    assert len(credentials.refreshed_in) == 1
    assert credentials.refreshed_in[0] != threading.get_ident()


async def test_why_google_gives_no_token_is_told_by_the_class_of_the_error() -> None:
    exceptions = pytest.importorskip("google.auth.exceptions", reason="google-auth is not installed")
    for error, kind in (
        (exceptions.RefreshError("no", retryable=False), AuthenticationError),
        (exceptions.RefreshError("no", retryable=True), ConnectionFailedError),
        (exceptions.TransportError("no"), ConnectionFailedError),
        (KeyError("a bug"), KeyError),
    ):
        with pytest.raises(kind):
            await token_of(Credentials(error))


async def test_credentials_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    pytest.importorskip("google.auth", reason="google-auth is not installed")
    path = tmp_path / "credentials.json"
    path.write_text(
        '{"type": "authorized_user", "client_id": "i", "client_secret": "s", "refresh_token": "r"}', encoding="utf-8"
    )
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
    assert (await default_credentials()).refresh_token == "r"
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    with pytest.raises(MissingKeyError, match="gcloud auth"):
        await default_credentials()


async def test_where_google_auth_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "google.auth", None)
    with pytest.raises(MissingKeyError, match=r"chatcore\[google\]"):
        await default_credentials()
