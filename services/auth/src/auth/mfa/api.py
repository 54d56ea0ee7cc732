"""Setting the second factor up, over HTTP; `sessions.api` has the sign-in with it."""

from common.errors import Unauthorized, Unavailable, problems
from fastapi import APIRouter, Depends

from auth.mfa.errors import CodeRefused, CodeRequired, MfaAlreadyOn, MfaNotSetUp, WrongCode
from auth.mfa.schemas import Code, MfaSetup, RecoveryCodes
from auth.passwords.errors import WrongPassword
from auth.resources import Accounts, Mfa, SignedInUser
from auth.sessions.errors import SessionRequired, TooManyAttempts
from auth.wire import Confirmation, no_store

router = APIRouter(
    prefix="/api/v1/auth/mfa/totp",
    tags=["auth"],
    dependencies=[Depends(no_store)],
    responses=problems(Unauthorized, SessionRequired, Unavailable),
)


@router.post("", responses=problems(WrongPassword, TooManyAttempts, MfaAlreadyOn))
async def set_up(
    request: Confirmation, user: SignedInUser, accounts: Accounts, mfa: Mfa
) -> MfaSetup:
    """Begin to set up an authenticator app; a code that it shows completes it."""
    account = await accounts.confirmed(user.id, request.password, request.code)
    return MfaSetup.model_validate(await mfa.set_up(account))


@router.post("/confirm", responses=problems(CodeRefused, MfaAlreadyOn, MfaNotSetUp))
async def confirm(code: Code, user: SignedInUser, mfa: Mfa) -> RecoveryCodes:
    """Switch the second factor on with a first code."""
    return RecoveryCodes(recovery_codes=await mfa.confirm(user.id, code.code))


@router.delete(
    "",
    status_code=204,
    responses=problems(WrongPassword, CodeRequired, WrongCode, TooManyAttempts, MfaNotSetUp),
)
async def switch_off(
    request: Confirmation, user: SignedInUser, accounts: Accounts, mfa: Mfa
) -> None:
    """Switch the second factor off."""
    await accounts.confirmed(user.id, request.password, request.code)
    await mfa.switch_off(user.id)
