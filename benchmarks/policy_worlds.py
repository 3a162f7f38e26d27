"""Small communities in which everything happens, and every slate is held against the rules.

A world is a handful of people who are near each other, so that only the rules keep them apart,
and a list of steps drawn by Hypothesis: slates are looked at, whole or in part, early or late;
people decline, dismiss, accept, block, are reported, want more or fewer introductions or none,
come, go and are forgotten; hours, days and weeks pass. After every step somebody asks, and in the
end everybody does, in each of the ways there are to ask for people.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from math import nan

import numpy as np
from hypothesis import strategies as st

from benchmarks.policy_truth import REST_S, Truth, Wishes
from engine.answers import Answer
from engine.bundle import Bundle
from engine.capacity import Because
from engine.columns import Links
from engine.facts import Facts, VectorFact, Written
from engine.index import VectorIndex
from engine.live import Overlay
from engine.recommender import Recommender
from engine.snapshot import UNREADABLE_BAND
from engine.types import BoolVector
from engine.weeks import WEEK_S

START = 1_750_000_000.0
PEOPLE = tuple(f"m{number}" for number in range(9))
BANDS = ("adult", "minor")
WEEKLY = (5.0, 5.0, 1.0, 2.0, 2.5, 40.0, 0.0, nan)
PAUSES_S = (60.0, 7_200.0, 86_400.0, 3 * 86_400.0, 7 * 86_400.0, 91 * 86_400.0)
FOREVER = 1e11

Step = tuple[str, int, int, int]
"""What happens, to whom, about whom, and how much of it."""

KINDS = (
    *("looks", "looks", "looks", "looks", "pause", "pause", "in_vain", "in_vain"),
    *("looks_late", "declines", "dismisses", "accepts", "reports", "cleared"),
    *("blocks", "blocks", "weekly", "closes", "hides", "band", "comes", "forgotten"),
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a world is drawn from.

    Attributes:
        wishes: For each of the first people an index into what they may want.
        ties: Pairs of people, by number, who know each other.
        blocks: Pairs of whom the first has blocked the second.
        steps: What happens.
    """

    wishes: tuple[tuple[int, int, bool, bool], ...]
    ties: tuple[tuple[int, int], ...]
    blocks: tuple[tuple[int, int], ...]
    steps: tuple[Step, ...]


_someone = st.integers(0, len(PEOPLE) - 1)
_pairs = st.lists(
    st.tuples(_someone, _someone).filter(lambda pair: pair[0] != pair[1]), max_size=4
).map(tuple)
plans = st.builds(
    Plan,
    st.lists(
        st.tuples(
            st.sampled_from([0] * 8 + [1, 2]),
            st.sampled_from([0, *range(len(WEEKLY))]),
            st.sampled_from([True] * 7 + [False]),
            st.sampled_from([True] * 7 + [False]),
        ),
        min_size=len(PEOPLE),
        max_size=len(PEOPLE),
    ).map(tuple),
    _pairs,
    _pairs,
    st.lists(
        st.tuples(st.sampled_from(KINDS), _someone, _someone, st.integers(0, 7)),
        min_size=4,
        max_size=14,
    ).map(tuple),
)


@dataclass
class Count:
    """How much was asked, and what broke a rule; `removed` shows that no policy stood idle."""

    worlds: int = 0
    requests: int = 0
    people: int = 0
    short: Counter[str] = field(default_factory=Counter)
    removed: Counter[str] = field(default_factory=Counter)
    breaks: list[str] = field(default_factory=list)


class World:
    """One world: the truth, and the recommender that is told of it."""

    def __init__(self, base: Bundle, plan: Plan, count: Count) -> None:
        self.count = count
        self.truth = Truth(START)
        self._comes = 0
        for name, wish in zip(PEOPLE, plan.wishes, strict=True):
            self.truth.members[name] = _wishes(*wish)
        self.truth.ties = {frozenset((PEOPLE[one], PEOPLE[other])) for one, other in plan.ties}
        self.truth.blocks = {(PEOPLE[one], PEOPLE[other]) for one, other in plan.blocks}
        count.worlds += 1
        self.overlay = Overlay(_bundle(base, self.truth), clock=lambda: self.truth.now)

    @property
    def recommender(self) -> Recommender:
        """What answers now."""
        return self.overlay.recommender

    def take(self, step: Step) -> None:
        """Let one thing happen."""
        kind, one, other, much = step
        here = sorted(self.truth.members)
        if kind == "pause":
            self.truth.now += PAUSES_S[much % len(PAUSES_S)]
        elif here:
            who, whom = here[one % len(here)], here[other % len(here)]
            facts = self._happens(kind, (who, whom), much)
            self.overlay.take_in(facts)

    def _happens(self, kind: str, pair: tuple[str, str], much: int) -> Facts:
        truth, (who, whom) = self.truth, pair
        if kind == "looks":
            slate = [item.id for item in self.ask(who, much + 1).items]
            return truth.shown(who, slate[: 1 + much % 4])
        if kind in {"comes", "forgotten"}:
            return self._comes_or_goes(kind, who)
        alone: dict[str, Callable[[], Facts]] = {
            "weekly": lambda: self._wants(who, weekly=WEEKLY[much]),
            "closes": lambda: self._wants(who, open=not truth.members[who].open),
            "hides": lambda: self._wants(who, discoverable=not truth.members[who].discoverable),
            "band": lambda: self._wants(who, band=(*BANDS, None)[much % 3]),
            "reports": lambda: truth.reported(who, hidden=True),
            "cleared": lambda: truth.reported(who, hidden=False),
        }
        if kind in alone:
            return alone[kind]()
        if who == whom:
            return Facts()
        return self._between(kind, who, whom)

    def _between(self, kind: str, who: str, whom: str) -> Facts:
        truth = self.truth
        if kind == "looks_late":  # at a slate of long ago: it may be more than there is room for
            return truth.shown(who, [whom])
        if kind == "in_vain":  # for weeks
            for _ in range(2):
                self.overlay.take_in(truth.shown(who, [whom]))
                truth.now += WEEK_S
            return truth.shown(whom, [who])
        if kind == "blocks":
            return truth.blocks_or_not(who, whom)
        if kind == "accepts":
            return truth.reacts(who, whom)
        both = kind == "declines"
        return truth.answered(who, whom, both_ways=both, until=truth.now + REST_S)

    def _wants(self, who: str, **told: object) -> Facts:
        return self._said(who, self.truth.changed(who, **told))

    def _comes_or_goes(self, kind: str, who: str) -> Facts:
        if kind == "forgotten":
            return self.truth.forgets(who)
        self._comes += 1
        return self._said(f"n{self._comes}", Wishes())

    def _said(self, who: str, wishes: Wishes) -> Facts:
        facts = self.truth.wishes(who, wishes, "rocket")
        encoder = self.overlay.bundle.encoder
        vector = VectorFact(Written.MEMBER, who, encoder.encode(["rocket"]), (1.0,))
        return replace(facts, vectors=(vector,))

    def ask(self, viewer: str, k: int) -> Answer:
        """Return a member's slate, held against the rules."""
        answer = self.recommender.members_for(viewer, k)
        self._hold(viewer, answer, k)
        self._hold_short(viewer, answer, k)
        return answer

    def ask_all(self) -> None:
        """Ask for everybody, and for one of them in every way there is."""
        here = sorted(self.truth.members)
        for viewer in here:
            self.ask(viewer, 10)
        for viewer in here[-1:]:
            self._hold(viewer, self.recommender.ranked_members(viewer, here), len(here))
            settled = self.recommender.ids_for(Written.MEMBER, viewer, 10)
            page = self.recommender.shown_of(Written.MEMBER, viewer, settled, 3)
            self._hold(viewer, page, 3)
        for band in (BANDS[0], None):
            self._hold_text(self.recommender.members_for_text("rocket", 10, band), band)

    def _hold(self, viewer: str, answer: Answer, k: int) -> None:
        ids = [item.id for item in answer.items]
        self._noted(answer)
        band = self.truth.members[viewer].band
        for one in ids:
            for rule in self.truth.objections(viewer, one, band):
                self._broken(f"{one} is shown to {viewer}: {rule}")
        new = sum(not self.truth.met_this_week(viewer, one) for one in ids)
        if new > max(self.truth.room(viewer), 0):
            self._broken(f"{viewer} is shown {new} new people: there is less room")
        if len(ids) > k or len(set(ids)) < len(ids):
            self._broken(f"{viewer} asked for {k} and is shown {ids}")

    def _hold_short(self, viewer: str, answer: Answer, k: int) -> None:
        given, short = len(answer.items), answer.short
        if (short is None) != (given == k):
            self._broken(f"{viewer} is shown {given} of {k}, and told {short}")
        if short is None:
            return
        self.count.short[short.because.value] += 1
        if self.truth.members[viewer].takes <= 0:
            expected = Because.CLOSED
        elif given >= self.truth.members[viewer].takes:
            expected = Because.WEEKLY_INTRODUCTIONS
        else:
            expected = Because.NOBODY_LEFT
        if short.because is not expected or (short.asked, short.given) != (k, given):
            self._broken(f"{viewer} is told {short}, not {expected}")

    def _hold_text(self, answer: Answer, band: str | None) -> None:
        self._noted(answer)
        for item in answer.items:
            for rule in self.truth.objections(None, item.id, band):
                self._broken(f"{item.id} is shown to a newcomer: {rule}")

    def _noted(self, answer: Answer) -> None:
        self.count.requests += 1
        self.count.people += len(answer.items)
        for name, rows in answer.trace.removed.items():
            self.count.removed[name] += len(rows)

    def _broken(self, why: str) -> None:
        self.count.breaks.append(why)


def live_through(base: Bundle, plan: Plan, count: Count) -> None:
    """Let everything happen that a plan holds, and hold every slate against the rules."""
    world = World(base, plan, count)
    for number, step in enumerate(plan.steps):
        world.take(step)
        here = sorted(world.truth.members)
        if here:
            world.ask(here[(step[1] + number) % len(here)], 1 + step[3])
    world.ask_all()


def base_bundle() -> Bundle:
    """Return the bundle that all worlds begin with: people who write about the same thing."""
    from tests.builders import Membership, Post, built, make
    from tests.live_facts import bundle_of

    found = make(
        dict.fromkeys(PEOPLE, "rocket"),
        {"club": "rocket", "bakers": "sourdough"},
        [Membership(one, "club", START - 86_400.0) for one in PEOPLE[:6]],
        [Post(f"p{one}", (one,), ("club",), START - 86_400.0, f"rocket {one}") for one in PEOPLE],
    )
    return bundle_of(built(found))


def _wishes(band: int, weekly: int, discoverable: bool, willing: bool) -> Wishes:
    return Wishes(discoverable, willing, WEEKLY[weekly], (*BANDS, None)[band])


def _bundle(base: Bundle, truth: Truth) -> Bundle:
    """Return the bundle with what its people want, and who knows whom."""
    members = base.snapshot.members
    told = [truth.members[one] for one in members.ids.tolist()]
    rows = {one: row for row, one in enumerate(members.ids.tolist())}
    changed = replace(
        members,
        discoverable=_flags(one.discoverable for one in told),
        open_to_introductions=_flags(one.open for one in told),
        weekly_introductions=np.array([one.weekly for one in told], np.float32),
        audience=np.array(
            [UNREADABLE_BAND if one.band is None else BANDS.index(one.band) for one in told]
        ),
        bands=type(members.bands).of(BANDS),
        ties=_both_ways(rows, map(tuple, truth.ties)),
        blocks=_both_ways(rows, truth.blocks),
    )
    snapshot = replace(base.snapshot, members=changed)
    index = VectorIndex.build(np.asarray(changed.interests.vectors))
    return replace(base, snapshot=snapshot, members=index)


def _flags(values: Iterable[bool]) -> BoolVector:
    return np.array(list(values), bool)


def _both_ways(rows: dict[str, int], pairs: Iterable[tuple[str, ...]]) -> Links:
    sides = [(rows[one], rows[other]) for one, other in pairs]
    both = np.array([*sides, *((other, one) for one, other in sides)], np.int64).reshape(-1, 2)
    return Links.of(len(rows), both[:, 0], both[:, 1])
