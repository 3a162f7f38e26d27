"""Text -> the words and two-word phrases that may become distinctive terms."""

from __future__ import annotations

import re

# A word starts with a letter and may go on with digits, apostrophes, plus, hash or hyphen, so
# that c++, c#, k8s and sous-vide stay whole.
_WORD = re.compile(r"[^\W\d_](?:[\w'’+#-]*[\w+#])?")
_CLAUSE = re.compile(r"[^\w\s'’+#&-]+|\n")
_NOT_PROSE = re.compile(r"<\w+>|https?://\S+|\S+@\S+|\$[^$\n]{0,500}\$|\\\w+")

MAX_CHARACTERS = 8_000
"""Characters of a text that are looked at."""


def analyze(text: str) -> list[str]:
    """Return the words and the two-word phrases of a text, lower-case, in order of appearance.

    Phrases do not cross punctuation; links, addresses and formulas are skipped.

    >>> analyze("Rye levain, again! See https://example.org")
    ['rye', 'levain', 'rye levain', 'again', 'see']
    """
    terms: list[str] = []
    for clause in _CLAUSE.split(_NOT_PROSE.sub(" . ", text[:MAX_CHARACTERS].lower())):
        words = _WORD.findall(clause)
        for position, word in enumerate(words):
            terms.append(word)
            if position:
                terms.append(f"{words[position - 1]} {word}")
    # Pairs follow their second word, so that a phrase never comes before its parts.
    return terms
