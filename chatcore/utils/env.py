"""Settings from the environment."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, overload

from pydantic import SecretStr

from chatcore.errors import ConfigurationError

__all__ = ["env_var_is_set", "from_env", "get_from_dict_or_env", "get_from_env", "secret_from_env"]


class _NoDefault:
    """What stands for a default that was not given: None is one."""


_NO_DEFAULT: Final = _NoDefault()


def env_var_is_set(env_var: str) -> bool:
    """Whether an environment variable is set, and to something other than "", "0", "false" and "False"."""
    return os.environ.get(env_var, "") not in {"", "0", "false", "False"}


def get_from_dict_or_env(
    data: Mapping[str, Any], key: str | Sequence[str], env_key: str, default: str | None = None
) -> str:
    """Look a setting up in a dict, and else in the environment.

    Args:
        data: the dict.
        key: its key there, or several, the first first.
        env_key: the environment variable.
        default: what is returned if it is in neither.

    Raises:
        ConfigurationError: it is in neither, and there is no default.
    """
    keys = [key] if isinstance(key, str) else list(key)
    found = next((data[name] for name in keys if data.get(name)), None)
    return get_from_env(keys[0], env_key, default=default) if found is None else str(found)


def get_from_env(key: str, env_key: str, default: str | None = None) -> str:
    """Look a setting up in the environment.

    Args:
        key: what the setting is called in errors.
        env_key: the environment variable.
        default: what is returned if it is not set or empty.

    Raises:
        ConfigurationError: it is not set, and there is no default.
    """
    found = os.environ.get(env_key) or default
    if found is None:
        raise _missing(key, env_key)
    return found


@overload
def from_env(key: str | Sequence[str], /, *, default: str, error_message: str | None = ...) -> Callable[[], str]: ...


@overload
def from_env(key: str | Sequence[str], /, *, error_message: str | None = ...) -> Callable[[], str]: ...


@overload
def from_env(
    key: str | Sequence[str], /, *, default: None, error_message: str | None = ...
) -> Callable[[], str | None]: ...


def from_env(
    key: str | Sequence[str], /, *, default: str | _NoDefault | None = _NO_DEFAULT, error_message: str | None = None
) -> Callable[[], str | None]:
    """Make a default factory that reads an environment variable.

    Args:
        key: the variable, or several, of which the first that is set counts.
        default: what the factory returns if none is set.
        error_message: what its error then says, if there is no default.

    Returns:
        A function without arguments. It raises ConfigurationError if there is nothing to return.
    """
    return _looking_up(key, default, error_message)


@overload
def secret_from_env(
    key: str | Sequence[str], /, *, default: str, error_message: str | None = ...
) -> Callable[[], SecretStr]: ...


@overload
def secret_from_env(key: str | Sequence[str], /, *, error_message: str | None = ...) -> Callable[[], SecretStr]: ...


@overload
def secret_from_env(
    key: str | Sequence[str], /, *, default: None, error_message: str | None = ...
) -> Callable[[], SecretStr | None]: ...


def secret_from_env(
    key: str | Sequence[str], /, *, default: str | _NoDefault | None = _NO_DEFAULT, error_message: str | None = None
) -> Callable[[], SecretStr | None]:
    """Make a default factory that reads a secret from an environment variable.

    Args:
        key: the variable, or several, of which the first that is set counts.
        default: what the factory returns if none is set.
        error_message: what its error then says, if there is no default.

    Returns:
        A function without arguments. It raises ConfigurationError if there is nothing to return.
    """
    look_up = _looking_up(key, default, error_message)

    def look_up_secret() -> SecretStr | None:
        found = look_up()
        return None if found is None else SecretStr(found)

    return look_up_secret


def _looking_up(
    key: str | Sequence[str], default: str | _NoDefault | None, error_message: str | None
) -> Callable[[], str | None]:
    def look_up() -> str | None:
        keys = [key] if isinstance(key, str) else key
        found = next((os.environ[name] for name in keys if name in os.environ), default)
        if not isinstance(found, _NoDefault):
            return found
        if error_message:
            raise ConfigurationError(error_message)
        raise _missing(key, key)

    return look_up


def _missing(key: str | Sequence[str], env_key: str | Sequence[str]) -> ConfigurationError:
    return ConfigurationError(
        f"Did not find {key}, please add an environment variable `{env_key}` which contains it, or pass `{key}` as a "
        "named parameter."
    )
