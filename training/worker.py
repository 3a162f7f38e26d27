"""What is done beside serving: queued jobs, a schedule of trainings, the slow part of forgetting.

`belong worker` runs it. Several may run: a job has one taker, and a lease sees to it that
forgetting and the schedule are looked after by one of them.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from data.store.connect import Store
from data.store.erasure import (
    Erasure,
    compact,
    erasures_of,
    note_held_up,
    note_step,
    secret_of,
)
from data.store.import_export import read_stored_community
from data.store.jobs import Job, finish_job, queue_job, take_job, waiting_for
from data.store.leases import hold_lease
from data.store.reading import communities
from engine.bundle import load_bundle
from engine.errors import BelongError, BundleError, UnknownError
from engine.ids import digest_of
from engine.manifest import read_manifest
from engine.registry import Listed, Registry
from training.erase_bundles import (
    Remaining,
    erase_from_bundles,
    finish_interrupted,
)
from training.forget_texts import keep_only
from training.progress import SILENT, Progress
from training.promotion import Candidate, promote_if_good
from training.texts import texts_of, vectors_of
from training.train import TrainSettings, open_workshop, read_stored, train

log = logging.getLogger(__name__)

TRAIN = "train"
"""The kind of job that makes a bundle from the store."""

UPKEEP = "upkeep"
UPKEEP_S = 600.0
"""The lease of whoever forgets and keeps the schedule, and for how long they hold it."""

JOB_S = 3_600.0
"""Seconds a job may take before another worker takes it."""

STEPS = BUNDLES, CACHE, COMPACT = "bundles", "cache", "compact"
"""The steps of an erasure that are done here, after the store's own."""

AGAIN_S = 600.0
"""Seconds until a forgetting that is held up is tried again while the same bundles are there."""


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
    """One worker.

    Attributes:
        store: What it works on.
        registry: Where bundles are.
        settings: What an operator chose.
        holder: Its name among all workers.
        clock: Gives unix seconds.
        progress: Told of every step of a training.
        held_up: For each community whose forgetting is held up, the versions there were, and when.
        rid: Bundles that are known to hold nobody forgotten up to an entry of the log.
    """

    store: Store
    registry: Registry
    settings: WorkerSettings
    holder: str
    clock: Callable[[], float] = time.time
    progress: Progress = SILENT
    held_up: dict[str, tuple[tuple[str, ...], float]] = field(default_factory=dict)
    rid: set[tuple[str, int]] = field(default_factory=set)

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
            found, stored = read_stored(self.store, job.community, now)
            settings = replace(self.settings.train, promote=False)
            moment = datetime.fromtimestamp(now, tz=UTC)
            made = train(found, settings, self.registry, moment, self.progress, stored)
            candidate = Candidate(found, made.version, settings.cache)
            promote_if_good(candidate, self.registry, moment, None, self.progress)
            log.info("%s: trained %s", job.community, made.version)
        except BelongError as why:
            error = str(why)
            log.error("%s: training failed: %s", job.community, why)
        finish_job(self.store, job.id, self.clock(), error, self.holder)

    def _forget(self) -> int:
        """Take whoever was forgotten out of bundles, the cache and the database's free pages.

        Returns:
            How many erasures came further.
        """
        came_further: set[str] = set()
        left: list[Erasure] = []
        for name in self._names():
            erasures = erasures_of(self.store, name)
            came_further |= {one.id for one in self._out_of_bundles(name, erasures)}
            left += [one for one in erasures if not set(STEPS) <= one.steps.keys()]
        for step, take_out in ((CACHE, self._from_cache), (COMPACT, self._from_files)):
            waiting = [one for one in left if step not in one.steps]
            if waiting and take_out():
                self._note(waiting, step)
                came_further |= {one.id for one in waiting}
        return len(came_further)

    def _note(self, erasures: Sequence[Erasure], step: str) -> None:
        for one in erasures:
            note_step(self.store, one.id, step, self.clock())

    def _out_of_bundles(self, name: str, erasures: Sequence[Erasure]) -> Sequence[Erasure]:
        """Take the forgotten out of every bundle that may hold them.

        Also out of one that a training has saved since, which had read the store before.

        Args:
            name: Of which community.
            erasures: All of it, done or not.

        Returns:
            Those that are done in every bundle now and were not before; if they are held up none,
            and their receipts say by what.
        """
        versions = self.registry.versions(name)
        here = tuple(listed.version for listed in versions)
        open_ = [one for one in erasures if BUNDLES not in one.steps]
        unseen = [one for one in versions if (one.version, _last(erasures)) not in self.rid]
        before, tried = self.held_up.get(name, ((), float("-inf")))
        waits = before == here and self.clock() < tried + AGAIN_S
        if not erasures or waits or not (open_ or unseen):
            return ()
        try:
            if self._from_bundles(name, erasures) and not open_:
                self._from_cache()  # what brought them back has embedded what they said
        except BundleError as error:
            log.error("%s: forgetting is held up: %s", name, error)
            here = tuple(listed.version for listed in self.registry.versions(name))
            self.held_up[name] = (here, self.clock())
            for one in open_:
                note_held_up(self.store, one.id, str(error))
            return ()
        self.held_up.pop(name, None)
        for one in open_:
            note_held_up(self.store, one.id, "")
        self._note(open_, BUNDLES)
        return open_

    def _from_bundles(self, name: str, erasures: Sequence[Erasure]) -> bool:
        """Rewrite every bundle that holds any of them: only their digests are known by now.

        A bundle that knows of an erasure holds whoever has come back under the same id since.

        Returns:
            Whether anybody was in any.

        Raises:
            BundleError: Nobody can tell who is in one of them, or it cannot be rewritten. Whatever
                can be is.
        """
        finish_interrupted(self.registry, name)
        found: dict[frozenset[str], list[str]] = {}
        closed: list[str] = []
        for listed in self.registry.versions(name):
            mark = listed.version, _last(erasures)
            try:
                members = self._forgotten_in(name, listed, erasures) if mark not in self.rid else ()
            except BundleError:
                closed.append(listed.version)
                continue
            if members:
                found.setdefault(frozenset(members), []).append(listed.version)
            else:
                self.rid.add(mark)
        moment = datetime.fromtimestamp(self.clock(), tz=UTC)
        remaining = self._remaining(name) if found else None
        failed = ""
        for members, versions in found.items():
            try:
                erase_from_bundles(self.registry, name, members, moment, remaining, versions)
            except BundleError as error:
                failed = str(error)
        if closed:
            raise BundleError(
                f"{', '.join(closed)} cannot be read, so nobody can be taken out of it: mend it, "
                "or remove it with belong bundles remove"
            )
        if failed:
            raise BundleError(failed)
        return bool(found)

    def _forgotten_in(
        self, name: str, listed: Listed, erasures: Sequence[Erasure]
    ) -> Collection[str]:
        """Return the ids in a bundle of those who were forgotten after what it knows.

        Raises:
            BundleError: It cannot be read.
        """
        if listed.manifest is None:
            raise BundleError(listed.problem)
        meant = {one.digest for one in erasures if one.seq > listed.manifest.watermark}
        if not meant:
            return ()
        with self.store.reading() as connection:
            secret = secret_of(connection, name)
        ids = load_bundle(self.registry.folder(name) / listed.version).snapshot.members.ids
        return [one for one in ids.tolist() if one and digest_of(secret, one) in meant]

    def _remaining(self, name: str) -> Remaining:
        """Return the community as it is without them, with its vectors."""
        found, _ = read_stored_community(self.store, name, self.clock())
        workshop = open_workshop(self.settings.train.cache, self.settings.train.model)
        vectors = vectors_of(texts_of(found), workshop.encoder, workshop.vectors, self.progress)
        return Remaining(found, {workshop.encoder.fingerprint: vectors})

    def _from_cache(self) -> bool:
        """Leave the cache nothing but vectors of what the store's communities still say."""
        said: list[str] = []
        for name in self._names():
            texts = texts_of(read_stored_community(self.store, name, self.clock())[0])
            said += [*texts.posts, *texts.members, *texts.groups]
        keep_only(self.settings.train.cache / "vectors", said)
        return True

    def _from_files(self) -> bool:
        """Take what was deleted out of the database's files, if nobody is in the way."""
        return compact(self.store)


def _last(erasures: Sequence[Erasure]) -> int:
    return max((one.seq for one in erasures), default=0)
