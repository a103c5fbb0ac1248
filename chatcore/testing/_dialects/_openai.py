"""What OpenAI's two dialects have in common: keys, errors, headers and the list of models.

The texts, types and codes of the errors are close to OpenAI's, for clients read them. Sources: the API reference
(https://platform.openai.com/docs/api-reference, https://platform.openai.com/docs/guides/error-codes,
https://platform.openai.com/docs/guides/rate-limits#rate-limits-in-headers) and its answers to bad requests.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic_core import to_json
from typing_extensions import override

from chatcore.testing._dialect import Dialect, Endpoint, Visit, path_of
from chatcore.testing._http import Incoming
from chatcore.testing._limits import Level, Verdict
from chatcore.testing._problem import Problem, RefusedError
from chatcore.testing._text import is_array, is_object

__all__ = [
    "CREATED",
    "OpenAI",
    "check_function",
    "check_range",
    "duration",
    "error_object",
    "missing",
    "model_endpoints",
    "refusal",
    "strict_schema",
    "wrong_type",
]

# The same in every run: what the simulator says depends on its seed and on the request alone.
CREATED = 1_700_000_000

# What OpenAI says with a status; (type, code, message).
_SAYINGS: dict[int, tuple[str, str | None, str]] = {
    400: ("invalid_request_error", None, "The request was refused."),
    401: ("invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
    403: (
        "invalid_request_error",
        "unsupported_country_region_territory",
        "Country, region, or territory not supported.",
    ),
    404: ("invalid_request_error", "model_not_found", "The model does not exist or you do not have access to it."),
    429: ("requests", "rate_limit_exceeded", "Rate limit reached."),
    501: ("invalid_request_error", None, "Not implemented."),
    500: (
        "server_error",
        "server_error",
        "The server had an error while processing your request. Sorry about that!",
    ),
    503: ("server_error", None, "The engine is currently overloaded, please try again later."),
    529: ("overloaded_error", "overloaded", "Overloaded"),
}


class OpenAI(Dialect):
    """The base of OpenAI's dialects."""

    @override
    def owns(self, path: str) -> bool:
        # What is no one else's is OpenAI's: the desk says so, for it is the first dialect.
        return False

    @override
    def key(self, incoming: Incoming) -> str | None:
        """As `Authorization: Bearer`, or as Azure has it."""
        return incoming.keys.get("authorization") or incoming.keys.get("api-key")

    @override
    def no_key(self) -> Problem:
        return Problem(
            401,
            "You didn't provide an API key. You need to provide your API key in an Authorization header using "
            "Bearer auth (i.e. Authorization: Bearer YOUR_KEY).",
            "invalid_request_error",
        )

    @override
    def no_json(self, why: str) -> Problem:
        return _refused(
            "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP "
            f"library correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON: {why}.)"
        )

    @override
    def no_object(self, body: object) -> Problem:
        return wrong_type("request body", "an object", body, param=None).problem

    @override
    def no_document(self, why: str) -> Problem:
        return _refused(f"Invalid schema for {why}", code="invalid_json_schema")

    @override
    def no_path(self, incoming: Incoming) -> Problem:
        return _refused(f"Invalid URL ({incoming.method} {incoming.path})", status=404)

    @override
    def no_method(self, incoming: Incoming) -> Problem:
        return _refused(
            f"Not allowed to {incoming.method} on {incoming.path}. (HINT: Perhaps you meant to use a different HTTP "
            "method?)",
            status=405,
        )

    @override
    def limited(self, verdict: Verdict, model: str) -> Problem:
        unit = "requests per min (RPM)" if verdict.kind == "requests" else "tokens per min (TPM)"
        if verdict.wait is None:
            message = (
                f"Request too large for {model} on {unit}: Limit {verdict.capacity}, Requested "
                f"{verdict.requested:g}. The input must be reduced in order to run successfully."
            )
        else:
            message = (
                f"Rate limit reached for {model} on {unit}: Limit {verdict.limit}, Used {verdict.used}, Requested "
                f"{verdict.requested:g}. Please try again in {duration(verdict.wait)}."
            )
        return Problem(429, message, verdict.kind, code="rate_limit_exceeded", retry_after=verdict.wait)

    @override
    def error(self, problem: Problem, request_id: str) -> bytes:
        return to_json({"error": error_object(problem)})

    @override
    def limit_lines(self, levels: Sequence[Level]) -> bytes:
        """The `x-ratelimit-*` lines."""
        return b"".join(
            b"x-ratelimit-limit-%b: %d\r\nx-ratelimit-remaining-%b: %d\r\nx-ratelimit-reset-%b: %b\r\n"
            % (kind, level.limit, kind, level.remaining, kind, duration(level.reset).encode())
            for level in levels
            for kind in (level.kind.encode(),)
        )

    @override
    def retry_lines(self, retry_after: float | None) -> bytes:
        """OpenAI sends whole seconds, and milliseconds besides."""
        if retry_after is None:
            return b""
        return b"retry-after: %d\r\nretry-after-ms: %d\r\n" % (math.ceil(retry_after), math.ceil(retry_after * 1000))


def error_object(problem: Problem) -> dict[str, Any]:
    """OpenAI's error object: what the problem does not say of itself is what OpenAI says with its status."""
    status = problem.status
    kind, code, message = _SAYINGS.get(status, _SAYINGS[500 if status >= 500 else 400])
    return {
        "message": problem.message or message,
        "type": problem.kind or kind,
        "param": problem.param,
        # One who has his own word for the kind has one for the code, too, or none.
        "code": problem.code or (None if problem.kind else code),
    }


def model_endpoints(dialect: Dialect, prefix: str) -> Sequence[Endpoint]:
    """The list of models, and one of them."""

    def every(_visit: Visit) -> bytes:
        return to_json({"object": "list", "data": [_card(name) for name in dialect.models or ("simulator",)]})

    def one(visit: Visit) -> bytes:
        name = visit.found["model"]
        if dialect.models is not None and name not in dialect.models:
            raise refusal(f"The model '{name}' does not exist", status=404, param="model", code="model_not_found")
        return to_json(_card(name))

    return (
        Endpoint("GET", path_of(f"{prefix}/models"), every),
        Endpoint("GET", path_of(prefix + "/models/{model*}"), one),
    )


def _card(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": CREATED, "owned_by": "chatcore-simulator"}


def duration(seconds: float) -> str:
    """A length of time as OpenAI's headers write it: `17ms`, `1.5s`, `6m0s`, `1h0m0s`; rounded up to milliseconds."""
    milliseconds = max(0, math.ceil(seconds * 1000 - 1e-6))
    if milliseconds < 1000:
        return f"{milliseconds}ms" if milliseconds else "0s"
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    text = f"{rest / 1000:g}s"
    if hours:
        return f"{hours}h{minutes}m{text}"
    return f"{minutes}m{text}" if minutes else text


# ------------------------------------------------------------------------------------------------------------- refusals


def _refused(message: str, *, status: int = 400, param: str | None = None, code: str | None = None) -> Problem:
    return Problem(status, message, "invalid_request_error", param, code)


def refusal(message: str, *, status: int = 400, param: str | None = None, code: str | None = None) -> RefusedError:
    """A request is turned away as an invalid one."""
    return RefusedError(_refused(message, status=status, param=param, code=code))


def missing(param: str) -> RefusedError:
    """A parameter is not there."""
    return refusal(f"Missing required parameter: '{param}'.", param=param, code="missing_required_parameter")


def wrong_type(what: str, wanted: str, got: object, *, param: str | None) -> RefusedError:
    """A parameter is of another type than it must be."""
    names: dict[type, str] = {
        dict: "an object",
        list: "an array",
        str: "a string",
        bool: "a boolean",
        int: "an integer",
        float: "a decimal",
    }
    return refusal(
        f"Invalid type for {what}: expected {wanted}, but got {names.get(type(got), 'null')} instead.",
        param=param,
        code="invalid_type",
    )


def check_range(
    body: Mapping[str, Any], name: str, low: float | None, high: float | None, *, integer: bool = False
) -> None:
    """Raise RefusedError unless a setting is a number within its bounds, or not there."""
    value: object = body.get(name)
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int if integer else (int, float)):
        raise wrong_type(f"'{name}'", "an integer" if integer else "a decimal", value, param=name)
    side = ("below", "minimum", low) if low is not None and value < low else None
    side = ("above", "maximum", high) if high is not None and value > high else side
    if side is not None:
        beyond, bound, limit = side
        kind = "integer" if integer else "decimal"
        raise refusal(
            f"Invalid '{name}': {kind} {beyond} {bound} value. Expected a value "
            f"{'>=' if bound == 'minimum' else '<='} {limit}, but got {value} instead.",
            param=name,
            code=f"{kind}_{beyond}_{bound[:3]}_value",
        )


def check_function(function: Mapping[str, Any], name: str, path: str, pattern: str) -> None:
    """Refuse a function that no model can be offered, for its name or its schema.

    path: where the function is in the request.
    pattern: what its name must match, as the error says it.
    """
    if not name.isascii() or not name.replace("_", "").replace("-", "").isalnum() or len(name) > 64:
        raise refusal(
            f"Invalid '{path}.name': string does not match pattern. Expected a string that matches the pattern "
            f"'{pattern}'.",
            param=f"{path}.name",
            code="invalid_value",
        )
    parameters: object = function.get("parameters")
    if parameters is not None and (not is_object(parameters) or parameters.get("type", "object") != "object"):
        raise refusal(
            f"Invalid schema for function {name!r}: schema must be a JSON Schema of 'type: \"object\"'.",
            param=f"{path}.parameters",
            code="invalid_function_parameters",
        )
    if function.get("strict") is True:
        strict_schema(parameters, f"function {name!r}", f"{path}.parameters", "invalid_function_parameters")


def strict_schema(schema: object, what: str, param: str, code: str) -> None:
    """Raise RefusedError for a schema that strict mode does not take.

    Source: https://platform.openai.com/docs/guides/structured-outputs#supported-schemas.
    """
    waiting: list[tuple[object, tuple[str, ...]]] = [(schema, ())]
    while waiting:
        part, path = waiting.pop()
        if not is_object(part):
            continue
        properties: object = part.get("properties")
        if is_object(properties) or part.get("type") == "object":
            named: dict[str, Any] = properties if is_object(properties) else {}
            why = _not_strict(part, named)
            if why:
                raise refusal(f"Invalid schema for {what}: In context={path!r}, {why}", param=param, code=code)
            waiting += ((inner, (*path, "properties", name)) for name, inner in named.items())
        waiting.append((part.get("items"), (*path, "items")))
        for union in ("anyOf", "$defs"):
            inside: object = part.get(union)
            pairs = inside.items() if is_object(inside) else enumerate(inside if is_array(inside) else ())
            waiting += ((inner, (*path, union, str(key))) for key, inner in pairs)


def _not_strict(part: Mapping[str, Any], properties: Mapping[str, Any]) -> str | None:
    if part.get("additionalProperties") is not False:
        return "'additionalProperties' is required to be supplied and to be false."
    required: object = part.get("required")
    left_out = [name for name in properties if name not in (required if is_array(required) else ())]
    if left_out:
        return (
            "'required' is required to be supplied and to be an array including every key in properties. "
            f"Missing '{left_out[0]}'."
        )
    return None
