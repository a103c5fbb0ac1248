"""Mustache: what a template may ask for, what it may not, and what it costs."""

from __future__ import annotations

import time
from collections import ChainMap, UserDict
from types import MappingProxyType
from typing import Any

import pytest

from chatcore.errors import ConfigurationError
from chatcore.prompts._mustache import parsed, rendered


class Secret:
    """An object with something in it that no template may reach."""

    password = "hidden"

    def __str__(self) -> str:
        return "shown"

    def __call__(self, *_: Any) -> str:
        return "called"

    def __getitem__(self, key: Any) -> str:
        return "taken"


@pytest.mark.parametrize(
    "template", ["{{it.password}}", "{{it.__class__}}", "{{it.0}}", "{{it.a}}", "{{#it}}{{password}}{{/it}}"]
)
def test_objects_have_no_attributes_and_no_items(template: str) -> None:
    assert rendered(template, {"it": Secret()}) == ""


def test_objects_say_what_they_say_and_are_not_called() -> None:
    assert rendered("{{it}} {{#it}}there{{/it}}", {"it": Secret()}) == "shown there"


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{{> file}}", "partials"),
        ("{{=<% %>=}}", "delimiters"),
        ("{{#a}}", "'a' of a mustache template is not closed"),
        ("{{#a.b}}{{/a}}", "'a.b'"),
        ("{{/a}}", "closes no section"),
        ("{{#a}}{{#b}}{{/a}}{{/b}}", "'b'"),
    ],
)
def test_what_is_not_supported_is_refused(template: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        parsed(template)


@pytest.mark.parametrize("mapping", [dict, ChainMap, UserDict, MappingProxyType])
def test_any_mapping_can_be_read(mapping: Any) -> None:
    assert rendered("{{user.name}}{{#user}}!{{name}}{{/user}}", {"user": mapping({"name": "Ann"})}) == "Ann!Ann"


def test_items_that_are_false_are_items() -> None:
    assert rendered("{{#them}}{{.}},{{/them}}", {"them": [0, 1, False]}) == "0,1,False,"


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("a\n{{#t}}\nb\n{{/t}}\nc", "a\nb\nc"),
        ("a\r\n{{! x }}\r\nb", "a\r\nb"),
        ("  {{#t}}\n  b\n  {{/t}}", "  b\n"),
        ("a {{#t}} b {{/t}} c", "a  b  c"),
        ("{{!\n a\n b }}\nc", "c"),
        ("{{t}}\n", "True\n"),
        ("{ {t} } {{{t}}} {{ t }}", "{ {t} } True True"),
    ],
)
def test_tags_alone_on_their_line_take_it_with_them(template: str, expected: str) -> None:
    assert rendered(template, {"t": True}) == expected


def test_long_templates_cost_their_length() -> None:
    def seconds(count: int) -> float:
        template, best = "{{#a}}\nx {{b}}\n{{/a}}\n" * count, float("inf")
        for _ in range(3):
            parsed.cache_clear()
            begun = time.process_time()
            rendered(template, {"a": [1], "b": 2})
            best = min(best, time.process_time() - begun)
        return best

    assert seconds(8000) < 64 * seconds(500)
