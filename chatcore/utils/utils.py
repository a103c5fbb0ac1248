"""Settings and secrets, under the reference's name."""

from __future__ import annotations

from pydantic import SecretStr

from chatcore.utils.env import from_env, secret_from_env
from chatcore.utils.pydantic import get_pydantic_field_names

__all__ = ["convert_to_secret_str", "from_env", "get_pydantic_field_names", "secret_from_env"]


def convert_to_secret_str(value: SecretStr | str) -> SecretStr:
    """Keep a text from being shown: a `SecretStr` of it, if it is not one."""
    return value if isinstance(value, SecretStr) else SecretStr(value)
