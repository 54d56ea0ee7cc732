"""The links in mails: where they lead, and the secret that makes them work.

The secret stands in the fragment, which a browser keeps to itself: no server logs it, and no
`Referer` passes it on.
"""

from urllib.parse import quote

from common.sealing import fernet
from cryptography.fernet import InvalidToken

from notifier.errors import LinkUnreadable
from notifier.settings import LinkSettings


class Links:
    """Makes links out of the secrets that the auth service has sealed for us."""

    def __init__(self, settings: LinkSettings) -> None:
        self._api = f"{str(settings.public_url).rstrip('/')}/api/v1"
        self._seal = fernet(settings.link_sealing_key)

    def confirm_address(self, sealed: str) -> str:
        """Return where somebody shows that an address is theirs; raises `LinkUnreadable`."""
        return f"{self._api}/auth/email/verify#token={self._open(sealed)}"

    def reset_password(self, sealed: str) -> str:
        """Return where somebody chooses a new password; raises `LinkUnreadable`."""
        return f"{self._api}/auth/password/reset#token={self._open(sealed)}"

    def _open(self, sealed: str) -> str:
        try:
            return quote(self._seal.decrypt(sealed.encode()).decode(), safe="")
        except (InvalidToken, UnicodeError):
            # Without its cause, which may quote the secret.
            raise LinkUnreadable("the link was not sealed with our link_sealing_key") from None
