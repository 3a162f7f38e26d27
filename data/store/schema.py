"""The tables of the store, the same on SQLite and PostgreSQL.

One database holds many communities, so every table but the shared ones begins with `community`.
The log says *what was touched*; the current tables say how it is now. Nothing is ever read from
the log but names, so that forgetting someone is possible.
"""

from __future__ import annotations

from sqlalchemy import Column, Double, Index, Integer, LargeBinary, Table, Text

from data.store.table_parts import NAME as NAME
from data.store.table_parts import NUMBERED, SEQUENCE
from data.store.table_parts import flag as _flag
from data.store.table_parts import json_value as _json
from data.store.table_parts import metadata as metadata
from data.store.table_parts import moment as _time
from data.store.table_parts import named as _name
from data.store.table_parts import refers as _refers
from data.store.table_parts import table as _table
from data.store.table_parts import words as _words

VERSION = "0004"
"""The newest migration; a store of another version is migrated when it is opened."""

# What there is, and what has been touched.

communities = Table(
    "communities",
    metadata,
    _name("name", key=True),
    Column("head", SEQUENCE, nullable=False, server_default="0"),  # the last entry of its log
    # The last entry that takes something away: no answer is given without it.
    Column("restricted", SEQUENCE, nullable=False, server_default="0"),
    Column("secret", LargeBinary, nullable=False),  # makes tombstones of ids
    _flag("ties_supplied", False),  # otherwise ties follow from posts
    _flag("bands", False),  # whether anyone has an audience band
    _time("created_ts", null=False),
)
log = _table(
    "log",
    Column("seq", SEQUENCE, primary_key=True, autoincrement=False),
    _time("ts", null=False),
    Column("kind", NAME, nullable=False),  # see data.store.log.Touched
    _name("key"),
    _name("other"),
)
Index(None, log.c.community, log.c.key)
Index(None, log.c.community, log.c.other)

# How things are now. See engine.domain.TABLES for what each column means.

members = _table(
    "members",
    _name("id", key=True),
    *map(_words, ("name", "text", "seeking", "offering", "language", "place")),
    Column("audience", Text),  # '' in a community without bands; null if unreadable
    _time("created_ts"),
    _flag("discoverable", True),
    _flag("open_to_introductions", True),
    Column("weekly_introductions", Double, nullable=False, server_default="5"),
    _json("muted_groups"),
    _json("muted_topics"),
    _json("extra"),  # the supplier's further columns
)
groups = _table(
    "groups",
    _name("id", key=True),
    *map(_words, ("name", "text", "visibility", "language", "place")),
    Column("capacity", Double),  # null: no limit. What could not be read is 0
    _time("created_ts"),
    _json("extra"),
)
memberships = _table(
    "memberships",
    _name("member", key=True),
    _name("group", key=True),
    _time("first_ts"),
    Column("n", Double),
    _time("left_ts"),
    _refers(members, "member"),
    _refers(groups, "group"),
)
Index(None, memberships.c.community, memberships.c.group)
posts = _table(
    "posts",
    _name("id", key=True),
    *map(_words, ("title", "text", "visibility")),
    _time("ts"),
    _name("parent", null=True),
    _json("extra"),
)
Index(None, posts.c.community, posts.c.parent)
authors = _table(
    "authors",
    _name("post", key=True),
    _name("member", key=True),
    _refers(posts, "post"),
    _refers(members, "member"),
)
Index(None, authors.c.community, authors.c.member)
post_groups = _table(
    "post_groups",
    _name("post", key=True),
    _name("group", key=True),
    _refers(posts, "post"),
    _refers(groups, "group"),
)
Index(None, post_groups.c.community, post_groups.c.group)
participations = _table(
    "participations",
    _name("post", key=True),
    _name("member", key=True),
    _refers(posts, "post"),
    _refers(members, "member"),
)
Index(None, participations.c.community, participations.c.member)
ties = _table(
    "ties",
    _name("a", key=True),
    _name("b", key=True),
    _time("first_ts"),
    Column("weight", Double),
    _refers(members, "a"),
    _refers(members, "b"),
)
Index(None, ties.c.community, ties.c.b)
blocks = _table(
    "blocks",
    _name("member", key=True),
    _name("other", key=True),
    _refers(members, "member"),
    _refers(members, "other"),
)
Index(None, blocks.c.community, blocks.c.other)

# What the embedder made of texts.

vectors = _table(
    "vectors",
    _name("kind", key=True),  # engine.facts.Written
    _name("id", key=True),
    Column("model", Text, nullable=False),
    Column("digest", Text, nullable=False),  # of the text they were made of
    Column("vectors", LargeBinary, nullable=False),  # float32, row after row
    Column("dimension", Integer, nullable=False),
    _json("weights", null=False),
)
embedding = _table(
    "embedding",
    Column("model", Text, nullable=False),
    Column("done_seq", SEQUENCE, nullable=False),
)

# Work, and who does it.

leases = Table(
    "leases",
    metadata,
    _name("name", key=True),
    _name("holder"),
    _time("until_ts", null=False),
)
jobs = Table(
    "jobs",
    metadata,
    Column("id", NUMBERED, primary_key=True),
    _name("community"),
    _name("kind"),
    _json("payload", null=False),
    _name("state"),  # data.store.jobs.JobState
    _time("run_after_ts", null=False),
    _time("lease_until_ts"),
    Column("holder", Text),
    Column("attempts", Integer, nullable=False, server_default="0"),
    _time("created_ts", null=False),
    _time("finished_ts"),
    Column("error", Text),
    sqlite_autoincrement=True,
)
Index(None, jobs.c.state, jobs.c.run_after_ts)

# What was asked, answered and heard back.

idempotency = _table(
    "idempotency",
    Column("key_digest", NAME, primary_key=True),
    Column("request_digest", Text, nullable=False),
    Column("status", Integer, nullable=False),
    Column("body", Text),
    _time("created_ts", null=False),
)
Index(None, idempotency.c.community, idempotency.c.created_ts)
api_keys = Table(
    "api_keys",
    metadata,
    _name("id", key=True),
    Column("name", Text, nullable=False),
    Column("digest", NAME, nullable=False, unique=True),
    _json("scopes", null=False),
    _json("communities", null=False),
    _time("created_ts", null=False),
    _time("revoked_ts"),
    _name("rotated_from", null=True),
)
served = _table(
    "served",
    _name("recommendation_id", key=True),
    _time("created_ts", null=False),
    _name("member"),
    Column("bundle", Text, nullable=False),
    Column("policy", Text, nullable=False),
    Column("arm", Text),
    Column("purpose", Text, nullable=False),
    _json("items", null=False),
    _json("request"),
)
Index(None, served.c.community, served.c.member)
Index("served_by_time", served.c.community, served.c.created_ts)
pages = _table(  # what a cursor names, for a quarter of an hour
    "pages",
    _name("id", key=True),
    _time("created_ts", null=False),
    _name("viewer"),
    Column("purpose", Text, nullable=False),
    _json("items", null=False),  # ids
)
Index(None, pages.c.community, pages.c.created_ts)
feedback = Table(
    "feedback",
    metadata,
    Column("id", NUMBERED, primary_key=True),
    _name("community"),
    _name("recommendation_id", null=True),
    _name("member"),
    _name("item"),
    Column("item_kind", Text, nullable=False),
    Column("event", Text, nullable=False),
    _time("ts", null=False),
    _time("until_ts"),  # until when the item is not to be shown to the member, null if it may be
    Column("request_id", Text),
    sqlite_autoincrement=True,
)
Index(None, feedback.c.community, feedback.c.member, feedback.c.item)
Index(None, feedback.c.community, feedback.c.item)
Index(None, feedback.c.community, feedback.c.recommendation_id)
_HOLDS = feedback.c.until_ts.is_not(None)
Index(
    None,
    feedback.c.community,
    feedback.c.until_ts,
    sqlite_where=_HOLDS,
    postgresql_where=_HOLDS,
)

introductions = _table(  # a row for each of the two: see data.store.introductions
    "introductions",
    _name("receiver", key=True),
    _name("other", key=True),
    _name("iso_week", key=True),  # such as 2026-W47, by UTC
    _time("at_ts", null=False),
    _name("why"),  # data.store.introductions.Why
    _time("rests_until_ts"),  # after that week they are not introduced again until then
    _refers(members, "receiver"),
    _refers(members, "other"),
)
Index(None, introductions.c.community, introductions.c.other)
Index(None, introductions.c.community, introductions.c.iso_week)

rounds = _table(
    "rounds",
    _name("id", key=True),
    _words("name"),
    Column("version", Text, nullable=False),  # the bundle that planned it
    _json("settings", null=False),  # of data.store.rounds.Settings; names nobody
    _time("created_ts", null=False),
    _time("planned_ts"),  # null while it is being planned
    _time("committed_ts"),  # null while it is a plan
    Column("problem", Text),  # why it could not be planned
)
Index(None, rounds.c.community, rounds.c.committed_ts)
round_places = _table(  # a row for everybody who opted in
    "round_places",
    _name("round", key=True),
    _name("member", key=True),
    Column("place", Integer),  # who has the same meets; null if left out
    Column("quality", Double),  # of that pair or circle
    _words("why"),  # engine.rounds.Why they are left out
    _refers(rounds, "round"),
    _refers(members, "member"),
)
Index(None, round_places.c.community, round_places.c.member)

# What operators did, and what was forgotten.

erasures = Table(
    "erasures",
    metadata,
    _name("id", key=True),
    _name("community"),
    _name("digest"),
    Column("seq", SEQUENCE, nullable=False),
    _time("requested_ts", null=False),
    _json("steps", null=False),  # what was done, and when
    Column("held_up", Text),  # why the next step cannot be done; names nobody
)
Index(None, erasures.c.community, erasures.c.digest)
experiments = _table(
    "experiments",
    _name("name", key=True),
    _json("arms", null=False),
    _time("created_ts", null=False),
)
promotions = Table(
    "promotions",
    metadata,
    Column("id", NUMBERED, primary_key=True),
    _name("community"),
    Column("version", Text, nullable=False),
    _time("ts", null=False),
    _flag("forced", False),
    Column("reason", Text, nullable=False, server_default=""),
    _json("figures"),
    sqlite_autoincrement=True,
)
Index(None, promotions.c.community, promotions.c.ts)
