"""The whole suite on real servers, and users of it."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from client import PASSWORD, Client, NewUser
from native.stack import Stack


@pytest.fixture(scope="session")
async def stack() -> AsyncIterator[Stack]:
    """Start every process of the suite; the servers are left running for the next test run."""
    stack = Stack("test")
    await asyncio.to_thread(stack.up)
    yield stack
    await asyncio.to_thread(stack.stop_services)


@pytest.fixture(scope="session")
def url(stack: Stack) -> str:
    return stack.url("gateway")


@pytest.fixture
async def new_user(url: str) -> AsyncIterator[NewUser]:
    """Sign up users of the suite."""
    clients: list[Client] = []

    async def make() -> Client:
        client = Client(url)
        clients.append(client)
        return await client.sign_up()

    yield make
    for client in clients:
        await client.http.aclose()


@pytest.fixture
async def user(new_user: NewUser) -> Client:
    return await new_user()


@pytest.fixture
async def admin(stack: Stack) -> AsyncIterator[Client]:
    """Make an administrator as an operator does, from a shell."""
    name = f"admin-{uuid4().hex[:12]}"
    command = [sys.executable, "-m", "auth", "create-admin"]
    process = await asyncio.create_subprocess_exec(
        *command,
        *("--email", f"{name}@example.org", "--username", name),
        stdin=asyncio.subprocess.PIPE,
        env={**os.environ, **stack.env("auth-worker")},
    )
    await process.communicate(PASSWORD.encode())
    assert process.returncode == 0
    client = await Client(stack.url("gateway")).sign_in(name)
    yield client
    await client.http.aclose()
