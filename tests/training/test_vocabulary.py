"""Which terms a reason may name, and what is shown for them."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from data.community import Community
from engine.bundle import load_bundle
from engine.snapshot import OWN_WORDS, TOOK_PART, Snapshot
from engine.terms import analyze
from tests.builders import Post, make, vectors_for
from tests.training.conftest import Trained
from tests.world import NOW, world
from training.spoken import PROFILE
from training.texts import Texts, texts_of
from training.vocabulary import MIN_WRITERS, Vocabulary, build_vocabulary

Said = list[tuple[str, str]]
"""Who, and what they wrote."""


def background() -> Said:
    """Return thirty texts about three subjects by thirty people, no word of note in them."""
    subjects = ("rocket", "sourdough", "chat")
    return [(f"{subject}{n}", f"the {subject} of {n}") for subject in subjects for n in range(10)]


def community_of(said: Said, visibility: str = "public") -> Community:
    people = list(dict.fromkeys(who for who, _ in said))
    posts = [
        Post(f"p{n}", (who,), ("g",), NOW, text, visibility=visibility)
        for n, (who, text) in enumerate(said)
    ]
    return make(people, {"g": ""}, posts=posts)


def vocabulary_of(found: Community) -> Vocabulary:
    texts = texts_of(found)
    return build_vocabulary(found, texts, vectors_for(texts))


def named(said: Said) -> list[str]:
    return vocabulary_of(community_of(background() + said)).words.tolist()


def by(people: str, text: str) -> Said:
    return [(who, f"{text} rocket {who}") for who in people]


def test_a_term_of_three_people_about_one_thing_is_named() -> None:
    assert "gimbal" in named(by("abc", "gimbal"))


def test_a_term_of_two_people_is_never_named_however_often_they_use_it() -> None:
    assert "gimbal" not in named(by("ab", "gimbal"))
    often = [(who, f"gimbal rocket {who} {n} times") for who in "ab" for n in range(9)]
    assert "gimbal" not in named(often)


def test_a_term_that_comes_up_in_everything_is_not_named() -> None:
    everywhere = [
        (f"{subject}-{who}", f"gizmo {subject} {who}")
        for subject in ("rocket", "sourdough", "chat")
        for who in "ab"
    ]
    assert "gizmo" not in named(everywhere)
    assert "gizmo" in named(by("abcdef", "gizmo"))


def test_a_term_of_too_many_people_is_not_named() -> None:
    assert "gimbal" in named(by("abcdefghij", "gimbal"))
    assert "gimbal" not in named(by("abcdefghijk", "gimbal"))  # eleven, and at most ten may


def test_words_without_content_are_not_named() -> None:
    words = named(by("abc", "which those about we're gimbal ab"))
    assert "gimbal" in words
    assert not {"which", "those", "about", "ab", "we're"} & set(words)


def test_words_that_say_when_are_not_named() -> None:
    words = named(by("abc", "gimbal october"))
    assert "gimbal" in words
    assert not [word for word in words if "october" in word]


def test_a_title_repeated_every_week_is_one_text() -> None:
    weekly = [(who, "Gimbal night at the rocket hall") for who in "abcdef"]
    assert "gimbal" not in named(weekly)


def test_five_authors_of_one_text_are_one_voice() -> None:
    people = [who for who, _ in background()] + [*"abcdef"]
    posts = [Post(f"p{n}", (who,), ("g",), NOW, text) for n, (who, text) in enumerate(background())]
    talk = Post("talk", ("a", "b", "c", "d", "e"), ("g",), NOW, "a gimbal for a rocket")
    more = Post("more", ("f",), ("g",), NOW, "my gimbal on my rocket")
    found = vocabulary_of(make(people, {"g": ""}, posts=[*posts, talk, more]))
    assert "gimbal" not in found.words.tolist()


def test_answers_that_repeat_the_question_are_one_conversation() -> None:
    people = [who for who, _ in background()] + [*"abc"]
    posts = [Post(f"p{n}", (who,), ("g",), NOW, text) for n, (who, text) in enumerate(background())]
    posts += [Post("q", ("a",), ("g",), NOW, "which gimbal for a rocket")]
    answers = [
        Post(f"r{who}", (who,), ("g",), NOW, f"gimbal rocket {who}", parent="q") for who in "bc"
    ]
    found = vocabulary_of(make(people, {"g": ""}, posts=posts + answers))
    assert "gimbal" not in found.words.tolist()


def test_words_of_posts_that_are_not_public_are_never_named_nor_counted() -> None:
    hidden = community_of(background() + by("abcdef", "gimbal"), visibility="private")
    assert vocabulary_of(hidden).words.tolist() == []
    people = [who for who, _ in background()] + [*"abc"]
    posts = [Post(f"p{n}", (who,), ("g",), NOW, text) for n, (who, text) in enumerate(background())]
    posts += [Post("a", ("a",), ("g",), NOW, "gimbal rocket a")]
    posts += [Post("b", ("b",), ("g",), NOW, "gimbal rocket b")]
    posts += [Post("c", ("c",), ("g",), NOW, "gimbal rocket c", visibility="private")]
    found = vocabulary_of(make(people, {"g": ""}, posts=posts))
    assert "gimbal" not in found.words.tolist()


def test_the_word_of_the_secret_pad_is_nowhere() -> None:
    assert "unobtainium" not in world().snapshot.vocabulary.tolist()


def test_a_community_that_says_nothing_has_no_terms() -> None:
    found = vocabulary_of(make(["a"], {"g": "a rocket"}))
    assert len(found.words) == 0
    assert (len(found.members), len(found.groups)) == (1, 1)


def test_a_community_without_a_single_word_has_no_terms() -> None:
    for text in ("42", "!!!", "🚀", "https://example.org"):
        assert len(vocabulary_of(make({"a": text, "b": ""}, ["g"])).words) == 0


def test_rarity_is_the_log_of_voices_over_writers() -> None:
    found = vocabulary_of(community_of(background() + by("abc", "gimbal")))
    row = found.words.tolist().index("gimbal")
    # Thirty people of the background and three more; three of them say it.
    assert found.rarity[row] == np.float32(np.log(33 / 3))


def snapshot_and_texts(town: Trained) -> tuple[Snapshot, Texts]:
    return load_bundle(town.registry.current("town")).snapshot, texts_of(town.community)


def test_every_term_of_a_town_is_used_by_enough_people(town: Trained) -> None:
    snapshot, texts = snapshot_and_texts(town)
    writers: dict[str, set[int]] = defaultdict(set)
    wrote = [*town.community.authors.rows(), *town.community.participations.rows()]
    for post, member in wrote:
        for term in analyze(texts.posts[post]):
            writers[term].add(member)
    for member, text in enumerate(texts.members):
        for term in analyze(text):
            writers[term].add(member)
    words = snapshot.vocabulary.tolist()
    assert len(words) > 20
    assert words == sorted(words)
    assert all(len(writers[word]) >= MIN_WRITERS for word in words)


def test_what_is_shown_for_a_member_is_theirs_public_and_contains_the_term(town: Trained) -> None:
    snapshot, texts = snapshot_and_texts(town)
    members, words = snapshot.members, snapshot.vocabulary.tolist()
    row_of = {post: row for row, post in enumerate(town.community.posts["id"].to_list())}
    wrote = set(town.community.authors.rows())
    took_part = wrote | set(town.community.participations.rows())
    seen = 0
    for member in range(len(members.ids)):
        first = int(members.terms.offsets[member])
        targets, weights = members.terms.of_row(member)
        for place, (term, weight) in enumerate(zip(targets, weights, strict=True)):
            evidence = int(members.term_posts[first + place])
            if evidence == PROFILE:
                assert words[term] in analyze(texts.members[member])
                assert weight == OWN_WORDS
            else:
                post = row_of[snapshot.post_ids[evidence]]
                assert words[term] in analyze(texts.posts[post])
                assert town.community.posts["public"][post]
                assert (post, member) in (wrote if weight == OWN_WORDS else took_part)
                assert weight in {OWN_WORDS, TOOK_PART}
            seen += 1
    assert seen > 100


def test_what_is_shown_for_a_group_stands_in_it_is_public_and_contains_the_term(
    town: Trained,
) -> None:
    snapshot, texts = snapshot_and_texts(town)
    groups, words = snapshot.groups, snapshot.vocabulary.tolist()
    row_of = {post: row for row, post in enumerate(town.community.posts["id"].to_list())}
    stands = set(town.community.post_groups.rows())
    seen = 0
    for group in range(len(groups.ids)):
        first = int(groups.terms.offsets[group])
        for place, term in enumerate(groups.terms.of_row(group)[0]):
            evidence = int(groups.term_posts[first + place])
            if evidence == PROFILE:
                assert words[term] in analyze(texts.groups[group])
            else:
                post = row_of[snapshot.post_ids[evidence]]
                assert (post, group) in stands
                assert town.community.posts["public"][post]
                assert words[term] in analyze(texts.posts[post])
            seen += 1
    assert seen > 20
