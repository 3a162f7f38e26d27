"""A community's present state as facts, and how one community turns into another."""

from __future__ import annotations

import numpy as np

from data.community import Community
from engine.bundle import Bundle
from engine.facts import (
    BlockFact,
    Facts,
    GroupFact,
    MemberFact,
    MembershipFact,
    PostFact,
    VectorFact,
    Written,
)
from engine.group_ranker import GroupRanker
from engine.index import VectorIndex
from engine.manifest import Manifest
from engine.snapshot import Snapshot
from tests.world import KeywordEncoder


def bundle_of(snapshot: Snapshot) -> Bundle:
    """Return a bundle in memory, with hand-set weights and the keyword encoder."""
    manifest = Manifest(2, "small", "v1", "", "", 0, (None, None), {}, {}, {})
    return Bundle(
        manifest,
        snapshot,
        VectorIndex.build(np.asarray(snapshot.members.interests.vectors)),
        VectorIndex.build(np.asarray(snapshot.groups.prototypes.vectors)),
        KeywordEncoder(),
        GroupRanker(),
    )


def facts_between(before: Community, after: Community) -> Facts:
    """Return everything as it is in `after`, and as gone what was in `before` only."""
    ids = [{name: getattr(one, name)["id"].to_list() for name in ("members", "groups", "posts")}
           for one in (before, after)]  # fmt: skip
    gone = {name: [one for one in ids[0][name] if one not in ids[1][name]] for name in ids[0]}
    members, groups, posts = (_members(after), _groups(after), _posts(after))
    vectors = [_vector(Written.MEMBER, one.id, one.text) for one in members]
    vectors += [_vector(Written.GROUP, one.id, f"{one.name}. {one.text}") for one in groups]
    vectors += [_vector(Written.POST, one.id, one.text) for one in posts if one.public]
    return Facts(
        members=(*members, *(MemberFact(one, here=False) for one in gone["members"])),
        groups=(*groups, *(GroupFact(one, here=False) for one in gone["groups"])),
        memberships=_memberships(before, after),
        blocks=_blocks(before, after),
        posts=(*posts, *(PostFact(one, here=False) for one in gone["posts"])),
        vectors=tuple(vectors),
    )


def _vector(kind: Written, external: str, text: str) -> VectorFact:
    encoder = KeywordEncoder()
    if not text.strip(" .\n"):
        return VectorFact(kind, external, np.zeros((0, encoder.dimension), np.float32), ())
    return VectorFact(kind, external, encoder.encode([text]), (1.0,))


def _members(found: Community) -> list[MemberFact]:
    return [
        MemberFact(
            row["id"],
            name=row["name"],
            text="\n".join(row[name] for name in ("text", "seeking", "offering")).strip(),
            seeking=row["seeking"],
            offering=row["offering"],
            audience=row["audience"],
            discoverable=row["discoverable"],
            open_to_introductions=row["open_to_introductions"],
            weekly_introductions=row["weekly_introductions"],
        )
        for row in found.members.to_dicts()
    ]


def _groups(found: Community) -> list[GroupFact]:
    return [
        GroupFact(
            row["id"],
            name=row["name"],
            text=row["text"],
            public=row["visibility"] == "public",
            capacity=row["capacity"],
        )
        for row in found.groups.to_dicts()
    ]


def _posts(found: Community) -> list[PostFact]:
    people, groups = found.members["id"].to_list(), found.groups["id"].to_list()

    def linked(frame: str, column: str, names: list[str]) -> dict[int, list[str]]:
        there: dict[int, list[str]] = {}
        for post, row in getattr(found, frame).select("post", column).iter_rows():
            there.setdefault(post, []).append(names[row])
        return there

    wrote, shared = (linked(name, "member", people) for name in ("authors", "participations"))
    places = linked("post_groups", "group", groups)
    return [
        PostFact(
            row["id"],
            public=row["public"],
            text=f"{row['title']}. {row['text']}".strip(" ."),
            written_at=row["ts"],
            authors=tuple(wrote.get(place, ())),
            groups=tuple(places.get(place, ())),
            took_part=tuple(shared.get(place, ())),
        )
        for place, row in enumerate(found.posts.to_dicts())
    ]


def memberships_of(found: Community) -> dict[tuple[str, str], bool]:
    """Return (member, group) -> whether the member is in it now rather than has left."""
    people, groups = found.members["id"].to_list(), found.groups["id"].to_list()
    rows = found.memberships.select("member", "group", "left_ts").iter_rows()
    return {(people[one], groups[group]): left is None for one, group, left in rows}


def blocks_of(found: Community) -> set[tuple[str, str]]:
    """Return the pairs of whom either has blocked the other, both ways round."""
    people = found.members["id"].to_list()
    pairs = {(people[a], people[b]) for a, b in found.blocks.select("member", "other").iter_rows()}
    return pairs | {(b, a) for a, b in pairs}


def _memberships(before: Community, after: Community) -> tuple[MembershipFact, ...]:
    was, now = memberships_of(before), memberships_of(after)
    facts = [MembershipFact(one, group, here, left=not here) for (one, group), here in now.items()]
    facts += [MembershipFact(*pair, here=False) for pair in was if pair not in now]
    return tuple(facts)


def _blocks(before: Community, after: Community) -> tuple[BlockFact, ...]:
    was, now = blocks_of(before), blocks_of(after)
    return tuple(BlockFact(*pair, here=pair in now) for pair in sorted(was | now))
