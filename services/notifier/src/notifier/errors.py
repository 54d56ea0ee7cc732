"""What can go wrong: why a socket is closed by us, and why a mail cannot be sent."""

from typing import ClassVar


class SocketRefused(Exception):
    """A socket is closed, for a reason that its client is told."""

    code: ClassVar[int]
    """From 4000 on they are ours, modelled on the HTTP status (RFC 6455, section 7.4.2)."""
    reason: ClassVar[str]

    def __init__(self) -> None:
        super().__init__(self.reason)


class NotSignedIn(SocketRefused):
    """The socket brought no valid token, or a ticket that has been used."""

    code, reason = 4401, "not signed in"


class TokenExpired(SocketRefused):
    """The token with which the socket was opened is no longer valid."""

    code, reason = 4401, "token expired"


class SessionEnded(SocketRefused):
    """The session, or the right, with which the socket was opened has been taken away."""

    code, reason = 4401, "session ended"


class NotPermitted(SocketRefused):
    """The user, or the API key, may not listen to events."""

    code, reason = 4403, "not permitted"


class OtherUser(SocketRefused):
    """The socket asks for the events of somebody else."""

    code, reason = 4403, "events of another user"


class SlowReader(SocketRefused):
    """The client reads so slowly that what waits for it has become too much or too old."""

    code, reason = 4408, "reading too slowly"


class TryAgainLater(SocketRefused):
    """Something that is needed to open the socket does not answer."""

    code, reason = 1013, "try again later"


class MailRefused(Exception):
    """This mail will never be taken, however often it is sent; others will."""


class LinkUnreadable(Exception):
    """The secret of a link was sealed with another key than ours."""
