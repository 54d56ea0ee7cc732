"""The keys that tokens are signed with: in memory while the process runs, encrypted at rest."""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from common.database import Sessions, transaction
from common.security import ALGORITHM
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from jose import jwk, jwt
from pydantic import SecretStr

from auth.errors import SigningKeyLocked
from auth.models import SigningKey
from auth.repository import AuthRepository

logger = structlog.get_logger(__name__)


class Keyring:
    """The signing keys: the newest signs, and all of them are published."""

    def __init__(self, keys: Sequence[SigningKey], vault: Fernet) -> None:
        newest = keys[0]
        self._kid = newest.kid
        self._private_key = jwk.construct(_unlock(newest, vault), ALGORITHM)
        self.public: Sequence[Mapping[str, Any]] = [key.public_jwk for key in keys]
        """The public halves, as JSON Web Keys."""

    def sign(self, claims: Mapping[str, Any], *, kind: str) -> str:
        """Return a token of that kind (its header's `typ`)."""
        headers = {"typ": kind, "kid": self._kid}
        return jwt.encode(dict(claims), self._private_key, ALGORITHM, headers=headers)


async def open_keyring(sessions: Sessions, encryption_key: SecretStr) -> Keyring:
    """Load the keys, and make the first one if there is none; raises `SigningKeyLocked`."""
    vault = Fernet(encryption_key.get_secret_value())
    async with transaction(sessions) as session:
        repository = AuthRepository(session)
        # The lock lets replicas that start together agree: one makes the key, the others wait.
        keys = await repository.lock_signing_keys()
        if not keys:
            keys = [new_signing_key(vault)]
            await repository.add_signing_key(keys[0])
            logger.info("signing key made", kid=keys[0].kid)
    return Keyring(keys, vault)


def new_signing_key(vault: Fernet) -> SigningKey:
    """Make a key pair whose private half only the vault's key can read."""
    private = ec.generate_private_key(ec.SECP256R1())
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = jwk.construct(pem, ALGORITHM).public_key().to_dict()
    kid = thumbprint(public)
    return SigningKey(
        kid=kid,
        encrypted_private_key=vault.encrypt(pem),
        public_jwk={**public, "kid": kid, "use": "sig"},
    )


def thumbprint(key: Mapping[str, Any]) -> str:
    """Return the key's name by RFC 7638: the same key has the same name everywhere."""
    members = {name: key[name] for name in ("crv", "kty", "x", "y")}
    canonical = json.dumps(members, separators=(",", ":"), sort_keys=True)
    digest = hashlib.sha256(canonical.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _unlock(key: SigningKey, vault: Fernet) -> str:
    try:
        return vault.decrypt(key.encrypted_private_key).decode()
    except InvalidToken as error:
        raise SigningKeyLocked(
            f"QUIRE_KEY_ENCRYPTION_KEY is not the one that signing key {key.kid} was stored with."
        ) from error
