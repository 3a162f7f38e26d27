"""A sentence-transformers model that learns from pairs of texts that belong together.

Each anchor is to lie nearer to its own positive than to those of the other pairs in its batch
(Henderson et al. 2017, Efficient Natural Language Response Suggestion for Smart Reply), in a model
whose two sides share their weights (Reimers & Gurevych 2019, Sentence-BERT). A plain loop stands
in for sentence-transformers' trainer, which wants two more libraries.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from engine.encoder import MAX_CHARACTERS
from engine.encoder_export import open_model
from engine.types import Matrix

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer

Batch = Sequence[tuple[str, str]]
"""Pairs learnt from together: an anchor and its positive each."""

WARM_UP = 0.1
"""Share of the steps in which the learning rate rises."""

LESSON_TOKENS = 128
"""Tokens of a text that are learnt from: its opening says what it is about, and twice as many
took twice the time and memory (5.4 GB). Whatever is encoded is read as far as the model reads."""

LARGEST_GRADIENT = 1.0
"""Length to which a longer gradient is cut."""


class LearningEncoder:
    """An encoder whose weights may change."""

    def __init__(self, model: SentenceTransformer) -> None:
        self._model = model

    @classmethod
    def open(cls, model: str) -> Self:
        """Open a sentence-transformers model: `DEFAULT_MODEL`, a folder, or a name.

        Raises:
            SettingError: The model cannot be loaded.
        """
        return cls(open_model(model))

    def encode(self, texts: Sequence[str], advance: Callable[[int], None]) -> Matrix:
        """Return vectors of shape (n, d), float32, unit length unless learning has gone astray.

        Args:
            texts: What to encode.
            advance: Told how many texts were done since.
        """
        cut = [text[:MAX_CHARACTERS] for text in texts]
        parts = []
        for start in range(0, len(cut), 64):
            part = cut[start : start + 64]
            parts.append(self._model.encode(part, normalize_embeddings=True))
            advance(len(part))
        return np.concatenate(parts).astype(np.float32)

    def learn(
        self, batches: Sequence[Batch], rate: float, seed: int, advance: Callable[[int], None]
    ) -> None:
        """Take one step of AdamW for each batch.

        Args:
            batches: In the order of the steps; a text should stand once in a batch.
            rate: The learning rate at its highest.
            seed: Decides what dropout leaves out; the same seed gives the same weights.
            advance: Told how many batches were done since.
        """
        import torch
        from sentence_transformers.sentence_transformer import losses

        reads = self._model.max_seq_length
        self._model.max_seq_length = min(reads or LESSON_TOKENS, LESSON_TOKENS)
        loss = losses.MultipleNegativesRankingLoss(self._model)
        optimizer = torch.optim.AdamW(self._model.parameters(), lr=rate, weight_decay=0.0)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self._model.train()
            for step, batch in enumerate(batches):
                for group in optimizer.param_groups:
                    group["lr"] = rate * share_of_rate(step, len(batches))
                sides = [self._features(side) for side in zip(*batch, strict=True)]
                optimizer.zero_grad()
                with _half_precision():
                    cost = loss(sides, torch.zeros(0))
                cost.backward()
                torch.nn.utils.clip_grad_norm_(self._model.parameters(), LARGEST_GRADIENT)
                optimizer.step()
                advance(1)
        self._model.eval()
        self._model.max_seq_length = reads

    def save(self, folder: Path) -> None:
        """Write the model as a folder that sentence-transformers and `export_encoder` take."""
        self._model.save(str(folder), create_model_card=False)

    def _features(self, texts: Sequence[str]) -> dict[str, torch.Tensor]:
        prompt = self._model.prompts.get(self._model.default_prompt_name or "", "") or ""
        features: dict[str, torch.Tensor] = self._model.preprocess(
            [prompt + text[:MAX_CHARACTERS] for text in texts]
        )
        return features


def share_of_rate(step: int, steps: int) -> float:
    """Return which share of the learning rate a step uses: up to 1, then down towards 0.

    >>> [share_of_rate(step, 20) for step in (0, 1, 2, 11, 19)]
    [0.5, 1.0, 1.0, 0.5, 0.05555555555555555]
    """
    rising = max(1, round(WARM_UP * steps))
    if step < rising:
        return (step + 1) / rising
    return (steps - step) / (steps - rising)


def _half_precision() -> contextlib.AbstractContextManager[None]:
    """Return bfloat16 arithmetic where this processor has it, and nothing elsewhere."""
    import torch

    has: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()
    if has.get("avx512_bf16") or has.get("amx_bf16"):
        half: contextlib.AbstractContextManager[None] = torch.autocast("cpu", torch.bfloat16)
        return half
    return contextlib.nullcontext()
