"""From a call to a request, from what came back to an answer or an error, and when to try again."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from random import Random
from typing import Any, TypeVar
from urllib.parse import urlencode

import httpx

from belong.client.call import Call, QueryValue, Repeat
from belong.client.errors import (
    OF_STATUS,
    ClientError,
    Problem,
    RefusedError,
    TryAgainError,
    UnreachableError,
    UnreadableError,
)
from belong.client.reading import ShapeError, read

T = TypeVar("T")

Outcome = httpx.Response | httpx.RequestError
"""What came of sending a request."""

REQUEST_ID = "x-request-id"
BUSY = (408, 429, 503)
NO_CONTENT = 204
LOST = (httpx.TimeoutException, httpx.NetworkError, httpx.RemoteProtocolError, httpx.ProxyError)
"""Failures that may have passed by the next time."""

FIRST_WAIT_S = 0.1
MOST_WAIT_S = 10.0
"""Seconds that are waited between two tries at most."""


@dataclass(frozen=True, slots=True)
class Retries:
    """When a call is tried again.

    Attributes:
        most: How often, after the first time.
        random: Spreads the waits, so that many clients do not come back at one moment.
    """

    most: int
    random: Random

    def wait_s(self, call: Call[Any], outcome: Outcome, tried: int) -> float | None:
        """Return how long to wait before the next try, in seconds; None not to try again.

        A server that asks for more than `MOST_WAIT_S` is not asked again before that: the caller
        is told instead.

        Args:
            call: What was sent.
            outcome: What came of it.
            tried: How often it was tried again so far.
        """
        if tried >= self.most or call.repeat is Repeat.NEVER or not _may_pass(outcome):
            return None
        asked = retry_after_s(outcome) if isinstance(outcome, httpx.Response) else None
        growing = min(FIRST_WAIT_S * 2.0**tried, MOST_WAIT_S)
        if asked is None:
            return growing * (0.5 + self.random.random() / 2)
        if asked > MOST_WAIT_S:
            return None
        return asked + growing * self.random.random()


def _may_pass(outcome: Outcome) -> bool:
    if isinstance(outcome, httpx.Response):
        return outcome.status_code in BUSY
    return isinstance(outcome, LOST)


def retry_after_s(response: httpx.Response) -> float | None:
    """Return how many seconds the server asks to wait; None if it names no number of seconds."""
    try:
        asked = float(response.headers.get("retry-after", ""))
    except ValueError:
        return None
    return asked if math.isfinite(asked) and asked >= 0 else None


def settings(base_url: str, key: str | None, timeout_s: float) -> dict[str, Any]:
    """Return what an HTTP client is made with.

    Raises:
        ValueError: The address or the key is none. The key is not repeated.
    """
    base = httpx.URL(base_url)
    if base.scheme not in {"http", "https"} or not base.host or base.userinfo or base.query:
        raise ValueError("base_url: expected such as https://belong.example, without a password")
    headers = {"accept": "application/json", "user-agent": "belong-client/1"}
    if key is not None:
        if not _visible(key):
            raise ValueError("key: expected visible ASCII characters, as belong keys create prints")
        headers["authorization"] = f"Bearer {key}"
    return {
        "base_url": base,
        "headers": headers,
        "timeout": timeout_s,
        "follow_redirects": False,  # the key is for one server only
    }


def request_of(
    client: httpx.Client | httpx.AsyncClient, call: Call[Any], random: Random
) -> httpx.Request:
    """Return the request of a call; sent again, it is the same to the byte.

    Raises:
        ValueError: The idempotency key cannot be sent, or an id is longer than any path may be.
    """
    headers = {REQUEST_ID: _new_id(random)}
    if call.content is not None:
        headers["content-type"] = call.content_type
    if call.repeat is Repeat.UNDER_ONE_KEY:
        key = _new_id(random) if call.idempotency_key is None else call.idempotency_key
        if not _visible(key):
            raise ValueError("idempotency_key: expected visible ASCII characters")
        headers["idempotency-key"] = key
    try:
        return client.build_request(
            call.method,
            call.path + _query_of(call),
            content=call.content,
            headers=headers,
            timeout=_timeout_of(client, call),
        )
    except httpx.InvalidURL as error:
        raise ValueError(f"an id is too long: {error}") from None


def _query_of(call: Call[Any]) -> str:
    told = {name: _word(one) for name, one in (call.query or {}).items() if one is not None}
    # An id may hold what UTF-8 has no bytes for; in a path it may, too.
    return f"?{urlencode(told, doseq=True, errors='surrogatepass')}" if told else ""


def _word(value: QueryValue) -> QueryValue:
    return str(value).lower() if isinstance(value, bool) else value


def _timeout_of(client: httpx.Client | httpx.AsyncClient, call: Call[Any]) -> httpx.Timeout:
    usual = client.timeout
    patient = None if usual.read is None else max(usual.read, call.patience_s)
    return httpx.Timeout(connect=usual.connect, read=patient, write=usual.write, pool=usual.pool)


def answer_of(call: Call[T], request: httpx.Request, outcome: Outcome) -> T:
    """Return the answer to a call.

    Raises:
        ClientError: There is none.
    """
    asked = request.headers[REQUEST_ID]
    if isinstance(outcome, httpx.RequestError):
        where = f"{request.url.scheme}://{request.url.netloc.decode('ascii')}"
        said = f"no answer from {where}: {type(outcome).__name__}"
        raise UnreachableError(said, asked) from outcome
    asked = outcome.headers.get(REQUEST_ID, asked)
    if not outcome.is_success:
        raise _refusal(outcome, asked)
    try:
        return call.read(None if outcome.status_code == NO_CONTENT else _json(outcome))
    except ShapeError as error:
        raise UnreadableError(f"not what Belong answers: {error}", asked) from None


def _refusal(response: httpx.Response, request_id: str) -> ClientError:
    status = response.status_code
    try:
        problem = read(Problem, _json(response), "problem")
    except ShapeError:
        said = f"an answer with status {status} that is not Belong's"
        if status not in BUSY:
            return UnreadableError(said, request_id)
        # Whoever stands before Belong may be busy too.
        problem = Problem("about:blank", response.reason_phrase, status, said)
    if status in BUSY:
        return TryAgainError(problem, request_id, retry_after_s(response))
    return OF_STATUS.get(status, RefusedError)(problem, request_id)


def _json(response: httpx.Response) -> object:
    try:
        return json.loads(response.content, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise ShapeError("not JSON") from None


def _no_number(name: str) -> float:
    raise ValueError(name)


def _new_id(random: Random) -> str:
    return f"{random.getrandbits(128):032x}"


def _visible(text: str) -> bool:
    return len(text) > 0 and all("!" <= character <= "~" for character in text)
