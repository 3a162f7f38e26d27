"""What is true of a community, looked up the long way, and whether a reason says just that."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from engine.domain import DAY_S
from engine.explanations import MAX_REASONS, MemberReasons, Reason
from engine.group_reasons import GroupReasons
from engine.groups import group_recommender
from engine.index import VectorIndex
from engine.introductions import introduction_recommender
from engine.query import query_of_member
from engine.snapshot import LATELY_DAYS
from engine.terms import analyze
from tests.random_community import HIDDEN_WORDS
from tests.world import World
from training.in_the_open import last_of

FOUND = Counter[str]()
"""How often each form of a reason was checked, so that no check stands idle."""


@dataclass(frozen=True)
class Given:
    """One suggestion as the viewer reads it: of a group or of a member, by row."""

    viewer: int
    group: int | None
    member: int | None
    reasons: list[Reason]


def all_given(here: World) -> Iterator[Given]:
    """Yield every suggestion to everybody."""
    snapshot = here.snapshot
    groups = group_recommender(snapshot, VectorIndex.build(snapshot.groups.prototypes.vectors))
    people = introduction_recommender(
        snapshot, VectorIndex.build(snapshot.members.interests.vectors)
    )
    for viewer in range(len(snapshot.members.ids)):
        query = query_of_member(snapshot, viewer)
        for row in groups.recommend(query, 100).rows.tolist():
            yield Given(viewer, row, None, GroupReasons(snapshot).explain(query, row))
        for row in people.recommend(query, 100).rows.tolist():
            yield Given(viewer, None, row, MemberReasons(snapshot).explain(query, row))


@dataclass(frozen=True)
class Facts:
    """What the tables say, looked up the long way."""

    here: World

    @cached_property
    def members(self) -> list[dict[str, object]]:
        return self.here.community.members.to_dicts()

    @cached_property
    def groups(self) -> list[dict[str, object]]:
        return self.here.community.groups.to_dicts()

    @cached_property
    def posts(self) -> list[dict[str, object]]:
        return self.here.community.posts.to_dicts()

    @cached_property
    def inside(self) -> set[tuple[int, int]]:
        present = self.here.community.memberships.filter(pl.col("left_ts").is_null())
        return set(present.select("member", "group").iter_rows())

    @cached_property
    def tied(self) -> set[tuple[int, int]]:
        pairs = list(self.here.community.ties.select("a", "b").iter_rows())
        return {*pairs, *((other, one) for one, other in pairs)}

    @cached_property
    def apart(self) -> set[tuple[int, int]]:
        pairs = list(self.here.community.blocks.select("member", "other").iter_rows())
        return {*pairs, *((other, one) for one, other in pairs)}

    @cached_property
    def wrote(self) -> set[tuple[int, int]]:
        return set(self.here.community.authors.select("member", "post").iter_rows())

    @cached_property
    def took_part(self) -> set[tuple[int, int]]:
        pairs = self.here.community.participations.select("member", "post").iter_rows()
        return {*pairs, *self.wrote}

    @cached_property
    def stands(self) -> set[tuple[int, int]]:
        return set(self.here.community.post_groups.select("post", "group").iter_rows())

    def is_public(self, group: int) -> bool:
        return self.groups[group]["visibility"] == "public"

    def present(self, group: int) -> set[int]:
        return {one for one, other in self.inside if other == group}

    def posts_with(self, word: str) -> set[int]:
        """Return the public posts in which a word comes up."""
        return {
            row
            for row, post in enumerate(self.posts)
            if post["public"] and word in analyze(f"{post['title']}. {post['text']}")
        }

    def says(self, member: int, word: str) -> bool:
        """Return whether a member's profile or own public posts use a word."""
        row = self.members[member]
        profile = "\n".join(str(row[name]) for name in ("text", "seeking", "offering"))
        written = {post for one, post in self.wrote if one == member}
        return word in analyze(profile) or bool(written & self.posts_with(word))

    def met(self, member: int, word: str) -> bool:
        """Return whether a member took part in a public post that uses a word."""
        return bool({post for one, post in self.took_part if one == member} & self.posts_with(word))

    def describes(self, group: int, word: str) -> bool:
        return word in analyze(f"{self.groups[group]['name']}. {self.groups[group]['text']}")

    def comes_up(self, group: int, word: str) -> bool:
        return any((post, group) in self.stands for post in self.posts_with(word))

    def may_see(self, viewer: int, member: int) -> bool:
        if viewer == member:
            return True
        mine, theirs = (self.members[row]["audience"] for row in (viewer, member))
        agrees = bool(self.members[member]["discoverable"]) and mine is not None
        return agrees and mine == theirs and (viewer, member) not in self.apart

    def seen(self, people: set[int], *viewers: int) -> set[int]:
        """Return those whom all these viewers may see."""
        return {one for one in people if all(self.may_see(viewer, one) for viewer in viewers)}

    def companions(self, viewer: int) -> set[int]:
        """Return those the viewer talks with and may see."""
        return {other for one, other in self.tied if one == viewer and self.may_see(viewer, other)}


def check(facts: Facts, shown: Given) -> None:
    """Check everything that is owed of the reasons of one suggestion."""
    assert 1 <= len(shown.reasons) <= MAX_REASONS
    for reason in shown.reasons:
        check_discretion(facts, shown, reason)
        check_evidence(facts, shown, reason)
        about = facts_of_group if shown.group is not None else facts_of_member
        assert about(facts, shown, reason), f"{shown} says {reason.text!r}"


def check_discretion(facts: Facts, shown: Given, reason: Reason) -> None:
    """Nobody hidden, no group that is not public, no word of a hidden post is named."""
    unnamed = [
        str(row["name"])
        for member, row in enumerate(facts.members)
        if not facts.may_see(shown.viewer, member)
    ]
    unnamed += [str(row["name"]) for row in facts.groups if row["visibility"] != "public"]
    unnamed += [*HIDDEN_WORDS.values(), "midnight"]
    for name in filter(None, unnamed):
        assert not re.search(rf"\b{re.escape(name)}\b", reason.text), f"{shown}: {reason.text!r}"


def check_evidence(facts: Facts, shown: Given, reason: Reason) -> None:
    """Every id exists and stands for something that the viewer may see."""
    visible = {str(post["id"]) for post in facts.posts if post["public"]}
    visible |= {str(row["id"]) for row in facts.groups if row["visibility"] == "public"}
    visible |= {
        str(row["id"])
        for member, row in enumerate(facts.members)
        if facts.may_see(shown.viewer, member)
    }
    assert reason.evidence
    assert len(set(reason.evidence)) == len(reason.evidence)
    assert set(reason.evidence) <= visible, f"{shown}: {reason}"


def words_of(reason: Reason) -> tuple[str, list[str]]:
    """Return the form of a sentence and the words quoted in it."""
    form = re.sub(r"“[^”]+” and “[^”]+”|“[^”]+”", "W", reason.text)
    FOUND[form] += 1
    return form, re.findall(r"“([^”]+)”", reason.text)


def facts_of_group(facts: Facts, shown: Given, reason: Reason) -> bool:  # noqa: C901
    viewer, group = shown.viewer, shown.group
    assert group is not None
    form, words = words_of(reason)
    size = len(facts.seen(facts.present(group), viewer))
    match form:
        case "It is about W, which you talk about too.":
            return all(facts.describes(group, w) and facts.says(viewer, w) for w in words)
        case "It is about W, which came up in what you took part in.":
            return all(facts.describes(group, w) and facts.met(viewer, w) for w in words)
        case "People here talk about W, as you do.":
            return all(facts.comes_up(group, w) and facts.says(viewer, w) for w in words)
        case "W come up here and in what you took part in.":
            assert len(words) == 2
            return all(facts.comes_up(group, w) and facts.met(viewer, w) for w in words)
        case "W comes up here and in what you took part in.":
            assert len(words) == 1
            return facts.comes_up(group, words[0]) and facts.met(viewer, words[0])
        case "Close to what you care about: people here talk about W.":
            return all(facts.comes_up(group, w) for w in words)
        case "Close to what you care about: it is about W.":
            return all(facts.describes(group, w) for w in words)
        case "You have taken part here before.":
            there = {post for one, post in facts.took_part if one == viewer}
            return any(
                (post, group) in facts.stands for post in there if facts.posts[post]["public"]
            )
        case "An open group.":
            return size <= 1
    match reason.kind:
        case "open_group":
            return reason.text == f"An open group of {size}."
        case "companions":
            there = facts.companions(viewer) & facts.present(group)
            return is_about(facts, reason, there, "you already talk with")
        case "co_membership":
            [best] = [g for g, row in enumerate(facts.groups) if row["id"] == reason.evidence[0]]
            others = facts.seen(facts.present(best) & facts.present(group) - {viewer}, viewer)
            name = facts.groups[best]["name"]
            whole = len(facts.seen(facts.present(best), viewer))
            text = f"You are in {name}: {len(others)} of its {whole} people are here."
            both = facts.is_public(best) and (viewer, best) in facts.inside
            return both and len(others) >= 2 and reason.text == text
        case "lively":
            text = f"{joins(facts, viewer, group)} people joined in the latest 90 days on record."
            return reason.text == text
        case "small_group":
            return reason.text.startswith(f"A small group of {size}, where ")
    return False


def joins(facts: Facts, viewer: int, group: int) -> int:
    since = float(last_of(facts.here.community) or 0) - LATELY_DAYS * DAY_S
    frame = facts.here.community.memberships.filter(
        (pl.col("group") == group) & pl.col("left_ts").is_null() & (pl.col("first_ts") > since)
    )
    return len(facts.seen(set(frame["member"]), viewer))


def is_about(facts: Facts, reason: Reason, people: set[int], said: str) -> bool:
    """Return whether a reason names exactly these people, or counts them."""
    assert said in reason.text
    assert set(reason.evidence) <= {str(facts.members[row]["id"]) for row in people}
    named = [row for row in people if re.search(rf"\b{facts.members[row]['name']}\b", reason.text)]
    if not any(facts.members[row]["name"] for row in people):
        count = (
            1 if "one person" in reason.text.lower() else int(re.findall(r"\d+", reason.text)[0])
        )
        return count == len(people)
    more = re.findall(r"and (\d+) more", reason.text)
    return len(named) == min(2, len(people)) and len(named) + sum(map(int, more)) == len(people)


def facts_of_member(facts: Facts, shown: Given, reason: Reason) -> bool:  # noqa: C901
    viewer, other = shown.viewer, shown.member
    assert other is not None
    form, words = words_of(reason)
    mine, theirs = (all(facts.says(one, w) for w in words) for one in (viewer, other))
    met, they_met = (all(facts.met(one, w) for w in words) for one in (viewer, other))
    match form:
        case "You both talk about W.":
            return mine and theirs
        case "They took part in posts about W, which you talk about.":
            return they_met and mine
        case "They talk about W, and you took part in posts about that.":
            return theirs and met
        case "You both took part in posts about W.":
            return met and they_met
        case "Close to what you care about: they talk about W.":
            return theirs
        case "Close to what you care about: they took part in posts about W.":
            return they_met
        case "Has taken part here.":
            return any(one == other for one, _ in facts.took_part)
        case "Open to meeting people.":
            return bool(facts.members[other]["open_to_introductions"])
    match reason.kind:
        case "mutual_companions":
            both = facts.companions(viewer) & {b for a, b in facts.tied if a == other}
            both = facts.seen(both, viewer, other)
            return is_about(facts, reason, both, "You both talk with")
        case "shared_group":
            [best] = [g for g, row in enumerate(facts.groups) if row["id"] == reason.evidence[0]]
            shared = facts.is_public(best) and {(viewer, best), (other, best)} <= facts.inside
            size = len(facts.seen(facts.present(best) - {viewer, other}, viewer, other)) + 2
            text = f"You are both in {facts.groups[best]['name']} ({size} members)."
            return shared and reason.text == text
    return False
