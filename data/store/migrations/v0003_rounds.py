"""Rounds that were planned or committed, and where each member stands in them.

Revision ID: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from data.store.table_parts import JSON_VALUE, NAME

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "rounds",
        sa.Column("community", NAME, nullable=False),
        sa.Column("id", NAME, nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("settings", JSON_VALUE, nullable=False),
        sa.Column("created_ts", sa.Double(), nullable=False),
        sa.Column("planned_ts", sa.Double(), nullable=True),
        sa.Column("committed_ts", sa.Double(), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("community", "id", name="rounds_key"),
    )
    op.create_index("rounds_by_committed_ts", "rounds", ["community", "committed_ts"])
    op.create_table(
        "round_places",
        sa.Column("community", NAME, nullable=False),
        sa.Column("round", NAME, nullable=False),
        sa.Column("member", NAME, nullable=False),
        sa.Column("place", sa.Integer(), nullable=True),
        sa.Column("quality", sa.Double(), nullable=True),
        sa.Column("why", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["community", "member"],
            ["members.community", "members.id"],
            name="round_places_member_members",
        ),
        sa.ForeignKeyConstraint(
            ["community", "round"],
            ["rounds.community", "rounds.id"],
            name="round_places_round_rounds",
        ),
        sa.PrimaryKeyConstraint("community", "round", "member", name="round_places_key"),
    )
    op.create_index("round_places_by_member", "round_places", ["community", "member"])


def downgrade() -> None:
    """Take them away again."""
    op.drop_table("round_places")
    op.drop_table("rounds")
