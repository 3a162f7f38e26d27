"""Whom Belong asks, by the whole pipeline and nothing but the past of the cut."""

from __future__ import annotations

import numpy as np

from benchmarks.responder_trials import Asked, Window
from engine.answering import Question
from engine.bundle import Bundle
from engine.group_ranker import GroupRanker
from engine.index import VectorIndex
from engine.manifest import Manifest
from engine.recommender import Recommender
from engine.responders import Responders
from engine.snapshot import UNREADABLE_BAND
from engine.types import Rows
from training.build import build_snapshot
from training.texts import vectors_of
from training.train import Workshop


def belong_responders(window: Window, workshop: Workshop, places: int) -> list[Rows]:
    """Return whom Belong asks for each question of a window, best first."""
    recommender = _recommender(window, workshop)
    responders = Responders(recommender)
    return [
        responders.answering(_question(one, recommender), places).slate.rows for one in window.asked
    ]


def _question(asked: Asked, recommender: Recommender) -> Question:
    # An author whom nobody knew yet asks as a newcomer does.
    return Question(
        vectors=asked.vector,
        authors=asked.authors,
        groups=asked.groups,
        audience=UNREADABLE_BAND if asked.band is None else recommender.band(asked.band),
        new=not len(asked.authors),
    )


def _recommender(window: Window, workshop: Workshop) -> Recommender:
    vectors = vectors_of(window.texts, workshop.encoder, workshop.vectors)
    snapshot = build_snapshot(window.early, None, vectors, now=window.now)
    manifest = Manifest(0, window.name, "", "", "", 0, (None, None), {}, {}, {})
    bundle = Bundle(
        manifest,
        snapshot,
        VectorIndex.build(np.asarray(snapshot.members.interests.vectors)),
        VectorIndex.build(np.asarray(snapshot.groups.prototypes.vectors)),
        workshop.encoder,
        GroupRanker(),
    )
    return Recommender(bundle, clock=lambda: window.now)
