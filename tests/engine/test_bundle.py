"""A bundle is loaded whole, or refused by the name of the file that is wrong."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.bundle import load_bundle, save_bundle
from engine.errors import BundleError
from engine.index import VectorIndex
from engine.manifest import FORMAT, read_manifest
from engine.snapshot import to_arrays
from tests.bundle_draft import VERSION, draft_of
from tests.world import ROCKETS, world


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
        lambda fields: fields.update(version=1),
        lambda fields: fields.update(watermark=True),
        lambda fields: fields.update(watermark=-1),
        lambda fields: fields.update(created_at="yesterday"),
        lambda fields: fields.update(sizes=["members"]),
        lambda fields: fields.update(window=[0, 1, 2]),
        lambda fields: fields.update(window=[0, float("inf")]),
        lambda fields: fields.update(format=float("inf")),
        lambda fields: fields["files"].update({"../v2/rarity.npy": {"sha256": "", "bytes": 0}}),
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


@pytest.mark.parametrize(("newer", "advice"), [(1, "update Belong$"), (-1, "train again$")])
def test_another_format_is_refused_saying_what_to_do(bundle: Path, newer: int, advice: str) -> None:
    change_manifest(bundle, lambda fields: fields.update(format=FORMAT + newer, unheard_of=True))
    with pytest.raises(BundleError, match=advice):
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
