"""Inbox and periodic jobs."""

import sqlalchemy as sa
from alembic import op

revision: str = "20261121_000000"
down_revision: str | None = None


def upgrade() -> None:
    op.create_table(
        "inbox",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column(
            "received_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False
        ),
        sa.PrimaryKeyConstraint("source", "id", name="pk_inbox"),
    )
    op.create_table(
        "periodic",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("ran_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_periodic"),
    )


def downgrade() -> None:
    for table in ("periodic", "inbox"):
        op.drop_table(table)
