"""What may go wrong between a platform and Belong.

    ClientError
    ├── UnreachableError      no answer came: no connection, or none in time
    ├── UnreadableError       what came is no answer of Belong's: a proxy's page, a redirect
    └── RefusedError          Belong answered with a problem
        ├── InvalidError      400, 405, 413, 415, 422, 431: the request must change
        ├── NoKeyError        401: no valid key
        ├── NotAllowedError   403: the key has not the scope
        ├── AbsentError       404, 410: nothing is there by that name, or not any more
        ├── ConflictError     409: the idempotency key stands for something else
        └── TryAgainError     408, 429, 503: later it may work

None of them holds the key.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """What Belong says of a refusal, as RFC 9457 has it.

    Attributes:
        type: Stable, such as ``urn:belong:problem:unknown``; to be compared.
        title: The same for every problem of a type.
        status: Of HTTP.
        detail: What was wrong this time; for people.
    """

    type: str
    title: str
    status: int
    detail: str


class ClientError(Exception):
    """Anything this client raises about a request it has sent or tried to.

    Attributes:
        problem: What Belong said; None if it said nothing.
        request_id: The id of the request, to be found in Belong's log.
    """

    def __init__(self, said: str, request_id: str, problem: Problem | None = None) -> None:
        super().__init__(f"{said} (request {request_id})")
        self.problem = problem
        self.request_id = request_id


class UnreachableError(ClientError):
    """No answer came. Whether a change was made is unknown; to repeat it does no harm."""


class UnreadableError(ClientError):
    """An answer came that Belong does not give; nothing is known of what was done."""


class RefusedError(ClientError):
    """Belong answered with a problem."""

    problem: Problem

    def __init__(self, problem: Problem, request_id: str) -> None:
        said = f"{problem.status} {problem.type}: {problem.detail}"
        super().__init__(said, request_id, problem)


class InvalidError(RefusedError):
    """The request cannot be done as it is."""


class NoKeyError(RefusedError):
    """A valid key is needed."""


class NotAllowedError(RefusedError):
    """The key does not allow this."""


class AbsentError(RefusedError):
    """Nothing is there by that name, or not for this key."""


class ConflictError(RefusedError):
    """Something else was sent under this idempotency key."""


class TryAgainError(RefusedError):
    """There was too much to do, or something was not there in time, as often as it was tried.

    Attributes:
        retry_after_s: Seconds Belong asked to wait, None if it did not say.
    """

    def __init__(
        self, problem: Problem, request_id: str, retry_after_s: float | None = None
    ) -> None:
        super().__init__(problem, request_id)
        self.retry_after_s = retry_after_s


OF_STATUS: dict[int, type[RefusedError]] = {
    400: InvalidError,
    401: NoKeyError,
    403: NotAllowedError,
    404: AbsentError,
    405: InvalidError,
    409: ConflictError,
    410: AbsentError,
    413: InvalidError,
    415: InvalidError,
    422: InvalidError,
    431: InvalidError,
}
"""The error of a status; any other refusal is a plain `RefusedError`."""
