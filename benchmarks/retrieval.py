"""What the index loses against comparing every vector, and what that buys.

    python -m benchmarks.retrieval --bundles BUNDLES --json retrieval.json
    python -m benchmarks.retrieval --vectors 100000 --json retrieval.json

`engine.index.VectorIndex` is measured as a server opens it: loaded from its file, one thread, one
query at a time. Faiss's flat index over the same vectors, asked the same in the same run, is what
is exact. Queries are members' own interests or, for synthetic vectors, others of their clusters.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from benchmarks.machine import machine
from benchmarks.report import run, write_report
from benchmarks.searching import Case, compare
from engine.bundle import load_bundle
from engine.errors import BundleError, SettingError
from engine.index import EXACT_BELOW
from engine.registry import Registry
from engine.types import Matrix
from training.figures_file import check_writable

DIMENSION = 384
"""Dimensions of synthetic vectors: those of the packaged encoder."""

PER_CLUSTER = 20
"""Synthetic vectors around each centre: about as many as write about one thing."""

SPREAD = 0.8
"""Length of the noise around a centre: two of a cluster have a cosine of 1 / (1 + SPREAD^2)."""


def of_bundle(folder: Path, queries: int, seed: int) -> dict[str, Any]:
    """Measure a bundle's two indexes with its members' interests.

    Args:
        folder: `<bundles>/<community>/<version>`.
        queries: Members' interests that are drawn.
        seed: Decides which.

    Raises:
        BundleError: The bundle cannot be loaded, or it has too little to compare.
    """
    bundle = load_bundle(folder)
    interests = bundle.snapshot.members.interests.vectors
    drawn = np.random.default_rng(seed).permutation(len(interests))[:queries]
    asked = np.ascontiguousarray(interests[drawn])
    cases = [
        Case("members' interests", bundle.members, folder / "members.faiss", asked, drawn),
        Case("groups' prototypes", bundle.groups, folder / "groups.faiss", asked),
    ]
    cases = [case for case in cases if len(case.index) > 1 and len(asked)]
    if not cases:
        raise BundleError(f"{folder} has too few vectors to compare: take a larger community")
    return {
        "community": bundle.manifest.community,
        "version": bundle.manifest.version,
        "cases": [compare(case) for case in cases],
    }


def of_synthetic(count: int, queries: int, seed: int) -> dict[str, Any]:
    """Measure clustered unit vectors, compared one by one and through the graph.

    Comparing takes at most `EXACT_BELOW` vectors, as in a bundle; the graph takes all of them,
    even where a bundle would not have one.
    """
    vectors, asked = clustered(count, queries, seed)
    cases = []
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "vectors.faiss"
        for name, part, exact_below in (
            ("synthetic, compared one by one", vectors[:EXACT_BELOW], EXACT_BELOW),
            ("synthetic, through the graph", vectors, 0),
        ):
            cases.append(compare(Case.built(name, part, file, asked, exact_below)))
    return {"vectors": count, "seed": seed, "cases": cases}


def clustered(count: int, queries: int, seed: int) -> tuple[Matrix, Matrix]:
    """Return unit vectors around random centres, and queries around the same centres.

    >>> vectors, asked = clustered(100, 3, seed=0)
    >>> vectors.shape, asked.shape, bool(np.allclose(np.linalg.norm(vectors, axis=1), 1))
    ((100, 384), (3, 384), True)
    """
    rng = np.random.default_rng(seed)
    centres = _unit(rng.standard_normal((max(1, count // PER_CLUSTER), DIMENSION), np.float32))

    def around(size: int) -> Matrix:
        noise = _unit(rng.standard_normal((size, DIMENSION), np.float32))
        return _unit(centres[rng.integers(0, len(centres), size)] + SPREAD * noise)

    return around(count), around(queries)


def _unit(vectors: Matrix) -> Matrix:
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.astype(np.float32, copy=False)


def _line(case: dict[str, Any]) -> str:
    shown = "  ".join(
        f"k={k}: recall {found['recall']['value']:.4f}, {found['search']['queries_per_s']:,.0f}/s "
        f"(exact {found['exact']['queries_per_s']:,.0f}/s)"
        for k, found in case["at"].items()
    )
    return f"{case['case']} ({case['vectors']:,} vectors, {case['kind']})  {shown}"


def _folder(bundle: Path | None, bundles: Path | None, community: str | None) -> Path:
    if bundle is not None:
        return bundle
    if bundles is None:
        raise SettingError("name what to measure: --vectors, --bundle or --bundles")
    registry = Registry(bundles)
    return registry.current(community or registry.only_community())


def main(  # noqa: PLR0913
    json_file: Annotated[Path, typer.Option("--json", help="Where the figures go.")],
    bundle: Annotated[Path | None, typer.Option(help="One version's folder.")] = None,
    bundles: Annotated[Path | None, typer.Option(help="All bundles; the current is taken.")] = None,
    community: Annotated[str | None, typer.Option(help="Needed if there are several.")] = None,
    vectors: Annotated[
        int | None, typer.Option(help="How many synthetic vectors.", min=200, max=5_000_000)
    ] = None,
    queries: Annotated[int, typer.Option(help="Queries asked.", min=10, max=100_000)] = 1000,
    seed: Annotated[int, typer.Option(help="Decides vectors and queries.", min=0)] = 0,
) -> None:
    """Measure the index against exact search: recall, speed, bytes and build time."""
    sources: Sequence[object] = [one for one in (bundle, bundles, vectors) if one is not None]
    if len(sources) != 1:
        raise SettingError("name one thing to measure: --vectors, --bundle or --bundles")
    check_writable(json_file)
    here = machine()
    if vectors is not None:
        result = of_synthetic(vectors, queries, seed)
    else:
        result = of_bundle(_folder(bundle, bundles, community), queries, seed)
    write_report(json_file, result, here)
    for case in result["cases"]:
        typer.echo(_line(case))


if __name__ == "__main__":
    run(main)
