"""What the HTTP interface answers, and how it refuses."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.domain import MAX_TEXT
from tests.odd_world import IDS, NAME
from tests.serving.running import get_exactly, running
from tests.world import BREAD, MEMBERS, ROCKETS

WORLD = "/v1/communities/world"
ANA = WORLD + "/members/ana/recommendations"
NEVER_FOR_ANA = {"ana", "di", "ed", "fay", "gus", "hal", "ivy", "lu", "mo"}
NOT_PUBLIC = {"secret-pad", "private-pad"}
PROBLEM = "urn:belong:problem:"


@pytest.fixture(scope="module")
def client(served: Path) -> Iterator[TestClient]:
    with running(served) as client:
        yield client


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


# Right answers


def test_ana_is_offered_the_other_rocket_group_first_and_none_she_may_not_join(
    client: TestClient,
) -> None:
    found = ids_of(client.get(ANA + "/groups"))
    assert found[0] == "launch-site"
    assert not {"rocket-club", "bakers", "left-pad", "full-pad"} & set(found)
    assert not NOT_PUBLIC & set(found)


def test_ana_meets_bo_first_and_nobody_who_is_out_of_bounds(client: TestClient) -> None:
    found = ids_of(client.get(ANA + "/members"))
    assert found[0] == "bo"
    assert not NEVER_FOR_ANA & set(found)


def test_someone_closed_to_introductions_gets_groups_but_meets_nobody(client: TestClient) -> None:
    ed = WORLD + "/members/ed/recommendations"
    assert ids_of(client.get(ed + "/members")) == []
    assert "launch-site" in ids_of(client.get(ed + "/groups"))


def test_someone_of_unknown_audience_meets_nobody(client: TestClient) -> None:
    assert ids_of(client.get(WORLD + "/members/ivy/recommendations/members")) == []


def test_a_new_member_is_placed_by_their_profile(client: TestClient) -> None:
    found = ids_of(client.get(WORLD + "/members/jo/recommendations/groups"))
    assert set(found[:2]) == {"bakers", "oven-talk"}


def test_even_a_member_of_whom_nothing_is_known_gets_suggestions(client: TestClient) -> None:
    assert ids_of(client.get(WORLD + "/members/kim/recommendations/groups"))
    assert ids_of(client.get(WORLD + "/members/kim/recommendations/members"))


@pytest.mark.parametrize(
    ("text", "right"),
    [(BREAD, {"bakers", "oven-talk"}), (ROCKETS, {"rocket-club", "launch-site", "left-pad"})],
)
def test_a_newcomer_finds_groups_by_what_they_say(
    client: TestClient, text: str, right: set[str]
) -> None:
    found = ids_of(client.post(WORLD + "/recommendations/groups", json={"text": text}))
    assert set(found[:2]) <= right
    assert not NOT_PUBLIC & set(found)


def test_a_newcomer_meets_people_of_the_same_audience_band_only(client: TestClient) -> None:
    def meet(audience: str) -> list[str]:
        body = {"text": ROCKETS, "audience": audience, "limit": 100}
        return ids_of(client.post(WORLD + "/recommendations/members", json=body))

    # Neither invisible nor closed, and takes introductions.
    adults = set(MEMBERS) - {"di", "ed", "lu", "hal", "ivy"}
    assert set(meet("adult")) == adults
    assert meet("minor") == ["hal"]


@pytest.mark.parametrize("body", [{}, {"audience": None}, {"audience": ""}, {"audience": "x"}])
def test_a_newcomer_of_no_or_an_unknown_audience_meets_nobody(
    client: TestClient, body: dict[str, object]
) -> None:
    path = WORLD + "/recommendations/members"
    assert ids_of(client.post(path, json={"text": ROCKETS, **body})) == []


def test_where_a_community_has_no_bands_a_newcomer_needs_none(client: TestClient) -> None:
    path = f"/v1/communities/{quote(NAME)}/recommendations/members"
    found = ids_of(client.post(path, json={"text": ROCKETS, "limit": 100}))
    assert set(found) == set(IDS)


def test_no_answer_gives_away_what_is_not_public(client: TestClient) -> None:
    for member in MEMBERS:
        for kind in ("groups", "members"):
            answer = client.get(f"{WORLD}/members/{member}/recommendations/{kind}?limit=100")
            assert "unobtainium" not in answer.text
            assert not re.search("(secret|private)[- ]pad", answer.text, re.IGNORECASE)


def test_the_limit_cuts_the_same_slate(client: TestClient) -> None:
    whole = ids_of(client.get(ANA + "/members?limit=100"))
    assert ids_of(client.get(ANA + "/members?limit=2")) == whole[:2]
    assert len(whole) > 2


# The contract


@pytest.mark.parametrize("kind", ["groups", "members"])
def test_an_answer_has_the_shape_of_the_contract(client: TestClient, kind: str) -> None:
    answers = (
        client.get(f"{ANA}/{kind}"),
        client.post(f"{WORLD}/recommendations/{kind}", json={"text": ROCKETS}),
    )
    for answer in answers:
        assert answer.headers["content-type"] == "application/json"
        body = answer.json()
        assert list(body) == ["recommendation_id", "community", "version", "items"]
        assert body["community"] == "world"
        scores = [item["score"] for item in body["items"]]
        assert scores == sorted(scores, reverse=True)
        for item in body["items"]:
            assert list(item) == ["id", "name", "score", "reasons"]
            assert item["reasons"], "every suggestion has a reason"
            for reason in item["reasons"]:
                assert list(reason) == ["kind", "text", "evidence"]
                assert reason["kind"]
                assert reason["text"]
                assert all(isinstance(one, str) for one in reason["evidence"])


def test_two_answers_have_different_ids_and_the_same_items(client: TestClient) -> None:
    one, other = (client.get(ANA + "/groups").json() for _ in range(2))
    assert one["recommendation_id"] != other["recommendation_id"]
    assert one["items"] == other["items"]


def test_communities_are_listed_with_their_sizes(client: TestClient) -> None:
    cards = client.get("/v1/communities").json()["communities"]
    found = {card["community"]: (card["members"], card["groups"]) for card in cards}
    assert found == {"world": (14, 9), NAME: (len(IDS), len(IDS))}
    assert (
        client.get(ANA + "/groups").json()["version"]
        == {card["community"]: card["version"] for card in cards}["world"]
    )


def test_health_readiness_and_docs_answer(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json()["communities"] == sorted([NAME, "world"])
    assert client.get("/docs").status_code == 200


# Ids


@pytest.mark.parametrize("member", IDS, ids=range(len(IDS)))
def test_any_id_percent_encoded_is_found(client: TestClient, member: str) -> None:
    place = IDS.index(member)
    groups = f"/v1/communities/{quote(NAME, safe='')}/members/{quote(member, safe='')}"
    status, body = get_exactly(client.app, f"{groups}/recommendations/groups")  # type: ignore[arg-type]
    assert status == 200, body
    # The member is in the group that bears the id before theirs: it is not offered.
    offered = {item["id"] for item in body["items"]}
    assert offered
    assert offered <= set(IDS) - {IDS[place - 1]}
    status, body = get_exactly(client.app, f"{groups}/recommendations/members")  # type: ignore[arg-type]
    assert status == 200, body
    assert member not in {item["id"] for item in body["items"]}


@pytest.mark.parametrize("member", ["a/b", "100%", "🚀", "a?b=c&d", "line\nbreak", "%2F"])
def test_ordinary_clients_reach_odd_ids(client: TestClient, member: str) -> None:
    path = f"/v1/communities/{quote(NAME, safe='')}/members/{quote(member, safe='')}"
    assert ids_of(client.get(f"{path}/recommendations/groups"))


# Refusals


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
        ("GET", WORLD + "/recommendations/groups", "POST"),
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
    "path", ["/", "/v1", "/v2/communities", WORLD, ANA, ANA + "/posts", "/%ff"]
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
