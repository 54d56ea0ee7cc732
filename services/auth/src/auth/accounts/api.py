"""One's own account over HTTP."""

from typing import Annotated

from common.errors import Unauthorized, Unavailable, problems
from contracts import EmailLinkPurpose
from fastapi import APIRouter, Depends, Header, Response

from auth.accounts.language import preferred
from auth.accounts.schemas import (
    AccountDeletion,
    EmailAddress,
    EmailChange,
    EmailVerification,
    PasswordChange,
    PasswordReset,
    ProfileUpdate,
    Registration,
)
from auth.links.errors import InvalidLink, TooManyLinks
from auth.mfa.errors import CodeRequired, WrongCode
from auth.passwords.errors import WeakPassword, WrongPassword
from auth.resources import Accounts, AnyUser, Links, SignedInUser, Users
from auth.sessions.cookies import clear_cookies
from auth.sessions.errors import SessionRequired, TooManyAttempts
from auth.users.errors import EmailTaken, LastAdministrator, UsernameTaken
from auth.users.schemas import UserOut
from auth.wire import no_store

router = APIRouter(
    prefix="/api/v1/auth",
    tags=["auth"],
    dependencies=[Depends(no_store)],
    responses=problems(Unavailable),
)

_SIGNED_IN = (Unauthorized, SessionRequired)
_CONFIRMED = (*_SIGNED_IN, WrongPassword, CodeRequired, WrongCode)


@router.post(
    "/register", status_code=201, responses=problems(EmailTaken, UsernameTaken, WeakPassword)
)
async def register(
    registration: Registration,
    accounts: Accounts,
    users: Users,
    accept_language: Annotated[str, Header()] = "",
) -> UserOut:
    """Open an account; a mail brings the link that verifies the address."""
    user = await accounts.register(registration, language=preferred(accept_language))
    return await users.show(user)


@router.get("/me", responses=problems(Unauthorized))
async def me(user: AnyUser, users: Users) -> UserOut:
    """Show your account."""
    return await users.show(await users.own(user.id))


@router.patch("/me", responses=problems(*_SIGNED_IN, UsernameTaken))
async def update_me(
    changes: ProfileUpdate, user: SignedInUser, accounts: Accounts, users: Users
) -> UserOut:
    """Change your profile."""
    return await users.show(await accounts.update(user.id, changes))


@router.delete(
    "/me",
    status_code=204,
    responses=problems(*_CONFIRMED, TooManyAttempts, LastAdministrator),
)
async def delete_me(
    deletion: AccountDeletion, user: SignedInUser, accounts: Accounts, response: Response
) -> None:
    """Delete your account for good; your documents follow."""
    await accounts.delete(user.id, deletion)
    clear_cookies(response)


@router.post(
    "/password/change",
    status_code=204,
    responses=problems(*_CONFIRMED, TooManyAttempts, WeakPassword),
)
async def change_password(change: PasswordChange, user: SignedInUser, accounts: Accounts) -> None:
    """Change your password; you stay signed in here, and nowhere else."""
    await accounts.change_password(user.id, user.session_id, change)


@router.post("/password/reset-request", status_code=202)
async def request_password_reset(address: EmailAddress, links: Links) -> None:
    """Have a link to a new password mailed, if there is an account with this address."""
    await links.ask(address.email, EmailLinkPurpose.RESET_PASSWORD)


@router.post("/password/reset", status_code=204, responses=problems(InvalidLink, WeakPassword))
async def reset_password(reset: PasswordReset, accounts: Accounts) -> None:
    """Set a new password with a mailed link; every session ends."""
    await accounts.reset_password(reset)


@router.post("/email/verify", responses=problems(InvalidLink, EmailTaken))
async def verify_email(
    verification: EmailVerification, accounts: Accounts, users: Users
) -> UserOut:
    """Show, with a mailed link, that an address is yours."""
    return await users.show(await accounts.verify_email(verification.token))


@router.post("/email/resend", status_code=202)
async def resend_verification(address: EmailAddress, links: Links) -> None:
    """Have the verification mailed again, if the address has an account that waits for it."""
    await links.ask(address.email, EmailLinkPurpose.VERIFY_EMAIL)


@router.post(
    "/email/change",
    status_code=202,
    responses=problems(*_CONFIRMED, TooManyAttempts, TooManyLinks),
)
async def change_email(change: EmailChange, user: SignedInUser, accounts: Accounts) -> None:
    """Have a link mailed to another address, which becomes yours when you follow it."""
    await accounts.change_email(user.id, change)
