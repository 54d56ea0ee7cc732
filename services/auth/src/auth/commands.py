"""What is done from a shell: the first administrator, and new signing keys."""

import asyncio
import getpass
import sys

from common.database import open_database, transaction
from common.errors import Problem
from cryptography.fernet import Fernet
from email_validator import EmailNotValidError, validate_email
from pydantic import TypeAdapter, ValidationError

from auth.audit.models import Action
from auth.audit.service import AuditLog
from auth.base import now
from auth.keyring.errors import SigningKeyLocked
from auth.keyring.rotation import PUBLISHED_BEFORE, KeyRotation
from auth.passwords.hashing import Passwords, hashing_threads
from auth.passwords.policy import require_strong
from auth.roles.models import ADMIN, USER
from auth.roles.repository import RoleRepository
from auth.settings import AdminSettings, KeySettings
from auth.users.models import User
from auth.users.repository import UserRepository
from auth.wire import Username


def create_admin(settings: AdminSettings, *, email: str, username: str) -> None:
    """Make an account that may everything; its password is asked for, or read from a pipe.

    Without one anywhere there would have to be a default password, and it would stay.
    """
    if sys.stdin.isatty():
        password = getpass.getpass("Password: ")
        if getpass.getpass("The same again: ") != password:
            sys.exit("The two passwords are not the same.")
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    try:
        address = validate_email(email, check_deliverability=False).normalized
        TypeAdapter(Username).validate_python(username)
        require_strong(password, username=username, policy=settings.password_policy)
        asyncio.run(_create_admin(settings, address, username, password))
    except ValidationError as error:
        sys.exit(f"No account was made: username: {error.errors()[0]['msg']}")
    except (EmailNotValidError, Problem) as error:
        sys.exit(f"No account was made: {error}")
    print(f"{username} is an administrator.")  # noqa: T201


def rotate_keys(settings: KeySettings, *, compromised: bool) -> None:
    """Make the next signing key; nobody is logged out."""
    try:
        asyncio.run(_rotate_keys(settings, compromised=compromised))
    except (SigningKeyLocked, Problem) as error:
        sys.exit(f"No key was made: {error}")
    when = "at once" if compromised else f"in {PUBLISHED_BEFORE.seconds // 60} minutes"
    print(f"The new key is published, and signs {when}.")  # noqa: T201


async def _create_admin(settings: AdminSettings, email: str, username: str, password: str) -> None:
    with hashing_threads(1) as threads:
        passwords = Passwords(
            threads, memory_kib=settings.argon2_memory_kib, rounds=settings.argon2_rounds
        )
        user = User(
            email=email,
            username=username,
            password_hash=await passwords.hash(password),
            email_verified_at=now(),
        )
    async with (
        open_database(settings.database_url.get_secret_value()) as (_, sessions),
        transaction(sessions) as session,
    ):
        await UserRepository(session).add(user)
        for role in (USER, ADMIN):
            await RoleRepository(session).grant(user.id, role)
        audit = AuditLog(session)
        audit.record(Action.USER_REGISTERED, actor_id=None, user_id=user.id, by="create-admin")
        audit.record(Action.ROLE_GRANTED, actor_id=None, user_id=user.id, role=ADMIN)


async def _rotate_keys(settings: KeySettings, *, compromised: bool) -> None:
    vault: Fernet = settings.vault
    async with (
        open_database(settings.database_url.get_secret_value()) as (_, sessions),
        transaction(sessions) as session,
    ):
        await KeyRotation(session, vault).rotate(compromised=compromised)
