"""What the OpenAPI document says of every route alike: keys, ids of requests, common refusals.

A request passes the entrance before its route sees it, and each layer may refuse it. FastAPI knows
nothing of that; this adds it, by what `serving/access.py` says a route takes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi.routing import APIRoute

from serving.access import HERE, Access, needed
from serving.bodies import LINE
from serving.errors import MEDIA_TYPE, STATUSES, TITLES
from serving.schemas import Problem
from serving.settings import MAX_BODY
from serving.shedding import HEALTH

EXAMPLES = {
    "no-key": "Send a valid key: Authorization: Bearer belong_…",
    "scope": "This takes a key with the scope 'write'.",
    "unknown": "no community is called 'town'",
    "late-body": "The rest of the body did not come within 10 s.",
    "too-large": f"A body may have {MAX_BODY} bytes at most.",
    "encoded": "Send the body as it is, without Content-Encoding: nothing is decompressed here.",
    "unknown-reference": "changes[0]: no member has the id 'm1'",
    "too-many": "This key asks too often: try again in 1 s.",
    "headers": "A request may have 100 headers and 32768 bytes of them at most.",
    "internal": "The request was understood; answering it failed.",
    "overloaded": "More requests came than can be answered in time.",
    "too-slow": "It took too long. A change may have been made: sending it again does no harm.",
    "full": "No room is left to keep changes: nothing was changed.",
    "store": "The store cannot be used now: try again.",
    "behind": "this worker knows changes up to 4710, 4711 is needed: try again",
}
"""What may be said with each refusal that a route does not document itself."""

STATUS_OF = STATUSES | {"late-body": 408, "too-large": 413, "unknown-reference": 422}

INTEGER = {"type": "integer", "minimum": 0}
HEADERS: dict[str, dict[str, Any]] = {
    "X-Request-ID": {
        "description": "The caller's own, if it was 1 to 128 visible ASCII characters.",
        "required": True,
        "schema": {"type": "string"},
    },
    "Retry-After": {"description": "Seconds after which to try again.", "schema": INTEGER},
    "WWW-Authenticate": {"description": "Bearer.", "schema": {"type": "string"}},
    "RateLimit-Limit": {"description": "Requests that may come at once.", "schema": INTEGER},
    "RateLimit-Remaining": {"description": "Requests that might follow now.", "schema": INTEGER},
    "RateLimit-Reset": {
        "description": "Seconds until as many as ever may come at once.",
        "schema": INTEGER,
    },
}
KEY = {
    "type": "http",
    "scheme": "bearer",
    "description": "As `belong keys create` printed it. A server without any key needs none, and "
    "is reached from its own machine only.",
}
JsonObject = dict[str, Any]


def operation_id(route: APIRoute) -> str:
    """Return what a generated client is to call a route: the name of its function."""
    return route.name


def complete(document: JsonObject) -> JsonObject:
    """Return an OpenAPI document with what the entrance adds to every operation.

    What may be answered alike by many operations stands in it once, under ``components``.

    Args:
        document: As FastAPI made it; it is changed.
    """
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    schemas["Problem"] = Problem.model_json_schema()
    schemas["Change"] = LINE.json_schema(ref_template="#/components/schemas/{model}")
    schemas |= schemas["Change"].pop("$defs")
    components["headers"] = HEADERS
    components["securitySchemes"] = {"key": KEY}
    components["examples"] = {kind: _example(kind) for kind in EXAMPLES}
    components["responses"] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            _complete(operation, needed(method.upper(), path), path, components)
    return document


def _complete(operation: JsonObject, access: Access, path: str, components: JsonObject) -> None:
    guarded = access is not Access.OPEN
    operation["security"] = [{"key": [access.value]}] if guarded else []
    responses = operation["responses"]
    for status, response in responses.items():
        response["headers"] = _headers(status, guarded)
    named = {parameter["name"] for parameter in operation.get("parameters", ())}
    kinds = _documented(responses, components["examples"])
    late = ["late-body"] if "requestBody" in operation else []
    for kind in (*_refusals(access, path, named), *late):
        kinds.setdefault(str(STATUS_OF[kind]), {})[kind] = None
    for status, some in kinds.items():
        name = "-or-".join(sorted(some)) if guarded else "-or-".join(["open", *sorted(some)])
        components["responses"][name] = _response(status, sorted(some), guarded)
        responses[status] = {"$ref": f"#/components/responses/{name}"}


def _documented(responses: JsonObject, examples: JsonObject) -> dict[str, dict[str, None]]:
    """Return the kinds of problem that a route documents, by status; keep its examples."""
    kinds: dict[str, dict[str, None]] = {}
    for status, response in responses.items():
        content = response.get("content", {}).get(MEDIA_TYPE)
        if content:
            kind = content["example"]["type"].rpartition(":")[2]
            examples.setdefault(kind, {"value": content["example"]})
            kinds[status] = {kind: None}
    return kinds


def _response(status: str, kinds: list[str], guarded: bool) -> JsonObject:
    content = {
        "schema": {"$ref": "#/components/schemas/Problem"},
        "examples": {kind: {"$ref": f"#/components/examples/{kind}"} for kind in kinds},
    }
    return {
        "description": " ".join(TITLES[kind] for kind in kinds),
        "headers": _headers(status, guarded),
        "content": {MEDIA_TYPE: content},
    }


def _example(kind: str) -> JsonObject:
    status, title = STATUS_OF[kind], TITLES[kind]
    named = f"urn:belong:problem:{kind}"
    value = Problem(type=named, title=title, status=status, detail=EXAMPLES[kind])
    return {"value": value.model_dump()}


def _refusals(access: Access, path: str, parameters: set[str]) -> Iterator[str]:
    """Give the problems with which a request may be refused before or beside its route."""
    yield from ("too-large", "encoded", "headers", "internal")
    if path not in HEALTH:
        yield from ("overloaded", "too-slow")
    if access is not Access.OPEN:
        yield from ("no-key", "too-many", "store")
    if access not in {Access.OPEN, Access.ANY_KEY}:
        yield "scope"
    if path.startswith(HERE):
        yield "unknown"
    if access is Access.WRITE:
        yield from ("unknown-reference", "full")
    if "min_sequence" in parameters:
        yield "behind"


def _headers(status: str, guarded: bool) -> JsonObject:
    names = ["X-Request-ID"]
    if status in {"429", "503"}:
        names.append("Retry-After")
    if status == "401":
        names.append("WWW-Authenticate")
    elif guarded:
        names += ["RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"]
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
