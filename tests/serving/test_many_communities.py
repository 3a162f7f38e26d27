"""More communities than memory has room for: they come when they are asked, others leave."""

from __future__ import annotations

import asyncio
import gc
import random
import shutil
import weakref
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from engine.errors import BundleError, NotLoadedError, UnknownError
from engine.registry import Registry
from serving.communities import Communities, OnDemand
from serving.metrics import Metrics
from serving.outline import outline_of
from tests.serving.many import WIDE, add_file, copy_of, many_bundles, name_of
from tests.serving.running import copied, replace_file, wait_until
from tests.serving.test_swaps import cut

MANY, ROOM = 200, 20


@pytest.fixture(scope="session")
def many(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    """Two hundred small communities; not to be changed."""
    return many_bundles(tmp_path_factory.mktemp("many") / "bundles", MANY)


@pytest.fixture(scope="session")
def few(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    """Four of them, to be copied."""
    return many_bundles(tmp_path_factory.mktemp("few") / "bundles", 4)


@pytest.fixture
def mine(few: Registry, tmp_path: Path) -> Registry:
    """Four of them, to be changed."""
    return copied(few.bundles, tmp_path / "bundles")


def limit_for(registry: Registry, count: int) -> int:
    """Return what so many of the communities take."""
    one = outline_of(name_of(0), registry.current(name_of(0)))
    return count * one.size + one.encoder_size


class Served:
    """Communities with room for so many, and how often their bundles were loaded."""

    def __init__(
        self, registry: Registry, room: int, wait_s: float = 10.0, waiting: int = 8
    ) -> None:
        self.metrics = Metrics()
        on_demand = OnDemand(limit_for(registry, room), wait_s, waiting)
        self.communities = Communities(registry.bundles, self.metrics, on_demand=on_demand)
        self.communities.refresh()

    @property
    def names(self) -> list[str]:
        return self.communities.residents.names()

    @property
    def loads(self) -> int:
        line = next(
            line
            for line in self.metrics.exposition().decode().splitlines()
            if line.startswith("belong_load_seconds_count")
        )
        return int(float(line.split()[1]))

    async def ask(self, number: int) -> list[str]:
        """Return the groups that a community suggests."""
        async with self.communities.asked(name_of(number)) as live:
            answer = (await live.now()).groups_for("ana", 3)
        return [item.id for item in answer.items]


@pytest.fixture
def closing() -> Iterator[list[Served]]:
    """What is served, to be closed in the end."""
    opened: list[Served] = []
    yield opened
    for one in opened:
        one.communities.close()


def right(number: int) -> list[str]:
    return [f"launch-site-{number:03}", f"oven-talk-{number:03}", f"new-pad-{number:03}"]


def test_of_two_hundred_each_answers_for_itself_and_no_more_are_in_memory_than_fit(
    many: Registry, closing: list[Served]
) -> None:
    served = Served(many, ROOM)
    closing.append(served)
    assert served.names == []
    assert served.communities.why_not_ready() == ""
    asyncio.run(served.ask(0))  # what is loaded once for all is not counted below
    before = psutil.Process().memory_info().rss
    order = list(range(MANY))
    random.Random(4).shuffle(order)
    waiting = iter(order)

    async def ask_in_turn() -> None:
        for number in waiting:
            groups = await served.ask(number)
            assert set(groups) == set(right(number)), number
            assert len(served.names) <= ROOM

    async def ask_all() -> None:
        await asyncio.gather(*(ask_in_turn() for _ in range(5)))

    asyncio.run(ask_all())
    served.communities.refresh()
    grown = psutil.Process().memory_info().rss - before
    # All two hundred would take nine times as much.
    assert grown < 2 * ROOM * 2 * WIDE
    assert len(served.names) == ROOM
    # Five ask at a time: who came last may have been asked a little earlier.
    assert set(served.names) >= {name_of(number) for number in order[-ROOM + 5 :]}
    assert served.loads >= MANY


def test_the_one_asked_longest_ago_leaves_and_comes_back_when_it_is_asked(
    few: Registry, closing: list[Served]
) -> None:
    served = Served(few, 2)
    closing.append(served)

    async def ask() -> None:
        for number, here in ((0, "0"), (1, "01"), (0, "10"), (2, "02"), (1, "21")):
            assert await served.ask(number) == right(number)
            assert served.names == [name_of(int(one)) for one in here]

    asyncio.run(ask())
    assert served.loads == 4


def test_all_who_ask_at_once_wait_for_one_load(few: Registry, closing: list[Served]) -> None:
    served = Served(few, 2)
    closing.append(served)

    async def ask() -> None:
        answers = await asyncio.gather(*(served.ask(1) for _ in range(8)))
        assert answers == [right(1)] * 8

    asyncio.run(ask())
    assert served.loads == 1


SLOW = 100_000_000
"""Bytes of a file that take a while to check."""


@pytest.fixture
def slow(mine: Registry) -> Registry:
    """Four communities, of which the last takes long to load."""
    add_file(mine.current(name_of(3)), SLOW)
    return mine


def room_beside_slow(slow: Registry) -> int:
    one = outline_of(name_of(0), slow.current(name_of(0)))
    return 3 + SLOW // one.size


def test_while_one_is_loaded_the_others_answer_and_who_waits_too_long_hears_so(
    slow: Registry, closing: list[Served]
) -> None:
    served = Served(slow, room_beside_slow(slow), wait_s=0.01)
    closing.append(served)

    async def late(number: int) -> int:
        """Ask until there is an answer; return how often there was none yet."""
        for times in range(10_000):
            try:
                assert await served.ask(number) == right(number)
            except NotLoadedError as error:
                assert "being loaded" in str(error)  # noqa: PT017 - it may not come
            else:
                return times
            if number == 3:
                assert await served.ask(0) == right(0)
        raise AssertionError("it was never loaded")

    async def ask() -> None:
        await late(0)
        assert await late(3) > 1

    asyncio.run(ask())
    assert served.loads == 2


def test_only_so_many_may_wait_and_nobody_else_is_kept(
    slow: Registry, closing: list[Served]
) -> None:
    served = Served(slow, room_beside_slow(slow), waiting=2)
    closing.append(served)

    async def ask() -> None:
        await served.ask(0)
        waiting = [asyncio.create_task(served.ask(3)) for _ in range(2)]
        await asyncio.sleep(0.01)
        with pytest.raises(NotLoadedError):
            await served.ask(1)
        assert await served.ask(0) == right(0)
        assert await asyncio.gather(*waiting) == [right(3)] * 2
        assert await served.ask(1) == right(1)

    asyncio.run(ask())


def test_communities_of_one_model_share_its_encoder_which_closes_with_the_last(
    few: Registry, closing: list[Served]
) -> None:
    served = Served(few, 2)
    closing.append(served)

    async def encoder_of(number: int) -> weakref.ref[object]:
        async with served.communities.asked(name_of(number)) as live:
            return weakref.ref(live.bundle.encoder)

    first, second = asyncio.run(encoder_of(0)), asyncio.run(encoder_of(1))
    assert first() is not None
    assert first() is second()
    for number in (0, 1):
        served.communities.residents.drop(name_of(number))
    wait_until(lambda: first() is None)  # the thread that loaded it has yet to let go


def test_what_is_being_asked_stays_and_who_comes_waits_for_its_room(
    few: Registry, closing: list[Served]
) -> None:
    served = Served(few, 1)
    closing.append(served)

    async def ask() -> None:
        await served.ask(0)
        async with served.communities.asked(name_of(0)):
            other = asyncio.create_task(served.ask(1))
            await asyncio.sleep(0.1)
            assert (served.names, other.done()) == ([name_of(0)], False)
        assert await other == right(1)
        assert served.names == [name_of(1)]

    asyncio.run(ask())


def test_an_answer_goes_on_after_its_community_has_left_and_then_all_of_it_is_free(
    few: Registry, closing: list[Served]
) -> None:
    served = Served(few, 1)
    closing.append(served)

    async def ask() -> None:
        async with served.communities.asked(name_of(0)) as live:
            recommender = await live.now()
            held: list[object] = [live, recommender.bundle.snapshot.rarity]
            traces = [weakref.ref(one) for one in held]
            del held
        del live
        assert await served.ask(1) == right(1)
        assert recommender.groups_for("ana", 1).items[0].id == "launch-site-000"
        del recommender
        wait_until(lambda: [trace() for trace in traces] == [None, None])

    gc.disable()  # it must not take a search for circles
    try:
        asyncio.run(ask())
    finally:
        gc.enable()


def test_what_is_damaged_is_found_when_it_is_asked_named_and_served_once_mended(
    mine: Registry, closing: list[Served]
) -> None:
    path = mine.current(name_of(1)) / "members.ids.data.npy"
    whole = path.read_bytes()
    replace_file(path, whole[:-1])
    served = Served(mine, 2)
    closing.append(served)
    communities = served.communities
    assert communities.why_not_ready() == ""
    with pytest.raises(BundleError, match=path.name):
        asyncio.run(served.ask(1))
    assert asyncio.run(served.ask(0)) == right(0)
    communities.refresh()
    assert path.name in communities.why_not_ready()
    assert name_of(1) not in {outline.name for outline in communities.known()}
    replace_file(path, whole)
    communities.refresh()
    assert communities.why_not_ready() == ""
    assert asyncio.run(served.ask(1)) == right(1)


def test_what_cannot_be_read_or_would_never_fit_is_named_from_the_start(
    mine: Registry, closing: list[Served]
) -> None:
    cut(mine.current(name_of(1)) / "manifest.json")
    add_file(mine.current(name_of(2)), SLOW)
    served = Served(mine, 2)
    closing.append(served)
    said = served.communities.why_not_ready()
    assert f"{name_of(1)}: " in said
    assert f"{name_of(2)}: " in said
    assert "memory_limit" in said
    assert name_of(0) not in said
    for number in (1, 2):
        with pytest.raises(BundleError):
            asyncio.run(served.ask(number))
    with pytest.raises(UnknownError):
        asyncio.run(served.ask(99))


def promoted(registry: Registry, name: str, number: int, version: str) -> Path:
    """Promote another version of a community, whose groups bear another number."""
    pattern = registry.bundles.parent / "pattern" / "v1"
    return copy_of(pattern, registry.bundles / name, number, version)


def test_a_promoted_bundle_is_taken_up_whether_its_community_is_in_memory_or_not(
    few: Registry, mine: Registry, closing: list[Served]
) -> None:
    copied(few.bundles.parent / "pattern", mine.bundles.parent / "pattern")
    served = Served(mine, 1)
    closing.append(served)
    asyncio.run(served.ask(0))
    promoted(mine, name_of(0), 100, "v2")
    promoted(mine, name_of(1), 101, "v2")
    served.communities.refresh()
    assert served.names == [name_of(0)]
    assert asyncio.run(served.ask(0)) == right(100)
    assert asyncio.run(served.ask(1)) == right(101)


def test_a_damaged_new_bundle_leaves_the_one_before_to_answer_even_after_it_has_left(
    few: Registry, mine: Registry, closing: list[Served]
) -> None:
    copied(few.bundles.parent / "pattern", mine.bundles.parent / "pattern")
    served = Served(mine, 1)
    closing.append(served)
    asyncio.run(served.ask(0))
    cut(promoted(mine, name_of(0), 100, "v2") / "members.ids.data.npy")
    served.communities.refresh()
    assert asyncio.run(served.ask(0)) == right(0)
    asyncio.run(served.ask(1))
    assert served.names == [name_of(1)]
    assert asyncio.run(served.ask(0)) == right(0)
    assert served.communities.why_not_ready() == ""


def test_after_a_damaged_bundle_is_taken_back_its_community_comes_when_it_is_asked(
    few: Registry, mine: Registry, closing: list[Served]
) -> None:
    copied(few.bundles.parent / "pattern", mine.bundles.parent / "pattern")
    cut(promoted(mine, name_of(0), 100, "v2") / "members.ids.data.npy")
    served = Served(mine, 1)
    closing.append(served)
    with pytest.raises(BundleError):
        asyncio.run(served.ask(0))
    served.communities.refresh()
    assert name_of(0) in served.communities.why_not_ready()
    mine.promote(name_of(0), "v1")
    served.communities.refresh()
    assert (served.communities.why_not_ready(), served.names) == ("", [])
    assert asyncio.run(served.ask(0)) == right(0)


def test_a_community_that_is_removed_is_gone_from_memory_too(
    mine: Registry, closing: list[Served]
) -> None:
    served = Served(mine, 2)
    closing.append(served)
    asyncio.run(served.ask(0))
    shutil.rmtree(mine.folder(name_of(0)))
    served.communities.refresh()
    assert served.names == []
    with pytest.raises(UnknownError):
        asyncio.run(served.ask(0))
