"""The HTTP interface: parse by type, authorise by type, call."""

from common.errors import Unauthorized, Unavailable, problems
from common.security import CurrentUser
from fastapi import APIRouter, Depends, Response

from auth.errors import (
    AccountDeactivated,
    EmailTaken,
    InvalidCredentials,
    InvalidRefreshToken,
    RefreshTokenReused,
    SessionEnded,
    UnsupportedMediaType,
    UsernameTaken,
    WeakPassword,
)
from auth.login_form import LOGIN_BODY
from auth.resources import Auth, Keys, LoginForm
from auth.schemas import (
    JsonWebKeySet,
    RefreshRequest,
    Registration,
    SignedIn,
    Ticket,
    TokenPair,
    UserOut,
)
from auth.tokens import TICKET_SECONDS


async def _no_store(response: Response) -> None:
    """Keep tokens out of every cache (RFC 6749, section 5.1)."""
    response.headers["Cache-Control"] = "no-store"


router = APIRouter(prefix="/api/v1/auth", tags=["auth"], dependencies=[Depends(_no_store)])
well_known = APIRouter(prefix="/.well-known", tags=["auth"])

_SIGNED_IN = problems(Unauthorized, Unavailable)


@router.post(
    "/register", status_code=201, responses=problems(EmailTaken, UsernameTaken, WeakPassword)
)
async def register(registration: Registration, auth: Auth) -> UserOut:
    """Open an account."""
    return UserOut.model_validate(await auth.register(registration))


@router.post(
    "/login",
    openapi_extra=LOGIN_BODY,
    responses=problems(InvalidCredentials, AccountDeactivated, UnsupportedMediaType),
)
async def login(credentials: LoginForm, auth: Auth) -> SignedIn:
    """Sign in with the username or the e-mail address, as a form (OAuth2) or as JSON."""
    return SignedIn.model_validate(await auth.login(credentials))


@router.post(
    "/refresh",
    responses=problems(InvalidRefreshToken, RefreshTokenReused, SessionEnded, AccountDeactivated),
)
async def refresh(request: RefreshRequest, auth: Auth) -> TokenPair:
    """Exchange a refresh token for a new pair. It works once; used again, it ends the session.

    So never refresh in parallel, and do not repeat a refresh whose answer was lost: sign in again.
    """
    return TokenPair.model_validate(await auth.refresh(request))


@router.post("/logout", status_code=204, responses=_SIGNED_IN)
async def logout(user: CurrentUser, auth: Auth) -> None:
    """End this session: its refresh token is refused from now on.

    Access tokens that are already out stay valid until they run out, within minutes.
    """
    await auth.logout(user.session_id)


@router.get("/me", responses=_SIGNED_IN)
async def me(user: CurrentUser, auth: Auth) -> UserOut:
    """Show your account."""
    return UserOut.model_validate(await auth.user(user.id))


@router.post("/ticket", responses=_SIGNED_IN)
async def ticket(user: CurrentUser, auth: Auth) -> Ticket:
    """Get a ticket that opens one WebSocket within 30 seconds, where no header can be sent."""
    token = auth.ticket(user_id=user.id, session_id=user.session_id)
    return Ticket(ticket=token, expires_in=TICKET_SECONDS)


@well_known.get("/jwks.json")
async def jwks(keys: Keys, response: Response) -> JsonWebKeySet:
    """Show the public keys that tokens are verified with (RFC 7517)."""
    response.headers["Cache-Control"] = "public, max-age=60"
    return JsonWebKeySet.model_validate({"keys": keys.public})
