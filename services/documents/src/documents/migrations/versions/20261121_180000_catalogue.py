"""Categories, suppliers, tags, and what users say about their documents."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "20261121_180000"
down_revision: str | None = "20261121_120000"

_NOUNS = {"categories": "description", "suppliers": "description", "tags": "color"}


def upgrade() -> None:
    for table, detail in _NOUNS.items():
        op.create_table(
            table,
            sa.Column("id", sa.Uuid(), nullable=False),
            sa.Column("user_id", sa.Uuid(), nullable=False),
            sa.Column("name", sa.Text(), nullable=False),
            sa.Column(detail, sa.Text(), nullable=False, server_default=""),
            sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
            sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        )
        op.create_index(
            f"uq_{table}_user_id_name", table, ["user_id", sa.text("lower(name)")], unique=True
        )
    op.add_column("documents", sa.Column("document_type", sa.Text(), nullable=True))
    for column, table in (("category_id", "categories"), ("supplier_id", "suppliers")):
        op.add_column("documents", sa.Column(column, sa.Uuid(), nullable=True))
        op.create_foreign_key(
            f"fk_documents_{column}", "documents", table, [column], ["id"], ondelete="SET NULL"
        )
        op.create_index(f"ix_documents_{column}", "documents", [column])
    op.add_column(
        "documents",
        sa.Column("tags", postgresql.ARRAY(sa.Text()), nullable=False, server_default="{}"),
    )
    op.add_column(
        "documents",
        sa.Column("metadata", postgresql.JSONB(), nullable=False, server_default="{}"),
    )
    op.add_column(
        "documents", sa.Column("version", sa.Integer(), nullable=False, server_default="1")
    )
    op.create_index("ix_documents_tags", "documents", ["tags"], postgresql_using="gin")
    op.create_index(
        "ix_documents_deleted_at",
        "documents",
        ["deleted_at"],
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_documents_deleted_at", "documents")
    for column in ("version", "metadata", "tags", "supplier_id", "category_id", "document_type"):
        op.drop_column("documents", column)
    for table in _NOUNS:
        op.drop_table(table)
