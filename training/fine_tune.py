"""An operator's option: the encoder learns what belongs together in one community.

A linear map over stored vectors is cheap enough for every retrain; this is not, and every text has
to be embedded again afterwards. So it is asked for, measured on pairs it has not seen, and written
only if it finds their other half sooner than the model it started from. That is not yet a better
suggestion: it may have learnt which groups are big. `belong evaluate --model` tells.

Sources: Henderson et al. 2017 (the other pairs of a batch are what an anchor is told apart from);
Reimers & Gurevych 2019 (one encoder for both sides). Unlike theirs, a batch never holds two pairs
of one group or conversation: those would be told apart although they belong together.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.community import Community
from engine.encoder_training import LearningEncoder
from engine.errors import SettingError
from engine.types import Matrix
from training.metrics import Figure, mean_with_interval
from training.pairs import Kind, Pair, pairs_of
from training.progress import SILENT, Progress
from training.split import cut_at, past

MIN_PAIRS = 200
"""Pairs below which neither learning nor measuring means anything."""

HELD_OUT = 0.1
"""Share of the pairs that are measured by and not learnt from."""

BATCH = 32
"""Pairs in a batch, at most."""

PLACES = 10
"""Places in which the other half of a pair must be found to count."""


@dataclass(frozen=True, slots=True)
class FineTuneSettings:
    """What an operator may choose.

    Attributes:
        model: What to start from: `DEFAULT_MODEL`, a folder, or a name.
        until: Learn from the past of this date or share only; None takes everything.
        epochs: Times each pair is learnt from.
        max_pairs: Pairs taken at most, those held out included.
        seed: Decides which pairs are taken and held out, their order, and dropout.
        rate: The learning rate at its highest.
    """

    model: str
    until: str | None = None
    epochs: int = 1
    max_pairs: int = 5_000
    seed: int = 0
    rate: float = 2e-5


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it.

    Attributes:
        learnt: Pairs learnt from.
        kinds: The kind of each pair held out.
        before: Its reciprocal rank under the model started from: float64 of shape (held out,).
        after: The same after learning.
    """

    learnt: int
    kinds: Sequence[Kind]
    before: NDArray[np.float64]
    after: NDArray[np.float64]

    @property
    def improved(self) -> bool:
        """Whether pairs it has not seen are found sooner than before, on average."""
        return float(self.after.mean()) > float(self.before.mean())

    def gain(self) -> Figure:
        """Return the mean change of the reciprocal rank, the pairs resampled."""
        return mean_with_interval(self.after - self.before)

    def rows(self) -> Iterator[tuple[str, int, float, float]]:
        """Yield name, pairs held out, MRR before and after: of all, then of each kind."""
        yield "all", len(self.kinds), float(self.before.mean()), float(self.after.mean())
        for kind in Kind:
            mine = np.array([one is kind for one in self.kinds])
            if mine.any():
                before, after = self.before[mine].mean(), self.after[mine].mean()
                yield kind.value, int(mine.sum()), float(before), float(after)


def fine_tune(
    community: Community, settings: FineTuneSettings, out: Path, progress: Progress = SILENT
) -> Outcome:
    """Fine-tune a model on a community and write it to `out`, if it has become better.

    Interrupted at any moment, it leaves nothing behind.

    Returns:
        What came of it; `out` is there only if it `improved`.

    Raises:
        SettingError: `out` is there already or cannot be there, or there are too few pairs.
    """
    with _beside(out) as folder:
        rng = np.random.default_rng(settings.seed)
        pairs = _enough_pairs(community, settings, rng)
        lessons, held = hold_out(pairs, rng)
        batches = [
            [(pair.anchor, pair.positive) for pair in batch]
            for _ in range(settings.epochs)
            for batch in batches_of(lessons, BATCH, rng)
        ]
        if not batches:
            raise SettingError(
                f"all {len(pairs)} pairs are about one group or conversation: there is nothing "
                "to tell apart, so nothing to learn"
            )
        with progress.task("model", 1) as advance:
            encoder = LearningEncoder.open(settings.model)
            advance(1)
        before = _measured(encoder, held, "measuring before", progress)
        with progress.task("learning from pairs", len(batches)) as advance:
            encoder.learn(batches, settings.rate, settings.seed, advance)
        after = _measured(encoder, held, "measuring after", progress)
        learnt = sum(map(len, batches)) // settings.epochs
        outcome = Outcome(learnt, [pair.kind for pair in held], before, after)
        if outcome.improved:
            encoder.save(folder)
            (folder / "README.md").write_text(card(community.name, settings, outcome), "utf-8")
            _refuse_if_there(out)
            folder.rename(out)
    return outcome


def hold_out(pairs: Sequence[Pair], rng: np.random.Generator) -> tuple[list[Pair], list[Pair]]:
    """Return the pairs to learn from and those to measure by.

    All pairs of an anchor are held out together, and a pair with such a text on its other side
    is left out of both.
    """
    anchors = sorted({pair.anchor for pair in pairs})
    by_anchor: dict[str, list[Pair]] = {anchor: [] for anchor in anchors}
    for pair in pairs:
        by_anchor[pair.anchor].append(pair)
    held: list[Pair] = []
    unseen: set[str] = set()
    for place in rng.permutation(len(anchors)):
        if len(held) >= HELD_OUT * len(pairs):
            break
        unseen.add(anchors[place])
        held += by_anchor[anchors[place]]
    lessons = [pair for pair in pairs if not {pair.anchor, pair.positive} & unseen]
    return lessons, held


def batches_of(pairs: Sequence[Pair], size: int, rng: np.random.Generator) -> list[list[Pair]]:
    """Return random batches in random order, in none of which a text or a topic stands twice.

    A pair for which there is no company (its topic has more pairs than there are batches with
    others in them) is left out: alone it can be told apart from nothing.
    """
    batches: list[list[Pair]] = []
    earliest: dict[tuple[str, str], int] = {}
    for place in rng.permutation(len(pairs)):
        pair = pairs[place]
        keys = (("text", pair.anchor), ("text", pair.positive), ("topic", pair.topic))
        at = max(earliest.get(key, 0) for key in keys)
        while at < len(batches) and len(batches[at]) == size:
            at += 1
        if at == len(batches):
            batches.append([])
        batches[at].append(pair)
        earliest |= dict.fromkeys(keys, at + 1)
    usable = [batch for batch in batches if len(batch) > 1]
    return [usable[place] for place in rng.permutation(len(usable))]


def reciprocal_ranks(
    pairs: Sequence[Pair], anchors: Matrix, candidates: Sequence[str], vectors: Matrix
) -> NDArray[np.float64]:
    """Return 1 / the place of each pair's other half among all candidates, 0 beyond `PLACES`.

    Args:
        pairs: What belongs together.
        anchors: Their anchors' vectors, of shape (n, d).
        candidates: Different texts, every positive among them.
        vectors: Their vectors, of shape (m, d).

    An anchor's other positives stand in nobody's way. Whoever scores the same stands before it,
    and a score that is no number counts as worst: a model that has gone astray finds nothing.
    """
    place = {text: column for column, text in enumerate(candidates)}
    right = np.array([place[pair.positive] for pair in pairs])
    together: dict[str, list[int]] = {}
    for pair, column in zip(pairs, right.tolist(), strict=True):
        together.setdefault(pair.anchor, []).append(column)
    scores = anchors @ vectors.T
    found = np.zeros(len(pairs))
    for row, pair in enumerate(pairs):
        beaten = scores[row] < scores[row, right[row]]
        beaten[together[pair.anchor]] = True
        rank = 1 + int((~beaten).sum())
        lost = not np.isfinite(scores[row, right[row]])
        found[row] = 0.0 if lost or rank > PLACES else 1 / rank
    return found


def card(community: str, settings: FineTuneSettings, outcome: Outcome) -> str:
    """Return the model's card: what it started from, learnt from, and gained."""
    gain = outcome.gain()
    past_of = f", its past until {settings.until}" if settings.until else ""
    lines = [
        # A folder's name says enough; its path would tell strangers about the machine.
        f"# {Path(settings.model).name}, fine-tuned on {community or 'a community'}",
        "",
        f"Learnt from {outcome.learnt:,} pairs of public texts of {community or 'a community'}"
        f"{past_of} (epochs {settings.epochs}, seed {settings.seed}, "
        f"at most {settings.max_pairs:,} pairs).",
        "",
        f"MRR@{PLACES} on {len(outcome.kinds):,} pairs held out, each text among "
        "the other halves of all of them; profiles and descriptions as they are today:",
        "",
        "| pairs | held out | before | after |",
        "| --- | --- | --- | --- |",
        *(
            f"| {name} | {count:,} | {before:.3f} | {after:.3f} |"
            for name, count, before, after in outcome.rows()
        ),
        "",
        f"Gain {gain.value:+.3f} ({gain.low:+.3f} to {gain.high:+.3f}).",
        "",
        "Made by `belong fine-tune` for `belong train --model`. Pairs found sooner are not yet "
        "better suggestions: compare with `belong evaluate --model`, on a later window.",
    ]
    return "\n".join(lines) + "\n"


def _enough_pairs(
    community: Community, settings: FineTuneSettings, rng: np.random.Generator
) -> list[Pair]:
    if settings.max_pairs < MIN_PAIRS:
        raise SettingError(f"--max-pairs wants at least {MIN_PAIRS}, not {settings.max_pairs}")
    if settings.until is not None:
        community = past(community, cut_at(community, settings.until))
    pairs = pairs_of(community, settings.max_pairs, rng)
    if len(pairs) < MIN_PAIRS:
        raise SettingError(
            f"fine-tuning wants at least {MIN_PAIRS} pairs of public texts that belong together "
            f"(a member's and a group's they joined, a post and its answer), and there are "
            f"{len(pairs)}: train without it"
        )
    return pairs


def _measured(
    encoder: LearningEncoder, held: Sequence[Pair], name: str, progress: Progress
) -> NDArray[np.float64]:
    candidates = sorted({pair.positive for pair in held})
    with progress.task(name, len(held) + len(candidates)) as advance:
        anchors = encoder.encode([pair.anchor for pair in held], advance)
        vectors = encoder.encode(candidates, advance)
    return reciprocal_ranks(held, anchors, candidates, vectors)


@contextmanager
def _beside(out: Path) -> Iterator[Path]:
    """Yield a folder beside `out`, made at once so that its rights are known, and remove it."""
    _refuse_if_there(out)
    if not out.parent.is_dir():
        raise SettingError(f"{out} cannot be written: the folder {out.parent} does not exist")
    folder = out.parent / f".{out.name}.{os.getpid()}.partial"
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _refuse_if_there(out: Path) -> None:
    if os.path.lexists(out):
        raise SettingError(f"{out} is there already: a model is never overwritten, name another")
