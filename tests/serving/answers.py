"""Where the world is served, and what an answer and a problem must look like."""

from __future__ import annotations

from typing import Any

import httpx2

WORLD = "/v1/communities/world"
ANA = WORLD + "/members/ana/recommendations"
NEVER_FOR_ANA = {"ana", "di", "ed", "fay", "gus", "hal", "ivy", "lu", "mo"}
NOT_PUBLIC = {"secret-pad", "private-pad"}
PROBLEM = "urn:belong:problem:"


def ids_of(answer: httpx2.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["items"]]


def assert_problem(answer: httpx2.Response, status: int, kind: str) -> dict[str, Any]:
    """Check RFC 9457: media type, a stable type, and the status in both places."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert set(body) == {"type", "title", "status", "detail"}
    assert (body["type"], body["status"]) == (PROBLEM + kind, status)
    assert body["title"]
    assert body["detail"]
    return body
