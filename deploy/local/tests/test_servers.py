"""The four servers do their work, keep it when they are killed, and leave nothing behind."""

import asyncio
import io
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

import aio_pika
import aiohttp
import asyncpg
import psutil
import pytest
from aio_pika import DeliveryMode, Message
from minio import Minio
from native.errors import PortTaken
from native.servers import SERVERS
from native.stack import Stack
from redis import Redis


def s3(stack: Stack) -> Minio:
    return Minio(
        stack.url("s3").removeprefix("http://"),
        access_key=stack.credentials.s3_access_key,
        secret_key=stack.credentials.s3_secret_key,
        secure=False,
    )


def service_database(stack: Stack, role: str, database: str) -> str:
    password = vars(stack.credentials)[f"{role}_database_password"]
    return f"postgresql://{role}:{password}@127.0.0.1:{stack.profile.port('postgres')}/{database}"


@asynccontextmanager
async def postgres(url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


async def write(stack: Stack, server: str) -> None:
    """Store something on a server, as durably as its clients do."""
    match server:
        case "postgres":
            async with postgres(service_database(stack, "documents", "documents")) as connection:
                await connection.execute("CREATE TABLE kept AS SELECT 'still here' AS word")
        case "rabbitmq":
            async with await aio_pika.connect(stack.url("rabbitmq")) as connection:
                channel = await connection.channel()
                await channel.declare_queue(
                    "kept", durable=True, arguments={"x-queue-type": "quorum"}
                )
                message = Message(b"still here", delivery_mode=DeliveryMode.PERSISTENT)
                await channel.default_exchange.publish(message, "kept")
        case "redis":
            with Redis.from_url(stack.url("redis")) as client:
                client.set("kept", "still here")
        case "s3":
            s3(stack).put_object("documents", "kept", io.BytesIO(b"still here"), 10)


async def read(stack: Stack, server: str) -> str:
    """Return what `write` has stored."""
    match server:
        case "postgres":
            async with postgres(service_database(stack, "documents", "documents")) as connection:
                return str(await connection.fetchval("SELECT word FROM kept"))
        case "rabbitmq":
            async with await aio_pika.connect(stack.url("rabbitmq")) as connection:
                queue = await (await connection.channel()).get_queue("kept")
                async with asyncio.timeout(60):
                    received = await queue.get(timeout=60, fail=False)
                    while received is None:  # a quorum queue elects its leader first
                        received = await queue.get(timeout=60, fail=False)
                await received.ack()
                return received.body.decode()
        case "redis":
            with Redis.from_url(stack.url("redis"), decode_responses=True) as client:
                return str(client.get("kept"))
        case _:
            with s3(stack).get_object("documents", "kept") as response:
                return response.read().decode()


@pytest.mark.parametrize("server", SERVERS)
async def test_a_killed_server_comes_back_with_its_data(stack: Stack, server: str) -> None:
    await write(stack, server)
    before = stack.pid(server)
    await asyncio.to_thread(stack.kill, server)
    assert stack.pid_or_none(server) is None
    assert not psutil.pid_exists(before)
    await asyncio.to_thread(stack.start, server)
    await asyncio.to_thread(stack.wait_ready, server)

    assert stack.pid(server) != before
    assert await read(stack, server) == "still here"


async def test_postgres_is_18_and_has_an_administrator(stack: Stack) -> None:
    async with postgres(stack.url("postgres")) as connection:
        assert connection.get_server_version().major == 18
        assert await connection.fetchval(
            "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
        )


@pytest.mark.parametrize("role", ["auth", "documents", "notifier"])
async def test_a_service_opens_its_own_database_and_no_other(stack: Stack, role: str) -> None:
    async with postgres(service_database(stack, role, role)) as connection:
        await connection.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        assert not await connection.fetchval(
            "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
        )
    for other in {"auth", "documents", "notifier"} - {role}:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with postgres(service_database(stack, role, other)):
                pass


async def test_a_wrong_password_is_refused_everywhere(stack: Stack) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        async with postgres(stack.url("postgres").replace("//quire:", "//quire:x")):
            pass
    async with aiohttp.ClientSession() as http:
        management = f"http://127.0.0.1:{stack.profile.port('rabbitmq-management')}/api/whoami"
        login = {"Authorization": aiohttp.encode_basic_auth("guest", "guest")}
        async with http.get(management, headers=login) as response:
            assert response.status == HTTPStatus.UNAUTHORIZED


async def test_rabbitmq_has_its_management_and_its_metrics(stack: Stack) -> None:
    login = {
        "Authorization": aiohttp.encode_basic_auth("quire", stack.credentials.rabbitmq_password)
    }
    async with aiohttp.ClientSession() as http:
        management = f"http://127.0.0.1:{stack.profile.port('rabbitmq-management')}/api/overview"
        async with http.get(management, headers=login) as response:
            assert (await response.json())["node"] == "quire-selftest@localhost"
        metrics = f"http://127.0.0.1:{stack.profile.port('rabbitmq-metrics')}/metrics"
        async with http.get(metrics) as response:
            assert "rabbitmq_identity_info" in await response.text()


def test_a_bucket_that_is_missing_is_made_by_the_next_up(stack: Stack) -> None:
    s3(stack).remove_bucket("reports")
    stack.up(servers_only=True)

    assert {bucket.name for bucket in s3(stack).list_buckets()} == {"documents", "reports"}


def test_up_again_leaves_everything_alone(stack: Stack) -> None:
    before = {server: stack.pid(server) for server in SERVERS}
    Stack(stack.profile).up(servers_only=True)

    assert {server: stack.pid(server) for server in SERVERS} == before


def test_a_taken_port_is_named(stack: Stack) -> None:
    stack.kill("redis")
    port = stack.profile.port("redis")
    with socket.create_server(("127.0.0.1", port)), pytest.raises(PortTaken) as caught:
        stack.up(servers_only=True)
    stack.up(servers_only=True)

    assert f"Port {port}, which redis needs" in str(caught.value)
    assert f"pid {os.getpid()}" in str(caught.value)


def listeners(stack: Stack) -> set[tuple[str, int]]:
    """Return every address in the profile's range, or of its processes, that is listened on."""
    first = stack.profile.first_port
    ours = {*range(first, first + 100), *range(first + 10000, first + 10100)}
    pids = {pid for name in stack.names if (pid := stack.pid_or_none(name))}
    return {
        (connection.laddr.ip, connection.laddr.port)
        for connection in psutil.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
        and connection.laddr
        and (connection.laddr.port in ours or connection.pid in pids)
    }


def test_nothing_can_be_reached_from_outside(stack: Stack) -> None:
    listening = listeners(stack)

    assert len(listening) >= 15
    assert {address for address, _ in listening} <= {"127.0.0.1", "::1"}
    assert all(port < 32768 for _, port in listening)


def test_down_leaves_nothing(stack: Stack) -> None:
    """Last in this file, because the others need the servers."""
    pids = [stack.pid(server) for server in SERVERS]
    children = [child for pid in pids for child in psutil.Process(pid).children(recursive=True)]
    stack.down()

    assert not any(psutil.pid_exists(pid) for pid in pids)
    assert all(not child.is_running() or child.status() == "zombie" for child in children)
    assert listeners(stack) == set()
    assert list(stack.profile.run.iterdir()) == []
