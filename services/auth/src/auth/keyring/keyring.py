"""The keys in memory, while a process runs."""

import asyncio
import base64
import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import structlog
from common.database import Sessions, transaction
from common.errors import Unavailable
from common.keys import ALGORITHM
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from jose import jwk, jwt
from jose.backends.base import Key
from sqlalchemy.exc import SQLAlchemyError

from auth.base import now
from auth.keyring.errors import SigningKeyLocked
from auth.keyring.models import SigningKey, signing
from auth.keyring.repository import KeyRepository

logger = structlog.get_logger(__name__)

_RELOAD_SECONDS = 15.0


class Keyring:
    """The signing keys: the newest that may sign does, and all of them are published."""

    def __init__(self, sessions: Sessions, vault: Fernet) -> None:
        self._sessions = sessions
        self._vault = vault
        self._keys: Sequence[SigningKey] = ()
        self._private: dict[str, Key] = {}

    @property
    def public(self) -> Sequence[Mapping[str, Any]]:
        """The public halves, as JSON Web Keys."""
        return [key.public_jwk for key in self._keys]

    async def fetch_public(self) -> Sequence[Mapping[str, Any]]:
        """Return the public halves to who verifies tokens in this process."""
        return self.public

    def sign(self, claims: Mapping[str, Any], *, kind: str) -> str:
        """Return a token of that kind (its header's `typ`)."""
        kid = signing(self._keys).kid
        headers = {"typ": kind, "kid": kid}
        return jwt.encode(dict(claims), self._private[kid], ALGORITHM, headers=headers)

    async def open(self) -> None:
        """Load the keys, and make the first one if there is none; raises `SigningKeyLocked`."""
        async with transaction(self._sessions) as session:
            repository = KeyRepository(session)
            # The lock lets replicas that start together agree: one makes the key, others wait.
            await repository.lock()
            if not await repository.published():
                key = new_signing_key(self._vault, active_from=now())
                await repository.add(key)
                logger.info("signing key made", kid=key.kid)
        await self.reload()

    async def reload(self) -> None:
        """Load the keys again, for somebody may have rotated them; raises `SigningKeyLocked`."""
        async with self._sessions() as session:
            keys = await KeyRepository(session).published()
        for key in keys:
            if key.kid not in self._private:
                self._private[key.kid] = jwk.construct(unlock(key, self._vault), ALGORITHM)
        self._keys = keys
        self._private = {key.kid: self._private[key.kid] for key in keys}

    async def run(self, *, on_reload: Callable[[], Awaitable[None]]) -> None:
        """Reload every few seconds until cancelled, and tell who verifies with the keys."""
        while True:
            await asyncio.sleep(_RELOAD_SECONDS)
            try:
                await self.reload()
                await on_reload()
            except (SQLAlchemyError, Unavailable, OSError) as error:
                logger.warning("keys cannot be reloaded, the known ones hold", error=repr(error))


def new_signing_key(vault: Fernet, *, active_from: datetime) -> SigningKey:
    """Make a key pair whose private half only the vault's key can read."""
    private = ec.generate_private_key(ec.SECP256R1())
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = jwk.construct(pem, ALGORITHM).public_key().to_dict()
    kid = thumbprint(public)
    return SigningKey(
        kid=kid,
        encrypted_private_key=vault.encrypt(pem),
        public_jwk={**public, "kid": kid, "use": "sig"},
        active_from=active_from,
    )


def thumbprint(key: Mapping[str, Any]) -> str:
    """Return the key's name by RFC 7638: the same key has the same name everywhere."""
    members = {name: key[name] for name in ("crv", "kty", "x", "y")}
    canonical = json.dumps(members, separators=(",", ":"), sort_keys=True)
    digest = hashlib.sha256(canonical.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def unlock(key: SigningKey, vault: Fernet) -> str:
    """Return the private half; raises `SigningKeyLocked` if it is another vault's."""
    try:
        return vault.decrypt(key.encrypted_private_key).decode()
    except InvalidToken as error:
        raise SigningKeyLocked(
            f"QUIRE_KEY_ENCRYPTION_KEY is not the one that signing key {key.kid} was stored with."
        ) from error
