"""Which sentences are said too often to be anybody's own, and what that does to terms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from string import ascii_lowercase as letters

import polars as pl
import pytest

from data.community import Community
from engine.columns import Links
from engine.types import Rows
from tests.builders import Post, make, vectors_for
from tests.world import NOW
from training.boilerplate import conversations, without_boilerplate
from training.in_the_open import open_texts
from training.texts import texts_of
from training.vocabulary import Vocabulary, build_vocabulary

IMPRINT = "Our gimbal society is a charity that lets its members share all their gimbals at home."
"""Sixteen words, of which "gimbal" is one."""

TWELVE = "one two three four five six seven eight nine ten eleven twelve"
ELEVEN = "one two three four five six seven eight nine ten eleven"
FIVE = "captions by the night owls"


def said_by(people: Sequence[str], sentence: str, visibility: str = "public") -> list[Post]:
    """Return a post by each of them, with a line of their own before the sentence."""
    return [
        Post(f"p-{who}", (who,), ("g",), NOW, f"Mine, {who}.\n{sentence}", visibility=visibility)
        for who in people
    ]


def community(posts: Sequence[Post], invisible: Sequence[str] = ()) -> Community:
    people = dict.fromkeys(who for post in posts for who in post.members)
    found = make([*people], {"g": ""}, posts=posts)
    shown = ~pl.col("id").is_in(list(invisible))
    return replace(found, members=found.members.with_columns(discoverable=shown))


def left_of(found: Community) -> list[str]:
    texts = texts_of(found)
    return without_boilerplate(found, [*texts.posts, *texts.members], open_texts(found))


def who_keep(found: Community, sentence: str) -> str:
    """Return who is left with the sentence in their post."""
    posts = zip(found.posts["id"], left_of(found), strict=False)
    return "".join(id_.removeprefix("p-") for id_, text in posts if sentence in text)


@pytest.mark.parametrize(
    ("sentence", "people", "keep"),
    [
        (TWELVE, "ab", "ab"),
        (TWELVE, "abc", "a"),
        (ELEVEN, "abcdefghi", "abcdefghi"),
        (ELEVEN, "abcdefghij", "a"),
        (FIVE, "abcdefghij", "a"),
        ("the night owls everywhere", letters, letters),  # four words
    ],
)
def test_a_sentence_is_left_to_the_first_if_enough_people_repeat_it_for_its_length(
    sentence: str, people: str, keep: str
) -> None:
    assert who_keep(community(said_by(people, sentence)), sentence) == keep


def test_what_stands_around_a_repeated_sentence_stays() -> None:
    posts = said_by("abc", f"{IMPRINT} And more")
    assert left_of(community(posts))[1].split() == ["Mine,", "b.", "And", "more"]


def test_sentences_are_compared_by_words_without_case_links_and_numbers() -> None:
    posts = [
        *said_by(
            "a", "The 3rd meeting of all who like to fold small paper boats, see https://a.org/1."
        ),
        *said_by("b", "THE 4th meeting of all who like to fold small paper boats: see <link>"),
        *said_by("c", "the 21st meeting of all, who like to fold small (paper) boats, see"),
    ]
    assert [text.strip() for text in left_of(community(posts))[1:3]] == ["Mine, b.", "Mine, c."]


def test_answers_that_repeat_the_question_keep_it() -> None:
    question, *answers = said_by("abcd", TWELVE)
    answers = [replace(answer, parent=question.id) for answer in answers]
    assert who_keep(community([question, *answers]), TWELVE) == "abcd"
    elsewhere = said_by("e", TWELVE)  # five people, but two conversations
    assert who_keep(community([question, *answers, *elsewhere]), TWELVE) == "abcde"


def test_what_one_person_repeats_is_their_own() -> None:
    posts = [Post(f"p-{n}", ("a",), ("g",), NOW, f"Week {n}.\n{TWELVE}") for n in range(4)]
    assert who_keep(community(posts), TWELVE) == "0123"
    unsigned = [replace(post, members=()) for post in posts]
    assert who_keep(community([*unsigned, *said_by("a", "More.")]), TWELVE) == "0123"


def test_a_text_said_again_word_for_word_is_one_text() -> None:
    posts = [Post(f"p-{who}", (who,), ("g",), NOW, TWELVE) for who in "abc"]
    assert who_keep(community(posts), TWELVE) == "abc"


@pytest.mark.parametrize(("sentence", "dropped"), [(TWELVE, True), (ELEVEN, False)])
def test_of_a_profile_only_long_sentences_are_left_out(sentence: str, dropped: bool) -> None:
    people = {who: f"I am {who}.\n{sentence}" for who in letters}
    copies = left_of(make(people, {"g": ""}))[1:]
    assert all((sentence not in text) == dropped for text in copies)


def test_what_not_all_may_see_neither_counts_nor_keeps_a_sentence() -> None:
    hidden, open_ = said_by("x", TWELVE), said_by("ab", TWELVE)
    assert who_keep(community(hidden + open_, invisible="x"), TWELVE) == "xab"
    private = said_by("y", TWELVE, visibility="private")
    assert who_keep(community(private + open_), TWELVE) == "ab"  # a private post has no text
    whole = community(hidden + said_by("abc", TWELVE), invisible="x")
    assert who_keep(whole, TWELVE) == "a", "the first that all may see, and not the hidden one"


def test_a_hidden_answer_in_the_same_words_makes_two_conversations_no_one() -> None:
    question, hidden, alike, other = said_by("axbc", TWELVE)
    hidden = replace(hidden, text=alike.text, parent=question.id)
    found = community([question, hidden, alike, other], invisible="x")
    assert who_keep(found, TWELVE) == "a"


def test_an_answer_to_what_not_all_may_see_is_a_conversation_of_its_own() -> None:
    question, *answers = said_by("xabc", TWELVE)
    answers = [replace(answer, parent=question.id) for answer in answers]
    found = community([question, *answers], invisible="x")
    assert conversations(found, 4 + 4).tolist() == list(range(8))
    assert who_keep(found, TWELVE) == "a"


def vocabulary_of(posts: Sequence[Post]) -> tuple[Vocabulary, Community]:
    subjects = ("rocket", "sourdough", "chat")
    more = [
        Post(f"{subject}{n}", (f"{subject}{n}",), ("g",), NOW, f"the {subject} of {n}")
        for subject in subjects
        for n in range(10)
    ]
    found = community([*more, *posts])
    texts = texts_of(found)
    return build_vocabulary(found, texts, vectors_for(texts)), found


def told_of(found: Community, links: Links, posts: Rows, term: int) -> dict[str, str]:
    """Return who has a term, and the post that shows it."""
    ids, names = found.posts["id"].to_list(), found.members["id"].to_list()
    owners = [row for row in range(len(links)) for _ in links.of_row(row)[0]]
    uses = zip(owners, links.targets.tolist(), posts.tolist(), strict=True)
    return {names[owner]: ids[post] for owner, target, post in uses if target == term}


def test_a_repeated_sentence_gives_no_term_to_its_copies() -> None:
    copies = said_by("abcdef", f"About a rocket. {IMPRINT}")
    assert "gimbal" not in vocabulary_of(copies)[0].words.tolist()
    own = [Post(f"own-{who}", (who,), ("g",), NOW, f"gimbal rocket {who}") for who in "bxyz"]
    here, found = vocabulary_of([*own, *copies])
    shown = told_of(found, here.members, here.member_posts, here.words.tolist().index("gimbal"))
    assert shown == {"a": "p-a", "b": "own-b", "x": "own-x", "y": "own-y", "z": "own-z"}


def test_a_text_keeps_the_language_it_is_in() -> None:
    # Less the sentence these are three words in no language, of one subject: no news among such.
    copies = said_by([f"somebody{n}" for n in range(9)], IMPRINT)
    posts = [replace(post, text=post.text.replace("Mine", "tiller rocket")) for post in copies]
    assert "tiller" in vocabulary_of(posts)[0].words.tolist()
