"""The first form of the store.

Revision ID: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from data.store.table_parts import JSON_VALUE, NAME, NUMBERED

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make every table."""
    op.create_table(
        "api_keys",
        sa.Column("id", NAME, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("digest", NAME, nullable=False),
        sa.Column("scopes", JSON_VALUE, nullable=False),
        sa.Column("communities", JSON_VALUE, nullable=False),
        sa.Column("created_ts", sa.Double(), nullable=False),
        sa.Column("revoked_ts", sa.Double(), nullable=True),
        sa.Column("rotated_from", NAME, nullable=True),
        sa.PrimaryKeyConstraint("id", name="api_keys_key"),
        sa.UniqueConstraint("digest", name="api_keys_one_digest"),
    )
    op.create_table(
        "communities",
        sa.Column("name", NAME, nullable=False),
        sa.Column("head", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("restricted", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("ties_supplied", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("bands", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_ts", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="communities_key"),
    )
    op.create_table(
        "embedding",
        sa.Column("community", NAME, nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("done_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("community", name="embedding_key"),
    )
    op.create_table(
        "erasures",
        sa.Column("id", NAME, nullable=False),
        sa.Column("community", NAME, nullable=False),
        sa.Column("digest", NAME, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("requested_ts", sa.Double(), nullable=False),
        sa.Column("steps", JSON_VALUE, nullable=False),
        sa.PrimaryKeyConstraint("id", name="erasures_key"),
    )
    op.create_index("erasures_by_digest", "erasures", ["community", "digest"])
    op.create_table(
        "experiments",
        sa.Column("community", NAME, nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("arms", JSON_VALUE, nullable=False),
        sa.Column("created_ts", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("community", "name", name="experiments_key"),
    )
    op.create_table(
        "feedback",
        sa.Column("id", NUMBERED, nullable=False),
        sa.Column("community", NAME, nullable=False),
        sa.Column("recommendation_id", NAME, nullable=True),
        sa.Column("member", NAME, nullable=False),
        sa.Column("item", NAME, nullable=False),
        sa.Column("item_kind", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("ts", sa.Double(), nullable=False),
        sa.Column("until_ts", sa.Double(), nullable=True),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="feedback_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("feedback_by_item", "feedback", ["community", "item"])
    op.create_index("feedback_by_member", "feedback", ["community", "member", "item"])
    op.create_index("feedback_by_recommendation_id", "feedback", ["community", "recommendation_id"])
    op.create_index(
        "feedback_by_until_ts",
        "feedback",
        ["community", "until_ts"],
        sqlite_where=sa.text("until_ts IS NOT NULL"),
        postgresql_where=sa.text("until_ts IS NOT NULL"),
    )
    op.create_table(
        "groups",
        sa.Column("community", NAME, nullable=False),
        sa.Column("id", NAME, nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("text", sa.Text(), server_default="", nullable=False),
        sa.Column("visibility", sa.Text(), server_default="", nullable=False),
        sa.Column("language", sa.Text(), server_default="", nullable=False),
        sa.Column("place", sa.Text(), server_default="", nullable=False),
        sa.Column("capacity", sa.Double(), nullable=True),
        sa.Column("created_ts", sa.Double(), nullable=True),
        sa.Column("extra", JSON_VALUE, nullable=True),
        sa.PrimaryKeyConstraint("community", "id", name="groups_key"),
    )
    op.create_table(
        "idempotency",
        sa.Column("community", NAME, nullable=False),
        sa.Column("key_digest", NAME, nullable=False),
        sa.Column("request_digest", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("created_ts", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("community", "key_digest", name="idempotency_key"),
    )
    op.create_index("idempotency_by_created_ts", "idempotency", ["community", "created_ts"])
    op.create_table(
        "jobs",
        sa.Column("id", NUMBERED, nullable=False),
        sa.Column("community", NAME, nullable=False),
        sa.Column("kind", NAME, nullable=False),
        sa.Column("payload", JSON_VALUE, nullable=False),
        sa.Column("state", NAME, nullable=False),
        sa.Column("run_after_ts", sa.Double(), nullable=False),
        sa.Column("lease_until_ts", sa.Double(), nullable=True),
        sa.Column("holder", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_ts", sa.Double(), nullable=False),
        sa.Column("finished_ts", sa.Double(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="jobs_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("jobs_by_run_after_ts", "jobs", ["state", "run_after_ts"])
    op.create_table(
        "leases",
        sa.Column("name", NAME, nullable=False),
        sa.Column("holder", NAME, nullable=False),
        sa.Column("until_ts", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="leases_key"),
    )
    op.create_table(
        "log",
        sa.Column("community", NAME, nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("ts", sa.Double(), nullable=False),
        sa.Column("kind", NAME, nullable=False),
        sa.Column("key", NAME, nullable=False),
        sa.Column("other", NAME, nullable=False),
        sa.PrimaryKeyConstraint("community", "seq", name="log_key"),
    )
    op.create_index("log_by_key", "log", ["community", "key"])
    op.create_index("log_by_other", "log", ["community", "other"])
    op.create_table(
        "members",
        sa.Column("community", NAME, nullable=False),
        sa.Column("id", NAME, nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("text", sa.Text(), server_default="", nullable=False),
        sa.Column("seeking", sa.Text(), server_default="", nullable=False),
        sa.Column("offering", sa.Text(), server_default="", nullable=False),
        sa.Column("language", sa.Text(), server_default="", nullable=False),
        sa.Column("place", sa.Text(), server_default="", nullable=False),
        sa.Column("audience", sa.Text(), nullable=True),
        sa.Column("created_ts", sa.Double(), nullable=True),
        sa.Column("discoverable", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column(
            "open_to_introductions", sa.Boolean(), server_default=sa.text("true"), nullable=False
        ),
        sa.Column("weekly_introductions", sa.Double(), server_default="5", nullable=False),
        sa.Column("muted_groups", JSON_VALUE, nullable=True),
        sa.Column("muted_topics", JSON_VALUE, nullable=True),
        sa.Column("extra", JSON_VALUE, nullable=True),
        sa.PrimaryKeyConstraint("community", "id", name="members_key"),
    )
    op.create_table(
        "posts",
        sa.Column("community", NAME, nullable=False),
        sa.Column("id", NAME, nullable=False),
        sa.Column("title", sa.Text(), server_default="", nullable=False),
        sa.Column("text", sa.Text(), server_default="", nullable=False),
        sa.Column("visibility", sa.Text(), server_default="", nullable=False),
        sa.Column("ts", sa.Double(), nullable=True),
        sa.Column("parent", NAME, nullable=True),
        sa.Column("extra", JSON_VALUE, nullable=True),
        sa.PrimaryKeyConstraint("community", "id", name="posts_key"),
    )
    op.create_index("posts_by_parent", "posts", ["community", "parent"])
    op.create_table(
        "promotions",
        sa.Column("id", NUMBERED, nullable=False),
        sa.Column("community", NAME, nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("ts", sa.Double(), nullable=False),
        sa.Column("forced", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("figures", JSON_VALUE, nullable=True),
        sa.PrimaryKeyConstraint("id", name="promotions_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("promotions_by_ts", "promotions", ["community", "ts"])
    op.create_table(
        "pages",
        sa.Column("community", NAME, nullable=False),
        sa.Column("id", NAME, nullable=False),
        sa.Column("created_ts", sa.Double(), nullable=False),
        sa.Column("viewer", NAME, nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("items", JSON_VALUE, nullable=False),
        sa.PrimaryKeyConstraint("community", "id", name="pages_key"),
    )
    op.create_index("pages_by_created_ts", "pages", ["community", "created_ts"])
    op.create_table(
        "served",
        sa.Column("community", NAME, nullable=False),
        sa.Column("recommendation_id", NAME, nullable=False),
        sa.Column("created_ts", sa.Double(), nullable=False),
        sa.Column("member", NAME, nullable=False),
        sa.Column("bundle", sa.Text(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("arm", sa.Text(), nullable=True),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("items", JSON_VALUE, nullable=False),
        sa.Column("request", JSON_VALUE, nullable=True),
        sa.PrimaryKeyConstraint("community", "recommendation_id", name="served_key"),
    )
    op.create_index("served_by_member", "served", ["community", "member"])
    op.create_index("served_by_time", "served", ["community", "created_ts"])
    op.create_table(
        "vectors",
        sa.Column("community", NAME, nullable=False),
        sa.Column("kind", NAME, nullable=False),
        sa.Column("id", NAME, nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("vectors", sa.LargeBinary(), nullable=False),
        sa.Column("dimension", sa.Integer(), nullable=False),
        sa.Column("weights", JSON_VALUE, nullable=False),
        sa.PrimaryKeyConstraint("community", "kind", "id", name="vectors_key"),
    )
    op.create_table(
        "authors",
        sa.Column("community", NAME, nullable=False),
        sa.Column("post", NAME, nullable=False),
        sa.Column("member", NAME, nullable=False),
        sa.ForeignKeyConstraint(
            ["community", "member"],
            ["members.community", "members.id"],
            name="authors_member_members",
        ),
        sa.ForeignKeyConstraint(
            ["community", "post"], ["posts.community", "posts.id"], name="authors_post_posts"
        ),
        sa.PrimaryKeyConstraint("community", "post", "member", name="authors_key"),
    )
    op.create_index("authors_by_member", "authors", ["community", "member"])
    op.create_table(
        "blocks",
        sa.Column("community", NAME, nullable=False),
        sa.Column("member", NAME, nullable=False),
        sa.Column("other", NAME, nullable=False),
        sa.ForeignKeyConstraint(
            ["community", "member"],
            ["members.community", "members.id"],
            name="blocks_member_members",
        ),
        sa.ForeignKeyConstraint(
            ["community", "other"], ["members.community", "members.id"], name="blocks_other_members"
        ),
        sa.PrimaryKeyConstraint("community", "member", "other", name="blocks_key"),
    )
    op.create_index("blocks_by_other", "blocks", ["community", "other"])
    op.create_table(
        "memberships",
        sa.Column("community", NAME, nullable=False),
        sa.Column("member", NAME, nullable=False),
        sa.Column("group", NAME, nullable=False),
        sa.Column("first_ts", sa.Double(), nullable=True),
        sa.Column("n", sa.Double(), nullable=True),
        sa.Column("left_ts", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["community", "group"],
            ["groups.community", "groups.id"],
            name="memberships_group_groups",
        ),
        sa.ForeignKeyConstraint(
            ["community", "member"],
            ["members.community", "members.id"],
            name="memberships_member_members",
        ),
        sa.PrimaryKeyConstraint("community", "member", "group", name="memberships_key"),
    )
    op.create_index("memberships_by_group", "memberships", ["community", "group"])
    op.create_table(
        "participations",
        sa.Column("community", NAME, nullable=False),
        sa.Column("post", NAME, nullable=False),
        sa.Column("member", NAME, nullable=False),
        sa.ForeignKeyConstraint(
            ["community", "member"],
            ["members.community", "members.id"],
            name="participations_member_members",
        ),
        sa.ForeignKeyConstraint(
            ["community", "post"], ["posts.community", "posts.id"], name="participations_post_posts"
        ),
        sa.PrimaryKeyConstraint("community", "post", "member", name="participations_key"),
    )
    op.create_index("participations_by_member", "participations", ["community", "member"])
    op.create_table(
        "post_groups",
        sa.Column("community", NAME, nullable=False),
        sa.Column("post", NAME, nullable=False),
        sa.Column("group", NAME, nullable=False),
        sa.ForeignKeyConstraint(
            ["community", "group"],
            ["groups.community", "groups.id"],
            name="post_groups_group_groups",
        ),
        sa.ForeignKeyConstraint(
            ["community", "post"], ["posts.community", "posts.id"], name="post_groups_post_posts"
        ),
        sa.PrimaryKeyConstraint("community", "post", "group", name="post_groups_key"),
    )
    op.create_index("post_groups_by_group", "post_groups", ["community", "group"])
    op.create_table(
        "ties",
        sa.Column("community", NAME, nullable=False),
        sa.Column("a", NAME, nullable=False),
        sa.Column("b", NAME, nullable=False),
        sa.Column("first_ts", sa.Double(), nullable=True),
        sa.Column("weight", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["community", "a"], ["members.community", "members.id"], name="ties_a_members"
        ),
        sa.ForeignKeyConstraint(
            ["community", "b"], ["members.community", "members.id"], name="ties_b_members"
        ),
        sa.PrimaryKeyConstraint("community", "a", "b", name="ties_key"),
    )
    op.create_index("ties_by_b", "ties", ["community", "b"])
