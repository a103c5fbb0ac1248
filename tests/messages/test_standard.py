"""Content in shapes that the comparison with the reference leaves out: those it errs on, and those that are broken."""

from __future__ import annotations

from typing import Any

import pytest

from chatcore.messages import HumanMessage


@pytest.mark.parametrize(
    ("part", "block"),
    [
        # A block of langchain-core 0.x with an id of its own: the reference fails on it.
        (
            {"type": "image", "source_type": "url", "url": "u", "id": "b1", "mime_type": "image/png"},
            {"type": "image", "url": "u", "id": "b1", "mime_type": "image/png"},
        ),
        (
            {
                "type": "audio",
                "source_type": "id",
                "id": "file-1",
                "mime_type": "audio/wav",
                "extras": {"a": 1},
                "b": 2,
            },
            {"type": "audio", "file_id": "file-1", "mime_type": "audio/wav", "extras": {"a": 1, "b": 2}},
        ),
        (
            {"type": "file", "source_type": "text", "text": "t", "id": "b1"},
            {"type": "text-plain", "text": "t", "mime_type": "text/plain", "id": "b1"},
        ),
        # The data says what it is, whatever the reference takes every file for.
        (
            {"type": "file", "file": {"file_data": "data:text/csv;base64,YQ==", "filename": "a.csv"}},
            {"type": "file", "base64": "YQ==", "mime_type": "text/csv", "extras": {"filename": "a.csv"}},
        ),
        (
            {"type": "image_url", "image_url": {"url": "u", "size": 3, "detail": "low"}},
            {"type": "image", "url": "u", "extras": {"image_url_size": 3, "detail": "low"}},
        ),
        (
            {"type": "input_audio", "input_audio": {"data": "d", "format": "mp3", "voice": "v"}, "x": 1},
            {"type": "audio", "base64": "d", "mime_type": "audio/mp3", "extras": {"x": 1, "audio_voice": "v"}},
        ),
        (
            {"type": "file", "file": {"file_id": "f", "filename": "a"}},
            {"type": "file", "file_id": "f", "extras": {"file_filename": "a"}},
        ),
    ],
    ids=lambda part: str(part)[:80],
)
def test_foreign_parts_become_blocks(part: dict[str, Any], block: dict[str, Any]) -> None:
    assert HumanMessage([part]).content_blocks == [block]


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url"},
        {"type": "image_url", "image_url": {}},
        {"type": "input_audio", "input_audio": "d"},
        {"type": "image", "source_type": "url"},
        {"type": "image", "source_type": "base64"},
        {"type": "image", "source_type": "id"},
        {"type": "image", "source_type": "text", "text": "t"},
        {"type": "image", "source_type": "elsewhere"},
        {"type": "text", "source_type": "url", "text": "t"},
        {"type": 5},
        {},
        {"type": []},
        {"type": "audio", "source_type": {}},
    ],
    ids=str,
)
def test_what_has_no_standard_form_is_kept(part: dict[str, Any]) -> None:
    assert HumanMessage([part]).content_blocks == [{"type": "non_standard", "value": part}]


@pytest.mark.parametrize("file", ["f", {}, {"file_data": "no data uri"}], ids=str)
def test_a_file_of_no_known_shape_is_a_file_all_the_same(file: Any) -> None:
    part = {"type": "file", "file": file}
    assert HumanMessage([part]).content_blocks == [part]


def test_reading_changes_nothing() -> None:
    part = {"type": "image_url", "image_url": {"url": "u", "detail": "low"}}
    message = HumanMessage([part])
    message.content_blocks[0]["id"] = "b1"
    assert message.content == [{"type": "image_url", "image_url": {"url": "u", "detail": "low"}}]
