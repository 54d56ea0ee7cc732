"""The passwords of documents: encrypted as soon as they come in, and opened by workers alone."""

from cryptography.fernet import Fernet
from pydantic import SecretStr


def sealed(seal: Fernet, password: SecretStr | None) -> str | None:
    """Return a password as it may lie in the database and travel in events."""
    return seal.encrypt(password.get_secret_value().encode()).decode() if password else None
