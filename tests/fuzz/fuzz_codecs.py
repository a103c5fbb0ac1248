"""Fuzz the codecs with atheris, which looks for inputs that reach new code.

    python tests/fuzz/fuzz_codecs.py --seconds 600 --codec all

An input is a byte that chooses the codec, a byte that says how the rest is read, and the rest: a body; the events of a
stream, by lines; or chance, by which an answer of the corpus is changed or a conversation made up. It begins with the
corpus, and with recorded answers where they are beside the checkout. Each failure is shown once, and its input is
kept; the program goes on, and ends with an error if there was any. A hang, or too much memory, ends it at once.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import atheris
from typing_extensions import override

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

with atheris.instrument_imports(include=["chatcore.providers", "chatcore.http", "chatcore.messages"]):
    from tests.fuzz.targets import CODECS, check_answer, check_request, codec

    for each in CODECS:
        codec(each)

from tests.fuzz import mutation  # noqa: E402 - what is fuzzed comes first
from tests.http.event_streams import framed  # noqa: E402 - as above
from tests.providers.traffic import FOLDER, rows  # noqa: E402 - as above

MAX_BYTES = 16_000
RECORDED = 60
"""How many recorded answers of each codec it begins with, of those that are small."""

AS_BODY, AS_LINES, CHANGED, CONVERSATION = range(4)


class Chance(Random):
    """Chance that is read from bytes, zeros after their end: what atheris changes, it changes."""

    def __init__(self, data: bytes) -> None:
        super().__init__(0)
        self._data = data
        self._at = 0

    @override
    def getrandbits(self, k: int, /) -> int:
        size = (k + 7) // 8
        taken = self._data[self._at : self._at + size].ljust(size, b"\0")
        self._at += size
        return int.from_bytes(taken, "big") >> (size * 8 - k)

    @override
    def _randbelow(self, n: int) -> int:
        # The base's own asks again until a number is small enough: for ever, where all bits are ones.
        return self.getrandbits(n.bit_length() + 8) % n

    @override
    def random(self) -> float:
        return self.getrandbits(53) / (1 << 53)


class Fuzzer:
    """Reads inputs, and keeps what failed.

    chosen: the codecs.
    folder: where inputs that fail are kept.
    """

    def __init__(self, chosen: list[str], folder: Path) -> None:
        self.chosen = chosen
        self.folder = folder
        self.inputs: Counter[str] = Counter()
        self.failures: dict[tuple[str, ...], int] = {}

    def __call__(self, data: bytes) -> None:
        if len(data) < 2:
            return
        name = self.chosen[data[0] % len(self.chosen)]
        self.inputs[name] += 1
        try:
            self.read(name, data[1] % 4, data[2:])
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what is looked for
            self.failed(name, data, error)

    def read(self, name: str, how: int, rest: bytes) -> None:
        fuzzed = codec(name)
        if how == AS_BODY:
            check_answer(fuzzed, rest, _cuts(rest))
        elif how == AS_LINES:
            events = [_event(line) for line in rest.split(b"\n")]
            body = b"".join(_framed(fuzzed, event_name, data) for event_name, data in events)
            check_answer(fuzzed, body, _cuts(body))
        elif how == CHANGED:
            chance = Chance(rest)
            body = mutation.body(fuzzed, chance)
            check_answer(fuzzed, body, mutation.cuts(chance, len(body)))
        else:
            chance = Chance(rest)
            check_request(fuzzed, mutation.messages(name, chance), mutation.settings(name, chance))

    def failed(self, name: str, data: bytes, error: Exception) -> None:
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "/chatcore/" in frame.filename]
        place = f"{frames[-1].filename.rpartition('/chatcore/')[2]}:{frames[-1].lineno}" if frames else "the tests"
        key = (type(error).__name__, place)
        self.failures[key] = self.failures.get(key, 0) + 1
        if self.failures[key] > 1:
            return
        kept = self.folder / f"failure-{len(self.failures)}-{name}"
        kept.write_bytes(data)
        print(f"== {name}: {type(error).__name__} at {place}; the input is {kept}", flush=True)
        traceback.print_exception(error, limit=-6, file=sys.stdout)
        sys.stdout.flush()


def _cuts(body: bytes) -> list[int]:
    """Cuts that follow from the body: its every tenth, and inside its first line."""
    return [len(body) * tenth // 10 for tenth in range(1, 10)] + [1, 5]


def _event(line: bytes) -> tuple[str | None, bytes]:
    name, colon, data = line.partition(b"\t")
    return (name.decode("latin-1") or None, data) if colon else (None, line)


def _framed(fuzzed: Any, name: str | None, data: bytes) -> bytes:
    """One event of raw data: as the wire frames it, with its data as it is."""
    if fuzzed.name == "bedrock":
        kind = "exception" if name and name.endswith("Exception") else "event"
        return framed({f":{kind}-type": (7, (name or "")[:50]), ":message-type": (7, kind)}, data)
    if fuzzed.name == "ollama":
        return data + b"\n"
    return (f"event: {name}\n" if name else "").encode() + b"data: " + data + b"\n\n"


def seeds(chosen: list[str]) -> list[bytes]:
    """Inputs to begin with."""
    found: list[bytes] = []
    for number, name in enumerate(chosen):
        fuzzed = codec(name)
        bodies = [*fuzzed.whole, *fuzzed.streams, *recorded(name)]
        found += [bytes((number, AS_BODY)) + body for body in bodies if len(body) < MAX_BYTES]
        source = Random(number)
        found += [bytes((number, how)) + source.randbytes(400) for how in (CHANGED, CONVERSATION) for _ in range(60)]
    return found


def recorded(name: str) -> list[bytes]:
    """Small recorded answers of a codec; none where there are no recordings."""
    if not (FOLDER / f"{name}.jsonl.gz").exists():
        return []
    texts = [row["body_text"] for row in rows(name) if row["body_text"] and len(row["body_text"]) < 6000]
    return [text.encode() for text in Random(0).sample(texts, min(RECORDED, len(texts)))]


def main() -> None:
    """Fuzz for so many seconds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--codec", default="all", help="one of: all, " + ", ".join(CODECS))
    parser.add_argument(
        "--keep", type=Path, default=None, help="a folder for inputs: of failures, and those found good"
    )
    given = parser.parse_args()
    chosen = list(CODECS) if given.codec == "all" else given.codec.split(",")
    folder = given.keep or Path(tempfile.mkdtemp(prefix="fuzz-"))
    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds(chosen)):
        (corpus / f"seed-{number}").write_bytes(seed)
    fuzzer = Fuzzer(chosen, folder)
    began, cpu = time.monotonic(), time.process_time()

    def end() -> None:
        spent = time.process_time() - cpu
        print(f"{sum(fuzzer.inputs.values()):,} inputs in {time.monotonic() - began:.0f} s ({spent:.0f} s of CPU)")
        print(", ".join(f"{name}: {count:,}" for name, count in sorted(fuzzer.inputs.items())))
        for (kind, place), count in fuzzer.failures.items():
            print(f"FAILED {kind} at {place}: {count:,} times")
        sys.stdout.flush()
        os._exit(1 if fuzzer.failures else 0)

    deadline = began + given.seconds

    def one(data: bytes) -> None:
        fuzzer(data)
        if time.monotonic() > deadline:
            end()

    options = [sys.argv[0], f"-max_len={MAX_BYTES}", "-timeout=60", "-rss_limit_mb=4096", "-verbosity=0"]
    atheris.Setup([*options, f"-artifact_prefix={folder}/", str(corpus)], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
