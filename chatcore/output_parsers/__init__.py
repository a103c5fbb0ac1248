"""Output parsers: runnables that make something of a model's answer, as it comes where it is streamed.

::

    BaseOutputParser ── BaseTransformOutputParser          each chunk by itself
                        ├── StrOutputParser                the text
                        ├── ListOutputParser               CommaSeparated…, Numbered…, MarkdownListOutputParser
                        └── BaseCumulativeTransformOutputParser    what has come so far
                            ├── JsonOutputParser           └── PydanticOutputParser
                            └── JsonOutputToolsParser      └── JsonOutputKeyToolsParser, PydanticToolsParser
    BaseGenerationOutputParser                             the message with all that belongs to it
"""

from __future__ import annotations

from chatcore.output_parsers.base import BaseGenerationOutputParser, BaseLLMOutputParser, BaseOutputParser
from chatcore.output_parsers.json import JsonOutputParser, SimpleJsonOutputParser
from chatcore.output_parsers.list import (
    CommaSeparatedListOutputParser,
    ListOutputParser,
    MarkdownListOutputParser,
    NumberedListOutputParser,
)
from chatcore.output_parsers.openai_tools import (
    JsonOutputKeyToolsParser,
    JsonOutputToolsParser,
    PydanticToolsParser,
)
from chatcore.output_parsers.pydantic import PydanticOutputParser
from chatcore.output_parsers.string import StrOutputParser
from chatcore.output_parsers.transform import BaseCumulativeTransformOutputParser, BaseTransformOutputParser

__all__ = [
    "BaseCumulativeTransformOutputParser",
    "BaseGenerationOutputParser",
    "BaseLLMOutputParser",
    "BaseOutputParser",
    "BaseTransformOutputParser",
    "CommaSeparatedListOutputParser",
    "JsonOutputKeyToolsParser",
    "JsonOutputParser",
    "JsonOutputToolsParser",
    "ListOutputParser",
    "MarkdownListOutputParser",
    "NumberedListOutputParser",
    "PydanticOutputParser",
    "PydanticToolsParser",
    "SimpleJsonOutputParser",
    "StrOutputParser",
]
