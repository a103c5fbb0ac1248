"""Credentials and region: from the environment, from the files of AWS's tools, from a function."""

from __future__ import annotations

from collections import namedtuple
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from chatcore.errors import ConfigurationError, MissingKeyError
from chatcore.http._sigv4 import AWSCredentials
from chatcore.providers._aws import (
    credentials_from_environment,
    credentials_given_by,
    read_profile,
    region_from_environment,
    region_of_arn,
)

CREDENTIALS = """\
[default]
aws_access_key_id = AKIADEFAULT
aws_secret_access_key=a%secret/with+signs

[temporary]
aws_access_key_id = ASIATEMP
aws_secret_access_key = s3cret
aws_session_token = t0ken==
region = eu-west-3
"""
CONFIG = """\
# A comment.
[default]
region = eu-central-1
s3 =
    max_concurrent_requests = 20

[profile temporary]
region = us-west-2

[profile assumed]
role_arn = arn:aws:iam::1:role/x
source_profile = default

[profile bare]
output = json
"""


@pytest.fixture(autouse=True)
def files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for name in (
        *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_REGION"),
        *("AWS_DEFAULT_REGION", "AWS_BEARER_TOKEN_BEDROCK"),
    ):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "credentials").write_text(CREDENTIALS, encoding="utf-8")
    (tmp_path / "config").write_text(CONFIG, encoding="utf-8")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    return tmp_path


@pytest.mark.parametrize("name", ["default", "temporary"])
def test_profiles_as_botocore_reads_them(name: str) -> None:
    session = botocore.session.Session(profile=name)
    theirs = session.get_credentials().get_frozen_credentials()
    found = read_profile(name)
    assert found.credentials == AWSCredentials(theirs.access_key, theirs.secret_key, theirs.token)
    assert found.region == session.get_config_variable("region")


def test_which_profile_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_profile().credentials == AWSCredentials("AKIADEFAULT", "a%secret/with+signs")
    assert read_profile().region == "eu-central-1"
    monkeypatch.setenv("AWS_PROFILE", "temporary")
    assert read_profile().name == "temporary"
    assert read_profile("default").name == "default"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("assumed", "role_arn, which takes AWS's own SDK: give a function .*profile_name='assumed'"),
        ("bare", "The profile 'bare' has no access keys"),
        ("absent", "The profile 'absent' is not there"),
    ],
)
def test_profiles_without_keys(name: str, said: str) -> None:
    found = read_profile(name)
    assert found.credentials is None
    error = found.missing()
    assert isinstance(error, MissingKeyError)
    with pytest.raises(MissingKeyError, match=said):
        raise error


def test_files_that_are_not_there_or_no_such_files(files: Path) -> None:
    (files / "config").unlink()
    assert read_profile().region is None
    (files / "credentials").write_text("aws_secret_access_key = leaked-0123456789\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="MissingSectionHeaderError") as caught:
        read_profile()
    assert "leaked" not in str(caught.value)
    assert caught.value.__cause__ is None
    (files / "credentials").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match="cannot be read: UnicodeDecodeError"):
        read_profile()


def test_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert credentials_from_environment() is None
    assert region_from_environment() is None
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAENV")
    assert credentials_from_environment() is None
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", " secret\n")
    assert credentials_from_environment() == AWSCredentials("AKIAENV", "secret")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
    assert credentials_from_environment() == AWSCredentials("AKIAENV", "secret", "token")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-2")
    assert region_from_environment() == "us-east-2"
    monkeypatch.setenv("AWS_REGION", "us-west-1")
    assert region_from_environment() == "us-west-1"


@pytest.mark.parametrize(
    ("model", "region"),
    [
        ("arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.anthropic.claude", "eu-west-1"),
        ("arn:aws:bedrock::1:x", None),
        ("amazon.nova-lite-v1:0", None),
    ],
)
def test_the_region_of_an_arn(model: str, region: str | None) -> None:
    assert region_of_arn(model) == region


Frozen = namedtuple("Frozen", ["access_key", "secret_key", "token"])  # noqa: PYI024 - botocore's is one


async def later() -> Any:
    return AWSCredentials("A", "S", "T")


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("give", "found"),
    [
        (lambda: AWSCredentials("A", "S"), AWSCredentials("A", "S")),
        (lambda: Frozen("A", "S", None), AWSCredentials("A", "S")),
        (lambda: ("A", "S", "T"), AWSCredentials("A", "S", "T")),
        (lambda: ("A", "S"), AWSCredentials("A", "S")),
        (later, AWSCredentials("A", "S", "T")),
    ],
    ids=["ours", "boto3's", "three", "two", "async"],
)
async def test_a_function_gives_them(give: Any, found: AWSCredentials) -> None:
    assert await credentials_given_by(give) == found


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("given", "kind"), [(None, MissingKeyError), ("A", ConfigurationError), (("A", ""), ConfigurationError)]
)
async def test_what_is_none(given: Any, kind: type[Exception]) -> None:
    with pytest.raises(kind, match=r"credentials\(\) returned"):
        await credentials_given_by(lambda: given)
