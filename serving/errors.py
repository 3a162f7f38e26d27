"""Errors -> problem+json (RFC 9457). The only place that knows HTTP status codes.

| type | status | meaning |
| --- | --- | --- |
| urn:belong:problem:unknown | 404 | no such community, member or path |
| urn:belong:problem:not-json | 400 | the body cannot be read as JSON |
| urn:belong:problem:invalid | 422 | a parameter or a field is missing, unknown or out of range |
| urn:belong:problem:method | 405 | the path exists, not with this method |
| urn:belong:problem:too-large | 413 | the body is larger than is read |
| urn:belong:problem:not-ready | 503 | the community's bundle is not loaded, with the reason |
| urn:belong:problem:internal | 500 | a fault of ours; the log has more |
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.errors import BelongError, BundleError, UnknownError
from serving.schemas import Problem
from serving.settings import MAX_BODY

log = logging.getLogger(__name__)

TITLES = {
    "unknown": "There is nothing here by that name.",
    "not-json": "The body is not JSON.",
    "invalid": "The request cannot be understood.",
    "method": "This path does not take that method.",
    "too-large": "The body is too large.",
    "not-ready": "This cannot be answered yet.",
    "internal": "Something went wrong on our side.",
}

KINDS = {400: "not-json", 404: "unknown", 405: "method", 413: "too-large"}
"""Problems that the framework raises, by status."""

MEDIA_TYPE = "application/problem+json"


class ProblemResponse(JSONResponse):
    """A problem as JSON."""

    media_type = MEDIA_TYPE


def problem(kind: str, status: int, detail: str) -> ProblemResponse:
    """Return the answer that says what went wrong."""
    return ProblemResponse(_problem(kind, status, detail).model_dump(), status)


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


PROBLEMS: dict[int | str, dict[str, Any]] = {
    404: _documented("unknown", 404, "no member has the id 'm1'"),
    422: _documented("invalid", 422, "query.limit: Input should be less than or equal to 100"),
    503: _documented("not-ready", 503, "bundles are still being loaded: try again in a moment"),
}
"""What every recommending endpoint may answer besides its slate."""

BODY_PROBLEMS = PROBLEMS | {
    400: _documented("not-json", 400, "The body could not be read as JSON."),
    413: _documented("too-large", 413, f"A body may have {MAX_BODY} bytes at most."),
}
"""The same for those that take a body."""


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
        if isinstance(error, UnknownError):
            return problem("unknown", 404, str(error))
        if isinstance(error, BundleError):
            return problem("not-ready", 503, str(error))
        log.error("a stage broke its contract", exc_info=error)
        return problem("internal", 500, "The request was understood; answering it failed.")

    @app.exception_handler(Exception)
    async def _(request: Request, error: Exception) -> ProblemResponse:
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
