"""Traces: a span a request, with the route and never with an id; nothing without a collector."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from fastapi import FastAPI
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from data.store.api_key import KeyScope
from serving.tracing import ENDPOINT, trace_requests
from tests.serving.small_app import FakeKeys, ask, client_of, small_app

COLLECTOR = {ENDPOINT: "http://127.0.0.1:9"}
MEMBER = "/v1/communities/{community}/members/{member}"
TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def keys() -> FakeKeys:
    return FakeKeys()


@pytest.fixture
def app(exporter: InMemorySpanExporter, keys: FakeKeys) -> FastAPI:
    app = small_app(keys)

    async def fault() -> None:
        raise KeyError("xunique")

    app.add_api_route("/fault/{member}", fault)
    assert trace_requests(app, COLLECTOR, SimpleSpanProcessor(exporter))
    return app


def test_a_request_is_one_span_in_the_callers_trace(
    app: FastAPI, keys: FakeKeys, exporter: InMemorySpanExporter
) -> None:
    key = keys.add("k", KeyScope.WRITE)
    headers = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01", "x-request-id": "mine"}
    ask(client_of(app), f"PUT {MEMBER}", key, **headers)
    (span,) = exporter.get_finished_spans()
    assert (span.name, span.kind) == (f"PUT {MEMBER}", SpanKind.SERVER)
    assert dict(span.attributes or {}) == {
        "http.request.method": "PUT",
        "http.route": MEMBER,
        "http.response.status_code": 200,
        "belong.request_id": "mine",
    }
    assert span.context
    assert f"{span.context.trace_id:032x}" == TRACE
    assert span.parent
    assert f"{span.parent.span_id:016x}" == "b7ad6b7169203331"
    assert span.resource.attributes["service.name"] == "belong"


def test_faults_and_refusals_are_told_without_words(
    app: FastAPI, keys: FakeKeys, exporter: InMemorySpanExporter
) -> None:
    key = keys.add("xuniquesecret", KeyScope.OPERATOR)
    client = client_of(app)
    headers = {"authorization": key, "user-agent": "xunique"}
    client.get("/fault/xunique?q=xunique", headers=headers)
    client.get("/xunique", headers=headers)
    client.request("XUNIQUE", "/healthz")
    spans = exporter.get_finished_spans()
    told = [(span.name, (span.attributes or {})["http.response.status_code"]) for span in spans]
    assert told == [("GET /fault/{member}", 500), ("GET", 404), ("other /healthz", 401)]
    assert [span.status.is_ok for span in spans] == [False, True, True]
    assert (spans[0].attributes or {})["error.type"] == "KeyError"
    assert "xunique" not in "".join(everything(span) for span in spans).lower()


def everything(span: ReadableSpan) -> str:
    return str(span.to_json()) + str(span.events) + str(span.status.description)


@pytest.mark.parametrize("environment", [{}, {ENDPOINT: ""}])
def test_without_a_collector_nothing_is_done(environment: dict[str, str]) -> None:
    app = FastAPI()
    assert not trace_requests(app, environment)
    assert app.user_middleware == []


def test_without_a_collector_nothing_is_loaded() -> None:
    code = (
        "import sys; from fastapi import FastAPI; from serving.tracing import trace_requests; "
        "trace_requests(FastAPI(), {}); "
        "print([name for name in sys.modules if name.startswith('opentelemetry.sdk')])"
    )
    root = Path(__file__).parents[2]
    asked = [sys.executable, "-c", code]
    done = subprocess.run(asked, cwd=root, capture_output=True, text=True, timeout=100)
    assert done.stdout == "[]\n", done.stderr
