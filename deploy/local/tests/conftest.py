"""A stack of the tests' own: other folder, other ports, nothing shared with `dev` and `test`."""

import shutil
from collections.abc import Iterator

import pytest
from native.profile import Profile, find_profile
from native.stack import Stack


@pytest.fixture(scope="session")
def profile() -> Iterator[Profile]:
    """Return a profile without a past, and forget it afterwards."""
    profile = find_profile("selftest")
    Stack(profile).down()
    shutil.rmtree(profile.folder, ignore_errors=True)
    yield profile
    Stack(profile).down()
    shutil.rmtree(profile.folder)


@pytest.fixture(scope="session")
def stack(profile: Profile) -> Stack:
    """Return a stack whose four servers run."""
    stack = Stack(profile)
    stack.up(servers_only=True)
    return stack
