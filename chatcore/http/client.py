"""HTTP for one model object, on whichever event loop it is called.

::

    HttpClient()                     the running loop's own pool, shared by all models, closed when the loop ends
      behind a proxy (environment)   httpx's own client, unchanged; also one per loop
    HttpClient(httpx.AsyncClient())  the user's client, as it is; on one loop only; never closed here
    HttpClient(make_client)          a client per loop, made by the user's function, closed when the loop ends

The pool is used without httpx's client around it, which would cost as much again as the request itself. A user's
client is known by what it does, not by its class, so that httpx and httpx2 serve alike; exceptions are known by the
names of their classes.

Nothing here holds a cancel scope or a task group while the caller reads: a stream is entered in one pull and left in
another.
"""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, field
from functools import lru_cache
from types import TracebackType
from typing import Any, Final, Protocol, TypeAlias, TypeGuard, cast
from urllib.request import getproxies, proxy_bypass
from weakref import WeakKeyDictionary, ref

import anyio
import h11
import httpx
from anyio.lowlevel import RunVar

from chatcore.engine._host import CLOSING_SECONDS, at_loop_end, loop_key
from chatcore.errors import (
    ChatCoreError,
    ConfigurationError,
    ConnectionFailedError,
    MalformedResponseError,
    ProviderError,
    StalledError,
)
from chatcore.http.status import error_from, redacted
from chatcore.http.transport import KEEPALIVE_SECONDS, IdleStackTransport, Origin, Outgoing, shared_ssl_context

__all__ = [
    "MAX_BODY_BYTES",
    "AsyncClient",
    "HeaderFields",
    "HttpClient",
    "HttpClientGiven",
    "Reply",
    "check_header",
    "check_url",
    "is_secret",
]

MAX_BODY_BYTES: Final = 64 * 1024 * 1024
"""How large a body may be, content-decoded, unless told otherwise."""

MAX_ERROR_BYTES: Final = 256 * 1024
DECODED_BYTES: Final = 1024 * 1024
# More compressed bytes than this, with nothing to show for them, are no content. Flushed events may grow by a little.
BARREN_BYTES: Final = 1024 * 1024
MAX_EXPANSION: Final = 8
MAX_MEMBERS: Final = 10_000
UNWINDING_PULLS: Final = 1000

HeaderFields: TypeAlias = Mapping[str, str] | Iterable[tuple[str, str]]
"""Names and values of headers."""


class AsyncClient(Protocol):
    """What is asked of a user's client: `httpx.AsyncClient` and `httpx2.AsyncClient` have it."""

    def build_request(self, *args: Any, **kwargs: Any) -> Any:
        """As httpx's: method, url; headers, content, timeout."""
        ...

    async def send(self, *args: Any, **kwargs: Any) -> Any:
        """As httpx's: request; stream, follow_redirects."""
        ...

    async def aclose(self) -> None:
        """As httpx's."""
        ...


HttpClientGiven: TypeAlias = AsyncClient | Callable[[], AsyncClient] | None
"""What `http_client=` takes: see `HttpClient`."""


class HttpClient:
    """Sends the requests of one model.

    http_client: None for chatcore's own connections; an `httpx.AsyncClient` or `httpx2.AsyncClient`, used as it is on
        the event loop that uses it first; or a function without arguments that returns one, called once for each
        event loop.
    provider: who is asked, for errors.

    Raises:
        ConfigurationError: `http_client` is none of these.
    """

    def __init__(self, http_client: HttpClientGiven = None, *, provider: str | None = None) -> None:
        self._given = http_client
        self._provider = provider
        self._home: ref[object] | None = None
        if http_client is not None and not _is_client(http_client) and not callable(http_client):
            raise ConfigurationError(_not_a_client(http_client))

    def stream(
        self,
        method: str,
        url: str,
        *,
        headers: HeaderFields = (),
        content: bytes = b"",
        connect_timeout: float | None = None,
    ) -> AbstractAsyncContextManager[Reply]:
        """Send a request; entered, the reply's head has come. Left, its connection is free or closed.

        Redirects are not followed: they would carry the key elsewhere.

        method, url: the request's; the URL absolute.
        headers: names and values, in ASCII.
        content: the body.
        connect_timeout: seconds to wait for a connection. What comes after it has no bound here: deadlines are the
            caller's, in scopes around one pull.

        Raises:
            ConfigurationError: the URL or a header cannot be sent; or a client serves a second event loop.
            ConnectionFailedError: no connection, or it broke.
            StalledError: no connection within `connect_timeout`.
        """
        fields = cast("Mapping[str, str]", headers).items() if isinstance(headers, Mapping) else headers
        return _Opening(self, _Call(self._provider, method, url, tuple(fields), content, connect_timeout))

    async def _open(self, call: _Call) -> Reply:
        place = call.checked()
        if self._given is not None:
            return await _through(self._users_client(self._given), call)
        own = _own_clients()
        stock = own.behind_a_proxy(place.origin)
        return await (_directly(own.pool, call, place) if stock is None else _through(stock, call))

    def _users_client(self, given: AsyncClient | Callable[[], AsyncClient]) -> AsyncClient:
        if not _is_client(given):
            return _own_clients().made_by(cast("Callable[[], AsyncClient]", given))
        client = given
        here = loop_key()
        try:
            home = _HOMES.setdefault(client, ref(here))
        except TypeError:
            # A client that takes no weak references: it is known by this object only.
            home = self._home = self._home or ref(here)
        if home() is not here:
            raise ConfigurationError(
                "This http_client was used on another event loop before, and its connections belong to that one "
                "(each `asyncio.run` has a loop of its own, and so have the sync verbs). Pass a function that makes a "
                "client, `http_client=lambda: httpx.AsyncClient(...)`: it is called once for each loop."
            )
        if getattr(client, "is_closed", False):
            raise ConfigurationError("This http_client is closed. Keep it open for as long as models use it.")
        return client


class Reply:
    """A response whose head has come: an async iterator over the rest.

    status: the HTTP status.
    headers: by lower-case name; fields of one name are joined by ", ".
    """

    __slots__ = ("_body", "_call", "_decoder", "_is_closed", "headers", "status")

    def __init__(
        self, call: _Call, status: int, headers: Mapping[str, str], body: _Body, decoder: _Decoder | None
    ) -> None:
        self.status = status
        self.headers = headers
        self._call = call
        self._body = body
        self._decoder = decoder
        self._is_closed = False

    def iter_bytes(self) -> AsyncIterator[bytes]:
        """The body's parts as they come, content-decoded; once.

        It may be left at any part: there is no generator to be closed.

        Raises:
            ConnectionFailedError: the connection broke, or the body is cut short.
            MalformedResponseError: the content cannot be decoded.
        """
        return self

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if self._is_closed:
            raise RuntimeError("This reply is closed: read it inside of its `async with`.")
        with _Failing(self._call, READING):
            decoder = self._decoder
            if decoder is None:
                part = await self._body.read()
                if not part:
                    raise StopAsyncIteration
                return part
            while True:
                decoded = decoder.decode(await self._body.read() if decoder.wants_more else b"")
                if decoded:
                    return decoded
                if decoder.is_over:
                    raise StopAsyncIteration

    async def read(self, max_bytes: int = MAX_BODY_BYTES) -> bytes:
        """The whole body, content-decoded.

        Raises:
            MalformedResponseError: it is larger than `max_bytes`, or cannot be decoded.
            ConnectionFailedError: the connection broke, or the body is cut short.
        """
        parts: list[bytes] = []
        size = 0
        async for part in self:
            size += len(part)
            if size > max_bytes:
                raise MalformedResponseError(
                    f"The answer of {self._call.who} is larger than the cap of {max_bytes:,} bytes.",
                    status=self.status,
                    provider=self._call.provider,
                )
            parts.append(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def error(self, *, model: str | None = None, key_variable: str | None = None) -> ProviderError:
        """The error that this reply stands for, with as much of its body as can be had. Not raised.

        model: the model that was asked.
        key_variable: the environment variable that holds the key, to be named in the advice.
        """
        body = b""
        # The status tells more than a body that breaks off could.
        with suppress(ConnectionFailedError, MalformedResponseError):
            async for part in self:
                body += part
                if len(body) > MAX_ERROR_BYTES:
                    break
        return error_from(
            self.status,
            self.headers,
            body,
            provider=self._call.provider,
            model=model,
            key_variable=key_variable,
            secrets=self.secrets,
        )

    @property
    def secrets(self) -> tuple[str, ...]:
        """The keys that the request carried, for redaction. Never to be shown."""
        return self._call.secrets

    async def aclose(self) -> None:
        """Close at once, whatever was read: shielded, and bounded in time. Idempotent."""
        if self._is_closed:
            return
        self._is_closed = True
        if not self._body.is_over:
            with _Failing(self._call, CLOSING), anyio.move_on_after(CLOSING_SECONDS, shield=True):
                await self._body.aclose()

    def __repr__(self) -> str:
        return f"<Reply {self.status} of {self._call.who}>"


class _Opening:
    """The context of one reply: a class, since an async generator would be one more thing to be left open."""

    __slots__ = ("_call", "_client", "_reply")

    def __init__(self, client: HttpClient, call: _Call) -> None:
        self._client = client
        self._call = call
        self._reply: Reply

    async def __aenter__(self) -> Reply:
        self._reply = await self._client._open(self._call)
        return self._reply

    async def __aexit__(
        self, exc_type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            await self._reply.aclose()
        except Exception as closing:
            if error is None:
                raise
            # What went wrong first is what the caller must see: a cancellation must stay one. Of an error that is not
            # ours the text is left out, since it may hold anything.
            said = str(closing) if isinstance(closing, ChatCoreError) else type(closing).__name__
            error.add_note(f"Then closing failed too: {said}")


# ------------------------------------------------------------------------------------------------------ own connections


class _OwnClients:
    """What belongs to one event loop."""

    def __init__(self) -> None:
        self.pool = IdleStackTransport()
        self._stock: httpx.AsyncClient | None = None
        self._proxied: dict[Origin, bool] = {}
        # By the function's identity; the function is kept, so that its identity is not given to another.
        self._made: dict[int, tuple[Callable[[], AsyncClient], AsyncClient]] = {}

    def behind_a_proxy(self, origin: Origin) -> httpx.AsyncClient | None:
        """A client that goes by the environment's proxies, if they are for this origin."""
        is_proxied = self._proxied.get(origin)
        if is_proxied is None:
            is_proxied = self._proxied[origin] = _has_proxy(origin)
        if not is_proxied:
            return None
        if self._stock is None:
            try:
                self._stock = httpx.AsyncClient(
                    verify=shared_ssl_context(),
                    timeout=None,  # noqa: S113 - each request brings its own
                    limits=httpx.Limits(keepalive_expiry=KEEPALIVE_SECONDS),
                )
            except (ImportError, ValueError, httpx.InvalidURL) as error:
                raise ConfigurationError(
                    f"The proxy in the environment (HTTP_PROXY, HTTPS_PROXY or ALL_PROXY) cannot be used: {error}"
                ) from error
        return self._stock

    def made_by(self, make: Callable[[], AsyncClient]) -> AsyncClient:
        found = self._made.get(id(make))
        if found is None:
            client: object = make()
            if not _is_client(client):
                raise ConfigurationError(_not_a_client(client, "http_client() returned"))
            found = self._made[id(make)] = (make, client)
        return found[1]

    async def aclose(self) -> None:
        try:
            await self.pool.aclose()
        finally:
            for client in [client for _, client in self._made.values()] + ([self._stock] if self._stock else []):
                await client.aclose()


_OWN: RunVar[_OwnClients] = RunVar("chatcore_http_clients")
_HOMES: WeakKeyDictionary[AsyncClient, ref[object]] = WeakKeyDictionary()


def _own_clients() -> _OwnClients:
    try:
        return _OWN.get()
    except LookupError:
        own = _OwnClients()
        _OWN.set(own)
        at_loop_end(own.aclose)
        return own


def _has_proxy(origin: Origin) -> bool:
    proxies = getproxies()
    if not (proxies.get("https" if origin.tls else "http") or proxies.get("all")):
        return False
    return not proxy_bypass(f"{origin.host}:{origin.port}")


def _is_client(given: object) -> TypeGuard[AsyncClient]:
    # A class has these too, as functions, but is a function that makes a client.
    return not isinstance(given, type) and all(
        callable(getattr(given, name, None)) for name in ("build_request", "send", "aclose")
    )


def _not_a_client(given: object, what: str = "http_client is") -> str:
    hint = " That is a sync client: pass its async twin." if hasattr(given, "build_request") else ""
    return (
        f"{what} {type(given).__name__}: it must be an httpx.AsyncClient, an httpx2.AsyncClient, a function without "
        f"arguments that returns one, or None.{hint}"
    )


# ------------------------------------------------------------------------------------------------------------ one call


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a URL leads to: the connection's origin, and the request's own lines about it."""

    origin: Origin
    target: bytes = field(repr=False)
    host: bytes
    authorization: bytes | None = field(repr=False)


@lru_cache(maxsize=256)
def _place(url: str) -> _Place:
    shown = redacted(url)
    try:
        parsed = httpx.URL(url)
        host = parsed.raw_host.decode("ascii")
    except (httpx.InvalidURL, UnicodeError, TypeError) as error:
        raise ConfigurationError(f"base_url makes no valid URL ({shown!r}): {error}") from error
    if parsed.scheme not in ("http", "https") or not host:
        raise ConfigurationError(
            "base_url must begin with https:// or http:// and a host, as https://api.openai.com/v1 does; the URL is "
            f"{shown!r}."
        )
    # httpx takes any text for a host's name, and any number for a port.
    if not (HOST_NAME.fullmatch(host) or ":" in host):
        raise ConfigurationError(f"base_url makes no valid URL ({shown!r}): {host!r} is no host's name.")
    if parsed.port is not None and not 0 < parsed.port < 65_536:
        raise ConfigurationError(f"base_url makes no valid URL ({shown!r}): {parsed.port} is no port from 1 to 65535.")
    tls = parsed.scheme == "https"
    user = parsed.userinfo
    return _Place(
        origin=Origin(tls, host, parsed.port or (443 if tls else 80)),
        target=parsed.raw_path,
        host=parsed.netloc,
        authorization=b"Basic " + base64.b64encode(f"{parsed.username}:{parsed.password}".encode()) if user else None,
    )


HOST_NAME: Final = re.compile(r"[0-9A-Za-z._~-]+")
HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
HEADER_VALUE: Final = re.compile(r"(?:[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?)?")
SECRET_NAME: Final = re.compile(r"key|token|secret|auth|cookie|password|credential|signature", re.IGNORECASE)

OPENING: Final = "before an answer came"
READING: Final = "in the middle of its answer"
CLOSING: Final = "while it was closed"


@dataclass(frozen=True, slots=True)
class _Call:
    """One request, and what its errors say of it."""

    provider: str | None
    method: str
    # Not shown, since tools that report errors show what is in their frames.
    url: str = field(repr=False)
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    content: bytes = field(repr=False)
    connect_timeout: float | None

    def checked(self) -> _Place:
        """Where the URL leads to, once it and the headers are known to be such as can be sent."""
        wrong = self._wrong_header()
        if wrong is not None:
            raise ConfigurationError(wrong)
        return _place(self.url)

    def _wrong_header(self) -> str | None:
        for name, value in self.headers:
            wrong = _wrong_field(name, value, f"The header {name!r}")
            if wrong is not None:
                return wrong
        return None

    @property
    def secrets(self) -> tuple[str, ...]:
        found = [value for name, value in self.headers if is_secret(name)]
        found += [value.partition(" ")[2] for value in found]
        found += re.findall(r"[?&](?:api[-_]?)?key=([^&#]+)", self.url)
        return tuple(filter(None, found))

    @property
    def who(self) -> str:
        """The provider and its address, for messages."""
        origin = _place(self.url).origin
        return f"{self.provider} ({origin})" if self.provider else str(origin)

    def failure(self, error: Exception, doing: str) -> ChatCoreError | None:
        """Ours for an error of the transport's; None if it is no such error.

        Classes are known by their names, since httpx and httpx2 share none.
        """
        names = {cls.__name__ for cls in type(error).__mro__}
        said = redacted(str(error) or type(error).__name__, self.secrets)
        if names & {"ConnectTimeout", "PoolTimeout"} and self.connect_timeout is not None:
            return StalledError(
                f"No connection to {self.who} within {self.connect_timeout:g} s ({said}).",
                phase="connect",
                seconds=self.connect_timeout,
            )
        if names & {"LocalProtocolError", "UnsupportedProtocol", "InvalidURL", "CookieConflict"}:
            return ConfigurationError(f"The request to {self.who} cannot be sent: {said}")
        if "DecodingError" in names:
            return MalformedResponseError(f"The answer of {self.who} cannot be decoded: {said}", provider=self.provider)
        if names & {"ConnectError", "ProxyError", "ConnectTimeout"}:
            return ConnectionFailedError(
                f"No connection to {self.who}: {said}. Check base_url and the network.", provider=self.provider
            )
        if names & BROKEN:
            return ConnectionFailedError(f"The connection to {self.who} broke {doing}: {said}.", provider=self.provider)
        return None


BROKEN: Final = frozenset(
    # httpx's and httpx2's transports, and what others let through from below.
    {"TransportError", "StreamError", "BrokenResourceError", "ClosedResourceError", "EndOfStream", "OSError"}
)


def is_secret(name: str) -> bool:
    """Whether a header or a part of a query, by its name, may hold what must be shown and stored nowhere."""
    return SECRET_NAME.search(name) is not None


def check_url(url: str) -> None:
    """Refuse a URL to which no request can be sent.

    Raises:
        ConfigurationError: it has no valid host, port or path, or is not http or https.
    """
    _place(url)


def check_header(name: str, value: object, given_as: str) -> None:
    """Refuse a header that no request can carry. Its value is not shown.

    name, value: of the header.
    given_as: what the user knows its value as, for the error.

    Raises:
        ConfigurationError: the name is no name of a header; or the value is no str, not in ASCII, or has a control
            character, a line break, or a space at an end.
    """
    wrong = _wrong_field(name, value, given_as)
    if wrong is not None:
        raise ConfigurationError(wrong)


def _wrong_field(name: str, value: object, given_as: str) -> str | None:
    # h11 and httpx would refuse these too, but quote the value: a key, perhaps.
    if not HEADER_NAME.fullmatch(name):
        return f"{redacted(name)!r} is no name of a header."
    if not isinstance(value, str) or not HEADER_VALUE.fullmatch(value):
        return f"{given_as} cannot be sent: {_what_is_wrong(value)}."
    return None


def _what_is_wrong(value: object) -> str:
    if not isinstance(value, str):
        return f"its value is {type(value).__name__}, not str"
    if not value.isascii():
        place = next(index for index, character in enumerate(value) if not character.isascii())
        return f"character {place + 1} of its value is not in ASCII (a key pasted with a typographic quote, perhaps)"
    if value != value.strip():
        return "its value has a line break or a space at an end (a key read from a file, perhaps): strip it"
    return "its value has a line break or a control character"


class _Failing:
    """Gives errors of the transport their name in `chatcore.errors`."""

    __slots__ = ("_call", "_doing")

    def __init__(self, call: _Call, doing: str) -> None:
        self._call = call
        self._doing = doing

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, exc_type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None or not isinstance(error, Exception) or isinstance(error, StopAsyncIteration):
            return
        failure = self._call.failure(error, self._doing)
        try:
            if isinstance(failure, ConfigurationError):
                # What refused the request quotes it.
                raise failure from None
            if failure is not None:
                raise failure from error
        finally:
            # Its traceback holds this frame: a cycle that would keep the reply alive until the collector comes.
            del failure


# -------------------------------------------------------------------------------------------------- two ways of sending


class _Body(Protocol):
    async def read(self) -> bytes:
        """The next bytes; b"" at the end."""
        ...

    async def aclose(self) -> None: ...

    @property
    def is_over(self) -> bool: ...


async def _directly(pool: IdleStackTransport, call: _Call, place: _Place) -> Reply:
    with _Failing(call, OPENING):
        exchange = await pool.open(place.origin, _outgoing(call, place), connect_timeout=call.connect_timeout)
    headers: dict[str, str] = {}
    for raw_name, raw_value in exchange.headers:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return Reply(call, exchange.status, headers, exchange, _decoder(headers))


def _outgoing(call: _Call, place: _Place) -> Outgoing:
    names = {name.lower() for name, _ in call.headers}
    fields = [(b"host", place.host)] if "host" not in names else []
    fields += [(name.encode("ascii"), value.encode("ascii")) for name, value in call.headers]
    fields += [field for field in OWN_FIELDS if field[0].decode() not in names]
    if place.authorization is not None and "authorization" not in names:
        fields.append((b"authorization", place.authorization))
    if "content-length" not in names and (call.content or call.method not in ("GET", "HEAD", "DELETE", "OPTIONS")):
        fields.append((b"content-length", b"%d" % len(call.content)))
    return Outgoing(h11.Request(method=call.method, target=place.target, headers=fields), call.content)


OWN_FIELDS: Final = (
    (b"accept", b"*/*"),
    (b"accept-encoding", b"gzip, deflate"),
    (b"user-agent", b"chatcore"),
)


async def _through(client: AsyncClient, call: _Call) -> Reply:
    connect = call.connect_timeout
    with _Failing(call, OPENING):
        request = client.build_request(
            call.method,
            call.url,
            headers=list(call.headers),
            content=call.content or None,
            # Connect, read, write, pool: reading and writing are bounded by the caller's deadlines.
            timeout=(connect, None, None, connect),
        )
        response = await client.send(request, stream=True, follow_redirects=False)
    headers = {str(name).lower(): str(value) for name, value in response.headers.items()}
    decoder = _decoder(headers)
    if (decoder is not None and not decoder.is_known) or getattr(response, "is_stream_consumed", False):
        # What only the client can decode (it may know brotli); or a mock's answer, which is decoded already.
        return Reply(call, int(response.status_code), headers, _ClientBody(response, response.aiter_bytes()), None)
    return Reply(call, int(response.status_code), headers, _ClientBody(response, response.aiter_raw()), decoder)


class _ClientBody:
    """The body of a response of a user's client."""

    __slots__ = ("_is_begun", "_parts", "_response", "is_over")

    def __init__(self, response: Any, parts: AsyncIterator[bytes]) -> None:
        self._response = response
        self._parts = parts
        self._is_begun = False
        self.is_over = False

    async def read(self) -> bytes:
        self._is_begun = True
        while (part := await anext(self._parts, None)) is not None:
            if part:
                return part
        return b""

    async def aclose(self) -> None:
        self.is_over = True
        try:
            if self._is_begun:
                await _unwind(self._parts)
        finally:
            await self._response.aclose()


async def _unwind(parts: AsyncIterator[bytes]) -> None:
    """End an iteration that was left early.

    httpx reads a body through half a dozen nested async generators. Closing the outermost drops the others, of which
    trio then warns, and for which asyncio starts tasks. Cancelling the innermost read ends them all, from within.
    """
    with anyio.CancelScope(shield=True) as scope:
        scope.cancel()
        # What fails now fails because it is being thrown away.
        with suppress(Exception):
            for _ in range(UNWINDING_PULLS):
                if await anext(parts, None) is None:
                    break


def _decoder(headers: Mapping[str, str]) -> _Decoder | None:
    coding = headers.get("content-encoding", "").strip().lower()
    return None if coding in ("", "identity") else _Decoder(coding)


class _Decoder:
    """Decodes a body that was compressed as we allowed it to be, a bounded part at a time."""

    __slots__ = (
        "_coding",
        "_given",
        "_members",
        "_rest",
        "_taken",
        "_window",
        "_zlib",
        "is_known",
        "is_over",
        "wants_more",
    )

    def __init__(self, coding: str) -> None:
        self._coding = coding
        self._window = zlib.MAX_WBITS | (16 if "gzip" in coding else 0)
        self._zlib = zlib.decompressobj(self._window)
        self._members = 1
        self._rest = b""
        # Compressed bytes that were taken, and decoded bytes that were given for them.
        self._taken = 0
        self._given = 0
        self.is_known = coding in ("gzip", "x-gzip", "deflate")
        self.wants_more = True
        self.is_over = False

    def decode(self, part: bytes) -> bytes:
        """The next decoded bytes. `part` is the body's next, b"" at its end or if no more was wanted."""
        if not self.is_known:
            raise httpx.DecodingError(f"its content-encoding {self._coding!r} was not asked for")
        if not part and self.wants_more:
            self.is_over = True
            if self._taken and not self._zlib.eof:
                raise httpx.RemoteProtocolError("its compressed content was cut short")
            return self._zlib.flush()
        try:
            decoded = self._decompressed(part or self._rest)
        except zlib.error as error:
            raise httpx.DecodingError(f"its content is not {self._coding}: {error}") from error
        self.wants_more = not self._rest
        return decoded

    def _decompressed(self, part: bytes) -> bytes:
        if self._zlib.eof:
            # RFC 1952 §2.2: members follow one another, and their contents are one. Anything else after an end is
            # refused: kept for nothing, it would grow without any bound.
            self._members += 1
            if "gzip" not in self._coding or self._members > MAX_MEMBERS:
                raise httpx.DecodingError(f"its {self._coding} content goes on after its end")
            self._zlib = zlib.decompressobj(self._window)
        try:
            decoded = self._zlib.decompress(part, DECODED_BYTES)
        except zlib.error:
            if self._taken or self._coding != "deflate":
                raise
            # Some servers send "deflate" without the wrapping that RFC 9110 §8.4.1.2 asks for.
            self._zlib = zlib.decompressobj(-zlib.MAX_WBITS)
            decoded = self._zlib.decompress(part, DECODED_BYTES)
        self._rest = self._zlib.unused_data if self._zlib.eof else self._zlib.unconsumed_tail
        self._taken += len(part) - len(self._rest)
        self._given += len(decoded)
        if self._taken > BARREN_BYTES + MAX_EXPANSION * self._given:
            # Empty blocks decode to nothing, so that a cap on what is decoded would never be met.
            raise httpx.DecodingError(f"{self._taken:,} bytes of its {self._coding} content hold {self._given:,} only")
        return decoded
