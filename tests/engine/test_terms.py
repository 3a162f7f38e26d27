"""Text -> words and phrases."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.terms import MAX_CHARACTERS, analyze


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("", []),
        ("Sous-vide salmon", ["sous-vide", "salmon", "sous-vide salmon"]),
        ("C++, c# and K8s!", ["c++", "c#", "and", "c# and", "k8s", "and k8s"]),
        ("rye. Levain", ["rye", "levain"]),
        ("one\ntwo", ["one", "two"]),
        ("42 tons", ["tons"]),
        ("l'été à Orléans", ["l'été", "à", "l'été à", "orléans", "à orléans"]),
        ("write me@home.org now", ["write", "now"]),
        ("see https://x.org/secret?token=1 now", ["see", "now"]),
        ("hello <br> there", ["hello", "there"]),
        ("where $x^2 + y$ holds", ["where", "holds"]),
        ("\\alpha decay", ["decay"]),
    ],
)
def test_terms_are_words_and_pairs_within_a_clause(text: str, terms: list[str]) -> None:
    assert analyze(text) == terms


def test_only_the_beginning_of_a_text_is_looked_at() -> None:
    assert "levain" in analyze("x, " * 2_000 + "levain")
    assert "levain" not in analyze("x, " * MAX_CHARACTERS + "levain")


@given(st.text())
def test_every_pair_follows_both_of_its_words_and_is_lower_case(text: str) -> None:
    seen: set[str] = set()
    for term in analyze(text):
        assert term == term.lower()
        assert set(term.split(" ")) - {term} <= seen
        seen.add(term)


@pytest.mark.parametrize("piece", ["a", "あ", "a-", "<", "$", "$a", "\\", "'a", "a@", "http://"])
def test_no_text_takes_long(piece: str) -> None:
    start = time.process_time()
    analyze(piece * 20_000)
    assert time.process_time() - start < 2
