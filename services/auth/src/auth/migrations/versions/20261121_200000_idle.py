"""Sessions that nobody uses end before their time."""

import sqlalchemy as sa
from alembic import op

revision: str = "20261121_200000"
down_revision: str | None = "20261121_120000"


def upgrade() -> None:
    op.add_column("sessions", sa.Column("idle_until", sa.DateTime(timezone=True), nullable=True))
    op.execute("UPDATE sessions SET idle_until = now() + interval '7 days'")
    op.alter_column("sessions", "idle_until", nullable=False)


def downgrade() -> None:
    op.drop_column("sessions", "idle_until")
