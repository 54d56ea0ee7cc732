"""A confined reader sees programs and its own folder, and nothing else that lies about."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from ocr_worker import confinement, landlock

needs_landlock = pytest.mark.skipif(
    not landlock.version(), reason="This kernel has no Landlock, which `missing` tells."
)


def confined(attempt: str, folder: Path, document: Path | None = None) -> str:
    """Return what an attempt prints in a process that was confined to a folder."""
    code = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from ocr_worker.confinement import confine\n"
        "from ocr_worker.limits import Limits\n"
        f"confine(Limits(), document={str(document)!r} and Path({str(document)!r}))\n"
        "try:\n"
        f"    {attempt}\n"
        "    print('done')\n"
        "except OSError:\n"
        "    print('refused')\n"
    )
    command = [sys.executable, "-I", "-c", code]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=True
    ).stdout.strip()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "box").mkdir()
    (tmp_path / "box" / "mine").write_text("mine")
    (tmp_path / "theirs").write_text("secret")
    return tmp_path / "box"


@needs_landlock
@pytest.mark.parametrize(
    "attempt",
    [
        "open('../theirs').read()",
        "open('../theirs', 'w')",
        "open('../new', 'w')",
        "os.listdir('..')",
        "os.unlink('../theirs')",
        "os.rename('mine', '../mine')",
        "os.symlink('../theirs', 'link') or open('link').read()",
        "open('/etc/passwd').read()",
        "open('/proc/1/environ').read()",
        "os.kill(os.getppid(), 0)",
    ],
)
def test_what_lies_outside_is_refused(attempt: str, folder: Path) -> None:
    assert confined(attempt, folder) == "refused"
    assert (folder.parent / "theirs").read_text() == "secret"
    assert not (folder.parent / "new").exists()


@pytest.mark.parametrize(
    "attempt",
    [
        "open('mine').read()",
        "open('new', 'w').write('new')",
        "os.mkdir('deep') or os.rename('mine', 'deep/mine')",
        "open('/dev/null', 'w').write('x')",
        "import decimal, sqlite3",
    ],
)
def test_what_is_needed_is_left(attempt: str, folder: Path) -> None:
    assert confined(attempt, folder) == "done"


def test_the_document_may_be_read_and_not_written(folder: Path) -> None:
    document = folder.parent / "theirs"
    assert confined(f"open({str(document)!r}).read()", folder, document) == "done"
    if landlock.version():
        assert confined(f"open({str(document)!r}, 'a')", folder, document) == "refused"


def test_nobody_may_look_into_the_memory_of_a_confined_process(folder: Path) -> None:
    attempt = "from ctypes import CDLL; sys.exit(CDLL(None).prctl(3, 0, 0, 0, 0))"
    assert confined(attempt, folder) == ""  # PR_GET_DUMPABLE is 0, and so is the exit status


def test_an_old_kernel_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landlock, "_CREATE_RULESET", 9_999)  # a call that no kernel has
    assert landlock.version() == 0
    landlock.restrict(readable=[], writable=[])
    assert Path(os.devnull).read_bytes() == b""
    assert "the file system" in confinement.missing()
