"""The two clients: one that waits, one that is awaited. Both can do the same."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from functools import wraps
from random import Random, SystemRandom
from typing import Concatenate, ParamSpec, Self, TypeVar

import httpx

from belong.client import asking, conversing, discovering, overseeing, rounds, telling
from belong.client.call import Call
from belong.client.sending import Retries, answer_of, request_of, settings

P = ParamSpec("P")
T = TypeVar("T")


def _sent(build: Callable[P, Call[T]]) -> Callable[Concatenate[Client, P], T]:
    """Return the method that makes a call, sends it and returns its answer."""

    @wraps(build)
    def method(self: Client, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self.send(build(*args, **kwargs))

    return _signed(method, build)


def _awaited(
    build: Callable[P, Call[T]],
) -> Callable[Concatenate[AsyncClient, P], Awaitable[T]]:
    """Return the same for the client that is awaited."""

    @wraps(build)
    async def method(self: AsyncClient, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self.send(build(*args, **kwargs))

    return _signed(method, build)


M = TypeVar("M", bound=Callable[..., object])


def _signed(method: M, build: Callable[..., Call[T]]) -> M:
    """Let `help` show the arguments of a call as those of a method."""
    self = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
    signature = inspect.signature(build)
    method.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[self, *signature.parameters.values()],
        return_annotation=inspect.Signature.empty,
    )
    return method


class Client:
    """Talks to Belong, and waits for each answer. It may be shared between threads.

    Every method raises `ClientError` if it has no answer. Failed connections, 408, 429 and 503
    are tried again where a repeat does no harm. Close it after use, or use it in a `with`.
    """

    def __init__(  # noqa: PLR0913 - what a caller usually names comes first
        self,
        base_url: str,
        key: str | None = None,
        timeout_s: float = 5.0,
        retries: int = 3,
        *,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        random: Random | None = None,
    ) -> None:
        """Make a client; nothing is sent yet.

        Args:
            base_url: Where Belong is, such as https://belong.example.
            key: As `belong keys create` printed it; None if the server needs none.
            timeout_s: Seconds to wait for a connection, and for each piece of an answer.
            retries: How often a request is tried again.
            transport: How requests travel; None for over the network.
            sleep: Waits between two tries.
            random: Spreads those waits and makes ids of requests; None for the system's.

        Raises:
            ValueError: `base_url` is no such address, or `key` no key.
        """
        self._http = httpx.Client(transport=transport, **settings(base_url, key, timeout_s))
        self._sleep = sleep
        self._random = random or SystemRandom()
        self._retries = Retries(retries, self._random)

    def send(self, call: Call[T]) -> T:
        """Send a call and return its answer.

        Raises:
            ClientError: There is none.
        """
        request = request_of(self._http, call, self._random)
        tried = 0
        while True:
            outcome: httpx.Response | httpx.RequestError
            try:
                outcome = self._http.send(request)
            except httpx.RequestError as error:
                outcome = error
            wait_s = self._retries.wait_s(call, outcome, tried)
            if wait_s is None:
                return answer_of(call, request, outcome)
            self._sleep(wait_s)
            tried += 1

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Client({str(self._http.base_url)!r})"

    groups_for = _sent(asking.groups_for)
    members_for = _sent(asking.members_for)
    groups_first_page = _sent(asking.groups_first_page)
    members_first_page = _sent(asking.members_first_page)
    groups_next_page = _sent(asking.groups_next_page)
    members_next_page = _sent(asking.members_next_page)
    groups_for_text = _sent(asking.groups_for_text)
    members_for_text = _sent(asking.members_for_text)
    groups_for_many = _sent(asking.groups_for_many)
    members_for_many = _sent(asking.members_for_many)
    rank_groups = _sent(asking.rank_groups)
    rank_members = _sent(asking.rank_members)
    members_to_invite = _sent(asking.members_to_invite)
    responders_to_post = _sent(conversing.responders_to_post)
    responders_to_text = _sent(conversing.responders_to_text)
    unanswered_posts = _sent(conversing.unanswered_posts)
    posts_to_join = _sent(conversing.posts_to_join)
    discoveries = _sent(discovering.discoveries)
    plan_round = _sent(rounds.plan_round)
    round_of = _sent(rounds.round_of)
    commit_round = _sent(rounds.commit_round)
    put_member = _sent(telling.put_member)
    delete_member = _sent(telling.delete_member)
    put_preferences = _sent(telling.put_preferences)
    block = _sent(telling.block)
    unblock = _sent(telling.unblock)
    put_group = _sent(telling.put_group)
    delete_group = _sent(telling.delete_group)
    join = _sent(telling.join)
    leave = _sent(telling.leave)
    put_post = _sent(telling.put_post)
    delete_post = _sent(telling.delete_post)
    send_changes = _sent(telling.send_changes)
    feedback = _sent(telling.feedback)
    communities = _sent(overseeing.communities)
    erasure = _sent(overseeing.erasure)
    export_member = _sent(overseeing.export_member)
    replay = _sent(overseeing.replay)
    clear_reports = _sent(overseeing.clear_reports)
    experiments = _sent(overseeing.experiments)
    put_experiment = _sent(overseeing.put_experiment)
    end_experiment = _sent(overseeing.end_experiment)


class AsyncClient:
    """Talks to Belong without holding up what else goes on; otherwise as `Client`."""

    def __init__(  # noqa: PLR0913 - what a caller usually names comes first
        self,
        base_url: str,
        key: str | None = None,
        timeout_s: float = 5.0,
        retries: int = 3,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        random: Random | None = None,
    ) -> None:
        """Make a client; nothing is sent yet. Arguments and errors as of `Client`."""
        self._http = httpx.AsyncClient(transport=transport, **settings(base_url, key, timeout_s))
        self._sleep = sleep
        self._random = random or SystemRandom()
        self._retries = Retries(retries, self._random)

    async def send(self, call: Call[T]) -> T:
        """Send a call and return its answer.

        Raises:
            ClientError: There is none.
        """
        request = request_of(self._http, call, self._random)
        tried = 0
        while True:
            outcome: httpx.Response | httpx.RequestError
            try:
                outcome = await self._http.send(request)
            except httpx.RequestError as error:
                outcome = error
            wait_s = self._retries.wait_s(call, outcome, tried)
            if wait_s is None:
                return answer_of(call, request, outcome)
            await self._sleep(wait_s)
            tried += 1

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"AsyncClient({str(self._http.base_url)!r})"

    groups_for = _awaited(asking.groups_for)
    members_for = _awaited(asking.members_for)
    groups_first_page = _awaited(asking.groups_first_page)
    members_first_page = _awaited(asking.members_first_page)
    groups_next_page = _awaited(asking.groups_next_page)
    members_next_page = _awaited(asking.members_next_page)
    groups_for_text = _awaited(asking.groups_for_text)
    members_for_text = _awaited(asking.members_for_text)
    groups_for_many = _awaited(asking.groups_for_many)
    members_for_many = _awaited(asking.members_for_many)
    rank_groups = _awaited(asking.rank_groups)
    rank_members = _awaited(asking.rank_members)
    members_to_invite = _awaited(asking.members_to_invite)
    responders_to_post = _awaited(conversing.responders_to_post)
    responders_to_text = _awaited(conversing.responders_to_text)
    unanswered_posts = _awaited(conversing.unanswered_posts)
    posts_to_join = _awaited(conversing.posts_to_join)
    discoveries = _awaited(discovering.discoveries)
    plan_round = _awaited(rounds.plan_round)
    round_of = _awaited(rounds.round_of)
    commit_round = _awaited(rounds.commit_round)
    put_member = _awaited(telling.put_member)
    delete_member = _awaited(telling.delete_member)
    put_preferences = _awaited(telling.put_preferences)
    block = _awaited(telling.block)
    unblock = _awaited(telling.unblock)
    put_group = _awaited(telling.put_group)
    delete_group = _awaited(telling.delete_group)
    join = _awaited(telling.join)
    leave = _awaited(telling.leave)
    put_post = _awaited(telling.put_post)
    delete_post = _awaited(telling.delete_post)
    send_changes = _awaited(telling.send_changes)
    feedback = _awaited(telling.feedback)
    communities = _awaited(overseeing.communities)
    erasure = _awaited(overseeing.erasure)
    export_member = _awaited(overseeing.export_member)
    replay = _awaited(overseeing.replay)
    clear_reports = _awaited(overseeing.clear_reports)
    experiments = _awaited(overseeing.experiments)
    put_experiment = _awaited(overseeing.put_experiment)
    end_experiment = _awaited(overseeing.end_experiment)
