"""What a faulty writer has sealed is refused when a bundle is loaded, not when somebody asks."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.bundle import load_bundle, save_bundle
from engine.errors import BundleError
from tests.bundle_draft import VERSION, draft_of
from tests.engine.test_bundle import replace_file


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


def test_a_column_that_fits_no_other_is_refused_by_name(bundle: Path) -> None:
    file = io.BytesIO()
    np.save(file, np.array([np.nan] * 5, np.float32))
    replace_file(bundle, "rarity.npy", file.getvalue())
    with pytest.raises(BundleError, match=r"rarity\.npy cannot be used .*: train again"):
        load_bundle(bundle)


@pytest.mark.parametrize(
    "header",
    [
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999,)}",
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (5,}",
        b"\x9a",
        b"PK\x03\x04",
    ],
)
def test_a_header_that_asks_for_more_than_there_is_or_is_none_is_refused(
    bundle: Path, header: bytes
) -> None:
    text = header.ljust(117) + b"\n"
    content = b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + bytes(20)
    replace_file(bundle, "rarity.npy", content)
    with pytest.raises(BundleError, match=r"rarity\.npy is no readable column"):
        load_bundle(bundle)


@pytest.mark.parametrize(
    "change",
    [
        lambda card: card.update(dimension=5),
        lambda card: card.update(dimension="4"),
        lambda card: card.update(max_tokens=0),
        lambda card: card.update(max_tokens=2**70),
        lambda card: card.update(inputs=["input_ids"]),
        lambda card: card.update(inputs="input_ids"),
        lambda card: card.update(prompt=None),
    ],
)
def test_an_encoder_that_could_not_encode_is_refused_before_anybody_asks(
    bundle: Path, change: Callable[[dict[str, Any]], object]
) -> None:
    card = json.loads((bundle / "encoder" / "encoder.json").read_text("utf-8"))
    change(card)
    replace_file(bundle, "encoder/encoder.json", json.dumps(card).encode())
    with pytest.raises(BundleError, match="encoder"):
        load_bundle(bundle)


def test_groups_that_are_seldom_shown_are_groups_of_this_bundle(bundle: Path) -> None:
    file = io.BytesIO()
    np.save(file, np.zeros(3, bool))
    replace_file(bundle, "ranker/seldom.npy", file.getvalue())
    with pytest.raises(BundleError, match=r"seldom\.npy is of 3 groups, the bundle has 9"):
        load_bundle(bundle)
