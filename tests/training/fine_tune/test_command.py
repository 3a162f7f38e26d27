"""What `belong fine-tune` writes, says and ends with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from belong.cli import main
from data.write import write_folder
from tests.training.fine_tune.two_tongues import tables


def ended(*arguments: object) -> int:
    """Run the command and return its exit code."""
    with pytest.raises(SystemExit) as end:
        main([str(one) for one in arguments])
    assert isinstance(end.value.code, int)
    return end.value.code


def test_the_command_writes_a_model_that_train_takes(
    tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_folder(tables("m"), tmp_path / "apart")
    options = ("--model", tiny, "--epochs", 8, "--seed", 1, "--max-pairs", 240)
    out = tmp_path / "better"
    assert ended("fine-tune", tmp_path / "apart", "--out", out, *options) == 0
    said = capsys.readouterr()
    figures = json.loads(said.out)
    assert figures["folder"] == str(out)
    assert figures["held_out"] == 24
    reached = figures["mrr_at_10"]
    assert reached["after"] > reached["before"]
    assert f"{reached['after']:.3f}" in said.err
    written = (out / "README.md").read_text("utf-8")
    assert "# tiny-model, fine-tuned on apart" in written
    assert "(epochs 8, seed 1, at most 240 pairs)" in written
    places = ("--cache", tmp_path / "cache", "--bundles", tmp_path / "bundles")
    assert ended("train", tmp_path / "apart", "--model", out, *places) == 0
    version = json.loads(capsys.readouterr().out)["version"]
    manifest = json.loads(
        (tmp_path / "bundles" / "apart" / version / "manifest.json").read_text("utf-8")
    )
    assert manifest["settings"]["model"] == "better"


def test_the_command_says_that_nothing_was_gained_and_ends_with_1(
    tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_folder(tables("g"), tmp_path / "alike")
    out = tmp_path / "out"
    assert ended("fine-tune", tmp_path / "alike", "--out", out, "--model", tiny) == 1
    said = capsys.readouterr()
    figures = json.loads(said.out)
    assert figures["folder"] is None
    assert figures["mrr_at_10"]["before"] == 1  # the same words: nothing can be better
    assert "not better than before" in said.err
    assert [path.name for path in tmp_path.iterdir()] == ["alike"]


def test_a_mistake_is_one_sentence_and_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_folder(tables("m"), tmp_path / "apart")
    options = ("--out", tmp_path, "--model", "no-such-model")
    assert ended("fine-tune", tmp_path / "apart", *options) == 2
    assert "is there already" in capsys.readouterr().err.splitlines()[-1]
