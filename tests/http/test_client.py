from __future__ import annotations

import contextlib
import gc
import gzip
import os
import ssl
import subprocess
import sys
import textwrap
import weakref
import zlib
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import httpx
import httpx2
import pytest
from anyio.abc import ByteStream

from chatcore.errors import (
    AuthenticationError,
    ChatCoreError,
    ConfigurationError,
    ConnectionFailedError,
    MalformedResponseError,
    ServerError,
    StalledError,
)
from chatcore.http import client as module
from chatcore.http import transport
from chatcore.http.client import HttpClient, Reply

# Without the time of day in it, which would be in the names of tests.
zipped = partial(gzip.compress, mtime=0)

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
ROOT = Path(__file__).parents[2]
KEY = "sk-test-0123456789abcdef"
AUTHORIZED = {"Authorization": f"Bearer {KEY}"}

Made = Callable[[], HttpClient]


def whole(body: bytes, *fields: str, status: str = "200 OK") -> bytes:
    head = "\r\n".join([f"HTTP/1.1 {status}", *fields, f"Content-Length: {len(body)}"])
    return head.encode() + b"\r\n\r\n" + body


@pytest.fixture(params=["own", "httpx", "httpx2"])
def make_client(request: pytest.FixtureRequest) -> Made:
    """A client of each kind; the user's kinds are made by a function, so that they are closed with the loop."""
    given: Any = {
        "own": None,
        "httpx": lambda: httpx.AsyncClient(trust_env=False, follow_redirects=True),
        "httpx2": lambda: httpx2.AsyncClient(trust_env=False, follow_redirects=True),
    }[request.param]
    return lambda: HttpClient(given, provider="acme")


# ------------------------------------------------------------------------------------------------ the same by any means


@pytest.mark.anyio
async def test_a_request_and_its_reply(serve: Any, make_client: Made) -> None:
    answer = whole(b'{"a": 1}', "Content-Type: application/json", "X-Request-Id: r-1", "X-Twice: 1", "x-twice: 2")
    async with serve(answer) as server:
        client = make_client()
        for _ in range(2):
            async with client.stream(
                "POST", f"{server.url}/v1/chat?x=1", headers={**AUTHORIZED, "X-Title": "t"}, content=b'{"ask": 1}'
            ) as reply:
                assert reply.status == 200
                assert reply.headers["x-request-id"] == "r-1"
                assert reply.headers["x-twice"] == "1, 2"
                assert await reply.read() == b'{"a": 1}'
        assert server.accepted == 1
        seen = server.requests[0]
        assert seen.line == "POST /v1/chat?x=1 HTTP/1.1"
        assert seen.body == b'{"ask": 1}'
        assert seen.headers["authorization"] == f"Bearer {KEY}"
        assert seen.headers["x-title"] == "t"
        assert seen.headers["host"] in server.url
        assert "gzip" in seen.headers["accept-encoding"]


@pytest.mark.anyio
async def test_headers_may_be_pairs_and_a_get_has_no_body(serve: Any, make_client: Made) -> None:
    async with serve(OK) as server, make_client().stream("GET", server.url, headers=[("User-Agent", "mine")]) as reply:
        assert await reply.read() == b"{}"
        assert server.requests[0].line == "GET / HTTP/1.1"
        assert server.requests[0].headers["user-agent"] == "mine"
        assert "content-length" not in server.requests[0].headers


@pytest.mark.anyio
async def test_parts_come_as_they_are_sent(serve: Any, make_client: Made) -> None:
    go_on = anyio.Event()

    async def answer(request: Any, stream: ByteStream) -> bool:
        await stream.send(CHUNKED + b"3\r\none\r\n")
        await go_on.wait()
        await stream.send(b"3\r\ntwo\r\n0\r\n\r\n")
        return True

    async with serve(answer) as server, make_client().stream("POST", server.url) as reply:
        parts = []
        async for part in reply.iter_bytes():
            parts.append(part)
            go_on.set()
        assert parts == [b"one", b"two"]


@pytest.mark.anyio
@pytest.mark.parametrize("coding", ["gzip", "deflate"])
async def test_compressed_content_is_decoded(serve: Any, make_client: Made, coding: str) -> None:
    text = b"data: " + os.urandom(2000).hex().encode() * 1000
    packed = zipped(text) if coding == "gzip" else zlib.compress(text)
    async with serve(whole(packed, f"Content-Encoding: {coding}")) as server:
        async with make_client().stream("POST", server.url) as reply:
            assert await reply.read() == text
        async with make_client().stream("POST", server.url) as reply:
            with pytest.raises(MalformedResponseError, match="larger than the cap of 1,000 bytes"):
                await reply.read(max_bytes=1000)


@pytest.mark.anyio
async def test_content_that_cannot_be_decoded_is_malformed(serve: Any, make_client: Made) -> None:
    async with (
        serve(whole(b"no gzip at all", "Content-Encoding: gzip")) as server,
        make_client().stream("POST", server.url) as reply,
    ):
        with pytest.raises(MalformedResponseError, match=r"acme \(http://127.*cannot be decoded"):
            await reply.read()


@pytest.mark.anyio
@pytest.mark.parametrize("leave", ["break", "error", "cancel", "unread"])
async def test_leaving_early_closes_at_once(serve: Any, make_client: Made, leave: str) -> None:
    async with serve(CHUNKED + b"3\r\none\r\n") as server:
        client = make_client()
        with anyio.CancelScope() as scope, contextlib.suppress(ZeroDivisionError):
            async with client.stream("POST", server.url) as reply:
                if leave != "unread":
                    async for _ in reply.iter_bytes():
                        if leave == "break":
                            break
                        if leave == "error":
                            raise ZeroDivisionError
                        scope.cancel()
        with anyio.fail_after(1):
            await server.until(lambda: server.open == 0)
        with pytest.raises(RuntimeError, match="closed"):
            await anext(reply.iter_bytes())
        await reply.aclose()


@pytest.mark.anyio
async def test_a_reply_is_entered_read_and_left_in_different_scopes(serve: Any, make_client: Made) -> None:
    # As a stream does: each pull has a deadline of its own, which must not be held while the caller has the chunk.
    async with serve(CHUNKED + b"3\r\none\r\n0\r\n\r\n") as server:
        opening = make_client().stream("POST", server.url)
        with anyio.fail_after(5):
            reply = await opening.__aenter__()
        parts = reply.iter_bytes()
        with anyio.fail_after(5):
            assert await anext(parts) == b"one"
        with anyio.fail_after(5), pytest.raises(StopAsyncIteration):
            await anext(parts)
        with anyio.fail_after(5):
            await opening.__aexit__(None, None, None)


@pytest.mark.anyio
async def test_a_cut_in_the_body_is_a_connection_that_failed(serve: Any, make_client: Made) -> None:
    async def answer(request: Any, stream: ByteStream) -> bool:
        await stream.send(CHUNKED + b"3\r\none\r\n")
        return False

    async with serve(answer) as server:
        async with make_client().stream("POST", server.url) as reply:
            assert await anext(reply.iter_bytes()) == b"one"
            with pytest.raises(ConnectionFailedError, match="broke in the middle of its answer") as caught:
                await anext(reply.iter_bytes())
        assert caught.value.provider == "acme"
        assert caught.value.__cause__ is not None


@pytest.mark.anyio
async def test_no_answer_is_a_connection_that_failed(serve: Any, make_client: Made) -> None:
    async def answer(request: Any, stream: ByteStream) -> bool:
        return False

    async with serve(answer) as server:
        with pytest.raises(ConnectionFailedError, match=r"acme \(http://127.0.0.1:\d+\) broke before an answer came"):
            async with make_client().stream("POST", server.url):
                pass
        assert len(server.requests) == 1


@pytest.mark.anyio
async def test_no_connection_says_what_to_check(make_client: Made) -> None:
    with pytest.raises(ConnectionFailedError, match=r"No connection to acme \(http://127.0.0.1:1\): .*Check base_url"):
        async with make_client().stream("POST", "http://127.0.0.1:1/v1"):
            pass


@pytest.mark.anyio
async def test_connecting_has_a_deadline(serve: Any, make_client: Made) -> None:
    async with serve(OK) as server:
        url = server.url.replace("http:", "https:")
        with pytest.raises(StalledError, match=r"No connection to acme .* within 0\.05 s") as caught:
            async with make_client().stream("POST", url, connect_timeout=0.05):
                pass
        assert (caught.value.phase, caught.value.seconds) == ("connect", 0.05)
        assert caught.value.is_retryable


@pytest.mark.anyio
async def test_a_slow_answer_has_no_deadline_of_ours(serve: Any, make_client: Made) -> None:
    async def answer(request: Any, stream: ByteStream) -> bool:
        await anyio.wait_all_tasks_blocked()
        await stream.send(OK)
        return True

    async with serve(answer) as server, make_client().stream("POST", server.url, connect_timeout=5) as reply:
        assert await reply.read() == b"{}"


@pytest.mark.anyio
async def test_redirects_are_not_followed(serve: Any, make_client: Made) -> None:
    async with serve(whole(b"", "Location: https://elsewhere.test/v1", status="308 Permanent Redirect")) as server:
        client = make_client()
        async with client.stream("POST", server.url, headers=AUTHORIZED) as reply:
            error = await reply.error()
        assert len(server.requests) == 1
        assert error.status == 308
        assert "https://elsewhere.test/v1" in str(error)
        assert not error.is_retryable


@pytest.mark.anyio
async def test_a_reply_makes_its_error(serve: Any, make_client: Made) -> None:
    said = b'{"error": {"message": "Incorrect API key: opaque-0123456789 and %s"}}' % KEY.encode()
    async with serve(whole(said, "X-Request-Id: r-1", "Retry-After: 3", status="401 Unauthorized")) as server:
        headers = {**AUTHORIZED, "X-Api-Key": "opaque-0123456789"}
        async with make_client().stream("POST", server.url, headers=headers) as reply:
            error = await reply.error(model="m-1", key_variable="ACME_KEY")
    assert type(error) is AuthenticationError
    assert (error.provider, error.model, error.request_id, error.retry_after) == ("acme", "m-1", "r-1", 3.0)
    assert "ACME_KEY" in str(error)
    for secret in (KEY, "opaque-0123456789"):
        assert secret not in f"{error} {error!r} {error.body} {reply!r}"


@pytest.mark.anyio
async def test_an_error_whose_body_breaks_off_is_that_error_still(serve: Any, make_client: Made) -> None:
    async def answer(request: Any, stream: ByteStream) -> bool:
        await stream.send(b"HTTP/1.1 500 Oh\r\nContent-Length: 99\r\n\r\nsorry")
        return False

    async with serve(answer) as server, make_client().stream("POST", server.url) as reply:
        error = await reply.error()
    assert type(error) is ServerError
    assert "sorry" in str(error)


@pytest.mark.anyio
async def test_an_endless_error_is_read_no_further_than_it_is_of_use(serve: Any, make_client: Made) -> None:
    async def answer(request: Any, stream: ByteStream) -> bool:
        await stream.send(b"HTTP/1.1 500 Oh\r\n\r\n")
        while True:
            await stream.send(b"sorry " * 10_000)

    async with serve(answer) as server:
        async with make_client().stream("POST", server.url) as reply:
            error = await reply.error()
        await server.until(lambda: server.open == 0)
    assert len(str(error)) < 700


def shown_by(error: BaseException | None) -> list[str]:
    """What a tool that reports errors shows: all that is in the frames, of the causes too."""
    shown: list[str] = []
    while error is not None:
        trace = error.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code.co_filename != __file__:
                where = trace.tb_frame.f_code.co_qualname
                shown += [f"{where} {name} = {value!r}" for name, value in trace.tb_frame.f_locals.items()]
            trace = trace.tb_next
        error = error.__cause__ or error.__context__
    return shown


@pytest.mark.anyio
@pytest.mark.parametrize("how", ["refused", "no-answer", "cut", "timeout", "header", "large"])
async def test_no_frame_of_an_error_shows_a_key(serve: Any, how: str) -> None:
    async def answer(request: Any, stream: ByteStream) -> bool:
        if how == "cut":
            await stream.send(CHUNKED + b"3\r\none\r\n")
        return False

    headers = {**AUTHORIZED, "X-Api-Key": KEY + ("\n" if how == "header" else "")}
    async with serve(answer) as server:
        url = f"{server.url}/v1?key={KEY}"
        if how == "refused":
            url = f"http://user:{KEY}@127.0.0.1:1/v1?key={KEY}"
        elif how == "timeout":
            url = url.replace("http:", "https:")
        with pytest.raises(ChatCoreError) as caught:
            async with HttpClient().stream(
                "POST",
                url,
                headers=headers,
                content=KEY.encode() * (10_000 if how == "large" else 1),
                connect_timeout=0.05,
            ) as reply:
                await reply.read()
    shown = shown_by(caught.value)
    assert shown
    assert [each for each in shown if KEY in each] == []


# ----------------------------------------------------------------------------------------------- what can never be sent


@pytest.mark.anyio
@pytest.mark.parametrize("url", ["api.acme.test/v1", "ftp://acme.test", "https://", "http://[::1", "http://a\nb", ""])
async def test_a_url_that_is_none_is_said_to_be_before_anything_is_sent(make_client: Made, url: str) -> None:
    with pytest.raises(ConfigurationError, match="base_url"):
        async with make_client().stream("POST", url):
            pass


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Bearer s3cret-s3cret\n", "strip it"),
        (" Bearer s3cret-s3cret", "strip it"),
        ("Bearer s3cret\r\nX: s3cret", "line break"),
        ("Bearer \N{LEFT DOUBLE QUOTATION MARK}s3cret-s3cret", "character 8 .* not in ASCII"),
        (None, "NoneType"),
    ],
)
async def test_a_header_that_cannot_be_sent_is_named_and_its_value_is_not(
    make_client: Made, value: Any, text: str
) -> None:
    with pytest.raises(ConfigurationError, match=f"'authorization' cannot be sent.*{text}") as caught:
        async with make_client().stream("POST", "http://127.0.0.1:1", headers={"authorization": value}):
            pass
    assert "s3cret" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.anyio
async def test_a_name_of_a_header_is_checked(make_client: Made) -> None:
    with pytest.raises(ConfigurationError, match="'a b' is no name of a header"):
        async with make_client().stream("POST", "http://127.0.0.1:1", headers={"a b": "c"}):
            pass


@pytest.mark.anyio
async def test_a_client_that_refuses_the_request_does_not_show_it() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.LocalProtocolError(f"Illegal header value b'Bearer {KEY}\\n'")

    async with httpx.AsyncClient(transport=httpx.MockTransport(refuse)) as user:
        with pytest.raises(ConfigurationError, match="cannot be sent") as caught:
            async with HttpClient(user).stream("POST", "http://acme.test"):
                pass
    assert KEY not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@pytest.mark.anyio
async def test_a_user_in_the_url_is_basic_authorization(serve: Any, make_client: Made) -> None:
    async with serve(OK) as server:
        url = server.url.replace("//", "//user:p%40ss@")
        for headers in ({}, AUTHORIZED):
            async with make_client().stream("POST", url, headers=headers) as reply:
                await reply.read()
        assert server.requests[0].headers["authorization"] == "Basic dXNlcjpwQHNz"


# --------------------------------------------------------------------------------------------------- the user's clients


@pytest.mark.parametrize("given", [7, "client", object(), httpx.Client(), httpx2.Client()])
def test_what_is_no_client_is_refused(given: Any) -> None:
    with pytest.raises(ConfigurationError, match=f"http_client is {type(given).__name__}: it must be an httpx.AsyncCl"):
        HttpClient(given)


@pytest.mark.anyio
async def test_a_function_that_makes_no_client_is_refused() -> None:
    client = HttpClient(lambda: httpx.Client())  # type: ignore[arg-type,return-value]  # noqa: PLW0108 - it is the case
    with pytest.raises(ConfigurationError, match=r"returned Client.*pass its async twin"):
        async with client.stream("POST", "http://acme.test"):
            pass


@pytest.mark.anyio
@pytest.mark.parametrize("library", [httpx, httpx2])
async def test_the_users_client_is_used_as_it_is_and_left_open(library: Any) -> None:
    seen = []

    def handle(request: Any) -> Any:
        seen.append(request)
        return library.Response(200, json={"a": 1}, headers={"X-Y": "z"})

    async with library.AsyncClient(
        transport=library.MockTransport(handle), headers={"X-Mine": "1"}, timeout=7, follow_redirects=True
    ) as user:
        client = HttpClient(user)
        async with client.stream("POST", "https://acme.test/v1", content=b"ask", connect_timeout=3) as reply:
            assert (reply.status, reply.headers["x-y"], await reply.read()) == (200, "z", b'{"a":1}')
        assert not user.is_closed
        assert seen[0].headers["x-mine"] == "1"
        assert seen[0].content == b"ask"
        assert seen[0].extensions["timeout"] == {"connect": 3, "pool": 3, "read": None, "write": None}
    with pytest.raises(ConfigurationError, match="closed"):
        async with client.stream("POST", "https://acme.test/v1"):
            pass


class Plain:
    """A client that is nobody's, has only what is asked for, and takes no weak references."""

    __slots__ = ("closed", "parts")

    def __init__(self, parts: list[bytes]) -> None:
        self.parts = parts
        self.closed = 0

    def build_request(self, method: str, url: str, **given: Any) -> Any:
        return method, url

    async def send(self, request: Any, **given: Any) -> Any:
        return self

    @property
    def status_code(self) -> int:
        return 200

    @property
    def headers(self) -> dict[str, str]:
        return {"X-Y": "z"}

    async def aiter_raw(self) -> AsyncIterator[bytes]:
        for part in self.parts:
            yield part

    async def aclose(self) -> None:
        self.closed += 1


@pytest.mark.anyio
async def test_a_client_is_known_by_what_it_does() -> None:
    user = Plain([b"one", b"", b"two"])
    async with HttpClient(user).stream("GET", "http://acme.test") as reply:
        assert [part async for part in reply.iter_bytes()] == [b"one", b"two"]
        assert reply.headers == {"x-y": "z"}
    assert user.closed == 1


class Slow(Plain):
    async def aclose(self) -> None:
        await anyio.lowlevel.checkpoint()
        self.closed += 1


@pytest.mark.anyio
async def test_whoever_is_cancelled_closes_its_reply_still() -> None:
    user = Slow([b"one"])
    with anyio.CancelScope() as scope:
        async with HttpClient(user).stream("GET", "http://acme.test"):
            scope.cancel()
    assert user.closed == 1


class Failing(Plain):
    async def aclose(self) -> None:
        raise anyio.BrokenResourceError


@pytest.mark.anyio
async def test_what_fails_at_closing_is_an_error_unless_there_is_one() -> None:
    with pytest.raises(ConnectionFailedError, match="while it was closed"):
        async with HttpClient(Failing([b"one"])).stream("GET", "http://acme.test"):
            pass
    with pytest.raises(ZeroDivisionError) as caught:
        async with HttpClient(Failing([b"one"])).stream("GET", "http://acme.test"):
            raise ZeroDivisionError
    assert "while it was closed" in caught.value.__notes__[0]


class Endless(Plain):
    async def aiter_raw(self) -> AsyncIterator[bytes]:
        while True:
            yield b"x"


@pytest.mark.anyio
async def test_a_body_without_an_end_and_without_a_pause_can_be_left() -> None:
    user = Endless([])
    async with HttpClient(user).stream("GET", "http://acme.test") as reply:
        parts = reply.iter_bytes()
        assert await anext(parts) == b"x"
        del parts
    assert user.closed == 1
    # The generator that nobody could end is ended here, so that the loop does not warn of it.
    await reply._body._parts.aclose()  # type: ignore[attr-defined]


@pytest.mark.anyio
async def test_an_error_that_is_not_the_transports_goes_through() -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        raise ZeroDivisionError

    async with httpx.AsyncClient(transport=httpx.MockTransport(handle)) as user:
        with pytest.raises(ZeroDivisionError):
            async with HttpClient(user).stream("POST", "http://acme.test"):
                pass


@pytest.mark.anyio
@pytest.mark.parametrize("library", [httpx, httpx2])
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("ConnectError", ConnectionFailedError),
        ("ConnectTimeout", ConnectionFailedError),
        ("PoolTimeout", ConnectionFailedError),
        ("ReadTimeout", ConnectionFailedError),
        ("WriteTimeout", ConnectionFailedError),
        ("ReadError", ConnectionFailedError),
        ("WriteError", ConnectionFailedError),
        ("CloseError", ConnectionFailedError),
        ("ProxyError", ConnectionFailedError),
        ("RemoteProtocolError", ConnectionFailedError),
        ("UnsupportedProtocol", ConfigurationError),
        ("LocalProtocolError", ConfigurationError),
        ("DecodingError", MalformedResponseError),
    ],
)
async def test_every_error_of_a_transport_has_our_name(library: Any, name: str, kind: type[Exception]) -> None:
    def handle(request: Any) -> Any:
        raise getattr(library, name)(f"it broke, {KEY}")

    async with library.AsyncClient(transport=library.MockTransport(handle)) as user:
        client = HttpClient(user, provider="acme")
        with pytest.raises(kind, match=r"acme \(https://acme.test\).*it broke") as caught:
            async with client.stream("POST", "https://acme.test/v1"):
                pass
        assert KEY not in str(caught.value)
        if "Timeout" in name and name[0] in "CP":
            with pytest.raises(StalledError, match="within 2 s"):
                async with client.stream("POST", "https://acme.test/v1", connect_timeout=2):
                    pass


def test_an_error_is_gone_with_its_last_name() -> None:
    call = module._Call(None, "GET", "http://acme.test", (), b"", None)
    gc.disable()
    try:
        for raised in (httpx.ReadError("reset"), httpx.LocalProtocolError("illegal")):
            left = None
            try:
                with module._Failing(call, module.OPENING):
                    raise raised
            except ChatCoreError as error:
                left = weakref.ref(error)
            assert left is not None
            assert left() is None
    finally:
        gc.enable()


# ------------------------------------------------------------------------------------------------------------- decoding


@pytest.mark.anyio
async def test_deflate_without_its_wrapping_is_decoded(serve: Any) -> None:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    packed = packer.compress(b"hello") + packer.flush()
    async with (
        serve(whole(packed, "Content-Encoding: Deflate")) as server,
        HttpClient().stream("POST", server.url) as reply,
    ):
        assert await reply.read() == b"hello"


@pytest.mark.anyio
async def test_a_small_body_that_unpacks_to_a_huge_one_is_unpacked_in_bounded_parts(serve: Any) -> None:
    packed = zipped(b"\0" * 20_000_000)
    async with serve(whole(packed, "Content-Encoding: gzip")) as server:
        sizes = []
        async with HttpClient().stream("POST", server.url) as reply:
            sizes = [len(part) async for part in reply.iter_bytes()]
        assert sum(sizes) == 20_000_000
        assert max(sizes) <= module.DECODED_BYTES


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("answer", "kind", "text"),
    [
        (whole(zipped(b"hello")[:-4], "Content-Encoding: gzip"), ConnectionFailedError, "cut short"),
        (whole(b"hello", "Content-Encoding: br"), MalformedResponseError, "'br' was not asked for"),
        (whole(b"hello", "Content-Encoding: deflate"), MalformedResponseError, "not deflate"),
        (
            whole(zipped(b"hello") + zipped(b" world")[:-4], "Content-Encoding: gzip"),
            ConnectionFailedError,
            "cut short",
        ),
        (whole(zipped(b"hello") + bytes(9), "Content-Encoding: gzip"), MalformedResponseError, "not gzip"),
        (whole(zlib.compress(b"a") + b"b", "Content-Encoding: deflate"), MalformedResponseError, "goes on after"),
    ],
)
async def test_content_that_is_not_what_it_says(serve: Any, answer: bytes, kind: type[Exception], text: str) -> None:
    async with serve(answer) as server, HttpClient().stream("POST", server.url) as reply:
        with pytest.raises(kind, match=text):
            await reply.read()


@pytest.mark.anyio
@pytest.mark.parametrize("coding", ["gzip", "identity", ""])
async def test_an_empty_body_needs_no_decoding(serve: Any, coding: str) -> None:
    async with (
        serve(whole(b"", f"Content-Encoding: {coding}")) as server,
        HttpClient().stream("POST", server.url) as reply,
    ):
        assert await reply.read() == b""


class Bytes:
    """A body that comes in parts of `size` bytes, over and over if it is `endless`."""

    def __init__(self, content: bytes, size: int = 1, *, endless: bool = False) -> None:
        self.is_over = False
        self.reads = 0
        self._content = self._rest = content
        self._size = size
        self._endless = endless

    async def read(self) -> bytes:
        self.reads += 1
        if self._endless and not self._rest:
            self._rest = self._content
        part, self._rest = self._rest[: self._size], self._rest[self._size :]
        return part

    async def aclose(self) -> None:
        self.is_over = True


@pytest.mark.anyio
async def test_compressed_content_may_come_byte_by_byte() -> None:
    call = module._Call(None, "GET", "http://acme.test", (), b"", None)
    reply = Reply(call, 200, {}, Bytes(zipped(b"hello")), module._Decoder("gzip"))
    assert await reply.read() == b"hello"
    assert await reply.read() == b""
    await reply.aclose()


def packed_reply(body: Bytes, coding: str = "gzip") -> Reply:
    return Reply(module._Call(None, "GET", "http://acme.test", (), b"", None), 200, {}, body, module._Decoder(coding))


@pytest.mark.anyio
@pytest.mark.parametrize("size", [1, 7, 1000])
async def test_members_of_gzip_are_one_content(size: int) -> None:
    packed = zipped(b"hello") + zipped(b"") + zipped(b" world")
    assert await packed_reply(Bytes(packed, size)).read() == b"hello world"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("coding", "first", "endless"),
    [
        ("gzip", zipped(b"hello"), bytes(65536)),
        ("deflate", zlib.compress(b"hello"), bytes(65536)),
        # Empty members, and a member of empty blocks.
        ("gzip", b"", zipped(b"") * 3000),
        ("gzip", zipped(b"")[:10], b"\0\0\0\xff\xff" * 10_000),
    ],
    ids=["after-gzip", "after-deflate", "members", "blocks"],
)
async def test_an_endless_body_that_decodes_to_nothing_is_refused_early(
    coding: str, first: bytes, endless: bytes
) -> None:
    body = Bytes(endless, 65536, endless=True)
    body._rest = first + endless
    with pytest.raises(MalformedResponseError, match="cannot be decoded"):
        await packed_reply(body, coding).read()
    assert body.reads < 40


@pytest.mark.anyio
async def test_compressed_events_come_as_they_are_flushed(serve: Any) -> None:
    packer = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    go_on = anyio.Event()

    async def answer(request: Any, stream: ByteStream) -> bool:
        await stream.send(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n")
        await stream.send(packer.compress(b"data: 1\n\n") + packer.flush(zlib.Z_SYNC_FLUSH))
        await go_on.wait()
        await stream.send(packer.compress(b"data: 2\n\n") + packer.flush())
        return False

    async with serve(answer) as server, HttpClient().stream("POST", server.url) as reply:
        parts = []
        async for part in reply.iter_bytes():
            parts.append(part)
            go_on.set()
        assert parts == [b"data: 1\n\n", b"data: 2\n\n"]


# ----------------------------------------------------------------------------------------------------- loops and models


@pytest.mark.anyio
async def test_models_of_one_loop_share_their_connections(serve: Any) -> None:
    async with serve(OK) as server:
        for _ in range(3):
            async with HttpClient().stream("POST", server.url) as reply:
                await reply.read()
        assert server.accepted == 1


@pytest.mark.anyio
async def test_a_function_is_called_once_for_a_loop_even_by_several_models(serve: Any) -> None:
    made = []

    def make() -> httpx.AsyncClient:
        made.append(httpx.AsyncClient(trust_env=False))
        return made[-1]

    async with serve(OK) as server:
        for _ in range(3):
            async with HttpClient(make).stream("POST", server.url) as reply:
                await reply.read()
        assert (len(made), server.accepted) == (1, 1)


@pytest.mark.anyio
async def test_a_class_is_a_function_that_makes_a_client(serve: Any) -> None:
    async with serve(OK) as server, HttpClient(httpx.AsyncClient).stream("POST", server.url) as reply:
        assert await reply.read() == b"{}"


async def ask_mock(client: HttpClient) -> int:
    async with client.stream("POST", "http://acme.test") as reply:
        return reply.status


@pytest.mark.parametrize("first", ["asyncio", "trio"])
@pytest.mark.parametrize("second", ["asyncio", "trio"])
@pytest.mark.parametrize("weak", [True, False])
def test_a_users_client_serves_one_loop_only(first: str, second: str, *, weak: bool) -> None:
    user: Any = (
        httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(200))) if weak else Plain([b"x"])
    )
    one, two = HttpClient(user), HttpClient(user)
    assert anyio.run(ask_mock, one, backend=first) == 200
    for client in (one, two) if weak else (one,):
        with pytest.raises(ConfigurationError, match=r"another event loop.*http_client=lambda"):
            anyio.run(ask_mock, client, backend=second)


def test_one_client_object_serves_any_number_of_loops_and_leaves_nothing_open() -> None:
    # In a process of its own, in which every warning is an error, those at its end too.
    program = textwrap.dedent(
        """
        import asyncio, contextlib, gc, socket, sys, threading
        import anyio, httpx, httpx2, trio
        from chatcore.http.client import HttpClient

        OK = b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\n{}"
        PART = b"HTTP/1.1 200 OK\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n3\\r\\none\\r\\n"
        ended = []

        def serve(connection):
            with connection, contextlib.suppress(ConnectionResetError):
                while asked := connection.recv(65536):
                    connection.sendall(PART if b"/part" in asked else OK)
            ended.append(1)

        def accept(listener):
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

        listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=accept, args=(listener,), daemon=True).start()
        url = "http://127.0.0.1:%d" % listener.getsockname()[1]
        made = []

        def make(library):
            made.append(library.AsyncClient(trust_env=False))
            return made[-1]

        clients = [HttpClient(), HttpClient(lambda: make(httpx)), HttpClient(lambda: make(httpx2))]

        async def main():
            for client in clients:
                for _ in range(2):
                    async with client.stream("POST", url + "/whole") as reply:
                        assert await reply.read() == b"{}"
                async with client.stream("POST", url + "/part") as reply:
                    async for part in reply.iter_bytes():
                        assert part == b"one"
                        break

        unraisable = []
        sys.unraisablehook = unraisable.append
        for run in (asyncio.run, asyncio.run):
            run(main())
        trio.run(main)
        anyio.run(main, backend="trio")
        assert len(made) == 8 and all(client.is_closed for client in made)
        gc.collect()
        listener.close()
        assert not unraisable, unraisable
        print("ended", len(ended))
        """
    )
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.stderr == ""
    assert ran.stdout.startswith("ended ")
    assert ran.returncode == 0


# -------------------------------------------------------------------------------------------------------------- proxies


@pytest.fixture
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "REQUEST_METHOD"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return monkeypatch


@pytest.mark.anyio
@pytest.mark.parametrize("variable", ["HTTP_PROXY", "ALL_PROXY"])
async def test_a_proxy_of_the_environment_is_used(serve: Any, no_proxies: pytest.MonkeyPatch, variable: str) -> None:
    async with serve(OK) as proxy, serve(OK) as direct:
        no_proxies.setenv(variable, proxy.url)
        no_proxies.setenv("NO_PROXY", "127.0.0.1")
        client = HttpClient()
        for _ in range(2):
            async with client.stream("POST", "http://acme.test/v1", headers=AUTHORIZED, content=b"ask") as reply:
                assert await reply.read() == b"{}"
        assert proxy.requests[0].line == "POST http://acme.test/v1 HTTP/1.1"
        assert (proxy.accepted, len(proxy.requests)) == (1, 2)
        async with client.stream("POST", direct.url) as reply:
            await reply.read()
        assert (len(proxy.requests), len(direct.requests)) == (2, 1)


@pytest.mark.anyio
async def test_a_proxy_that_cannot_be_used_is_said_to_be(no_proxies: pytest.MonkeyPatch) -> None:
    no_proxies.setenv("HTTPS_PROXY", "gopher://127.0.0.1:1")
    with pytest.raises(ConfigurationError, match=r"HTTPS_PROXY.*cannot be used"):
        async with HttpClient().stream("POST", "https://acme.test"):
            pass


# ------------------------------------------------------------------------------------------------------------------ TLS


@pytest.mark.anyio
async def test_tls_by_httpxs_own_trust_store(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = Path(__file__).parent / "localhost.pem"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    transport.shared_ssl_context.cache_clear()
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    try:
        async with serve(OK, tls=context) as server, HttpClient().stream("POST", server.url) as reply:
            assert await reply.read() == b"{}"
    finally:
        transport.shared_ssl_context.cache_clear()


def test_a_reply_shows_its_status_and_origin_only() -> None:
    call = module._Call("acme", "POST", f"https://acme.test/v1?key={KEY}", (), b"", None)
    assert repr(Reply(call, 200, {}, None, None)) == "<Reply 200 of acme (https://acme.test)>"  # type: ignore[arg-type]
    assert call.secrets == (KEY,)
