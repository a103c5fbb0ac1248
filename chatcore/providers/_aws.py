"""Where a program on AWS has its credentials and its region: the environment, and the files of AWS's tools.

https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html. What these files say beyond access keys (roles to
assume, single sign-on, programs to run) takes AWS's own SDK; the errors here say how it is asked.
"""

from __future__ import annotations

import configparser
import os
from dataclasses import dataclass
from inspect import isawaitable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from chatcore.errors import ConfigurationError, MissingKeyError
from chatcore.http._sigv4 import AWSCredentials

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "Profile",
    "credentials_from_environment",
    "credentials_given_by",
    "read_profile",
    "region_from_environment",
    "region_of_arn",
]

_ELSEWHERE: Final = ("role_arn", "sso_session", "sso_start_url", "credential_process", "web_identity_token_file")
"""What a profile may say in place of access keys."""

_BY_FUNCTION: Final = (
    "credentials=lambda: boto3.Session(profile_name={name!r}).get_credentials().get_frozen_credentials()"
)


@dataclass(frozen=True, slots=True)
class Profile:
    """What the files of AWS's tools say under one name.

    name: of the profile.
    exists: whether there is any such profile.
    credentials: its access keys; None if it has none.
    region: where its requests go; None if it does not say.
    elsewhere: what it says in place of access keys, such as `"role_arn"`; None if nothing.
    """

    name: str
    exists: bool = False
    credentials: AWSCredentials | None = None
    region: str | None = None
    elsewhere: str | None = None

    def missing(self) -> MissingKeyError:
        """The error of a program that has no credentials but for this profile, which has none."""
        if self.elsewhere is not None:
            by_function = _BY_FUNCTION.format(name=self.name)
            msg = (
                f"The AWS profile {self.name!r} has no access keys but {self.elsewhere}, which takes AWS's own SDK: "
                f"give a function that asks it, as {by_function}."
            )
        else:
            found = "has no access keys" if self.exists else "is not there"
            msg = (
                "No AWS credentials were found: set AWS_BEARER_TOKEN_BEDROCK, or AWS_ACCESS_KEY_ID and "
                "AWS_SECRET_ACCESS_KEY, or pass api_key=, aws_access_key_id= and aws_secret_access_key=, "
                f"credentials_profile_name= or credentials=. (The profile {self.name!r} {found}.)"
            )
        return MissingKeyError(msg)


def credentials_from_environment() -> AWSCredentials | None:
    """Those of `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`; None if they are not set."""
    access, secret = _set("AWS_ACCESS_KEY_ID"), _set("AWS_SECRET_ACCESS_KEY")
    return AWSCredentials(access, secret, _set("AWS_SESSION_TOKEN")) if access and secret else None


def region_from_environment() -> str | None:
    """The region of `AWS_REGION` or `AWS_DEFAULT_REGION`; None if neither is set."""
    return _set("AWS_REGION") or _set("AWS_DEFAULT_REGION")


def region_of_arn(model: str) -> str | None:
    """The region in a model's ARN; None if it is no ARN, or has none."""
    parts = model.split(":")
    return parts[3] or None if len(parts) > 3 and parts[0] == "arn" else None


def read_profile(name: str | None = None) -> Profile:
    """What `~/.aws/credentials` and `~/.aws/config` say under one name. It reads files: not for the event loop.

    name: the profile's; None: that of `AWS_PROFILE`, else "default".

    Raises:
        ConfigurationError: a file cannot be read, or is no such file.
    """
    name = name or _set("AWS_PROFILE") or "default"
    sections: dict[str, str] = {}
    exists = False
    in_config = name if name == "default" else f"profile {name}"
    # What the file of credentials says counts more.
    for variable, file, section in (
        ("AWS_CONFIG_FILE", "config", in_config),
        ("AWS_SHARED_CREDENTIALS_FILE", "credentials", name),
    ):
        path = Path(_set(variable) or f"~/.aws/{file}").expanduser()
        found = _section(path, section)
        if found is not None:
            exists = True
            sections.update(found)
    access, secret = sections.get("aws_access_key_id"), sections.get("aws_secret_access_key")
    return Profile(
        name,
        exists,
        AWSCredentials(access, secret, sections.get("aws_session_token") or None) if access and secret else None,
        sections.get("region") or None,
        next((key for key in _ELSEWHERE if sections.get(key)), None),
    )


async def credentials_given_by(give: Callable[[], Any]) -> AWSCredentials:
    """The credentials that the user's function gives, in any of the forms that they have in Python."""
    given: Any = give()
    if isawaitable(given):
        given = await given
    kind: type[object] = type(cast("object", given))
    if kind is tuple:
        access, secret, token = (*given, None, None, None)[:3]
    else:
        # Ours, and those of boto3, frozen or not.
        access, secret, token = (getattr(given, name, None) for name in ("access_key", "secret_key", "token"))
    if not (isinstance(access, str) and access and isinstance(secret, str) and secret):
        msg = (
            f"credentials() returned {kind.__name__}: it must return AWSCredentials, what boto3's "
            "get_frozen_credentials() returns, or a tuple of access key, secret key and session token."
        )
        raise (MissingKeyError if given is None else ConfigurationError)(msg)
    return AWSCredentials(access, secret, token if isinstance(token, str) and token else None)


def _set(variable: str) -> str | None:
    return os.environ.get(variable, "").strip() or None


def _section(path: Path, name: str) -> dict[str, str] | None:
    """A section of a file; None if there is no such file, or no such section."""
    # The default section of these files gives nothing to the others, as it would in Python's own.
    parser = configparser.RawConfigParser(default_section="\0", strict=False, allow_no_value=True)
    try:
        parser.read_string(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        msg = f"The AWS file {path} cannot be read: {type(error).__name__}."
        raise ConfigurationError(msg) from None
    except configparser.Error as error:
        # Not quoted: the line that is wrong may hold a key.
        msg = f"The AWS file {path} is not as AWS's tools write it ({type(error).__name__})."
        raise ConfigurationError(msg) from None
    if not parser.has_section(name):
        return None
    return {key: (value or "").strip() for key, value in parser.items(name)}
