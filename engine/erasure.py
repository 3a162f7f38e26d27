"""A snapshot without some of its members: nothing of them left, and every row in its place.

Rows keep their numbers, so that links stay valid; the id of a forgotten member or post is '',
which nobody can ask for. What is summed over many people (counts of joins, shares of those who
came back, who is in which groups together, directions of a whole group's texts) names nobody and
stays until the next training; `training.erase_bundles` recomputes what texts of theirs shaped.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from engine.columns import Links, Profiles, Strings
from engine.snapshot import (
    FEWEST_FOUNDERS,
    UNKNOWN,
    UNREADABLE_BAND,
    Behaviour,
    DiscoveryColumns,
    GroupColumns,
    MemberColumns,
    PostColumns,
    Snapshot,
)
from engine.types import BoolVector, Matrix, Rows, Vector


def without_members(snapshot: Snapshot, rows: Rows) -> Snapshot:
    """Return the snapshot with nothing of these members left; doing it twice is doing it once.

    They have no id, no name, no interests and no links, and are neither discoverable nor open.
    Posts they wrote, alone or with others, are no evidence any more, and a term that only such a
    post showed is not told of anybody. A term that nobody and no group is left with is blank.

    Args:
        snapshot: The community.
        rows: The members to forget, in any order: int64 of shape (n,).
    """
    gone = np.unique(np.asarray(rows, np.int64))
    posts = np.unique(_sources(snapshot.post_authors)[np.isin(snapshot.post_authors.targets, gone)])
    members = _members(snapshot.members, gone, posts)
    groups = _groups(snapshot.groups, gone, posts)
    untold = np.ones(len(snapshot.vocabulary), bool)
    untold[members.terms.targets] = False
    untold[groups.terms.targets] = False
    for wishes in (members.seeking_terms, members.offering_terms):
        untold[wishes.targets] = False
    return Snapshot(
        members=members,
        groups=groups,
        behaviour=_behaviour(snapshot.behaviour, gone),
        posts=_posts(snapshot.posts, gone),
        discoveries=_discoveries(snapshot.discoveries, members, gone),
        post_ids=_blanked(snapshot.post_ids, posts),
        post_authors=_from_others(snapshot.post_authors, posts),
        vocabulary=_blanked(snapshot.vocabulary, np.flatnonzero(untold)),
        rarity=np.where(untold, 0, snapshot.rarity).astype(np.float32),
        term_vectors=np.where(untold[:, None], 0, snapshot.term_vectors).astype(np.float32),
    )


def groups_shaped_by(snapshot: Snapshot, rows: Rows) -> Rows:
    """Return the groups that members were ever in or wrote in, in public: rows, ascending."""
    links = (snapshot.members.groups, snapshot.members.left, snapshot.behaviour.visits)
    return np.unique(np.concatenate([part.of_rows(rows)[1] for part in links]))


def _members(members: MemberColumns, gone: Rows, posts: Rows) -> MemberColumns:
    told = ~np.isin(_sources(members.terms), gone) & ~np.isin(members.term_posts, posts)
    here = np.ones(len(members.ids), bool)
    here[gone] = False
    return replace(
        members,
        ids=_blanked(members.ids, gone),
        names=_blanked(members.names, gone),
        discoverable=members.discoverable & here,
        open_to_introductions=members.open_to_introductions & here,
        audience=np.where(here, members.audience, UNREADABLE_BAND),
        weekly_introductions=np.where(here, members.weekly_introductions, 0).astype(np.float32),
        interests=_without_vectors(members.interests, gone),
        groups=_from_others(members.groups, gone),
        left=_from_others(members.left, gone),
        ties=_among_others(members.ties, gone),
        blocks=_among_others(members.blocks, gone),
        muted=_from_others(members.muted, gone),
        muted_terms=_from_others(members.muted_terms, gone),
        terms=_only(members.terms, told),
        term_posts=members.term_posts[told],
        active=np.where(here, members.active, 0).astype(np.float32),
        seeking=_without_vectors(members.seeking, gone),
        offering=_without_vectors(members.offering, gone),
        seeking_terms=_from_others(members.seeking_terms, gone),
        offering_terms=_from_others(members.offering_terms, gone),
        answered=_among_others(members.answered, gone),
        known_days=np.where(here, members.known_days, np.nan).astype(np.float32),
    )


def _posts(posts: PostColumns, gone: Rows) -> PostColumns:
    """Return the posts without what they wrote, alone or with others, and without their answers."""
    theirs = np.unique(_sources(posts.authors)[np.isin(posts.authors.targets, gone)])
    here = posts.here.copy()
    here[theirs] = False
    return replace(
        posts,
        ids=_blanked(posts.ids, theirs),
        here=here,
        texts=_without_vectors(posts.texts, theirs),
        authors=_from_others(posts.authors, theirs),
        groups=_from_others(posts.groups, theirs),
        answered_by=_only(
            posts.answered_by,
            ~np.isin(_sources(posts.answered_by), theirs)
            & ~np.isin(posts.answered_by.targets, gone),
        ),
        written_at=np.where(here, posts.written_at, 0),
        last_at=np.where(here, posts.last_at, 0),
    )


def _discoveries(
    discoveries: DiscoveryColumns, members: MemberColumns, gone: Rows
) -> DiscoveryColumns:
    """Return the discoveries without these founders, and nothing of those with too few left.

    What the others share is worked out anew from their interests, and only terms stay that one
    of them uses.
    """
    touched = np.unique(_sources(discoveries.founders)[np.isin(discoveries.founders.targets, gone)])
    founders = _from_others(discoveries.founders.reversed(len(members.ids)), gone).reversed(
        len(discoveries.founders)
    )
    few = touched[founders.counts()[touched] < FEWEST_FOUNDERS]
    founders = _from_others(founders, few)
    told = np.ones(len(discoveries.terms.targets), bool)
    centres = [discoveries.centres.of_row(row) for row in range(len(discoveries.centres))]
    for row in touched.tolist():
        people = founders.of_row(row)[0]
        here = slice(int(discoveries.terms.offsets[row]), int(discoveries.terms.offsets[row + 1]))
        told[here] = np.isin(discoveries.terms.targets[here], members.terms.of_rows(people)[1])
        centres[row] = shared_centre(members.interests, people, centres[row][0])
    return replace(
        discoveries,
        founders=founders,
        terms=_only(discoveries.terms, told),
        centres=Profiles.of(discoveries.centres.vectors.shape[1], centres),
    )


def shared_centre(interests: Profiles, people: Rows, near: Matrix) -> tuple[Matrix, Vector]:
    """Return the mean of each person's interest nearest to a direction, and its weight of one.

    Args:
        interests: Everybody's.
        people: Rows.
        near: The direction, a unit vector of shape (1, d); of shape (0, d) there is none.

    Returns:
        A unit vector of shape (1, d) and a weight; (0, d) and none if there is nothing to tell.
    """
    nothing = near[:0], np.zeros(0, np.float32)
    own = [interests.of_row(person)[0] for person in people.tolist()]
    nearest = [vectors[int(np.argmax(vectors @ near[0]))] for vectors in own if len(vectors)]
    if not len(near) or not nearest:
        return nothing
    mean = np.stack(nearest).sum(axis=0, dtype=np.float64)
    length = float(np.linalg.norm(mean))
    if length < 1e-6:
        return nothing
    return (mean / length).astype(np.float32)[None, :], np.ones(1, np.float32)


def _groups(groups: GroupColumns, gone: Rows, posts: Rows) -> GroupColumns:
    told = ~np.isin(groups.term_posts, posts)
    inside = _only(groups.members, ~np.isin(groups.members.targets, gone))
    fewer = groups.members.counts() - inside.counts()
    return replace(
        groups,
        size=(groups.size - fewer).astype(np.float32),
        members=inside,
        terms=_only(groups.terms, told),
        term_posts=groups.term_posts[told],
    )


def _behaviour(behaviour: Behaviour, gone: Rows) -> Behaviour:
    here = np.ones(len(behaviour.languages), bool)
    here[gone] = False
    languages = np.where(here, behaviour.languages, UNKNOWN)
    homes = np.where(here, behaviour.homes, UNKNOWN)
    return replace(
        behaviour,
        joined=_from_others(behaviour.joined, gone),
        habits=_from_others(behaviour.habits, gone),
        visits=_from_others(behaviour.visits, gone),
        fellows=_among_others(behaviour.fellows, gone),
        languages=languages,
        homes=homes,
        language_names=_still_told(behaviour.language_names, languages, behaviour.group_languages),
        home_names=_still_told(behaviour.home_names, homes, behaviour.group_homes),
    )


def _still_told(names: Strings, *columns: Rows) -> Strings:
    """Return the names without those that nobody and no group is left with."""
    return _blanked(names, np.setdiff1d(np.arange(len(names)), np.concatenate(columns)).tolist())


def _blanked(strings: Strings, rows: Iterable[int]) -> Strings:
    texts = strings.tolist()
    for row in rows:
        texts[row] = ""
    return Strings.of(texts)


def _without_vectors(profiles: Profiles, gone: Rows) -> Profiles:
    keep = ~np.isin(profiles.owners(), gone)
    return Profiles(
        _offsets(profiles.offsets, keep), profiles.vectors[keep], profiles.weights[keep]
    )


def _from_others(links: Links, gone: Rows) -> Links:
    return _only(links, ~np.isin(_sources(links), gone))


def _among_others(links: Links, gone: Rows) -> Links:
    return _only(links, ~np.isin(_sources(links), gone) & ~np.isin(links.targets, gone))


def _only(links: Links, keep: BoolVector) -> Links:
    return Links(_offsets(links.offsets, keep), links.targets[keep], links.weights[keep])


def _offsets(offsets: Rows, keep: BoolVector) -> Rows:
    before = np.zeros(len(keep) + 1, np.int64)
    np.cumsum(keep, out=before[1:])
    return before[offsets]


def _sources(links: Links) -> Rows:
    return np.repeat(np.arange(len(links)), links.counts())
