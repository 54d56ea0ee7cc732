"""The whole suite on real servers, and users of it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from client import Client
from native.stack import Stack

NewUser = Callable[[], Awaitable[Client]]


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
