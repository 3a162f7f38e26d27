"""What is done beside serving: queued jobs, a schedule of trainings, the slow part of forgetting.

`belong worker` runs it. Several may run: a job has one taker, and a lease sees to it that
forgetting and the schedule are looked after by one of them.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from data.store.connect import Store
from data.store.erasure import Erasure, compact, note_step, pending_erasures, secret_of
from data.store.import_export import read_stored_community
from data.store.jobs import Job, finish_job, queue_job, take_job, waiting_for
from data.store.leases import hold_lease
from data.store.reading import communities
from engine.bundle import load_bundle, read_manifest
from engine.errors import BelongError, BundleError, UnknownError
from engine.ids import digest_of
from engine.registry import Registry
from training.erase_bundles import Remaining, erase_from_bundles, keep_only
from training.progress import SILENT, Progress
from training.promotion import Candidate, promote_if_good
from training.texts import texts_of, vectors_of
from training.train import TrainSettings, open_workshop, train

log = logging.getLogger(__name__)

TRAIN = "train"
"""The kind of job that makes a bundle from the store."""

UPKEEP = "upkeep"
UPKEEP_S = 600.0
"""The lease of whoever forgets and keeps the schedule, and for how long they hold it."""

JOB_S = 3_600.0
"""Seconds a job may take before another worker takes it."""

BUNDLES, CACHE, COMPACT = "bundles", "cache", "compact"
"""The steps of an erasure that are done here, after the store's own."""


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """What an operator may choose.

    Attributes:
        train: How bundles are made.
        retrain_s: Seconds after which a community's bundle is made anew; None for never.
    """

    train: TrainSettings
    retrain_s: float | None = None


@dataclass(frozen=True, slots=True)
class Worker:
    """One worker."""

    store: Store
    registry: Registry
    settings: WorkerSettings
    holder: str
    clock: Callable[[], float] = time.time
    progress: Progress = SILENT

    def work(self) -> int:
        """Do whatever waits, and return how many things that was."""
        done = 0
        if hold_lease(self.store, UPKEEP, self.holder, self.clock(), UPKEEP_S):
            try:
                done += self._forget() + self._schedule()
            finally:
                hold_lease(self.store, UPKEEP, self.holder, self.clock(), 0)
        while job := take_job(self.store, [TRAIN], self.holder, self.clock(), JOB_S):
            self._do(job)
            done += 1
        return done

    def _names(self) -> list[str]:
        with self.store.reading() as connection:
            return communities(connection)

    def _schedule(self) -> int:
        """Queue a training for every community whose bundle is too old, or that has none."""
        if self.settings.retrain_s is None:
            return 0
        waiting = waiting_for(self.store, TRAIN)
        due = [
            name
            for name in self._names()
            if name not in waiting and self._is_due(name, self.settings.retrain_s)
        ]
        for name in due:
            queue_job(self.store, name, TRAIN, {}, self.clock())
        return len(due)

    def _is_due(self, name: str, after_s: float) -> bool:
        try:
            made = read_manifest(self.registry.current(name)).created_at
        except (UnknownError, BundleError):
            return True
        return self.clock() - datetime.fromisoformat(made).timestamp() >= after_s

    def _do(self, job: Job) -> None:
        """Train a community from the store; what goes wrong is noted with the job."""
        error = None
        try:
            now = self.clock()
            found, watermark = read_stored_community(self.store, job.community, now)
            settings = replace(self.settings.train, promote=False)
            moment = datetime.fromtimestamp(now, tz=UTC)
            made = train(found, settings, self.registry, moment, self.progress, watermark)
            candidate = Candidate(found, made.version, settings.cache)
            promote_if_good(candidate, self.registry, moment, None, self.progress)
            log.info("%s: trained %s", job.community, made.version)
        except BelongError as why:
            error = str(why)
            log.error("%s: training failed: %s", job.community, why)
        finish_job(self.store, job.id, self.clock(), error, self.holder)

    def _forget(self) -> int:
        """Take whoever was forgotten out of bundles, the cache and the database's free pages."""
        waiting = {name: pending_erasures(self.store, name, COMPACT) for name in self._names()}
        for name, erasures in waiting.items():
            mine = [one for one in erasures if BUNDLES not in one.steps]
            if mine:
                self._from_bundles(name, mine)
                self._note(mine, BUNDLES)
        every = [one for erasures in waiting.values() for one in erasures]
        if any(CACHE not in one.steps for one in every):
            self._from_cache()
            self._note(every, CACHE)
        if every and compact(self.store):
            self._note(every, COMPACT)
        return len(every)

    def _note(self, erasures: Sequence[Erasure], step: str) -> None:
        for one in erasures:
            note_step(self.store, one.id, step, self.clock())

    def _from_bundles(self, name: str, erasures: Sequence[Erasure]) -> None:
        """Rewrite every bundle that holds any of them: only their digests are known by now."""
        with self.store.reading() as connection:
            secret = secret_of(connection, name)
        meant = {one.digest for one in erasures}
        members: set[str] = set()
        for listed in self.registry.versions(name):
            if listed.manifest is None:
                raise BundleError(
                    f"{listed.version} cannot be read, so nobody can be taken out of it: remove it"
                )
            ids = load_bundle(self.registry.folder(name) / listed.version).snapshot.members.ids
            members |= {one for one in ids.tolist() if one and digest_of(secret, one) in meant}
        if members:
            moment = datetime.fromtimestamp(self.clock(), tz=UTC)
            erase_from_bundles(self.registry, name, members, moment, self._remaining(name))

    def _remaining(self, name: str) -> Remaining:
        """Return the community as it is without them, with its vectors."""
        found, _ = read_stored_community(self.store, name, self.clock())
        workshop = open_workshop(self.settings.train.cache, self.settings.train.model)
        vectors = vectors_of(texts_of(found), workshop.encoder, workshop.vectors, self.progress)
        return Remaining(found, {workshop.encoder.fingerprint: vectors})

    def _from_cache(self) -> None:
        """Leave the cache nothing but vectors of what the store's communities still say."""
        said: list[str] = []
        for name in self._names():
            texts = texts_of(read_stored_community(self.store, name, self.clock())[0])
            said += [*texts.posts, *texts.members, *texts.groups]
        keep_only(self.settings.train.cache / "vectors", said)
