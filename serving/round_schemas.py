"""The shapes of rounds: what a host asks for, and what they are told."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from data.store.rounds import NAME_LENGTH, RoundSettings
from engine.round_wishes import LARGEST, Mix, Pair, Wishes
from serving.bodies import Id, Strict
from serving.schemas import Reason

MOST_MEMBERS = 100_000
"""Members of one round at most."""

MOST_PAIRS = 20_000
"""Pairs that must or must never meet, at most."""

MOST_ROUNDS = 52
"""Earlier rounds whose pairs may be kept from meeting again."""

IdPair = Annotated[list[Id], Field(min_length=2, max_length=2)]
IdPairs = Annotated[list[IdPair], Field(max_length=MOST_PAIRS)]


class RoundBody(Strict):
    """What a host wants of a round."""

    members: Annotated[list[Id], Field(max_length=MOST_MEMBERS)] | Literal["all"] = Field(
        description="Who opted in; `all` for everybody who is open to introductions."
    )
    size: int = Field(
        default=2, ge=2, le=LARGEST, description="How many meet: 2 for pairs, 3 to 9 for circles."
    )
    must: IdPairs = Field(default=[], description="Pairs that meet in any case.")
    never: IdPairs = Field(default=[], description="Pairs that do not.")
    no_repeat_rounds: int = Field(
        default=0,
        ge=0,
        le=MOST_ROUNDS,
        description="Pairs of so many of the last committed rounds do not meet again.",
    )
    minimum_quality: float = Field(
        default=0.0, ge=0, le=1, description="What a pair, or a circle on average, must reach."
    )
    mix: Annotated[Mix, Field(strict=False)] = Field(
        default=Mix.ANY,
        description="Whether newcomers meet regulars, as far as there are enough of them.",
    )
    tied: bool = Field(
        default=False, description="Whether those may meet who know each other already."
    )
    threes: bool = Field(
        default=False,
        description="Whether whoever would be left out of pairs may join one as the third.",
    )
    seed: int = Field(
        default=0, ge=0, le=2**32 - 1, description="The same gives the same plan, of the same data."
    )
    name: str = Field(default="", max_length=NAME_LENGTH, description="For whoever reads it.")

    def wishes(self, met: tuple[Pair, ...]) -> Wishes:
        """Return what is wanted, knowing who met in earlier rounds."""
        return Wishes(
            members=None if self.members == "all" else tuple(self.members),
            size=self.size,
            must=_pairs(self.must),
            never=_pairs(self.never),
            met=met,
            minimum_quality=self.minimum_quality,
            mix=self.mix,
            tied=self.tied,
            threes=self.threes,
            seed=self.seed,
        )

    def settings(self) -> RoundSettings:
        """Return what the round is kept with; it names nobody."""
        return RoundSettings.of(self.wishes(()), self.no_repeat_rounds)


class ReasonsFor(BaseModel):
    """Why somebody may be glad to meet another, for them to read."""

    member: str = Field(description="Who reads it.")
    other: str = Field(description="Whom it is about.")
    reasons: list[Reason]


class MatchCard(BaseModel):
    """People who meet."""

    members: list[str]
    quality: float = Field(description="How good it is for all of them, 0 to 1.")
    possible: bool = Field(
        description="Whether they may still meet: false if something has changed since. A commit "
        "leaves such people out."
    )
    reasons: list[ReasonsFor] = Field(
        description="For each of a pair about the other; in a circle for each about the next one."
    )


class LeftOut(BaseModel):
    """Somebody who opted in and meets nobody."""

    member: str
    why: str = Field(examples=["odd_one_out"])
    text: str = Field(description="The same for the host to read; it says nothing of others.")


class SettingsCard(BaseModel):
    """What a round was planned with."""

    size: int
    seed: int
    minimum_quality: float
    mix: str
    no_repeat_rounds: int
    tied: bool
    threes: bool


class Diff(BaseModel):
    """What sets a round apart from another: matches by their members."""

    other: str = Field(description="The id of the other round.")
    kept: int = Field(description="How many matches are in both.")
    new: list[list[str]] = Field(description="Those that are in this one alone.")
    gone: list[list[str]] = Field(description="Those that are in the other alone.")


class RoundCard(BaseModel):
    """A round: who meets whom, and who meets nobody, and why."""

    id: str
    community: str
    name: str
    status: str = Field(description="planning, planned, committed or failed.", examples=["planned"])
    problem: str | None = Field(default=None, description="Why it could not be planned.")
    version: str = Field(description="The bundle it was planned with; '' until it is planned.")
    settings: SettingsCard
    created_ts: float
    planned_ts: float | None
    committed_ts: float | None
    total_quality: float = Field(description="The summed quality of all matches.")
    worst_quality: float | None = Field(description="The least; null if nobody meets.")
    matches_total: int = Field(description="How many matches there are.")
    left_out_total: int = Field(description="How many people are left out.")
    matches: list[MatchCard] = Field(description="One page of them, best first.")
    left_out: list[LeftOut] = Field(description="One page of them, by id.")
    next_offset: int | None = Field(
        description="Where the next page begins: give it as offset; null if there is none."
    )
    diff: Diff | None = Field(default=None, description="If it was asked for.")


def _pairs(told: list[list[str]]) -> tuple[Pair, ...]:
    return tuple((one, other) for one, other in told)
