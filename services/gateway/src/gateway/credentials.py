"""What a request carries to tell who is asking, and which cookies are a service's to see."""

from dataclasses import dataclass
from typing import Self

from starlette.types import Scope

ACCESS_COOKIE = "__Host-quire_access"
_ACCESS_COOKIE = ACCESS_COOKIE.encode()
_OUR_COOKIES = (b"__Host-quire_", b"__Secure-quire_", b"quire_")


@dataclass(frozen=True, slots=True)
class Credentials:
    """The fields of a request's head that tell who is asking, each as often as it was sent."""

    authorization: list[bytes]
    api_key: list[bytes]
    csrf_token: list[bytes]
    cookies: list[bytes]
    """One for each `name=value`, whatever is between the semicolons."""

    @classmethod
    def of(cls, scope: Scope) -> Self:
        """Pick out what a request, or a WebSocket's handshake, carries."""
        sent: dict[bytes, list[bytes]] = {
            b"authorization": [],
            b"x-api-key": [],
            b"x-csrf-token": [],
            b"cookie": [],
        }
        for name, value in scope["headers"]:
            if name in sent:
                sent[name].append(value)
        return cls(
            sent[b"authorization"],
            sent[b"x-api-key"],
            sent[b"x-csrf-token"],
            [
                stripped
                for field in sent[b"cookie"]
                for part in field.split(b";")
                if (stripped := part.strip())
            ],
        )

    @property
    def access_cookies(self) -> list[bytes]:
        """The values of the cookie that holds an access token; more than one proves nothing."""
        return [
            cookie.partition(b"=")[2].strip()
            for cookie in self.cookies
            if _name(cookie) == _ACCESS_COOKIE
        ]

    def has_scheme(self, scheme: bytes) -> bool:
        """Tell whether there is one Authorization field, and of this scheme (in lower case)."""
        return (
            len(self.authorization) == 1
            and self.authorization[0].partition(b" ")[0].lower() == scheme
        )

    def cookies_for(self, service: str) -> list[bytes]:
        """Return the cookies that are not ours, and for auth all but the access token."""
        if service == "auth":
            return [cookie for cookie in self.cookies if _name(cookie) != _ACCESS_COOKIE]
        return [cookie for cookie in self.cookies if not _name(cookie).startswith(_OUR_COOKIES)]


def _name(cookie: bytes) -> bytes:
    return cookie.partition(b"=")[0].strip()
