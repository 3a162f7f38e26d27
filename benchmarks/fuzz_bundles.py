"""Bundles and the registry, damaged: by a faulty disk, and by a faulty writer who seals all."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.fuzz_mutations import damaged, json_bytes
from benchmarks.fuzz_target import Attempt, expect
from engine.answers import Answer
from engine.bundle import Bundle, load_bundle
from engine.errors import BundleError, UnknownError
from engine.manifest import MANIFEST, read_manifest
from engine.recommender import Recommender
from engine.registry import CURRENT, PROMOTIONS, Promotion, Registry

COMMUNITY = "world"
NATIVE = (".faiss", ".onnx")
"""Files that libraries in C++ read. Only their checksum stands before those, so what a writer
seals is cut short or exchanged here, never flipped."""

Change = Callable[[Random, NDArray[Any]], NDArray[Any]]
ODD_DTYPES = ("<f8", "<f4", "<i8", "<i4", ">i8", "|b1", "|u1", "<c8", "<U3", "<M8[s]")
ODD_NUMBERS = (-1, -(2**62), 2**62, 0, 1, 10**6, float("nan"), float("inf"), 1e38, -0.5)


def bundle_on_a_faulty_disk(place: Path) -> Attempt:
    """Return what damages files of a bundle: any change to any of them must be noticed."""
    sound = seed_bundle(place)

    def attempt(random: Random, folder: Path) -> bool:
        bundle = Path(shutil.copytree(sound, folder / "v1"))
        names = sorted(read_manifest(sound).files)
        for name in random.sample(names, random.choice((1, 1, 2))):
            path = bundle / name
            match random.randrange(4):
                case 0:
                    path.unlink()
                case 1:
                    path.write_bytes((sound / random.choice(names)).read_bytes())
                case _:
                    path.write_bytes(damaged(random, path.read_bytes()))
        same = all((bundle / name).is_file() for name in names) and all(
            (bundle / name).read_bytes() == (sound / name).read_bytes() for name in names
        )
        loaded = load_bundle(bundle)
        expect(same, "a file is not as it was written, and the bundle was loaded")
        check_answers(loaded)
        return True

    return attempt


def bundle_of_a_faulty_writer(place: Path) -> Attempt:
    """Return what changes a bundle and seals it again: it is refused, or it can answer."""
    sound = seed_bundle(place)

    def attempt(random: Random, folder: Path) -> bool:
        bundle = Path(shutil.copytree(sound, folder / "v1"))
        names = sorted(read_manifest(sound).files)
        for name in random.sample(names, random.choice((1, 1, 2))):
            (bundle / name).write_bytes(_rewritten(random, bundle, name, names))
        seal(bundle)
        if random.random() < 0.2:
            fields = json.loads((bundle / MANIFEST).read_bytes())
            (bundle / MANIFEST).write_bytes(json_bytes(random, fields))
        check_manifest(bundle)
        check_answers(load_bundle(bundle))
        return True

    return attempt


def registry_files(place: Path) -> Attempt:
    """Return what damages `current`, `promotions.jsonl` and manifests, and asks the registry."""
    sound = seed_bundle(place)
    current = {"promoted": ["v1", "v2"]}
    record = {"version": "v1", "at": "2026-01-01T00:00:00+00:00", "forced": False, "checks": []}

    def attempt(random: Random, folder: Path) -> bool:
        town = folder / "bundles" / COMMUNITY
        for version in ("v1", "v2"):
            (town / version).mkdir(parents=True)
            shutil.copy(sound / MANIFEST, town / version / MANIFEST)
        (folder / "outside").mkdir()
        (town / CURRENT).write_bytes(_file(random, current, json.dumps(current).encode()))
        lines = f"{json.dumps(record)}\n".encode()
        (town / PROMOTIONS).write_bytes(_file(random, record, lines * 3))
        if random.random() < 0.3:
            manifest = (sound / MANIFEST).read_bytes()
            (town / "v2" / MANIFEST).write_bytes(_file(random, json.loads(manifest), manifest))
        taken = _ask(Registry(folder / "bundles"), random)
        expect((folder / "outside").exists(), "something outside of the bundles was removed")
        return taken

    return attempt


def _ask(registry: Registry, random: Random) -> bool:
    """Return whether everything could be told; whatever cannot be, the next must work anyway."""
    taken = True
    asked: list[Callable[[], object]] = [
        lambda: check_promotions(registry.promotions(COMMUNITY)),
        lambda: check_history(registry.history(COMMUNITY)),
        lambda: registry.current(COMMUNITY),
        lambda: registry.roll_back(COMMUNITY),
    ]
    odd = random.choice(("../../outside", "../../outside/x", ".", "..", ""))
    with suppress(BundleError, UnknownError):
        registry.discard(COMMUNITY, odd)
    with suppress(BundleError, UnknownError):
        registry.remove(COMMUNITY, odd)
    registry.versions(COMMUNITY)
    for ask in asked:
        try:
            ask()
        except (BundleError, UnknownError):
            taken = False
    listed = {one.version: one for one in registry.versions(COMMUNITY)}
    if "v1" in listed and listed["v1"].manifest is not None:
        registry.promote(COMMUNITY, "v1")
        expect(registry.current(COMMUNITY).name == "v1", "what was promoted is not current")
    return taken


def check_history(names: list[str]) -> None:
    """Check that versions are names of folders."""
    expect(all(type(name) is str and "/" not in name for name in names), f"versions: {names!r}")


def check_promotions(found: list[Promotion]) -> None:
    """Check that what is recorded is of the types it should be."""
    for one in found:
        texts = type(one.version) is str and type(one.at) is str
        expect(texts and type(one.forced) is bool, f"no promotion: {one!r}")


def check_manifest(bundle: Path) -> None:
    """Check that a manifest that is read is what its attributes say."""
    found = read_manifest(bundle)
    texts = (found.community, found.version, found.fingerprint, found.created_at)
    expect(all(type(text) is str for text in texts), f"no names: {texts!r}")
    expect(type(found.watermark) is int and found.watermark >= 0, f"watermark {found.watermark!r}")
    tables = (found.sizes, found.settings, found.libraries, found.metrics)
    expect(all(type(table) is dict for table in tables), "a table of the manifest is none")
    expect(all(type(size) is int for size in found.sizes.values()), f"sizes {found.sizes!r}")
    expect(len(found.window) == 2, f"window {found.window!r}")


def check_answers(bundle: Bundle) -> None:
    """Check that a bundle that was loaded answers, and only in numbers that are finite."""
    recommender = Recommender(bundle, clock=lambda: 1_750_000_000.0)
    ids = [name for name in bundle.snapshot.members.ids.tolist() if name]
    for member in [*ids[:3], *ids[-2:]]:
        _check_answer(recommender.groups_for(member, 5))
        _check_answer(recommender.members_for(member, 5))
    _check_answer(recommender.groups_for_text("rocket and sourdough", 5))
    groups = [name for name in bundle.snapshot.groups.ids.tolist() if name]
    for group in groups[:2]:
        _check_answer(recommender.members_to_invite(group, 5))


def _check_answer(answer: Answer) -> None:
    failed = getattr(answer.trace, "failed", {})
    expect(not failed, f"a stage failed: {failed}")
    for item in answer.items:
        likely = 0.0 if item.probability is None else item.probability
        expect(bool(np.isfinite([item.score, likely]).all()), f"{item.id!r} scores {item.score}")
        expect(bool(item.id), "somebody without an id is suggested")


def seed_bundle(place: Path) -> Path:
    """Return the folder of a small bundle with graphs, a learned ranker and an encoder."""
    from engine.bundle import save_bundle
    from tests.bundle_draft import draft_of

    if not (place / COMMUNITY).exists():
        save_bundle(draft_of(place), place / COMMUNITY)
    return place / COMMUNITY / "v1"


def seal(bundle: Path) -> None:
    """Write the checksums of files as they are now into the manifest."""
    fields = json.loads((bundle / MANIFEST).read_bytes())
    for name in fields["files"]:
        content = (bundle / name).read_bytes()
        fields["files"][name] = {
            "sha256": hashlib.sha256(content).hexdigest(),
            "bytes": len(content),
        }
    (bundle / MANIFEST).write_text(json.dumps(fields), "utf-8")


def _rewritten(random: Random, bundle: Path, name: str, names: list[str]) -> bytes:
    """Return what a faulty writer would have put into a file."""
    content = (bundle / name).read_bytes()
    ending = Path(name).suffix
    if ending in NATIVE or random.random() < 0.1:
        other = random.choice([one for one in names if Path(one).suffix == ending])
        cut = content[: random.choice((0, 1, len(content) // 2, len(content) - 1))]
        return random.choice((cut, (bundle / other).read_bytes()))
    if ending == ".json":
        return _file(random, json.loads(content), content)
    if random.random() < 0.2:
        head = content[:128]
        return damaged(random, head) + content[128:]
    return _odd_array(random, content)


def _file(random: Random, value: Any, content: bytes) -> bytes:  # noqa: ANN401 - any JSON
    if random.random() < 0.7:
        return json_bytes(random, value)
    return damaged(random, content)


def _odd_array(random: Random, content: bytes) -> bytes:
    array = np.load(io.BytesIO(content), allow_pickle=False)
    changes: tuple[Change, ...] = (_numbers, _numbers, _numbers, _dtype, _shape, _shape, _order)
    with np.errstate(all="ignore"):
        changed = random.choice(changes)(random, array.copy())
    written = io.BytesIO()
    np.save(written, changed, allow_pickle=False)
    return written.getvalue()


def _numbers(random: Random, array: NDArray[Any]) -> NDArray[Any]:
    flat = array.reshape(-1)
    for _ in range(random.choice((1, 1, 5))):
        if len(flat):
            number = np.array(random.choice(ODD_NUMBERS))
            flat[random.randrange(len(flat))] = number.astype(array.dtype)
    return array


def _dtype(random: Random, array: NDArray[Any]) -> NDArray[Any]:
    wanted = np.dtype(random.choice(ODD_DTYPES))
    try:
        return array.astype(wanted)
    except (TypeError, ValueError):
        return np.zeros(array.shape, wanted)


def _shape(random: Random, array: NDArray[Any]) -> NDArray[Any]:
    match random.randrange(5):
        case 0:
            return array[: random.randint(0, len(array))] if array.ndim else array[None]
        case 1:
            return array[None]
        case 2:
            return array.reshape(-1)
        case 3:
            return np.concatenate([array, array]) if array.ndim else array
    return array[..., :1] if array.ndim else array


def _order(random: Random, array: NDArray[Any]) -> NDArray[Any]:
    return array[::-1] if array.ndim else array
