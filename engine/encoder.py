"""Text -> unit vectors.

A sentence-transformers model is exported once to ONNX (`engine.encoder_export`). From then on,
training and serving both encode through `OnnxEncoder`, so a text has one vector whoever asks, and
a server never imports torch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np

from engine.errors import BundleError, StageError
from engine.json_file import json_object, names_in, only, part_of
from engine.types import Matrix

TOKEN_BUDGET = 1024
"""Tokens in one batch, padding included. Larger batches were measured to be slower on two cores."""

LARGEST = 1 << 16
"""Dimensions of a vector, and tokens of a text: no encoder has more."""

TRIED = "a word"
"""What an encoder is tried with before anybody relies on it."""

MAX_CHARACTERS = 8_000
"""Characters of a text that reach the tokenizer: far more than any model here can read."""


class Encoder(Protocol):
    """Anything that turns texts into unit vectors, the same text always into the same one."""

    @property
    def dimension(self) -> int:
        """Length of each vector."""

    @property
    def fingerprint(self) -> str:
        """Names weights, tokenizer, backend, precision and settings: the key of a vector cache."""

    def encode(self, texts: Sequence[str]) -> Matrix:
        """Return unit vectors of shape (n, d), in the order of the texts."""


@dataclass(frozen=True, slots=True)
class EncoderCard:
    """What has to be known of an exported encoder; `encoder.json` beside the graph.

    Attributes:
        model: The name or folder it was exported from.
        dimension: Length of a vector.
        max_tokens: Tokens read of a text; the rest is cut.
        prompt: What the model wants in front of each text, '' if nothing.
        inputs: Names of the graph's inputs.
        fingerprint: Hash of weights, tokenizer and all of the above.
    """

    model: str
    dimension: int
    max_tokens: int
    prompt: str
    inputs: tuple[str, ...]
    fingerprint: str


class OnnxEncoder:
    """Encodes on the CPU with ONNX Runtime in float32."""

    def __init__(self, card: EncoderCard, session: Any, tokenizer: Any) -> None:  # noqa: ANN401
        self.card = card
        self._session = session
        self._tokenizer = tokenizer

    @classmethod
    def load(cls, folder: Path, threads: int = 0) -> Self:
        """Open an export; `threads` = 0 uses every core.

        Raises:
            BundleError: The folder does not hold a readable export.
        """
        import onnxruntime
        from tokenizers import Tokenizer

        try:
            card = _card(json_object((folder / "encoder.json").read_bytes()))
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = threads
            # The arena keeps the largest batch ever seen; texts vary, memory should not.
            options.enable_cpu_mem_arena = False
            session = onnxruntime.InferenceSession(
                str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
            )
            tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
            tokenizer.enable_truncation(card.max_tokens)
            tokenizer.no_padding()
            encoder = cls(card, session, tokenizer)
            encoder.encode([TRIED])
        except Exception as error:
            why = str(error).partition("\n")[0][:500]
            raise BundleError(
                f"{folder} holds no readable encoder ({why}): export it again"
            ) from error
        return encoder

    @property
    def dimension(self) -> int:
        """Length of each vector."""
        return self.card.dimension

    @property
    def fingerprint(self) -> str:
        """Names weights, tokenizer, backend, precision and settings."""
        return self.card.fingerprint

    def encode(self, texts: Sequence[str]) -> Matrix:
        """Return unit vectors, float32 of shape (n, d), in the order of the texts.

        Only the first `MAX_CHARACTERS` characters and `max_tokens` tokens of a text count. An
        empty text has a vector too; callers leave out what has nothing to say.

        Raises:
            StageError: The model answered with something that is not finite.
        """
        vectors = np.empty((len(texts), self.card.dimension), dtype=np.float32)
        read = [self.card.prompt + text[:MAX_CHARACTERS] for text in texts]
        # A lone surrogate, which JSON can carry, is no text to the tokenizer.
        readable = [text.encode("utf-8", "replace").decode("utf-8") for text in read]
        encodings = self._tokenizer.encode_batch_fast(readable)
        lengths = np.fromiter((len(e.ids) for e in encodings), dtype=np.int64, count=len(texts))
        for batch in batches_by_length(lengths, TOKEN_BUDGET):
            feed = self._feed([encodings[i] for i in batch], int(lengths[batch].max()))
            vectors[batch] = self._session.run(["sentence_embedding"], feed)[0]
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not np.isfinite(vectors).all() or (norms == 0).any():
            raise StageError(
                f"encoder {self.card.model!r} gave a vector that is zero or not finite"
            )
        vectors /= norms
        return vectors

    def _feed(self, encodings: list[Any], width: int) -> dict[str, np.ndarray[Any, Any]]:
        ids = np.zeros((len(encodings), width), dtype=np.int64)
        mask = np.zeros_like(ids)
        for line, encoding in enumerate(encodings):
            ids[line, : len(encoding.ids)] = encoding.ids
            mask[line, : len(encoding.ids)] = 1
        feed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        return {name: feed[name] for name in self.card.inputs}


def _card(told: dict[str, Any]) -> EncoderCard:
    """Return what has to be known of an export; ValueError if it is not that."""
    only(told, [one.name for one in fields(EncoderCard)])
    texts = ("model", "prompt", "fingerprint")
    dimension, most = (part_of(told, name, int) for name in ("dimension", "max_tokens"))
    if not (0 < dimension <= LARGEST and 0 < most <= LARGEST):
        raise ValueError(f"'dimension' and 'max_tokens' are 1 to {LARGEST}")
    return EncoderCard(
        dimension=dimension,
        max_tokens=most,
        inputs=names_in(told, "inputs"),
        **{name: part_of(told, name, str) for name in texts},
    )


def batches_by_length(lengths: np.ndarray[Any, Any], budget: int) -> Iterator[np.ndarray[Any, Any]]:
    """Yield positions, shortest texts first, so that width x texts stays within the budget.

    A text longer than the budget travels alone.

    >>> [batch.tolist() for batch in batches_by_length(np.array([9, 2, 3, 2]), budget=9)]
    [[1, 3, 2], [0]]
    """
    order = np.argsort(lengths, kind="stable")
    start = 0
    for end in range(1, len(order) + 1):
        full = end == len(order) or lengths[order[end]] * (end - start + 1) > budget
        if full:
            yield order[start:end]
            start = end
