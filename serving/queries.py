"""What a query may ask: a mistyped filter must be refused, not left out of account."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError

REFUSED = "422"
"""Operations that document this status look at what they are asked."""


# FastAPI runs what is not async in a thread: on a busy server that takes longer than an answer.
async def only_known_queries(request: Request) -> None:
    """Refuse a parameter of the query that the operation does not have.

    Raises:
        RequestValidationError: There is one.
    """
    app: FastAPI = request.app
    if not hasattr(app.state, "queries"):
        app.state.queries = _queries(app)
    known = app.state.queries.get((request.scope["route"].path_format, request.method))
    unknown = [] if known is None else sorted(set(request.query_params) - known)
    if unknown:
        raise RequestValidationError(
            [
                {
                    "type": "extra_forbidden",
                    "loc": ("query", name),
                    "msg": "This operation has no such parameter",
                    "input": request.query_params[name],
                }
                for name in unknown
            ]
        )


def _queries(app: FastAPI) -> dict[tuple[str, str], frozenset[str]]:
    """Return the parameters of each operation (path, method) that looks at any."""
    return {
        (path, method.upper()): frozenset(
            given["name"] for given in operation.get("parameters", ()) if given["in"] == "query"
        )
        for path, operations in app.openapi()["paths"].items()
        for method, operation in operations.items()
        if REFUSED in operation["responses"]
    }
