"""Fine-tuning: what is held out, what is a batch, what counts as better, and what is written."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise, permutations
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from sentence_transformers import SentenceTransformer
from transformers import BertConfig, BertModel, BertTokenizerFast

from belong.cli import main
from data.community import Community
from data.write import write_folder
from engine.encoder_training import LESSON_TOKENS, LearningEncoder
from engine.errors import SettingError
from engine.types import Matrix
from tests.builders import community_of
from tests.world import NOW
from training.fine_tune import (
    HELD_OUT,
    MIN_PAIRS,
    FineTuneSettings,
    Outcome,
    batches_of,
    card,
    fine_tune,
    hold_out,
    reciprocal_ranks,
)
from training.pairs import Kind, Pair, pairs_of
from training.progress import SILENT

GROUPS, MEMBERS = 40, 6
"""Groups, and the members of each: 240 pairs."""


def words(side: str, group: int) -> list[str]:
    """Return the five words by which one side speaks of what a group is about."""
    return [f"{side}{group:02d}{letter}" for letter in "abcde"]


def tables(said_by_members: str) -> dict[str, pl.DataFrame]:
    """Return a community in which members name a group's subject by words of their own, or not."""
    groups = [f"g{group:02d}" for group in range(GROUPS)]
    members = [f"m{group:02d}{place}" for group in range(GROUPS) for place in range(MEMBERS)]
    orders = list(permutations(range(5)))[1 : MEMBERS + 1]
    profiles = [
        " ".join(words(said_by_members, group)[at] for at in order)
        for group in range(GROUPS)
        for order in orders
    ]
    return {
        "members": pl.DataFrame({"id": members, "text": profiles}),
        "groups": pl.DataFrame(
            {"id": groups, "name": [words("g", group)[0] for group in range(GROUPS)]}
        ).with_columns(text=pl.Series([" ".join(words("g", group)) for group in range(GROUPS)])),
        "memberships": pl.DataFrame(
            {
                "member": members,
                "group": [group for group in groups for _ in range(MEMBERS)],
                "first_ts": [NOW + place for place in range(len(members))],
            }
        ),
    }


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Several threads are slower than one on a model as small as this."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def apart() -> Community:
    """Members and groups share no word: only learning brings them together."""
    return community_of(tables("m"), "apart")


@pytest.fixture(scope="module")
def alike() -> Community:
    """Members and groups use the same words: there is nothing left to learn."""
    return community_of(tables("g"), "alike")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A transformer of two layers with random weights."""
    folder = tmp_path_factory.mktemp("tiny")
    known = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "end", "other"]
    known += [word for side in "mg" for group in range(GROUPS) for word in words(side, group)]
    (folder / "vocab.txt").write_text("\n".join(known), "utf-8")
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    torch.manual_seed(7)
    BertModel(
        # Small weights: even the small steps of the command change their directions.
        BertConfig(
            vocab_size=len(known),
            intermediate_size=32,
            max_position_embeddings=256,
            initializer_range=0.002,
            **sizes,
        )
    ).save_pretrained(folder / "bert")
    BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder / "bert")
    SentenceTransformer(str(folder / "bert"), device="cpu").save(str(folder / "tiny-model"))
    return folder / "tiny-model"


def settings(model: Path, **changed: object) -> FineTuneSettings:
    quick = FineTuneSettings(str(model), epochs=2, rate=3e-3)
    return replace(quick, **changed)  # type: ignore[arg-type]


def pair(anchor: str, positive: str, topic: str = "") -> Pair:
    return Pair(anchor, positive, Kind.JOINED, topic or positive)


# What is held out


def test_a_tenth_is_held_out_and_no_text_of_theirs_is_learnt_from(apart: Community) -> None:
    rng = np.random.default_rng(0)
    pairs = pairs_of(apart, 1_000, rng)
    lessons, held = hold_out(pairs, rng)
    assert len(pairs) == GROUPS * MEMBERS
    assert len(held) == HELD_OUT * len(pairs)
    assert set(lessons) | set(held) == set(pairs)
    assert not {one.anchor for one in held} & {one.anchor for one in lessons}


def test_all_pairs_of_an_anchor_are_held_out_together_and_it_is_on_no_other_side() -> None:
    # A ring in which each text is anchor twice and positive twice.
    names = [f"text {place}" for place in range(30)]
    ring = [*names, *names[:2]]
    pairs = [pair(one, other) for one, other in pairwise(ring)]
    pairs += [pair(one, other) for one, other in zip(ring, ring[2:], strict=False)]
    lessons, held = hold_out(pairs, np.random.default_rng(3))
    unseen = {one.anchor for one in held}
    assert {one for one in pairs if one.anchor in unseen} == set(held)
    assert not unseen & {text for one in lessons for text in (one.anchor, one.positive)}


# What is a batch


def test_no_text_and_no_topic_stands_twice_in_a_batch_and_every_pair_stands_once() -> None:
    rng = np.random.default_rng(5)
    pairs = [pair(f"a{rng.integers(300)}", f"p{place}", f"t{place % 50}") for place in range(500)]
    batches = batches_of(pairs, 8, np.random.default_rng(1))
    for batch in batches:
        assert 2 <= len(batch) <= 8
        assert len({one.topic for one in batch}) == len(batch)
        assert len({text for one in batch for text in (one.anchor, one.positive)}) == 2 * len(batch)
    taken = [one for batch in batches for one in batch]
    assert len(set(taken)) == len(taken)
    assert len(taken) >= 495  # a few may end up alone
    assert np.mean([len(batch) for batch in batches]) > 6


def test_a_pair_without_company_is_left_out() -> None:
    pairs = [pair(f"a{place}", f"p{place}", "one topic") for place in range(9)]
    assert batches_of(pairs, 4, np.random.default_rng(0)) == []
    batches = batches_of([*pairs, pair("b", "q", "other")], 4, np.random.default_rng(0))
    assert [sorted(one.topic for one in batch) for batch in batches] == [["one topic", "other"]]


# What counts as found


def ranked(pairs: Sequence[Pair], scores: list[list[float]]) -> list[float]:
    """Return reciprocal ranks for scores of each anchor with the candidates c0, c1 and so on."""
    candidates = [f"c{place}" for place in range(len(scores[0]))]
    anchors = np.array(scores, dtype=np.float32)
    unit = np.eye(len(candidates), dtype=np.float32)
    return [float(rank) for rank in reciprocal_ranks(pairs, anchors, candidates, unit)]


def test_a_rank_counts_who_stands_before_it_ties_included() -> None:
    pairs = [pair("a", "c1"), pair("b", "c1"), pair("d", "c1")]
    scores = [[0.1, 0.9, 0.3], [0.8, 0.5, 0.6], [0.5, 0.5, 0.5]]
    assert ranked(pairs, scores) == pytest.approx([1, 1 / 3, 1 / 3])


def test_beyond_the_tenth_place_nothing_is_found() -> None:
    falling = [1 - place / 20 for place in range(12)]
    pairs = [pair("a", "c9"), pair("b", "c10")]
    assert ranked(pairs, [falling, falling]) == pytest.approx([0.1, 0])


def test_an_anchors_other_positives_stand_in_nobodys_way() -> None:
    scores = [0.9, 0.8, 0.7]
    pairs = [pair("a", "c0"), pair("a", "c2"), pair("b", "c2")]
    # For "a", c2 has only c1 before it; for "b", both.
    assert ranked(pairs, [scores] * 3) == pytest.approx([1, 1 / 2, 1 / 3])


def test_a_model_gone_astray_finds_nothing() -> None:
    nan = float("nan")
    pairs = [pair("a", "c0"), pair("b", "c0")]
    assert ranked(pairs, [[nan, nan, nan], [1.0, nan, 0.5]])[0] == 0


def test_better_means_better_on_average_and_not_merely_as_good() -> None:
    kinds = [Kind.JOINED, Kind.ANSWERED]
    before = np.array([0.5, 0.5])
    assert not Outcome(9, kinds, before, before).improved
    assert not Outcome(9, kinds, before, np.array([1.0, 0.0])).improved
    assert not Outcome(9, kinds, before, np.array([np.nan, 1.0])).improved
    better = Outcome(9, kinds, before, np.array([1.0, 0.25]))
    assert better.improved
    assert list(better.rows()) == [
        ("all", 2, 0.5, 0.625),
        ("joined", 1, 0.5, 1.0),
        ("answered", 1, 0.5, 0.25),
    ]


# What is written


def test_a_better_model_is_written_with_its_card(
    apart: Community, tiny: Path, tmp_path: Path
) -> None:
    out = tmp_path / "better"
    outcome = fine_tune(apart, settings(tiny), out, SILENT)
    assert outcome.improved
    assert len(outcome.before) == 24
    assert 214 <= outcome.learnt <= 216  # one may be left without company
    # 24 held out among up to 24 groups: chance finds about 0.16, having learnt far more.
    assert outcome.before.mean() < 0.4
    assert outcome.after.mean() > outcome.before.mean() + 0.2
    said = (out / "README.md").read_text("utf-8")
    assert "tiny-model, fine-tuned on apart" in said
    assert f"| all | 24 | {outcome.before.mean():.3f} | {outcome.after.mean():.3f} |" in said
    assert [path.name for path in tmp_path.iterdir()] == ["better"]
    for path in out.rglob("*.json"):
        assert str(tiny.parent) not in path.read_text("utf-8")


def test_the_model_that_is_written_is_the_one_that_was_measured(
    apart: Community, tiny: Path, tmp_path: Path
) -> None:
    outcome = fine_tune(apart, settings(tiny), tmp_path / "better", SILENT)
    rng = np.random.default_rng(0)
    _, held = hold_out(pairs_of(apart, 5_000, rng), rng)
    candidates = sorted({one.positive for one in held})
    model = SentenceTransformer(str(tmp_path / "better"), device="cpu")
    anchors = model.encode([one.anchor for one in held], normalize_embeddings=True)
    vectors = model.encode(candidates, normalize_embeddings=True)
    found = reciprocal_ranks(held, np.asarray(anchors), candidates, np.asarray(vectors))
    assert found.mean() == pytest.approx(outcome.after.mean(), abs=0.01)


def test_the_same_seed_writes_the_same_files_and_another_does_not(
    apart: Community, tiny: Path, tmp_path: Path
) -> None:
    def files(name: str, seed: int) -> dict[str, bytes]:
        fine_tune(apart, settings(tiny, seed=seed), tmp_path / name, SILENT)
        folder = tmp_path / name
        return {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file()
        }

    first = files("first", 1)
    torch.rand(3)  # what others draw from the common generator changes nothing
    assert files("second", 1) == first
    assert files("third", 2)["model.safetensors"] != first["model.safetensors"]


def test_a_model_no_better_than_before_is_not_written(
    apart: Community, tiny: Path, tmp_path: Path
) -> None:
    outcome = fine_tune(apart, settings(tiny, rate=0.0), tmp_path / "out", SILENT)
    assert outcome.after.tolist() == outcome.before.tolist()
    assert not outcome.improved
    assert list(tmp_path.iterdir()) == []


class StopsAt:
    """A progress that presses Ctrl-C after some units of a step."""

    def __init__(self, name: str, after: int) -> None:
        self.name, self.after = name, after

    @contextmanager
    def task(self, name: str, total: int) -> Iterator[Callable[[int], None]]:
        """Count the units of every step."""
        done = 0

        def advance(units: int) -> None:
            nonlocal done
            done += units
            if name == self.name and done >= self.after:
                raise KeyboardInterrupt

        yield advance


@pytest.mark.parametrize(
    ("step", "after"), [("model", 1), ("learning from pairs", 3), ("measuring after", 24)]
)
def test_ctrl_c_leaves_nothing_behind(
    apart: Community, tiny: Path, tmp_path: Path, step: str, after: int
) -> None:
    with pytest.raises(KeyboardInterrupt):
        fine_tune(apart, settings(tiny), tmp_path / "out", StopsAt(step, after))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("there", ["folder", "file", "dangling link"])
def test_what_is_there_is_never_overwritten(
    apart: Community, tiny: Path, tmp_path: Path, there: str
) -> None:
    out = tmp_path / "out"
    if there == "folder":
        out.mkdir()
    elif there == "file":
        out.write_text("mine")
    else:
        out.symlink_to(tmp_path / "nowhere")
    with pytest.raises(SettingError, match="is there already"):
        fine_tune(apart, settings(tiny), out, SILENT)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_place_that_does_not_exist_is_refused_before_the_work(
    apart: Community, tmp_path: Path
) -> None:
    with pytest.raises(SettingError, match=r"the folder .*nowhere does not exist"):
        fine_tune(apart, settings(tmp_path / "no model"), tmp_path / "nowhere" / "out", SILENT)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"max_pairs": MIN_PAIRS - 1}, "--max-pairs wants at least 200, not 199"),
        # The memberships are a second apart: half of them are 120.
        ({"until": "50%"}, "at least 200 pairs .* there are 120"),
        ({"until": "soon"}, "--until wants a date"),
    ],
)
def test_too_little_to_learn_from_is_said_before_a_model_is_opened(
    apart: Community, tmp_path: Path, changed: dict[str, object], words: str
) -> None:
    with pytest.raises(SettingError, match=words):
        fine_tune(apart, settings(tmp_path / "no model", **changed), tmp_path / "out", SILENT)
    assert list(tmp_path.iterdir()) == []


def test_pairs_of_one_group_only_teach_nothing(tmp_path: Path) -> None:
    members = [f"m{place}" for place in range(MIN_PAIRS)]
    one_group = community_of(
        {
            "members": pl.DataFrame({"id": members, "text": members}),
            "groups": pl.DataFrame({"id": ["g"]}),
            "memberships": pl.DataFrame({"member": members, "group": ["g"] * len(members)}),
        }
    )
    with pytest.raises(SettingError, match="nothing to tell apart"):
        fine_tune(one_group, settings(tmp_path / "no model"), tmp_path / "out", SILENT)


def test_the_card_names_no_path_and_says_what_was_chosen() -> None:
    chosen = FineTuneSettings("/home/ana/models/mine", "80%", 2, 300, 4)
    said = card("town", chosen, Outcome(270, [Kind.JOINED], np.array([0.25]), np.array([0.5])))
    assert "# mine, fine-tuned on town" in said
    assert "/home" not in said
    assert "its past until 80% (epochs 2, seed 4, at most 300 pairs)" in said
    assert "Gain +0.250 (+0.250 to +0.250)." in said


# The encoder


def test_lessons_are_short_and_afterwards_texts_are_read_to_their_end(tiny: Path) -> None:
    opening = "m00a " * (LESSON_TOKENS + 20)
    one, other = f"{opening} end", f"{opening} other"

    def after_learning_from(text: str) -> Matrix:
        encoder = LearningEncoder.open(str(tiny))
        lessons = [[(text, "g00a"), ("m01a", "g01a")]] * 3
        encoder.learn(lessons, 1e-3, 0, lambda _: None)
        return encoder.encode([one, other], lambda _: None)

    vectors = after_learning_from(one)
    assert np.array_equal(vectors, after_learning_from(other))
    assert not np.array_equal(vectors, after_learning_from("m00a other"))
    assert not np.array_equal(vectors[0], vectors[1])


# The command


def ended(*arguments: object) -> int:
    """Run the command and return its exit code."""
    with pytest.raises(SystemExit) as end:
        main([str(one) for one in arguments])
    assert isinstance(end.value.code, int)
    return end.value.code


def test_the_command_writes_a_model_that_train_takes(
    tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_folder(tables("m"), tmp_path / "apart")
    options = ("--model", tiny, "--epochs", 8, "--seed", 1, "--max-pairs", 240)
    out = tmp_path / "better"
    assert ended("fine-tune", tmp_path / "apart", "--out", out, *options) == 0
    said = capsys.readouterr()
    figures = json.loads(said.out)
    assert figures["folder"] == str(out)
    assert figures["held_out"] == 24
    reached = figures["mrr_at_10"]
    assert reached["after"] > reached["before"]
    assert f"{reached['after']:.3f}" in said.err
    written = (out / "README.md").read_text("utf-8")
    assert "# tiny-model, fine-tuned on apart" in written
    assert "(epochs 8, seed 1, at most 240 pairs)" in written
    places = ("--cache", tmp_path / "cache", "--bundles", tmp_path / "bundles")
    assert ended("train", tmp_path / "apart", "--model", out, *places) == 0
    version = json.loads(capsys.readouterr().out)["version"]
    manifest = json.loads(
        (tmp_path / "bundles" / "apart" / version / "manifest.json").read_text("utf-8")
    )
    assert manifest["settings"]["model"] == "better"


def test_the_command_says_that_nothing_was_gained_and_ends_with_1(
    tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_folder(tables("g"), tmp_path / "alike")
    out = tmp_path / "out"
    assert ended("fine-tune", tmp_path / "alike", "--out", out, "--model", tiny) == 1
    said = capsys.readouterr()
    figures = json.loads(said.out)
    assert figures["folder"] is None
    assert figures["mrr_at_10"]["before"] == 1  # the same words: nothing can be better
    assert "not better than before" in said.err
    assert [path.name for path in tmp_path.iterdir()] == ["alike"]


def test_a_mistake_is_one_sentence_and_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_folder(tables("m"), tmp_path / "apart")
    options = ("--out", tmp_path, "--model", "no-such-model")
    assert ended("fine-tune", tmp_path / "apart", *options) == 2
    assert "is there already" in capsys.readouterr().err.splitlines()[-1]
