"""The audit log's table."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from auth.base import Base, now


class Action(StrEnum):
    """Everything that is worth knowing afterwards."""

    USER_REGISTERED = "user.registered"
    USER_UPDATED = "user.updated"
    USER_DELETED = "user.deleted"
    USER_ACTIVATED = "user.activated"
    USER_DEACTIVATED = "user.deactivated"
    EMAIL_VERIFIED = "email.verified"
    EMAIL_CHANGE_REQUESTED = "email.change_requested"
    LOGIN_SUCCEEDED = "login.succeeded"
    LOGIN_FAILED = "login.failed"
    LOGIN_MFA_REQUIRED = "login.mfa_required"
    SESSION_REVOKED = "session.revoked"
    TOKEN_REUSED = "token.reused"
    PASSWORD_CHANGED = "password.changed"
    PASSWORD_RESET_REQUESTED = "password.reset_requested"
    PASSWORD_RESET = "password.reset"
    MFA_ENABLED = "mfa.enabled"
    MFA_DISABLED = "mfa.disabled"
    MFA_FAILED = "mfa.failed"
    RECOVERY_CODE_USED = "mfa.recovery_code_used"
    API_KEY_CREATED = "api_key.created"
    API_KEY_ROTATED = "api_key.rotated"
    API_KEY_REVOKED = "api_key.revoked"
    ROLE_CREATED = "role.created"
    ROLE_UPDATED = "role.updated"
    ROLE_DELETED = "role.deleted"
    ROLE_GRANTED = "role.granted"
    ROLE_REVOKED = "role.revoked"
    REPORT_REQUESTED = "report.requested"
    SIGNING_KEY_ROTATED = "signing_key.rotated"


class AuditEntry(Base):
    """One thing that has happened. Without foreign keys: it outlives what it tells of."""

    __tablename__ = "audit_log"
    __table_args__ = (
        sa.Index("ix_audit_log_user_id_id", "user_id", "id"),
        sa.Index("ix_audit_log_at", "at"),
    )

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    at: Mapped[datetime] = mapped_column(default=now)
    action: Mapped[str]
    actor_id: Mapped[UUID | None]
    """Who did it; nobody when it is not known who was there."""
    user_id: Mapped[UUID | None]
    """Whose account it was about."""
    address: Mapped[str | None]
    user_agent: Mapped[str | None]
    details: Mapped[dict[str, Any]]
