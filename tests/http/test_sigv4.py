"""Signatures beside those of botocore's own signer."""

from __future__ import annotations

import string
from datetime import UTC, datetime
from unittest.mock import patch
from urllib.parse import quote

import pytest
from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import example, given
from hypothesis import strategies as st

from chatcore.http._sigv4 import AWSCredentials, signed

NOW = datetime(2026, 11, 22, 8, 5, 3, tzinfo=UTC)
PLAIN = AWSCredentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
TEMPORARY = AWSCredentials("ASIAEXAMPLE", "secret/of+the=session", "IQoJb3JpZ2luX2Vj//token==")
ARN = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3d4"


def theirs(
    method: str, url: str, headers: dict[str, str], content: bytes, credentials: AWSCredentials, region: str
) -> dict[str, str]:
    request = AWSRequest(method, url, dict(headers), content)
    signer = auth.SigV4Auth(
        Credentials(credentials.access_key, credentials.secret_key, credentials.token), "bedrock", region
    )
    with patch.object(auth, "get_current_datetime", lambda *_, **__: NOW.replace(tzinfo=None)):
        signer.add_auth(request)
    return {name.lower(): value for name, value in request.headers.items()}


def ours(
    method: str, url: str, headers: dict[str, str], content: bytes, credentials: AWSCredentials, region: str
) -> dict[str, str]:
    return signed(method, url, headers, content, credentials=credentials, region=region, service="bedrock", now=NOW)


@pytest.mark.parametrize("credentials", [PLAIN, TEMPORARY], ids=["plain", "temporary"])
@pytest.mark.parametrize(
    "url",
    [
        "https://bedrock-runtime.us-east-1.amazonaws.com/model/amazon.nova-lite-v1%3A0/converse",
        f"https://bedrock-runtime.us-east-1.amazonaws.com/model/{quote(ARN, safe='')}/converse-stream",
        "https://bedrock-runtime.us-east-1.amazonaws.com/model/amazon.nova-lite-v1:0/converse",
        "http://127.0.0.1:8080/model/a/converse?b=2&a=1&a=0&c&d=%20%2F",
        "https://example.com:443",
        "https://EXAMPLE.com:8443/prefix/model/%E2%82%AC~!*'()/converse",
        "http://[::1]:8080/model/a/converse",
    ],
)
def test_as_botocore_signs(url: str, credentials: AWSCredentials) -> None:
    headers = {"content-type": "application/json", "accept": "application/vnd.amazon.eventstream", "user-agent": "x"}
    assert ours("POST", url, headers, b'{"a":1}', credentials, "eu-central-1") == theirs(
        "POST", url, headers, b'{"a":1}', credentials, "eu-central-1"
    )


SEGMENT = st.text(string.ascii_letters + string.digits + "-_.~:%/ €+&=?", min_size=1, max_size=30).filter(
    lambda text: text.strip(".") != ""
)
NAME = st.text(string.ascii_lowercase + "-", min_size=1, max_size=12).map(lambda name: f"x-{name}")
VALUE = st.text(string.ascii_letters + " ,;=\t", max_size=30).map(str.strip)


@given(
    SEGMENT,
    st.lists(st.tuples(SEGMENT, SEGMENT), max_size=5),
    st.dictionaries(NAME, VALUE, max_size=5),
    st.binary(max_size=100),
    st.sampled_from([PLAIN, TEMPORARY]),
    st.sampled_from(["GET", "POST"]),
)
@example("a:b/c", [("é", " "), ("é", "")], {"x-a": "1   2"}, b"", TEMPORARY, "POST")
def test_any_request_as_botocore_signs_it(
    segment: str,
    query: list[tuple[str, str]],
    headers: dict[str, str],
    content: bytes,
    credentials: AWSCredentials,
    method: str,
) -> None:
    pairs = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in query)
    url = f"https://example.com/model/{quote(segment, safe='')}/converse{'?' if pairs else ''}{pairs}"
    assert ours(method, url, headers, content, credentials, "us-west-2") == theirs(
        method, url, headers, content, credentials, "us-west-2"
    )


def test_the_moment_is_now_unless_said() -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    headers = signed("POST", "https://a.com/", {}, b"", credentials=PLAIN, region="r", service="s")
    moment = datetime.strptime(headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    assert before <= moment <= datetime.now(UTC)


def test_credentials_show_nothing_secret() -> None:
    assert repr(TEMPORARY) == "AWSCredentials(access_key='ASIAEXAMPLE')"
