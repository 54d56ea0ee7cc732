"""Whatever happens to an upload in whatever order, it knows which of its bytes are stored."""

import asyncio
import hashlib
from base64 import b64encode
from collections.abc import Coroutine
from itertools import count
from typing import Any, ClassVar, TypeVar
from uuid import UUID

import httpx
import sqlalchemy as sa
from common.database import Sessions
from common.testing import TokenIssuer
from documents.uploads.models import Upload
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from tus_client import CutClient, TusClient, random_pdf

T = TypeVar("T")

MIB = 1 << 20
LOST = (64 + 256) << 10  # as in `test_tus_cuts`
SIZES = st.sampled_from(
    [1, 1000, 1024, 70_000, MIB, 5 * MIB - 1, 5 * MIB, 5 * MIB + 1, 8 * MIB, 8 * MIB + 1]
)
SEEDS = count(1000)


class AnUpload(RuleBasedStateMachine):
    """An upload, and beside it what it must be: the bytes that were accepted."""

    loop: ClassVar[asyncio.AbstractEventLoop]
    sessions: ClassVar[Sessions]
    tus: ClassVar[TusClient]
    http: ClassVar[httpx.AsyncClient]
    cutter: ClassVar[CutClient]

    @initialize(length=st.sampled_from([50, 1023, 1024, 1025, 100_000, 5 * MIB + 9, 17 * MIB]))
    def create(self, length: int) -> None:
        self.data = random_pdf(length, seed=next(SEEDS))
        self.path = self.wait(self.tus.begin(length))
        self.offset = 0
        self.gone = False

    @precondition(lambda self: not self.gone)
    @rule(size=SIZES, checked=st.booleans())
    def send(self, size: int, checked: bool) -> None:
        piece = self.data[self.offset : self.offset + size]
        checksum = {"Upload_Checksum": sha1(piece)} if checked else {}
        answer = self.wait(self.tus.patch(self.path, self.offset, piece, **checksum))
        assert answer.status_code == 204, answer.text
        self.offset += len(piece)
        assert answer.headers["upload-offset"] == str(self.offset)

    @precondition(lambda self: not self.gone)
    @rule(size=SIZES, offset=st.integers(0, 20 * MIB))
    def send_from_elsewhere(self, size: int, offset: int) -> None:
        if offset != self.offset:
            piece = self.data[offset : offset + size]
            answer = self.wait(self.tus.patch(self.path, offset, piece))
            assert answer.status_code in {409, 413}

    @precondition(lambda self: not self.gone)
    @rule(size=SIZES)
    def send_damaged(self, size: int) -> None:
        piece = self.data[self.offset : self.offset + size]
        damaged = piece[:-1] + bytes([piece[-1] ^ 1]) if piece else b"x"
        checksum = {"Upload_Checksum": sha1(piece)}
        answer = self.wait(self.tus.patch(self.path, self.offset, damaged, **checksum))
        assert answer.status_code == (460 if piece else 413)

    @precondition(lambda self: not self.gone)
    @rule(size=SIZES)
    def send_too_much(self, size: int) -> None:
        piece = self.data[self.offset :] + bytes(size)
        assert self.wait(self.tus.patch(self.path, self.offset, piece)).status_code == 413

    @precondition(lambda self: not self.gone)
    @rule(size=SIZES, reset=st.booleans())
    def send_and_leave(self, size: int, reset: bool) -> None:
        size = min(size, len(self.data) - self.offset - 1)
        if size < 0:
            return  # it is finished; Hypothesis may not depend on how much a cut has cost
        self.wait(
            self.cutter.cut(self.path, self.data, offset=self.offset, after=size, reset=reset)
        )
        offset = self.wait(self.tus.offset(self.path))
        least = self.offset if reset else max(self.offset, self.offset + size - LOST)
        assert least <= offset <= self.offset + size
        self.offset = offset

    @precondition(lambda self: not self.gone)
    @rule()
    def be_taken_by_another_replica(self) -> None:
        """Who stands still from then on: the lease lapses, and the fence has grown."""

        async def take() -> None:
            async with self.sessions.begin() as session:
                await session.execute(
                    sa.update(Upload)
                    .where(Upload.id == UUID(self.path.rpartition("/")[2]))
                    .values(
                        fence=Upload.fence + 1,
                        leased_until=sa.func.clock_timestamp() + sa.text("interval '0.2 s'"),
                    )
                )

        self.wait(take())

    @precondition(lambda self: not self.gone)
    @rule()
    def end(self) -> None:
        assert self.wait(self.tus.delete(self.path)).status_code == 204
        self.gone = True

    @precondition(lambda self: self.gone)
    @rule()
    def begin_again(self) -> None:
        self.create(3000)

    @invariant()
    def it_stands_where_it_must(self) -> None:
        head = self.wait(self.tus.head(self.path))
        if self.gone:
            assert head.status_code == 404
            return
        assert head.status_code == 200
        assert head.headers["upload-offset"] == str(self.offset)
        assert ("x-document-id" in head.headers) == (self.offset == len(self.data))

    def teardown(self) -> None:
        """Whatever was stored, together with the rest it is the file."""
        if self.gone:
            return
        answer = self.wait(self.tus.patch(self.path, self.offset, self.data[self.offset :]))
        path = f"/documents/{answer.headers['x-document-id']}"
        document = self.wait(self.http.get(path)).json()
        assert document["file_hash"] == hashlib.sha256(self.data).hexdigest()
        assert self.wait(self.http.get(f"{path}/download")).content == self.data

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)


async def test_any_order_of_events(
    sessions: Sessions,
    client: httpx.AsyncClient,
    api_url: str,
    issuer: TokenIssuer,
    user_id: UUID,
) -> None:
    class Machine(AnUpload):
        loop = asyncio.get_running_loop()
        http = client
        tus = TusClient(client)
        cutter = CutClient(api_url, issuer.headers(user_id))

    Machine.sessions = sessions
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large]
    few = settings(
        max_examples=25, stateful_step_count=10, deadline=None, suppress_health_check=checks
    )
    await asyncio.to_thread(run_state_machine_as_test, Machine, settings=few)


def sha1(data: bytes) -> str:
    return f"sha1 {b64encode(hashlib.sha1(data).digest()).decode()}"
