"""When systems are asked, and what counts: each cut of each community, with the window after it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import polars as pl

from data.community import Community
from engine.domain import DAY_S
from engine.errors import SettingError
from training.split import cut_at, parts_by

FOREVER = float("inf")

EARLIER = 0.8
"""Without a date to validate at, and without a window: the share of the joins before the first
cut after which the rest is left to tune peers on."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One community at one moment.

    Attributes:
        name: Which part and which cut, for people.
        community: The part, with everything that came later; its groups in random order.
        cut: The past ends before this second.
        end: The first second that no longer counts.
    """

    name: str
    community: Community
    cut: float
    end: float

    @property
    def day(self) -> str:
        """The cut as an ISO date and time."""
        return datetime.fromtimestamp(self.cut, tz=UTC).isoformat(timespec="seconds")


@dataclass(frozen=True, slots=True)
class Cuts:
    """Where to cut.

    Attributes:
        until: Dates or shares at which the past ends.
        validate: The same, for choosing the peers' settings; one window before the first of
            `until` if empty.
        window_days: Days after a cut that count; None for all until the next cut.
        split_by: A column of groups and posts; each value is a community of its own.
        seed: Decides the order of groups.
    """

    until: tuple[str, ...]
    validate: tuple[str, ...] = ()
    window_days: float | None = None
    split_by: str | None = None
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Trials:
    """What is measured, and what peers are tuned on: no validation window reaches into a test.

    Attributes:
        test: The trials that are measured.
        validation: The trials on which peers are tuned.
        not_measured: Why a part has none.
    """

    test: list[Trial]
    validation: list[Trial]
    not_measured: dict[str, str]


def trials_of(community: Community, cuts: Cuts) -> Trials:
    """Return every cut of every part.

    Raises:
        SettingError: There is nothing to measure, or nothing to tune on.
    """
    found = Trials([], [], {})
    for value, part in _parts(community, cuts.split_by):
        mixed = shuffled(part, cuts.seed)
        try:
            test = _trials(value, mixed, _cuts(mixed, cuts.until), cuts.window_days, FOREVER)
            earlier = _earlier(mixed, test[0].cut, cuts)
            validation = _trials(value, mixed, earlier, cuts.window_days, test[0].cut)
        except SettingError as error:
            found.not_measured[f"{value or part.name}: groups by time"] = str(error)
            continue
        found.test.extend(test)
        found.validation.extend(validation)
    if not found.test:
        raise SettingError("; ".join(found.not_measured.values()))
    return found


def shuffled(community: Community, seed: int) -> Community:
    """Return the same community with its groups in random order.

    Files list groups by size or by age, and equal scores are ordered by row: without this, a
    system that cannot tell two groups apart would profit from the order of a file.
    """
    count = len(community.groups)
    order = np.random.default_rng(seed).permutation(count)
    place = np.empty(count, dtype=np.int64)
    place[order] = np.arange(count)
    tables = {item.name: getattr(community, item.name) for item in fields(community)}
    moved: dict[str, Any] = {
        name: table.with_columns(group=pl.Series(place)[table["group"]])
        for name, table in tables.items()
        if isinstance(table, pl.DataFrame) and "group" in table.columns
    }
    return replace(community, groups=community.groups[order], **moved)


def _parts(community: Community, split_by: str | None) -> Iterator[tuple[str, Community]]:
    if split_by is None:
        yield "", community
    else:
        yield from parts_by(community, split_by)


def _cuts(community: Community, until: Sequence[str]) -> list[float]:
    return sorted({cut_at(community, one) for one in until})


def _earlier(community: Community, first: float, cuts: Cuts) -> list[float]:
    """Return the cuts to tune on, all before the first cut that is measured."""
    if cuts.validate:
        given = _cuts(community, cuts.validate)
        if given[-1] >= first:
            raise SettingError(
                f"--validate wants dates before the first --until: {_day(given[-1])} is not "
                f"before {_day(first)}"
            )
        return given
    joins = np.sort(community.memberships["first_ts"].drop_nulls().to_numpy())
    before = joins[joins < first]
    start = first - (cuts.window_days or FOREVER) * DAY_S
    if start <= before[0]:  # too short a past for a window of that length
        start = float(before[int(len(before) * EARLIER)])
    if not before[0] < start < first:
        raise SettingError(f"the joins before {_day(first)} are too few to tune peers on")
    return [start]


def _trials(
    value: str, community: Community, cuts: Sequence[float], days: float | None, last: float
) -> list[Trial]:
    """Return a trial for each cut; its window ends at the next cut or at `last` at the latest."""
    ends = [*cuts[1:], last]
    length = FOREVER if days is None else days * DAY_S
    return [
        Trial(
            " ".join(part for part in (value, _day(cut) if len(cuts) > 1 else "") if part),
            community,
            cut,
            min(cut + length, end),
        )
        for cut, end in zip(cuts, ends, strict=True)
    ]


def _day(timestamp: float) -> str:
    return datetime.fromtimestamp(timestamp, tz=UTC).date().isoformat()
