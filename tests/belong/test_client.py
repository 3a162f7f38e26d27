"""What the client sends, and how it reads what comes back."""

from __future__ import annotations

import ast
import inspect
import json
import logging
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any, assert_type

import httpx
import pytest

import belong.client
from belong.client import (
    AbsentError,
    Acknowledged,
    AsyncClient,
    Block,
    Client,
    ClientError,
    Community,
    ConflictError,
    DeleteGroup,
    DeleteMember,
    DeletePost,
    Erasure,
    ErasureBegun,
    Event,
    Feedback,
    FeedbackAcknowledged,
    Group,
    InvalidError,
    ItemKind,
    Join,
    Leave,
    ManyAcknowledged,
    NoKeyError,
    NotAllowedError,
    Post,
    Preferences,
    Problem,
    Profile,
    PutGroup,
    PutMember,
    PutPost,
    PutPreferences,
    Reason,
    RefusedError,
    Slate,
    Suggestion,
    Unblock,
    UnreachableError,
    UnreadableError,
    calls,
)
from belong.client.calls import Call
from tests.belong.client_wire import (
    BOTH,
    KEY,
    SLATE,
    Send,
    Wire,
    by_waiting,
    done,
    methods_of,
    problem,
)

TOWN = "/api/v1/communities/town"

SENT: list[tuple[Call[Any], str, str, Any]] = [
    (calls.communities(), "GET", "/api/v1/communities", None),
    (
        calls.groups_for("town", "ana", 3, 9),
        "GET",
        f"{TOWN}/members/ana/recommendations/groups?limit=3&min_sequence=9",
        None,
    ),
    (
        calls.members_for("town", "ana"),
        "GET",
        f"{TOWN}/members/ana/recommendations/members?limit=10&min_sequence=0",
        None,
    ),
    (
        calls.groups_for_text("town", "I bake"),
        "POST",
        f"{TOWN}/recommendations/groups",
        {"text": "I bake", "limit": 10},
    ),
    (
        calls.members_for_text("town", "I bake", 2, "adult"),
        "POST",
        f"{TOWN}/recommendations/members",
        {"text": "I bake", "limit": 2, "audience": "adult"},
    ),
    (calls.put_member("town", "ana", Profile()), "PUT", f"{TOWN}/members/ana", {}),
    (
        calls.put_member("town", "ana", Profile(name="Ana", created_ts=1.5)),
        "PUT",
        f"{TOWN}/members/ana",
        {"name": "Ana", "created_ts": 1.5},
    ),
    (calls.delete_member("town", "ana"), "DELETE", f"{TOWN}/members/ana", None),
    (
        calls.put_preferences("town", "ana", Preferences(False, muted_groups=())),
        "PUT",
        f"{TOWN}/members/ana/preferences",
        {"discoverable": False, "muted_groups": []},
    ),
    (calls.block("town", "ana", "bo"), "PUT", f"{TOWN}/members/ana/blocks/bo", None),
    (calls.unblock("town", "ana", "bo"), "DELETE", f"{TOWN}/members/ana/blocks/bo", None),
    (
        calls.put_group("town", "bakers", Group("Bakers", capacity=12)),
        "PUT",
        f"{TOWN}/groups/bakers",
        {"name": "Bakers", "capacity": 12},
    ),
    (calls.delete_group("town", "bakers"), "DELETE", f"{TOWN}/groups/bakers", None),
    (calls.join("town", "ana", "bakers"), "PUT", f"{TOWN}/groups/bakers/members/ana", {}),
    (
        calls.join("town", "ana", "bakers", 5),
        "PUT",
        f"{TOWN}/groups/bakers/members/ana",
        {"first_ts": 5},
    ),
    (calls.leave("town", "ana", "bakers"), "DELETE", f"{TOWN}/groups/bakers/members/ana", None),
    (
        calls.put_post("town", "p1", Post(("ana",), ("bakers",), text="hi")),
        "PUT",
        f"{TOWN}/posts/p1",
        {"members": ["ana"], "groups": ["bakers"], "participants": [], "text": "hi"},
    ),
    (calls.delete_post("town", "p1"), "DELETE", f"{TOWN}/posts/p1", None),
    (
        calls.feedback("town", [Feedback("r1", "ana", "bakers", ItemKind.GROUP, Event.JOINED)]),
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
    (calls.erasure("town", "e1"), "GET", f"{TOWN}/erasures/e1", None),
    (calls.export_member("town", "ana"), "GET", f"{TOWN}/members/ana/export", None),
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


def test_every_call_there_is_has_been_tried() -> None:
    tried = {call.path for call, *_ in SENT} | {calls.send_changes("town", []).path}
    assert len(tried) == 15  # of 20 methods, 5 share their path with another
    assert set(methods_of(Client)) - {"send", "close"} == {
        name
        for name, one in vars(calls).items()
        if inspect.isfunction(one)
        and one.__module__ == calls.__name__
        and not name.startswith("_")
        and name != "segment"
    }


def test_both_clients_do_the_same_under_the_same_names() -> None:
    waiting, awaited = methods_of(Client), methods_of(AsyncClient)
    assert waiting.keys() - {"close"} == awaited.keys() - {"aclose"}
    for name in waiting.keys() - {"close"}:
        signatures = inspect.signature(waiting[name]), inspect.signature(awaited[name])
        assert list(signatures[0].parameters) == list(signatures[1].parameters)
        assert waiting[name].__doc__ == awaited[name].__doc__
    client = Client("http://belong.example")
    assert str(inspect.signature(client.leave)) == "(community: 'str', member: 'str', group: 'str')"
    client.close()


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
    answer = send(wire, calls.send_changes("town", changes, "mine"))
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
    by_waiting(wire, calls.block("town", member, "bo"))
    assert wire.request.url.raw_path.decode() == f"{TOWN}/members/{segment}/blocks/bo"


@pytest.mark.parametrize("send", BOTH)
def test_a_slate_is_read_and_what_a_newer_server_adds_is_skipped(send: Send) -> None:
    newer = json.loads(json.dumps(SLATE).replace('"id"', '"since": {"v": [2]}, "id"'))
    slate = send(Wire(done(newer | {"cursor": None})), calls.groups_for("town", "ana"))
    reasons = (Reason("shared_interest", "Bread.", ("p1",)),)
    assert slate == Slate("r1", "town", "v1", (Suggestion("bakers", "Bakers", 1.0, None, reasons),))
    assert type(slate.items[0].score) is float


def test_the_other_answers_are_read() -> None:
    card = {"community": "town", "version": "v1", "sequence": 3, "members": 4, "groups": 5}
    read = by_waiting(Wire(done({"communities": [card]})), calls.communities())
    assert read == (Community("town", "v1", 3, 4, 5),)
    begun = {"sequence": 3, "erasure_id": "e1"}
    assert by_waiting(Wire(done(begun)), calls.delete_member("town", "x")) == ErasureBegun(3, "e1")
    receipt = {"erasure_id": "e1", "community": "town", "sequence": 3, "requested_ts": 5}
    receipt["steps"] = {"store": 5.5}
    erasure = by_waiting(Wire(done(receipt)), calls.erasure("town", "e1"))
    assert erasure == Erasure("e1", "town", 3, 5.0, {"store": 5.5})
    counted = by_waiting(
        Wire(done({"sequence": 3, "events": 2, "new": 1})), calls.feedback("town", [])
    )
    assert counted == FeedbackAcknowledged(3, 2, 1)
    held = {"profile": {"id": "ana"}, "posts": []}
    assert by_waiting(Wire(done(held)), calls.export_member("town", "ana")) == held
    assert by_waiting(Wire(done()), calls.join("town", "a", "b")) == Acknowledged(7)


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
        by_waiting(wire, calls.join("town", "ana", "bakers"))
    assert caught.value.request_id == wire.request.headers["x-request-id"]
    assert caught.value.problem is None


def test_where_in_a_slate_something_is_wrong_is_told() -> None:
    wrong = json.loads(json.dumps(SLATE).replace('["p1"]', '["p1", 2]'))
    with pytest.raises(UnreadableError, match=r"answer\.items\.0\.reasons\.0\.evidence\.1: "):
        by_waiting(Wire(done(wrong)), calls.groups_for("town", "ana"))


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
        send(wire, calls.groups_for("town", "ana"))
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
        by_waiting(wire, calls.groups_for("town", "ana"))


def test_a_refusal_that_is_not_belongs_is_unreadable() -> None:
    with pytest.raises(UnreadableError, match="502"):
        by_waiting(Wire(httpx.Response(502, text="<html>")), calls.groups_for("town", "ana"))


@pytest.mark.parametrize("key", ["", "a b", "a\r\nx: y", "clé", "a\0"])
def test_a_key_that_cannot_be_sent_is_refused_without_being_told(key: str) -> None:
    with pytest.raises(ValueError, match="expected visible ASCII") as caught:
        Client("https://belong.example", key)
    assert not key or key not in str(caught.value)


@pytest.mark.parametrize(
    "base_url",
    ["", "belong.example", "ftp://belong.example", "https://", "https://u:p@h", "https://h/?a=1"],
)
def test_an_address_that_is_none_is_refused(base_url: str) -> None:
    with pytest.raises(ValueError, match="base_url"):
        AsyncClient(base_url)


@pytest.mark.parametrize("idempotency_key", ["", "a b", "é", "a\n"])
def test_an_idempotency_key_that_cannot_be_sent_is_refused(idempotency_key: str) -> None:
    with pytest.raises(ValueError, match="idempotency_key"):
        by_waiting(Wire(), calls.send_changes("town", [Leave("a", "b")], idempotency_key))


def test_an_id_no_path_can_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="too long"):
        by_waiting(Wire(), calls.leave("town", "x" * 70_000, "bakers"))


def test_a_number_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        calls.put_member("town", "ana", Profile(created_ts=float("nan")))


def test_the_key_is_in_no_repr_log_or_error(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    client = Client(
        "https://belong.example",
        KEY,
        retries=0,
        transport=httpx.MockTransport(
            Wire(httpx.ConnectError("refused"), problem(401, "x")).answer
        ),
    )
    told = [repr(client), str(client), repr(vars(client)), repr(vars(client)["_http"].headers)]
    for error in (UnreachableError, NoKeyError):
        with pytest.raises(error) as caught:
            client.groups_for("town", "ana")
        told += [repr(caught.value), str(caught.value), repr(vars(caught.value))]
        told += traceback.format_exception(caught.value)
    told += [record.getMessage() for record in caplog.records]
    assert repr(client) == "Client('https://belong.example')"
    assert not [one for one in told if KEY in one or "5ec12e7" in one]
    client.close()


def test_answers_are_typed() -> None:
    wire = Wire(done(SLATE), done({"communities": []}))
    transport = httpx.MockTransport(wire.answer)
    with Client("https://belong.example", transport=transport) as client:
        assert_type(client.groups_for("town", "ana", limit=5), Slate)
        assert_type(client.communities(), tuple[Community, ...])

    async def awaited(one: AsyncClient) -> None:
        assert_type(await one.leave("town", "ana", "bakers"), Acknowledged)

    assert inspect.iscoroutinefunction(awaited)


def imports(path: Path) -> set[str]:
    tree = ast.parse(path.read_text("utf-8"))
    named = {
        name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names
    }
    return named | {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}


def test_it_imports_nothing_but_httpx_and_itself() -> None:
    folder = Path(belong.client.__file__).parent
    found = set.union(*(imports(path) for path in folder.glob("*.py")))
    ours = {name for name in found if name.startswith("belong.client")}
    others = {name.partition(".")[0] for name in found - ours}
    assert others - sys.stdlib_module_names == {"httpx"}


def test_it_works_where_nothing_else_of_belong_is_installed(tmp_path: Path) -> None:
    folder = Path(belong.client.__file__).parent
    (tmp_path / "belong").mkdir()
    (tmp_path / "belong" / "client").symlink_to(folder)
    script = (
        "import sys, belong.client\n"
        "others = {'numpy', 'data', 'engine', 'serving', 'training', 'pydantic'}\n"
        "print(sorted(others & {*sys.modules}))\n"
        "print(belong.client.Client('http://h'))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=30
    )
    assert ended.stdout == "[]\nClient('http://h')\n", ended.stderr
