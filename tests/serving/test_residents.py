"""Who is in memory, who leaves for whom, and what that is counted as."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from engine.errors import NotLoadedError
from serving.metrics import Metrics
from serving.outline import A_CHANGE, Outline
from serving.residents import Residents

HERE = Path("bundles")


@dataclass
class FakeLive:
    """Something that answers, with so many changes."""

    name: str
    overlay_size: int = 0


def outline(name: str, size: int = 10, encoder: str = "e", encoder_size: int = 0) -> Outline:
    return Outline(name, HERE, size=size, encoder=encoder, encoder_size=encoder_size)


def bring(residents: Residents, one: Outline, changes: int = 0) -> None:
    answering: Any = FakeLive(one.name, changes)
    with residents.room(one, 0.0):
        residents.put(one, answering)


def filled(limit: int, *names: str) -> Residents:
    residents = Residents(limit, Metrics())
    for name in names:
        bring(residents, outline(name))
    return residents


def test_the_one_asked_longest_ago_leaves() -> None:
    residents = filled(30, "a", "b", "c")
    with residents.asking("a"):
        pass
    bring(residents, outline("d"))
    assert residents.names() == ["c", "a", "d"]


def test_being_looked_at_is_not_being_asked() -> None:
    residents = filled(30, "a", "b", "c")
    residents.all()
    residents.outline("a")
    bring(residents, outline("d"))
    assert residents.names() == ["b", "c", "d"]


def test_what_is_being_asked_stays_and_the_next_leaves() -> None:
    residents = filled(30, "a", "b", "c")
    with residents.asking("a") as answering:
        bring(residents, outline("d"))
        assert answering is not None
        assert residents.names() == ["c", "a", "d"]


def test_where_all_are_asked_there_is_no_room_until_an_answer_is_given() -> None:
    residents = filled(20, "a", "b")
    with residents.asking("a"), residents.asking("b"), pytest.raises(NotLoadedError):
        bring(residents, outline("c"))
    assert residents.names() == ["a", "b"]
    given = threading.Event()

    def answer_soon() -> None:
        with residents.asking("a"):
            given.wait()

    with residents.asking("b"):
        asker = threading.Thread(target=answer_soon)
        asker.start()
        threading.Timer(0.05, given.set).start()
        with residents.room(outline("c"), 10.0):
            assert residents.names() == ["b"]
        asker.join()


def test_one_asked_by_two_stays_until_both_have_their_answer() -> None:
    residents = filled(10, "a")
    with residents.asking("a"):
        with residents.asking("a"):
            pass
        with pytest.raises(NotLoadedError):
            bring(residents, outline("b"))
    bring(residents, outline("b"))
    assert residents.names() == ["b"]


def test_as_many_leave_as_it_takes_and_what_is_coming_counts() -> None:
    residents = filled(30, "a", "b", "c")
    with residents.room(outline("wide", 20), 0.0):
        assert residents.names() == ["c"]
        assert residents.size() == 30
        with residents.room(outline("d"), 0.0):
            assert residents.names() == []
    assert residents.size() == 0


def test_an_encoder_is_counted_once_however_many_share_it() -> None:
    residents = Residents(130, Metrics())
    for name in "abc":
        bring(residents, outline(name, encoder_size=100))
    assert (residents.names(), residents.size()) == (["a", "b", "c"], 130)
    bring(residents, outline("d", encoder="another", encoder_size=100))
    assert residents.names() == ["d"]


def test_who_has_grown_makes_the_others_leave_but_stays() -> None:
    residents = filled(30, "a", "b")
    bring(residents, outline("grown"), changes=1)
    assert residents.size() == 30 + A_CHANGE
    residents.keep_within()
    assert residents.names() == ["grown"]


def test_a_new_bundle_of_one_that_is_here_comes_though_there_is_no_room() -> None:
    residents = filled(20, "a", "b")
    with residents.asking("b"), residents.room(outline("a", 15), 0.0, beyond=True):
        assert residents.names() == ["a", "b"]


def test_without_a_limit_all_stay() -> None:
    residents = Residents(None, Metrics())
    for number in range(100):
        bring(residents, outline(str(number), 10**12))
    residents.keep_within()
    assert len(residents.names()) == 100


def test_what_comes_and_goes_is_counted() -> None:
    metrics = Metrics()
    residents = Residents(20, metrics)
    for name in "abc":
        bring(residents, outline(name))
    residents.drop("b")
    told = metrics.exposition().decode()
    assert "belong_loaded_communities 1.0" in told
    assert "belong_counted_bytes 10.0" in told
    assert "belong_evictions_total 1.0" in told
