"""What is written down of a bundle: what it was made of, with which settings, how large it is."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

import polars as pl

from data.community import Community
from engine.encoder import OnnxEncoder
from engine.group_ranker import GroupRanker
from engine.manifest import FORMAT, Manifest
from engine.snapshot import Snapshot
from training import activity
from training.gate import validation_of
from training.suggested import Suggested

if TYPE_CHECKING:
    from training.train import TrainSettings

LIBRARIES = ("belong", "numpy", "scipy", "polars", "scikit-learn", "faiss-cpu", "onnxruntime")
"""Libraries whose versions a manifest records."""


def fingerprint_of(
    community: Community,
    settings: TrainSettings,
    encoder: str,
    suggested: Suggested | None = None,
) -> str:
    """Return a hash of inputs, settings and versions: equal work has an equal fingerprint."""
    made_with = (FORMAT, encoder, settings.until, settings.preferences, versions_of(LIBRARIES))
    digest = hashlib.sha256(" ".join(map(str, made_with)).encode())
    for name in (
        "members", "groups", "memberships", "posts", "authors",
        "post_groups", "participations", "ties", "blocks",
    ):  # fmt: skip
        frame: pl.DataFrame = getattr(community, name)
        digest.update(json.dumps([name, frame.columns, len(frame)]).encode())
        digest.update(frame.hash_rows(seed=0).to_numpy().tobytes())
    if suggested is not None:
        digest.update(suggested.frame.hash_rows(seed=0).to_numpy().tobytes())
    return digest.hexdigest()


def manifest_of(
    community: Community,
    settings: TrainSettings,
    encoder: OnnxEncoder,
    model: tuple[Snapshot, GroupRanker],
    fingerprint: str,
    now: datetime,
) -> Manifest:
    """Return the manifest of a bundle that is about to be written.

    Args:
        community: What it was made of.
        settings: What an operator chose.
        encoder: What made its vectors.
        model: What is known of the community, and what orders its groups.
        fingerprint: Hash of inputs and settings.
        now: The time that goes into its version's name.
    """
    snapshot, ranker = model
    feedback = ranker.story.get("feedback")
    told = {} if feedback is None else {name: feedback[name] for name in ("used", "why")}
    moment = now.astimezone(UTC)
    return Manifest(
        format=FORMAT,
        community=community.name,
        version=f"{moment:%Y%m%dT%H%M%S%f}"[:18] + f"Z-{fingerprint[:8]}",
        fingerprint=fingerprint,
        created_at=moment.isoformat(timespec="seconds"),
        watermark=0,
        window=(activity.first_of(community), activity.last_of(community)),
        sizes={
            "members": len(community.members),
            "groups": len(community.groups),
            "memberships": len(community.memberships),
            "posts": len(community.posts),
            "ties": len(community.ties),
            "interests": len(snapshot.members.interests.vectors),
            "prototypes": len(snapshot.groups.prototypes.vectors),
            "terms": len(snapshot.vocabulary),
            "set_aside": len(community.rejections),
        },
        settings={
            "model": encoder.card.model,
            "until": settings.until,
            "encoder": asdict(encoder.card),
            "preferences": asdict(settings.preferences),
            "ranker": {
                who: {key: ranker.story[who][key] for key in ("kind", "why")}
                for who in ("known", "newcomer")
            },
            **({"feedback": told} if told else {}),
        },
        libraries=versions_of(LIBRARIES),
        metrics={"validation": validation_of(ranker)},
    )


def versions_of(libraries: Sequence[str]) -> dict[str, str]:
    """Return the versions of Python and of those libraries that are installed."""
    found = {"python": platform.python_version()}
    for name in libraries:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
