"""The client against the real server, a process of its own with a key and a store."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from belong.client import (
    AbsentError,
    Arm,
    AsyncClient,
    Block,
    Client,
    ConflictError,
    DeleteMember,
    Event,
    Feedback,
    Group,
    GroupFilters,
    InvalidError,
    ItemKind,
    Join,
    MemberFilters,
    NoKeyError,
    NotAllowedError,
    Post,
    Preferences,
    Profile,
    PutMember,
    Slate,
    TryAgainError,
    UnreachableError,
)
from data.store import STORE
from data.store.api_key import EVERY_COMMUNITY, KeyScope
from data.store.connect import open_store
from data.store.import_export import import_community
from data.store.keys import create_key
from tests.serving.running import copied, wait_until
from tests.serving.test_server_process import free_port, server
from tests.world import BREAD, NOW, community

W = "world"
PAGE = Path(__file__).parent.parent.parent / "docs" / "client.md"


@pytest.fixture(scope="module")
def bundles(world_bundles: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The world's bundles, and beside them its store."""
    folder = copied(world_bundles, tmp_path_factory.mktemp("client") / "bundles").bundles
    store = open_store(str(folder / STORE))
    import_community(store, community(), NOW)
    store.close()
    return folder


def key_for(bundles: Path, *scopes: KeyScope, where: str = EVERY_COMMUNITY) -> str:
    store = open_store(str(bundles / STORE))
    made = create_key(store, "platform", scopes, [where], NOW)
    store.close()
    return made.presented


@pytest.fixture(scope="module")
def key(bundles: Path) -> str:
    return key_for(bundles, *KeyScope)


@pytest.fixture(scope="module")
def port(bundles: Path, key: str) -> Iterator[int]:
    with server(bundles) as one:
        yield one.port


@pytest.fixture
def client(port: int, key: str) -> Iterator[Client]:
    with Client(f"http://127.0.0.1:{port}", key) as client:
        yield client


def ids(slate: Slate) -> list[str]:
    return [item.id for item in slate.items]


def test_suggestions_come_with_their_reasons(client: Client) -> None:
    slate = client.groups_for(W, "cy", limit=3)
    assert (slate.community, len(slate.recommendation_id) > 0) == (W, True)
    assert 1 <= len(slate.items) <= 3
    assert slate.items[0].reasons[0].text
    assert client.members_for(W, "cy").items
    assert set(ids(client.groups_for_text(W, BREAD, 2))) == {"bakers", "oven-talk"}
    assert client.members_for_text(W, BREAD, audience="adult").items
    assert client.members_for_text(W, BREAD).items == ()
    (card,) = client.communities()
    assert (card.community, card.members > 5) == (W, True)


def test_every_change_is_acknowledged_and_known_from_then_on(client: Client) -> None:
    odd = "../a/preferences?x#é"
    sequence = client.put_member(W, odd, Profile("Odd", BREAD, audience="adult")).sequence
    assert client.groups_for(W, odd, min_sequence=sequence).items is not None
    steps = [
        client.put_group(W, "rye/2", Group("Rye", BREAD)),
        client.put_post(W, "..", Post((odd,), ("rye/2",), text="My rye")),
        client.join(W, odd, "rye/2", since_ts=NOW),
        client.put_preferences(W, odd, Preferences(discoverable=False, muted_topics=("salt",))),
        client.block(W, odd, "bo"),
        client.unblock(W, odd, "bo"),
        client.leave(W, odd, "rye/2"),
        client.delete_post(W, ".."),
        client.delete_group(W, "rye/2"),
    ]
    numbers = [sequence, *(step.sequence for step in steps)]
    assert numbers == sorted(set(numbers))
    assert client.export_member(W, odd)["profile"]
    begun = client.delete_member(W, odd)
    assert begun.erasure_id
    receipt = client.erasure(W, begun.erasure_id)
    assert (receipt.sequence, receipt.steps["store"] > NOW) == (begun.sequence, True)
    with pytest.raises(AbsentError):
        client.groups_for(W, odd)


def test_a_slate_is_narrowed_and_another_one_shares_nothing_with_it(client: Client) -> None:
    every = ids(client.groups_for(W, "cy", 50))
    first = client.groups_for(W, "cy", 1)
    assert ids(client.groups_for(W, "cy", 50, again=first.recommendation_id)) == every[1:]
    wanted = GroupFilters(exclude=(every[0], "no/such&group"))
    assert ids(client.groups_for(W, "cy", 50, filters=wanted)) == every[1:]
    assert not client.groups_for_text(W, BREAD, filters=GroupFilters(min_size=1000)).items
    assert client.members_for(W, "cy", filters=MemberFilters(language="Volapük")).items == ()
    with pytest.raises(AbsentError, match="problem:gone"):
        client.members_for(W, "cy", again=first.recommendation_id)


def test_pages_lead_from_one_to_the_next_and_end(client: Client) -> None:
    for first, after, whole in (
        (client.groups_first_page, client.groups_next_page, client.groups_for),
        (client.members_first_page, client.members_next_page, client.members_for),
    ):
        page = first(W, "cy", 2)
        found = ids(page)
        while page.cursor is not None:
            page = after(W, "cy", page.cursor, 2)
            found += ids(page)
        assert len(found) == len(set(found)) > 2
        assert set(found) == set(ids(whole(W, "cy", 50)))


def test_many_are_answered_each_for_themself(client: Client) -> None:
    answers = client.members_for_many(W, ["cy", "who?"], 5)
    slates = [ids(one.slate) for one in answers if one.slate is not None]
    assert slates == [ids(client.members_for(W, "cy", 5))]
    assert [one.problem.type for one in answers if one.problem] == ["urn:belong:problem:unknown"]


def test_own_candidates_come_in_order_and_the_rest_is_left_out(client: Client) -> None:
    ranked = client.rank_groups(W, "cy", ["nowhere", "launch-site"])
    assert ([item.id for item in ranked.items], ranked.left_out) == (["launch-site"], ("nowhere",))
    assert client.rank_members(W, "cy", ["cy"]).left_out == ("cy",)


def test_a_host_invites_and_an_operator_looks_after_what_was_answered(client: Client) -> None:
    invited = client.members_to_invite(W, "bakers")
    assert "bo" in ids(invited)
    slate = client.groups_for(W, "cy")
    wait_until(lambda: is_known(client, slate))
    shown = client.replay(W, slate.recommendation_id)
    assert (shown.member, [item.id for item in shown.items]) == ("cy", ids(slate))
    assert client.clear_reports(W, "cy").sequence > 0
    made = client.put_experiment(W, "room", [Arm("usual"), Arm("small", intimacy=1)])
    assert client.experiments(W) == (made,)
    client.end_experiment(W, "room")
    assert client.experiments(W) == ()


def is_known(client: Client, slate: Slate) -> bool:
    with suppress(AbsentError):
        return bool(client.replay(W, slate.recommendation_id))
    return False


def test_a_block_holds_from_the_next_answer(client: Client) -> None:
    assert "bo" in ids(client.members_for(W, "ana", 50))
    client.block(W, "bo", "ana")
    assert "bo" not in ids(client.members_for(W, "ana", 50))
    client.unblock(W, "bo", "ana")


def test_feedback_is_heeded_from_the_next_answer_and_counts_once(client: Client) -> None:
    slate = client.groups_for(W, "jo", 50)
    dismissed = Feedback(
        slate.recommendation_id, "jo", slate.items[0].id, ItemKind.GROUP, Event.DISMISSED
    )
    assert client.feedback(W, [dismissed]).new == 1
    assert slate.items[0].id not in ids(client.groups_for(W, "jo", 50))
    again = client.feedback(W, [dismissed])
    assert (again.events, again.new) == (1, 0)


def test_many_changes_are_made_once_under_one_key(client: Client) -> None:
    changes = [PutMember("pia", Profile(audience="adult")), Block("pia", "ana")]
    first = client.send_changes(W, changes, "mine-1")
    again = client.send_changes(W, changes, "mine-1")
    assert (first.changes, first.repeated, again.repeated) == (2, False, True)
    with pytest.raises(ConflictError) as caught:
        client.send_changes(W, [DeleteMember("pia")], "mine-1")
    assert caught.value.problem.type == "urn:belong:problem:reused-key"
    assert client.send_changes(W, [Join("pia", "bakers")]).sequence > first.sequence


def test_what_the_server_refuses_is_told_with_its_problem(client: Client) -> None:
    with pytest.raises(InvalidError, match=r"body\.members"):
        client.put_post(W, "p", Post(()))
    with pytest.raises(AbsentError) as absent:
        client.groups_for("nowhere", "ana")
    assert absent.value.problem.status == 404
    assert len(absent.value.request_id) == 32
    with pytest.raises(InvalidError, match="unknown-reference"):
        client.block(W, "ana", "nobody")


def test_a_key_allows_what_its_scopes_say(port: int, bundles: Path) -> None:
    base = f"http://127.0.0.1:{port}"
    for wrong in (None, "belong_000000000000_" + "0" * 64):
        with Client(base, wrong) as nobody, pytest.raises(NoKeyError):
            nobody.communities()
    with Client(base, key_for(bundles, KeyScope.READ)) as reader:
        assert reader.groups_for(W, "cy").items
        with pytest.raises(NotAllowedError):
            reader.leave(W, "cy", "bakers")
    with Client(base, key_for(bundles, KeyScope.READ, where="other")) as stranger:
        assert stranger.communities() == ()
        with pytest.raises(AbsentError):
            stranger.groups_for(W, "cy")


def test_a_change_that_is_still_to_come_is_not_waited_for_for_ever(port: int, key: str) -> None:
    with Client(f"http://127.0.0.1:{port}", key, retries=0) as client:
        with pytest.raises(TryAgainError) as caught:
            client.groups_for(W, "cy", min_sequence=10**9)
        assert caught.value.retry_after_s == 1


def test_many_awaited_at_once_are_answered(port: int, key: str) -> None:
    async def ask() -> list[Slate]:
        async with AsyncClient(f"http://127.0.0.1:{port}", key) as client:
            told = await client.join(W, "jo", "bakers")
            asked = [
                client.groups_for(W, member, min_sequence=told.sequence)
                for member in ("ana", "bo", "cy", "jo") * 5
            ]
            return await asyncio.gather(*asked)

    slates = asyncio.run(ask())
    assert len({slate.recommendation_id for slate in slates}) == 20
    assert ids(slates[0]) == ids(slates[4])
    assert "bakers" not in ids(slates[3])


def test_what_the_page_about_the_client_shows_can_be_run(
    port: int, key: str, capsys: pytest.CaptureFixture[str]
) -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert len(blocks) == 3
    for block in blocks:
        here = block.replace("https://belong.example", f"http://127.0.0.1:{port}")
        exec(here.replace("belong_…", key).replace('"town"', '"world"'), {})
    assert "Launch site" in capsys.readouterr().out


def test_a_server_that_is_not_there_is_told_and_one_that_comes_back_is_found(
    bundles: Path, key: str
) -> None:
    waits: list[float] = []
    nobody = f"http://127.0.0.1:{free_port()}"
    gone = Client(nobody, key, retries=1, sleep=waits.append)
    with gone, pytest.raises(UnreachableError, match="ConnectError"):
        gone.leave(W, "ana", "bakers")
    assert len(waits) == 1
    with (
        server(bundles) as one,
        Client(f"http://127.0.0.1:{one.port}", key, timeout_s=0.5, retries=8) as client,
    ):
        client.join(W, "ana", "oven-talk")
        os.killpg(one.process.pid, signal.SIGSTOP)
        threading.Timer(1.2, os.killpg, (one.process.pid, signal.SIGCONT)).start()
        start = time.monotonic()
        many = client.send_changes(W, [Join("ana", "bakers")])
        assert time.monotonic() - start > 1
        assert many.changes == 1
