"""What is written in the synthetic town: who posts where and when, and who answers whom."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from data.town.groups import interest_within
from data.town.joins import Joins
from data.town.people import NOBODY, Amounts, Window
from data.town.truth import About, Truth
from engine.domain import DAY_S
from engine.types import Rows

POSTS_PER_MEMBER = 2.6
"""Posts a member, before hosts' gatherings and the answers that answers bring."""

NEARBY_THREADS = 8
"""Earlier threads of the group among which a reply finds its parent."""

CHUNK = 100_000


class Role(IntEnum):
    """What a post is for; decides the sentences it is made of."""

    THREAD = 0  # opens a subject
    GATHERING = 1  # invites to meet
    REPLY = 2  # answers a thread
    ANSWER = 3  # answers a reply
    CHATTER = 4  # a thread of everyday talk
    CHATTER_REPLY = 5  # a reply, or an answer to one, in everyday talk


@dataclass(frozen=True, slots=True)
class Posts:
    """Posts as columns, oldest first, so that a parent stands before its replies.

    Attributes:
        join: The row of the author's membership in the group the post stands in.
        ts: When it was written, unix seconds.
        parent: The post it answers, -1 if none.
        interest: The interest it is about, -1 for everyday talk.
        role: A `Role` a post.
    """

    join: Rows
    ts: Rows
    parent: Rows
    interest: Rows
    role: Rows

    def __len__(self) -> int:
        """Return the number of posts."""
        return len(self.join)


def draw_posts(rng: np.random.Generator, truth: Truth, joins: Joins, window: Window) -> Posts:
    """Return every post: what members and hosts write, who is answered, and who answers back."""
    posts = _draw_writing(rng, truth, joins, window)
    posts = _thread(rng, truth, joins, posts)
    interest = _draw_interests(rng, truth, joins, posts)
    posts = Posts(posts.join, posts.ts, posts.parent, interest, posts.role)
    turn = np.flatnonzero(posts.parent != NOBODY)
    for eagerness in (1.0, 0.6, 0.5):
        posts, turn = _answer_back(rng, truth, joins, posts, (turn, eagerness))
    return _oldest_first(posts)


def _draw_writing(rng: np.random.Generator, truth: Truth, joins: Joins, window: Window) -> Posts:
    """Return posts that nobody has answered yet; a silent member writes none."""
    talk = truth.people.talkativeness[joins.member] * np.where(joins.lasts, 1.0, 0.3)
    target = POSTS_PER_MEMBER * len(truth.people)
    often = np.minimum(talk * target / max(talk.sum(), 1e-9), 60.0)
    many = rng.poisson(often)
    many = np.where(joins.lasts, many, np.minimum(many, 2))
    life = window.end - joins.first_ts
    calls = np.where(joins.host, 1 + life // (75 * DAY_S), 0)
    join = np.concatenate([np.repeat(np.arange(len(joins)), times) for times in (many, calls)])
    hosted = np.arange(len(join)) >= many.sum()
    span = joins.active_ts[join] - joins.first_ts[join] - 1
    ts = joins.first_ts[join] + (rng.random(len(join)) * span).astype(np.int64)
    gathers = rng.random(len(join)) < np.where(hosted, 0.6, 0.08)
    opens = hosted | gathers | (rng.random(len(join)) < 0.35)
    role = np.where(gathers, Role.GATHERING, np.where(opens, Role.THREAD, Role.REPLY))
    nothing = np.full(len(join), NOBODY, dtype=np.int64)
    order = np.lexsort((ts, joins.group[join]))
    return Posts(join[order], ts[order], nothing, nothing, role[order].astype(np.int64))


def _thread(rng: np.random.Generator, truth: Truth, joins: Joins, posts: Posts) -> Posts:
    """Return the posts with each reply under a thread; one that finds none opens its own.

    A reply is moved to soon after its thread, but never before its author had joined.
    """
    group = joins.group[posts.join]
    openings = np.flatnonzero(posts.role != Role.REPLY)
    replies = np.flatnonzero(posts.role == Role.REPLY)
    parent = posts.parent.copy()
    before = np.searchsorted(openings, replies)
    for start in range(0, len(replies), CHUNK):
        mine = replies[start : start + CHUNK]
        place = before[start : start + CHUNK, None] - 1 - np.arange(NEARBY_THREADS)
        thread = openings[np.clip(place, 0, len(openings) - 1)]
        author, other = joins.member[posts.join[mine]][:, None], joins.member[posts.join[thread]]
        possible = (place >= 0) & (group[thread] == group[mine][:, None]) & (author != other)
        possible &= posts.ts[thread] + 120 <= posts.ts[mine][:, None]
        # Nobody digs out a thread from long before they came.
        came = joins.first_ts[posts.join[mine]][:, None]
        possible &= posts.ts[thread] + 30 * DAY_S >= came
        liking = 2.5 * np.log(truth.pair_fit(author, other) + 0.03)
        score = np.where(possible, liking + rng.gumbel(size=thread.shape), -np.inf)
        best = np.argmax(score, axis=1)
        rows = np.arange(len(mine))
        parent[mine] = np.where(possible[rows, best], thread[rows, best], NOBODY)
    replying = np.flatnonzero(parent != NOBODY)
    soon = posts.ts[parent[replying]] + _pause(rng, len(replying), 1.5)
    ts = posts.ts.copy()
    ts[replying] = np.clip(soon, joins.first_ts[posts.join[replying]], ts[replying])
    role = np.where((posts.role == Role.REPLY) & (parent == NOBODY), Role.THREAD, posts.role)
    return Posts(posts.join, ts, parent, posts.interest, role)


def _draw_interests(rng: np.random.Generator, truth: Truth, joins: Joins, posts: Posts) -> Rows:
    """Return what each post is about: the group's interest, or the author's in a wider group."""
    people, groups = truth.people, truth.groups
    member, group = joins.member[posts.join], joins.group[posts.join]
    about, area = groups.about[group], groups.area[group]
    broad = interest_within(rng, area, truth.vocabulary.area_of)
    for slot in reversed(range(people.interests.shape[1])):
        own = people.interests[member, slot]
        broad = np.where((people.areas[member, slot] == area) & (own != NOBODY), own, broad)
    aside = rng.random(len(posts))
    idle = (aside < 0.5) & (posts.role != Role.GATHERING)
    general = np.where(idle, NOBODY, people.interests[member, 0])
    narrow = np.where((aside < 0.04) & (posts.role == Role.THREAD), NOBODY, groups.interest[group])
    interest = np.where(about == About.AREA, broad, narrow)
    interest = np.where(about == About.GENERAL, general, interest)
    answered = posts.parent != NOBODY
    interest[answered] = interest[posts.parent[answered]]
    return interest.astype(np.int64)


def _answer_back(
    rng: np.random.Generator,
    truth: Truth,
    joins: Joins,
    posts: Posts,
    turn: tuple[Rows, float],
) -> tuple[Posts, Rows]:
    """Return the posts with answers to the replies in ``turn``, and the rows of those answers.

    The author of the parent answers the more gladly the better the two fit, so that an exchange
    in both directions is a sign that both wanted it.
    """
    replies, eagerness = turn
    answerer = posts.join[posts.parent[replies]]
    fit = truth.pair_fit(joins.member[answerer], joins.member[posts.join[replies]])
    ts = posts.ts[replies] + _pause(rng, len(replies), 1.0)
    glad = rng.random(len(replies)) < eagerness * _gladness(fit)
    kept = np.flatnonzero(glad & (ts < joins.until_ts[answerer]))
    answered = replies[kept]
    added = Posts(
        answerer[kept],
        ts[kept],
        answered,
        posts.interest[answered],
        np.full(len(kept), Role.ANSWER, dtype=np.int64),
    )
    rows = np.arange(len(posts), len(posts) + len(kept))
    return _joined(posts, added), rows


def _gladness(fit: Amounts) -> Amounts:
    """Return how likely a reply is answered, from a fit in [0, 1]: 0.05 at none, 0.9 at most."""
    return 0.05 + 0.85 / (1.0 + np.exp(-14.0 * (fit - 0.32)))


def _pause(rng: np.random.Generator, count: int, days: float) -> Rows:
    """Return seconds until somebody answers: at least a minute, ``days`` on average."""
    return (60 + rng.exponential(days * DAY_S, count)).astype(np.int64)


def _joined(posts: Posts, added: Posts) -> Posts:
    return Posts(
        np.concatenate([posts.join, added.join]),
        np.concatenate([posts.ts, added.ts]),
        np.concatenate([posts.parent, added.parent]),
        np.concatenate([posts.interest, added.interest]),
        np.concatenate([posts.role, added.role]),
    )


def _oldest_first(posts: Posts) -> Posts:
    """Return the posts in order of time, everyday talk marked as such."""
    order = np.argsort(posts.ts, kind="stable")
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    parent = np.where(posts.parent == NOBODY, NOBODY, place[posts.parent])
    idle = posts.interest == NOBODY
    chatter = np.where(posts.role == Role.THREAD, Role.CHATTER, posts.role)
    chatter = np.where(posts.parent == NOBODY, chatter, Role.CHATTER_REPLY)
    role = np.where(idle, chatter, posts.role)
    return Posts(
        posts.join[order], posts.ts[order], parent[order], posts.interest[order], role[order]
    )
