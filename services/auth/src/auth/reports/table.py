"""The user activity report as CSV (RFC 4180), read and written piece by piece."""

import csv
import io
from collections.abc import AsyncIterator, Iterable, Sequence
from uuid import UUID

import sqlalchemy as sa
from common.database import Sessions

from auth.audit.models import Action, AuditEntry
from auth.reports.models import Report
from auth.roles.repository import Rights, RoleRepository
from auth.users.models import User

_BATCH = 1000
COUNTED = {
    "logins": Action.LOGIN_SUCCEEDED,
    "failed_logins": Action.LOGIN_FAILED,
    "password_changes": Action.PASSWORD_CHANGED,
    "password_resets": Action.PASSWORD_RESET,
    "api_keys_created": Action.API_KEY_CREATED,
    "sessions_revoked": Action.SESSION_REVOKED,
}
HEADER = (
    "user_id",
    "email",
    "username",
    "active",
    "email_verified",
    "roles",
    "registered_at",
    "last_login_at",
    *COUNTED,
)
# What a spreadsheet takes for a formula; a quote before it makes it text (OWASP, CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Table:
    """Writes one line for each user who had an account in the period."""

    def __init__(self, sessions: Sessions, report: Report) -> None:
        self._sessions = sessions
        self._report = report
        self.rows = 0

    async def count(self) -> int:
        """Return how many lines there will be, more or less: people come and go."""
        async with self._sessions() as session:
            query = sa.select(sa.func.count()).select_from(User).where(self._wanted)
            return await session.scalar(query) or 0

    async def lines(self) -> AsyncIterator[bytes]:
        """Yield the table, some lines at a time; no transaction is open in between."""
        yield _csv([HEADER])
        last: UUID | None = None
        while batch := await self._batch(last):
            last = batch[-1][0].id
            self.rows += len(batch)
            yield _csv(_line(user, rights, counts) for user, rights, counts in batch)

    @property
    def _wanted(self) -> sa.ColumnElement[bool]:
        return User.created_at < self._report.until

    async def _batch(self, last: UUID | None) -> Sequence[tuple[User, Rights, dict[str, int]]]:
        async with self._sessions() as session:
            query = sa.select(User).where(self._wanted).order_by(User.id).limit(_BATCH)
            if last is not None:
                query = query.where(User.id > last)
            users = (await session.scalars(query)).all()
            ids = [user.id for user in users]
            rights = await RoleRepository(session).rights_of(ids)
            counts: dict[UUID, dict[str, int]] = {}
            rows = await session.execute(
                sa.select(AuditEntry.user_id, AuditEntry.action, sa.func.count())
                .where(
                    AuditEntry.user_id.in_(ids),
                    AuditEntry.at >= self._report.since,
                    AuditEntry.at < self._report.until,
                    AuditEntry.action.in_([action.value for action in COUNTED.values()]),
                )
                .group_by(AuditEntry.user_id, AuditEntry.action)
            )
            for user_id, action, count in rows:
                if user_id is not None:
                    counts.setdefault(user_id, {})[action] = count
        return [(user, rights.get(user.id, Rights()), counts.get(user.id, {})) for user in users]


def _line(user: User, rights: Rights, counts: dict[str, int]) -> Sequence[object]:
    return (
        user.id,
        user.email,
        user.username,
        user.is_active,
        user.email_verified,
        " ".join(rights.roles),
        user.created_at.isoformat(),
        user.last_login_at.isoformat() if user.last_login_at else "",
        *(counts.get(action.value, 0) for action in COUNTED.values()),
    )


def _csv(lines: Iterable[Sequence[object]]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer).writerows([_inert(value) for value in line] for line in lines)
    return buffer.getvalue().encode()


def _inert(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
