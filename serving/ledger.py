"""Writes down what was served, behind the requests' backs.

An answer only puts a reference into a queue, and wakes nobody. A thread looks there every
`LOOK_S` seconds and writes when `AT_ONCE` slates wait or `EVERY_S` seconds have passed, so **about
the slates of one second, or 200, are lost at most when a process is killed**; none when it is told
to stop. While the store does not answer, `WAITING` slates are kept; what comes beyond them is
dropped, and counted in the log.
Nothing that has to be durable comes this way: `shown` arrives as feedback.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from data.store.connect import Store
from data.store.feedback import drop_old_feedback
from data.store.introductions import drop_old_introductions
from data.store.ledger import KEPT_DAYS, Served, ServedItem, drop_old, write_served
from engine.answers import Answer
from engine.errors import BelongError, UnknownError
from engine.preferences import Preferences
from engine.recommender import Recommender

log = logging.getLogger(__name__)

AT_ONCE = 200
EVERY_S = 1.0
LOOK_S = 0.05
WAITING = 10_000
CLEAN_S = 3600.0
"""Seconds between looks for what is too old to be kept."""

POLICY = "1"
"""The version of the rules by which slates are made; raised when they change."""


@dataclass(frozen=True, slots=True)
class Noted:
    """An answer, as a request leaves it behind."""

    recommendation_id: str
    community: str
    purpose: str
    member: str
    at: float
    bundle: str
    sequence: int
    arm: str
    preferences: Preferences
    answer: Answer


class Ledger:
    """A queue of what was served, and the thread that empties it."""

    def __init__(
        self,
        store: Store | None,
        kept_days: float = KEPT_DAYS,
        clock: Callable[[], float] = time.time,
        waiting: int = WAITING,
    ) -> None:
        self._store = store
        self._kept_days = kept_days
        self._clock = clock
        self._waiting: deque[Noted] = deque()
        self._most = waiting
        self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)
        self._ending = threading.Event()
        self._dropped = 0
        self._batch: list[Noted] = []

    def start(self) -> None:
        """Begin to write."""
        if self._store is not None:
            self._thread.start()

    def stop(self) -> None:
        """Write what waits, as far as the store answers, and end."""
        if self._thread.is_alive():
            self._ending.set()
            self._thread.join(timeout=10)

    def note(
        self, recommendation_id: str, asked: tuple[str, str, str], by: Recommender, answer: Answer
    ) -> None:
        """Leave an answer to be written down; never waits.

        Args:
            recommendation_id: Its id.
            asked: The community, the purpose and the member, '' for somebody known by a text.
            by: What answered.
            answer: The answer.
        """
        if self._store is None:
            return
        if len(self._waiting) >= self._most:
            self._dropped += 1
            return
        manifest = by.bundle.manifest
        at, version, known = self._clock(), manifest.version, manifest.watermark
        noted = Noted(recommendation_id, *asked, at, version, known, by.arm, by.preferences, answer)
        self._waiting.append(noted)

    def _run(self) -> None:
        cleaned, going = float("-inf"), True
        while going:
            going = self._gather()
            self._write(last=not going)
            if self._dropped:
                log.error("%d slates were not written down: the store is too slow", self._dropped)
                self._dropped = 0
            if going and time.monotonic() - cleaned > CLEAN_S:
                cleaned = time.monotonic()
                self._clean()

    def _gather(self) -> bool:
        """Wait until there is enough, or for a second; False when that was the last of it."""
        end = time.monotonic() + EVERY_S
        while len(self._waiting) < AT_ONCE and time.monotonic() < end:
            if self._ending.wait(LOOK_S):
                break
        while self._waiting and len(self._batch) < AT_ONCE:
            self._batch.append(self._waiting.popleft())
        return bool(self._waiting) or not self._ending.is_set()

    def _write(self, last: bool) -> None:
        try:
            while self._batch:
                community = self._batch[0].community
                mine = [one for one in self._batch if one.community == community]
                self._write_some(community, mine)
                self._batch = [one for one in self._batch if one.community != community]
        except BelongError as error:
            log.error("what was served cannot be written down now: %s", error)
            if not last:
                time.sleep(EVERY_S)
        except Exception:
            log.exception("what was served could not be written down")
            self._batch = []

    def _write_some(self, community: str, mine: list[Noted]) -> None:
        assert self._store is not None
        rows = []
        for one in mine:
            rows.append(served_of(one))
            time.sleep(0)  # let a request go first: it must not wait for a whole batch
        try:
            write_served(self._store, community, rows)
        except UnknownError:
            log.debug("%s is not in the store: nothing is written down of it", community)

    def _clean(self) -> None:
        assert self._store is not None
        try:
            drop_old(self._store, self._clock(), self._kept_days)
            drop_old_feedback(self._store, self._clock(), self._kept_days)
            drop_old_introductions(self._store, self._clock())
        except BelongError as error:
            log.error("what was served long ago cannot be dropped now: %s", error)


def served_of(one: Noted) -> Served:
    """Return an answer as the ledger keeps it."""
    slate = one.answer.slate
    found_by = [(name, found[slate.order].tolist()) for name, found in slate.pool.found_by.items()]
    size = len(one.answer.items)
    odds = [1.0] * size if slate.ranked_odds is None else slate.ranked_odds.tolist()
    items = tuple(
        ServedItem(
            item=item.id,
            rank=place + 1,
            score=item.score,
            odds=odds[place],
            sources=tuple(name for name, found in found_by if found[place]),
            reasons=tuple(reason.kind for reason in item.reasons),
        )
        for place, item in enumerate(one.answer.items)
    )
    return Served(
        recommendation_id=one.recommendation_id,
        created_ts=one.at,
        member=one.member,
        bundle=one.bundle,
        policy=policy_version(one.preferences),
        arm=one.arm,
        purpose=one.purpose,
        items=items,
        sequence=one.sequence,
    )


@lru_cache(maxsize=64)
def policy_version(preferences: Preferences) -> str:
    """Return the version of the rules, and what tells one operator's choices from another's."""
    return f"{POLICY}-{hashlib.sha256(repr(preferences).encode()).hexdigest()[:8]}"
