"""Which posts may still be answered now: a bundle's rows, and what was posted and answered since.

Each post that was touched is worked out anew from the bundle and the newest facts. An answer that
was taken away since goes only if it came since: of those of before a bundle keeps who gave them,
not which they were.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from engine.facts import PostFact, Written
from engine.ids import IdMap
from engine.live_rows import Row, even, extended
from engine.live_wishes import Profile, weighed
from engine.overlay import PatchedProfiles
from engine.since import Rows as RowsNow
from engine.since import Since
from engine.snapshot import PostColumns
from engine.types import Rows


@dataclass(frozen=True, slots=True)
class _PostNow:
    """One row as it is now."""

    id: str
    text: Profile
    authors: Row
    groups: Row
    answered_by: Row
    written_at: int
    last_at: int


class LivePosts:
    """Works out the rows of posts that were touched. One writer."""

    def __init__(self, since: Since) -> None:
        self.since = since
        self.base = since.base.posts
        self._rows = RowsNow(IdMap(self.base.ids, "post"))
        self._parents: dict[str, str] = {}
        self._answers: defaultdict[str, set[str]] = defaultdict(set)

    def now(self, last: PostColumns, touched: Iterable[str], left: Rows) -> PostColumns:
        """Return the columns of posts.

        Args:
            last: The columns before.
            touched: Ids of posts that came, were changed, answered or have gone, or whose vectors
                came.
            left: Rows of members of whom nothing must be left.
        """
        changed = self._asked(touched)
        changed |= {last.ids[row] for row in _written_by(last, left)} - {""}
        found = {one: self._post(one) for one in sorted(changed)}
        kept: dict[int, _PostNow] = {}
        dead: list[int] = []
        for one, post in found.items():
            if post is not None:
                kept[self._rows.claim(one)] = post
            elif (row := self._rows.drop(one)) is not None:
                dead.append(row)
        if not kept and not dead:
            return _without(last, left)
        return self._with(_without(last, left), kept, dead)

    def _with(self, last: PostColumns, kept: dict[int, _PostNow], dead: list[int]) -> PostColumns:
        size, posts = self._rows.size, kept.items()
        nothing = np.zeros((0, self.base.texts.vectors.shape[1]), np.float32)
        silent: Profile = nothing, np.zeros(0, np.float32)
        blank = {row: even(()) for row in dead}
        zero = dict.fromkeys(dead, 0)
        texts = {row: post.text for row, post in posts} | dict.fromkeys(dead, silent)
        return PostColumns(
            ids=last.ids.with_items(
                {row: post.id for row, post in posts} | dict.fromkeys(dead, ""), size
            ),
            here=extended(last.here, dict.fromkeys(kept, 1) | zero, size),
            texts=PatchedProfiles.over(last.texts, texts, size),
            authors=last.authors.with_rows({r: p.authors for r, p in posts} | blank, size),
            groups=last.groups.with_rows({r: p.groups for r, p in posts} | blank, size),
            answered_by=last.answered_by.with_rows(
                {row: post.answered_by for row, post in posts} | blank, size
            ),
            written_at=extended(last.written_at, {r: p.written_at for r, p in posts} | zero, size),
            last_at=extended(last.last_at, {r: p.last_at for r, p in posts} | zero, size),
        )

    def _asked(self, touched: Iterable[str]) -> set[str]:
        """Return the posts whose rows may be no longer what they were."""
        found: set[str] = set()
        for one in touched:
            found.add(one)
            before = self._parents.pop(one, None)
            if before is not None:
                self._answers[before].discard(one)
                found.add(before)
            fact = self.since.posts.get(one)
            if fact is not None and fact.parent is not None:
                self._parents[one] = fact.parent
                self._answers[fact.parent].add(one)
                found.add(fact.parent)
        return found

    def _post(self, one: str) -> _PostNow | None:
        """Return a post that may be answered, None if it is none (any more)."""
        fact, base = self.since.posts.get(one), self.since.living.get(one)
        found = self._of_fact(fact) if fact is not None else self._of_base(base)
        if found is None or not len(found.authors[0]):
            return None
        return self._answered(found, base)

    def _of_fact(self, fact: PostFact) -> _PostNow | None:
        if not (fact.here and fact.public) or fact.parent is not None or fact.written_at is None:
            return None
        since = self.since
        groups = [since.group_rows.find(group) for group in fact.groups]
        if None in groups:
            return None  # where it stands is not known, so neither is who may see it
        said = since.vectors.get((Written.POST, fact.id))
        nothing = np.zeros((0, self.base.texts.vectors.shape[1]), np.float32)
        return _PostNow(
            id=fact.id,
            text=weighed(said, 1.0) if said is not None else (nothing, np.zeros(0, np.float32)),
            authors=even(set(_found(since.member_rows, fact.authors))),
            groups=even({group for group in groups if group is not None}),
            answered_by=even(set(_found(since.member_rows, fact.took_part))),
            written_at=int(fact.written_at),
            last_at=int(fact.written_at),
        )

    def _of_base(self, row: int | None) -> _PostNow | None:
        if row is None:
            return None  # what was erased is not known by its row either
        base, gone = self.base, self.since.member_rows.gone
        return _PostNow(
            id=base.ids[row],
            text=base.texts.of_row(row),
            authors=even(one for one in base.authors.of_row(row)[0].tolist() if one not in gone),
            groups=base.groups.of_row(row),
            answered_by=even(()),
            written_at=int(base.written_at[row]),
            last_at=int(base.last_at[row]),
        )

    def _answered(self, post: _PostNow, base: int | None) -> _PostNow:
        """Return the post with everybody who has answered it or taken part in it."""
        counts = Counter(post.answered_by[0].tolist())
        last = post.last_at
        if base is not None:
            members, times = self.base.answered_by.of_row(base)
            counts.update(dict(zip(members.tolist(), times.tolist(), strict=True)))
            last = max(last, int(self.base.last_at[base]))
        for one in self._answers.get(post.id, ()):
            fact = self.since.posts[one]
            if fact.here and fact.public:
                counts.update(_found(self.since.member_rows, fact.authors))
                last = max(last, int(fact.written_at or 0))
        wrote, gone = set(post.authors[0].tolist()), self.since.member_rows.gone
        order = sorted(one for one in counts if one not in wrote and one not in gone)
        times = np.array([counts[one] for one in order], np.float32)
        return replace(post, answered_by=(np.array(order, np.int64), times), last_at=last)


def _found(rows: RowsNow, externals: Iterable[str]) -> list[int]:
    found = (rows.find(one) for one in externals)
    return [row for row in found if row is not None]


def _written_by(posts: PostColumns, members: Rows) -> list[int]:
    """Return the rows of posts that one of these members wrote, alone or with others."""
    if not len(members):
        return []
    flat = np.flatnonzero(np.isin(posts.authors.targets, members))
    rows: list[int] = np.unique(
        np.searchsorted(posts.authors.offsets, flat, side="right") - 1
    ).tolist()
    return rows


def _without(posts: PostColumns, members: Rows) -> PostColumns:
    """Return the posts as if these members had never written or answered any."""
    if not len(members):
        return posts
    return replace(
        posts,
        authors=posts.authors.without_targets(members),
        answered_by=posts.answered_by.without_targets(members),
    )
