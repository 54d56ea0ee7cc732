"""When periodic jobs ran last."""

import sqlalchemy as sa
from alembic import op

revision: str = "20261121_120000"
down_revision: str | None = "20261121_000000"


def upgrade() -> None:
    op.create_table(
        "periodic",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("ran_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_periodic"),
    )


def downgrade() -> None:
    op.drop_table("periodic")
