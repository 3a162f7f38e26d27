"""Every peer is tuned on the same budget, or it is said why it cannot be."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.contenders import packages_of, tuned
from benchmarks.peers import PEERS, Scorer, tune
from benchmarks.peers.peer import needed
from engine.errors import SettingError
from tests.benchmarks.fake_peers import Absent, Counted, Echo
from tests.benchmarks.peer_histories import SILENT, a_history, few


def first_score(scorer: Scorer) -> float:
    return float(scorer(SILENT)[0, 0])


def test_tuning_tries_every_setting_and_takes_the_first_of_the_best() -> None:
    echo = Echo()

    found = tune(echo, a_history(), first_score, seed=5)

    assert found.settings is echo.grid[1]
    assert found.figure == 3
    assert [figure for _, figure in found.tried] == [1, 3, 2, 3]
    assert found.tries == 4
    assert echo.seeds == [5, 5, 5, 5]
    assert found.seconds > 0


def test_tuning_on_nobody_is_refused() -> None:
    with pytest.raises(SettingError, match="echo cannot be tuned"):
        tune(Echo(), a_history(), lambda scorer: float("nan"))


def test_tuning_on_a_window_without_anybody_is_refused() -> None:
    with pytest.raises(SettingError, match="--validate"):
        tuned(Counted(), [], seed=0)


def test_too_many_groups_leave_ease_out_and_say_so() -> None:
    history = replace(few(member=[0], group=[0]), groups=10_001)

    with pytest.raises(SettingError, match=r"ease is left out: .*10,001 groups.* 10,000"):
        PEERS["ease"].fit(history, PEERS["ease"].grid[0], seed=0)


def test_a_missing_package_says_what_to_install() -> None:
    with pytest.raises(SettingError, match=r"nobody_has_this.*pip install 'belong\[bench\]'"):
        needed("nobody_has_this.als")


def test_a_peer_whose_package_is_not_there_says_what_to_install() -> None:
    with pytest.raises(SettingError, match=r"no-such-package-anywhere.*belong\[bench\]"):
        packages_of({"absent": Absent()})
