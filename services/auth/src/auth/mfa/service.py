"""What can be done with the second factor."""

import secrets
from dataclasses import dataclass
from uuid import UUID

import pyotp
import segno
import sqlalchemy as sa
from cryptography.fernet import Fernet
from sqlalchemy.ext.asyncio import AsyncSession

from auth.audit.models import Action
from auth.audit.service import AuditLog
from auth.base import now
from auth.mfa.errors import (
    CodeRefused,
    CodeRequired,
    InvalidCode,
    MfaAlreadyOn,
    MfaNotSetUp,
    WrongCode,
)
from auth.mfa.models import Authenticator, RecoveryCode
from auth.opaque import digest
from auth.users.models import User

_ISSUER = "Quire"
_RECOVERY_CODES = 10
_GROUPS = 6
_ALPHABET = "23456789abcdefghjkmnpqrstvwxyz"  # nothing that looks like something else


@dataclass(frozen=True)
class Setup:
    """What an authenticator app is given: a secret, the same as an address, and as a picture."""

    secret: str
    otpauth_uri: str
    qr_svg: str


class MfaService:
    """The use cases of the second factor; `vault` encrypts the secrets at rest."""

    def __init__(self, session: AsyncSession, vault: Fernet, audit: AuditLog) -> None:
        self._session = session
        self._vault = vault
        self._audit = audit

    async def is_on(self, user_id: UUID) -> bool:
        """Tell whether a user has a second factor."""
        authenticator = await self._session.get(Authenticator, user_id)
        return authenticator is not None and authenticator.confirmed_at is not None

    async def set_up(self, user: User) -> Setup:
        """Make a secret, which counts once a code confirms it; raises `MfaAlreadyOn`."""
        authenticator = await self._lock(user.id)
        if authenticator is not None and authenticator.confirmed_at is not None:
            raise MfaAlreadyOn
        secret = pyotp.random_base32()
        encrypted = self._vault.encrypt(secret.encode())
        if authenticator is None:
            self._session.add(Authenticator(user_id=user.id, encrypted_secret=encrypted))
        else:
            authenticator.encrypted_secret = encrypted
        uri = pyotp.TOTP(secret).provisioning_uri(name=user.email, issuer_name=_ISSUER)
        return Setup(secret, uri, segno.make(uri, error="m").svg_inline(scale=4))

    async def confirm(self, user_id: UUID, code: str) -> list[str]:
        """Switch the factor on and return the recovery codes, which are shown this once.

        Raises `MfaNotSetUp`, `MfaAlreadyOn`, `CodeRefused`.
        """
        authenticator = await self._lock(user_id)
        if authenticator is None:
            raise MfaNotSetUp
        if authenticator.confirmed_at is not None:
            raise MfaAlreadyOn
        if not authenticator.accept(code, self._secret(authenticator)):
            raise CodeRefused
        authenticator.confirmed_at = now()
        codes = [_recovery_code() for _ in range(_RECOVERY_CODES)]
        self._session.add_all(
            RecoveryCode(digest=digest(_plain(code)), user_id=user_id) for code in codes
        )
        self._audit.record(Action.MFA_ENABLED, actor_id=user_id, user_id=user_id)
        return codes

    async def check(self, user_id: UUID, code: str) -> None:
        """Use up a code of the authenticator, or a recovery code; raises `InvalidCode`."""
        authenticator = await self._lock(user_id)
        if authenticator is None or authenticator.confirmed_at is None:
            raise InvalidCode
        if authenticator.accept(code, self._secret(authenticator)):
            return
        if await self._use_recovery_code(user_id, code):
            self._audit.record(Action.RECOVERY_CODE_USED, actor_id=user_id, user_id=user_id)
            return
        self._audit.record(Action.MFA_FAILED, actor_id=None, user_id=user_id)
        raise InvalidCode

    async def require(self, user_id: UUID, code: str | None) -> None:
        """Ask for a code if the factor is on; raises `CodeRequired`, `WrongCode`."""
        if await self.is_on(user_id):
            if code is None:
                raise CodeRequired
            try:
                await self.check(user_id, code)
            except InvalidCode as error:
                raise WrongCode from error

    async def switch_off(self, user_id: UUID) -> None:
        """Forget the authenticator and its recovery codes; raises `MfaNotSetUp`."""
        authenticator = await self._lock(user_id)
        if authenticator is None:
            raise MfaNotSetUp
        await self._session.delete(authenticator)
        self._audit.record(Action.MFA_DISABLED, actor_id=user_id, user_id=user_id)

    async def _use_recovery_code(self, user_id: UUID, code: str) -> bool:
        used = await self._session.scalar(
            sa.update(RecoveryCode)
            .where(
                RecoveryCode.digest == digest(_plain(code)),
                RecoveryCode.user_id == user_id,
                RecoveryCode.used_at.is_(None),
            )
            .values(used_at=now())
            .returning(RecoveryCode.user_id)
        )
        return used is not None

    async def _lock(self, user_id: UUID) -> Authenticator | None:
        return await self._session.get(Authenticator, user_id, with_for_update=True)

    def _secret(self, authenticator: Authenticator) -> str:
        return self._vault.decrypt(authenticator.encrypted_secret).decode()


def _recovery_code() -> str:
    """Return a code of 117 random bits that can be written down: six groups of four."""
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(_GROUPS))
    return "-".join(groups)


def _plain(code: str) -> str:
    return "".join(filter(str.isalnum, code)).lower()
