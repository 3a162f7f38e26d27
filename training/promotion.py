"""A trained bundle becomes current if it passes the gate, or is forced through it.

What is compared, and why it is fair, is told in `training.gate`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
from threadpoolctl import threadpool_limits

from data.community import Community
from engine.bundle import Bundle, load_bundle
from engine.errors import BelongError, BundleError, GateError, UnknownError
from engine.manifest import read_manifest
from engine.registry import Promotion, Registry
from engine.snapshot import Snapshot
from training.activity import last_of
from training.build import build_snapshot
from training.evaluate import evaluate_groups
from training.gate import Check, GateSettings, Verdict, at_least, judge
from training.progress import SILENT, Progress
from training.split import cut_at, past
from training.texts import texts_of, vectors_of
from training.vector_cache import VectorCache
from training.windows import Window, windows_of

MOST_JUDGED = 2_000
"""Members whose later joins are guessed, at most, when two preferences are compared."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A bundle that has been saved and is to become current.

    Attributes:
        community: What it was trained on.
        version: Its version.
        cache: Where vectors are kept between runs.
        force: Promote it even if the gate refuses it; that is recorded.
    """

    community: Community
    version: str
    cache: Path
    force: bool = False


def promote_if_good(
    candidate: Candidate,
    registry: Registry,
    now: datetime,
    settings: GateSettings | None = None,
    progress: Progress = SILENT,
) -> Verdict:
    """Make a bundle current unless it is worse than the one that is, and record it.

    The first bundle of a community passes, and so does any if the current one cannot be read.

    Args:
        candidate: The new bundle.
        registry: Where both are.
        now: The time that is recorded.
        settings: The margins.
        progress: Told of every step.

    Returns:
        What was compared. With `force` it may say that the bundle did not pass; without checks,
        then, if not even the comparison could be made.

    Raises:
        GateError: It is worse by more than a margin: which one, from what to what. It stays in
            the registry, to be looked at or promoted by its version.
        BundleError: The new bundle cannot be read.
    """
    name = candidate.community.name
    try:
        verdict = compared(candidate, registry, settings or GateSettings(), progress)
    except BelongError:
        if not candidate.force:
            raise
        verdict = Verdict(passed=False, checks=())
    if not verdict.passed and not candidate.force:
        raise GateError(
            f"{candidate.version} is not promoted, since it is worse than the current bundle of "
            f"{name!r}: {verdict.refusal}; look at it, or promote it with --force"
        )
    record = Promotion(
        candidate.version,
        now.astimezone(UTC).isoformat(timespec="seconds"),
        forced=not verdict.passed,
        checks=tuple(check.as_dict() for check in verdict.checks),
    )
    registry.promote(name, candidate.version, record)
    return verdict


def compared(
    candidate: Candidate, registry: Registry, settings: GateSettings, progress: Progress = SILENT
) -> Verdict:
    """Return what the gate says of a bundle, without promoting it."""
    name = candidate.community.name
    folder = registry.folder(name) / candidate.version
    served = _served(registry, name)
    if served is None or served == folder:
        read_manifest(folder)
        return Verdict(passed=True, checks=())
    try:
        current = load_bundle(served)
    except BundleError:  # promoting another is how that is mended
        load_bundle(folder)
        return Verdict(passed=True, checks=())
    new = load_bundle(folder)
    verdict = judge(current, new, settings)
    if current.ranker.preferences == new.ranker.preferences:
        return verdict
    quality = preferences_compared(candidate, current, new, settings.quality, progress)
    return verdict if quality is None else Verdict.of([quality, *verdict.checks])


def preferences_compared(
    candidate: Candidate,
    current: Bundle,
    new: Bundle,
    margin: float,
    progress: Progress = SILENT,
) -> Check | None:
    """Measure slates by either bundle's preferences on what was joined in the newest window.

    The community is rebuilt as it was when the window began, and the new bundle's scorers order
    its groups both times. They have seen the window, which helps both sides alike: what differs
    is the preferences alone, for the same members.

    Args:
        candidate: The new bundle, and what it was trained on.
        current: What is served now.
        new: What would be served instead.
        margin: The relative drop of the NDCG that is allowed.
        progress: Told of every step.

    Returns:
        None if there is no window with enough joins in it to tell.
    """
    community = _as_trained(candidate.community, new)
    last = last_of(community)
    windows = windows_of(community, last + 1) if last is not None else []
    if not windows:
        return None
    window = windows[0]
    snapshot = _snapshot_at(community, window, new, candidate.cache, progress)
    judged = with_few_joiners(community, window)
    values = []
    with threadpool_limits(1):
        for bundle in (current, new):
            ranker = replace(new.ranker, preferences=bundle.ranker.preferences)
            span = (window.cut, window.end)
            systems, _ = evaluate_groups(judged, snapshot, span, progress, ranker)
            values.append(systems["belong"].values["ndcg_at_10"])
    if not len(values[0]):
        return None
    old, found = (float(part.mean()) for part in values)
    return at_least("quality by preferences", old, found, margin)


def _as_trained(community: Community, bundle: Bundle) -> Community:
    until = bundle.manifest.settings.get("until")
    return community if until is None else past(community, cut_at(community, str(until)))


def _snapshot_at(
    community: Community, window: Window, bundle: Bundle, cache: Path, progress: Progress
) -> Snapshot:
    """Return the community as it was when a window began, its texts read from the cache."""
    early, encoder = past(community, window.cut), bundle.encoder
    kept = VectorCache(cache / "vectors", encoder.fingerprint, encoder.dimension)
    vectors = vectors_of(texts_of(early), encoder, kept, progress)
    return build_snapshot(early, None, vectors, progress, window.cut)


def with_few_joiners(community: Community, window: Window, most: int = MOST_JUDGED) -> Community:
    """Return the community with the window's joins of some of those who joined before it only.

    Args:
        community: With the window in it.
        window: Whose joins are to be guessed.
        most: How many members are kept; all of them if there are no more.
    """
    joined = community.memberships
    when = pl.col("first_ts")
    inside = ((when >= window.cut) & (when < window.end)).fill_null(value=False)
    before = joined.filter(when < window.cut)["member"].unique()
    joiners = joined.filter(inside & pl.col("member").is_in(before.implode()))["member"].unique()
    if len(joiners) <= most:
        return community
    drawn = np.random.default_rng(0).choice(joiners.sort().to_numpy(), size=most, replace=False)
    kept = joined.filter(~inside | pl.col("member").is_in(pl.Series(drawn).implode()))
    return replace(community, memberships=kept)


def _served(registry: Registry, community: str) -> Path | None:
    try:
        return registry.current(community)
    except (UnknownError, BundleError):
        return None
