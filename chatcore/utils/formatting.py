"""Templates in the syntax of `str.format`, which may come from anybody: they name variables and reach nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from string import Formatter
from typing import Any

from chatcore.errors import ConfigurationError

__all__ = ["StrictFormatter", "formatter"]


class StrictFormatter(Formatter):
    """Fills in named variables, and nothing else.

    A template has no way from a variable to its attributes or items (`{user.password}`, `{rows[0]}`), nor from a
    variable to how another is written (`{a:{b}}`): whoever writes it sees what the variables say, and no more.
    """

    # The stubs have a second overload, for literal strings, that changes nothing.
    def vformat(self, format_string: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Fill in a template.

        Args:
            format_string: the template.
            args: must be empty.
            kwargs: the variables.

        Raises:
            ConfigurationError: there are arguments without a name, or the template asks for more than variables.
            KeyError: a variable is missing.
        """
        if args:
            msg = "No arguments should be provided, everything should be passed as keyword arguments."
            raise ConfigurationError(msg)
        pieces: list[str] = []
        for literal, name, spec, conversion in self.parse(format_string):
            pieces.append(literal)
            if name is not None:
                _check_field(name, spec or "")
                pieces.append(self.format_field(self.convert_field(kwargs[name], conversion), spec or ""))
        return "".join(pieces)

    def variables(self, format_string: str) -> list[str]:
        """The variables of a template, sorted.

        Raises:
            ConfigurationError: the template is malformed, or asks for more than variables.
        """
        names: set[str] = set()
        try:
            for _, name, spec, _ in self.parse(format_string):
                if name is not None:
                    _check_field(name, spec or "")
                    names.add(name)
        except ConfigurationError:
            raise
        except ValueError as error:
            msg = f"{error} in {format_string!r}; a brace that is meant as such is doubled: '{{{{' or '}}}}'."
            raise ConfigurationError(msg) from error
        return sorted(names)

    def validate_input_variables(self, format_string: str, input_variables: list[str]) -> None:
        """See that these variables fill in a template.

        Raises:
            KeyError: one is missing, or has no name.
        """
        for name in self.variables(format_string):
            if not name or name not in input_variables:
                raise KeyError(name)


def _check_field(name: str, spec: str) -> None:
    """See that a field of a template is a variable.

    Raises:
        ConfigurationError: it asks for more.
    """
    if any(sign in name for sign in ".[]"):
        msg = (
            f"Invalid variable name {name!r} in f-string template. Variable names cannot contain attribute access (.)"
            " or indexing ([]). Give the value itself as a variable."
        )
        raise ConfigurationError(msg)
    if name.isdigit():
        msg = (
            f"Invalid variable name {name!r} in f-string template. Variable names cannot be all digits as they are"
            " interpreted as positional arguments."
        )
        raise ConfigurationError(msg)
    if "{" in spec or "}" in spec:
        msg = f"Invalid format specifier {spec!r} in f-string template. Nested replacement fields are not allowed."
        raise ConfigurationError(msg)


formatter = StrictFormatter()
"""The formatter of prompts."""
