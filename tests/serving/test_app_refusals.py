"""How the HTTP interface refuses: always a problem, never a fault of the server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import quote

import httpx2
import pytest
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.domain import MAX_TEXT
from tests.serving.answers import (
    ANA,
    PROBLEM,
    WORLD,
    assert_problem,
    ids_of,
)


@pytest.mark.parametrize("member", ["nobody", "", "ANA", "ana ", "é" * 5_000, "\x00", "ana/x"])
@pytest.mark.parametrize("kind", ["groups", "members"])
def test_an_unknown_member_is_404(client: TestClient, member: str, kind: str) -> None:
    path = f"{WORLD}/members/{quote(member, safe='')}/recommendations/{kind}"
    assert_problem(client.get(path), 404, "unknown")


@pytest.mark.parametrize("name", ["nowhere", "%2e%2e", "..%2Fworld", "World", "%00", "x" * 9_000])
def test_an_unknown_community_is_404(client: TestClient, name: str) -> None:
    path = f"/v1/communities/{name}"
    assert_problem(client.get(f"{path}/members/ana/recommendations/groups"), 404, "unknown")
    text = {"text": "x"}
    assert_problem(client.post(f"{path}/recommendations/groups", json=text), 404, "unknown")


@pytest.mark.parametrize("limit", ["0", "-1", "101", str(10**9), "9" * 5_000, "x", "", "1.5", "∞"])
def test_a_limit_out_of_range_is_422_and_named(client: TestClient, limit: str) -> None:
    answer = client.get(ANA + "/groups", params={"limit": limit})
    assert "limit" in assert_problem(answer, 422, "invalid")["detail"]


@pytest.mark.parametrize("mistyped", ["limi", "max_sizes", "Limit", "exclude[]"])
def test_a_mistyped_parameter_is_refused_and_named(client: TestClient, mistyped: str) -> None:
    answer = client.get(ANA + "/groups", params={mistyped: "3", "limit": 2})
    assert mistyped in assert_problem(answer, 422, "invalid")["detail"]
    for looked_at_by_probes in ("/healthz", "/readyz"):
        assert client.get(looked_at_by_probes, params={mistyped: 1}).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"text": None},
        {"text": 7},
        {"text": ["x"]},
        {"text": "x" * (MAX_TEXT + 1)},
        {"text": "x", "limit": 0},
        {"text": "x", "limit": 10**9},
        {"text": "x", "limit": "x"},
        {"text": "x", "extra": 1},
        {"text": "x", "audience": 1},
        [],
        "x",
        None,
    ],
    ids=lambda body: json.dumps(body)[:30],
)
def test_a_body_with_a_wrong_field_is_422(client: TestClient, body: object) -> None:
    answer = client.post(WORLD + "/recommendations/members", json=body)
    assert_problem(answer, 422, "invalid")


def test_groups_know_no_audience(client: TestClient) -> None:
    body = {"text": "x", "audience": "adult"}
    answer = client.post(WORLD + "/recommendations/groups", json=body)
    assert "audience" in assert_problem(answer, 422, "invalid")["detail"]


@pytest.mark.parametrize(
    "body",
    [
        b"not json",
        b'{"text": "x"',
        b'{"text": "\xff"}',  # not UTF-8
        b"[" * 100_000,  # deeper than can be read
        b'{"text": "x", "limit": ' + b"9" * 5_000 + b"}",  # longer than numbers are read
    ],
    ids=["words", "cut off", "not utf-8", "deep", "long number"],
)
def test_a_body_that_cannot_be_read_as_json_is_400(client: TestClient, body: bytes) -> None:
    answer = client.post(
        WORLD + "/recommendations/groups",
        content=body,
        headers={"content-type": "application/json"},
    )
    assert_problem(answer, 400, "not-json")


def test_no_body_at_all_is_422(client: TestClient) -> None:
    assert_problem(client.post(WORLD + "/recommendations/groups"), 422, "invalid")


def test_a_body_not_called_json_is_422(client: TestClient) -> None:
    path = WORLD + "/recommendations/groups"
    answer = client.post(path, content=b'{"text": "x"}', headers={"content-type": "text/plain"})
    assert_problem(answer, 422, "invalid")


@pytest.mark.parametrize("body", [b'{"text": "\\ud800"}', b'{"text": "x", "\\ud800": 1}'])
def test_half_a_sign_is_422_wherever_it_stands(client: TestClient, body: bytes) -> None:
    answer = client.post(
        WORLD + "/recommendations/groups",
        content=body,
        headers={"content-type": "application/json"},
    )
    assert_problem(answer, 422, "invalid")


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n",
        "🚀🧑‍🚀",
        "\x00\x07\x1b[31m",
        "\u202e\u200b\ufeff",
        "ﷺ" * 500,
        "x" * MAX_TEXT,
        "?!." * 99,
    ],
)
@pytest.mark.parametrize("kind", ["groups", "members"])
def test_any_text_is_answered(client: TestClient, text: str, kind: str) -> None:
    body = {"text": text} | ({"audience": "adult"} if kind == "members" else {})
    assert ids_of(client.post(f"{WORLD}/recommendations/{kind}", json=body))


@pytest.mark.parametrize("announced", [True, False])
def test_a_body_of_ten_megabytes_is_413_announced_or_not(
    client: TestClient, announced: bool
) -> None:
    piece = b"x" * 100_000
    content: bytes | Iterator[bytes] = piece * 100 if announced else (piece for _ in range(100))
    answer = client.post(
        WORLD + "/recommendations/groups",
        content=content,
        headers={"content-type": "application/json"},
    )
    assert ("content-length" in answer.request.headers) == announced
    assert_problem(answer, 413, "too-large")


def test_an_absurd_length_is_413(client: TestClient) -> None:
    headers = {"content-length": "9" * 5_000}
    answer = client.post(WORLD + "/recommendations/groups", content=b"{}", headers=headers)
    assert_problem(answer, 413, "too-large")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", ANA + "/groups", "GET"),
        ("DELETE", ANA + "/members", "GET"),
        ("PUT", "/v1/communities", "GET"),
        ("POST", "/healthz", "GET"),
    ],
)
def test_another_method_is_405_and_the_right_one_is_named(
    client: TestClient, method: str, path: str, allowed: str
) -> None:
    answer = client.request(method, path)
    assert_problem(answer, 405, "method")
    assert answer.headers["allow"] == allowed


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v2/communities", WORLD, ANA, ANA + "/likes", "/%ff"]
)
def test_an_unknown_path_is_404(client: TestClient, path: str) -> None:
    assert_problem(client.get(path), 404, "unknown")


# Whatever is asked

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
FIELDS = st.fixed_dictionaries(
    {},
    optional={"text": st.text() | JSON, "limit": st.integers() | JSON, "audience": JSON, "x": JSON},
)
KINDS = st.sampled_from(["groups", "members"])


def encoded(value: str | bytes) -> str:
    return quote(value.encode("utf-8", "replace") if isinstance(value, str) else value, safe="")


def assert_answer_or_problem(answer: httpx2.Response) -> None:
    assert answer.status_code in {200, 400, 404, 422}, answer.text
    if answer.status_code != 200:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["type"].startswith(PROBLEM)


@settings(max_examples=150, deadline=None)
@given(member=st.text() | st.binary(), limit=st.integers() | st.text(), kind=KINDS)
def test_no_id_or_limit_is_a_fault_of_the_server(
    client: TestClient, member: str | bytes, limit: int | str, kind: str
) -> None:
    path = f"{WORLD}/members/{encoded(member)}/recommendations/{kind}"
    assert_answer_or_problem(client.get(f"{path}?limit={encoded(str(limit))}"))


@settings(max_examples=150, deadline=None)
@given(
    body=st.binary() | (FIELDS | JSON).map(lambda fields: json.dumps(fields).encode()), kind=KINDS
)
def test_no_body_is_a_fault_of_the_server(client: TestClient, body: bytes, kind: str) -> None:
    headers = {"content-type": "application/json"}
    path = f"{WORLD}/recommendations/{kind}"
    assert_answer_or_problem(client.post(path, content=body, headers=headers))
