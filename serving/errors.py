"""Errors -> problem+json (RFC 9457). The only place that knows HTTP status codes.

| type | status | meaning |
| --- | --- | --- |
| urn:belong:problem:unknown | 404 | no such community, member or path |
| urn:belong:problem:not-json | 400 | the body cannot be read as JSON |
| urn:belong:problem:invalid | 422 | a parameter or a field is missing, unknown or out of range |
| urn:belong:problem:method | 405 | the path exists, not with this method |
| urn:belong:problem:late-body | 408 | the rest of the body did not come in time |
| urn:belong:problem:too-large | 413 | the body is larger than is read |
| urn:belong:problem:no-key | 401 | no API key came, or none that is valid |
| urn:belong:problem:scope | 403 | the key is valid and has not the scope that this takes |
| urn:belong:problem:encoded | 415 | the body is compressed, or framed in a way that is not read |
| urn:belong:problem:headers | 431 | more or longer headers than are read |
| urn:belong:problem:too-many | 429 | the key asks too often; `Retry-After` says when to go on |
| urn:belong:problem:overloaded | 503 | more requests than can be answered in time; try again |
| urn:belong:problem:too-slow | 503 | answering took too long; a change may have been made |
| urn:belong:problem:store | 503 | the store does not answer |
| urn:belong:problem:full | 503 | no room is left on the store's disk; nothing was changed |
| urn:belong:problem:behind | 503 | this worker does not know yet what the answer needs; try again |
| urn:belong:problem:unknown-reference | 422 | a change names what is not there |
| urn:belong:problem:gone | 410 | a slate that was kept for a while is kept no more |
| urn:belong:problem:reused-key | 409 | something else was sent under this Idempotency-Key |
| urn:belong:problem:not-ready | 503 | the community's bundle is not loaded, with the reason |
| urn:belong:problem:internal | 500 | a fault of ours; the log has more |
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.errors import (
    BehindError,
    BelongError,
    BundleError,
    DataError,
    GoneError,
    ReusedKeyError,
    StoreFullError,
    StoreUnavailableError,
    UnknownError,
    UnknownReferenceError,
)
from serving.schemas import Problem
from serving.settings import MAX_BODY

log = logging.getLogger(__name__)

TITLES = {
    "unknown": "There is nothing here by that name.",
    "not-json": "The body is not JSON.",
    "invalid": "The request cannot be understood.",
    "method": "This path does not take that method.",
    "late-body": "The body did not come.",
    "too-large": "The body is too large.",
    "no-key": "A valid API key is needed.",
    "scope": "The key does not allow this.",
    "encoded": "The body must be sent as it is.",
    "headers": "The headers are too large.",
    "too-many": "This key asks too often.",
    "overloaded": "There is too much to do at the moment.",
    "too-slow": "This took too long.",
    "store": "The store does not answer.",
    "full": "There is no room left.",
    "behind": "This worker is behind.",
    "reused-key": "This key stands for something else.",
    "gone": "This was kept for a while only.",
    "unknown-reference": "A change names something that is not there.",
    "not-ready": "This cannot be answered yet.",
    "internal": "Something went wrong on our side.",
}

KINDS = {
    400: "not-json",
    404: "unknown",
    405: "method",
    408: "late-body",
    413: "too-large",
    503: "overloaded",
}
"""Problems that the framework raises, by status."""

STATUSES = {
    "no-key": 401,
    "scope": 403,
    "unknown": 404,
    "encoded": 415,
    "headers": 431,
    "too-many": 429,
    "overloaded": 503,
    "too-slow": 503,
    "store": 503,
    "full": 503,
    "behind": 503,
    "internal": 500,
}
"""The status of what is refused before a request reaches its route."""

MEDIA_TYPE = "application/problem+json"


class ProblemResponse(JSONResponse):
    """A problem as JSON."""

    media_type = MEDIA_TYPE


def problem(kind: str, status: int, detail: str) -> ProblemResponse:
    """Return the answer that says what went wrong."""
    return ProblemResponse(_problem(kind, status, detail).model_dump(), status)


def refusal(kind: str, detail: str, headers: Mapping[str, str] | None = None) -> ProblemResponse:
    """Return the problem with which a request is refused before it reaches its route.

    It holds nothing of the request, so that one may be made beforehand and sent many times.
    """
    answer = problem(kind, STATUSES[kind], detail)
    answer.headers.update(headers or {})
    return answer


def absent_community(name: str) -> str:
    """Return what is said of a community that is not there, or not there for who asks."""
    return f"no community is called {name!r}"


def _problem(kind: str, status: int, detail: str) -> Problem:
    return Problem(
        type=f"urn:belong:problem:{kind}", title=TITLES[kind], status=status, detail=detail
    )


def _documented(kind: str, status: int, detail: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    example = _problem(kind, status, detail).model_dump()
    return {
        "description": TITLES[kind],
        "content": {MEDIA_TYPE: {"schema": schema, "example": example}},
    }


AGAIN = {"retry-after": "1"}

PROBLEMS: dict[int | str, dict[str, Any]] = {
    404: _documented("unknown", 404, "no member has the id 'm1'"),
    422: _documented("invalid", 422, "query.limit: Input should be less than or equal to 100"),
    503: _documented("not-ready", 503, "bundles are still being loaded: try again in a moment"),
}
"""What every recommending endpoint may answer besides its slate."""

SLATE_PROBLEMS = PROBLEMS | {
    410: _documented("gone", 410, "again: no slate of this member and purpose is remembered"),
}
"""The same for those that go on from an earlier slate."""

BODY_PROBLEMS = PROBLEMS | {
    400: _documented("not-json", 400, "The body could not be read as JSON."),
    413: _documented("too-large", 413, f"A body may have {MAX_BODY} bytes at most."),
}
"""The same for those that take a body."""

CHANGE_PROBLEMS = BODY_PROBLEMS | {
    503: _documented("store", 503, "The store cannot be used now: try again."),
}
"""What a change may be answered besides its acknowledgement."""

CHANGES_PROBLEMS = CHANGE_PROBLEMS | {
    409: _documented("reused-key", 409, "something else was sent under this Idempotency-Key"),
}
"""The same for many changes, which may be sent under a key."""


def add_error_handlers(app: FastAPI) -> None:
    """Let every error of the app be answered as a problem."""

    @app.exception_handler(RequestValidationError)
    async def _(request: Request, error: RequestValidationError) -> ProblemResponse:
        return _of_validation(error.errors())

    @app.exception_handler(HTTPException)
    async def _(request: Request, error: HTTPException) -> ProblemResponse:
        kind = KINDS.get(error.status_code, "invalid")
        answer = problem(kind, error.status_code, str(error.detail))
        answer.headers.update(error.headers or {})
        return answer

    @app.exception_handler(BelongError)
    async def _(request: Request, error: BelongError) -> ProblemResponse:
        return _of_belong(error)

    @app.exception_handler(Exception)
    async def _(request: Request, error: Exception) -> ProblemResponse:
        return problem("internal", 500, "The request was understood; answering it failed.")


OF_ERROR: tuple[tuple[type[BelongError], str, int], ...] = (
    (UnknownError, "unknown", 404),
    (UnknownReferenceError, "unknown-reference", 422),
    (ReusedKeyError, "reused-key", 409),
    (GoneError, "gone", 410),
    (DataError, "invalid", 422),
    (BundleError, "not-ready", 503),
    (BehindError, "behind", 503),
)
"""The problem that an error is told as; any other is a fault of ours."""


def _of_belong(error: BelongError) -> ProblemResponse:
    if isinstance(error, StoreFullError):
        log.error("the store is full: %s", error)
        return refusal("full", "No room is left to keep changes: nothing was changed.", AGAIN)
    if isinstance(error, StoreUnavailableError):
        log.error("the store cannot be used: %s", error)
        return refusal("store", "The store cannot be used now: try again.", AGAIN)
    for kind, name, status in OF_ERROR:
        if isinstance(error, kind):
            answer = problem(name, status, str(error))
            answer.headers.update(AGAIN if status == 503 else {})
            return answer
    log.error("a stage broke its contract", exc_info=error)
    return problem("internal", 500, "The request was understood; answering it failed.")


def _of_validation(errors: Sequence[Any]) -> ProblemResponse:
    first = errors[0]
    if first["type"] == "json_invalid":
        return problem("not-json", 400, "The body could not be read as JSON.")
    where = ".".join(str(part) for part in first["loc"])
    return problem("invalid", 422, f"{where}: {first['msg']}")


class BodyLimit:
    """Refuses bodies of more than `MAX_BODY` bytes, announced or not, before they are read."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 413."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        refusal = problem("too-large", 413, f"A body may have {MAX_BODY} bytes at most.")
        refusal.headers["connection"] = "close"
        announced = dict(scope["headers"]).get(b"content-length", b"0").lstrip(b"0") or b"0"
        # Python reads no number of thousands of digits.
        too_long = len(announced) > len(str(MAX_BODY))
        if not announced.isdigit() or too_long or int(announced) > MAX_BODY:
            await refusal(scope, receive, send)
            return
        read = 0

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > MAX_BODY:
                raise HTTPException(413, f"A body may have {MAX_BODY} bytes at most.")
            return message

        await self.app(scope, counted, send)
