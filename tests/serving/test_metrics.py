"""What Prometheus sees, of one process and of several."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

from data.store.api_key import KeyScope
from engine.pool import Trace
from serving.metrics import (
    FLUSH_S,
    FOLDER_VARIABLE,
    Metrics,
    observe_answer,
    observe_community,
    share_between_workers,
)
from tests.serving.small_app import FakeKeys, ask, client_of, small_app

ROWS = np.arange(3)
Sample = tuple[str, tuple[tuple[str, str], ...]]


def samples(exposition: bytes) -> dict[Sample, float]:
    """Return each number by name and labels."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(exposition.decode())
        for sample in family.samples
    }


def value(metrics: Metrics, name: str, **labels: str) -> float:
    return samples(metrics.exposition()).get((name, tuple(sorted(labels.items()))), 0.0)


def test_requests_are_counted_by_route_method_and_status_and_timed_by_route() -> None:
    keys, metrics = FakeKeys(), Metrics()
    key = keys.add("k", KeyScope.READ)
    client = client_of(small_app(keys, metrics=metrics))
    route = "/v1/communities/{community}/members/{member}/recommendations/groups"
    for _ in range(3):
        ask(client, f"GET {route}", key)
    ask(client, f"GET {route}", "Bearer wrong")
    ask(client, "GET /no-such-path", key)
    client.request("BREW", "/healthz")

    def counted(route: str, method: str, status: str) -> float:
        labels = {"route": route, "method": method, "status": status}
        return value(metrics, "belong_requests_total", **labels)

    assert counted(route, "GET", "200") == 3
    assert counted(route, "GET", "401") == 1
    assert counted("none", "GET", "404") == 1
    assert counted("/healthz", "other", "401") == 1
    assert value(metrics, "belong_request_seconds_count", route=route) == 4
    assert 0 < value(metrics, "belong_request_seconds_sum", route=route) < 10


def test_a_fault_is_counted_as_500() -> None:
    keys, metrics = FakeKeys(), Metrics()
    app = small_app(keys, loopback=True, metrics=metrics)

    async def fault() -> None:
        raise KeyError("x")

    app.add_api_route("/fault", fault)
    assert client_of(app).get("/fault").status_code == 500
    labels = {"route": "/fault", "method": "GET", "status": "500"}
    assert value(metrics, "belong_requests_total", **labels) == 1


def test_no_label_holds_what_a_caller_made_up() -> None:
    keys, metrics = FakeKeys(), Metrics()
    key = keys.add("xuniquesecret", *KeyScope)
    client = client_of(small_app(keys, metrics=metrics))
    for path in (
        "/xunique",
        "/v1/communities/xunique/members/xunique",
        "/v1/communities?q=xunique",
    ):
        for method in ("GET", "PUT", "XUNIQUE"):
            client.request(method, path, headers={"authorization": key, "x-xunique": "xunique"})
    assert b"unique" not in metrics.exposition().lower()


def test_what_happened_to_a_slate_is_counted() -> None:
    metrics = Metrics()
    trace = Trace(
        failed={"neighbours": "KeyError: xunique"},
        removed={"privacy": ROWS, "blocks": ROWS[:0]},
        seconds={"neighbours": 0.25, "privacy": 0.5},
    )
    observe_answer(metrics, "groups", trace, 250)
    observe_answer(metrics, "groups", trace, 7, cold=True)
    observe_answer(metrics, "members", Trace(), 0)
    groups = {"purpose": "groups"}
    assert value(metrics, "belong_answers_total", **groups) == 2
    assert value(metrics, "belong_answers_total", purpose="members") == 1
    assert value(metrics, "belong_cold_starts_total", **groups) == 1
    assert value(metrics, "belong_stage_seconds_total", stage="privacy", **groups) == 1
    assert value(metrics, "belong_removed_total", policy="privacy", **groups) == 6
    assert value(metrics, "belong_removed_total", policy="blocks", **groups) == 0
    assert value(metrics, "belong_failed_stages_total", stage="neighbours", **groups) == 2
    assert value(metrics, "belong_candidates_bucket", le="10.0", **groups) == 1
    assert value(metrics, "belong_candidates_bucket", le="300.0", **groups) == 2
    assert value(metrics, "belong_candidates_sum", **groups) == 257
    assert b"xunique" not in metrics.exposition()


def test_a_community_is_told_as_it_stands_now() -> None:
    metrics = Metrics()
    observe_community(metrics, "town", 5, 9, 1_000.0)
    observe_community(metrics, "town", 3, 0, 2_000.0)
    told = [
        value(metrics, f"belong_{name}", community="town")
        for name in ("overlay_entries", "lag_entries", "bundle_created_timestamp_seconds")
    ]
    assert told == [3, 0, 2_000]


def test_counters_show_within_a_second_without_being_asked() -> None:
    now = 0.0
    metrics = Metrics(lambda: now)
    shown = metrics.answers.labels("groups")._value.get
    observe_answer(metrics, "groups", Trace(), 1)
    assert shown() == 0
    now = FLUSH_S
    observe_answer(metrics, "groups", Trace(), 1)
    assert shown() == 2


def test_a_clock_set_back_does_not_hold_counters_up() -> None:
    now = 1e9
    metrics = Metrics(lambda: now)
    now = 0.0
    observe_answer(metrics, "groups", Trace(), 1)
    assert metrics.answers.labels("groups")._value.get() == 1


WORKER = """
import json, sys
from engine.pool import Trace
from serving.metrics import Metrics, observe_answer, observe_community
metrics = Metrics()
metrics.requests.labels("/x", "GET", 200).inc()
observe_answer(metrics, "groups", Trace(seconds={"a": 0.5}), 10)
observe_community(metrics, "town", int(sys.argv[1]), 0, float(sys.argv[1]))
metrics.flush()
print("ready", flush=True)
if sys.stdin.readline().strip() == "tell":
    print(json.dumps(metrics.exposition().decode()), flush=True)
"""


def worker(number: int) -> subprocess.Popen[str]:
    found = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(number)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert found.stdout
    assert found.stdout.readline() == "ready\n"
    return found


def test_whichever_worker_is_asked_answers_for_all_that_were_and_all_that_are() -> None:
    with share_between_workers(3):
        folder = Path(os.environ[FOLDER_VARIABLE])
        gone, first, second = (worker(number) for number in (90, 40, 70))
        gone.communicate("end\n", timeout=60)
        told = json.loads(second.communicate("tell\n", timeout=60)[0])
        first.communicate("end\n", timeout=60)
    found = samples(told.encode())
    labels = (("method", "GET"), ("route", "/x"), ("status", "200"))
    assert found["belong_requests_total", labels] == 3
    assert found["belong_answers_total", (("purpose", "groups"),)] == 3
    assert found["belong_overlay_entries", (("community", "town"),)] == 70
    assert found["belong_bundle_created_timestamp_seconds", (("community", "town"),)] == 40
    assert not folder.exists()
    assert FOLDER_VARIABLE not in os.environ


def test_one_worker_needs_no_folder() -> None:
    with share_between_workers(1):
        assert FOLDER_VARIABLE not in os.environ


def test_the_operators_guide_lists_every_metric() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "operating.md").read_text("utf-8")
    for family in Metrics().registry.collect():
        name = family.name + ("_total" if family.type == "counter" else "")
        assert f"| `{name}` |" in guide


def test_the_answer_is_prometheus_text() -> None:
    keys = FakeKeys()
    key = keys.add("k", KeyScope.OPERATOR)
    answer = ask(client_of(small_app(keys)), "GET /metrics", key)
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert ask(client_of(small_app(keys)), "GET /metrics").status_code == 401
    assert samples(answer.content) is not None


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_sharing_ends_with_a_fault_too(workers: int) -> None:
    with pytest.raises(KeyError), share_between_workers(workers):
        raise KeyError("x")
    assert FOLDER_VARIABLE not in os.environ
