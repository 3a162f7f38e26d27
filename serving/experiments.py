"""Experiments over HTTP, and the arm that answers a member.

Arms are read from the store every few seconds (`poll_s`), and at once by the worker that was told
of a change.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import FastAPI, Path
from pydantic import BaseModel, Field

from data.store.connect import Store
from data.store.experiments import (
    MOST_ARMS,
    Arm,
    Experiment,
    end_experiment,
    preferred,
    put_experiment,
    running_experiments,
)
from data.store.reading import communities
from engine.errors import BelongError, UnknownError
from engine.recommender import Recommender
from serving.bodies import Strict
from serving.errors import CHANGE_PROBLEMS, PROBLEMS
from serving.paths import COMMUNITY, CommunityName

log = logging.getLogger(__name__)

EXPERIMENTS = COMMUNITY + "/experiments"
ExperimentName = Annotated[str, Path(description="What the experiment is called.")]


class ArmBody(Strict):
    """One way of answering; what is left out is as the bundle has it."""

    name: str = Field(min_length=1, max_length=50, examples=["small"])
    weight: float = Field(default=1.0, gt=0, le=1e6, description="Its share, beside the others'.")
    intimacy: float | None = Field(default=None, ge=0, le=3)
    exploration: float | None = Field(default=None, ge=0, le=1)
    variety: float | None = Field(default=None, ge=0, le=1)


class ExperimentBody(Strict):
    """Arms that are compared. The preferences are about groups; introductions are alike in all."""

    arms: list[ArmBody] = Field(min_length=1, max_length=MOST_ARMS)


class ExperimentCard(BaseModel):
    """An experiment that runs."""

    name: str
    arms: list[ArmBody]
    created_ts: float


class ExperimentList(BaseModel):
    """The experiments that run in a community."""

    experiments: list[ExperimentCard]


class Experiments:
    """The experiments that run, as this worker knows them. Reading never waits."""

    def __init__(self, store: Store | None) -> None:
        self._store = store
        self._running: dict[str, tuple[bytes, tuple[Experiment, ...]]] = {}

    def refresh(self) -> None:
        """Look which experiments there are.

        Raises:
            StoreUnavailableError: The store does not answer; what was known stays.
        """
        if self._store is not None:
            self._running = running_experiments(self._store)

    def running(self, community: str) -> tuple[Experiment, ...]:
        """Return the experiments of a community, by name."""
        return self._running.get(community, (b"", ()))[1]

    def answering(self, community: str, recommender: Recommender, member: str) -> Recommender:
        """Return what answers a member: the recommender as their arms have it.

        Of several experiments about the same preference, the last by name decides.
        """
        secret, running = self._running.get(community, (b"", ()))
        if not running:
            return recommender
        preferences, names = recommender.preferences, []
        for one in running:
            arm = one.arm_of(secret, member)
            preferences = preferred(preferences, arm)
            names.append(f"{one.name}={arm.name}")
        return recommender.preferring(preferences, ",".join(names))


async def keep_known(known: Experiments, every_s: float) -> None:
    """Look again and again which experiments run, for as long as the worker does."""
    while True:
        try:
            await asyncio.to_thread(known.refresh)
        except BelongError as error:
            log.error("experiments cannot be read: %s", error)
        await asyncio.sleep(every_s)


@dataclass(frozen=True, slots=True)
class _Desk:
    """Where experiments are begun and ended, off the event loop."""

    store: Store | None
    known: Experiments
    clock: Callable[[], float]

    @property
    def kept(self) -> Store:
        if self.store is None:
            raise UnknownError("this server keeps no experiments: start it with --store")
        return self.store

    def listed(self, community: str) -> ExperimentList:
        with self.kept.reading() as connection:
            if community not in communities(connection):
                raise UnknownError(f"no community is called {community!r}")
        self.known.refresh()
        return ExperimentList(experiments=[_card(one) for one in self.known.running(community)])

    def begun(self, community: str, name: str, arms: list[Arm]) -> ExperimentCard:
        made = put_experiment(self.kept, community, name, arms, self.clock())
        self.known.refresh()
        return _card(made)

    def ended(self, community: str, name: str) -> None:
        end_experiment(self.kept, community, name)
        self.known.refresh()


def add_experiments(
    app: FastAPI,
    store: Store | None,
    known: Experiments,
    clock: Callable[[], float] = time.time,
) -> None:
    """Let operators compare ways of answering."""
    desk = _Desk(store, known, clock)

    @app.get(EXPERIMENTS, tags=["operators"], summary="Which experiments run?", responses=PROBLEMS)
    async def get_experiments(community: CommunityName) -> ExperimentList:
        return await asyncio.to_thread(desk.listed, community)

    @app.put(
        EXPERIMENTS + "/{experiment:id}",
        tags=["operators"],
        summary="Begin an experiment, or change it",
        responses=CHANGE_PROBLEMS,
    )
    async def put_one(
        community: CommunityName, experiment: ExperimentName, body: ExperimentBody
    ) -> ExperimentCard:
        arms = [Arm(**arm.model_dump()) for arm in body.arms]
        return await asyncio.to_thread(desk.begun, community, experiment, arms)

    @app.delete(
        EXPERIMENTS + "/{experiment:id}",
        tags=["operators"],
        summary="End an experiment",
        responses=PROBLEMS,
        status_code=204,
    )
    async def delete_one(community: CommunityName, experiment: ExperimentName) -> None:
        await asyncio.to_thread(desk.ended, community, experiment)


def _card(one: Experiment) -> ExperimentCard:
    arms = [
        ArmBody(
            name=arm.name,
            weight=arm.weight,
            intimacy=arm.intimacy,
            exploration=arm.exploration,
            variety=arm.variety,
        )
        for arm in one.arms
    ]
    return ExperimentCard(name=one.name, arms=arms, created_ts=one.created_ts)
