"""Authenticators and recovery codes, and the rules of their life."""

from datetime import datetime
from uuid import UUID

import pyotp
import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from auth.base import Base, now

_STEP_SECONDS = 30
_STEPS_OF_SKEW = 1


class Authenticator(Base):
    """A user's authenticator app: the secret that both sides make the codes of."""

    __tablename__ = "authenticators"

    user_id: Mapped[UUID] = mapped_column(
        sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
    )
    encrypted_secret: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(default=now)
    confirmed_at: Mapped[datetime | None]
    last_step: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    """The time step of the latest code that was accepted: none is, twice (RFC 6238, 5.2)."""

    def accept(self, code: str, secret: str) -> bool:
        """Tell whether the code is right and new, and use it up."""
        totp, code = pyotp.TOTP(secret), code.replace(" ", "")
        present = int(now().timestamp()) // _STEP_SECONDS
        for step in range(present - _STEPS_OF_SKEW, present + _STEPS_OF_SKEW + 1):
            fresh = step > self.last_step
            if pyotp.utils.strings_equal(totp.at(step * _STEP_SECONDS), code) and fresh:
                self.last_step = step
                return True
        return False


class RecoveryCode(Base):
    """A code for when the authenticator is lost; it works once."""

    __tablename__ = "recovery_codes"

    digest: Mapped[bytes] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(
        sa.ForeignKey("authenticators.user_id", ondelete="CASCADE"), index=True
    )
    used_at: Mapped[datetime | None]
