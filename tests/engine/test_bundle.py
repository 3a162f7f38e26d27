"""A bundle is there whole or not at all, and is loaded whole or refused by the file's name."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.bundle import FORMAT, Draft, Manifest, load_bundle, read_manifest, save_bundle
from engine.errors import BundleError
from engine.index import VectorIndex
from engine.registry import Registry
from engine.snapshot import Snapshot, to_arrays
from tests.builders import write_tiny_encoder
from tests.world import ROCKETS, world

VERSION = "v1"


def manifest_of(version: str = VERSION) -> Manifest:
    return Manifest(
        format=FORMAT,
        community="world",
        version=version,
        fingerprint="f",
        created_at="2025-06-15T00:00:00+00:00",
        watermark=7,
        window=(None, 12.5),
        sizes={"members": 14},
        settings={"name": "açaí"},
        libraries={},
        metrics={"ndcg": 0.5},
    )


def draft_of(folder: Path, version: str = VERSION, snapshot: Snapshot | None = None) -> Draft:
    """Return a draft whose indexes are graphs, small as they are."""
    snapshot = snapshot or world().snapshot
    encoder = folder / "tiny"
    return Draft(
        manifest_of(version),
        snapshot,
        VectorIndex.build(snapshot.members.interests.vectors, exact_below=3),
        VectorIndex.build(snapshot.groups.prototypes.vectors, exact_below=3),
        encoder if encoder.exists() else write_tiny_encoder(encoder),
    )


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle on disk, not to be changed."""
    folder = tmp_path_factory.mktemp("written")
    save_bundle(draft_of(folder), folder / "world")
    return folder / "world" / VERSION


@pytest.fixture
def bundle(written: Path, tmp_path: Path) -> Path:
    """A bundle on disk to be damaged."""
    return Path(shutil.copytree(written, tmp_path / "world" / VERSION))


def change_manifest(bundle: Path, change: Callable[[dict[str, Any]], object]) -> None:
    fields = json.loads((bundle / "manifest.json").read_text("utf-8"))
    change(fields)
    (bundle / "manifest.json").write_text(json.dumps(fields), "utf-8")


def replace_file(bundle: Path, name: str, content: bytes) -> None:
    """Replace a file and its checksum: what a faulty writer, not a faulty disk, would leave."""
    (bundle / name).write_bytes(content)
    known = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    change_manifest(bundle, lambda fields: fields["files"].update({name: known}))


def test_what_is_loaded_is_what_was_written(written: Path) -> None:
    loaded, snapshot = load_bundle(written), world().snapshot
    arrays, expected = dict(to_arrays(loaded.snapshot)), dict(to_arrays(snapshot))
    assert arrays.keys() == expected.keys()
    for name, array in expected.items():
        assert arrays[name].dtype == array.dtype, name
        np.testing.assert_array_equal(arrays[name], array, err_msg=name)
    assert loaded.manifest.window == (None, 12.5)
    assert loaded.manifest.settings == {"name": "açaí"}
    assert loaded.manifest.watermark == 7


@pytest.mark.parametrize("side", ["members", "groups"])
def test_a_loaded_index_finds_what_brute_force_finds(written: Path, side: str) -> None:
    loaded = load_bundle(written)
    assert (written / f"{side}.faiss").exists()
    index: VectorIndex = getattr(loaded, side)
    rng = np.random.default_rng(0)
    queries = rng.normal(size=(5, 4)).astype(np.float32)
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    for query in queries:
        found = index.search(query[None, :], 4)
        cosines = index.vectors @ query
        best = np.lexsort((np.arange(len(cosines)), -cosines))[:4]
        np.testing.assert_allclose(found.scores[0], cosines[best], atol=1e-6)


def test_a_loaded_encoder_gives_unit_vectors_of_the_same_space(written: Path) -> None:
    vector = load_bundle(written).encoder.encode([ROCKETS])[0]
    assert abs(np.linalg.norm(vector) - 1) < 1e-5
    assert vector.argmax() == 0  # rockets point along the first axis


def test_a_server_of_many_small_communities_does_not_run_out_of_files(written: Path) -> None:
    opened = Path("/proc/self/fd" if Path("/proc/self/fd").exists() else "/dev/fd")
    before = len(list(opened.iterdir()))
    held = [load_bundle(written) for _ in range(20)]
    # A process may have about a thousand open; a bundle has some sixty files.
    assert len(list(opened.iterdir())) - before < len(held)


def test_every_file_is_named_in_the_manifest_with_its_checksum(written: Path) -> None:
    there = {
        path.relative_to(written).as_posix(): {
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "bytes": path.stat().st_size,
        }
        for path in written.rglob("*")
        if path.is_file() and path.name != "manifest.json"
    }
    assert read_manifest(written).files == there


def test_there_are_no_pickles_in_a_bundle(written: Path) -> None:
    for path in written.glob("*.npy"):
        np.load(path, allow_pickle=False)
    assert {path.suffix for path in written.rglob("*") if path.is_file()} <= {
        ".npy", ".json", ".onnx", ".faiss",
    }  # fmt: skip


def test_one_flipped_byte_in_any_file_is_refused_naming_it(bundle: Path) -> None:
    for name in read_manifest(bundle).files:
        path = bundle / name
        whole = path.read_bytes()
        if not whole:
            continue
        for place in (0, len(whole) // 2, len(whole) - 1):
            damaged = bytearray(whole)
            damaged[place] ^= 0x20
            path.write_bytes(bytes(damaged))
            with pytest.raises(BundleError, match="checksum") as caught:
                load_bundle(bundle)
            assert str(path) in str(caught.value)
        path.write_bytes(whole)
    load_bundle(bundle)  # whole again


def test_a_missing_or_short_file_is_refused_naming_it(bundle: Path) -> None:
    for name in read_manifest(bundle).files:
        path = bundle / name
        whole = path.read_bytes()
        path.unlink()
        with pytest.raises(BundleError) as caught:
            load_bundle(bundle)
        assert str(path) in str(caught.value)
        path.write_bytes(whole[:-1])
        with pytest.raises(BundleError) as caught:
            load_bundle(bundle)
        assert str(path) in str(caught.value)
        path.write_bytes(whole)


def test_a_manifest_that_was_cut_short_anywhere_is_refused_by_name(bundle: Path) -> None:
    whole = (bundle / "manifest.json").read_bytes()
    for length in range(0, len(whole) - 1, 37):
        (bundle / "manifest.json").write_bytes(whole[:length])
        with pytest.raises(BundleError, match=r"manifest\.json"):
            load_bundle(bundle)


def test_no_flipped_byte_in_a_manifest_is_worse_than_a_refusal(bundle: Path) -> None:
    whole = (bundle / "manifest.json").read_bytes()
    for place in range(0, len(whole), 3):
        damaged = bytearray(whole)
        damaged[place] ^= 0x01
        (bundle / "manifest.json").write_bytes(bytes(damaged))
        with suppress(BundleError):  # a figure that changed is not noticed; nothing else is raised
            load_bundle(bundle)


@pytest.mark.parametrize(
    "change",
    [
        lambda fields: fields.pop("files"),
        lambda fields: fields.update(files={}),
        lambda fields: fields.update(files=[]),
        lambda fields: fields.update(files=None),
        lambda fields: fields["files"].pop("members.faiss"),
        lambda fields: fields["files"].pop("rarity.npy"),
        lambda fields: fields["files"]["rarity.npy"].pop("bytes"),
        lambda fields: fields["files"]["rarity.npy"].pop("sha256"),
        lambda fields: fields.update(window=None),
        lambda fields: fields.update(format="one"),
        lambda fields: fields.update(extra=1),
        lambda fields: fields.pop("fingerprint"),
    ],
)
def test_a_manifest_that_does_not_vouch_for_every_file_is_refused(
    bundle: Path, change: Callable[[dict[str, Any]], object]
) -> None:
    change_manifest(bundle, change)
    with pytest.raises(BundleError, match=VERSION):
        load_bundle(bundle)


@pytest.mark.parametrize("text", ["", "[]", "null", '"x"', "{", "{}", "\x00", '{"format": 1}'])
def test_a_manifest_that_is_something_else_is_refused(bundle: Path, text: str) -> None:
    (bundle / "manifest.json").write_text(text)
    with pytest.raises(BundleError, match=r"manifest\.json"):
        read_manifest(bundle)


def test_a_newer_format_is_refused_saying_what_to_do(bundle: Path) -> None:
    change_manifest(bundle, lambda fields: fields.update(format=FORMAT + 1, unheard_of=True))
    with pytest.raises(BundleError, match="update Belong or train again"):
        load_bundle(bundle)


def test_a_folder_without_a_bundle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="holds no bundle"):
        load_bundle(tmp_path)


def test_an_array_of_objects_is_refused_by_name_and_never_unpickled(bundle: Path) -> None:
    trap = bundle.parent / "trap"
    np.save(trap.with_suffix(".npy"), np.array([Bomb(str(trap))], dtype=object), allow_pickle=True)
    replace_file(bundle, "rarity.npy", trap.with_suffix(".npy").read_bytes())
    with pytest.raises(BundleError, match=r"rarity\.npy"):
        load_bundle(bundle)
    assert not trap.exists()


class Bomb:
    """Makes a folder when it is unpickled."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (self.path,)


def test_an_array_cut_short_by_its_writer_is_refused_by_name(bundle: Path) -> None:
    replace_file(bundle, "rarity.npy", (bundle / "rarity.npy").read_bytes()[:-1])
    with pytest.raises(BundleError, match=r"rarity\.npy"):
        load_bundle(bundle)


@pytest.mark.parametrize("content", [b"", b"IHNs", b"rubbish" * 100])
def test_an_index_that_is_none_is_refused_by_name(bundle: Path, content: bytes) -> None:
    replace_file(bundle, "groups.faiss", content)
    with pytest.raises(BundleError, match=r"groups\.faiss"):
        load_bundle(bundle)


def test_an_index_over_other_vectors_is_refused_by_name(bundle: Path) -> None:
    replace_file(bundle, "groups.faiss", (bundle / "members.faiss").read_bytes())
    with pytest.raises(BundleError, match=r"groups\.faiss"):
        load_bundle(bundle)


def test_an_encoder_that_is_none_is_refused(bundle: Path) -> None:
    replace_file(bundle, "encoder/model.onnx", b"rubbish")
    with pytest.raises(BundleError, match="encoder"):
        load_bundle(bundle)


def test_a_version_is_never_overwritten(tmp_path: Path) -> None:
    save_bundle(draft_of(tmp_path), tmp_path / "world")
    before = contents(tmp_path / "world")
    with pytest.raises(BundleError, match="never overwritten"):
        save_bundle(draft_of(tmp_path), tmp_path / "world")
    assert contents(tmp_path / "world") == before


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


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
from tests.engine.test_bundle import draft_of

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
from tests.engine.test_bundle import large_draft

draft, limit = large_draft(Path(sys.argv[2]), sys.argv[3]), int(sys.argv[4])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
try:
    save_bundle(draft, Path(sys.argv[2]) / "world")
except BundleError as error:
    sys.exit("refused: " + str(error))
"""


def large_draft(folder: Path, largest: str) -> Draft:
    """Return a draft whose largest file is `largest`: rarity.npy or members.faiss."""
    snapshot = world().snapshot
    if largest == "rarity.npy":
        return draft_of(folder, "v2", replace(snapshot, rarity=np.zeros(5_000, np.float32)))
    vectors = np.random.default_rng(0).normal(size=(500, 4)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    interests = replace(snapshot.members.interests, vectors=vectors)
    return draft_of(
        folder, "v2", replace(snapshot, members=replace(snapshot.members, interests=interests))
    )


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
