"""OpenTelemetry traces, if the extra `otel` is installed and a collector is named.

One span a request, named by method and route template, within the caller's trace (`traceparent`).
The ready-made instrumentation of FastAPI is not used: it writes paths and queries, and with them
ids of members, and the words of errors into every span.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.errors import SettingError
from serving.keys import route_of
from serving.logs import method_of
from serving.request_ids import current_request_id

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanProcessor
    from opentelemetry.trace import Span, Tracer

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
TRACED_HEADERS = frozenset({b"traceparent", b"tracestate"})
FAULTS = 500
"""Statuses from here on are faults of the server."""


def trace_requests(
    app: FastAPI, environment: Mapping[str, str], processor: SpanProcessor | None = None
) -> bool:
    """Trace every request of an app from now on; return whether that is done.

    Nothing is done unless the environment names a collector. What OpenTelemetry reads from its
    other variables, such as headers for the collector or the share of requests, holds.

    Args:
        app: The application, not yet running.
        environment: As `os.environ`.
        processor: Where spans go; in batches to the collector if None.

    Raises:
        SettingError: A collector is named and the extra is not installed.
    """
    if not environment.get(ENDPOINT):
        return False
    try:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
    except ModuleNotFoundError as error:
        raise SettingError(f"{ENDPOINT} is set: pip install 'belong[otel]', or unset it") from error
    name = environment.get("OTEL_SERVICE_NAME", "belong")
    provider = TracerProvider(resource=Resource.create({"service.name": name}))
    provider.add_span_processor(processor or _in_batches())
    app.add_middleware(Traced, tracer=provider.get_tracer("belong"))
    return True


def _in_batches() -> SpanProcessor:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    return BatchSpanProcessor(OTLPSpanExporter())


class Traced:
    """Puts each request into a span that tells its method, route, status and request id."""

    def __init__(self, app: ASGIApp, tracer: Tracer) -> None:
        self.app = app
        self.tracer = tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on within a span."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        with self._span(scope) as span:

            async def noting(message: Message) -> None:
                if message["type"] == "http.response.start":
                    _tell(span, scope, message["status"])
                await send(message)

            try:
                await self.app(scope, receive, noting)
            except Exception as error:
                _tell(span, scope, FAULTS)
                span.set_attribute("error.type", type(error).__name__)
                raise

    def _span(self, scope: Scope) -> AbstractContextManager[Span]:
        from opentelemetry.trace import SpanKind
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        headers = {
            name.decode("latin-1"): value.decode("latin-1")
            for name, value in scope["headers"]
            if name in TRACED_HEADERS
        }
        return self.tracer.start_as_current_span(
            method_of(scope),
            context=TraceContextTextMapPropagator().extract(headers),
            kind=SpanKind.SERVER,
            attributes={"http.request.method": method_of(scope)},
            record_exception=False,
            set_status_on_exception=False,
        )


def _tell(span: Span, scope: Scope, status: int) -> None:
    from opentelemetry.trace import StatusCode

    route = route_of(scope)
    if route:
        span.update_name(f"{method_of(scope)} {route}")
        span.set_attribute("http.route", route)
    span.set_attribute("http.response.status_code", status)
    span.set_attribute("belong.request_id", current_request_id.get())
    if status >= FAULTS:
        span.set_status(StatusCode.ERROR)
