"""Uploads that take several requests, and what each user has stored."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "20261121_220000"
down_revision: str | None = "20261121_210000"

# Counted by triggers, so that no way in or out can be forgotten. The row is locked from the change
# to its commit, so whoever reads it in the same transaction reads what will be true.
_ADD = """
    INSERT INTO usage (user_id, documents, bytes)
    SELECT user_id, {sign}count(*), {sign}sum({bytes}) FROM {rows} GROUP BY user_id ORDER BY user_id
    ON CONFLICT (user_id) DO UPDATE
    SET documents = usage.documents + excluded.documents, bytes = usage.bytes + excluded.bytes
"""
_FUNCTION = """
CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    {body};
    RETURN NULL;
END $$
"""


def _counts(name: str, body: str) -> None:
    op.execute(_FUNCTION.format(name=name, body=body))


def upgrade() -> None:
    op.create_table(
        "uploads",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("user_id", sa.Uuid, nullable=False, index=True),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("filename", sa.Text, nullable=False),
        sa.Column("fields", postgresql.JSONB, nullable=False),
        sa.Column("upload_metadata", sa.Text),
        sa.Column("length", sa.BigInteger, nullable=False),
        sa.Column("received", sa.BigInteger, nullable=False),
        sa.Column("chunk_size", sa.BigInteger),
        sa.Column("multipart", sa.Text),
        sa.Column("next_number", sa.Integer, nullable=False),
        sa.Column("tail_key", sa.Text),
        sa.Column("fence", sa.Integer, nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True)),
        sa.Column("wanted", sa.Boolean, nullable=False),
        sa.Column("duplicate_id", sa.Uuid),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False, index=True),
    )
    op.create_table(
        "upload_parts",
        sa.Column(
            "upload_id",
            sa.Uuid,
            sa.ForeignKey("uploads.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("etag", sa.Text),
        sa.Column("key", sa.Text),
    )
    op.create_table(
        "usage",
        sa.Column("user_id", sa.Uuid, primary_key=True),
        sa.Column("documents", sa.BigInteger, nullable=False),
        sa.Column("bytes", sa.Numeric, nullable=False),
        sa.Column("closed", sa.Boolean, nullable=False, server_default=sa.false()),
    )
    op.execute(_ADD.format(sign="", bytes="file_size", rows="documents"))
    for sign, change, rows in (("", "insert", "new"), ("-", "delete", "old")):
        name = f"usage_documents_{change}"
        _counts(name, _ADD.format(sign=sign, bytes="file_size", rows="changed"))
        op.execute(
            f"CREATE TRIGGER {name} AFTER {change} ON documents "
            f"REFERENCING {rows} TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION {name}()"
        )
    # An open upload counts with the length that it has announced; ended, its document does.
    _counts(
        "usage_uploads",
        """
        IF TG_OP <> 'INSERT' AND OLD.status = 'open' THEN
            UPDATE usage SET documents = documents - 1, bytes = bytes - OLD.length
            WHERE user_id = OLD.user_id;
        END IF;
        IF TG_OP <> 'DELETE' AND NEW.status = 'open' THEN
            INSERT INTO usage (user_id, documents, bytes) VALUES (NEW.user_id, 1, NEW.length)
            ON CONFLICT (user_id) DO UPDATE
            SET documents = usage.documents + 1, bytes = usage.bytes + excluded.bytes;
        END IF
        """,
    )
    op.execute(
        "CREATE TRIGGER usage_uploads AFTER INSERT OR DELETE OR UPDATE OF status ON uploads "
        "FOR EACH ROW EXECUTE FUNCTION usage_uploads()"
    )


def downgrade() -> None:
    for name, table in (
        ("usage_documents_insert", "documents"),
        ("usage_documents_delete", "documents"),
        ("usage_uploads", "uploads"),
    ):
        op.execute(f"DROP TRIGGER {name} ON {table}")
        op.execute(f"DROP FUNCTION {name}()")
    op.drop_table("usage")
    op.drop_table("upload_parts")
    op.drop_table("uploads")
