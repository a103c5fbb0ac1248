"""Requests signed as AWS wants them: Signature Version 4. No I/O.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html. The signature covers the
method, the path, the query, the headers and the body, so that none of them may change on the way.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["AWSCredentials", "signed"]

ALGORITHM: Final = "AWS4-HMAC-SHA256"

UNSIGNED: Final = frozenset({"connection", "expect", "transfer-encoding", "user-agent", "x-amzn-trace-id"})
"""Headers that proxies change on the way, and so are left out of the signature."""

PORTS: Final = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class AWSCredentials:
    """What requests to AWS are signed with. It shows nothing of the secret ones.

    access_key: the access key's id, such as `AKIA...`.
    secret_key: the secret access key.
    token: the session token of temporary credentials; None for others.
    """

    access_key: str
    secret_key: str = field(repr=False)
    token: str | None = field(default=None, repr=False)


def signed(  # noqa: PLR0913 - a request has these parts, and a signature those
    method: str,
    url: str,
    headers: Mapping[str, str],
    content: bytes,
    *,
    credentials: AWSCredentials,
    region: str,
    service: str,
    now: datetime | None = None,
) -> dict[str, str]:
    """The headers of a request with those that sign it: `x-amz-date`, `x-amz-security-token` and `authorization`.

    method: such as `"POST"`.
    url: whole, percent-encoded as it will be sent.
    headers: all that will be sent and must not change, by lower-case name.
    content: the body.
    credentials: whose request it is.
    region, service: such as `"us-east-1"` and `"bedrock"`.
    now: the moment of signing; AWS refuses what is older than five minutes. None: this one.
    """
    moment = (now or datetime.now(UTC)).astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    with_date = {**headers, "x-amz-date": moment}
    if credentials.token:
        with_date["x-amz-security-token"] = credentials.token
    parts = urlsplit(url)
    named = {name: " ".join(value.split()) for name, value in with_date.items() if name not in UNSIGNED}
    named.setdefault("host", _host(parts.scheme, parts.hostname or "", parts.port))
    names = sorted(named)
    signed_names = ";".join(names)
    canonical = "\n".join(
        (
            method,
            # Encoded as it is sent, and once more: so is the rule for all services but S3.
            quote(parts.path or "/", safe="/~"),
            _sorted_query(parts.query),
            *(f"{name}:{named[name]}" for name in names),
            "",
            signed_names,
            sha256(content).hexdigest(),
        )
    )
    scope = f"{moment[:8]}/{region}/{service}/aws4_request"
    text = f"{ALGORITHM}\n{moment}\n{scope}\n{sha256(canonical.encode()).hexdigest()}"
    key = f"AWS4{credentials.secret_key}".encode()
    for step in scope.split("/"):
        key = hmac.digest(key, step.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    with_date["authorization"] = (
        f"{ALGORITHM} Credential={credentials.access_key}/{scope}, SignedHeaders={signed_names}, Signature={signature}"
    )
    return with_date


def _host(scheme: str, name: str, port: int | None) -> str:
    host = f"[{name}]" if ":" in name else name
    return host if port is None or port == PORTS.get(scheme) else f"{host}:{port}"


def _sorted_query(query: str) -> str:
    pairs = [(name, value) for name, _, value in (pair.partition("=") for pair in query.split("&"))] if query else []
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))
