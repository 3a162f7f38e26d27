"""Experiments: arms by weight, to which members are assigned for as long as one runs."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from sqlalchemy import delete, select

from data.store.connect import Store
from data.store.erasure import secret_of
from data.store.rows import write_rows
from data.store.schema import communities, experiments
from engine.errors import DataError, SettingError, UnknownError
from engine.preferences import Preferences

MOST_ARMS = 10
LONGEST_NAME = 50
_FORBIDDEN = set("=,;/\0")
"""What would be misread in the ledger or in a path."""


@dataclass(frozen=True, slots=True)
class Arm:
    """One way of answering. What is None is as the bundle has it.

    Attributes:
        name: What it is called.
        weight: Its share of members, in comparison with the other arms.
        intimacy: See `engine.preferences.Preferences`.
        exploration: Likewise.
        variety: Likewise.
    """

    name: str
    weight: float = 1.0
    intimacy: float | None = None
    exploration: float | None = None
    variety: float | None = None


@dataclass(frozen=True, slots=True)
class Experiment:
    """Arms that are compared.

    Attributes:
        name: What it is called.
        arms: Its arms, in the order in which they share the members.
        created_ts: When it was last set, unix seconds.
    """

    name: str
    arms: tuple[Arm, ...]
    created_ts: float

    def arm_of(self, secret: bytes, member: str) -> Arm:
        """Return a member's arm: the same for as long as arms and weights stay.

        Args:
            secret: The community's, so that nobody can choose an arm by choosing an id.
            member: Their id.
        """
        told = f"experiment\0{self.name}\0{member}".encode("utf-8", "surrogatepass")
        drawn = int.from_bytes(hashlib.sha256(secret + told).digest()[:8], "big") / 2**64
        left = drawn * sum(arm.weight for arm in self.arms)
        for arm in self.arms:
            left -= arm.weight
            if left < 0:
                return arm
        return self.arms[-1]


def put_experiment(
    store: Store, community: str, name: str, arms: Sequence[Arm], now: float
) -> Experiment:
    """Begin an experiment, or change one; members whose arm does not change keep theirs.

    Raises:
        UnknownError: There is no such community.
        DataError: A name, a weight or a preference is out of its range.
        StoreUnavailableError: The database cannot be used.
    """
    made = Experiment(name, tuple(arms), now)
    _check(made)
    with store.writing() as connection:
        secret_of(connection, community)
        row = {"name": name, "arms": [asdict(arm) for arm in arms], "created_ts": now}
        write_rows(connection, experiments, community, [row])
    return made


def end_experiment(store: Store, community: str, name: str) -> None:
    """End an experiment; what was served in it stays in the ledger.

    Raises:
        UnknownError: There is no such experiment.
        StoreUnavailableError: The database cannot be used.
    """
    mine = (experiments.c.community == community) & (experiments.c.name == name)
    with store.writing() as connection:
        if not connection.execute(delete(experiments).where(mine)).rowcount:
            raise UnknownError(f"no experiment is called {name!r}")


def running_experiments(store: Store) -> dict[str, tuple[bytes, tuple[Experiment, ...]]]:
    """Return for each community that has any its secret and its experiments, by name.

    Raises:
        StoreUnavailableError: The database cannot be used.
    """
    found: dict[str, tuple[bytes, tuple[Experiment, ...]]] = {}
    joined = experiments.join(communities, experiments.c.community == communities.c.name)
    every = select(experiments, communities.c.secret).select_from(joined)
    with store.reading() as connection:
        rows = connection.execute(every.order_by(experiments.c.community, experiments.c.name))
        for row in rows.mappings():
            arms = tuple(Arm(**arm) for arm in row["arms"])
            one = Experiment(row["name"], arms, row["created_ts"])
            secret, before = found.get(row["community"], (bytes(row["secret"]), ()))
            found[row["community"]] = secret, (*before, one)
    return found


def _check(made: Experiment) -> None:
    for name in (made.name, *(arm.name for arm in made.arms)):
        if not (1 <= len(name) <= LONGEST_NAME and name.isprintable() and not _FORBIDDEN & {*name}):
            raise DataError(
                f"an experiment and its arms have names of 1 to {LONGEST_NAME} printable "
                "characters, none of = , ; /"
            )
    names = {arm.name for arm in made.arms}
    if not 1 <= len(made.arms) <= MOST_ARMS or len(names) < len(made.arms):
        raise DataError(f"an experiment has 1 to {MOST_ARMS} arms, each of its own name")
    if not all(math.isfinite(arm.weight) and arm.weight > 0 for arm in made.arms):
        raise DataError("the weight of an arm is a number above 0")
    for arm in made.arms:
        try:
            preferred(Preferences(), arm)
        except SettingError as error:
            raise DataError(f"arm {arm.name}: {error}") from None


def preferred(usual: Preferences, arm: Arm) -> Preferences:
    """Return what an arm prefers.

    Raises:
        SettingError: A preference is out of its range.
    """
    told = {
        name: value
        for name in ("intimacy", "exploration", "variety")
        if (value := getattr(arm, name)) is not None
    }
    return replace(usual, **told) if told else usual
