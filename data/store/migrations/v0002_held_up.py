"""A receipt says what keeps a forgetting from being finished.

Revision ID: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("erasures", sa.Column("held_up", sa.Text(), nullable=True))


def downgrade() -> None:
    """Take it away again."""
    op.drop_column("erasures", "held_up")
