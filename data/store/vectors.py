"""Texts that wait for their vectors, and vectors that are written beside them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection, select

from data.store.connect import Store
from data.store.log import TOUCHED_WITH, Kind, Touched, turn_of
from data.store.reading import TABLE_OF, closed_posts
from data.store.rows import Row, parts, rows_by, write_rows
from data.store.schema import embedding, log, vectors
from data.store.texts import TEXT_OF, digest_of_text
from engine.facts import Written
from engine.types import Matrix


@dataclass(frozen=True, slots=True)
class TextToEmbed:
    """A text whose vectors may be missing or old.

    Attributes:
        kind: Whose text it is.
        id: Its external id.
        seq: The last entry of the log, of those read, that touched it.
        text: As training reads it, never blank.
    """

    kind: Written
    id: str
    seq: int
    text: str

    @property
    def digest(self) -> str:
        """Return what tells whether the text is still the same."""
        return digest_of_text(self.text)


@dataclass(frozen=True, slots=True)
class NewVectors:
    """What the embedder made of a text.

    Attributes:
        kind: Whose text it is.
        id: Its external id.
        digest: Of the text: see `TextToEmbed.digest`.
        vectors: Unit vectors, float32 of shape (n, d).
        weights: How much each says; as many.
    """

    kind: Written
    id: str
    digest: str
    vectors: Matrix
    weights: tuple[float, ...]


def texts_to_embed(
    store: Store, community: str, after_seq: int, limit: int = 1000, model: str | None = None
) -> tuple[list[TextToEmbed], int]:
    """Return the present texts of what was touched and has not been embedded since.

    Args:
        store: Where.
        community: Whose texts.
        after_seq: Nothing up to this entry of the log is wanted: a bundle's watermark, say. Where
            `write_vectors` has come further, reading goes on from there.
        limit: Most entries to read.
        model: What is to embed them. Work done by another model does not count; None takes
            anyone's work.

    Returns:
        The texts in the order they were touched, each thing once, and the number of the last
        entry read; where reading began if there is nothing new. Texts that are blank or have
        vectors already, posts that not everybody may see, and what has gone are left out.

    Raises:
        StoreUnavailableError: The database cannot be used.
    """
    with store.reading() as connection:
        start = max(after_seq, _done(connection, community, model))
        entries = connection.execute(
            select(log.c.seq, log.c.kind, log.c.key)
            .where(log.c.community == community, log.c.seq > start)
            .order_by(log.c.seq)
            .limit(limit)
        ).all()
        waiting = []
        for kind in Written:
            seqs = {key: int(seq) for seq, touched, key in entries if touched == TOUCHED_WITH[kind]}
            texts = _texts(connection, community, kind, seqs)
            made = _made(connection, community, kind, texts, model)
            waiting += [
                TextToEmbed(kind, one, seqs[one], text)
                for one, text in texts.items()
                if made.get(one) != digest_of_text(text)
            ]
    reached = int(entries[-1].seq) if entries else start
    return sorted(waiting, key=lambda one: one.seq), reached


def write_vectors(
    store: Store,
    community: str,
    model: str,
    rows: Sequence[NewVectors],
    done_seq: int,
    now: float,
) -> int:
    """Keep the vectors of texts that are still the same, and log that they came.

    Args:
        store: Where.
        community: Whose texts.
        model: What made the vectors.
        rows: The vectors. Those of a text that has changed, gone or been closed are dropped.
        done_seq: All texts touched up to this entry are embedded now.
        now: Unix seconds.

    Returns:
        The number of the last entry of the log.

    Raises:
        UnknownError: There is no such community.
        StoreUnavailableError: The database cannot be used.
    """
    with store.writing() as connection, turn_of(connection, community, now) as turn:
        kept: list[Row] = []
        for kind in Written:
            told = {row.id: row for row in rows if row.kind is kind}
            kept += [
                _row(model, told[one])
                for one, text in _texts(connection, community, kind, told).items()
                if digest_of_text(text) == told[one].digest
            ]
        write_rows(connection, vectors, community, kept)
        if _done(connection, community, model) < done_seq:
            done: Row = {"model": model, "done_seq": done_seq}
            write_rows(connection, embedding, community, [done])
        turn.touch([Touched(Kind.VECTOR, row["id"], row["kind"]) for row in kept])
    return turn.head


def embedded_up_to(store: Store, community: str, model: str | None = None) -> int:
    """Return the entry of the log up to which a model has embedded texts; 0 if it never did."""
    with store.reading() as connection:
        return _done(connection, community, model)


def _done(connection: Connection, community: str, model: str | None) -> int:
    done = select(embedding.c.done_seq).where(embedding.c.community == community)
    if model is not None:
        done = done.where(embedding.c.model == model)
    return int(connection.scalar(done) or 0)


def _texts(
    connection: Connection, community: str, kind: Written, ids: Collection[str]
) -> dict[str, str]:
    """Return what is written in each that is there and that everybody may see, by id."""
    if not ids:
        return {}
    rows = {r["id"]: r for r in rows_by(connection, TABLE_OF[kind], community, "id", ids)}
    closed = closed_posts(connection, community, rows) if kind is Written.POST else set()
    texts = {one: TEXT_OF[kind](row) for one, row in rows.items() if one not in closed}
    # What is blank needs no vectors to say so.
    return {one: text for one, text in texts.items() if text}


def _made(
    connection: Connection,
    community: str,
    kind: Written,
    ids: Collection[str],
    model: str | None,
) -> dict[str, str]:
    """Return the digest of the text whose vectors there are, by id."""
    found: dict[str, str] = {}
    for part in parts(ids):
        made = select(vectors.c.id, vectors.c.digest).where(
            vectors.c.community == community, vectors.c.kind == kind.value, vectors.c.id.in_(part)
        )
        if model is not None:
            made = made.where(vectors.c.model == model)
        found |= {row.id: row.digest for row in connection.execute(made)}
    return found


def _row(model: str, made: NewVectors) -> Row:
    matrix = np.ascontiguousarray(made.vectors, dtype=np.float32)
    return {
        "kind": made.kind.value,
        "id": made.id,
        "model": model,
        "digest": made.digest,
        "vectors": matrix.tobytes(),
        "dimension": matrix.shape[1],
        "weights": list(made.weights),
    }
