"""The gateway stays on the port that was chosen for it, until another one is chosen."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from native.ports import spare_ports
from native.profile import Profile
from native.stack import Stack


@pytest.fixture
def chosen(profile: Profile) -> Iterator[Stack]:
    """Return a stack whose gateway was started on a port of somebody's choice."""
    stack = Stack(replace(profile, gateway_port=spare_ports(1)[0]))
    stack.start("gateway")
    yield stack
    stack.kill("gateway")


def test_a_later_command_finds_it_there(chosen: Stack, profile: Profile) -> None:
    later = Stack(replace(profile, port_is_chosen=False))

    assert later.url("gateway") == chosen.url("gateway")
    assert later.pid("gateway") == chosen.pid("gateway")


def test_it_moves_when_another_port_is_chosen(chosen: Stack, profile: Profile) -> None:
    assert Stack(profile).port("gateway") == profile.port("gateway") != chosen.port("gateway")
