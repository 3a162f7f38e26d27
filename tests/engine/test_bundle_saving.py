"""A bundle is written whole or not at all, whatever the disk does."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.bundle import Draft, load_bundle, save_bundle
from engine.errors import BundleError
from engine.index import VectorIndex
from engine.registry import Registry
from tests.bundle_draft import VERSION, contents, draft_of, large_draft


def test_a_version_is_never_overwritten(tmp_path: Path) -> None:
    save_bundle(draft_of(tmp_path), tmp_path / "world")
    before = contents(tmp_path / "world")
    with pytest.raises(BundleError, match="never overwritten"):
        save_bundle(draft_of(tmp_path), tmp_path / "world")
    assert contents(tmp_path / "world") == before


def test_an_interrupted_save_leaves_nothing_and_stays_an_interruption(tmp_path: Path) -> None:
    draft = draft_of(tmp_path)
    stopping = Draft(
        draft.manifest,
        draft.snapshot,
        draft.members,
        Interrupted(draft.groups.vectors, None),
        draft.encoder_folder,
    )
    with pytest.raises(KeyboardInterrupt):
        save_bundle(stopping, tmp_path / "world")
    assert os.listdir(tmp_path / "world") == []


class Interrupted(VectorIndex):
    """An index during whose writing someone presses Ctrl-C."""

    def save(self, path: Path) -> bool:
        path.write_bytes(b"half")
        raise KeyboardInterrupt


def test_a_save_that_fails_is_a_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    draft = draft_of(tmp_path)
    gone = Draft(draft.manifest, draft.snapshot, draft.members, draft.groups, tmp_path / "gone")
    with pytest.raises(BundleError, match="could not be written"):
        save_bundle(gone, tmp_path / "world")
    assert os.listdir(tmp_path / "world") == []


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "world").write_text("a file where a folder should be")
    with pytest.raises(BundleError, match="could not be written"):
        save_bundle(draft_of(tmp_path), tmp_path / "world")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "world").mkdir(mode=0o500)
    with pytest.raises(BundleError, match="mend the rights"):
        save_bundle(draft_of(tmp_path), tmp_path / "world")


def test_leftovers_are_swept_after_a_day_and_not_before(tmp_path: Path) -> None:
    folder = tmp_path / "world"
    old, young = folder / ".v0.aaaa.partial", folder / ".v0.bbbb.partial"
    for path in (old, young):
        path.mkdir(parents=True)
        (path / "rarity.npy").write_bytes(b"half")
    os.utime(old, (time.time() - 90_000,) * 2)
    (folder / ".v0.cccc.partial").symlink_to(folder / "gone")  # another run has just removed it
    save_bundle(draft_of(tmp_path), folder)
    assert not old.exists()
    assert young.exists()


FULL = """
import sys
sys.path.insert(0, sys.argv[1])
import resource
from pathlib import Path
from engine.bundle import save_bundle, load_bundle
from engine.errors import BundleError
from tests.bundle_draft import draft_of

folder, limits = Path(sys.argv[2]), sys.argv[3:]
draft = draft_of(folder, "v2")
for limit in map(int, limits):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        save_bundle(draft, folder / "world")
    except BundleError as error:
        print(limit, "refused:", str(error).replace(chr(10), " "))
    else:
        sys.exit(f"{limit}: written to a full disk")
"""


LAST_BYTE = """
import sys
sys.path.insert(0, sys.argv[1])
import resource
from pathlib import Path
from engine.bundle import save_bundle
from engine.errors import BundleError
from tests.bundle_draft import large_draft

draft, limit = large_draft(Path(sys.argv[2]), sys.argv[3]), int(sys.argv[4])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
try:
    save_bundle(draft, Path(sys.argv[2]) / "world")
except BundleError as error:
    sys.exit("refused: " + str(error))
"""


@pytest.mark.parametrize("largest", ["rarity.npy", "members.faiss"])
def test_a_disk_with_room_for_all_but_the_last_byte_changes_nothing(
    tmp_path: Path, largest: str
) -> None:
    # numpy and faiss buffer the end of a file and overlook that it cannot be written.
    files = save_bundle(large_draft(tmp_path / "whole", largest), tmp_path / "there").files
    size = files[largest]["bytes"]
    assert size == max(known["bytes"] for known in files.values())
    command = [sys.executable, "-c", LAST_BYTE, str(Path.cwd()), str(tmp_path), largest]
    done = subprocess.run(
        [*command, str(size - 1)], check=False, capture_output=True, text=True, timeout=60
    )
    assert "refused: the bundle could not be written" in done.stderr
    assert largest in done.stderr
    assert os.listdir(tmp_path / "world") == []


def test_a_disk_that_fills_at_any_size_changes_nothing(tmp_path: Path) -> None:
    saved = save_bundle(draft_of(tmp_path), tmp_path / "world")
    Registry(tmp_path).promote("world", VERSION)
    before = contents(tmp_path / "world")
    sizes = {known["bytes"] for known in saved.files.values()}
    # One byte less than each file needs.
    limits = sorted({0, 1, 100, 128, *(size - 1 for size in sizes)} - {-1})
    command = [sys.executable, "-c", FULL, str(Path.cwd()), str(tmp_path), *map(str, limits)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("refused:") == len(limits)
    assert "free some space" in done.stdout
    assert "Traceback" not in done.stderr
    assert contents(tmp_path / "world") == before
    assert [path.name for path in (tmp_path / "world").iterdir() if path.is_dir()] == [VERSION]
    load_bundle(Registry(tmp_path).current("world"))
