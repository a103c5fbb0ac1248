from __future__ import annotations

from typing import Any

import pytest
from langchain_core.language_models import is_openai_data_block as theirs

from chatcore.language_models import is_openai_data_block

URL = {"url": "data:image/png;base64,AAAA"}
BLOCKS: list[dict[str, Any]] = [
    {},
    {"type": "text", "text": "a"},
    {"type": "image", "url": "https://example.com"},
    {"type": "image_url", "image_url": URL},
    {"type": "image_url", "image_url": URL, "detail": "low"},
    {"type": "image_url", "image_url": URL, "other": 1},
    {"type": "image_url", "image_url": "https://example.com"},
    {"type": "image_url", "image_url": {}},
    {"type": "image_url", "image_url": {"url": 3}},
    {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
    {"type": "input_audio", "input_audio": {"data": "AAAA"}},
    {"type": "input_audio"},
    {"type": "file", "file": {"file_data": "AAAA"}, "other": 1},
    {"type": "file", "file": {"file_id": "f"}},
    {"type": "file", "file": {"name": "f"}},
    {"type": None},
]


@pytest.mark.parametrize("filter_", [None, "image", "audio", "file"])
@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_as_in_the_reference(block: dict[str, Any], filter_: Any) -> None:
    assert is_openai_data_block(block, filter_) is theirs(block, filter_)
