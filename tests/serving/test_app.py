"""What the HTTP interface answers."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient

from tests.odd_world import IDS, NAME
from tests.serving.answers import (
    ANA,
    NEVER_FOR_ANA,
    NOT_PUBLIC,
    WORLD,
    ids_of,
)
from tests.serving.running import get_exactly
from tests.world import BREAD, MEMBERS, ROCKETS


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
    [
        (BREAD, {"bakers", "oven-talk"}),
        (ROCKETS, {"rocket-club", "launch-site", "left-pad", "new-pad"}),
    ],
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
        assert list(body) == [
            *("recommendation_id", "community", "version", "items", "cursor", "short")
        ]
        assert (body["short"] is None) == (kind == "groups")  # fewer than ten people may be met
        assert body["community"] == "world"
        scores = [item["score"] for item in body["items"]]
        if kind == "members":  # a slate of groups is balanced: its order is not that of scores
            assert scores == sorted(scores, reverse=True)
        for item in body["items"]:
            assert list(item) == ["id", "name", "score", "probability", "reasons", "opening"]
            assert bool(item["opening"]) == (kind == "members")
            assert item["probability"] is None, "the world is too small to calibrate on"
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
    assert client.get("/readyz").json()["communities"] == 2
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
