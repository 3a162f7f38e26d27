"""Who may ask what: every listed route, with every kind of key and with none."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import quote

import httpx2
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from starlette.websockets import WebSocketDisconnect

from data.store.api_key import KeyScope
from engine.errors import SettingError
from serving.access import ROUTES, Access, unlisted
from serving.entrance import add_entrance
from serving.keys import may_bind
from serving.limits import RateLimit
from serving.metrics import Metrics
from serving.shedding import Room
from tests.serving.answers import assert_problem
from tests.serving.small_app import (
    LISTED,
    OF_COMMUNITY,
    ONLY_LOOPBACK,
    TOWN,
    FakeKeys,
    ask,
    client_of,
    scope_for,
    small_app,
)

CLOSED = [route for route, access in LISTED if access is not Access.OPEN]
OF_CHANGES = "POST /v1/communities/{community}/changes"
OPEN = ROUTES[Access.OPEN]


@pytest.mark.parametrize("key", ["", "Bearer wrong", "Bearer ", "Basic good", "good", "Bearer  "])
def test_without_a_valid_key_only_open_routes_answer(key: str) -> None:
    keys = FakeKeys()
    keys.add("good", *KeyScope)
    client = client_of(small_app(keys))
    for route in CLOSED:
        answer = ask(client, route, key)
        assert_problem(answer, 401, "no-key")
        assert answer.headers["www-authenticate"] == 'Bearer realm="belong"'
    assert {ask(client, route, key).status_code for route in OPEN} == {200}


def test_two_keys_at_once_are_none() -> None:
    keys = FakeKeys()
    key = keys.add("good", *KeyScope)
    twice = [("authorization", key), ("authorization", key)]
    answer = client_of(small_app(keys)).get("/v1/communities", headers=twice)
    assert_problem(answer, 401, "no-key")


def test_a_wrong_key_is_answered_like_none_and_like_an_unknown_path() -> None:
    keys = FakeKeys()
    keys.add("good", *KeyScope)
    client = client_of(small_app(keys))
    bodies = {
        client.get(path, headers=headers).content
        for path in ("/v1/communities", "/v1/nothing", "/v1/communities/town/members/ana/export")
        for headers in ({}, {"authorization": "Bearer wrong"})
    }
    assert len(bodies) == 1


@pytest.mark.parametrize("scope", KeyScope)
def test_a_key_with_one_scope_may_do_what_is_listed_for_it_and_no_more(scope: KeyScope) -> None:
    keys = FakeKeys()
    key = keys.add("good", scope)
    client = client_of(small_app(keys))
    for route, access in LISTED:
        answer = ask(client, route, key)
        if access is Access.OPEN or scope_for(access) is scope:
            assert answer.status_code == 200, route
        else:
            assert access.value in assert_problem(answer, 403, "scope")["detail"]


def test_the_scheme_may_be_written_in_any_case() -> None:
    keys = FakeKeys()
    keys.add("good", *KeyScope)
    client = client_of(small_app(keys))
    assert (
        client.get("/v1/communities", headers={"authorization": "bEaReR good"}).status_code == 200
    )


def test_what_nobody_listed_is_the_operators() -> None:
    keys = FakeKeys()
    read, operator = keys.add("r", KeyScope.READ), keys.add("o", KeyScope.OPERATOR)
    app = small_app(keys)
    app.add_api_route("/v1/new", lambda: {})
    app.mount("/inner", FastAPI())
    client = client_of(app)
    assert unlisted(app) == ["? ?", "GET /docs/oauth2-redirect", "GET /v1/new"]
    for path in ("/v1/new", "/inner/docs", "/docs/oauth2-redirect"):
        assert_problem(client.get(path, headers={"authorization": read}), 403, "scope")
        assert client.get(path, headers={"authorization": operator}).status_code == 200


def test_a_route_that_calls_its_community_otherwise_is_not_a_listed_one() -> None:
    keys = FakeKeys()
    key = keys.add("r", *KeyScope, where="elsewhere")
    app = FastAPI()
    app.add_api_route("/v1/communities/{name}/changes", lambda name: {}, methods=["POST"])
    add_entrance(app, keys, False, Metrics(), Room(), RateLimit())
    assert_problem(ask(client_of(app), OF_CHANGES, key), 403, "scope")


def test_an_operator_of_one_community_sees_nothing_of_all() -> None:
    keys = FakeKeys()
    some, every = keys.add("s", KeyScope.OPERATOR, where=TOWN), keys.add("e", KeyScope.OPERATOR)
    client = client_of(small_app(keys))
    assert_problem(ask(client, "GET /metrics", some), 403, "scope")
    assert ask(client, "GET /metrics", every).status_code == 200


def test_an_absent_path_is_404_and_a_wrong_method_405_to_whoever_has_a_key() -> None:
    keys = FakeKeys()
    key = {"authorization": keys.add("r", KeyScope.READ)}
    client = client_of(small_app(keys))
    assert_problem(client.get("/v1/nothing", headers=key), 404, "unknown")
    assert_problem(client.patch("/v1/communities/town/changes", headers=key), 405, "method")
    assert client.head("/healthz").status_code == 405


NAMES = st.text(min_size=1, max_size=30).filter(lambda name: name != TOWN)


@pytest.fixture(scope="module")
def shared() -> tuple[FakeKeys, TestClient]:
    """An app whose keys each case makes anew."""
    keys = FakeKeys()
    return keys, client_of(small_app(keys))


@given(absent=NAMES, route=st.sampled_from(OF_COMMUNITY), scopes=st.sets(st.sampled_from(KeyScope)))
def test_a_forbidden_community_is_answered_for_exactly_as_an_absent_one(
    shared: tuple[FakeKeys, TestClient], absent: str, route: str, scopes: set[KeyScope]
) -> None:
    keys, client = shared
    elsewhere = keys.add("e", *scopes, where="elsewhere")
    everywhere = keys.add("a", *KeyScope)
    forbidden = ask(client, route, elsewhere)
    assert_problem(forbidden, 404, "unknown")
    expected = without_name(forbidden, TOWN)
    name = quote(absent, safe="")
    if name.strip(".") and not {"/", "?", "#"} & set(absent):
        assert without_name(ask(client, route, elsewhere, name), absent) == expected
        assert without_name(ask(client, route, everywhere, name), absent) == expected


@pytest.mark.parametrize("method", ["PATCH", "TRACE", "OPTIONS", "BREW"])
def test_no_method_tells_a_forbidden_community_from_an_absent_one(method: str) -> None:
    keys = FakeKeys()
    key = keys.add("e", *KeyScope, where="elsewhere")
    client = client_of(small_app(keys))
    for route in OF_COMMUNITY:
        path = route.split(" ")[1]
        here, there = (ask(client, f"{method} {path}", key, name) for name in (TOWN, "nowhere"))
        assert here.status_code == 404
        assert without_name(here, TOWN) == without_name(there, "nowhere")


def without_name(answer: httpx2.Response, name: str) -> tuple[int, dict[str, str], str]:
    """Return an answer without the name asked for and without what differs each time."""
    own = {"x-request-id", "ratelimit-remaining", "ratelimit-reset", "content-length"}
    headers = {key: value for key, value in answer.headers.items() if key not in own}
    body = answer.json()
    body["detail"] = body["detail"].replace(repr(name), "…")
    return answer.status_code, headers, str(body)


def test_a_key_that_is_taken_away_is_refused_from_the_next_request_on() -> None:
    keys = FakeKeys()
    key = keys.add("r", KeyScope.READ)
    client = client_of(small_app(keys))
    assert ask(client, "GET /v1/communities", key).status_code == 200
    keys.keys["other"] = keys.keys.pop("r")
    assert_problem(ask(client, "GET /v1/communities", key), 401, "no-key")


def test_on_loopback_everything_is_allowed_until_there_is_a_key() -> None:
    keys = FakeKeys()
    client = client_of(small_app(keys, ONLY_LOOPBACK))
    assert {ask(client, route).status_code for route, _ in LISTED} == {200}
    assert ask(client, "GET /v1/communities", "Bearer whatever").status_code == 200
    keys.add("r", KeyScope.READ)
    assert_problem(ask(client, "GET /v1/communities"), 401, "no-key")


def test_from_elsewhere_nothing_is_allowed_without_a_key() -> None:
    client = client_of(small_app(FakeKeys()))
    assert {ask(client, route).status_code for route in CLOSED} == {401}


@pytest.mark.parametrize("waits", [False, True], ids=["sqlite", "postgresql"])
def test_a_store_that_is_gone_lets_nobody_in(waits: bool) -> None:
    keys = FakeKeys(waits=waits)
    key = keys.add("r", *KeyScope)
    for loopback in (True, False):
        client = client_of(small_app(keys, loopback))
        keys.gone = True
        answer = ask(client, "GET /v1/communities", key)
        assert_problem(answer, 503, "store")
        assert answer.headers["retry-after"] == "1"
        assert ask(client, "GET /healthz").status_code == 200
        keys.gone = False
        assert ask(client, "GET /v1/communities", key).status_code == 200


def test_a_websocket_is_not_spoken() -> None:
    client = client_of(small_app(FakeKeys(), ONLY_LOOPBACK))
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/v1/communities"):
        pass


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "town.example", ""])
def test_without_keys_the_server_is_not_reached_from_elsewhere(host: str) -> None:
    with pytest.raises(SettingError, match="belong keys create"):
        may_bind(host, has_keys=False)
    may_bind(host, has_keys=True)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_without_keys_the_server_may_listen_on_its_own_machine(host: str) -> None:
    may_bind(host, has_keys=False)


def test_the_operators_guide_lists_every_route_with_its_scope() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "operating.md").read_text("utf-8")
    told = dict(re.findall(r"^\| `([A-Z]+ /[^`]*)` \| (\w+) \|$", guide, re.MULTILINE))
    assert told == {route: access.value for route, access in LISTED}
