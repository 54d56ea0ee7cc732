"""A RabbitMQ node to be killed: what it has confirmed is there when it is started again."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import aio_pika
import psutil
import pytest
from aio_pika import DeliveryMode, Message
from native.private_rabbitmq import PrivateRabbitMQ


@pytest.fixture
def nothing_is_left(tmp_path: Path) -> Iterator[None]:
    """Check, after the node has been removed, that it is gone."""
    yield
    assert list(tmp_path.rglob("run/*.json")) == []
    assert not processes_of(tmp_path)


def processes_of(folder: Path) -> list[psutil.Process]:
    return [p for p in psutil.process_iter(["environ"]) if str(folder) in str(p.info["environ"])]


@pytest.mark.usefixtures("nothing_is_left")
async def test_a_durable_message_survives_a_kill(
    private_rabbitmq: PrivateRabbitMQ, tmp_path: Path
) -> None:
    assert processes_of(tmp_path)
    async with await aio_pika.connect(private_rabbitmq.amqp_url) as connection:
        channel = await connection.channel()
        await channel.declare_queue("kept", durable=True, arguments={"x-queue-type": "quorum"})
        message = Message(b"still here", delivery_mode=DeliveryMode.PERSISTENT)
        await channel.default_exchange.publish(message, "kept")
        await asyncio.to_thread(private_rabbitmq.kill)
    await asyncio.to_thread(private_rabbitmq.start)
    async with await aio_pika.connect(private_rabbitmq.amqp_url) as connection:
        queue = await (await connection.channel()).get_queue("kept")
        async with asyncio.timeout(60):
            received = await queue.get(timeout=60, fail=False)
            while received is None:  # a quorum queue elects its leader first
                received = await queue.get(timeout=60, fail=False)

    assert received.body == b"still here"
