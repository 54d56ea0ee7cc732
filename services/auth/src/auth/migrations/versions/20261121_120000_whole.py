"""Roles, mailed links, the second factor, API keys, audit log, reports, revocations, events."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "20261121_120000"
down_revision: str | None = "20261121_000000"

_OWN = [
    "documents:read",
    "documents:write",
    "events:read",
    "messages:send",
    "ocr:run",
    "webhooks:manage",
]
_BEYOND = [
    "audit:read",
    "notifications:broadcast",
    "reports:create",
    "users:delete",
    "users:manage_roles",
    "users:read",
    "users:update",
]
_ROLES = {
    "admin": ("May everything.", sorted(_OWN + _BEYOND)),
    "moderator": (
        "Sees all accounts and what happened.",
        sorted([*_OWN, "audit:read", "users:read"]),
    ),
    "user": ("What everybody may with what is their own.", _OWN),
    "guest": ("Looks, and changes nothing.", ["documents:read", "events:read"]),
}


def _moment(name: str, *, nullable: bool = False, default: bool = False) -> sa.Column[object]:
    server_default = sa.func.now() if default else None
    return sa.Column(
        name, sa.DateTime(timezone=True), nullable=nullable, server_default=server_default
    )


def _of_user(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["user_id"], ["users.id"], name=f"fk_{table}_user_id", ondelete="CASCADE"
    )


def upgrade() -> None:
    _extend_first_tables()
    _create_roles()
    _create_ways_in()
    _create_records()
    _create_frame()


def _extend_first_tables() -> None:
    op.add_column("users", sa.Column("language", sa.Text(), nullable=False, server_default="en"))
    op.add_column("users", _moment("last_login_at", nullable=True))
    op.add_column(
        "users", sa.Column("rights_version", sa.Integer(), nullable=False, server_default="1")
    )
    op.create_index("ix_users_created_at_id", "users", ["created_at", "id"])
    op.add_column("sessions", _moment("last_seen_at", nullable=True))
    op.execute("UPDATE sessions SET last_seen_at = created_at")
    op.alter_column("sessions", "last_seen_at", nullable=False)
    for name in ("address", "user_agent"):
        op.add_column("sessions", sa.Column(name, sa.Text(), nullable=False, server_default=""))
    op.add_column(
        "sessions",
        sa.Column("uses_cookies", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.create_index("ix_sessions_expires_at", "sessions", ["expires_at"])
    op.add_column("signing_keys", _moment("active_from", nullable=True))
    op.execute("UPDATE signing_keys SET active_from = created_at")
    op.alter_column("signing_keys", "active_from", nullable=False)


def _create_roles() -> None:
    roles = op.create_table(
        "roles",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("permissions", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("built_in", sa.Boolean(), nullable=False),
        _moment("created_at", default=True),
        sa.PrimaryKeyConstraint("name", name="pk_roles"),
    )
    op.bulk_insert(
        roles,
        [
            {"name": name, "description": text, "permissions": permissions, "built_in": True}
            for name, (text, permissions) in _ROLES.items()
        ],
    )
    op.create_table(
        "user_roles",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "role", name="pk_user_roles"),
        _of_user("user_roles"),
        sa.ForeignKeyConstraint(
            ["role"], ["roles.name"], name="fk_user_roles_role", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_user_roles_role", "user_roles", ["role"])
    op.execute("INSERT INTO user_roles (user_id, role) SELECT id, 'user' FROM users")


def _create_ways_in() -> None:
    op.create_table(
        "email_links",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        _moment("issued_at"),
        _moment("expires_at"),
        _moment("used_at", nullable=True),
        sa.PrimaryKeyConstraint("digest", name="pk_email_links"),
        _of_user("email_links"),
    )
    op.create_index("ix_email_links_user_id_purpose", "email_links", ["user_id", "purpose"])
    op.create_index("ix_email_links_expires_at", "email_links", ["expires_at"])
    op.create_table(
        "authenticators",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("encrypted_secret", sa.LargeBinary(), nullable=False),
        _moment("created_at"),
        _moment("confirmed_at", nullable=True),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name="pk_authenticators"),
        _of_user("authenticators"),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        _moment("used_at", nullable=True),
        sa.PrimaryKeyConstraint("digest", name="pk_recovery_codes"),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["authenticators.user_id"],
            name="fk_recovery_codes_user_id",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_recovery_codes_user_id", "recovery_codes", ["user_id"])
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("previous_digest", sa.LargeBinary(), nullable=True),
        _moment("previous_expires_at", nullable=True),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        _moment("created_at"),
        _moment("expires_at", nullable=True),
        _moment("last_used_at", nullable=True),
        _moment("revoked_at", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
        sa.UniqueConstraint("digest", name="uq_api_keys_digest"),
        sa.UniqueConstraint("previous_digest", name="uq_api_keys_previous_digest"),
        _of_user("api_keys"),
    )
    op.create_index("ix_api_keys_user_id", "api_keys", ["user_id"])


def _create_records() -> None:
    op.create_table(
        "audit_log",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        _moment("at"),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("user_agent", sa.Text(), nullable=True),
        sa.Column("details", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_log"),
    )
    op.create_index("ix_audit_log_user_id_id", "audit_log", ["user_id", "id"])
    op.create_index("ix_audit_log_at", "audit_log", ["at"])
    op.create_table(
        "revocations",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=True),
        _moment("at"),
        _moment("announced_at", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_revocations"),
    )
    op.create_index(
        "ix_revocations_unannounced",
        "revocations",
        ["id"],
        postgresql_where=sa.text("announced_at IS NULL"),
    )
    op.create_index("ix_revocations_at", "revocations", ["at"])
    op.create_table(
        "reports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        _moment("since"),
        _moment("until"),
        sa.Column("mail", sa.Boolean(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("progress", sa.Integer(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("error", postgresql.JSONB(), nullable=True),
        _moment("created_at"),
        _moment("completed_at", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_reports"),
    )
    op.create_index("ix_reports_created_at", "reports", ["created_at"])


def _create_frame() -> None:
    op.create_table(
        "outbox",
        sa.Column("position", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("routing_key", sa.Text(), nullable=False),
        _moment("time"),
        sa.Column("data", postgresql.JSONB(), nullable=False),
        sa.Column("trace", postgresql.JSONB(), nullable=False),
        sa.Column("refusals", sa.Integer(), server_default="0", nullable=False),
        _moment("due_at", default=True),
        sa.PrimaryKeyConstraint("position", name="pk_outbox"),
    )
    op.create_index("ix_outbox_refusals_position", "outbox", ["refusals", "position"])
    op.create_table(
        "inbox",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        _moment("received_at", default=True),
        sa.PrimaryKeyConstraint("source", "id", name="pk_inbox"),
    )
    op.create_table(
        "periodic",
        sa.Column("name", sa.Text(), nullable=False),
        _moment("ran_at"),
        sa.PrimaryKeyConstraint("name", name="pk_periodic"),
    )


def downgrade() -> None:
    for table in (
        "periodic",
        "inbox",
        "outbox",
        "reports",
        "revocations",
        "audit_log",
        "api_keys",
        "recovery_codes",
        "authenticators",
        "email_links",
        "user_roles",
        "roles",
    ):
        op.drop_table(table)
    op.drop_column("signing_keys", "active_from")
    op.drop_index("ix_sessions_expires_at", "sessions")
    for column in ("uses_cookies", "user_agent", "address", "last_seen_at"):
        op.drop_column("sessions", column)
    op.drop_index("ix_users_created_at_id", "users")
    for column in ("rights_version", "last_login_at", "language"):
        op.drop_column("users", column)
