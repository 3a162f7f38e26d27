"""Planning, showing and committing a round: what the routes and `belong round` both do.

All of it takes long for a large community: never call it from an event loop.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from data.store.connect import Store
from data.store.rounds import KeptRound, commit_round, keep_plan, kept_round, pairs_met
from engine.facts import Written
from engine.policies.fitness import NotAlreadyTied
from engine.recommender import Recommender
from engine.round_rules import PairRules
from engine.round_wishes import WORDS, Match, Plan
from engine.rounds import plan_round
from serving.round_schemas import (
    Diff,
    LeftOut,
    MatchCard,
    ReasonsFor,
    RoundBody,
    RoundCard,
    SettingsCard,
)
from serving.schemas import Reason

PAGE, MOST_ON_PAGE = 100, 1_000
"""Matches on one page, usually and at most."""

LONGEST_S = 1_800.0
"""Seconds after which a plan that is not there will not come: its worker has ended."""

KNOWN = "You have exchanged something before."
"""What is said to those who know each other already, where such people may meet."""


@dataclass(frozen=True, slots=True)
class Window:
    """One page of a round."""

    offset: int = 0
    limit: int = PAGE


def planned(
    recommender: Recommender, store: Store, community: str, body: RoundBody, now: float
) -> Plan:
    """Return a plan that repeats no pair it should not; nothing is kept of it.

    Raises:
        DataError: The wishes contradict themselves, or what must be may not be.
        UnknownReferenceError: They name somebody who is not there.
        StoreUnavailableError: The database cannot be used.
    """
    met = pairs_met(store, community, body.no_repeat_rounds)
    return plan_round(recommender, body.wishes(met), now)


def plan_and_keep(
    recommender: Recommender, store: Store, place: tuple[str, str], body: RoundBody, now: float
) -> KeptRound:
    """Plan a round that was begun, and keep the plan; errors as of `planned`.

    Args:
        recommender: What answers for the community.
        store: Where the plan is kept.
        place: The community's name, and the round's id.
        body: What the host wants.
        now: Unix seconds.
    """
    return keep_plan(store, *place, planned(recommender, store, place[0], body, now), now)


def committed(
    recommender: Recommender, store: Store, place: tuple[str, str], now: float
) -> KeptRound:
    """Commit a round, without those who may not meet any more.

    Raises:
        UnknownError: There is no such round.
        DataError: It has no plan yet.
        BehindError: The recommender does not know all that it must: come with a newer one.
        StoreUnavailableError: The database cannot be used.
    """
    found = kept_round(store, *place)
    if found.committed_ts is not None:
        return found
    rules = PairRules.of(recommender, now, found.settings.tied)
    circles = [match.members for match in found.plan.matches]
    refused = rules.fallen(circles, found.settings.tied)
    known = recommender.bundle.manifest.watermark
    return commit_round(store, *place, refused, known, now)


def card_of(
    found: KeptRound, community: str, recommender: Recommender, window: Window, now: float
) -> RoundCard:
    """Return a page of a round as it goes out, with the reasons that hold now.

    Args:
        found: The round.
        community: The community's name.
        recommender: What answers for it.
        window: Which page.
        now: Unix seconds.
    """
    plan, end = found.plan, window.offset + window.limit
    matches = [
        match_of(match, recommender, found.settings.tied)
        for match in plan.matches[window.offset : end]
    ]
    left_out = [
        LeftOut(member=one, why=why.value, text=WORDS[why]) for one, why in plan.left_out.items()
    ]
    return RoundCard(
        id=found.id,
        community=community,
        name=found.name,
        status=status_of(found, now),
        problem=found.problem or None,
        version=plan.version,
        settings=SettingsCard(**asdict(found.settings)),
        created_ts=found.created_ts,
        planned_ts=found.planned_ts,
        committed_ts=found.committed_ts,
        total_quality=round(plan.total, 6),
        worst_quality=plan.worst,
        matches_total=len(plan.matches),
        left_out_total=len(left_out),
        matches=matches,
        left_out=left_out[window.offset : end],
        next_offset=end if max(len(plan.matches), len(left_out)) > end else None,
    )


def status_of(found: KeptRound, now: float) -> str:
    """Return what has become of a round; planning that takes so long has been broken off."""
    if found.committed_ts is not None:
        return "committed"
    if found.planned_ts is not None:
        return "planned"
    return "failed" if found.problem or now - found.created_ts > LONGEST_S else "planning"


def match_of(match: Match, recommender: Recommender, tied: bool = False) -> MatchCard:
    """Return people who meet, with what each may read of another.

    Who has been forgotten, or may not be introduced any more, has no reasons.
    """
    reasons, possible = [], True
    for member, other in _ways(match.members):
        why = _reasons(recommender, member, other, tied)
        possible &= bool(why)
        reasons.append(ReasonsFor(member=member, other=other, reasons=why))
    return MatchCard(
        members=list(match.members),
        quality=match.quality,
        possible=possible,
        reasons=reasons if possible else [],
    )


def _reasons(recommender: Recommender, member: str, other: str, tied: bool) -> list[Reason]:
    """Return what one may read of another, nothing if they may not be introduced now."""
    if recommender.members.find(member) is None:
        return []
    [found] = recommender.judged(Written.MEMBER, member, [other])
    if tied and found.refused_by == NotAlreadyTied.name:
        return [Reason(kind="already_tied", text=KNOWN, evidence=[other])]
    return [
        Reason(kind=reason.kind, text=reason.text, evidence=list(reason.evidence))
        for reason in found.reasons
    ]


def diff_of(found: KeptRound, other: KeptRound) -> Diff:
    """Return what sets a round apart from another."""
    mine = {match.members for match in found.plan.matches}
    theirs = {match.members for match in other.plan.matches}
    return Diff(
        other=other.id,
        kept=len(mine & theirs),
        new=[list(one) for one in sorted(mine - theirs)],
        gone=[list(one) for one in sorted(theirs - mine)],
    )


def _ways(members: Sequence[str]) -> list[tuple[str, str]]:
    """Return who reads about whom: each about the next one, the last about the first."""
    return [(one, members[(place + 1) % len(members)]) for place, one in enumerate(members)]
