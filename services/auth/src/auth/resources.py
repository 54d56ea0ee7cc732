"""What requests need, and how an endpoint asks for it by type."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from common.database import Session, Sessions
from common.security import TokenVerifier
from fastapi import Depends, Request

from auth.keys import Keyring
from auth.login_form import read_credentials
from auth.passwords import Passwords
from auth.schemas import Credentials
from auth.service import AuthService
from auth.tokens import TokenSigner


@dataclass(frozen=True)
class Resources:
    """What the api process holds open."""

    sessions: Sessions
    keys: Keyring
    signer: TokenSigner
    tokens: TokenVerifier
    passwords: Passwords
    session_lifetime: timedelta


async def _auth(request: Request, session: Session) -> AuthService:
    resources: Resources = request.app.state.resources
    return AuthService(
        session,
        passwords=resources.passwords,
        signer=resources.signer,
        session_lifetime=resources.session_lifetime,
    )


async def _keys(request: Request) -> Keyring:
    resources: Resources = request.app.state.resources
    return resources.keys


Auth = Annotated[AuthService, Depends(_auth)]
Keys = Annotated[Keyring, Depends(_keys)]
LoginForm = Annotated[Credentials, Depends(read_credentials)]
