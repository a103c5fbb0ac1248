"""The web back end, under real servers: a client that hangs up frees the provider's connection at once."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from chatcore.testing import Fault, Latency, Simulator, ThreadedSimulator

ROOT = Path(__file__).parent.parent.parent
SERVERS = {
    "uvicorn": ["uvicorn", "examples.web_app:app", "--log-level", "warning", "--port"],
    "hypercorn-trio": ["hypercorn", "-k", "trio", "examples.web_app:app", "--bind"],
}


@contextlib.contextmanager
def served(kind: str, provider: ThreadedSimulator) -> Iterator[str]:
    """The example under a server, in a process of its own; its base URL."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    bound = f"127.0.0.1:{port}" if kind.startswith("hypercorn") else str(port)
    environment = {**os.environ, "OPENAI_BASE_URL": provider.base_url, "OPENAI_API_KEY": "any"}
    process = subprocess.Popen(
        [sys.executable, "-m", *SERVERS[kind], bound], cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True
    )
    try:
        url = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 30
        while True:
            assert process.poll() is None, process.stderr.read() if process.stderr else ""
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"{url}/answer").status_code == 400:
                    break
            assert time.monotonic() < deadline, "the server did not start"
        yield url
    finally:
        process.terminate()
        _, errors = process.communicate(timeout=30)
    # What a dropped stream or an unclosed socket would have left there.
    assert "Error" not in errors
    assert "Warning" not in errors


@pytest.mark.parametrize("kind", SERVERS)
def test_answer_is_streamed_to_its_end(kind: str) -> None:
    with Simulator.in_thread(script="The sky is blue.") as provider, served(kind, provider) as url:
        with httpx.stream("GET", f"{url}/answer", params={"question": "why?"}) as response:
            assert response.headers["content-type"].startswith("text/event-stream")
            body = "".join(response.iter_text())
    assert body.count("event: chunk") > 1
    assert body.count("event: done") == 1
    assert '"total_tokens"' in body


@pytest.mark.parametrize("kind", SERVERS)
def test_client_that_hangs_up_frees_the_provider_at_once(kind: str) -> None:
    # A hundred tokens a second for a thousand tokens: without the client's end, ten seconds.
    with (
        Simulator.in_thread(script="word " * 1000, latency=Latency(tokens_per_second=100)) as provider,
        served(kind, provider) as url,
    ):
        with httpx.stream("GET", f"{url}/answer", params={"question": "why?"}) as response:
            events = response.iter_text()
            assert "event: chunk" in next(events)
            assert provider.stats.requests_in_flight == 1
        hung_up = time.monotonic()
        provider.wait_for(lambda stats: stats.requests_in_flight == 0 and stats.requests_cut_off == 1)
        took = time.monotonic() - hung_up
    assert took < 1.0, f"it took {took:.3f} s"


@pytest.mark.parametrize("kind", SERVERS)
def test_many_clients_that_hang_up_together_free_all(kind: str) -> None:
    count = 50
    with (
        Simulator.in_thread(script="word " * 1000, latency=Latency(tokens_per_second=100)) as provider,
        served(kind, provider) as url,
    ):
        with httpx.Client(limits=httpx.Limits(max_connections=None)) as client, contextlib.ExitStack() as open_streams:
            reading: list[Iterator[str]] = []
            for _ in range(count):
                opened = client.stream("GET", f"{url}/answer", params={"question": "why?"})
                # Kept: a dropped iterator would close its response.
                reading.append(open_streams.enter_context(opened).iter_text())
                assert "event: chunk" in next(reading[-1])
            assert provider.stats.requests_in_flight == count
        provider.wait_for(lambda stats: stats.requests_in_flight == 0)
        assert provider.stats.requests_cut_off == count


def test_failing_provider_ends_the_events_with_its_error() -> None:
    with Simulator.in_thread(script=Fault.http(401)) as provider, served("uvicorn", provider) as url:
        with httpx.stream("GET", f"{url}/answer", params={"question": "why?"}) as response:
            body = "".join(response.iter_text())
    assert "event: error" in body
    assert "AuthenticationError" in body
