"""Counting tokens offline: the vocabulary comes in a wheel, and nothing is downloaded.

The vocabularies are OpenAI's: exact for OpenAI's models, and an estimate for others, whose own are not public or not
small.
"""

from __future__ import annotations

import importlib
import json
import warnings
from collections.abc import Sequence
from functools import cache
from typing import Any, Protocol, cast

from chatcore.errors import MissingExtraError
from chatcore.messages import BaseMessage, get_buffer_string
from chatcore.schemas import convert_to_openai_tool

__all__ = ["get_num_tokens", "get_num_tokens_from_messages", "get_token_ids", "get_tokenizer"]

_OLDER = ("gpt-4-", "gpt-3.5", "gpt-35", "text-embedding-")
"""How the names of OpenAI's models begin that read `cl100k_base`; so does "gpt-4" itself. Later ones: `o200k_base`."""


class _Encoding(Protocol):
    def encode_ordinary(self, text: str) -> list[int]: ...


class Tokenizer:
    """Text to the ids of its tokens.

    name: of the vocabulary: `"o200k_base"` or `"cl100k_base"`.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        with warnings.catch_warnings():
            # The library reads its vocabularies by a function that Python 3.11 and 3.12 have for deprecated.
            warnings.simplefilter("ignore", DeprecationWarning)
            try:
                library = importlib.import_module("bpe_openai")
            except ImportError as error:
                msg = 'Counting tokens needs a vocabulary: pip install "chatcore[tokens]"'
                raise MissingExtraError(msg) from error
        self._encoding = cast("_Encoding", library.get_encoding(name))

    def encode(self, text: str) -> list[int]:
        """Return the tokens of a text; what looks like a special token is text as any."""
        # Half a surrogate pair has no bytes; it counts as the character that stands in for it.
        return list(self._encoding.encode_ordinary(text.encode(errors="replace").decode()))


@cache
def get_tokenizer(name: str = "o200k_base") -> Tokenizer:
    """Return the tokenizer with this vocabulary; loaded once.

    Args:
        name: `"o200k_base"` (GPT-4o and later) or `"cl100k_base"` (GPT-4, GPT-3.5, embeddings).

    Raises:
        MissingExtraError: the extra `tokens` is not installed.
    """
    return Tokenizer(name)


def get_token_ids(text: str, model: str | None = None) -> list[int]:
    """Return the ids of a text's tokens.

    Args:
        text: the text.
        model: the model's name, which says which vocabulary it reads; None or unknown: that of OpenAI's present models.

    Raises:
        MissingExtraError: the extra `tokens` is not installed.
    """
    older = model is not None and (model == "gpt-4" or model.startswith(_OLDER))
    return get_tokenizer("cl100k_base" if older else "o200k_base").encode(text)


def get_num_tokens(text: str, model: str | None = None) -> int:
    """Return how many tokens a text has.

    Args:
        text: the text.
        model: as for `get_token_ids`.

    Raises:
        MissingExtraError: the extra `tokens` is not installed.
    """
    return len(get_token_ids(text, model))


def get_num_tokens_from_messages(
    messages: Sequence[BaseMessage], model: str | None = None, tools: Sequence[Any] | None = None
) -> int:
    """Return about how many tokens a prompt has: each message with its role, and the tools' descriptions.

    What is no text (images, sound, files) is not counted.

    Args:
        messages: the prompt.
        model: as for `get_token_ids`.
        tools: what `bind_tools` takes; counted as the JSON that describes them.

    Raises:
        MissingExtraError: the extra `tokens` is not installed.
    """
    prompt = sum(get_num_tokens(get_buffer_string([message]), model) for message in messages)
    described = (json.dumps(convert_to_openai_tool(tool)) for tool in tools or ())
    return prompt + sum(get_num_tokens(text, model) for text in described)
