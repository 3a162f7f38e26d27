"""The committed contract, and a call of each method of the client with every argument given."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema_rs

from belong.client import (
    Arm,
    Block,
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
    MemberFilters,
    Post,
    Preferences,
    Profile,
    PutGroup,
    PutMember,
    PutPost,
    PutPreferences,
    Unblock,
    Wishes,
    asking,
    conversing,
    discovering,
    overseeing,
    rounds,
    telling,
)
from belong.client.call import Call

DOCS = Path(__file__).parent.parent.parent / "docs"
CONTRACT: dict[str, Any] = json.loads((DOCS / "openapi.json").read_text("utf-8"))
SCHEMAS: dict[str, dict[str, Any]] = CONTRACT["components"]["schemas"]

NOT_FOR_PLATFORMS = {
    "healthz": "what starts and stops servers asks it",
    "readyz": "likewise",
    "exposed": "metrics: Prometheus reads them",
}
"""Operations that a platform's own code has no use for, and why."""

PROFILE = Profile("Ana", "hi", "a band", "bread", "en", "York", "adult", 1.5)
GROUP = Group("Bakers", "Bread", "private", 12, "en", "York", 1.5)
POST = Post(("ana",), ("bakers",), ("bo",), 1.5, "Rye", "My rye", "p0", "public")
PREFERENCES = Preferences(False, True, 2, ("salt",), ("anglers",))
GROUPS_WANTED = GroupFilters("en", "York", ("a", "b"), 2, 9)
PEOPLE_WANTED = MemberFilters("en", "York", ("a", "b"))
FEEDBACK = Feedback("r1", "ana", "bakers", ItemKind.GROUP, Event.JOINED)
ROUND = Wishes(
    ("ana", "bo"), 2, (("ana", "bo"),), (("bo", "cy"),), 1, 0.5, "any", True, True, 7, "June"
)
C, M, G = "community", "member", "group"

# Every argument is given; ids are called as the contract calls them in the path.
CALLS: dict[str, Call[Any]] = {
    "groups_for": asking.groups_for(C, M, 5, 3, GROUPS_WANTED, "r1"),
    "members_for": asking.members_for(C, M, 5, 3, PEOPLE_WANTED, "r1"),
    "groups_first_page": asking.groups_first_page(C, M, 5, 3, GROUPS_WANTED, "r1"),
    "members_first_page": asking.members_first_page(C, M, 5, 3, PEOPLE_WANTED, "r1"),
    "groups_next_page": asking.groups_next_page(C, M, "c0", 5, 3),
    "members_next_page": asking.members_next_page(C, M, "c0", 5, 3),
    "groups_for_text": asking.groups_for_text(C, "hi", 5, GROUPS_WANTED),
    "members_for_text": asking.members_for_text(C, "hi", 5, "adult", PEOPLE_WANTED),
    "groups_for_many": asking.groups_for_many(C, ["ana"], 5, 3),
    "members_for_many": asking.members_for_many(C, ["ana"], 5, 3),
    "rank_groups": asking.rank_groups(C, "ana", ["bakers"], 3),
    "rank_members": asking.rank_members(C, "ana", ["bo"], 3),
    "members_to_invite": asking.members_to_invite(C, G, 5, 3),
    "responders_to_post": conversing.responders_to_post(C, "post", 5, 3),
    "responders_to_text": conversing.responders_to_text(
        C, "hi", 5, "Rye", ["bakers"], "ana", "adult", 3
    ),
    "unanswered_posts": conversing.unanswered_posts(C, 5, "ana", 3),
    "posts_to_join": conversing.posts_to_join(C, M, 5, 3),
    "discoveries": discovering.discoveries(C, 5, 3),
    "plan_round": rounds.plan_round(C, ROUND, 5),
    "round_of": rounds.round_of(C, "round", 5, 3, "r0"),
    "commit_round": rounds.commit_round(C, "round", 5),
    "put_member": telling.put_member(C, M, PROFILE),
    "delete_member": telling.delete_member(C, M),
    "put_preferences": telling.put_preferences(C, M, PREFERENCES),
    "block": telling.block(C, M, "other"),
    "unblock": telling.unblock(C, M, "other"),
    "put_group": telling.put_group(C, G, GROUP),
    "delete_group": telling.delete_group(C, G),
    "join": telling.join(C, M, G, 1.5),
    "leave": telling.leave(C, M, G),
    "put_post": telling.put_post(C, "post", POST),
    "delete_post": telling.delete_post(C, "post"),
    "send_changes": telling.send_changes(C, [Join(M, G)], "mine"),
    "feedback": telling.feedback(C, [FEEDBACK]),
    "communities": overseeing.communities(),
    "erasure": overseeing.erasure(C, "erasure"),
    "export_member": overseeing.export_member(C, M),
    "replay": overseeing.replay(C, "recommendation"),
    "clear_reports": overseeing.clear_reports(C, M),
    "experiments": overseeing.experiments(C),
    "put_experiment": overseeing.put_experiment(C, "experiment", [Arm("usual", 1, 1, 1, 1)]),
    "end_experiment": overseeing.end_experiment(C, "experiment"),
}

CHANGES = [
    PutMember(M, PROFILE),
    PutPreferences(M, PREFERENCES),
    PutGroup(G, GROUP),
    PutPost("post", POST),
    Join(M, G, 1.5),
    Leave(M, G),
    Block(M, "other"),
    Unblock(M, "other"),
    DeleteMember(M),
    DeleteGroup(G),
    DeletePost("post"),
]


def operations() -> dict[str, tuple[str, str, dict[str, Any]]]:
    """Return method, path and description of each operation by its name."""
    return {
        described["operationId"]: (method.upper(), path, described)
        for path, found in CONTRACT["paths"].items()
        for method, described in found.items()
    }


def operation_of(call: Call[Any]) -> str:
    (name,) = (
        name
        for name, (method, path, _) in operations().items()
        if (method, path.replace("{", "").replace("}", "")) == (call.method, call.path)
    )
    return name


def calls_of(operation: str) -> list[Call[Any]]:
    return [call for call in CALLS.values() if operation_of(call) == operation]


ASKED = sorted(operations().keys() - NOT_FOR_PLATFORMS)


def resolved(schema: Mapping[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        return SCHEMAS[schema["$ref"].rpartition("/")[2]]
    return dict(schema)


def is_valid(schema: Mapping[str, Any], value: object) -> bool:
    whole = {**schema, "components": {"schemas": SCHEMAS}}
    return jsonschema_rs.Draft202012Validator(whole).is_valid(value)
