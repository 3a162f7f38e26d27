"""A question to begin a conversation with, made from what two people have in common.

The sentences are written by hand and chosen by the pair, so that the same two are given the same
one each time. They hold nothing but what both may see; whoever asks may change them as they like.
"""

from __future__ import annotations

from enum import StrEnum
from zlib import crc32


class About(StrEnum):
    """What a question is about."""

    SOUGHT = "sought"  # what the viewer seeks and the other offers
    OFFERED = "offered"  # the other way round
    WORDS = "words"  # what both talk about
    THEIR_WORDS = "their_words"  # what the other talks about
    GROUP = "group"  # a group both are in
    COMPANION = "companion"  # one whom both know
    COMPANIONS = "companions"  # two whom both know
    NOTHING = "nothing"  # nothing is known that both may see


QUESTIONS = {
    About.SOUGHT: (
        "You offer {it}, which I am looking for. Where would you begin?",
        "I am looking for somebody who knows about {it}. What should I look at first?",
        "What helped you most when {it} was new to you?",
    ),
    About.OFFERED: (
        "You are looking for {it}. What would help you most right now?",
        "I may be able to help with {it}. What are you trying to do?",
        "What made you look for {it}?",
    ),
    About.WORDS: (
        "We both talk about {it}. How did you come to it?",
        "What do you like best about {it}?",
        "What would you tell somebody to whom {it} is new?",
        "Which question about {it} would you like answered?",
    ),
    About.THEIR_WORDS: (
        "How did you come to {it}?",
        "What do you like best about {it}?",
        "What would you tell somebody to whom {it} is new?",
    ),
    About.GROUP: (
        "We are both in {it}. What brought you there?",
        "What do you like best about {it}?",
        "Is there something you would like to see more of in {it}?",
    ),
    About.COMPANION: (
        "We both know {it}. How did the two of you come to talk?",
        "{it} talks with both of us. What do you two talk about?",
    ),
    About.COMPANIONS: (
        "We both know {it}. How did you come to know them?",
        "{it} talk with both of us. What do you talk about with them?",
    ),
    About.NOTHING: (
        "What brought you here?",
        "What would you like to find here?",
        "What are you busy with these days?",
    ),
}
"""For each subject, sentences in which `{it}` stands for what is named."""


def opening(about: About, it: str, pair: tuple[str, str]) -> str:
    """Return a question.

    Args:
        about: What it is about.
        it: What is named, as it stands in a sentence.
        pair: The ids of the two, in any order: the same two are given the same sentence.

    >>> opening(About.NOTHING, "", ("ana", "bo")) == opening(About.NOTHING, "", ("bo", "ana"))
    True
    """
    key = "\n".join([about.value, *sorted(pair)])
    questions = QUESTIONS[about]
    # Not `format`: a name may hold braces.
    chosen = questions[crc32(key.encode("utf-8", "surrogatepass")) % len(questions)]
    return chosen.replace("{it}", it)
