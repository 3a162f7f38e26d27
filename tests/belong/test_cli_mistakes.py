"""A user's mistake is one sentence and exit code 2; Ctrl-C is one line and 130."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from belong.cli import main
from tests.belong.commands import AT_A_TERMINAL, WAIT_S, belong, done, quick, written


def assert_one_sentence(said: str, *words: str) -> None:
    # Bars of steps may stand above; the sentence is the last line, and whole.
    *_, last = said.splitlines()
    assert last.startswith("belong: "), said
    for word in words:
        assert word in last
    assert "Traceback" not in said


def mistakes(
    world: Path, undated: Path, bundles: Path, tmp: Path
) -> Iterator[tuple[tuple[object, ...], *tuple[str, ...]]]:
    """Yield arguments, then the words that must be in the sentence."""
    (tmp / "empty").mkdir()
    lacking = written(tmp / "lacking")
    (lacking / "groups.jsonl").unlink()
    (tmp / "file").write_text("")
    none = ("--bundles", tmp / "none")
    yield ("inspect", tmp / "nowhere"), "no folder", "nowhere"
    yield ("inspect", tmp / "empty"), "is empty"
    yield ("inspect", lacking), "no table groups"
    yield ("inspect", tmp / "file"), "is a file"
    yield ("train", tmp / "nowhere", *none), "no folder"
    yield ("train", world, *none, "--community", "../x"), "cannot be called"
    yield ("train", world, *none, "--until", "soon"), "--until wants a date", "'soon'"
    yield ("train", world, *none, "--until", "1999-01-01"), "leaves nothing on one side"
    yield ("train", world, "--bundles", tmp / "file" / "x"), "Not a directory"
    yield ("train", world, *none, "--cache", tmp / "file" / "x"), "Not a directory"
    yield ("evaluate", tmp / "nowhere"), "no folder"
    yield ("evaluate", world, "--until", "120%"), "--until wants a date"
    yield ("evaluate", world, "--until", "0%"), "leaves nothing on one side"
    yield ("evaluate", world, "--until", "2038-01-01"), "leaves nothing on one side"
    yield ("evaluate", world, "--hide-ties", "1.5"), "--hide-ties wants a share"
    yield ("evaluate", world, "--split-by", "site"), "no such column"
    yield ("evaluate", undated), "no membership here has a date"
    yield ("evaluate", world, "--json", tmp / "nowhere" / "x.json"), "cannot be written"
    yield ("evaluate", world, "--json", tmp), "cannot be written"
    yield ("recommend", "nobody", "--bundles", bundles), "no member has the id 'nobody'"
    yield ("recommend", "ana", *none), "holds no current bundle"
    yield ("recommend", "ana", "--bundles", bundles, "--community", "x"), "no community called 'x'"
    yield ("bundles", "promote", "v0", "--bundles", bundles), "has no version 'v0'"
    yield ("bundles", "rollback", "--bundles", bundles), "no earlier version"
    yield ("bundles", "rollback", *none), "holds no current bundle"
    yield ("demo", "--members", "5", "--no-serve", "--folder", tmp / "demo"), "200 to 1,000,000"


def test_every_mistake_is_one_sentence_and_exit_code_2(
    world: Path,
    undated: Path,
    world_bundles: Path,
    cache: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for arguments, *words in mistakes(world, undated, world_bundles, tmp_path):
        takes_cache = arguments[0] in {"train", "evaluate"} and "--cache" not in arguments
        options = ("--cache", cache) if takes_cache else ()
        with pytest.raises(SystemExit) as end:
            main([str(one) for one in (*arguments, *options)])
        assert end.value.code == 2
        assert_one_sentence(capsys.readouterr().err, *words)
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("inspect", "no-such-folder"), "there is no folder no-such-folder"),
        (("serve", "--bundles", "no-such-folder"), "holds no current bundle"),
        # Its library explains that in several lines.
        (("train", "{world}", "--bundles", "{none}", "--model", "no-such-model"), "no-such-model"),
    ],
)
def test_the_real_command_ends_with_2_without_a_stack_trace(
    world: Path, tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    places = {"world": world, "none": tmp_path / "none"}
    ended = belong(*(one.format(**places) for one in arguments))
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert_one_sentence(ended.stderr, words)


def test_several_communities_must_be_told_apart(world_bundles: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).symlink_to(world_bundles / "world")
    ended = belong("recommend", "ana", "--bundles", tmp_path)
    assert ended.returncode == 2
    assert_one_sentence(ended.stderr, "several communities (one, two)", "--community")
    chosen = done("recommend", "ana", "--bundles", tmp_path, "--community", "two", "--json")
    assert json.loads(chosen)["community"] == "two"


@pytest.mark.parametrize(
    "arguments",
    [
        ("recommend", "ana", "--bundles", "x", "-k", "0"),
        ("recommend", "ana", "--bundles", "x", "-k", "101"),
        ("recommend", "ana", "--bundles", "x", "--kind", "posts"),
        ("recommend", "ana"),
        ("serve", "--bundles", "x", "--port", "0"),
        ("serve", "--bundles", "x", "--workers", "0"),
        ("no-such-command",),
    ],
)
def test_a_wrong_option_is_a_usage_error(arguments: tuple[str, ...]) -> None:
    result = quick(*arguments)
    assert result.exit_code == 2
    assert "Usage: " in result.stderr


def test_ctrl_c_ends_with_130_and_one_line(tmp_path: Path) -> None:
    folder = written(tmp_path / "world")
    (folder / "members.jsonl").unlink()
    os.mkfifo(folder / "members.jsonl")
    with subprocess.Popen(
        [sys.executable, "-c", AT_A_TERMINAL, "inspect", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            pipe = _opened_once_read(folder / "members.jsonl")
            process.send_signal(signal.SIGINT)
            # polars has a handler of its own, after which a read goes on: let it end.
            os.close(pipe)
            out, err = process.communicate(timeout=WAIT_S)
        finally:
            process.kill()
    assert (process.returncode, out, err) == (130, "", "belong: stopped\n")


def _opened_once_read(path: Path) -> int:
    """Open a pipe for writing, which works as soon as the command waits to read from it."""
    end = time.monotonic() + WAIT_S
    while True:
        try:
            return os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            assert time.monotonic() < end, "the command never read its folder"
            time.sleep(0.02)
