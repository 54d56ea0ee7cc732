"""Signing in and out over HTTP."""

from typing import Annotated
from uuid import UUID

from common.errors import Unauthorized, Unavailable, problems
from contracts import RevocationReason
from fastapi import APIRouter, Cookie, Depends, Header, Request, Response

from auth.mfa.errors import InvalidCode, InvalidMfaToken
from auth.resources import Cookies, LoginForm, Logins, Sessions, SignedInUser, StreamUser, TokenForm
from auth.sessions.cookies import REFRESH_COOKIE, clear_cookies
from auth.sessions.errors import (
    CsrfTokenInvalid,
    InvalidCredentials,
    InvalidRefreshToken,
    MfaRequired,
    OAuthError,
    RecordedOAuthError,
    RefreshTokenReused,
    SessionEnded,
    SessionNotFound,
    SessionRequired,
    TooManyAttempts,
    UnsupportedMediaType,
)
from auth.sessions.login_form import LOGIN_BODY, TOKEN_BODY, media_type
from auth.sessions.schemas import (
    CookieSession,
    MfaVerification,
    RefreshGrant,
    RefreshRequest,
    SessionOut,
    SignedIn,
    Ticket,
    TokenPair,
)
from auth.sessions.tokens import TICKET_SECONDS
from auth.users.errors import AccountDeactivated
from auth.wire import no_store

router = APIRouter(
    prefix="/api/v1/auth",
    tags=["auth"],
    dependencies=[Depends(no_store)],
    responses=problems(Unavailable),
)

_SIGNED_IN = problems(Unauthorized, SessionRequired)
RefreshCookie = Annotated[str | None, Cookie(alias=REFRESH_COOKIE, include_in_schema=False)]


@router.post(
    "/login",
    openapi_extra=LOGIN_BODY,
    responses=problems(
        InvalidCredentials, MfaRequired, AccountDeactivated, TooManyAttempts, UnsupportedMediaType
    ),
)
async def login(
    *,
    credentials: LoginForm,
    logins: Logins,
    jar: Cookies,
    request: Request,
    cookies: bool = False,
    former: RefreshCookie = None,
) -> SignedIn | CookieSession:
    """Sign in with the username or the e-mail address, as a form (OAuth2) or as JSON.

    With `cookies=true`, and only as JSON, the tokens come as cookies that no script can read.
    """
    if cookies and media_type(request) != "application/json":
        # Another site's page can send a form, and would sign its visitor in as somebody else.
        raise UnsupportedMediaType("With cookies=true, send application/json.")
    replaced = former if cookies else None
    grant = await logins.login(credentials, uses_cookies=cookies, replaced=replaced)
    return jar.answer(grant)


@router.post(
    "/mfa/verify",
    responses=problems(InvalidMfaToken, InvalidCode, AccountDeactivated, TooManyAttempts),
)
async def verify_mfa(
    verification: MfaVerification,
    logins: Logins,
    jar: Cookies,
    cookies: bool = False,
    former: RefreshCookie = None,
) -> SignedIn | CookieSession:
    """Complete a login with a code of the authenticator, or with a recovery code."""
    replaced = former if cookies else None
    grant = await logins.verify(verification, uses_cookies=cookies, replaced=replaced)
    return jar.answer(grant)


@router.post("/token", openapi_extra=TOKEN_BODY, responses=problems(OAuthError, TooManyAttempts))
async def token(grant: TokenForm, logins: Logins, sessions: Sessions) -> TokenPair:
    """Get tokens as OAuth2 clients do (RFC 6749): for a password, or for a refresh token."""
    try:
        if isinstance(grant, RefreshGrant):
            granted = await sessions.refresh(
                grant.refresh_token.get_secret_value(), csrf_token=None
            )
        else:
            granted = await logins.login(grant)
    except (Unauthorized, AccountDeactivated) as error:
        kind = RecordedOAuthError if error.commits else OAuthError
        name = "mfa_required" if isinstance(error, MfaRequired) else "invalid_grant"
        raise kind(name, error.title, **error.members) from error
    return TokenPair.model_validate(granted, from_attributes=True)


@router.post(
    "/refresh",
    responses=problems(
        InvalidRefreshToken, RefreshTokenReused, SessionEnded, AccountDeactivated, CsrfTokenInvalid
    ),
)
async def refresh(
    sessions: Sessions,
    jar: Cookies,
    request: RefreshRequest | None = None,
    cookie: RefreshCookie = None,
    x_csrf_token: Annotated[str | None, Header()] = None,
) -> SignedIn | CookieSession:
    """Exchange a refresh token for a new pair. It works once; used again, it ends the session.

    So never refresh in parallel, and do not repeat a refresh whose answer was lost: sign in again.
    A browser that signed in with cookies sends no body, and the header `X-CSRF-Token`.
    """
    if request is not None:
        secret, by_cookie = request.refresh_token.get_secret_value(), False
    elif cookie:
        secret, by_cookie = cookie, True
    else:
        raise InvalidRefreshToken("Send the refresh token.")
    return jar.answer(await sessions.refresh(secret, csrf_token=x_csrf_token, by_cookie=by_cookie))


@router.post("/logout", status_code=204, responses=_SIGNED_IN)
async def logout(user: SignedInUser, sessions: Sessions, response: Response) -> None:
    """End this session; its tokens are refused everywhere within seconds."""
    await sessions.end(user.session_id, RevocationReason.LOGOUT)
    clear_cookies(response)


@router.post("/logout-all", status_code=204, responses=_SIGNED_IN)
async def logout_all(user: SignedInUser, sessions: Sessions, response: Response) -> None:
    """End all sessions, this one too; API keys stay."""
    await sessions.end_all(await sessions.user(user.id), RevocationReason.LOGOUT)
    clear_cookies(response)


@router.get("/sessions", responses=_SIGNED_IN)
async def list_sessions(user: SignedInUser, sessions: Sessions) -> list[SessionOut]:
    """List where you are signed in, the latest first."""
    return [
        SessionOut.model_validate(session).model_copy(update={"current": current})
        for session, current in await sessions.list(user.id, current=user.session_id)
    ]


@router.delete(
    "/sessions/{session_id}",
    status_code=204,
    responses=problems(Unauthorized, SessionRequired, SessionNotFound),
)
async def end_session(session_id: UUID, user: SignedInUser, sessions: Sessions) -> None:
    """Sign out somewhere else."""
    await sessions.end_own(user.id, session_id)


@router.post("/ticket", responses=problems(Unauthorized))
async def ticket(user: StreamUser, sessions: Sessions) -> Ticket:
    """Get a ticket that opens one WebSocket or event stream, where no header can be sent."""
    secret = sessions.ticket(
        user_id=user.id,
        session_id=user.session_id,
        version=user.version,
        permissions=user.permissions,
    )
    return Ticket(ticket=secret, expires_in=TICKET_SECONDS)
