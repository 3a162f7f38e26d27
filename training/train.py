"""The main job: a community -> a bundle, written whole and made current."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import polars as pl

from data.community import Community
from data.store.connect import Store
from data.store.import_export import read_stored_community
from data.store.outcomes import outcomes
from engine.bundle import Draft, save_bundle
from engine.encoder import OnnxEncoder
from engine.encoder_export import DEFAULT_MODEL, export_encoder
from engine.errors import BundleError, SettingError, UnknownError
from engine.group_ranker import GroupRanker
from engine.index import VectorIndex
from engine.introduction_ranker import WHO, IntroductionRanker
from engine.manifest import Manifest
from engine.preferences import Preferences
from engine.registry import Registry
from engine.snapshot import Snapshot
from engine.types import Matrix
from training import activity
from training.beside import beside
from training.build import build_snapshot
from training.discoveries import find_discoveries
from training.embed import embed
from training.learn import Lessons, learn_ranker
from training.learn_introductions import learn_introductions
from training.manifest import fingerprint_of, manifest_of
from training.progress import SILENT, Progress
from training.split import cut_at, past
from training.suggested import Suggested
from training.texts import TextVectors, texts_of, vectors_of
from training.vector_cache import VectorCache


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """What an operator may choose.

    Attributes:
        model: A sentence-transformers model: `DEFAULT_MODEL`, a folder, or a name.
        until: Train on the past of this date or share only; None takes everything.
        cache: Where exports and vectors are kept between runs.
        preferences: What slates are to be like.
        promote: Whether the bundle is made current at once, whatever it is worth; otherwise
            `training.promotion` judges it.
        processes: How many learn at the same time, 1 or 2; each takes memory of its own.
        worth_two: Members and posts from which a second process gains more than its start takes.
    """

    model: str
    until: str | None
    cache: Path
    preferences: Preferences = field(default_factory=Preferences)
    promote: bool = True
    processes: int = 1
    worth_two: int = 5_000


@dataclass(frozen=True, slots=True)
class Stored:
    """What the store knows beside the community; as it stands, a folder is no store.

    Attributes:
        watermark: The last entry of the store's log that is in the community.
        suggested: What was suggested and what became of it.
    """

    watermark: int = 0
    suggested: Suggested | None = None


FOLDER = Stored()


@dataclass(frozen=True, slots=True)
class Workshop:
    """An encoder and the cache of its vectors."""

    encoder: OnnxEncoder
    folder: Path
    vectors: VectorCache


def open_workshop(cache: Path, model: str = DEFAULT_MODEL, progress: Progress = SILENT) -> Workshop:
    """Export the model if that has not been done, and open the cache of its vectors."""
    with progress.task("model", 1) as advance:
        folder = export_encoder(model, cache / "encoders")
        try:
            encoder = OnnxEncoder.load(folder)
        except BundleError:
            shutil.rmtree(folder)  # the disk has damaged it: it can be made again
            encoder = OnnxEncoder.load(export_encoder(model, cache / "encoders"))
        advance(1)
    vectors = VectorCache(cache / "vectors", encoder.fingerprint, encoder.dimension)
    return Workshop(encoder, folder, vectors)


def train(
    community: Community,
    settings: TrainSettings,
    registry: Registry,
    now: datetime,
    progress: Progress = SILENT,
    stored: Stored = FOLDER,
) -> Manifest:
    """Build a bundle from a community, write it, and make it current if that is wished.

    Interrupted at any moment, it leaves the registry as it was and keeps the vectors it has
    embedded.

    Args:
        community: What to learn from.
        settings: What an operator may choose.
        registry: Where the bundle goes, under the community's name.
        now: The time that goes into the version's name.
        progress: Told of every step.
        stored: What the store knows beside it, if that is where it comes from.

    Returns:
        The manifest of the new bundle.
    """
    try:
        folder = registry.folder(community.name)
    except UnknownError as error:
        raise SettingError(
            f"a community cannot be called {community.name!r}, since that cannot be the name of a "
            "folder: choose another with --community"
        ) from error
    workshop = open_workshop(settings.cache, settings.model, progress)
    suggested = stored.suggested
    if settings.until is not None:
        cut = cut_at(community, settings.until)
        community, suggested = past(community, cut), suggested and suggested.before(cut)
    snapshot, ranker, introductions = _learned(
        community, workshop, settings, progress, now.timestamp(), suggested
    )
    with progress.task("index", 2) as advance:
        members = VectorIndex.build(snapshot.members.interests.vectors)
        advance(1)
        groups = VectorIndex.build(snapshot.groups.prototypes.vectors)
        advance(1)
    fingerprint = fingerprint_of(community, settings, workshop.encoder.fingerprint, suggested)
    manifest = manifest_of(
        community, settings, workshop.encoder, (snapshot, ranker), fingerprint, now
    )
    told = {who: introductions.story[who]["why"] for who in WHO}
    manifest = replace(
        manifest,
        watermark=stored.watermark,
        settings=manifest.settings | {"introductions": told},
    )
    with progress.task("save", 1) as advance:
        files = (workshop.folder, ranker, introductions)
        draft = Draft(manifest, snapshot, members, groups, *files)
        manifest = save_bundle(draft, folder)
        if settings.promote:
            registry.promote(community.name, manifest.version)
        advance(1)
    return manifest


def _learned(
    community: Community,
    workshop: Workshop,
    settings: TrainSettings,
    progress: Progress,
    now: float,
    suggested: Suggested | None,
) -> tuple[Snapshot, GroupRanker, IntroductionRanker]:
    """Return all that a bundle knows of a community."""
    texts = texts_of(community)
    vectors = vectors_of(texts, workshop.encoder, workshop.vectors, progress)
    happened = happened_by(community, now)
    sized = len(texts.members) + len(texts.posts)
    two = settings.processes > 1 and sized >= settings.worth_two
    with beside(learn_introductions, happened, vectors) if two else nullcontext() as other:
        snapshot = build_snapshot(community, texts, vectors, progress, now)
        if other is not None:
            other.give(snapshot)
        lessons = _lessons(happened, vectors, workshop, progress, suggested)
        ranker = learn_ranker(lessons, snapshot, settings.preferences, progress)
        with progress.task("discoveries", 1) as advance:
            found = find_discoveries(happened, vectors, snapshot)
            advance(1)
        if other is None:
            introductions = learn_introductions(happened, vectors, lambda: snapshot, progress)
        else:
            with progress.task("introductions", 1) as advance:
                introductions = other.result()
                advance(1)
    return replace(snapshot, discoveries=found), ranker, introductions


def _lessons(
    happened: Community,
    vectors: TextVectors,
    workshop: Workshop,
    progress: Progress,
    suggested: Suggested | None,
) -> Lessons:
    def encode(parts: Sequence[str]) -> Matrix:
        return embed(list(parts), workshop.encoder, workshop.vectors, progress)

    return Lessons(happened, vectors, encode, suggested)


def read_stored(store: Store, name: str, now: float) -> tuple[Community, Stored]:
    """Return a community as the store has it, and what the store knows beside it.

    Args:
        store: Where it is.
        name: What it is called.
        now: Unix seconds, by which dates are judged.

    Raises:
        UnknownError: There is no such community.
        StoreUnavailableError: The database cannot be used.
    """
    community, watermark = read_stored_community(store, name, now)
    return community, Stored(watermark, Suggested.of(outcomes(store, name)))


def model_of(
    community: Community,
    workshop: Workshop,
    preferences: Preferences | None = None,
    progress: Progress = SILENT,
    now: float = float("inf"),
    suggested: Suggested | None = None,
) -> tuple[Snapshot, GroupRanker]:
    """Return what is known of a community, and what orders its groups, without writing anything.

    Args:
        community: What to learn from.
        workshop: An encoder, and the vectors it has made.
        preferences: What slates are to be like; the defaults if absent.
        progress: Told of every step.
        now: What is dated later has not happened yet.
        suggested: What was suggested and what became of it; None without a store.
    """
    texts = texts_of(community)
    vectors = vectors_of(texts, workshop.encoder, workshop.vectors, progress)
    snapshot = build_snapshot(community, texts, vectors, progress, now)
    lessons = _lessons(happened_by(community, now), vectors, workshop, progress, suggested)
    return snapshot, learn_ranker(lessons, snapshot, preferences, progress)


def introductions_of(
    community: Community,
    workshop: Workshop,
    snapshot: Snapshot,
    progress: Progress = SILENT,
    now: float = float("inf"),
) -> IntroductionRanker:
    """Return what orders people for introductions, without writing anything.

    Args:
        community: What to learn from.
        workshop: An encoder, and the vectors it has made.
        snapshot: Built from the community, as `model_of` does.
        progress: Told of every step.
        now: What is dated later has not happened yet.
    """
    vectors = vectors_of(texts_of(community), workshop.encoder, workshop.vectors, progress)
    happened = happened_by(community, now)
    return learn_introductions(happened, vectors, lambda: snapshot, progress)


def happened_by(community: Community, now: float) -> Community:
    """Return the community as of now: posts announced for later are as good as undated.

    A post announced for next year is no reason to wait until then for joins to learn from.
    """
    happened = activity.known_by(community, now)
    dated = pl.when(pl.col("ts") <= now).then("ts")
    return replace(happened, posts=happened.posts.with_columns(ts=dated))


def snapshot_of(community: Community, workshop: Workshop, progress: Progress = SILENT) -> Snapshot:
    """Return the snapshot of a community without writing anything, for an evaluation."""
    texts = texts_of(community)
    vectors = vectors_of(texts, workshop.encoder, workshop.vectors, progress)
    return build_snapshot(community, texts, vectors, progress)
