"""What a reader may not have: the worker's secrets, the network, and more than its share."""

import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from corpus import scan
from ocr_worker.confinement import confine
from processes import processes, reading, tesseract

MIB = 1 << 20


async def test_the_reader_knows_no_secret_and_keeps_its_limits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUIRE_STORAGE_SECRET", "hunter2")
    async with reading(scan("8071_093.3B.tif"), tmp_path) as (_, _):
        ocr = await tesseract()
        assert len(processes()) == 3  # guard, reader, Tesseract
        reader = ocr.parent()
        assert reader is not None
        guard = reader.parent()
        assert guard is not None
        for process in (guard, ocr):
            assert "hunter2" not in Path(f"/proc/{process.pid}/environ").read_text()
            assert Path(process.cwd()).parent == tmp_path
        for process in (reader, ocr):
            status = Path(f"/proc/{process.pid}/status").read_text()
            assert "NoNewPrivs:\t1" in status
            assert "Seccomp:\t2" in status
        assert ocr.environ()["OMP_THREAD_LIMIT"] == "1"
        # Tesseract has its limits from the reader, which lets nobody look.
        assert ocr.rlimit(psutil.RLIMIT_AS) == (2048 * MIB, 2048 * MIB)
        assert ocr.rlimit(psutil.RLIMIT_FSIZE) == (256 * MIB, 256 * MIB)
        assert ocr.rlimit(psutil.RLIMIT_CORE) == (0, 0)
        assert ocr.rlimit(psutil.RLIMIT_CPU)[0] <= 65
        # What a library prints must not pass for an answer.
        assert Path(f"/proc/{guard.pid}/fd/1").readlink().name == "stderr.txt"


@pytest.mark.parametrize(
    "attempt",
    [
        "socket.socket()",
        "socket.create_connection(('127.0.0.1', PORT))",
        "os.setsid()",
        "os.setpgid(0, 0)",
        "open('large', 'wb').write(bytes(300 << 20))",
        "bytes(3 << 30)",
        "[open('/dev/null') for _ in range(100)]",
    ],
)
def test_a_confined_process_is_refused(attempt: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        code = (
            "import os, signal, socket\n"
            f"from {confine.__module__} import confine\n"
            "from ocr_worker.limits import Limits\n"
            "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
            f"PORT = {server.getsockname()[1]}\n"
            "confine(Limits())\n"
            "try:\n"
            f"    {attempt}\n"
            "except (OSError, MemoryError):\n"
            "    print('refused')\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
        )
    assert done.stdout == "refused\n"
