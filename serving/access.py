"""What each route asks of a key. A route that is not listed is the operator's."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import Match, Route
from starlette.types import Scope

from data.store.api_key import KeyScope


class Access(StrEnum):
    """What a request needs."""

    OPEN = "open"
    ANY_KEY = "any key"
    READ = KeyScope.READ.value
    WRITE = KeyScope.WRITE.value
    HOST = KeyScope.HOST.value
    OPERATOR = KeyScope.OPERATOR.value


HERE = "/v1/communities/{community}"

ROUTES = {
    Access.OPEN: (
        "GET /healthz",
        "GET /readyz",
        "GET /docs",
        "GET /redoc",
        "GET /openapi.json",
    ),
    Access.READ: (
        "GET /v1/communities",
        f"GET {HERE}/members/{{member}}/recommendations/groups",
        f"GET {HERE}/members/{{member}}/recommendations/members",
        f"GET {HERE}/members/{{member}}/recommendations/posts",
        f"GET {HERE}/posts/{{post}}/recommendations/members",
        f"GET {HERE}/posts/unanswered",
        f"POST {HERE}/recommendations/responders",
        f"POST {HERE}/recommendations/groups",
        f"POST {HERE}/recommendations/members",
        f"POST {HERE}/recommendations/batch",
        f"POST {HERE}/rank/groups",
        f"POST {HERE}/rank/members",
    ),
    Access.WRITE: (
        f"PUT {HERE}/members/{{member}}",
        f"DELETE {HERE}/members/{{member}}",
        f"PUT {HERE}/members/{{member}}/preferences",
        f"PUT {HERE}/members/{{member}}/blocks/{{other}}",
        f"DELETE {HERE}/members/{{member}}/blocks/{{other}}",
        f"PUT {HERE}/groups/{{group}}",
        f"DELETE {HERE}/groups/{{group}}",
        f"PUT {HERE}/groups/{{group}}/members/{{member}}",
        f"DELETE {HERE}/groups/{{group}}/members/{{member}}",
        f"PUT {HERE}/posts/{{post}}",
        f"DELETE {HERE}/posts/{{post}}",
        f"POST {HERE}/changes",
        f"POST {HERE}/feedback",
    ),
    Access.HOST: (
        f"GET {HERE}/discoveries",
        f"GET {HERE}/groups/{{group}}/recommendations/members",
        f"POST {HERE}/rounds",
        f"GET {HERE}/rounds/{{round}}",
        f"POST {HERE}/rounds/{{round}}/commit",
    ),
    Access.OPERATOR: (
        "GET /metrics",
        f"GET {HERE}/members/{{member}}/export",
        f"GET {HERE}/recommendations/{{recommendation}}",
        f"GET {HERE}/erasures/{{erasure}}",
        f"POST {HERE}/members/{{member}}/reports/clear",
        f"GET {HERE}/experiments",
        f"PUT {HERE}/experiments/{{experiment}}",
        f"DELETE {HERE}/experiments/{{experiment}}",
    ),
}
"""Method and template of each route, by what it needs.

What stands in braces does not matter, save that a community is always called that: it is what the
key is held against.
"""


def nameless(route: str) -> str:
    """Return a route whatever its parameters are called, communities apart.

    >>> nameless("GET /v1/communities/{community}/erasures/{receipt}")
    'GET /v1/communities/{community}/erasures/{}'
    """
    return re.sub(r"\{(?!community\})[^}]*\}", "{}", route)


NEEDS = {nameless(route): access for access, routes in ROUTES.items() for route in routes}


def needed(method: str, template: str) -> Access:
    """Return what a request to a route needs.

    >>> needed("GET", "/healthz"), needed("PUT", "/healthz")
    (<Access.OPEN: 'open'>, <Access.OPERATOR: 'operator'>)
    """
    asked = "GET" if method == "HEAD" else method
    return NEEDS.get(nameless(f"{asked} {template}"), Access.OPERATOR)


def unlisted(app: FastAPI) -> list[str]:
    """Return the routes of an app that no line of `ROUTES` is about: they are the operator's."""
    return sorted(
        f"{method} {template_of(route)}"
        for route in app.router.routes
        for method in sorted(getattr(route, "methods", None) or {"?"})
        if method != "HEAD" and nameless(f"{method} {template_of(route)}") not in NEEDS
    )


@dataclass(frozen=True, slots=True)
class Chosen:
    """The route that will answer a request.

    Attributes:
        template: Its path with the names of its parameters; '' if no route matches, and "?", which
            is never listed, for what is neither a path nor an endpoint, such as a mounted app.
        access: What it needs. A path or a method that is not there needs any key: it is said to
            be absent to whom it may concern.
        community: The community in its path, None if it is of none.
    """

    template: str = ""
    access: Access = Access.ANY_KEY
    community: str | None = None


def chosen_route(app: FastAPI, scope: Scope) -> Chosen:
    """Return what will answer, by asking the very routes the app will ask, in their order."""
    partly = Chosen()
    for route in app.router.routes:
        match, found = route.matches(scope)
        if match is Match.NONE:
            continue
        template, community = template_of(route), found.get("path_params", {}).get("community")
        access = needed(scope["method"], template)
        if match is Match.FULL:
            return Chosen(template, access, community)
        if not partly.template:
            access = access if scope["method"] == "HEAD" else Access.ANY_KEY
            partly = Chosen(template, access, community)
    return partly


def template_of(route: object) -> str:
    """Return a route's path with the names of its parameters, "?" if it has none of its own."""
    return route.path_format if isinstance(route, APIRoute | Route) else "?"
