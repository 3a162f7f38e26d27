"""Sizes in words, and settings on their way to a worker."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from belong.cli import app
from engine.errors import SettingError
from serving.settings import ServeSettings, bytes_of


@pytest.mark.parametrize(
    ("text", "size"),
    [("2GB", 2_000_000_000), ("512 mb", 512_000_000), ("1.5GiB", 1_610_612_736), ("12b", 12)],
)
def test_a_size_in_words_is_read(text: str, size: int) -> None:
    assert bytes_of(text) == size


@pytest.mark.parametrize("text", ["", "GB", "-1GB", "0", "1e9", "2IB", "nan", "2PB", "0.1B"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(SettingError, match="2GB"):
        bytes_of(text)


def test_a_worker_is_given_the_limit_and_none_is_none() -> None:
    settings = ServeSettings(Path("bundles"), memory_limit=5)
    for given in (settings, replace(settings, memory_limit=None)):
        assert ServeSettings.from_json(given.to_json()) == given
    with pytest.raises(SettingError):
        replace(settings, memory_limit=0)


def test_a_limit_on_the_command_line_that_is_no_size_is_refused_before_anything_is_read() -> None:
    asked = ["serve", "--bundles", "nowhere", "--memory-limit", "much"]
    found = CliRunner().invoke(app, asked)
    assert isinstance(found.exception, SettingError)
    assert "much" in str(found.exception)
