"""How the client reads what comes back."""

from __future__ import annotations

import json
from dataclasses import asdict

import httpx
import pytest

from belong.client import (
    AbsentError,
    Acknowledged,
    Arm,
    BatchAnswer,
    ClientError,
    Community,
    ConflictError,
    Erasure,
    ErasureBegun,
    Experiment,
    FeedbackAcknowledged,
    InvalidError,
    NoKeyError,
    NotAllowedError,
    Problem,
    Reason,
    RefusedError,
    Slate,
    Suggestion,
    UnreadableError,
    asking,
    overseeing,
    telling,
)
from tests.belong.client_wire import BOTH, SLATE, Send, Wire, by_waiting, done, problem


@pytest.mark.parametrize("send", BOTH)
def test_a_slate_is_read_and_what_a_newer_server_adds_is_skipped(send: Send) -> None:
    newer = json.loads(json.dumps(SLATE).replace('"id"', '"since": {"v": [2]}, "id"'))
    slate = send(Wire(done(newer | {"cursor": None})), asking.groups_for("town", "ana"))
    reasons = (Reason("shared_interest", "Bread.", ("p1",)),)
    assert slate == Slate("r1", "town", "v1", (Suggestion("bakers", "Bakers", 1.0, None, reasons),))
    assert type(slate.items[0].score) is float


def test_the_other_answers_are_read() -> None:
    card = {"community": "town", "version": "v1", "sequence": 3, "members": 4, "groups": 5}
    read = by_waiting(Wire(done({"communities": [card]})), overseeing.communities())
    assert read == (Community("town", "v1", 3, 4, 5),)
    begun = {"sequence": 3, "erasure_id": "e1"}
    assert by_waiting(Wire(done(begun)), telling.delete_member("town", "x")) == ErasureBegun(
        3, "e1"
    )
    receipt = {"erasure_id": "e1", "community": "town", "sequence": 3, "requested_ts": 5}
    receipt["steps"] = {"store": 5.5}
    erasure = by_waiting(Wire(done(receipt)), overseeing.erasure("town", "e1"))
    assert erasure == Erasure("e1", "town", 3, 5.0, {"store": 5.5})
    counted = by_waiting(
        Wire(done({"sequence": 3, "events": 2, "new": 1})), telling.feedback("town", [])
    )
    assert counted == FeedbackAcknowledged(3, 2, 1)
    held = {"profile": {"id": "ana"}, "posts": []}
    assert by_waiting(Wire(done(held)), overseeing.export_member("town", "ana")) == held
    assert by_waiting(Wire(done()), telling.join("town", "a", "b")) == Acknowledged(7)


def test_answers_for_many_are_read_one_by_one() -> None:
    unknown = Problem("urn:belong:problem:unknown", "No.", 404, "who?")
    batch = {
        "community": "town",
        "answers": [{"member": "ana", "slate": SLATE}, {"member": "x", "problem": asdict(unknown)}],
    }
    ana, stranger = by_waiting(Wire(done(batch)), asking.groups_for_many("town", ["ana", "x"]))
    assert ana.problem is None
    assert ana.slate is not None
    assert (ana.member, ana.slate.items[0].id) == ("ana", "bakers")
    assert stranger == BatchAnswer("x", None, unknown)


def test_what_is_left_out_of_candidates_is_told() -> None:
    wire = Wire(done(SLATE | {"left_out": ["anglers"]}))
    ranked = by_waiting(wire, asking.rank_groups("town", "ana", ["anglers", "bakers"]))
    assert ([item.id for item in ranked.items], ranked.left_out) == (["bakers"], ("anglers",))


def test_experiments_are_read_with_their_arms() -> None:
    one = {"name": "small", "arms": [{"name": "usual"}, {"name": "half", "intimacy": 1}]}
    wire = Wire(done({"experiments": [one | {"created_ts": 5}]}))
    found = by_waiting(wire, overseeing.experiments("town"))
    assert found == (Experiment("small", (Arm("usual"), Arm("half", intimacy=1.0)), 5.0),)


@pytest.mark.parametrize("send", BOTH)
def test_an_answer_without_a_body_is_none(send: Send) -> None:
    assert send(Wire(httpx.Response(204)), overseeing.end_experiment("town", "small")) is None


def test_an_answer_that_lacks_its_body_is_none_of_belongs() -> None:
    with pytest.raises(UnreadableError, match="expected dict, got NoneType"):
        by_waiting(Wire(httpx.Response(204)), telling.join("town", "ana", "bakers"))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"<html>", "not JSON"),
        (b"", "not JSON"),
        (b"[]", "answer: expected dict, got list"),
        (b'{"sequence": "7"}', "answer.sequence: expected int, got str"),
        (b'{"sequence": true}', "answer.sequence: expected int, got bool"),
        (b'{"sequence": 7.0}', "answer.sequence: expected int, got float"),
        (b'{"sequence": NaN}', "not JSON"),
        (b"{}", "answer.sequence is missing"),
        (b"[" * 100_000, "not JSON"),
    ],
)
def test_an_answer_that_is_none_of_belongs_is_told_and_not_asked_for_again(
    body: bytes, said: str
) -> None:
    wire = Wire(httpx.Response(200, content=body))
    with pytest.raises(UnreadableError, match=said) as caught:
        by_waiting(wire, telling.join("town", "ana", "bakers"))
    assert caught.value.request_id == wire.request.headers["x-request-id"]
    assert caught.value.problem is None


def test_where_in_a_slate_something_is_wrong_is_told() -> None:
    wrong = json.loads(json.dumps(SLATE).replace('["p1"]', '["p1", 2]'))
    with pytest.raises(UnreadableError, match=r"answer\.items\.0\.reasons\.0\.evidence\.1: "):
        by_waiting(Wire(done(wrong)), asking.groups_for("town", "ana"))


@pytest.mark.parametrize("send", BOTH)
@pytest.mark.parametrize(
    ("status", "kind", "error"),
    [
        (400, "not-json", InvalidError),
        (401, "no-key", NoKeyError),
        (403, "scope", NotAllowedError),
        (404, "unknown", AbsentError),
        (409, "reused-key", ConflictError),
        (410, "gone", AbsentError),
        (413, "too-large", InvalidError),
        (415, "encoded", InvalidError),
        (422, "invalid", InvalidError),
        (431, "headers", InvalidError),
        (500, "internal", RefusedError),
    ],
)
def test_a_problem_becomes_the_error_of_its_status_at_once(
    send: Send, status: int, kind: str, error: type[RefusedError]
) -> None:
    wire = Wire(problem(status, kind))
    with pytest.raises(error) as caught:
        send(wire, asking.groups_for("town", "ana"))
    assert type(caught.value) is error
    found = caught.value.problem
    assert found == Problem(f"urn:belong:problem:{kind}", "No.", status, "as it happens")
    assert caught.value.request_id == "theirs"
    assert isinstance(caught.value, ClientError)
    assert wire.waits == []


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    wire = Wire(httpx.Response(status, headers={"location": "https://other.example/"}))
    with pytest.raises(UnreadableError, match=str(status)):
        by_waiting(wire, asking.groups_for("town", "ana"))


def test_a_refusal_that_is_not_belongs_is_unreadable() -> None:
    with pytest.raises(UnreadableError, match="502"):
        by_waiting(Wire(httpx.Response(502, text="<html>")), asking.groups_for("town", "ana"))
