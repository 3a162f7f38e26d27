"""The benchmarks measure what they say: definitions by hand, and a small run of each."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from benchmarks import latency, quality, retrieval
from benchmarks.report import write_report
from benchmarks.searching import Case, compare, recall
from benchmarks.server import running_server
from data.town import make_town
from data.write import write_folder
from engine.errors import DataError, SettingError, UnknownError
from engine.index import Neighbours, VectorIndex
from engine.registry import Registry
from engine.types import Matrix
from training.assess import AssessSettings
from training.figures_file import check_writable


def numbers_of(value: Any) -> Iterator[float]:  # noqa: ANN401
    """Yield every number in a JSON value."""
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from numbers_of(item)
    elif isinstance(value, float):
        yield value


def is_figure(value: dict[str, float]) -> bool:
    """Tell whether a figure has an interval around it, and its sample size."""
    return value["low"] <= value["value"] <= value["high"] and value["n"] > 0


# Recall


def test_recall_is_the_share_of_the_best_that_was_found_and_equals_are_as_good() -> None:
    # Cosines with the query (1, 0): row 0 has 1, rows 1 and 2 have 0.6 both, row 3 has 0.
    vectors = np.array([[1, 0], [0.6, 0.8], [0.6, -0.8], [0, 1]], np.float32)
    query = np.array([[1, 0]], np.float32)
    best = np.array([0, 1])

    assert recall(np.array([0, 1]), best, query, vectors) == 1
    assert recall(np.array([0, 2]), best, query, vectors) == 1  # as near as row 1
    assert recall(np.array([0, 3]), best, query, vectors) == 0.5
    assert recall(np.array([0, 0]), best, query, vectors) == 0.5  # twice the same is one
    assert recall(np.array([3]), best, query, vectors) == 0


class OnlyItself(VectorIndex):
    """Finds the row a query was taken from, and otherwise the worst there is."""

    def search(self, queries: Matrix, k: int) -> Neighbours:
        order = np.argsort(-queries @ self.vectors.T, axis=1)
        rows = np.concatenate([order[:, :1], order[:, ::-1][:, : k - 1]], axis=1)
        return Neighbours(rows, np.take_along_axis(queries @ self.vectors.T, rows, 1))


def test_the_row_a_query_was_taken_from_does_not_count_as_found(tmp_path: Path) -> None:
    vectors, _ = retrieval.clustered(60, 1, seed=1)
    own, file = np.array([7, 9]), tmp_path / "none.faiss"
    case = Case("own", OnlyItself(vectors, None), file, vectors[own], own)

    found = compare(case)

    assert found["at"]["10"]["k"] == 10
    assert found["at"]["10"]["recall"]["value"] == 0
    assert found["at"]["100"]["k"] == 59  # all others
    assert found["kind"] == "compared"
    assert found["bytes_per_vector"] == {"index": 0, "vectors": 1536, "total": 1536}


# Whole runs


def test_retrieval_measures_below_and_above_the_exact_limit() -> None:
    result = retrieval.of_synthetic(800, queries=50, seed=0)

    compared, graph = result["cases"]
    assert (compared["kind"], graph["kind"]) == ("compared", "graph")
    assert compared["at"]["10"]["recall"]["value"] == 1
    assert 0.9 < graph["at"]["10"]["recall"]["value"] <= 1
    assert graph["bytes_per_vector"]["index"] > 384  # a byte a dimension, and links
    for case in result["cases"]:
        at = case["at"]["10"]
        assert at["recall"]["n"] == 50
        assert is_figure(at["search"]["latency_ms"]["p50"])
        assert at["exact"]["queries_per_s"] > 0


def test_retrieval_of_a_bundle_asks_with_members_interests(world_bundles: Path) -> None:
    folder = Registry(world_bundles).current("world")

    result = retrieval.of_bundle(folder, queries=5, seed=0)

    assert result["version"] == folder.name
    members, groups = result["cases"]
    assert members["queries"] == groups["queries"] == 5
    assert members["at"]["10"]["k"] == 10
    assert members["at"]["10"]["recall"]["value"] == 1
    assert groups["at"]["100"]["k"] == groups["vectors"]


@pytest.mark.alone
@pytest.mark.parametrize("kind", list(latency.Kind))
def test_latency_measures_a_real_server_and_stops_it(
    world_bundles: Path, kind: latency.Kind, tmp_path: Path
) -> None:
    settings = latency.LatencySettings(kind, rate=40, seconds=1, closed_s=0.5)

    result = latency.measure(world_bundles, None, settings)

    loop, fast = result["open_loop"], result["closed_loop"]
    assert (loop["requests"], loop["errors"], fast["errors"]) == (40, 0, 0)
    assert loop["errors_by_kind"] == {}
    assert fast["refused"] <= fast["requests"] / 5  # of a machine that others use as well
    assert is_figure(loop["latency_ms"]["p99"])
    assert 0 < loop["latency_ms"]["p50"]["value"] <= loop["latency_ms"]["max"]
    assert fast["requests"] > 0
    assert result["start_to_ready_s"] > 0
    assert 10 < result["memory_mb"]["ready"]["uss"] <= result["memory_mb"]["ready"]["rss"]
    write_report(tmp_path / "latency.json", result, {"cores": 2})
    assert json.loads((tmp_path / "latency.json").read_text("utf-8"))["machine"] == {"cores": 2}


def test_a_server_is_stopped_even_if_the_measurement_fails(world_bundles: Path) -> None:
    pids: list[int] = []

    def measure_and_fail() -> None:
        with running_server(world_bundles) as server:
            pids.append(server.process.pid)
            assert psutil.pid_exists(server.process.pid)
            raise DataError("the measurement went wrong")

    with pytest.raises(DataError, match="went wrong"):
        measure_and_fail()

    assert not psutil.pid_exists(pids[0])


def test_a_server_that_does_not_start_says_why(tmp_path: Path) -> None:
    with (
        pytest.raises(SettingError, match="holds no current bundle"),
        running_server(tmp_path / "nothing"),
    ):
        pass


def test_latency_of_an_unknown_community_is_refused_before_a_server_starts(
    world_bundles: Path,
) -> None:
    with pytest.raises(UnknownError, match="elsewhere"):
        latency.measure(world_bundles, "elsewhere", latency.LatencySettings())


def test_quality_has_every_system_with_intervals_and_no_nan(tmp_path: Path, cache: Path) -> None:
    town = make_town(200, seed=3)
    write_folder(town.tables, tmp_path / "town")

    result = quality.measure(tmp_path / "town", AssessSettings(), cache)
    write_report(tmp_path / "quality.json", result, {"cores": 2})

    read = json.loads((tmp_path / "quality.json").read_text("utf-8"))
    assert read["dataset"] == "town"
    assert read["members"] > 0
    assert {"belong", "item_knn"} <= set(read["systems"])
    assert is_figure(read["systems"]["belong"]["ndcg_at_10"])
    assert read["systems"]["belong"]["ndcg_at_10"]["n"] == read["members"]
    assert set(read["ratios"]) == set(read["systems"]) - {"belong"}
    assert {"systems", "ratios", "members"} <= set(read["introductions"])
    assert read["cost"]["seconds"] > 0
    assert all(np.isfinite(number) for number in numbers_of(read))


# What a user sees


def test_a_figure_that_is_not_a_number_is_written_as_null(tmp_path: Path) -> None:
    write_report(tmp_path / "out.json", {"ratio": {"value": float("nan"), "n": 4}}, {})

    text = (tmp_path / "out.json").read_text("utf-8")
    assert json.loads(text)["ratio"] == {"value": None, "n": 4}
    assert "NaN" not in text


def test_a_place_that_cannot_be_written_is_refused_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        check_writable(tmp_path / "missing" / "out.json")
    with pytest.raises(DataError, match="is a folder"):
        check_writable(tmp_path)


@pytest.mark.parametrize(
    "arguments",
    [
        ["benchmarks.quality", "no-such-folder", "--json", "{out}"],
        ["benchmarks.retrieval", "--json", "{out}"],
        ["benchmarks.retrieval", "--bundle", "no-such-folder", "--json", "{out}"],
        ["benchmarks.latency", "--bundles", "no-such-folder", "--json", "{out}"],
    ],
)
def test_a_mistake_is_one_sentence_and_exit_code_2(arguments: list[str], tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    filled = [argument.replace("{out}", str(out)) for argument in arguments]

    done = subprocess.run(
        [sys.executable, "-m", *filled],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )

    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not out.exists()


def test_a_report_names_its_command_and_its_machine(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    command = ["-m", "benchmarks.retrieval", "--vectors", "200", "--queries", "10"]

    subprocess.run(
        [sys.executable, *command, "--json", str(out)],
        check=True,
        capture_output=True,
        cwd=Path(__file__).parents[2],
    )

    read = json.loads(out.read_text("utf-8"))
    assert read["command"].startswith("python -m benchmarks.retrieval --vectors 200")
    assert {"cpu", "cores", "libraries", "load_average"} <= set(read["machine"])
    assert "python" in read["machine"]["libraries"]
