from __future__ import annotations

import re
from typing import Any

import pytest

from chatcore.messages import content


def test_an_id_is_made_up_only_if_there_is_none() -> None:
    made = content.ensure_id(None)
    assert re.fullmatch(r"lc_[0-9a-f-]{36}", made)
    assert content.ensure_id("") != made
    assert content.ensure_id("b1") == "b1"


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (content.create_image_block, "image"),
        (content.create_video_block, "video"),
        (content.create_audio_block, "audio"),
        (content.create_file_block, "file"),
    ],
)
def test_data_needs_a_source_and_a_kind(make: Any, kind: str) -> None:
    with pytest.raises(ValueError, match=rf"{kind} block.*url=.*base64=.*file_id="):
        make()
    assert make(url="u", id="b1", index=0, note="n") == {
        "type": kind,
        "id": "b1",
        "url": "u",
        "index": 0,
        "extras": {"note": "n"},
    }
    if kind != "image":
        with pytest.raises(ValueError, match=rf"{kind}.*mime_type="):
            make(base64="b")


@pytest.mark.parametrize(
    ("block", "holds_data"),
    [
        ({"type": "image", "url": "u"}, True),
        ({"type": "text-plain", "text": "t"}, True),
        ({"type": "audio", "source_type": "base64", "data": "d"}, True),
        ({"type": "audio", "source_type": "base64"}, False),
        ({"type": "file", "source_type": "id", "id": "f"}, True),
        ({"type": "file", "source_type": "other"}, False),
        ({"type": "image"}, False),
        ({"type": "text", "text": "t"}, False),
        ({}, False),
    ],
    ids=str,
)
def test_which_blocks_hold_data(block: dict[str, Any], holds_data: bool) -> None:
    assert content.is_data_content_block(block) is holds_data
