"""Secrets that we hand out and keep only as digests: refresh tokens, links, API keys."""

import hashlib
import secrets


def new_secret() -> str:
    """Return a secret that nobody can guess: 256 random bits in URL-safe base64."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> bytes:
    """Return what is stored of a secret.

    A plain hash is enough: unlike a password, 256 random bits cannot be tried out. Half of
    a character, which JSON can hold, is in no secret of ours, but must have a digest too.
    """
    return hashlib.sha256(secret.encode(errors="surrogatepass")).digest()
