"""The command line: `chatcore`, or `python -m chatcore`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

try:
    from chatcore.cli import run
except ModuleNotFoundError as missing:
    # Without its extra it must say so; anything else that is missing is a defect.
    if missing.name not in ("cyclopts", "rich"):
        raise

    def run(arguments: Sequence[str]) -> int:  # noqa: ARG001 - as the real one
        """Say what to install, whatever was asked."""
        print('The command line needs two more packages: pip install "chatcore[cli]"', file=sys.stderr)
        return 2


__all__ = ["main"]


def main() -> None:
    """Run the command line, and end the process with its exit code."""
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
