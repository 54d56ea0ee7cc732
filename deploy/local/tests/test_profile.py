"""Profiles live side by side: no port of one is a port of another."""

from pathlib import Path

import pytest
from native.errors import StackError, UnknownName
from native.profile import FIRST_PORTS, OFFSETS, checkout, find_profile
from native.stack import Stack

EPHEMERAL = 32768
GRPC = 10000


def test_no_two_things_share_a_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("QUIRE_PORT", raising=False)
    profiles = [find_profile(name) for name in FIRST_PORTS]
    ports = [profile.port(name) for profile in profiles for name in OFFSETS]
    ports += [p.port(name) + GRPC for p in profiles for name in OFFSETS if name.startswith("s3")]

    assert len(ports) == len(set(ports))
    assert max(ports) < EPHEMERAL


def test_the_gateway_of_dev_listens_where_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUIRE_PORT", "9123")

    assert find_profile("dev").port("gateway") == 9123
    assert find_profile("test").port("gateway") == FIRST_PORTS["test"]


def test_a_port_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUIRE_PORT", "eighty")
    with pytest.raises(StackError, match="QUIRE_PORT=eighty"):
        find_profile("dev")


def test_an_unknown_profile_is_refused() -> None:
    with pytest.raises(UnknownName, match="dev, test"):
        Stack("production")


def test_the_checkout_is_found_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = checkout()
    monkeypatch.chdir(here / "deploy" / "local")
    assert checkout() == here
    monkeypatch.chdir(tmp_path)
    assert checkout() == here
