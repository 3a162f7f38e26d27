"""Who has been introduced to whom, week by week.

Revision ID: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from data.store.table_parts import NAME

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "introductions",
        sa.Column("community", NAME, nullable=False),
        sa.Column("receiver", NAME, nullable=False),
        sa.Column("other", NAME, nullable=False),
        sa.Column("iso_week", NAME, nullable=False),
        sa.Column("at_ts", sa.Double(), nullable=False),
        sa.Column("why", NAME, nullable=False),
        sa.Column("rests_until_ts", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["community", "receiver"],
            ["members.community", "members.id"],
            name="introductions_receiver_members",
        ),
        sa.ForeignKeyConstraint(
            ["community", "other"],
            ["members.community", "members.id"],
            name="introductions_other_members",
        ),
        sa.PrimaryKeyConstraint(
            "community", "receiver", "other", "iso_week", name="introductions_key"
        ),
    )
    op.create_index("introductions_by_other", "introductions", ["community", "other"])
    op.create_index("introductions_by_iso_week", "introductions", ["community", "iso_week"])


def downgrade() -> None:
    """Take it away again."""
    op.drop_table("introductions")
