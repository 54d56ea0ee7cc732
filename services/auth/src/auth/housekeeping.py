"""What the worker does every so often: forget what is over, and keep the keys fresh."""

from collections.abc import Mapping
from datetime import timedelta

import sqlalchemy as sa
from common import idempotency, inbox
from common.denylist import MAX_TOKEN_SECONDS
from common.periodic import Job
from common.storage import Storage
from cryptography.fernet import Fernet
from sqlalchemy.ext.asyncio import AsyncSession

from auth.api_keys.models import ApiKey
from auth.audit.models import AuditEntry
from auth.base import now
from auth.keyring.rotation import KeyRotation
from auth.links.models import EmailLink
from auth.reports.service import forget_old
from auth.revocations.models import Revocation
from auth.sessions.models import UserSession

_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
_KEPT = 30 * _DAY
"""How long what is over can still be looked at, by whoever asks what happened."""


def jobs(
    *, vault: Fernet, storage: Storage, audit_kept: timedelta, key_max_age: timedelta
) -> Mapping[str, Job]:
    """Return the jobs by name."""

    async def forget_expired(session: AsyncSession) -> None:
        for statement in _expired(audit_kept):
            await session.execute(statement)
        await inbox.forget(session, older_than=_KEPT)
        await idempotency.forget(session)

    async def forget_reports(session: AsyncSession) -> None:
        await forget_old(session, storage)

    async def keep_keys_fresh(session: AsyncSession) -> None:
        await KeyRotation(session, vault).keep_fresh(max_age=key_max_age)

    return {
        "forget-expired": Job(_HOUR, forget_expired),
        "forget-reports": Job(_DAY, forget_reports),
        "keep-keys-fresh": Job(_HOUR, keep_keys_fresh),
    }


def _expired(audit_kept: timedelta) -> list[sa.Delete]:
    # A spent refresh token is kept with its session: it shows that the session was stolen.
    return [
        sa.delete(UserSession).where(
            sa.or_(
                UserSession.expires_at < now() - _KEPT,
                UserSession.idle_until < now() - _KEPT,
                UserSession.revoked_at < now() - _KEPT,
            )
        ),
        sa.delete(EmailLink).where(EmailLink.expires_at < now() - _DAY),
        sa.delete(ApiKey).where(
            sa.or_(ApiKey.expires_at < now() - _KEPT, ApiKey.revoked_at < now() - _KEPT)
        ),
        sa.delete(Revocation).where(
            Revocation.at < now() - 2 * timedelta(seconds=MAX_TOKEN_SECONDS)
        ),
        sa.delete(AuditEntry).where(AuditEntry.at < now() - audit_kept),
    ]
