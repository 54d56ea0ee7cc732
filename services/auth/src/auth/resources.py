"""What requests need, and how an endpoint asks for it by type."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from common.database import Session
from common.database import Sessions as DatabaseSessions
from common.security import CurrentUser, TokenVerifier, User, require
from common.storage import Storage
from contracts import Permission
from cryptography.fernet import Fernet
from fastapi import Depends, Request, Response

from auth.accounts.service import AccountService
from auth.api_keys.service import ApiKeyService
from auth.audit.service import AuditLog
from auth.device import ClientDevice
from auth.keyring.keyring import Keyring
from auth.links.service import LinkService
from auth.mfa.service import MfaService
from auth.passwords.hashing import Passwords
from auth.passwords.policy import PasswordPolicy
from auth.reports.service import ReportService
from auth.roles.service import RoleService
from auth.sessions.answers import CookieJar
from auth.sessions.cookies import CsrfTokens
from auth.sessions.errors import SessionRequired
from auth.sessions.login import LoginService
from auth.sessions.login_form import read_credentials, read_grant
from auth.sessions.schemas import Credentials, PasswordGrant, RefreshGrant
from auth.sessions.service import SessionService
from auth.sessions.throttle import Throttle
from auth.sessions.tokens import TokenSigner
from auth.users.service import UserService


@dataclass(frozen=True)
class Resources:
    """What the api process holds open."""

    sessions: DatabaseSessions
    keys: Keyring
    signer: TokenSigner
    tokens: TokenVerifier
    passwords: Passwords
    policy: PasswordPolicy
    throttle: Throttle
    storage: Storage
    vault: Fernet
    seal: Fernet
    csrf: CsrfTokens
    session_lifetime: timedelta
    session_idle: timedelta


def _resources(request: Request) -> Resources:
    resources: Resources = request.app.state.resources
    return resources


Process = Annotated[Resources, Depends(_resources)]


def _keys(process: Process) -> Keyring:
    return process.keys


def _audit(session: Session, device: ClientDevice) -> AuditLog:
    return AuditLog(session, device)


Keys = Annotated[Keyring, Depends(_keys)]
Audit = Annotated[AuditLog, Depends(_audit)]


def _sessions(
    process: Process, session: Session, device: ClientDevice, audit: Audit
) -> SessionService:
    return SessionService(
        session,
        device,
        audit,
        signer=process.signer,
        csrf=process.csrf,
        lifetime=process.session_lifetime,
        idle=process.session_idle,
    )


def _mfa(process: Process, session: Session, audit: Audit) -> MfaService:
    return MfaService(session, process.vault, audit)


def _links(process: Process, session: Session) -> LinkService:
    return LinkService(session, process.seal)


Sessions = Annotated[SessionService, Depends(_sessions)]
Mfa = Annotated[MfaService, Depends(_mfa)]
Links = Annotated[LinkService, Depends(_links)]


def _logins(
    *,
    process: Process,
    session: Session,
    device: ClientDevice,
    audit: Audit,
    sessions: Sessions,
    mfa: Mfa,
) -> LoginService:
    return LoginService(
        session,
        device,
        audit,
        sessions=sessions,
        mfa=mfa,
        passwords=process.passwords,
        throttle=process.throttle,
        signer=process.signer,
        tokens=process.tokens,
    )


def _accounts(
    *,
    process: Process,
    session: Session,
    audit: Audit,
    sessions: Sessions,
    links: Links,
    mfa: Mfa,
) -> AccountService:
    return AccountService(
        session,
        audit,
        sessions=sessions,
        links=links,
        mfa=mfa,
        passwords=process.passwords,
        policy=process.policy,
        throttle=process.throttle,
    )


def _users(session: Session, audit: Audit, sessions: Sessions) -> UserService:
    return UserService(session, audit, sessions)


def _roles(session: Session, audit: Audit) -> RoleService:
    return RoleService(session, audit)


def _api_keys(process: Process, session: Session, audit: Audit) -> ApiKeyService:
    return ApiKeyService(session, audit, process.signer)


def _reports(process: Process, session: Session, audit: Audit) -> ReportService:
    return ReportService(session, audit, process.storage)


def _cookies(response: Response) -> CookieJar:
    return CookieJar(response)


Logins = Annotated[LoginService, Depends(_logins)]
Accounts = Annotated[AccountService, Depends(_accounts)]
Users = Annotated[UserService, Depends(_users)]
Roles = Annotated[RoleService, Depends(_roles)]
ApiKeys = Annotated[ApiKeyService, Depends(_api_keys)]
Reports = Annotated[ReportService, Depends(_reports)]
Cookies = Annotated[CookieJar, Depends(_cookies)]
LoginForm = Annotated[Credentials, Depends(read_credentials)]
TokenForm = Annotated[PasswordGrant | RefreshGrant, Depends(read_grant)]


async def _signed_in(user: CurrentUser) -> User:
    if user.is_api_key:
        raise SessionRequired
    return user


AnyUser = CurrentUser
SignedInUser = Annotated[User, Depends(_signed_in)]
StreamUser = Annotated[User, Depends(require(Permission.EVENTS_READ))]
UserReader = Annotated[User, Depends(require(Permission.USERS_READ))]
UserUpdater = Annotated[User, Depends(require(Permission.USERS_UPDATE))]
UserDeleter = Annotated[User, Depends(require(Permission.USERS_DELETE))]
RoleManager = Annotated[User, Depends(require(Permission.USERS_MANAGE_ROLES))]
Auditor = Annotated[User, Depends(require(Permission.AUDIT_READ))]
Reporter = Annotated[User, Depends(require(Permission.REPORTS_CREATE))]
