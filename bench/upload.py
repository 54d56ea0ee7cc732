"""How fast a large file is stored through gateway and documents, beside the way straight to S3.

    eval "$(python -m native env --profile dev)"; python bench/upload.py [MiB] [--protocol tus]

Both ways in turn, to the same server: a form (or tus: one POST, one PATCH) through two processes
of our own, and `fput_object` of the `minio` client. All share the machine's cores. The memory is
what a process needs beyond what it had before the upload (VmHWM, reset each time).
"""

import argparse
import asyncio
import base64
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from uuid import uuid4

import asyncpg
import documents
from common import migrations
from common.testing import TokenIssuer, serving
from cryptography.fernet import Fernet
from fastapi import FastAPI
from minio import Minio
from minio.deleteobjects import DeleteObject
from yarl import URL

MIB = 1 << 20
TARGET_RATIO = 0.6
TARGET_MIB = 64
TOKEN_SECONDS = 3600
BOUNDARY = "bench-of-uploads"


@dataclass
class Server:
    """A process of ours."""

    name: str
    process: subprocess.Popen[bytes]

    def status(self, field: str) -> float:
        """Return a field of its memory, in MiB."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        (value,) = (line.split()[1] for line in lines if line.startswith(f"{field}:"))
        return int(value) / 1024

    def forget_peak(self) -> None:
        """Let VmHWM begin anew."""
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Connection:
    """A client that costs almost nothing: the kernel sends the file."""

    def __init__(self, port: int, token: str) -> None:
        self._port = port
        self._token = token

    def form(self, path: Path) -> None:
        """Send the file as a form; raise unless it was stored."""
        head = (
            f"--{BOUNDARY}\r\nContent-Disposition: form-data; name=file; filename=bench.pdf\r\n\r\n"
        ).encode()
        tail = f"\r\n--{BOUNDARY}--\r\n".encode()
        self._request(
            *("POST", "/api/v1/documents", 201),
            {
                "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
                "Content-Length": str(len(head) + path.stat().st_size + len(tail)),
            },
            (head, path, tail),
        )

    def tus(self, path: Path) -> None:
        """Send the file with one PATCH; raise unless it was stored."""
        version = {"Tus-Resumable": "1.0.0"}
        size = path.stat().st_size
        name = base64.b64encode(b"bench.pdf").decode()
        answer = self._request(
            *("POST", "/api/v1/uploads", 201),
            {
                **version,
                "Upload-Length": str(size),
                "Upload-Metadata": f"filename {name}",
                "Content-Length": "0",
            },
        )
        self._request(
            *("PATCH", URL(answer["location"]).path, 204),
            {
                **version,
                "Upload-Offset": "0",
                "Content-Type": "application/offset+octet-stream",
                "Content-Length": str(size),
            },
            (path,),
        )

    def _request(
        self,
        method: str,
        target: str,
        status: int,
        headers: dict[str, str],
        body: tuple[bytes | Path, ...] = (),
    ) -> dict[str, str]:
        """Send a request and return the headers of its answer, by their lower-case names."""
        fields = {"Host": "bench", "Authorization": f"Bearer {self._token}", **headers}
        lines = [f"{method} {target} HTTP/1.1", *(f"{n}: {v}" for n, v in fields.items())]
        with socket.create_connection(("127.0.0.1", self._port)) as connection:
            connection.sendall("\r\n".join([*lines, "", ""]).encode())
            for piece in body:
                if isinstance(piece, bytes):
                    connection.sendall(piece)
                else:
                    with piece.open("rb") as file:
                        connection.sendfile(file)
            answer = b""
            while b"\r\n\r\n" not in answer:
                received = connection.recv(65536)
                assert received, "no answer"
                answer += received
        first, *rest = answer.partition(b"\r\n\r\n")[0].decode().split("\r\n")
        assert first.split()[1] == str(status), answer
        return {n.lower(): v for n, _, v in (line.partition(": ") for line in rest)}


@contextmanager
def running(name: str, port: int, settings: dict[str, str]) -> Iterator[Server]:
    process = subprocess.Popen(
        [sys.executable, "-m", name, "api"],
        env={**os.environ, "QUIRE_LOG_LEVEL": "WARNING", "QUIRE_PORT": str(port), **settings},
    )
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
        yield Server(name, process)
    finally:
        process.terminate()
        process.wait()


@asynccontextmanager
async def database() -> AsyncIterator[str]:
    admin = os.environ["TEST_POSTGRES_URL"]
    name = f"bench_{uuid4().hex}"
    connection = await asyncpg.connect(admin)
    await connection.execute(f"CREATE DATABASE {name}")
    try:
        url = str(URL(admin).with_scheme("postgresql+asyncpg").with_path(f"/{name}"))
        scripts = Path(documents.__file__).parent / "migrations"
        await asyncio.to_thread(migrations.upgrade, url, scripts)
        yield url
    finally:
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await connection.close()


@contextmanager
def bucket(client: Minio) -> Iterator[str]:
    name = f"bench-{uuid4().hex}"
    client.make_bucket(name)
    try:
        yield name
    finally:
        empty(client, name)
        client.remove_bucket(name)


def empty(client: Minio, name: str) -> None:
    found = client.list_objects(name, recursive=True)
    assert not list(client.remove_objects(name, (DeleteObject(o.object_name) for o in found)))


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def write_file(path: Path, size: int) -> None:
    with path.open("wb") as file:
        file.write(b"%PDF-1.7\n%".ljust(64))
        for written in range(64, size, MIB):
            file.write(os.urandom(min(MIB, size - written)))


def rename(path: Path) -> None:
    """Make another file of it, so that it is no duplicate."""
    with path.open("r+b") as file:
        file.seek(16)
        file.write(uuid4().hex.encode())


@asynccontextmanager
async def suite(
    storage: dict[str, str], size: int
) -> AsyncIterator[tuple[Connection, list[Server]]]:
    issuer = TokenIssuer()
    keys = FastAPI()
    keys.get("/jwks.json")(lambda: issuer.jwks)
    port, service = free_port(), free_port()
    async with database() as url, serving(keys) as keys_url:
        tokens = {"QUIRE_JWKS_URL": f"{keys_url}/jwks.json"}
        workers = {
            "QUIRE_AMQP_URL": os.environ["TEST_RABBITMQ_URL"],
            "QUIRE_PASSWORD_SEALING_KEY": Fernet.generate_key().decode(),
        }
        limits = {"QUIRE_MAX_FILE_BYTES": str(2 * size), "QUIRE_MAX_RESUMABLE_BYTES": str(2 * size)}
        origin = f"http://127.0.0.1:{service}"
        gateway = {f"QUIRE_{name}_URL": origin for name in ("AUTH", "DOCUMENTS", "NOTIFIER")}
        gateway["QUIRE_REDIS_URL"] = os.environ["TEST_REDIS_URL"]
        gateway["QUIRE_MAX_BODY_BYTES"] = str(2 * size)
        user, expires = uuid4(), int(time.time()) + TOKEN_SECONDS
        with (
            running(
                "documents",
                service,
                {"QUIRE_DATABASE_URL": url, **storage, **tokens, **limits, **workers},
            ) as documents_api,
            running("gateway", port, gateway | tokens) as gateway_api,
        ):
            connection = Connection(port, issuer.token(user, exp=expires))
            yield connection, [gateway_api, documents_api]


async def main(size: int, rounds: int, protocol: str) -> None:
    server = URL(os.environ["TEST_S3_URL"])
    user, password = server.user or "", server.password or ""
    client = Minio(
        f"{server.host}:{server.port}",
        access_key=user,
        secret_key=password,
        secure=server.scheme == "https",
    )
    rates: dict[str, list[float]] = {"straight": [], "through": []}
    memory: dict[str, list[float]] = {}
    cpu: dict[str, list[float]] = {}
    with bucket(client) as name, TemporaryDirectory() as folder:
        path = Path(folder) / "bench.pdf"
        storage = {
            "QUIRE_S3_ENDPOINT": f"{server.scheme}://{server.host}:{server.port}",
            "QUIRE_S3_ACCESS_KEY": user,
            "QUIRE_S3_SECRET_KEY": password,
            "QUIRE_S3_BUCKET": name,
        }
        async with suite(storage, size) as (connection, servers):
            through = connection.tus if protocol == "tus" else connection.form

            def straight(path: Path) -> None:
                client.fput_object(name, "straight", str(path))

            write_file(path, 20 * MIB)
            for way in (straight, through):  # what is paid once, is paid
                await asyncio.to_thread(way, path)
            write_file(path, size)
            for _ in range(rounds):
                before = {each.name: (each.status("VmRSS"), each.cpu_seconds()) for each in servers}
                for each in servers:
                    each.forget_peak()
                for way, which in ((straight, "straight"), (through, "through")):
                    rename(path)
                    started = time.perf_counter()
                    await asyncio.to_thread(way, path)
                    rates[which].append(size / MIB / (time.perf_counter() - started))
                for each in servers:
                    rss, seconds = before[each.name]
                    memory.setdefault(each.name, []).append(each.status("VmHWM") - rss)
                    cpu.setdefault(each.name, []).append(each.cpu_seconds() - seconds)
                await asyncio.to_thread(empty, client, name)
    report(size, rates, memory, cpu)


def report(
    size: int,
    rates: dict[str, list[float]],
    memory: dict[str, list[float]],
    cpu: dict[str, list[float]],
) -> None:
    pairs = zip(rates["through"], rates["straight"], strict=True)
    ratios = [ours / theirs for ours, theirs in pairs]
    print(f"{len(ratios)} rounds in turn, {size // MIB} MiB, {os.cpu_count()} cores shared by all")
    for name, seen in rates.items():
        print(f"{name:10} {median(seen):7.0f} MiB/s   ({min(seen):.0f}–{max(seen):.0f})")
    print(
        f"ratio      {median(ratios):7.2f}         ({min(ratios):.2f}–{max(ratios):.2f})"
        f"   target ≥ {TARGET_RATIO}"
    )
    for name, extra in memory.items():
        per_gib = median(cpu[name]) * 1024 * MIB / size
        print(
            f"{name:10} {max(extra):7.0f} MiB more at most, target ≤ {TARGET_MIB};"
            f"   {per_gib:.1f} CPU seconds a GiB"
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("mebibytes", nargs="?", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--protocol", choices=("form", "tus"), default="form")
    options = parser.parse_args()
    asyncio.run(main(options.mebibytes * MIB, options.rounds, options.protocol))
