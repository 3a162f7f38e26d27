"""No answer of any endpoint holds an id, a name or a word of what its viewer may not see.

Which endpoints there are is read from the document, so that a new one fails here until it has a
line in `CASES`, or in `TOLD_TO_NOBODY` with the reason why it tells no viewer of anybody.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from data.store.connect import open_store
from data.store.import_export import import_community
from engine.columns import Links, Profiles
from engine.live import Overlay
from engine.snapshot import DiscoveryColumns, Snapshot
from engine.types import Rows
from serving.app import create_app
from serving.communities import Communities
from serving.live import Live
from serving.metrics import Metrics
from serving.openapi import document
from serving.outline import Outline
from serving.settings import ServeSettings
from tests.builders import make
from tests.hidden_worlds import Looked, hidden_tables, leaked, open_tables
from tests.live_facts import bundle_of, facts_between
from tests.random_community import HIDDEN_WORDS, TOPICS
from tests.reason_facts import Facts
from tests.serving.running import wait_until
from tests.world import NOW, world

EXAMPLES = int(os.environ.get("BELONG_EXAMPLES", "10"))

SETS = 6
"""Sets of people who might found a group."""

MOST_MEMBERS = 17
"""More than any of the communities has."""

HERE = "/v1/communities/town"
C = "/v1/communities/{community}"


@dataclass(frozen=True)
class Asking:
    """A client, what is true of the community, and whom to ask for."""

    client: TestClient
    facts: Facts
    chance: np.random.Generator

    def members(self) -> Iterator[tuple[str, Looked]]:
        """Yield the ids of a few members, and what each of them may see."""
        count = len(self.facts.members)
        for row in self.chance.choice(count, min(4, count), replace=False).tolist():
            yield str(self.facts.members[row]["id"]), Looked(self.facts, row)

    def groups(self) -> Iterator[tuple[str, Looked]]:
        """Yield the ids of a few groups, and what the host of each may see."""
        count = len(self.facts.groups)
        for row in self.chance.choice(count, min(3, count), replace=False).tolist():
            yield str(self.facts.groups[row]["id"]), Looked(self.facts, hosts=row)

    def ids(self, table: str) -> list[str]:
        return [str(row["id"]) for row in getattr(self.facts, table)]

    def get(self, path: str, **query: Any) -> Any:  # noqa: ANN401
        return self._said(self.client.get(HERE + path, params=query))

    def post(self, path: str, body: dict[str, Any]) -> Any:  # noqa: ANN401
        return self._said(self.client.post(HERE + path, json=body))

    def _said(self, answer: Any) -> Any:  # noqa: ANN401
        assert answer.status_code == 200, answer.text
        return answer.json()


Answers = Iterator[tuple[Looked, Any]]
Case = Callable[[Asking], Answers]

TEXTS = [f"{topic}, {', '.join(words)}, {HIDDEN_WORDS[topic]}" for topic, words in TOPICS.items()]


def of_member(what: str) -> Case:
    """Return the case of something that is suggested to a member."""

    def ask(asking: Asking) -> Answers:
        for member, looked in asking.members():
            yield looked, asking.get(f"/members/{member}/recommendations/{what}", limit=25)

    return ask


def ranked(what: str) -> Case:
    """Return the case of candidates, all there are, that are ordered for a member."""

    def ask(asking: Asking) -> Answers:
        for member, looked in asking.members():
            body = {"member": member, "candidates": asking.ids(what)}
            answer = asking.post(f"/rank/{what}", body)
            del answer["left_out"]  # what the caller has named, and does not come
            yield looked, answer

    return ask


def for_many(asking: Asking) -> Answers:
    for purpose in ("groups", "members"):
        viewers = dict(asking.members())
        body = {"members": list(viewers), "purpose": purpose, "limit": 25}
        for answer in asking.post("/recommendations/batch", body)["answers"]:
            looked = viewers[answer["member"]]
            yield looked, answer["slate"]


def of_text(what: str) -> Case:
    """Return the case of something that is suggested to somebody new."""

    def ask(asking: Asking) -> Answers:
        for text in TEXTS:
            for band in (None, "adult", "minor") if what == "members" else (None,):
                told = {} if band is None else {"audience": band}
                answer = asking.post(f"/recommendations/{what}", {"text": text, "limit": 25} | told)
                yield Looked(asking.facts, band=band), answer

    return ask


def of_host(asking: Asking) -> Answers:
    for group, looked in asking.groups():
        yield looked, asking.get(f"/groups/{group}/recommendations/members", limit=25)


def of_post(asking: Asking) -> Answers:
    count = len(asking.facts.posts)
    for row in asking.chance.choice(count, min(10, count), replace=False).tolist():
        post = asking.facts.posts[row]
        answer = asking.client.get(f"{HERE}/posts/{post['id']}/recommendations/members?limit=10")
        if not post["public"]:
            assert answer.status_code == 404, answer.text
        if answer.status_code == 200:  # it lives still
            for author, wrote in asking.facts.wrote:
                if wrote == row:
                    yield Looked(asking.facts, author), answer.json()


def of_question(asking: Asking) -> Answers:
    groups = [str(row["id"]) for row in asking.facts.groups if row["visibility"] == "public"]
    for text in TEXTS:
        body = {"text": text, "limit": 10, "groups": groups}
        for band in (None, "adult", "minor"):
            told = {} if band is None else {"audience": band}
            answer = asking.post("/recommendations/responders", body | told)
            yield Looked(asking.facts, band=band), answer
        for member, looked in asking.members():
            yield looked, asking.post("/recommendations/responders", body | {"member": member})


def unanswered(asking: Asking) -> Answers:
    yield Looked(asking.facts), asking.get("/posts/unanswered", limit=25)
    for member, looked in asking.members():
        yield looked, asking.get("/posts/unanswered", limit=25, member=member)


def planned(asking: Asking) -> Answers:
    """A plan is the host's: it tells who opted in, and each of them why another."""
    for body in ({"members": "all"}, {"members": "all", "size": 3}):
        card = asking.post("/rounds", body)
        for shown in (card, asking.get(f"/rounds/{card['id']}")):
            for match in shown.pop("matches"):
                for why in match["reasons"]:
                    viewer = asking.ids("members").index(why["member"])
                    yield Looked(asking.facts, viewer), why
            yield Looked(asking.facts, rounds=True), shown


def discovered(asking: Asking) -> Answers:
    yield Looked(asking.facts), asking.get("/discoveries", limit=25)


CASES: dict[str, Case] = {
    f"GET {C}/members/{{member}}/recommendations/groups": of_member("groups"),
    f"GET {C}/members/{{member}}/recommendations/members": of_member("members"),
    f"GET {C}/groups/{{group}}/recommendations/members": of_host,
    f"POST {C}/recommendations/batch": for_many,
    f"POST {C}/recommendations/groups": of_text("groups"),
    f"POST {C}/recommendations/members": of_text("members"),
    f"POST {C}/rank/groups": ranked("groups"),
    f"POST {C}/rank/members": ranked("members"),
    f"GET {C}/members/{{member}}/recommendations/posts": of_member("posts"),
    f"GET {C}/posts/{{post}}/recommendations/members": of_post,
    f"POST {C}/recommendations/responders": of_question,
    f"GET {C}/posts/unanswered": unanswered,
    f"POST {C}/rounds": planned,
    f"GET {C}/discoveries": discovered,
}
"""How each endpoint that tells a viewer of others is asked, and on whose behalf."""

TOLD_TO_NOBODY = {
    "GET /healthz": "the process",
    "GET /readyz": "the process",
    "GET /metrics": "the operator",
    "GET /v1/communities": "the platform, whose members and groups they are; no name, no id",
    f"GET {C}/members/{{member}}/export": "a member's own data, all of it",
    f"GET {C}/recommendations/{{recommendation}}": "the operator",
    f"GET {C}/erasures/{{erasure}}": "the operator",
    f"GET {C}/experiments": "the operator",
    f"POST {C}/changes": "how far the log has come",
    f"GET {C}/rounds/{{round}}": "asked in the case of planning one",
    f"POST {C}/rounds/{{round}}/commit": "what the same round answers when it is looked at",
    f"POST {C}/feedback": "how far the log has come",
    f"POST {C}/members/{{member}}/reports/clear": "how far the log has come",
}
"""Endpoints that answer no viewer, and to whom or of what they do."""


def with_discoveries(snapshot: Snapshot, seed: int) -> Snapshot:
    """Return a snapshot in which any people, also hidden ones, should found a group of theirs."""
    chance = np.random.default_rng(seed)
    people, words = len(snapshot.members.ids), len(snapshot.vocabulary)
    sets = [chance.choice(people, min(people, 9), replace=False) for _ in range(SETS)]
    terms = [chance.choice(words, min(words, 5), replace=False) for _ in range(SETS)]
    axes = np.eye(snapshot.term_vectors.shape[1], dtype=np.float32)
    found = DiscoveryColumns(
        founders=_linked(sets),
        terms=_linked(terms),
        centres=Profiles.of(len(axes), [(axes[[row % 3]], np.ones(1)) for row in range(SETS)]),
        scores=np.ones(SETS, np.float32),
    )
    return replace(snapshot, discoveries=found)


def _linked(rows: list[Rows]) -> Links:
    sources = np.repeat(np.arange(len(rows)), [len(some) for some in rows])
    return Links.of(len(rows), sources, np.concatenate(rows))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestClient, Communities]]:
    """A client of an application, and what answers in it, which is put there by the tests."""
    empty = tmp_path_factory.mktemp("empty")
    communities = Communities(empty, Metrics())
    path = tmp_path_factory.mktemp("store") / "belong.sqlite3"
    # Rounds are kept for members there are: of these ids there is one in every community.
    everybody = make([f"idm{row}x" for row in range(MOST_MEMBERS)], ["g"])
    with closing(open_store(path)) as store:
        import_community(store, replace(everybody, name="town"), NOW)
    settings_ = ServeSettings(empty, poll_s=3600, patience_s=0, store=str(path))
    app = create_app(settings_, answering=communities)
    with TestClient(app, raise_server_exceptions=False) as client:
        wait_until(communities.looked.is_set)
        yield client, communities


def test_every_endpoint_has_its_case() -> None:
    paths = json.loads(document())["paths"]
    told = {
        f"{method.upper()} {path}"
        for path, methods in paths.items()
        for method in methods
        if method in {"get", "post"}
    }
    assert told == {*CASES, *TOLD_TO_NOBODY}


@settings(
    max_examples=EXAMPLES,
    phases=[Phase.explicit, Phase.generate],  # a smaller seed is no smaller community
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(seed=st.integers(0, 2**32 - 1), hidden_later=st.booleans())
def test_no_answer_holds_what_its_viewer_may_not_see(
    served: tuple[TestClient, Communities], seed: int, hidden_later: bool
) -> None:
    for endpoint, looked, answer in every_answer(served, seed, hidden_later):
        found = leaked(json.dumps(answer, ensure_ascii=False), looked.unseen())
        assert not found, f"{endpoint} tells {looked.viewer} of {found}: {answer}"


def test_no_case_above_stands_idle(served: tuple[TestClient, Communities]) -> None:
    idle = set(CASES)
    for seed in range(20):
        for endpoint, _, answer in every_answer(served, seed, hidden_later=False):
            if '"reasons": [{' in json.dumps(answer) or '"authors": ["' in json.dumps(answer):
                idle.discard(endpoint)
        if not idle:
            return
    raise AssertionError(f"nobody is told anything by {idle}")


def every_answer(
    served: tuple[TestClient, Communities], seed: int, hidden_later: bool
) -> Iterator[tuple[str, Looked, Any]]:
    """Yield what every endpoint answers in a community, and on whose behalf it was asked.

    Args:
        served: A client, and what answers.
        seed: Draws the community.
        hidden_later: Whether all was public when the bundle was made.
    """
    client, communities = served
    tables = hidden_tables(seed)
    here = world(tables)
    bundle = bundle_of(with_discoveries(here.snapshot, seed))
    if hidden_later:
        before = world(open_tables(tables))
        changed = facts_between(before.community, here.community)
        bundle = Overlay(bundle_of(with_discoveries(before.snapshot, seed))).take_in(changed).bundle
    communities.residents.put(Outline("town", Path()), Live("town", bundle, None))
    asking = Asking(client, Facts(here), np.random.default_rng(seed))
    for endpoint, case in CASES.items():
        for looked, answer in case(asking):
            yield endpoint, looked, answer
