"""API keys over HTTP."""

from datetime import timedelta
from uuid import UUID

from common.errors import Unauthorized, Unavailable, problems
from fastapi import APIRouter, Depends

from auth.api_keys.errors import ApiKeyNotFound, InvalidApiKey, TooManyApiKeys
from auth.api_keys.schemas import (
    ApiKeyOut,
    ApiKeyRotation,
    CreatedApiKey,
    ExchangedToken,
    KeyExchange,
    NewApiKey,
)
from auth.api_keys.service import TOKEN_SECONDS, Issued
from auth.resources import ApiKeys, SignedInUser
from auth.sessions.errors import SessionRequired
from auth.users.errors import ExceedsOwnPermissions
from auth.wire import no_store

router = APIRouter(
    prefix="/api/v1/auth/api-keys",
    tags=["auth"],
    dependencies=[Depends(no_store)],
    responses=problems(Unauthorized, SessionRequired, Unavailable),
)
internal = APIRouter(prefix="/internal", include_in_schema=False)
"""What only the gateway can reach, since it forwards nothing there."""


@router.get("")
async def list_api_keys(user: SignedInUser, keys: ApiKeys) -> list[ApiKeyOut]:
    """List your API keys, the newest first."""
    return [ApiKeyOut.model_validate(key) for key in await keys.list(user.id)]


@router.post("", status_code=201, responses=problems(ExceedsOwnPermissions, TooManyApiKeys))
async def create_api_key(new: NewApiKey, user: SignedInUser, keys: ApiKeys) -> CreatedApiKey:
    """Make an API key; it is shown this once."""
    return _shown(await keys.create(user.id, new))


@router.post("/{key_id}/rotate", responses=problems(ApiKeyNotFound))
async def rotate_api_key(
    key_id: UUID, user: SignedInUser, keys: ApiKeys, rotation: ApiKeyRotation | None = None
) -> CreatedApiKey:
    """Replace an API key; both work for as long as they are asked to overlap."""
    overlap = timedelta(seconds=rotation.overlap_seconds if rotation else 0)
    return _shown(await keys.rotate(user.id, key_id, overlap=overlap))


@router.delete("/{key_id}", status_code=204, responses=problems(ApiKeyNotFound))
async def revoke_api_key(key_id: UUID, user: SignedInUser, keys: ApiKeys) -> None:
    """Revoke an API key; it is refused everywhere within seconds."""
    await keys.revoke(user.id, key_id)


@internal.post("/token", dependencies=[Depends(no_store)], responses=problems(InvalidApiKey))
async def exchange(request: KeyExchange, keys: ApiKeys) -> ExchangedToken:
    """Exchange an API key for a token that the services understand."""
    token = await keys.exchange(request.api_key.get_secret_value())
    return ExchangedToken(access_token=token, expires_in=TOKEN_SECONDS)


def _shown(issued: Issued) -> CreatedApiKey:
    out = ApiKeyOut.model_validate(issued.key)
    return CreatedApiKey(**out.model_dump(), key=issued.secret)
