from __future__ import annotations

import gzip
import json
import pickle
import time
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatcore import errors
from chatcore.http.status import error_from, error_from_event, redacted, request_id, retry_after

TRAFFIC = Path(__file__).parents[3] / "shared" / "traffic"
NOW = 1_760_000_000.0


def made(
    status: int, body: object = b"", headers: dict[str, str] | None = None, **settings: Any
) -> errors.ProviderError:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return error_from(status, headers or {}, raw, provider="acme", model="m-1", **settings)


# ----------------------------------------------------------------------------------------------------------- the kind


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (301, errors.ProviderError),
        (400, errors.BadRequestError),
        (401, errors.AuthenticationError),
        (402, errors.QuotaExhaustedError),
        (403, errors.PermissionDeniedError),
        (404, errors.NotFoundError),
        (405, errors.BadRequestError),
        (408, errors.ServerError),
        (409, errors.ServerError),
        (413, errors.BadRequestError),
        (418, errors.BadRequestError),
        (422, errors.UnprocessableError),
        (429, errors.RateLimited),
        (498, errors.OverloadedError),
        (500, errors.ServerError),
        (502, errors.ServerError),
        (503, errors.OverloadedError),
        (520, errors.ServerError),
        (529, errors.OverloadedError),
    ],
)
@pytest.mark.parametrize("body", [b"", b"<html><body>no</body></html>", b'{"error": {"message": "no"}}'])
def test_the_status_says_the_kind(status: int, kind: type[errors.ProviderError], body: bytes) -> None:
    error = made(status, body)
    assert type(error) is kind
    assert (error.status, error.provider, error.model) == (status, "acme", "m-1")
    assert str(error).startswith(f"acme answered {status}")


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, {"error": {"code": "context_length_exceeded", "message": "x"}}, errors.ContextOverflowError),
        (400, {"error": {"type": "exceed_context_size_error", "message": "x"}}, errors.ContextOverflowError),
        (500, {"error": {"type": "exceed_context_size_error", "message": "x"}}, errors.ContextOverflowError),
        (
            400,
            {"error": {"message": "prompt is too long: 208310 tokens > 200000 maximum"}},
            errors.ContextOverflowError,
        ),
        (
            400,
            {"error": {"message": "input length and `max_tokens` exceed context limit: 1 + 2 > 2"}},
            errors.ContextOverflowError,
        ),
        (
            400,
            {
                "error": {
                    "message": "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)."
                }
            },
            errors.ContextOverflowError,
        ),
        (400, {"message": "Input is too long for requested model."}, errors.ContextOverflowError),
        (
            422,
            {"error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000"},
            errors.ContextOverflowError,
        ),
        (
            400,
            {"message": "Prompt contains 40000 tokens, too large for model with 32768 maximum context length"},
            errors.ContextOverflowError,
        ),
        (
            400,
            {"error": "This model's maximum prompt length is 131072 but the request contains 537812 tokens."},
            errors.ContextOverflowError,
        ),
        (
            400,
            {"message": "too many tokens: total number of tokens in the prompt cannot exceed 4081"},
            errors.ContextOverflowError,
        ),
        (
            400,
            {"error": {"message": "Your input exceeds the context window of this model."}},
            errors.ContextOverflowError,
        ),
        (
            400,
            {"error": {"message": "max_tokens is too large: 9. At most 4 completion tokens."}},
            errors.BadRequestError,
        ),
        (400, {"error": {"message": "'name' is too long"}}, errors.BadRequestError),
        (400, {"error": {"code": "content_filter", "message": "x"}}, errors.ContentFilteredError),
        (
            400,
            {"error": {"code": None, "innererror": {"code": "ResponsibleAIPolicyViolation"}}},
            errors.ContentFilteredError,
        ),
        (400, {"error": {"message": "Output blocked by content filtering policy"}}, errors.ContentFilteredError),
        (
            403,
            {"error": {"code": 403, "message": "x", "metadata": {"reasons": ["hate"], "flagged_input": "..."}}},
            errors.ContentFilteredError,
        ),
        (429, {"error": {"code": "insufficient_quota", "message": "x"}}, errors.QuotaExhaustedError),
        (429, {"error": {"type": "insufficient_quota", "code": None, "message": "x"}}, errors.QuotaExhaustedError),
        (
            400,
            {"error": {"message": "Your credit balance is too low to access the API."}},
            errors.QuotaExhaustedError,
        ),
        (
            429,
            {"error": {"status": "RESOURCE_EXHAUSTED", "message": "You exceeded your current quota"}},
            errors.RateLimited,
        ),
        (429, {"error": {"type": "engine_overloaded_error", "message": "x"}}, errors.OverloadedError),
        (500, {"error": {"message": "The model is overloaded. Try again."}}, errors.OverloadedError),
        (500, {"error": {"type": "overloaded_error", "message": "x"}}, errors.OverloadedError),
        (413, {"error": {"code": "rate_limit_exceeded", "message": "Request too large"}}, errors.BadRequestError),
        (400, {"error": {"code": "invalid_api_key", "type": "invalid_request_error"}}, errors.AuthenticationError),
        (
            400,
            {"error": {"status": "INVALID_ARGUMENT", "code": 400, "details": [{"reason": "API_KEY_INVALID"}]}},
            errors.AuthenticationError,
        ),
        (400, {"error": {"code": "model_not_found", "type": "invalid_request_error"}}, errors.NotFoundError),
        (400, {"__type": "com.amazon#ThrottlingException", "message": "slow"}, errors.RateLimited),
        (400, {"error": {"type": "server_error", "message": "x"}}, errors.BadRequestError),
        (401, {"error": {"type": "invalid_request_error", "message": "x"}}, errors.AuthenticationError),
        (404, {"error": {"code": "rate_limit_exceeded"}}, errors.NotFoundError),
        (424, {"message": "The model failed", "originalStatusCode": 500}, errors.ServerError),
        (422, {"error": "Input validation error", "error_type": "validation"}, errors.UnprocessableError),
        (429, {"error": "Model is overloaded", "error_type": "overloaded"}, errors.OverloadedError),
        (400, {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "x"}, errors.NotFoundError),
        (429, {"error_code": "REQUEST_LIMIT_EXCEEDED", "message": "x"}, errors.RateLimited),
        (500, {"error": "server busy, please try again. maximum pending requests exceeded"}, errors.OverloadedError),
        (400, {"code": "invalid-argument", "error": "Incorrect API key provided."}, errors.AuthenticationError),
        (403, {"message": "The security token included in the request is expired"}, errors.AuthenticationError),
        (
            403,
            {"message": "You don't have access to the model with the specified model ID."},
            errors.PermissionDeniedError,
        ),
        (400, {"code": "invalid-argument", "error": "Model not found: grok-9"}, errors.NotFoundError),
        (400, {"message": "The provided model identifier is invalid."}, errors.NotFoundError),
        (400, {"errors": [{"code": 5007, "message": "No such model @cf/x or task"}]}, errors.NotFoundError),
        (400, {"error": {"message": "The model `a/b-1.5:c` does not exist"}}, errors.NotFoundError),
        (400, {"error": {"message": "The tool 'x' of the model does not exist here"}}, errors.BadRequestError),
        (401, {"errors": [{"code": 10000, "message": "Authentication error"}]}, errors.AuthenticationError),
        (
            429,
            {
                "error": {
                    "status": "RESOURCE_EXHAUSTED",
                    "details": [
                        {
                            "@type": "type.googleapis.com/google.rpc.QuotaFailure",
                            "violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}],
                        }
                    ],
                }
            },
            errors.QuotaExhaustedError,
        ),
        (
            429,
            {"error": {"details": [{"violations": [{"quotaId": "GenerateRequestsPerMinutePerProject"}]}]}},
            errors.RateLimited,
        ),
    ],
)
def test_the_body_makes_the_kind_more_exact(status: int, body: object, kind: type[errors.ProviderError]) -> None:
    assert type(made(status, body)) is kind


# ----------------------------------------------------------------------------------------------------------- the text


@pytest.mark.parametrize(
    ("body", "text", "code"),
    [
        ({"error": {"message": "no such thing", "type": "t", "code": "c"}}, "no such thing", "c"),
        ({"error": {"message": "no such thing", "type": "t", "code": None}}, "no such thing", "t"),
        ({"error": {"message": "no such thing", "type": "t", "code": 418}}, "no such thing", "t"),
        ({"error": {"message": "no such thing", "code": 3051}}, "no such thing", "3051"),
        ({"error": "no such thing"}, "no such thing", None),
        ({"code": "invalid-argument", "error": "no such thing"}, "no such thing", "invalid-argument"),
        ({"error": "not_there", "error_description": "no such thing"}, "no such thing", "not_there"),
        ({"error": "not_there", "message": "no such thing"}, "no such thing", "not_there"),
        ({"message": "no such thing", "type": "t", "object": "error"}, "no such thing", "t"),
        ({"type": "error", "error": {"type": "t", "message": "no such thing"}}, "no such thing", "t"),
        ({"detail": "no such thing"}, "no such thing", None),
        ({"detail": {"message": "no such thing", "code": "c"}}, "no such thing", "c"),
        (
            {"detail": [{"loc": ["body", "messages", 0], "msg": "field required", "type": "missing"}]},
            "body.messages.0: field required",
            "missing",
        ),
        (
            {"object": "error", "message": {"detail": [{"loc": ["body", "n"], "msg": "not a number"}]}},
            "body.n: not a number",
            None,
        ),
        ([{"error": {"message": "no such thing", "status": "GONE"}}], "no such thing", "GONE"),
        (
            {"errors": [{"message": "no such thing", "code": "c"}, {"message": "nor this"}]},
            "no such thing; nor this",
            "c",
        ),
        ({"errors": ["no such thing"]}, "no such thing", None),
        ({"error": {"error": {"message": "no such thing"}}}, "no such thing", None),
        ("no such thing", "no such thing", None),
        ({"base_resp": {"status_code": 1004, "status_msg": "no such thing"}}, "no such thing", "1004"),
        (
            {"error": {"message": "Provider returned error", "code": 418, "metadata": {"raw": "no such thing"}}},
            "Provider returned error: no such thing",
            None,
        ),
        (b"no such\n thing", "no such thing", None),
        (b"no such \xff thing", "no such \N{REPLACEMENT CHARACTER} thing", None),
        ("\N{BOM}no such thing".encode(), "no such thing", None),
        (
            b"<!DOCTYPE html><html><head><title>418: no such &amp; thing</title></head>...",
            "418: no such & thing",
            None,
        ),
        (
            b"<html><style>p {}</style><p>no such</p>\n<p>thing</p><script>x < 1</script></html>",
            "no such thing",
            None,
        ),
        (b"", "no explanation", None),
        (b"null", "null", None),
        (b"{}", "no explanation", None),
        (b'{"error": null}', "no explanation", None),
        (b'{"error": {"message": 7, "code": true}}', "no explanation", None),
        (b"[" * 5000, "[" * 499 + "…", None),
    ],
)
def test_every_shape_of_body_is_read(body: object, text: str, code: str | None) -> None:
    error = made(418, body)
    assert f": {text}" in str(error)
    assert error.code == code


def test_the_status_of_the_body_is_no_code_of_the_providers() -> None:
    assert made(404, {"error": {"code": "404", "message": "Resource not found"}}).code is None


def test_a_long_text_is_shortened_and_a_large_body_kept_as_text() -> None:
    error = made(400, {"error": {"message": "a" * 100_000, "code": "c" * 150}})
    assert len(str(error)) < 700
    assert isinstance(error.body, str)
    assert len(error.body) <= 2000
    assert error.code is not None
    assert len(error.code) <= 100
    small = made(400, {"error": {"message": "x", "param": ["a", 1, None, True, 1.5]}})
    assert small.body == {"error": {"message": "x", "param": ["a", 1, None, True, 1.5]}}
    assert made(400).body is None


def test_what_a_provider_explains_at_length_is_told_whole() -> None:
    quotas = "".join(f"\n* Quota exceeded for metric {number}, limit: 0, model: gemini-2.5-pro" for number in range(20))
    payload = {"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": f"You exceeded your quota.{quotas}"}}
    assert quotas in str(made(429, payload))
    assert quotas in str(error_from_event(payload))
    assert len(str(made(429, {"error": {"message": "a" * 10_000}}))) < 2300


def test_a_deep_body_is_read_and_kept_to_some_depth() -> None:
    body: object = "the end"
    for _ in range(60):
        body = {"error": [body]}
    error = made(400, body)
    assert "…" in json.dumps(error.body, ensure_ascii=False)
    assert "the end" not in str(error)


def test_the_advice_names_what_to_do() -> None:
    assert "ACME_KEY" in str(made(401, key_variable="ACME_KEY"))
    assert "api_key=" in str(made(401))
    assert "'m-1'" in str(made(404))
    assert "`base_url`" in str(made(404))
    assert "too large" in str(made(413))
    assert "asks to wait 7 s" in str(made(429, headers={"retry-after": "7"}))
    assert "waiting will not mend" in str(made(402))


def test_a_redirect_says_where_it_points_without_its_query() -> None:
    error = made(307, headers={"location": "https://acme.test/v1/chat?key=s3cret-s3cret"})
    assert "redirects to https://acme.test/v1/chat," in str(error)
    assert "`base_url`" in str(error)
    assert "s3cret" not in str(error)
    assert not error.is_retryable
    assert "It redirects, and" in str(made(302))


@given(st.integers(300, 599), st.binary(max_size=200))
def test_no_body_is_an_error_of_ours(status: int, body: bytes) -> None:
    assert isinstance(made(status, body), errors.ProviderError)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10) | st.sampled_from(["error", "400", "Bearer x"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["error", "errors", "message", "detail", "code", "type", "details", "loc", "metadata", "raw"]
            ),
            inner,
        )
    ),
    max_leaves=20,
)


@given(st.integers(300, 599), JSON)
def test_no_json_is_an_error_of_ours(status: int, body: object) -> None:
    error = made(status, json.dumps(body).encode())
    assert isinstance(error, errors.ProviderError)
    assert isinstance(error_from_event(body), errors.ProviderError)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)  # noqa: S301 - our own bytes


def test_what_aws_says_in_a_header_alone() -> None:
    headers = {"x-amzn-errortype": "ThrottlingException:http://internal.amazon.com/coral/com.amazon.bedrock/"}
    error = made(400, {"message": "Too many requests, please wait."}, headers)
    assert type(error) is errors.RateLimited
    assert error.code == "ThrottlingException"
    expired = made(403, {"message": "x"}, {"x-amzn-errortype": "ExpiredTokenException"})
    assert type(expired) is errors.AuthenticationError


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            {
                "code": "content_filter",
                "innererror": {
                    "code": "ResponsibleAIPolicyViolation",
                    "content_filter_result": {
                        "hate": {"filtered": True, "severity": "high"},
                        "jailbreak": {"filtered": True, "detected": True},
                        "sexual": {"filtered": False, "severity": "safe"},
                        "violence": 1,
                    },
                },
            },
            "Filtered for: hate (high), jailbreak. ",
        ),
        (
            {"code": "content_filter", "content_filter_results": {"self_harm": {"filtered": True}}},
            "Filtered for: self_harm. ",
        ),
        (
            {"code": 403, "metadata": {"reasons": ["hate", "violence", 1], "flagged_input": "..."}},
            "Filtered for: hate, violence. ",
        ),
    ],
)
def test_what_a_content_filter_found_is_told(error: dict[str, Any], told: str) -> None:
    for found in (made(error.get("status", 400), {"error": {**error, "message": "m"}}), error_from_event(error)):
        assert type(found) is errors.ContentFilteredError
        assert told in str(found)


def test_a_compressed_body_without_a_header_that_says_so() -> None:
    error = made(400, gzip.compress(b'{"error": {"message": "no such thing", "code": "c"}}'))
    assert (error.code, "no such thing" in str(error)) == ("c", True)
    assert "cannot be read" in str(made(400, b"\x1f\x8b nonsense"))
    # No more is unpacked than is of use.
    assert seconds_of(lambda: made(400, gzip.compress(b" " * 50_000_000))) < 2


def test_half_a_character_in_a_body() -> None:
    assert "a \ufffd b" in str(made(400, rb'{"error": {"message": "a \ud83d b"}}'))


# --------------------------------------------------------------------------------------------------------- redaction

KEYS = [
    "sk-proj-abcdefghijklmnop0123456789",
    "sk-ant-api03-AbC_def-GHI0123456789",
    "sk-ab**********************wxyz",
    "gsk_abcdefghij0123456789ABCDEFGHIJ",
    "xai-abcdefghij0123456789ABCDEFGHIJ",
    "hf_abcdefghijABCDEFGHIJabcdefghij",
    "AIzaSyA-abcdefghijklmnopqrstuvwxyz01234",
    "ya29.a0AfH6SMBabcdefghij",
    "AKIAIOSFODNN7EXAMPLE",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
]


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(
    "template",
    [
        "Incorrect API key provided: {}. See the docs.",
        "Authorization: Bearer {}",
        'bad header "{}"',
        "({})",
        "https://x.test/v1?key={}&a=1",
    ],
)
def test_what_looks_like_a_key_is_nowhere_in_the_error(key: str, template: str) -> None:
    text = template.format(key)
    for error in (
        made(401, {"error": {"message": text, "code": text[:99], "echo": [{"seen": text}]}}),
        made(401, text.encode()),
        made(502, f"<html><title>{text}</title></html>".encode()),
        error_from_event({"error": {"message": text}}),
    ):
        shown = f"{error!s} {error!r} {error.body!r} {error.code} {pickle.dumps(error)!r} {vars(error)!r}"
        assert key not in shown
        assert key[4:-4] not in shown


def test_the_key_that_was_sent_is_redacted_whatever_it_looks_like() -> None:
    key = "correct.horse.battery"
    body = {"error": {"message": f"no account for {key}", key: key}}
    error = made(401, body, secrets=[key, "m-1"])
    assert key not in f"{error!s} {error.body!r}"
    assert "'[redacted]'" in repr(error.body)
    assert key not in str(error_from_event(body, secrets=[key]))


def test_named_secrets_of_a_body_are_redacted_by_their_name() -> None:
    error = made(400, {"request": {"headers": {"Authorization": "opaque", "x-api-key": "opaque", "n": 1}}})
    assert error.body == {"request": {"headers": {"Authorization": "[redacted]", "x-api-key": "[redacted]", "n": 1}}}


@pytest.mark.parametrize(
    "text",
    [
        "Missing required parameter: 'messages[1].content[0].type'.",
        "Unknown model gpt-5.2-2025-12-11, request req_042a4e8f9432f6fde7a02037bb6caafa",
        "You didn't provide an API key. Set OPENAI_API_KEY or api_key=",
        "max_tokens: 4096 is too large",
        "token: expected one",
    ],
)
def test_what_is_no_key_stays(text: str) -> None:
    assert redacted(text, ["EMPTY", "x", ""]) == text


# ------------------------------------------------------------------------------------------------------ times to wait


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "20"}, 20.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": " 3 "}, 3.0),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "-5"}, 0.0),
        ({"retry-after": "999999999"}, 86_400.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "9" * 400}, None),
        ({"retry-after": formatdate(NOW + 30, usegmt=True)}, 30.0),
        ({"retry-after": formatdate(NOW - 30, usegmt=True)}, 0.0),
        ({"retry-after": "Wed, 99 Foo 2025 00:00:00 GMT"}, None),
        ({"retry-after-ms": "732", "retry-after": "1"}, 0.732),
        ({"retry-after-ms": "0", "retry-after": "1"}, 1.0),
        ({"retry-after-ms": "0"}, 0.0),
        ({"retry-after-ms": "x", "retry-after": "1"}, 1.0),
        ({"x-ratelimit-reset-requests": "1s", "x-ratelimit-remaining-requests": "0"}, 1.0),
        ({"x-ratelimit-reset-requests": "6m0s", "x-ratelimit-remaining-requests": "0"}, 360.0),
        ({"x-ratelimit-reset-requests": "17ms", "x-ratelimit-remaining-requests": "0"}, 0.017),
        ({"x-ratelimit-reset-requests": "1h2m3.5s", "x-ratelimit-remaining-requests": "0"}, 3723.5),
        ({"x-ratelimit-reset-requests": "40\u00b5s", "x-ratelimit-remaining-requests": "0"}, 40e-6),
        ({"x-ratelimit-reset-requests": "12", "x-ratelimit-remaining-requests": "0"}, 12.0),
        ({"x-ratelimit-reset-requests": "1s", "x-ratelimit-remaining-requests": "3"}, None),
        ({"x-ms-retry-after-ms": "250"}, 0.25),
        ({"x-ms-retry-after-ms": "250", "retry-after": "1"}, 0.25),
        ({"ratelimit-reset": "7"}, 7.0),
        ({"ratelimit-reset": "7", "ratelimit-remaining": "1"}, None),
        ({"x-rate-limit-reset": "7"}, 7.0),
        ({"x-ratelimit-reset-after": "7.5"}, 7.5),
        ({"x-ratelimit-reset": str(NOW + 7)}, 7.0),
        ({"x-ratelimit-reset": str(int(NOW + 7) * 1000)}, 7.0),
        (
            {
                "anthropic-ratelimit-input-tokens-reset": "2025-10-09T08:54:20Z",
                "anthropic-ratelimit-input-tokens-remaining": "0",
                "anthropic-ratelimit-requests-reset": "2025-10-09T09:53:20Z",
                "anthropic-ratelimit-requests-remaining": "49",
            },
            60.0,
        ),
        ({"ratelimit": "limit=100, remaining=0, reset=5"}, 5.0),
        ({"ratelimit": "limit=100, remaining=1, reset=5"}, None),
        ({"ratelimit": "limit=100, reset=5"}, None),
        ({"ratelimit": '"default";r=0;t=5'}, 5.0),
        ({"ratelimit": '"default";r=1;t=5'}, None),
        ({"ratelimit": '"minute";r=0;t=5, "day";r=0;t=60, "hour";r=3;t=900'}, 60.0),
        ({"ratelimit": '"default"; r=0 ; t=5'}, 5.0),
        ({"ratelimit": "nonsense"}, None),
        ({"ratelimit": '"default";r=0;t=x'}, None),
        ({"x-ratelimit-reset-requests": "1s"}, None),
        ({"x-ratelimit-reset-requests": "X-RESET", "x-ratelimit-remaining-requests": "0"}, None),
        ({"x-ratelimit-reset-requests": "1s", "x-ratelimit-remaining-requests": "none"}, None),
        (
            {
                "x-ratelimit-reset-requests": "9s",
                "x-ratelimit-remaining-requests": "5",
                "x-ratelimit-reset-tokens": "2s",
                "x-ratelimit-remaining-tokens": "0",
            },
            2.0,
        ),
        (
            {
                "x-ratelimit-reset-requests": "9s",
                "x-ratelimit-remaining-requests": "0",
                "x-ratelimit-reset-tokens": "2s",
                "x-ratelimit-remaining-tokens": "0",
            },
            9.0,
        ),
        ({"x-ratelimit-reset": str(int(NOW + 8))}, 8.0),
        ({"x-ratelimit-reset": str(int((NOW + 8) * 1000)), "x-ratelimit-remaining": "0"}, 8.0),
        ({"x-ratelimit-reset": str(int(NOW + 8)), "x-ratelimit-remaining": "1"}, None),
        ({"ratelimit-reset": "19"}, 19.0),
        (
            {
                "anthropic-ratelimit-input-tokens-reset": "2025-10-09T08:53:50Z",
                "anthropic-ratelimit-input-tokens-remaining": "0",
                "anthropic-ratelimit-requests-reset": "2025-10-09T09:53:50Z",
                "anthropic-ratelimit-requests-remaining": "3",
            },
            30.0,
        ),
        ({"retry-after": "4", "x-ratelimit-reset-requests": "9s", "x-ratelimit-remaining-requests": "0"}, 4.0),
    ],
)
def test_how_long_the_provider_asks_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, now=NOW) == (seconds if seconds is None else pytest.approx(seconds))


def test_a_date_is_told_by_the_providers_own_clock() -> None:
    long_ago = 1_000_000_000.0
    headers = {"date": formatdate(long_ago, usegmt=True), "retry-after": formatdate(long_ago + 20, usegmt=True)}
    assert retry_after(headers) == 20.0
    assert retry_after({"retry-after": formatdate(long_ago, usegmt=True)}) == 0.0


@given(
    st.dictionaries(
        st.sampled_from(["retry-after", "retry-after-ms", "date", "x-ratelimit-reset"]), st.text(max_size=70)
    )
)
def test_no_header_is_an_error_of_ours(headers: dict[str, str]) -> None:
    wait = retry_after(headers)
    assert wait is None or 0 <= wait <= 86_400


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        ({"message": "x", "details": [{"@type": "t/google.rpc.RetryInfo", "retryDelay": "28s"}]}, 28.0),
        ({"message": "x", "details": [{"retryDelay": "0.5s"}]}, 0.5),
        ({"message": "x", "retry_after": 3}, 3.0),
        ({"message": "x", "retry_after": "3"}, 3.0),
        ({"message": "x", "retry_after": True}, None),
        ({"message": "x", "metadata": {"retry_after_seconds": 4}}, 4.0),
        ({"message": "x", "estimated_time": 20.5}, 20.5),
        ({"message": "x", "metadata": {"headers": {"X-RateLimit-Reset": "7", "X-RateLimit-Remaining": 0}}}, 7.0),
        ({"message": "x", "metadata": {"headers": {"X-RateLimit-Limit": "7"}}}, None),
        (
            {"details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "37.5s"}], "message": "x"},
            37.5,
        ),
        ({"message": "x", "retry_after": "soon"}, None),
        ({"message": "Limit 3. Please try again in 20s. Visit"}, 20.0),
        ({"message": "Please try again in 1m12.5s."}, 72.5),
        ({"message": "Please retry after 10 seconds"}, 10.0),
        ({"message": "try again in 250ms"}, 0.25),
        ({"message": "try again in 250 milliseconds"}, None),
        ({"message": "Please try again in a few minutes"}, None),
    ],
)
def test_the_body_may_say_how_long_to_wait(error: object, seconds: float | None) -> None:
    assert made(429, {"error": error}).retry_after == seconds
    assert made(429, {"error": error}, {"retry-after": "99"}).retry_after == 99.0
    assert error_from_event({"error": error}).retry_after == seconds


# ---------------------------------------------------------------------------------------------------- errors in a 200


@pytest.mark.parametrize(
    ("payload", "kind", "code"),
    [
        (
            {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
            errors.OverloadedError,
            None,
        ),
        ({"error": {"message": "Overloaded"}}, errors.OverloadedError, None),
        ({"error": {"code": 502, "message": "upstream"}}, errors.ServerError, "502"),
        ({"error": {"code": 400, "message": "Token limit reached"}}, errors.BadRequestError, None),
        ({"error": {"code": 429, "message": "x"}}, errors.RateLimited, None),
        (
            {"error": {"message": "x", "type": "invalid_request_error", "status_code": 400}},
            errors.BadRequestError,
            None,
        ),
        ({"error": {"message": "x", "code": "rate_limit_exceeded", "type": "tokens"}}, errors.RateLimited, None),
        ({"error": {"message": "x", "code": "content_filter"}}, errors.ContentFilteredError, None),
        ({"error": {"message": "x", "code": "insufficient_quota"}}, errors.QuotaExhaustedError, None),
        ({"type": "error", "code": "server_error", "message": "x"}, errors.ServerError, None),
        (
            {"type": "response.failed", "response": {"error": {"code": "rate_limit_exceeded", "message": "x"}}},
            errors.RateLimited,
            "rate_limit_exceeded",
        ),
        ({"error": "something"}, errors.ServerError, None),
        ({"throttlingException": {"message": "x"}}, errors.ServerError, None),
        ("something", errors.ServerError, None),
        (None, errors.ServerError, None),
        (
            {"error": {"message": "maximum context length is 5", "type": "invalid_request_error"}},
            errors.ContextOverflowError,
            None,
        ),
    ],
)
def test_an_error_inside_an_answer(payload: object, kind: type[errors.ProviderError], code: str | None) -> None:
    error = error_from_event(payload, provider="acme", model="m-1", request_id="r-1")
    assert type(error) is kind
    assert (error.status, error.provider, error.model, error.request_id) == (None, "acme", "m-1", "r-1")
    if code is not None:
        assert error.code == code


def test_the_providers_id_of_the_request() -> None:
    assert request_id({"x-request-id": "a", "request-id": "b"}) == "a"
    assert request_id({"apim-request-id": "c", "x-request-id": ""}) == "c"
    assert request_id({}) is None
    assert request_id({"cf-ray": "d", "mistral-correlation-id": "e"}) == "e"
    assert made(500, headers={"request-id": "b"}).request_id == "b"
    named = {"type": "error", "error": {"type": "api_error", "message": "x"}, "request_id": "req_1"}
    assert made(500, named, {"request-id": "b"}).request_id == "b"
    assert made(500, named).request_id == "req_1"
    assert made(500, {**named, "request_id": None}).request_id is None
    assert error_from_event(named).request_id == "req_1"
    assert error_from_event(named, request_id="b").request_id == "b"


# ---------------------------------------------------------------------------------------------------- recorded answers


def row_names_request(row: dict[str, Any]) -> str | None:
    body = json.loads(row["body_text"])
    return body.get("request_id") if isinstance(body, dict) else None


SDK_CLASS = {
    "BadRequestError": errors.BadRequestError,
    "AuthenticationError": errors.AuthenticationError,
    "PermissionDeniedError": errors.PermissionDeniedError,
    "NotFoundError": errors.NotFoundError,
    "UnprocessableEntityError": errors.UnprocessableError,
    "RateLimitError": errors.RateLimited,
    "InternalServerError": errors.ServerError,
}


# ------------------------------------------------------------------------------------------------- what is made to hurt


def seconds_of(act: Callable[[], object]) -> float:
    started = time.process_time()
    act()
    return time.process_time() - started


@pytest.mark.parametrize("unit", ["1ms", "1msm", "1m s", "1d"])
def test_a_reset_that_is_no_duration_costs_nothing_to_refuse(unit: str) -> None:
    headers = {}
    for number in range(500):
        headers[f"x-ratelimit-reset-{number}"] = (unit * 20)[:48] + "!"
        headers[f"x-ratelimit-remaining-{number}"] = "0"
    assert retry_after(headers) is None
    assert seconds_of(lambda: retry_after(headers)) < 0.1


def test_of_many_resets_the_first_few_are_looked_at() -> None:
    headers = {f"x-ratelimit-reset-{number}": f"{number}s" for number in range(100)}
    headers |= {f"x-ratelimit-remaining-{number}": "0" for number in range(100)}
    assert retry_after(headers) == 19


def test_a_number_that_is_endless_is_none() -> None:
    assert retry_after({"retry-after": "1" * 100}) is None


@pytest.mark.parametrize(
    "said", ["wait " * 600_000, "try again in " + "1ms" * 1_000_000, "eyJ-" * 2000], ids=["words", "duration", "tokens"]
)
def test_an_endless_message_is_read_no_further_than_it_is_of_use(said: str) -> None:
    made: list[errors.ProviderError] = []
    assert seconds_of(lambda: made.append(error_from_event({"error": {"message": said}}))) < 0.15
    assert len(str(made[0])) < 2300
    assert len(json.dumps(made[0].body)) < 3000


def test_an_event_keeps_no_more_than_an_answer_does() -> None:
    many = {"error": {"message": "m", "key": "sk-0123456789abcdef"}, **{f"k{number}": "v" for number in range(20_000)}}
    kept = error_from_event(many).body
    assert isinstance(kept, str)
    assert len(kept) <= 2000
    assert "sk-0" not in kept
    # Many in number and short in all.
    few = error_from_event({"error": {"message": "m"}, **{f"k{number}": 1 for number in range(200)}}).body
    assert isinstance(few, dict)
    assert len(few) == 50
    assert few["error"] == {"message": "m"}
    assert (
        error_from_event({"error": {"message": "half a pair: \ud800"}}).body["error"]["message"]
        == "half a pair: \ud800"
    )


def test_errors_without_words_inside_of_each_other_are_read_once() -> None:
    looked: list[int] = []

    class Counted(dict[str, Any]):
        def get(self, key: str, default: Any = None) -> Any:
            looked.append(key == "loc")
            return super().get(key, default)

    innermost: dict[str, Any] = Counted(x=1)
    for _ in range(8):
        innermost = {"error": innermost}
    error_from_event(innermost)
    assert sum(looked) == 1


@pytest.mark.skipif(not TRAFFIC.exists(), reason="the recorded traffic is not beside this checkout (../shared/traffic)")
@pytest.mark.parametrize(
    ("dialect", "at_least"),
    [
        ("openai-chat", 40),
        ("openai-responses", 15),
        ("anthropic-messages", 25),
        ("gemini", 7),
        ("bedrock", 5),
        ("other", 1),
    ],
)
def test_recorded_errors_say_what_the_providers_said(dialect: str, at_least: int) -> None:
    count = 0
    with gzip.open(TRAFFIC / f"{dialect}.jsonl.gz") as rows:
        for line in rows:
            row = json.loads(line)
            if row["status"] < 300:
                continue
            headers = {name.lower(): value for name, value in row["response_headers"].items()}
            error = error_from(row["status"], headers, row["body_text"].encode(), provider=row["provider"], model="m")
            expected = (row["expected"] or {}).get("error") or {}
            assert error.status == row["status"]
            assert error.request_id == (request_id(headers) or row_names_request(row))
            said = redacted((expected.get("message") or "").strip())
            assert said[:300] in str(error), row["id"]
            wanted = SDK_CLASS.get(expected.get("sdk_exception") or "", errors.ProviderError)
            # The SDK looks at the status alone, we at what is said of the key or the model in a 400, too.
            if not (row["status"] == 400 and type(error) in (errors.AuthenticationError, errors.NotFoundError)):
                assert isinstance(error, wanted), row["id"]
            if expected.get("code") and str(expected["code"]) != str(row["status"]):
                assert error.code == expected["code"], row["id"]
            elif expected.get("type"):
                assert error.code == expected["type"], row["id"]
            count += 1
    assert count >= at_least
