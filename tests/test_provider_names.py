"""Names of providers."""

from __future__ import annotations

import pytest

from chatcore._provider_names import OTHER_NAMES, provider_name
from chatcore.providers._named import OWN_WIRES
from chatcore.providers.hosts import HOSTS


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("mistralai", "mistral"),
        (" X-AI ", "xai"),
        ("Groq", "groq"),
        ("fireworks-ai", "fireworks"),
        ("nobody", "nobody"),
    ],
)
def test_names(given: str, name: str) -> None:
    assert provider_name(given) == name


def test_every_other_name_is_of_one_that_there_is() -> None:
    assert {*OTHER_NAMES.values()} <= {*OWN_WIRES, *HOSTS}
    assert not OTHER_NAMES.keys() & {*OWN_WIRES, *HOSTS}
