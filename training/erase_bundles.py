"""Members are forgotten in every retained bundle, each rewritten whole as a new revision.

A revision is called like its original with `-e1`, `-e2` and so on behind it. It is written beside,
takes the original's place wherever that was promoted, in one step, and then the original goes.
Killed at any moment, running it again finishes: a revision whose original is still there is put
in its place if that had begun, and made anew if not.

What texts of the forgotten shaped is computed again from the community that remains, as it was at
the bundle's time: prototypes, topics and text weights of every group they were ever in or wrote
in. Where the remaining community is not given, or its vectors are not of the bundle's encoder,
such a group is known by its description alone (without the community, by its name), and its text
weights are its topic at the usual length. Weights learnt from all texts together (`bridge`,
`meaning`, `ease`, `places`, the ranker) have no part that is one person's; they wait for the next
training, like counts over whole groups.

What a training that began before a member was forgotten has half written is removed here, so that
it fails; a worker looks into every bundle that is saved after all and knows less than an erasure.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import numpy as np
import polars as pl
from scipy import sparse

from data.community import Community
from engine.bundle import PARTIAL, Bundle, Draft, load_bundle, save_bundle
from engine.columns import Profiles
from engine.encoder import Encoder
from engine.erasure import groups_shaped_by, without_members
from engine.errors import BundleError
from engine.index import VectorIndex
from engine.manifest import Manifest
from engine.registry import DISCARDED, Registry
from engine.snapshot import Snapshot
from engine.types import Matrix, Rows
from training.activity import last_of
from training.bridge import text_weights_of, unit
from training.profiles import Part, group_prototypes
from training.texts import TextVectors, texts_of

ERASURE = "erasure"
"""Where in a manifest's settings a revision says what it replaces, when it was made and for how
many members. It names none of them."""

_REVISION = re.compile(r"(?P<original>.*)-e(?P<number>\d+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Remaining:
    """The community without the forgotten.

    Attributes:
        community: As it is now.
        vectors: Its texts' vectors, by the fingerprint of the encoder that made them.
    """

    community: Community
    vectors: Mapping[str, TextVectors] = field(default_factory=dict)


def erase_from_bundles(
    registry: Registry,
    community: str,
    members: Collection[str],
    now: datetime,
    remaining: Remaining | None = None,
    versions: Collection[str] | None = None,
) -> list[str]:
    """Rewrite every bundle that holds one of these members without them.

    Args:
        registry: Where the bundles are.
        community: Whose.
        members: External ids; of those a bundle does not hold, nothing is to be done in it.
        now: The time that goes into the manifests.
        remaining: What their groups' prototypes are computed from.
        versions: The bundles to look at; None for all.

    Returns:
        The new revisions, oldest bundle first; none if everything was done before.

    Raises:
        BundleError: A bundle could not be rewritten; the others were. Mend or remove it and run
            this again: until then it holds the members.
    """
    finish_interrupted(registry, community)
    made, failed = [], []
    for listed in registry.versions(community):
        if versions is not None and listed.version not in versions:
            continue
        try:
            revision = _revise(registry, community, listed.version, members, (now, remaining))
        except BundleError as error:
            failed.append(f"{listed.version} ({error})")
            continue
        if revision is not None:
            made.append(revision)
    if failed:
        raise BundleError(
            f"members could not be erased from {', '.join(failed)}: mend what is damaged, or "
            "remove it (belong bundles remove), and run the erasure again"
        )
    return made


def finish_interrupted(registry: Registry, community: str) -> None:
    """Finish or undo what a killed run has left, so that each bundle is there once.

    What another training has begun to write is removed as well: it may hold the forgotten.
    """
    folder = registry.folder(community)
    for ending in (PARTIAL, DISCARDED):
        for path in folder.glob(f".*{ending}"):
            shutil.rmtree(path, ignore_errors=True)
    promoted = registry.history(community)
    there = registry.versions(community)
    for listed in there:
        original = _replaced_by(listed.manifest)
        # What a manifest names is a version here, or nothing: never a path to somewhere else.
        if original is None or original not in {one.version for one in there}:
            continue
        if listed.version in promoted:
            registry.replace_version(community, original, listed.version)
            registry.discard(community, original)
        else:
            registry.discard(community, listed.version)


def _replaced_by(manifest: Manifest | None) -> str | None:
    """Return the version that a revision was made to replace, None for what is no revision."""
    made_of = manifest.settings.get(ERASURE) if manifest else None
    original = made_of.get("replaces") if isinstance(made_of, dict) else None
    return original if isinstance(original, str) else None


def _revise(
    registry: Registry,
    community: str,
    version: str,
    members: Collection[str],
    given: tuple[datetime, Remaining | None],
) -> str | None:
    folder = registry.folder(community) / version
    bundle = load_bundle(folder)
    rows = _rows_of(bundle.snapshot, members)
    if not len(rows):
        return None
    now, remaining = given
    snapshot = _reshaped(
        bundle,
        without_members(bundle.snapshot, rows),
        groups_shaped_by(bundle.snapshot, rows),
        remaining,
    )
    manifest = save_bundle(
        Draft(
            _manifest(bundle, snapshot, len(rows), now),
            snapshot,
            VectorIndex.build(snapshot.members.interests.vectors),
            VectorIndex.build(snapshot.groups.prototypes.vectors),
            folder / "encoder",
            bundle.ranker,
            bundle.introductions.without(rows.tolist()),
        ),
        folder.parent,
    )
    registry.replace_version(community, version, manifest.version)
    registry.discard(community, version)
    return manifest.version


def _rows_of(snapshot: Snapshot, members: Collection[str]) -> Rows:
    wanted = set(members) - {""}
    ids = snapshot.members.ids.tolist()
    return np.array([row for row, name in enumerate(ids) if name in wanted], dtype=np.int64)


def _manifest(bundle: Bundle, snapshot: Snapshot, members: int, now: datetime) -> Manifest:
    old = bundle.manifest
    named = _REVISION.fullmatch(old.version)
    original, number = (named["original"], int(named["number"]) + 1) if named else (old.version, 1)
    made_of = {
        "replaces": old.version,
        "at": now.astimezone(UTC).isoformat(timespec="seconds"),
        "members": members,
    }
    return replace(
        old,
        version=f"{original}-e{number}",
        fingerprint=hashlib.sha256(f"{old.fingerprint} without {number}".encode()).hexdigest(),
        sizes=old.sizes | _sizes(bundle.snapshot, snapshot, old.sizes),
        settings=old.settings | {ERASURE: made_of},
        files={},
    )


def _sizes(before: Snapshot, after: Snapshot, told: Mapping[str, int]) -> dict[str, int]:
    def counts(snapshot: Snapshot) -> dict[str, int]:
        members = snapshot.members
        return {
            "members": sum(map(bool, members.ids.tolist())),
            "memberships": len(members.groups.targets) + len(members.left.targets),
            "ties": len(members.ties.targets) // 2,
            "interests": len(members.interests.vectors),
            "prototypes": len(snapshot.groups.prototypes.vectors),
            "terms": sum(map(bool, snapshot.vocabulary.tolist())),
        }

    old, new = counts(before), counts(after)
    return {name: told[name] - (old[name] - new[name]) for name in new if name in told}


def _reshaped(
    bundle: Bundle, snapshot: Snapshot, groups: Rows, remaining: Remaining | None
) -> Snapshot:
    """Return the snapshot with what texts shape computed again for some groups."""
    given = remaining.vectors.get(bundle.encoder.fingerprint) if remaining else None
    known = _known_then(bundle, remaining.community, given) if remaining and given else None
    parts = known.prototypes(groups) if known else {}
    rest = [row for row in groups.tolist() if row not in parts]
    parts |= _described(bundle, rest, remaining)
    old = snapshot.groups.prototypes
    whole = [parts.get(row) or old.of_row(row) for row in range(len(old))]
    prototypes = Profiles.of(old.vectors.shape[1], whole)
    behaviour = snapshot.behaviour
    topics, weights = behaviour.topics.copy(), behaviour.text_weights.copy()
    for row in groups.tolist():
        vectors, shares = parts[row]
        topics[row] = unit((shares @ vectors)[None, :])[0] if len(shares) else 0
    others = np.delete(np.linalg.norm(behaviour.text_weights, axis=1), groups)
    usual = others[others > 0].mean() if (others > 0).any() else 1.0
    weights[groups] = topics[groups] * np.float32(usual)
    if known is not None:
        rows, found = known.text_weights(groups, topics)
        weights[rows] = found
    return replace(
        snapshot,
        groups=replace(snapshot.groups, prototypes=prototypes),
        behaviour=replace(behaviour, topics=topics, text_weights=weights),
    )


def _described(
    bundle: Bundle, groups: Sequence[int], remaining: Remaining | None
) -> dict[int, Part]:
    """Return one prototype for each of the groups, from its description or its name alone."""
    columns, described = bundle.snapshot.groups, {}
    if groups and remaining is not None:
        ids = remaining.community.groups["id"].to_list()
        described = dict(zip(ids, texts_of(remaining.community).groups, strict=True))
    return {
        row: _alone(described.get(columns.ids[row], columns.names[row]), bundle.encoder)
        for row in groups
    }


def _alone(text: str, encoder: Encoder) -> Part:
    if not text.strip():
        return np.zeros((0, encoder.dimension), np.float32), np.zeros(0, np.float32)
    return encoder.encode([text.strip()]), np.ones(1, np.float32)


@dataclass(frozen=True, slots=True)
class _Known:
    """The remaining community as it was at a bundle's time.

    Attributes:
        community: With nothing in it that was posted or joined later.
        vectors: Its texts' vectors, by the bundle's encoder.
        groups: For each of its groups, the row in the bundle, -1 if it has none there.
        interests: Its members' interests, as the bundle has them.
        asof: The last second the bundle knows.
    """

    community: Community
    vectors: TextVectors
    groups: Rows
    interests: Profiles
    asof: float

    def prototypes(self, groups: Rows) -> dict[int, Part]:
        """Return the prototypes of those of the bundle's groups that are still there."""
        here = np.flatnonzero(np.isin(self.groups, groups))
        mine = pl.col("group").is_in(pl.Series(here).implode())
        part = replace(
            self.community,
            post_groups=self.community.post_groups.filter(mine),
            memberships=self.community.memberships.filter(mine),
        )
        found = group_prototypes(part, self.vectors, self.interests, self.asof)
        return {int(self.groups[row]): found.of_row(row) for row in here.tolist()}

    def text_weights(self, groups: Rows, topics: Matrix) -> tuple[Rows, Matrix]:
        """Return those of the bundle's groups that are still there, and their text weights."""
        here = np.flatnonzero(np.isin(self.groups, groups))
        own = np.zeros((len(self.groups), topics.shape[1]), np.float32)
        own[self.groups >= 0] = topics[self.groups[self.groups >= 0]]
        joined = self.community.memberships
        inside = sparse.csr_array(
            (np.ones(len(joined), np.float32), (joined["member"], joined["group"])),
            shape=(len(self.community.members), len(self.groups)),
        )
        weights = text_weights_of(self.community, self.vectors, inside, own)
        return self.groups[here], weights[here]


def _known_then(bundle: Bundle, community: Community, vectors: TextVectors) -> _Known:
    snapshot, end = bundle.snapshot, bundle.manifest.window[1]
    asof = end if end is not None else last_of(community) or 0.0
    when = community.posts.with_row_index("post").cast({"post": pl.Int64}).select("post", "ts")
    earlier = when.filter(pl.col("ts").is_null() | (pl.col("ts") <= asof))
    dated = pl.col("first_ts")
    past = replace(
        community,
        post_groups=community.post_groups.join(
            earlier.select("post"), on="post", how="semi", maintain_order="left"
        ),
        memberships=community.memberships.filter(dated.is_null() | (dated <= asof)),
    )
    rows = {name: row for row, name in enumerate(snapshot.groups.ids.tolist())}
    own = {name: row for row, name in enumerate(snapshot.members.ids.tolist()) if name}
    nothing: Part = (vectors.groups[:0], np.zeros(0, np.float32))
    interests = [
        snapshot.members.interests.of_row(own[name]) if name in own else nothing
        for name in community.members["id"].to_list()
    ]
    return _Known(
        past,
        vectors,
        np.array([rows.get(name, -1) for name in community.groups["id"].to_list()], np.int64),
        Profiles.of(bundle.encoder.dimension, interests),
        asof,
    )
