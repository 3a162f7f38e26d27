"""Reasons are true, and show nobody what they may not see: each is checked against the tables."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.exchanges import ties_from_posts
from engine.domain import DAY_S
from engine.explanations import MAX_REASONS, GroupReasons, MemberReasons, Reason
from engine.groups import group_recommender
from engine.index import VectorIndex
from engine.introductions import introduction_recommender
from engine.query import query_of_member
from engine.snapshot import LATELY_DAYS
from engine.terms import analyze
from tests.random_community import HIDDEN_WORDS, random_world
from tests.world import BREAD, NOW, World, community, tables, world

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
        visible = bool(self.members[member]["discoverable"])
        return visible and (viewer, member) not in self.apart

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
    size = len(facts.present(group))
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
        case "Nobody is in it now: be the first.":
            return size == 0
        case "An open group with one member.":
            return size == 1
    match reason.kind:
        case "open_group":
            return reason.text == f"An open group of {size}."
        case "companions":
            there = facts.companions(viewer) & facts.present(group)
            return is_about(facts, reason, there, "you already talk with")
        case "co_membership":
            [best] = [g for g, row in enumerate(facts.groups) if row["id"] == reason.evidence[0]]
            others = facts.present(best) & facts.present(group) - {viewer}
            name, whole = facts.groups[best]["name"], len(facts.present(best))
            text = f"You are in {name}: {len(others)} of its {whole} people are here."
            both = facts.is_public(best) and (viewer, best) in facts.inside
            return both and len(others) >= 2 and reason.text == text
        case "lively":
            text = f"{joins(facts, group)} people joined in the latest 90 days on record."
            return reason.text == text
        case "small_group":
            return reason.text.startswith(f"A small group of {size}, where ")
    return False


def joins(facts: Facts, group: int) -> int:
    dates = [facts.here.community.memberships["first_ts"], facts.here.community.posts["ts"]]
    since = max(date for column in dates for date in column.drop_nulls()) - LATELY_DAYS * DAY_S
    frame = facts.here.community.memberships.filter(
        (pl.col("group") == group) & pl.col("left_ts").is_null() & (pl.col("first_ts") > since)
    )
    return len(frame)


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
            both -= {b for a, b in facts.apart if a == other}
            return is_about(facts, reason, both, "You both talk with")
        case "shared_group":
            [best] = [g for g, row in enumerate(facts.groups) if row["id"] == reason.evidence[0]]
            shared = facts.is_public(best) and {(viewer, best), (other, best)} <= facts.inside
            size = len(facts.present(best))
            text = f"You are both in {facts.groups[best]['name']} ({size} members)."
            return shared and reason.text == text
    return False


def reasons_for(here: World, viewer: str, *, group: str = "", member: str = "") -> list[Reason]:
    query = query_of_member(here.snapshot, here.member(viewer))
    if group:
        return GroupReasons(here.snapshot).explain(query, here.group(group))
    return MemberReasons(here.snapshot).explain(query, here.member(member))


def test_every_reason_in_the_world_is_true_and_discreet() -> None:
    here = world()
    facts = Facts(here)
    for shown in all_given(here):
        check(facts, shown)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_every_reason_in_any_community_is_true_and_discreet(seed: int) -> None:
    here = random_world(seed)
    facts = Facts(here)
    assert not set(HIDDEN_WORDS.values()) & set(here.snapshot.vocabulary.tolist())
    for shown in all_given(here):
        check(facts, shown)


def test_the_checks_above_meet_nearly_every_form_of_a_reason() -> None:
    FOUND.clear()
    for seed in range(40):
        here = random_world(seed)
        for shown in all_given(here):
            check(Facts(here), shown)
    forms = re.sub(r"\d+|P(?:erson|lace)\w+", "#", "\n".join(FOUND))
    for piece in (
        "It is about W, which you talk about too.",
        "It is about W, which came up in what you took part in.",
        "People here talk about W, as you do.",
        "comes up here and in what you took part in.",
        "whom you already talk with",
        "you already talk with is here",
        "people are here.",
        "people joined in the latest",
        "An open group of #.",
        "You both talk about W.",
        "They took part in posts about W, which you talk about.",
        "They talk about W, and you took part in posts about that.",
        "You both took part in posts about W.",
        "You both talk with # and #.",
        "You both talk with one person.",
        "You are both in # (# members).",
        "Close to what you care about: people here talk about W.",
        "Close to what you care about: it is about W.",
        "Close to what you care about: they talk about W.",
        "Open to meeting people.",
    ):
        assert piece in forms, piece


def test_a_word_of_hidden_posts_never_becomes_a_term() -> None:
    # Five people write of unobtainium as they do of levain, but only where it is secret.
    frame = tables()["posts"]
    names = ["bo", "mo", "ana", "nia", "lu"]
    more = pl.DataFrame(
        {
            "id": [f"s{place}" for place in range(5)],
            "member": names,
            "groups": [["secret-pad"]] * 3 + [["private-pad"], ["rocket-club", "secret-pad"]],
            "ts": [NOW - 86_400.0] * 5,
            "title": [""] * 5,
            "text": [f"{BREAD} of unobtainium, says {name}" for name in names],
        }
    )
    hidden = world({"posts": pl.concat([frame, more])})
    assert "unobtainium" not in hidden.snapshot.vocabulary.tolist()
    shown = more.with_columns(groups=pl.Series([["launch-site"]] * 5))
    public = world({"posts": pl.concat([frame, shown])})
    assert "unobtainium" in public.snapshot.vocabulary.tolist()


def test_bo_is_not_told_of_a_group_by_the_name_of_a_secret_one_he_is_in() -> None:
    here = world()
    near = here.snapshot.groups.neighbours.of_row(here.group("launch-site"))[0]
    assert here.group("secret-pad") in near
    # Ana and Cy stand for Bo and Mo: they share secret-pad and launch-site, and nothing else does.
    frame = pl.DataFrame(
        {
            "member": ["ana", "cy", "jo", "cy", "jo"],
            "group": ["secret-pad"] * 3 + ["launch-site"] * 2,
            "first_ts": [NOW - 300 * DAY_S] * 4 + [NOW],
            "left_ts": [None] * 5,
        },
        schema_overrides={"left_ts": pl.Float64},
    )
    reasons = reasons_for(world({"memberships": frame}), "ana", group="launch-site")
    assert all("Secret" not in one.text for one in reasons)
    assert all("secret-pad" not in one.evidence for one in reasons)


def test_nobody_is_said_to_be_here_often_who_has_left() -> None:
    # Ana alone was in both left-pad and bakers, and has left left-pad.
    here = world()
    assert here.group("left-pad") in here.snapshot.groups.neighbours.of_row(here.group("bakers"))[0]
    kinds = [one.kind for one in reasons_for(here, "bo", group="bakers")]
    assert "co_membership" not in kinds


@pytest.mark.parametrize(("hidden", "by"), [("mo", "discoverable"), ("mo", "blocks")])
def test_a_companion_who_is_invisible_or_blocked_is_neither_named_nor_counted(
    hidden: str, by: str
) -> None:
    everything = tables()
    assert "Mo" in reasons_for(world(), "ana", group="launch-site")[0].text
    if by == "discoverable":
        visible = pl.col("discoverable") & (pl.col("id") != hidden)
        changed = {"members": everything["members"].with_columns(discoverable=visible)}
    else:
        block = pl.DataFrame({"member": ["mo"], "other": ["ana"]})
        changed = {"blocks": pl.concat([everything["blocks"], block])}
    here = world(changed)
    for reason in (
        *reasons_for(here, "ana", group="launch-site"),
        *reasons_for(here, "ana", member="bo"),
    ):
        assert reason.kind not in {"companions", "mutual_companions"}
        assert "Mo" not in reason.text
        assert "mo" not in reason.evidence


def test_a_mutual_companion_whom_the_other_has_blocked_is_not_named() -> None:
    assert reasons_for(world(), "ana", member="bo")[0].kind == "mutual_companions"
    block = pl.DataFrame({"member": ["bo"], "other": ["mo"]})
    here = world({"blocks": pl.concat([tables()["blocks"], block])})
    assert all("Mo" not in one.text for one in reasons_for(here, "ana", member="bo"))


def test_a_name_stays_as_it_is_written() -> None:
    names = pl.when(pl.col("id") == "mo").then(pl.lit("One with One")).otherwise("name")
    here = world({"members": tables()["members"].with_columns(name=names)})
    assert reasons_for(here, "ana", member="bo")[0].text == "You both talk with One with One."


def test_a_small_group_is_praised_with_its_own_numbers() -> None:
    # Bo, Mo and Nia are in the launch site; six took part in it, of whom three on two days.
    names = ["bo", "mo", "nia", "cy", "jo", "kim"]
    again = ["bo", "mo", "nia"]
    posts = pl.DataFrame(
        {
            "id": [f"q{place}" for place in range(9)],
            "member": names + again,
            "groups": [["launch-site"]] * 9,
            "ts": [NOW - 400 * DAY_S] * 6 + [NOW - 300 * DAY_S] * 3,
            "title": [""] * 9,
            "text": [f"Hello {place}" for place in range(9)],
        }
    )
    here = world({"posts": posts, "ties": tables()["ties"].clear()})
    [told] = [x for x in reasons_for(here, "ana", group="launch-site") if x.kind == "small_group"]
    assert told.text == "A small group of 3, where 50% of people who took part came back."


def test_everyone_is_told_something_of_everything() -> None:
    # Even of groups and members that no policy would let through, and of oneself.
    here = world()
    for viewer in range(len(here.snapshot.members.ids)):
        query = query_of_member(here.snapshot, viewer)
        for group in np.flatnonzero(here.snapshot.groups.public).tolist():
            assert GroupReasons(here.snapshot).explain(query, group)
        for member in range(len(here.snapshot.members.ids)):
            assert MemberReasons(here.snapshot).explain(query, member)


def test_no_post_of_someone_blocked_is_shown_as_evidence() -> None:
    for seed in range(10):
        here = random_world(seed)
        facts = Facts(here)
        authors = {str(facts.posts[post]["id"]): member for member, post in facts.wrote}
        for shown in all_given(here):
            for post in (one for reason in shown.reasons for one in reason.evidence):
                assert (shown.viewer, authors.get(post, -1)) not in facts.apart


def test_a_secret_exchange_of_two_others_is_not_told() -> None:
    # Ana and Mo talked in public; Bo and Mo only in the secret pad.
    posts = pl.DataFrame(
        {
            "id": ["a", "b", "c", "d"],
            "member": ["ana", "mo", "bo", "mo"],
            "groups": [["rocket-club"]] * 2 + [["secret-pad"]] * 2,
            "ts": [NOW - DAY_S * age for age in (9, 8, 7, 6)],
            "title": [""] * 4,
            "text": [f"rocket {place}" for place in range(4)],
            "parent": [None, "a", None, "c"],
        }
    )
    read = community({"posts": posts})
    ids = read.members["id"]
    derived = ties_from_posts(read.posts, read.authors)
    ties = pl.DataFrame({end: ids.gather(derived[end]) for end in ("a", "b")})
    here = world({"posts": posts, "ties": ties})
    assert all("Mo" not in one.text for one in reasons_for(here, "ana", member="bo"))
