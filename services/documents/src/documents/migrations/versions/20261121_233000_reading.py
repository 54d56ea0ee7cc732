"""Jobs in turns: several for one document, tried again, cancelled, and shared out fairly."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "20261121_233000"
down_revision: str | None = "20261121_230000"

_WAITING = "status = 'queued' AND asked_at IS NULL AND NOT held"
_BEGUN = "status IN ('queued', 'processing') AND asked_at IS NOT NULL"
_COLUMNS: tuple[sa.Column[Any], ...] = (
    sa.Column("user_id", sa.Uuid),
    sa.Column("current", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="1"),
    sa.Column("urgency", sa.SmallInteger, nullable=False, server_default="1"),
    sa.Column("held", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("backend", sa.Text),
    sa.Column("language", sa.Text),
    sa.Column("force_ocr", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("sealed_password", sa.Text),
    sa.Column("todo", postgresql.JSONB, nullable=False, server_default="[]"),
    sa.Column("in_flight", sa.Integer, nullable=False, server_default="0"),
    sa.Column("page_ms", sa.Double),
    sa.Column("asked_at", sa.DateTime(timezone=True)),
    sa.Column("heard_at", sa.DateTime(timezone=True)),
    sa.Column("revivals", sa.Integer, nullable=False, server_default="0"),
    sa.Column("understanding", postgresql.JSONB),
    sa.Column("corrections", postgresql.JSONB),
    sa.Column("outputs", postgresql.ARRAY(sa.Text), nullable=False, server_default="{}"),
    sa.Column("output_failures", postgresql.JSONB, nullable=False, server_default="{}"),
    sa.Column("trace", postgresql.JSONB, nullable=False, server_default="{}"),
)


def upgrade() -> None:
    for column in _COLUMNS:
        op.add_column("jobs", column)
    op.execute(
        "UPDATE jobs SET user_id = documents.user_id, language = documents.language, "
        "asked_at = jobs.created_at, heard_at = now() "
        "FROM documents WHERE documents.id = jobs.document_id"
    )
    op.alter_column("jobs", "user_id", nullable=False)
    op.drop_constraint("uq_jobs_document_id", "jobs")
    op.create_index(
        "uq_jobs_document_id_current",
        "jobs",
        ["document_id"],
        unique=True,
        postgresql_where=sa.text("current"),
    )
    op.create_index("ix_jobs_document_id", "jobs", ["document_id"])
    op.create_index("ix_jobs_user_id_created_at", "jobs", ["user_id", "created_at", "id"])
    op.create_index(
        "ix_jobs_waiting",
        "jobs",
        ["user_id", sa.text("urgency DESC"), "created_at"],
        postgresql_where=sa.text(_WAITING),
    )
    op.create_index("ix_jobs_begun", "jobs", ["user_id"], postgresql_where=sa.text(_BEGUN))


def downgrade() -> None:
    op.drop_index("ix_jobs_begun", "jobs")
    op.drop_index("ix_jobs_waiting", "jobs")
    op.drop_index("ix_jobs_user_id_created_at", "jobs")
    op.drop_index("ix_jobs_document_id", "jobs")
    op.drop_index("uq_jobs_document_id_current", "jobs")
    for noun, key in (("pages", "job_id"), ("search_backlog", "job_id"), ("jobs", "id")):
        old = "SELECT id FROM jobs WHERE NOT current"
        op.execute(f"DELETE FROM {noun} WHERE {key} IN ({old})")  # noqa: S608 - see the line above
    op.create_unique_constraint("uq_jobs_document_id", "jobs", ["document_id"])
    for column in reversed(_COLUMNS):
        op.drop_column("jobs", column.name)
