"""The public keys over HTTP."""

from fastapi import APIRouter, Response

from auth.keyring.schemas import JsonWebKeySet
from auth.resources import Keys

router = APIRouter(prefix="/.well-known", tags=["auth"])


@router.get("/jwks.json")
async def jwks(keys: Keys, response: Response) -> JsonWebKeySet:
    """Show the public keys that tokens are verified with (RFC 7517)."""
    response.headers["Cache-Control"] = "public, max-age=60"
    return JsonWebKeySet.model_validate({"keys": keys.public})
