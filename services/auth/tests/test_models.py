"""The rules of an account's and a session's life."""

from datetime import timedelta
from uuid import uuid4

import pytest
from auth.base import now
from auth.device import Device
from auth.sessions.errors import SessionEnded
from auth.sessions.models import UserSession
from auth.users.errors import AccountDeactivated
from auth.users.models import User

DEVICE = Device("192.0.2.7", "curl")


def make_user(*, is_active: bool = True) -> User:
    return User(id=uuid4(), is_active=is_active)


def test_a_session_lives_until_its_lifetime_is_over() -> None:
    user = make_user()
    session = UserSession.begin(
        user, DEVICE, lifetime=timedelta(hours=1), idle=timedelta(minutes=30)
    )

    session.renew(DEVICE, idle=timedelta(minutes=30))
    assert session.user_id == user.id
    assert session.expires_at - session.created_at == timedelta(hours=1)

    session.expires_at = now()
    with pytest.raises(SessionEnded):
        session.renew(DEVICE, idle=timedelta(minutes=30))


def test_a_session_that_nobody_renews_ends_before_its_time() -> None:
    session = UserSession.begin(
        make_user(), DEVICE, lifetime=timedelta(hours=1), idle=timedelta(minutes=30)
    )
    assert session.idle_until - session.created_at == timedelta(minutes=30)
    session.renew(DEVICE, idle=timedelta(minutes=40))
    assert session.idle_until - session.last_seen_at == timedelta(minutes=40)

    session.idle_until = now()
    assert not session.is_live
    with pytest.raises(SessionEnded):
        session.renew(DEVICE, idle=timedelta(minutes=30))


def test_a_revoked_session_stays_revoked_since_the_first_time() -> None:
    session = UserSession.begin(
        make_user(), DEVICE, lifetime=timedelta(hours=1), idle=timedelta(minutes=30)
    )
    session.revoke()
    since = session.revoked_at
    session.revoke()

    assert session.revoked_at == since
    with pytest.raises(SessionEnded):
        session.renew(DEVICE, idle=timedelta(minutes=30))


def test_a_deactivated_account_begins_no_session() -> None:
    with pytest.raises(AccountDeactivated):
        UserSession.begin(
            make_user(is_active=False),
            DEVICE,
            lifetime=timedelta(hours=1),
            idle=timedelta(minutes=30),
        )


def test_an_address_is_verified_once_there_is_a_date() -> None:
    assert not User().email_verified
    assert User(email_verified_at=now()).email_verified
