"""Who might answer, what waits for an answer and what to join, over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.serving.answers import NEVER_FOR_ANA, assert_problem, ids_of
from tests.serving.test_changes import HERE, done, prepared, serving

pytestmark = pytest.mark.alone

NEW = {"members": ["ana"], "groups": ["rocket-club"], "text": "Which igniter for my rocket?"}


@pytest.fixture(scope="module")
def live(world_bundles: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """The world, to be changed: each test writes posts of its own."""
    with serving(prepared(world_bundles, tmp_path_factory.mktemp("live"))) as client:
        yield client


def responders(client: TestClient, post: str, **query: Any) -> Any:  # noqa: ANN401
    return client.get(f"{HERE}/posts/{post}/recommendations/members", params=query)


def unanswered(client: TestClient, **query: Any) -> list[str]:  # noqa: ANN401
    return ids_of(client.get(f"{HERE}/posts/unanswered", params={"limit": 100, **query}))


def test_a_slate_of_responders_has_an_id_and_reasons(live: TestClient) -> None:
    answer = responders(live, "p0")
    assert 3 <= len(ids_of(answer)) <= 5
    assert answer.json()["recommendation_id"]
    assert all(item["reasons"] for item in answer.json()["items"])
    # Mo knows Ana already, which is no reason not to ask him.
    assert not set(ids_of(responders(live, "p0", limit=10))) & (NEVER_FOR_ANA - {"mo"})


@pytest.mark.parametrize("post", ["p13", "nothing", "p0%2F..", "unanswered"])
def test_a_private_post_is_as_unknown_as_one_that_is_not_there(live: TestClient, post: str) -> None:
    assert_problem(responders(live, post), 404, "unknown")


@pytest.mark.parametrize("query", [{"limit": 2}, {"limit": 11}, {"filter": "x"}])
def test_a_query_that_makes_no_sense_is_refused(live: TestClient, query: dict[str, Any]) -> None:
    assert_problem(responders(live, "p0", **query), 422, "invalid")


def test_a_post_is_answered_for_and_waits_until_it_is_answered(live: TestClient) -> None:
    seq = done(live.put(f"{HERE}/posts/n1", json=NEW))
    assert "bo" in ids_of(responders(live, "n1", min_sequence=seq, limit=10))
    assert "n1" in unanswered(live)
    reply = {"members": ["bo"], "groups": ["rocket-club"], "text": "This one.", "parent": "n1"}
    seq = done(live.put(f"{HERE}/posts/n1-a", json=reply))
    assert "n1" not in unanswered(live, min_sequence=seq)
    assert "bo" not in ids_of(responders(live, "n1", limit=10)), "he has answered it"
    seq = done(live.delete(f"{HERE}/posts/n1-a"))
    assert "n1" in unanswered(live, min_sequence=seq)


def test_a_deleted_or_closed_post_is_nowhere_from_the_next_answer_on(live: TestClient) -> None:
    for restrict in ("delete", "close"):
        post = f"n2-{restrict}"
        seq = done(live.put(f"{HERE}/posts/{post}", json=NEW))
        assert post in unanswered(live, min_sequence=seq)
        if restrict == "delete":
            done(live.delete(f"{HERE}/posts/{post}"))
        else:
            done(live.put(f"{HERE}/posts/{post}", json=NEW | {"visibility": "private"}))
        assert post not in unanswered(live)
        assert_problem(responders(live, post), 404, "unknown")


def test_a_member_is_led_to_what_they_have_not_seen(live: TestClient) -> None:
    seq = done(live.put(f"{HERE}/posts/n3", json=NEW))
    answer = live.get(
        f"{HERE}/members/bo/recommendations/posts", params={"limit": 50, "min_sequence": seq}
    )
    (item,) = (one for one in answer.json()["items"] if one["id"] == "n3")
    assert item["authors"] == ["ana"]
    assert item["groups"] == ["rocket-club"]
    assert item["voices"] == 0
    assert item["reasons"]
    done(live.put(f"{HERE}/members/ana/blocks/bo"))
    answer = live.get(f"{HERE}/members/bo/recommendations/posts", params={"limit": 50})
    assert "n3" not in ids_of(answer)
    assert "n3" not in unanswered(live, member="bo")
    assert "n3" in unanswered(live, member="nia")
    assert "bo" not in ids_of(responders(live, "n3", limit=10))
    seq = done(live.delete(f"{HERE}/members/ana/blocks/bo"))
    assert "n3" in unanswered(live, member="bo", min_sequence=seq)


def ask(client: TestClient, **body: Any) -> Any:  # noqa: ANN401
    return client.post(f"{HERE}/recommendations/responders", json=body)


def test_a_text_is_answered_for_before_it_is_posted(live: TestClient) -> None:
    told = {"title": "Igniter", "text": "My rocket does not start", "limit": 10}
    found = ids_of(ask(live, **told, member="ana", groups=["rocket-club"]))
    assert "bo" in found
    assert not set(found) & (NEVER_FOR_ANA - {"mo"})
    assert ids_of(ask(live, **told, audience="minor")) == ["hal"]
    assert ids_of(ask(live, **told)) == []
    assert_problem(ask(live, **told, groups=["secret-pad"]), 404, "unknown")
    assert_problem(ask(live, **told, member="nobody"), 404, "unknown")
    assert_problem(ask(live, **told, likes=3), 422, "invalid")
