"""What can go wrong with signing keys."""


class SigningKeyLocked(Exception):
    """A signing key was encrypted with another `QUIRE_KEY_ENCRYPTION_KEY` than the present one."""
