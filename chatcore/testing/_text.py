"""The simulator's language: what a token is, and what it writes when no one has scripted it."""

from __future__ import annotations

import math
from base64 import b64decode, b64encode
from collections.abc import Iterator
from hashlib import blake2b
from typing import Any, TypeGuard

from pydantic_core import to_json

__all__ = ["chance", "count_tokens", "digest_of", "is_array", "is_base64", "is_object", "is_sealed", "others", "pieces",
           "prompt_tokens", "seal", "thought", "write"]  # fmt: skip

# One token is four characters: near enough to real tokenizers for English, and a client can work out in its head what
# usage and how many chunks to expect. Cutting in the middle of words is what real tokens do, too.
_TOKEN = 4
_MESSAGE_TOKENS = 4  # the frame around each message
_IMAGE_TOKENS = 85  # an image in low detail

# Some words are not ASCII on purpose: a client that splits UTF-8 wrongly should be found out by the default reply.
_ADJECTIVES = ("quiet", "amber", "naïve", "patient", "curious", "hollow", "northern", "swift", "paper", "silver",
               "late", "gentle", "broken", "über-fast", "hidden", "second")  # fmt: skip
_NOUNS = ("river", "lantern", "café", "engine", "harbour", "sparrow", "library", "東京 train", "garden", "compass",
          "violin", "glacier", "market", "clock", "🚲 courier", "bridge")  # fmt: skip
_VERBS = ("follows", "remembers", "carries", "answers", "outlasts", "paints", "measures", "crosses", "mends",
          "watches", "borrows", "names", "leaves", "finds", "gathers", "keeps")  # fmt: skip


def is_object(value: object) -> TypeGuard[dict[str, Any]]:
    """Whether a parsed JSON value is an object."""
    return isinstance(value, dict)


def is_array(value: object) -> TypeGuard[list[Any]]:
    """Whether a parsed JSON value is an array."""
    return isinstance(value, list)


def count_tokens(text: str) -> int:
    """The tokens of a text: one for every four characters begun."""
    return -(-len(text) // _TOKEN)


def pieces(text: str) -> list[str]:
    """A text cut into its tokens."""
    return [text[start : start + _TOKEN] for start in range(0, len(text), _TOKEN)]


def others(token: str, count: int) -> list[str]:
    """So many other tokens that might have stood in the place of `token`; at most 47. They follow from it alone."""
    words = [word for word in dict.fromkeys(word[:_TOKEN] for word in _ADJECTIVES + _NOUNS + _VERBS) if word != token]
    start = int(chance(token.encode()[:16], b"others", 1) * len(words))
    return [*words[start:], *words[:start]][: max(count, 0)]


def prompt_tokens(messages: list[Any]) -> int:
    """The tokens of a request's messages: of each its text and its tool calls, 4 for its frame, 85 for an image."""
    return sum(_message_tokens(message) for message in messages)


def _message_tokens(message: dict[str, Any]) -> int:
    tokens = _MESSAGE_TOKENS
    content: object = message.get("content")
    if isinstance(content, str):
        tokens += count_tokens(content)
    elif is_array(content):
        for part in content:
            if is_object(part):
                tokens += _IMAGE_TOKENS if part.get("type") == "image_url" else count_tokens(str(part.get("text", "")))
    for call in message.get("tool_calls") or ():
        function: dict[str, Any] = call.get("function") or {}
        tokens += count_tokens(f"{function.get('name', '')}{function.get('arguments', '')}")
    return tokens


def digest_of(seed: int, model: object, messages: object, own_seed: object) -> bytes:
    """What a request's content comes to under a seed: 16 bytes from its model, messages and own `seed`.

    Settings do not count, so that a streamed and a plain request for the same thing are given the same answer.
    """
    return blake2b(to_json([seed, model, messages, own_seed]), digest_size=16).digest()


def seal(text: str) -> str:
    """What proves that a text is the simulator's own: it stands for a provider's signature of reasoning."""
    content = blake2b(text.encode("utf-8", "replace"), digest_size=24).digest()
    return b64encode(content + _mark(content)).decode()


def is_sealed(seal: object, text: str | None = None) -> bool:
    """Whether this is a seal that the simulator made, and of that text if one is given."""
    try:
        made = b64decode(str(seal).translate(_URL_SAFE), validate=True)
    except ValueError:
        return False
    content, mark = made[:24], made[24:]
    if mark != _mark(content):
        return False
    return text is None or content == blake2b(text.encode("utf-8", "replace"), digest_size=24).digest()


def _mark(content: bytes) -> bytes:
    return blake2b(content, digest_size=24, person=b"seal").digest()


def is_base64(value: object) -> TypeGuard[str]:
    """Whether this is a text in base64, in its usual alphabet or the one for URLs."""
    if not isinstance(value, str) or not value:
        return False
    try:
        b64decode(value.translate(_URL_SAFE), validate=True)
    except ValueError:
        return False
    return True


_URL_SAFE = str.maketrans("-_", "+/")


def chance(digest: bytes, purpose: bytes, occurrence: int) -> float:
    """A number from 0 to 1 that follows from a request's content and how often that content has been seen."""
    drawn = blake2b(digest, digest_size=8, person=purpose, salt=occurrence.to_bytes(8, "big")).digest()
    return int.from_bytes(drawn, "big") / 2**64


def thought(digest: bytes) -> str:
    """A sentence of reasoning that follows from the digest alone."""
    return f"What is asked for? {_sentence(digest, 3)}"


def write(digest: bytes, tokens: int | None) -> str:
    """A text that follows from the digest alone: two to four sentences, or exactly so many tokens long."""
    if tokens is None:
        return " ".join(_sentence(digest, number) for number in range(2 + digest[0] % 3))
    text = " ".join(_sentences(digest, tokens))[: tokens * _TOKEN]
    return text.rstrip().ljust(tokens * _TOKEN, ".")


def _sentences(digest: bytes, tokens: int) -> Iterator[str]:
    sentences = [_sentence(digest, number) for number in range(4)]
    repeats = math.ceil(tokens * _TOKEN / sum(len(sentence) + 1 for sentence in sentences))
    for _ in range(repeats):
        yield from sentences


def _sentence(digest: bytes, number: int) -> str:
    # Three bytes a sentence, a nibble each word; sixteen bytes are enough for four sentences.
    one, two, three = digest[1 + 3 * number : 4 + 3 * number]
    return (
        f"The {_ADJECTIVES[one & 15]} {_NOUNS[one >> 4]} {_VERBS[two & 15]} "
        f"the {_ADJECTIVES[two >> 4]} {_NOUNS[three & 15]}{'.' if three >> 7 else ', again.'}"
    )
