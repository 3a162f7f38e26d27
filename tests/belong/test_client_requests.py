"""What the client sends."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from belong.client import (
    Arm,
    Block,
    Client,
    DeleteGroup,
    DeleteMember,
    DeletePost,
    Event,
    Feedback,
    Group,
    GroupFilters,
    ItemKind,
    Join,
    Leave,
    ManyAcknowledged,
    MemberFilters,
    Post,
    Preferences,
    Profile,
    PutGroup,
    PutMember,
    PutPost,
    PutPreferences,
    RefusedError,
    Unblock,
    asking,
    overseeing,
    telling,
)
from belong.client.call import Call
from tests.belong.client_wire import BOTH, KEY, Send, Wire, by_waiting, done, problem

TOWN = "/api/v1/communities/town"

SENT: list[tuple[Call[Any], str, str, Any]] = [
    (overseeing.communities(), "GET", "/api/v1/communities", None),
    (
        asking.groups_for("town", "ana", 3, 9),
        "GET",
        f"{TOWN}/members/ana/recommendations/groups?limit=3&min_sequence=9",
        None,
    ),
    (
        asking.members_for("town", "ana"),
        "GET",
        f"{TOWN}/members/ana/recommendations/members?limit=10&min_sequence=0",
        None,
    ),
    (
        asking.groups_for_text("town", "I bake"),
        "POST",
        f"{TOWN}/recommendations/groups",
        {"text": "I bake", "limit": 10},
    ),
    (
        asking.members_for_text("town", "I bake", 2, "adult"),
        "POST",
        f"{TOWN}/recommendations/members",
        {"text": "I bake", "limit": 2, "audience": "adult"},
    ),
    (telling.put_member("town", "ana", Profile()), "PUT", f"{TOWN}/members/ana", {}),
    (
        telling.put_member("town", "ana", Profile(name="Ana", created_ts=1.5)),
        "PUT",
        f"{TOWN}/members/ana",
        {"name": "Ana", "created_ts": 1.5},
    ),
    (telling.delete_member("town", "ana"), "DELETE", f"{TOWN}/members/ana", None),
    (
        telling.put_preferences("town", "ana", Preferences(False, muted_groups=())),
        "PUT",
        f"{TOWN}/members/ana/preferences",
        {"discoverable": False, "muted_groups": []},
    ),
    (telling.block("town", "ana", "bo"), "PUT", f"{TOWN}/members/ana/blocks/bo", None),
    (telling.unblock("town", "ana", "bo"), "DELETE", f"{TOWN}/members/ana/blocks/bo", None),
    (
        telling.put_group("town", "bakers", Group("Bakers", capacity=12)),
        "PUT",
        f"{TOWN}/groups/bakers",
        {"name": "Bakers", "capacity": 12},
    ),
    (telling.delete_group("town", "bakers"), "DELETE", f"{TOWN}/groups/bakers", None),
    (telling.join("town", "ana", "bakers"), "PUT", f"{TOWN}/groups/bakers/members/ana", {}),
    (
        telling.join("town", "ana", "bakers", 5),
        "PUT",
        f"{TOWN}/groups/bakers/members/ana",
        {"first_ts": 5},
    ),
    (telling.leave("town", "ana", "bakers"), "DELETE", f"{TOWN}/groups/bakers/members/ana", None),
    (
        telling.put_post("town", "p1", Post(("ana",), ("bakers",), text="hi")),
        "PUT",
        f"{TOWN}/posts/p1",
        {"members": ["ana"], "groups": ["bakers"], "participants": [], "text": "hi"},
    ),
    (telling.delete_post("town", "p1"), "DELETE", f"{TOWN}/posts/p1", None),
    (
        telling.feedback("town", [Feedback("r1", "ana", "bakers", ItemKind.GROUP, Event.JOINED)]),
        "POST",
        f"{TOWN}/feedback",
        [
            {
                "recommendation_id": "r1",
                "member": "ana",
                "item": "bakers",
                "item_kind": "group",
                "event": "joined",
            }
        ],
    ),
    (
        asking.groups_for(
            "town",
            "ana",
            filters=GroupFilters("en", "York", ("a&b", "c d"), min_size=0, max_size=9),
            again="r1",
        ),
        "GET",
        f"{TOWN}/members/ana/recommendations/groups?limit=10&min_sequence=0&again=r1"
        "&language=en&place=York&exclude=a%26b&exclude=c+d&min_size=0&max_size=9",
        None,
    ),
    (
        asking.members_for("town", "ana", filters=MemberFilters(exclude=("\ud800",))),
        "GET",
        f"{TOWN}/members/ana/recommendations/members?limit=10&min_sequence=0&exclude=%ED%A0%80",
        None,
    ),
    (
        asking.members_first_page("town", "ana", 20, filters=MemberFilters(place="York")),
        "GET",
        f"{TOWN}/members/ana/recommendations/members?limit=20&min_sequence=0&pages=true&place=York",
        None,
    ),
    (
        asking.groups_next_page("town", "ana", "c0.20", 20),
        "GET",
        f"{TOWN}/members/ana/recommendations/groups?limit=20&min_sequence=0&cursor=c0.20",
        None,
    ),
    (
        asking.groups_for_text("town", "hi", filters=GroupFilters(exclude=("g1",), max_size=9)),
        "POST",
        f"{TOWN}/recommendations/groups",
        {"text": "hi", "limit": 10, "exclude": ["g1"], "max_size": 9},
    ),
    (
        asking.members_for_many("town", ("ana", "bo"), 3, 9),
        "POST",
        f"{TOWN}/recommendations/batch?min_sequence=9",
        {"members": ["ana", "bo"], "purpose": "members", "limit": 3},
    ),
    (
        asking.rank_members("town", "ana", {"bo": 1}, 9),
        "POST",
        f"{TOWN}/rank/members?min_sequence=9",
        {"member": "ana", "candidates": ["bo"]},
    ),
    (
        asking.members_to_invite("town", "bakers", 3),
        "GET",
        f"{TOWN}/groups/bakers/recommendations/members?limit=3&min_sequence=0",
        None,
    ),
    (overseeing.replay("town", "r/1"), "GET", f"{TOWN}/recommendations/r%2F1", None),
    (overseeing.clear_reports("town", "ana"), "POST", f"{TOWN}/members/ana/reports/clear", None),
    (overseeing.experiments("town"), "GET", f"{TOWN}/experiments", None),
    (
        overseeing.put_experiment("town", "small", [Arm("usual"), Arm("half", 2, intimacy=1)]),
        "PUT",
        f"{TOWN}/experiments/small",
        {"arms": [{"name": "usual", "weight": 1.0}, {"name": "half", "weight": 2, "intimacy": 1}]},
    ),
    (overseeing.end_experiment("town", "small"), "DELETE", f"{TOWN}/experiments/small", None),
    (overseeing.erasure("town", "e1"), "GET", f"{TOWN}/erasures/e1", None),
    (overseeing.export_member("town", "ana"), "GET", f"{TOWN}/members/ana/export", None),
]


@pytest.mark.parametrize("send", BOTH)
@pytest.mark.parametrize(("call", "method", "target", "body"), SENT)
def test_each_call_is_sent_to_its_path_with_its_body(
    send: Send,
    call: Call[Any],
    method: str,
    target: str,
    body: Any,  # noqa: ANN401
) -> None:
    wire = Wire(problem(418, "teapot"))
    with pytest.raises(RefusedError):
        send(wire, call)
    request = wire.request
    assert (request.method, request.url.raw_path.decode()) == (method, target)
    assert (json.loads(request.content) if request.content else None) == body
    assert ("content-type" in request.headers) is (body is not None)
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert len(request.headers["x-request-id"]) == 32


@pytest.mark.parametrize("send", BOTH)
def test_many_changes_are_sent_a_line_each(send: Send) -> None:
    changes = [
        PutMember("ana", Profile(text="line\nbreak")),
        PutPreferences("ana", Preferences(weekly_introductions=2)),
        PutGroup("bakers", Group(visibility="private")),
        PutPost("p1", Post(("ana",))),
        Join("ana", "bakers", 5),
        Leave("ana", "bakers"),
        Block("ana", "bo"),
        Unblock("ana", "bo"),
        DeletePost("p1"),
        DeleteGroup("bakers"),
        DeleteMember("ana"),
    ]
    wire = Wire(done({"sequence": 9, "changes": 11, "repeated": False}))
    answer = send(wire, telling.send_changes("town", changes, "mine"))
    assert answer == ManyAcknowledged(9, 11, repeated=False)
    assert wire.request.headers["idempotency-key"] == "mine"
    assert wire.request.headers["content-type"] == "application/x-ndjson"
    assert [json.loads(line) for line in wire.request.content.split(b"\n")] == [
        {"change": "put_member", "member": "ana", "text": "line\nbreak"},
        {"change": "put_preferences", "member": "ana", "weekly_introductions": 2},
        {"change": "put_group", "group": "bakers", "visibility": "private"},
        {
            "change": "put_post",
            "post": "p1",
            "members": ["ana"],
            "groups": [],
            "participants": [],
        },
        {"change": "put_membership", "member": "ana", "group": "bakers", "first_ts": 5},
        {"change": "delete_membership", "member": "ana", "group": "bakers"},
        {"change": "put_block", "member": "ana", "other": "bo"},
        {"change": "delete_block", "member": "ana", "other": "bo"},
        {"change": "delete_post", "id": "p1"},
        {"change": "delete_group", "id": "bakers"},
        {"change": "delete_member", "id": "ana"},
    ]


@pytest.mark.parametrize(
    ("member", "segment"),
    [
        ("a/b", "a%2Fb"),
        ("..", "%2E%2E"),
        (".", "%2E"),
        ("a?b#c", "a%3Fb%23c"),
        ("%2F", "%252F"),
        ("é ü", "%C3%A9%20%C3%BC"),
        ("\ud800", "%ED%A0%80"),
        ("", ""),
    ],
)
def test_an_id_is_one_segment_whatever_it_looks_like(member: str, segment: str) -> None:
    wire = Wire(done())
    by_waiting(wire, telling.block("town", member, "bo"))
    assert wire.request.url.raw_path.decode() == f"{TOWN}/members/{segment}/blocks/bo"


@pytest.mark.parametrize("idempotency_key", ["", "a b", "é", "a\n"])
def test_an_idempotency_key_that_cannot_be_sent_is_refused(idempotency_key: str) -> None:
    with pytest.raises(ValueError, match="idempotency_key"):
        by_waiting(Wire(), telling.send_changes("town", [Leave("a", "b")], idempotency_key))


def test_an_id_no_path_can_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="too long"):
        by_waiting(Wire(), telling.leave("town", "x" * 70_000, "bakers"))


def test_a_number_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        telling.put_member("town", "ana", Profile(created_ts=float("nan")))


@pytest.mark.parametrize(("asked", "waited"), [(5.0, 60.0), (90.0, 90.0)])
def test_slates_of_many_are_waited_for_a_minute_at_least(asked: float, waited: float) -> None:
    answers = [done({"community": "town", "answers": []}), done()]
    wire = Wire(*answers)
    transport = httpx.MockTransport(wire.answer)
    with Client("https://belong.example", timeout_s=asked, transport=transport) as client:
        client.groups_for_many("town", ["ana"])
        client.leave("town", "ana", "bakers")
    told = [request.extensions["timeout"] for request in wire.requests]
    assert [(one["connect"], one["read"]) for one in told] == [(asked, waited), (asked, asked)]
