"""What the keys look like over the wire."""

from pydantic import BaseModel


class JsonWebKey(BaseModel):
    """A public key (RFC 7517)."""

    kty: str
    crv: str
    x: str
    y: str
    kid: str
    alg: str
    use: str


class JsonWebKeySet(BaseModel):
    """The keys that tokens are verified with."""

    keys: list[JsonWebKey]
