"""What stops fine-tuning, and that it then leaves everything as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pytest

from data.community import Community
from engine.errors import SettingError
from tests.builders import community_of
from tests.training.fine_tune.two_tongues import settings
from training.fine_tune import MIN_PAIRS, fine_tune
from training.progress import SILENT


def test_a_model_no_better_than_before_is_not_written(
    apart: Community, tiny: Path, tmp_path: Path
) -> None:
    outcome = fine_tune(apart, settings(tiny, rate=0.0), tmp_path / "out", SILENT)
    assert outcome.after.tolist() == outcome.before.tolist()
    assert not outcome.improved
    assert list(tmp_path.iterdir()) == []


class StopsAt:
    """A progress that presses Ctrl-C after some units of a step."""

    def __init__(self, name: str, after: int) -> None:
        self.name, self.after = name, after

    @contextmanager
    def task(self, name: str, total: int) -> Iterator[Callable[[int], None]]:
        """Count the units of every step."""
        done = 0

        def advance(units: int) -> None:
            nonlocal done
            done += units
            if name == self.name and done >= self.after:
                raise KeyboardInterrupt

        yield advance


@pytest.mark.parametrize(
    ("step", "after"), [("model", 1), ("learning from pairs", 3), ("measuring after", 24)]
)
def test_ctrl_c_leaves_nothing_behind(
    apart: Community, tiny: Path, tmp_path: Path, step: str, after: int
) -> None:
    with pytest.raises(KeyboardInterrupt):
        fine_tune(apart, settings(tiny), tmp_path / "out", StopsAt(step, after))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("there", ["folder", "file", "dangling link"])
def test_what_is_there_is_never_overwritten(
    apart: Community, tiny: Path, tmp_path: Path, there: str
) -> None:
    out = tmp_path / "out"
    if there == "folder":
        out.mkdir()
    elif there == "file":
        out.write_text("mine")
    else:
        out.symlink_to(tmp_path / "nowhere")
    with pytest.raises(SettingError, match="is there already"):
        fine_tune(apart, settings(tiny), out, SILENT)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_place_that_does_not_exist_is_refused_before_the_work(
    apart: Community, tmp_path: Path
) -> None:
    with pytest.raises(SettingError, match=r"the folder .*nowhere does not exist"):
        fine_tune(apart, settings(tmp_path / "no model"), tmp_path / "nowhere" / "out", SILENT)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"max_pairs": MIN_PAIRS - 1}, "--max-pairs wants at least 200, not 199"),
        # The memberships are a second apart: half of them are 120.
        ({"until": "50%"}, "at least 200 pairs .* there are 120"),
        ({"until": "soon"}, "--until wants a date"),
    ],
)
def test_too_little_to_learn_from_is_said_before_a_model_is_opened(
    apart: Community, tmp_path: Path, changed: dict[str, object], words: str
) -> None:
    with pytest.raises(SettingError, match=words):
        fine_tune(apart, settings(tmp_path / "no model", **changed), tmp_path / "out", SILENT)
    assert list(tmp_path.iterdir()) == []


def test_pairs_of_one_group_only_teach_nothing(tmp_path: Path) -> None:
    members = [f"m{place}" for place in range(MIN_PAIRS)]
    one_group = community_of(
        {
            "members": pl.DataFrame({"id": members, "text": members}),
            "groups": pl.DataFrame({"id": ["g"]}),
            "memberships": pl.DataFrame({"member": members, "group": ["g"] * len(members)}),
        }
    )
    with pytest.raises(SettingError, match="nothing to tell apart"):
        fine_tune(one_group, settings(tmp_path / "no model"), tmp_path / "out", SILENT)
