"""What went wrong, read from an answer: its status, its headers, and a body of any shape.

Every provider words its errors in its own way. What is known of that is data here: tables of codes, and a few phrases
for those who send no code. Nothing here touches the network.
"""

from __future__ import annotations

import json
import math
import re
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from html import unescape
from itertools import islice
from typing import Any, Final, cast

from chatcore.errors import (
    AuthenticationError,
    BadRequestError,
    ContentFilteredError,
    ContextOverflowError,
    NotFoundError,
    OverloadedError,
    PermissionDeniedError,
    ProviderError,
    QuotaExhaustedError,
    RateLimited,
    ServerError,
    UnprocessableError,
)
from chatcore.messages._json import read_json

__all__ = ["error_from", "error_from_event", "redacted", "request_id", "retry_after"]

MAX_WORDS: Final = 2000
"""How many characters of the provider's own words an error's message holds: Google names each quota that is used up."""

MAX_TEXT: Final = 500
"""The same for a body that is no JSON, such as a page, and for one that is large."""

MAX_BODY: Final = 16 * 1024
"""How many bytes of JSON an error's `body` keeps as a structure; what is longer is kept as shortened text."""

MAX_BODY_TEXT: Final = 2000

MAX_SAID: Final = 4 * MAX_BODY_TEXT
"""How many characters of the provider's words are looked at."""

MAX_ITEMS: Final = 50
MAX_RESETS: Final = 20
MAX_RATELIMIT: Final = 2000
MAX_NUMBER: Final = 50
MAX_DEPTH: Final = 12
MAX_WAIT: Final = 86_400.0

REQUEST_IDS: Final = (
    "x-request-id",
    "request-id",
    "apim-request-id",
    "x-amzn-requestid",
    "x-ms-request-id",
    "x-kong-request-id",
    "mistral-correlation-id",
    "x-generation-id",
    "x-ds-trace-id",
    "cf-ray",
)
"""Headers with the provider's id of the request; the network's own, cf-ray, only where there is no other."""

CODE_HEADERS: Final = ("x-amzn-errortype", "x-ms-error-code")
"""Headers that say what the body may not: AWS names the exception there alone."""


def error_from(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    provider: str | None = None,
    model: str | None = None,
    key_variable: str | None = None,
    secrets: Iterable[str] = (),
) -> ProviderError:
    """Make the error that an answer other than 2xx stands for.

    status: the HTTP status.
    headers: the answer's headers, by lower-case name.
    body: the answer's body, content-decoded; of any type and shape, cut short perhaps.
    provider, model: who was asked.
    key_variable: the environment variable that holds the key, to be named in the advice.
    secrets: keys that were sent. Wherever the provider echoes them, or anything else that looks like a key, the error
        says "[redacted]".

    Returns:
        An error of `chatcore.errors`, not raised.
    """
    payload, text = _parsed(body)
    facts = _Facts.read(payload, text, status, next(filter(None, map(headers.get, CODE_HEADERS)), ""))
    kind = _kind(status, facts)
    return _build(
        kind,
        f"{provider or 'The provider'} answered {status}",
        facts,
        advice=_redirected(headers) if 300 <= status < 400 else _advice(kind, status, model, key_variable),
        secrets=tuple(secrets),
        status=status,
        request_id=request_id(headers) or facts.request_id,
        wait=retry_after(headers),
        body=payload if payload is not None and len(body) <= MAX_BODY else text,
        provider=provider,
        model=model,
    )


def error_from_event(
    payload: object,
    *,
    provider: str | None = None,
    model: str | None = None,
    request_id: str | None = None,
    secrets: Iterable[str] = (),
) -> ProviderError:
    """Make the error that stands inside a 200 or in the middle of a stream.

    payload: the parsed JSON: the error object itself, or what holds it under "error" or "response".
    provider, model: who was asked.
    request_id: the provider's id of the request.
    secrets: as for `error_from`.

    Returns:
        An error of `chatcore.errors`, not raised. Its `status` is None: the answer's own status was 200.
    """
    facts = _Facts.read(payload, "", None, "")
    kind = _kind(facts.status, facts)
    return _build(
        kind,
        f"{provider or 'The provider'} sent an error inside its answer",
        facts,
        advice=_advice(kind, facts.status, model, None),
        secrets=tuple(secrets),
        status=None,
        request_id=request_id or facts.request_id,
        wait=None,
        body=_within_cap(payload),
        provider=provider,
        model=model,
    )


def request_id(headers: Mapping[str, str]) -> str | None:
    """The provider's id of the request, from the headers (by lower-case name); None if there is none."""
    return next((headers[name] for name in REQUEST_IDS if headers.get(name)), None)


def retry_after(headers: Mapping[str, str], *, now: float | None = None) -> float | None:
    """How long the provider asks us to wait.

    Read from `retry-after-ms` and Azure's `x-ms-retry-after-ms`, from `retry-after` (seconds or a date, RFC 9110
    §10.2.3), then from the reset times of those rate limits that have nothing remaining, the longest of them:
    `x-ratelimit-reset-requests` and its kin (spans such as "6m0s", seconds, RFC 3339 times), and the `RateLimit` field
    in both of its forms (draft-ietf-httpapi-ratelimit-headers).

    headers: by lower-case name.
    now: seconds since 1970, for headers that name a moment. By default the answer's own `date`, since the provider's
        clock and ours may differ, else our clock.

    Returns:
        Seconds, from 0 to a day; None if the headers do not say.
    """
    # Azure sends a zero here beside a positive `retry-after`, so zero is no answer yet.
    milliseconds = _number(headers.get("retry-after-ms") or headers.get("x-ms-retry-after-ms"))
    if milliseconds:
        return _bounded(milliseconds / 1000)
    if now is None:
        now = _moment(headers.get("date")) or time.time()
    given = headers.get("retry-after")
    if given is not None:
        seconds = _number(given)
        if seconds is None and (moment := _moment(given)) is not None:
            seconds = moment - now
        if seconds is not None:
            return _bounded(seconds)
    if milliseconds is not None:
        return 0.0
    resets = islice((value for name, value in headers.items() if _is_used_up(headers, name)), MAX_RESETS)
    waits = [wait for value in resets if (wait := _until_reset(value, now)) is not None]
    waits += _used_up_in(headers.get("ratelimit", ""))
    return _bounded(max(waits)) if waits else None


def redacted(text: str, secrets: Iterable[str] = ()) -> str:
    """`text` with `secrets`, and whatever else looks like a key or a bearer token, replaced by "[redacted]".

    secrets: exact strings. Those shorter than eight characters are left: "ollama" and "EMPTY" are no secrets, but are
        used as keys.
    """
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= 8:
            text = text.replace(secret, REDACTED)
    for pattern, replacement in LOOKS_SECRET:
        text = pattern.sub(replacement, text)
    return text


# ------------------------------------------------------------------------------------------------------ kinds of error

BY_STATUS: Final[dict[int, type[ProviderError]]] = {
    401: AuthenticationError,
    402: QuotaExhaustedError,
    403: PermissionDeniedError,
    404: NotFoundError,
    408: ServerError,
    409: ServerError,
    422: UnprocessableError,
    424: ServerError,  # Bedrock's and TGI's models failed
    429: RateLimited,
    498: OverloadedError,  # Groq: no flex capacity
    503: OverloadedError,
    529: OverloadedError,  # Anthropic
}

BY_CODE: Final[dict[str, type[ProviderError]]] = {
    code: kind
    for kind, codes in {
        ContextOverflowError: "context_length_exceeded exceed_context_size_error too_many_prompt_tokens",
        ContentFilteredError: (
            "content_filter content_policy_violation responsibleaipolicyviolation data_inspection_failed "
            "datainspectionfailed moderation_blocked image_content_policy_violation"
        ),
        QuotaExhaustedError: (
            "insufficient_quota billing_hard_limit_reached billing_not_active insufficient_balance billing_error "
            "insufficient_credits exceeded_current_quota_error arrearage payment_required quota_of_the_day "
            "servicequotaexceededexception"
        ),
        RateLimited: (
            "rate_limit_error rate_limit_exceeded rate_limited ratelimitreached resource_exhausted too_many_requests "
            "throttlingexception toomanyrequestsexception throttled request_limit_exceeded"
        ),
        OverloadedError: (
            "overloaded overloaded_error engine_overloaded engine_overloaded_error server_overloaded unavailable "
            "service_unavailable service_unavailable_error serviceunavailableexception capacity_exceeded "
            "modelnotreadyexception server_is_overloaded slow_down temporarily_unavailable"
        ),
        AuthenticationError: (
            "authentication_error invalid_api_key invalid_authentication_error unauthenticated api_key_invalid "
            "unauthorized incorrect_api_key_error expiredtokenexception unrecognizedclientexception "
            "invalidsignatureexception missingauthenticationtokenexception incompletesignatureexception"
        ),
        PermissionDeniedError: (
            "permission_error permission_denied permission_denied_error forbidden accessdeniedexception"
        ),
        NotFoundError: (
            "not_found_error not_found model_not_found deploymentnotfound modelnotfound resourcenotfoundexception "
            "resource_not_found_error resource_does_not_exist endpoint_not_found model_not_available"
        ),
        BadRequestError: (
            "invalid_request_error invalid_argument bad_request badrequest validationexception request_too_large "
            "invalid_prompt tool_use_failed json_validate_failed failed_precondition invalid_image"
        ),
        UnprocessableError: "unprocessable_entity unprocessable_entity_error",
        ServerError: (
            "server_error internal_server_error internal_error internal api_error timeout_error deadline_exceeded "
            "internalserverexception modelstreamerrorexception modeltimeoutexception modelerrorexception"
        ),
    }.items()
    for code in codes.split()
}

# A 400 says less than the code in it; but a code that names a failure of the server is not believed there.
TRUSTED_IN_400: Final = (AuthenticationError, PermissionDeniedError, NotFoundError, RateLimited, OverloadedError)

# For providers that send no code of their own for it; each phrase is one that is in use.
SAYS_OVERFLOW: Final = re.compile(
    r"(maximum|max|model'?s?) (context|prompt) length"
    r"|context (length|size|window|limit)[^.]{0,40}(exceed|overflow|too (small|long))"
    r"|exceeds?[^.]{0,60}(context (length|size|window|limit)|maximum number of tokens|maximum number of input tokens)"
    r"|(prompt|input|messages?)( is| are)? too long"
    r"|greater than the context length"
    r"|input (length|tokens?)[^.]{0,60}exceeds?"
    r"|tokens? \+ [`'\w ]{0,20}max_(new_)?tokens[`'\w ]{0,20} must be"
    r"|too many (input |prompt )?tokens",
    re.IGNORECASE,
)
SAYS_FILTERED: Final = re.compile(
    r"content (management|filtering|moderation|safety) polic|content filter|flagged as potentially violating"
    r"|safety system|input was flagged|was blocked by [^.]{0,30}(safety|moderation)",
    re.IGNORECASE,
)
# Gemini says "exceeded your current quota" of limits that refill each minute, so that phrase proves nothing.
SAYS_NO_CREDIT: Final = re.compile(
    r"credit balance is too low|insufficient (account )?(balance|credits?|funds)|run out of [^.]{0,30}credits"
    r"|requires more credits|account (is not active|balance is)|billing (hard )?limit",
    re.IGNORECASE,
)
SAYS_OVERLOADED: Final = re.compile(r"overloaded|over capacity|at capacity|server (is )?busy", re.IGNORECASE)
SAYS_BAD_KEY: Final = re.compile(
    r"(incorrect|invalid) api key|api key (is )?(not valid|invalid)|security token included in the request is",
    re.IGNORECASE,
)
SAYS_NO_MODEL: Final = re.compile(
    r"^model not found|no such model|model identifier is invalid|\bmodel [`'\"]?[\w./:@-]{1,100}[`'\"]? "
    r"(does not exist|(was |is )?not found)",
    re.IGNORECASE,
)
SAYS_WHEN: Final = re.compile(
    r"(?:try again|retry|wait)(?: again)? (?:in|after|for) ((?:\d+(?:\.\d+)?\s?(?:ms|s|m|h|d)[a-z]*\s?)+)",
    re.IGNORECASE,
)


def _kind(status: int | None, facts: _Facts) -> type[ProviderError]:
    if status is not None and 300 <= status < 400:
        return ProviderError
    named = [BY_CODE[mark] for mark in facts.marks if mark in BY_CODE]
    # Beside a code for the very thing, many send "invalid_request_error" as the type of nearly everything.
    exact = next((kind for kind in named if kind not in (BadRequestError, ServerError)), named[0] if named else None)
    if status is None:
        kind = exact or ServerError
    else:
        kind = BY_STATUS.get(status, BadRequestError if status < 500 else ServerError)
    if ContextOverflowError in named:
        return ContextOverflowError
    for says, finer, within in REFINEMENTS:
        if kind in within and (finer in named or says.search(facts.text)):
            return finer
    return exact if status == 400 and exact is not None and issubclass(exact, TRUSTED_IN_400) else kind


# A phrase or code, the exact class it stands for, and the classes (by status) that it may make more exact.
REFINEMENTS: Final[tuple[tuple[re.Pattern[str], type[ProviderError], tuple[type[ProviderError], ...]], ...]] = (
    (SAYS_OVERFLOW, ContextOverflowError, (BadRequestError, UnprocessableError)),
    (SAYS_FILTERED, ContentFilteredError, (BadRequestError, UnprocessableError, PermissionDeniedError)),
    (SAYS_NO_CREDIT, QuotaExhaustedError, (BadRequestError, PermissionDeniedError, RateLimited)),
    (SAYS_OVERLOADED, OverloadedError, (ServerError, RateLimited)),
    (SAYS_BAD_KEY, AuthenticationError, (BadRequestError, PermissionDeniedError)),
    (SAYS_NO_MODEL, NotFoundError, (BadRequestError,)),
)


def _advice(kind: type[ProviderError], status: int | None, model: str | None, key_variable: str | None) -> str:
    if kind is AuthenticationError:
        return f"Check the key: `api_key=` or the environment variable {key_variable or 'of this provider'}."
    if kind is NotFoundError:
        return f"Check the model{f' ({model!r})' if model else ''} and `base_url`."
    if status == 413 and kind is BadRequestError:
        return "The request is too large: shorten it, or send fewer or smaller files."
    return ADVICE.get(kind, "")


ADVICE: Final[dict[type[ProviderError], str]] = {
    PermissionDeniedError: "The key may not do this: check its project, its region and its rights to the model.",
    ContextOverflowError: "Shorten the messages, or ask for fewer tokens.",
    ContentFilteredError: "The provider's content filter refused it: change the messages.",
    RateLimited: "Send less at a time (`rate_limiter=`), or retry later.",
    QuotaExhaustedError: "The account has no quota or credit left: waiting will not mend it.",
    ServerError: "The provider failed: retry later.",
    OverloadedError: "The provider is overloaded: retry later.",
}


def _redirected(headers: Mapping[str, str]) -> str:
    # Without its query, which may hold a key.
    target = redacted(headers.get("location", "").partition("?")[0])
    return (
        f"It redirects{f' to {target}' if target else ''}, and redirects are not followed, since they would carry the "
        "key elsewhere: set `base_url` to the right address (https, the exact host and path)."
    )


def _build(  # noqa: PLR0913 - as `ProviderError` itself
    kind: type[ProviderError],
    headline: str,
    facts: _Facts,
    *,
    advice: str,
    secrets: tuple[str, ...],
    status: int | None,
    request_id: str | None,
    wait: float | None,
    body: object,
    provider: str | None,
    model: str | None,
) -> ProviderError:
    code = redacted(facts.code, secrets) if facts.code else None
    # Redacted before it is shortened: half a key is still a key's half.
    wait = facts.wait if wait is None else wait
    length = MAX_TEXT if body is None or isinstance(body, str) else MAX_WORDS
    said = _shortened(redacted(facts.text, secrets), length) or "no explanation"
    ending = "" if said[-1] in ".!?…" else "."
    filtered = f" Filtered for: {', '.join(facts.filtered)}." if facts.filtered else ""
    message = f"{headline}{f' ({code})' if code else ''}: {said}{ending}{filtered} {advice}".strip()
    if wait:
        message += f" It asks to wait {wait:g} s."
    return kind(
        message,
        status=status,
        code=code,
        request_id=request_id,
        retry_after=wait,
        body=_kept(body, secrets),
        provider=provider,
        model=model,
    )


# ---------------------------------------------------------------------------------------------------- bodies of errors

Json = Mapping[str, Any]

# Where an error lies inside of what was sent, and where its own parts lie.
HOLDERS: Final = ("error", "errors", "response", "detail", "message", "base_resp", "innererror", "details", "metadata")
CODES: Final = ("code", "error_code", "type", "status", "__type", "reason", "error_type", "status_code")
TEXTS: Final = (
    *("error_description", "message", "detail", "msg", "error_message", "error_msg", "Message", "description"),
    *("status_msg", "title", "error", "reason"),
)
NO_CODES: Final = frozenset({"", "error", "none", "null", "about:blank"})


@dataclass(frozen=True, slots=True)
class _Facts:
    """What one error says of itself.

    text: in the provider's words; "" if it says nothing.
    code: the provider's own code or type.
    marks: every code and type in it, lower-case, the innermost first.
    status: the HTTP status it names in its body.
    wait: seconds to wait, if the body says so.
    request_id: the provider's id of the request, if the body says it.
    filtered: what a content filter found, such as "hate (high)".
    """

    text: str
    code: str | None
    marks: tuple[str, ...]
    status: int | None
    wait: float | None
    request_id: str | None
    filtered: tuple[str, ...]

    @classmethod
    def read(cls, payload: object, text: str, status: int | None, named_beside: str) -> _Facts:
        layers = list(_layers(payload, 0))
        # AWS writes "ThrottlingException:http://..." in its header.
        codes = [named_beside.partition(":")[0].strip()[:200]] if named_beside else []
        codes += [str(value) for layer in layers for value in _codes(layer)]
        named = next((int(code) for code in codes if code.isdigit() and 400 <= int(code) < 600), None)
        # A number that repeats the status is no code of the provider's own.
        telling = [code for code in codes if code.lower() not in NO_CODES and code != str(status or named)]
        words = telling + [part for code in telling for part in re.split(r"[#:/. ]", code)]
        said = (_words(payload, 0) or (_plain(text) if payload is None else ""))[:MAX_SAID]
        return cls(
            text=said,
            code=_shortened(telling[0], 100) if telling else str(named) if named and status is None else None,
            marks=tuple(dict.fromkeys(word.lower().replace("-", "_") for word in words)),
            status=named,
            wait=_wait_named(layers, said),
            request_id=next(filter(None, map(_request_named, layers)), None),
            filtered=tuple(dict.fromkeys(found for layer in layers for found in _filtered(layer)))[:MAX_ITEMS],
        )


def _layers(payload: object, depth: int) -> Iterator[Json]:
    """The objects inside `payload` that may hold an error's codes, the error itself before what holds it."""
    if depth > MAX_DEPTH:
        return
    if isinstance(payload, list):
        for item in cast("list[object]", payload)[:10]:
            yield from _layers(item, depth + 1)
    elif isinstance(payload, dict):
        layer = cast("dict[str, Any]", payload)
        held = [key for key in HOLDERS if isinstance(layer.get(key), (dict, list))]
        outer = [key for key in held if key in ("error", "errors", "response", "detail", "message")]
        for key in outer:
            yield from _layers(layer[key], depth + 1)
        yield layer
        for key in held:
            if key not in outer:
                yield from _layers(layer[key], depth + 1)


def _codes(layer: Json) -> Iterator[str | int]:
    for key in CODES:
        value = layer.get(key)
        if isinstance(value, (str, int)) and not isinstance(value, bool) and len(str(value)) < 200:
            yield value
    error = layer.get("error")
    if isinstance(error, str) and error and not re.search(r"\s", error) and len(error) < 100:
        yield error
    # OpenRouter names what it flagged, with no code.
    if layer.get("flagged_input"):
        yield "content_filter"
    # google.rpc.QuotaFailure: a day's quota is not there again after the few seconds that RetryInfo names.
    if any("PerDay" in str(violation.get("quotaId")) for violation in _dicts(layer.get("violations"))):
        yield "quota_of_the_day"


def _request_named(layer: Json) -> str | None:
    named = layer.get("request_id") or layer.get("requestId")
    return named if isinstance(named, str) and 0 < len(named) < 200 else None


def _filtered(layer: Json) -> Iterator[str]:
    """What a content filter found: Azure's categories with their severity, OpenRouter's reasons."""
    for results in (layer.get("content_filter_result"), layer.get("content_filter_results")):
        for name, result in cast("dict[object, object]", results).items() if isinstance(results, dict) else ():
            if isinstance(result, dict) and cast("Json", result).get("filtered") is True:
                severity = cast("Json", result).get("severity")
                yield _shortened(f"{name} ({severity})" if isinstance(severity, str) else str(name), 100)
    reasons = layer.get("reasons")
    if layer.get("flagged_input") and isinstance(reasons, list):
        for reason in cast("list[object]", reasons)[:MAX_ITEMS]:
            if isinstance(reason, str):
                yield _shortened(reason, 100)


def _dicts(value: object) -> list[Json]:
    items = cast("list[object]", value)[:MAX_ITEMS] if isinstance(value, list) else []
    return [cast("Json", item) for item in items if isinstance(item, dict)]


def _words(payload: object, depth: int) -> str:
    if depth > MAX_DEPTH:
        return ""
    if isinstance(payload, str):
        return payload.strip()
    if isinstance(payload, list):
        return "; ".join(filter(None, (_words(item, depth + 1) for item in cast("list[object]", payload)[:5])))
    if not isinstance(payload, dict):
        return ""
    layer = cast("dict[str, Any]", payload)
    held = [key for key in ("error", "errors", "response", "base_resp") if isinstance(layer.get(key), (dict, list))]
    for key in held:
        if found := _words(layer[key], depth + 1):
            return found
    told = (key for key in TEXTS if key in layer and key not in held)
    said = next((found for key in told if (found := _words(layer[key], depth + 1))), "")
    place = layer.get("loc")
    if said and isinstance(place, list):
        # FastAPI's list of what did not validate.
        said = f"{'.'.join(str(step) for step in cast('list[object]', place)[:8])}: {said}"
    metadata = layer.get("metadata")
    if (
        isinstance(metadata, dict)
        and isinstance(raw := cast("dict[str, Any]", metadata).get("raw"), str)
        and raw.strip()
    ):
        # OpenRouter's own text is only that its provider returned an error.
        said = f"{said}: {raw.strip()}" if said else raw.strip()
    return said


def _parsed(body: bytes) -> tuple[object, str]:
    """The body as JSON (None if it is no object, list or string) and as text."""
    text = _inflated(body).removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")
    try:
        payload: object = read_json(text)
    except ValueError:
        return None, text
    return (None if payload is None or isinstance(payload, (bool, int, float)) else payload), text


def _inflated(body: bytes) -> bytes:
    """A body that is compressed although no header says so, as some gateways send their errors; others as they are."""
    if not body.startswith(GZIP):
        return body
    try:
        return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(body, MAX_BODY * 4)
    except zlib.error:
        return b"a compressed body that cannot be read"


def _plain(text: str) -> str:
    """The words of a page of HTML: its title if it has one; plain text as it is."""
    if re.match(r"\s*<(!doctype|html|head|body|\?xml|[a-z]+[ >])", text[:200], re.IGNORECASE):
        text = text[:20_000]
        title = re.search(r"<title[^>]*>([^<]{1,300})", text, re.IGNORECASE)
        if title:
            text = title[1]
        else:
            text = re.sub(r"(?is)<(script|style)\b[^<]*+(?:<(?!/\1>)[^<]*+)*+</\1>", " ", text)
            text = re.sub(r"<[^<>]{0,1000}>", " ", text)
        text = unescape(text)
    return " ".join(text[:MAX_SAID].split())


def _shortened(text: str, length: int) -> str:
    text = text.strip()
    return text if len(text) <= length else f"{text[: length - 1].rstrip()}…"


def _within_cap(payload: object) -> object:
    """`payload`, or its text if that is too long to be kept as a structure."""
    # Not pydantic's: it refuses half of a surrogate pair, which `json.loads` lets pass.
    text = json.dumps(payload, ensure_ascii=False, default=str)
    return payload if len(text) <= MAX_BODY else text


def _kept(body: object, secrets: tuple[str, ...], depth: int = 0) -> Any:
    """What an error keeps of a body: redacted, and not large."""
    if isinstance(body, str):
        return _shortened(redacted(body[:MAX_SAID], secrets), MAX_BODY_TEXT) or None
    if isinstance(body, (dict, list)) and depth > MAX_DEPTH:
        return "…"
    if isinstance(body, list):
        return [_kept(item, secrets, depth + 1) for item in cast("list[object]", body)[:MAX_ITEMS]]
    if isinstance(body, dict):
        return {
            redacted(str(key), secrets): REDACTED if SECRET_NAME.search(str(key)) else _kept(value, secrets, depth + 1)
            for key, value in islice(cast("dict[object, object]", body).items(), MAX_ITEMS)
        }
    return body


GZIP: Final = b"\x1f\x8b"

REDACTED: Final = "[redacted]"
SECRET_NAME: Final = re.compile(
    r"(?i)^(authorization|(x[-_])?(goog[-_])?api[-_]?key|(access|id|refresh)[-_]?token|secret)$"
)
LOOKS_SECRET: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    (re.compile(r"(?i)\b(bearer|basic)\s+[^\s\"'<>,;]{3,}"), rf"\1 {REDACTED}"),
    # OpenAI's own form, also where the middle is starred out, and those of others who mark their keys.
    (re.compile(r"\bsk-[\w.*•…-]*"), REDACTED),
    (re.compile(r"\b(?:pk|rk|gsk|csk|xai|hf|r8|nvapi|pplx|fw|tgp_v1|ghp|gho|ghs|glpat)[-_][\w*-]{14,}"), REDACTED),
    (re.compile(r"\bAIza[\w-]{20,}|\bya29\.[\w.-]{10,}|\b(?:AKIA|ASIA)[A-Z0-9]{12,}|\bABSK[\w+/=]{20,}"), REDACTED),
    # Bounded, since the search begins anew at each of many beginnings.
    (re.compile(r"\beyJ[\w-]{8,1000}+\.[\w.-]{8,}"), REDACTED),
    (
        re.compile(
            r"(?i)\b((?:api|access|auth|secret|subscription)[-_ ]?(?:key|token)(?: provided| given)?[\"']?"
            r"\s*[:=]\s*[\"'`]?|[?&]key=)(?=[^\s\"'`&,;}]*[\d*])[^\s\"'`&,;}]{4,}"
        ),
        rf"\1{REDACTED}",
    ),
)


# ------------------------------------------------------------------------------------------------------ times to wait

UNITS: Final = {"d": 86_400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "\u00b5s": 1e-6, "ns": 1e-9}
DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)\s?(ms|us|\u00b5s|ns|d|h|m(?!illi|onth)|s)[a-z]*\s?", re.IGNORECASE)


DELAYS: Final = ("retryDelay", "retry_after", "retry_after_seconds", "estimated_time")
"""Where a body says how many seconds to wait: google.rpc.RetryInfo; gateways; Hugging Face, of a model that loads."""


def _is_used_up(headers: Mapping[str, str], name: str) -> bool:
    """Whether this is the header of a reset, and of a limit with nothing remaining."""
    if "ratelimit" not in name.replace("-", "") or "reset" not in name:
        return False
    left = headers.get(name.replace("reset", "remaining"))
    if left is None:
        # Where a header does not say what it limits, there is one limit only: the one that was hit.
        return name in ("x-ratelimit-reset", "ratelimit-reset", "x-rate-limit-reset", "x-ratelimit-reset-after")
    remaining = _number(left)
    return remaining is not None and remaining <= 0


def _used_up_in(field: str) -> list[float]:
    """Seconds until those limits of a `RateLimit` field are reset that have nothing remaining.

    Its older form is `limit=100, remaining=0, reset=5`, its newer one a list such as `"minute";r=0;t=5`.
    """
    field = field[:MAX_RATELIMIT]
    limits = field.split(",") if ";" in field else [field.replace(",", ";")]
    waits: list[float] = []
    for limit in limits[:MAX_RESETS]:
        said = {name.strip(): value.strip() for name, _, value in (part.partition("=") for part in limit.split(";"))}
        left = _number(said.get("r", said.get("remaining")))
        wait = _number(said.get("t", said.get("reset")))
        if wait is not None and left is not None and left <= 0:
            waits.append(wait)
    return waits


def _until_reset(value: str, now: float) -> float | None:
    seconds = _number(value)
    if seconds is None:
        duration = _duration(value)
        if duration is not None:
            return duration
        moment = _moment(value)
        return None if moment is None else moment - now
    # Beyond a few years it is no span but a moment, since 1970, in seconds or in milliseconds.
    if seconds > 1e11:
        return seconds / 1000 - now
    return seconds - now if seconds > 1e8 else seconds


def _wait_named(layers: list[Json], said: str) -> float | None:
    for layer in layers:
        delay = next((layer[name] for name in DELAYS if layer.get(name) is not None), None)
        if isinstance(delay, (int, float)) and not isinstance(delay, bool) and math.isfinite(delay):
            return _bounded(float(delay))
        if isinstance(delay, str):
            seconds = _number(delay)
            if seconds is None:
                seconds = _duration(delay)
            if seconds is not None:
                return _bounded(seconds)
        # OpenRouter's copy of its provider's headers.
        headers = layer.get("headers")
        if isinstance(headers, dict):
            named = cast("dict[object, object]", headers)
            wait = retry_after({str(name).lower(): str(value) for name, value in islice(named.items(), MAX_ITEMS)})
            if wait is not None:
                return wait
    phrase = SAYS_WHEN.search(said)
    seconds = _duration(phrase[1]) if phrase else None
    return None if seconds is None else _bounded(seconds)


def _number(value: str | None) -> float | None:
    if value is None or len(value) > MAX_NUMBER:
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _duration(value: str) -> float | None:
    """Seconds of "1s", "6m0s", "17ms" or "1h2m3.5s"; None for anything else."""
    value = value.strip()
    if not value or len(value) > MAX_NUMBER:
        return None
    seconds = 0.0
    end = 0
    # Part by part: as one pattern of repeated parts it would be tried in every way in which letters can be shared out.
    while end < len(value):
        part = DURATION.match(value, end)
        if part is None:
            return None
        seconds += float(part[1]) * UNITS[part[2].lower()]
        end = part.end()
    return seconds


def _moment(value: str | None) -> float | None:
    """Seconds since 1970 of an HTTP date or an ISO 8601 time; None for anything else."""
    if not value or len(value) > 60:
        return None
    try:
        moment = datetime.fromisoformat(value) if value[:4].isdigit() else parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError):
        return None
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()


def _bounded(seconds: float) -> float:
    return min(max(seconds, 0.0), MAX_WAIT)
