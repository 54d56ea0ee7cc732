"""Keys that hide a secret, in a database or on its way from one service to another (Fernet)."""

from typing import Annotated

from cryptography.fernet import Fernet
from pydantic import AfterValidator, SecretStr


def _is_a_fernet_key(value: SecretStr) -> SecretStr:
    try:
        Fernet(value.get_secret_value())
    except ValueError as error:
        raise ValueError("must be a Fernet key: 32 bytes in URL-safe base64") from error
    return value


FernetKey = Annotated[SecretStr, AfterValidator(_is_a_fernet_key)]


def fernet(key: SecretStr) -> Fernet:
    """Return what encrypts and decrypts with a key."""
    return Fernet(key.get_secret_value())
