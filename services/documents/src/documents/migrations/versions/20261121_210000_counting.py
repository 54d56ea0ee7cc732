"""Count a user's documents in an index alone."""

from alembic import op

revision: str = "20261121_210000"
down_revision: str | None = "20261121_190000"

_INDEX = "ix_documents_user_id_created_at"
_COLUMNS = ["user_id", "created_at", "id"]


def upgrade() -> None:
    op.drop_index(_INDEX, "documents")
    op.create_index(_INDEX, "documents", _COLUMNS, postgresql_include=["deleted_at"])


def downgrade() -> None:
    op.drop_index(_INDEX, "documents")
    op.create_index(_INDEX, "documents", _COLUMNS)
