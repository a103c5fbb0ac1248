"""Examples are run (example_runner.py): here is the proof that a wrong one would be seen. And links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

# What the run within a run were the first to load, it would drop at its end, and there would be two of each class.
import chatcore.providers.openai  # noqa: F401 - as said
import chatcore.testing  # noqa: F401 - as said

ROOT = Path(__file__).parent.parent
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]

RUNNER = Path(__file__).with_name("example_runner.py")

GUIDE = """
A right one, that awaits:

```python
import anyio
await anyio.lowlevel.checkpoint()
count = 1
```

One that goes on from there, and is wrong:

```python
assert count == 2
```

<!-- skip: next "cannot run here" -->

```python
assert count == 3
```

```sh
this is for a shell
```
"""

MODULE = '''
"""A module.

>>> 1 + 1
3

::

    a drawing --> is no example
"""

def act():
    """Act::

        import anyio

        async def wrong():
            raise LookupError

        await wrong()

    .. skip: next "cannot run here"

    ::

        act() + 1
    """
'''


def test_examples_that_fail_are_seen(pytester: pytest.Pytester) -> None:
    # There it stands beside the documents, and not in a folder of its own.
    runner = RUNNER.read_text(encoding="utf-8").replace("parent.parent", "parent").replace('"chatcore"', '"acting"')
    pytester.makeconftest(runner)
    package = pytester.mkpydir("acting")
    package.joinpath("act.py").write_text(MODULE, encoding="utf-8")
    pytester.path.joinpath("guide.md").write_text(GUIDE, encoding="utf-8")
    pytester.syspathinsert()
    result = pytester.runpytest_inprocess("guide.md", "acting")
    # The two directives to skip pass, beside the one right example.
    result.assert_outcomes(passed=3, failed=3, skipped=2)
    result.stdout.fnmatch_lines(["guide.md:13: AssertionError", "*Expected:", "*", "*act.py:18: LookupError"])


def anchors(document: Path) -> set[str]:
    """What can be linked to in it: its headings, as GitHub names them."""
    headings = re.findall(r"^#+ (.*)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    text = re.sub(r"^```.*?^```", "", document.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]
    dead: list[str] = []
    for link in links:
        path, _, anchor = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        if not target.exists() or (anchor and anchor not in anchors(target)):
            dead.append(link)
    assert dead == []
