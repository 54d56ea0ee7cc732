"""Temporary directories are gone when their owner is done, and swept when it was killed."""

import subprocess
import sys
from pathlib import Path

from ocr_worker.scratch import scratch_directory, sweep

OWNER = """
import os, signal, sys
from pathlib import Path
from ocr_worker.scratch import scratch_directory
with scratch_directory(Path(sys.argv[1])) as directory:
    (directory / "page.ppm").write_bytes(b"secret")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_directory_is_private_and_removed_with_all_that_is_in_it(tmp_path: Path) -> None:
    with scratch_directory(tmp_path / "boxes") as directory:
        assert directory.stat().st_mode & 0o777 == 0o700
        (directory / "deep" / "er").mkdir(parents=True)
        (directory / "deep" / "page.ppm").write_bytes(b"secret")
    assert list((tmp_path / "boxes").iterdir()) == []


def test_only_what_a_dead_owner_left_is_swept(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", OWNER, str(tmp_path)], check=False)
    subprocess.run([sys.executable, "-c", OWNER, str(tmp_path)], check=False)
    with scratch_directory(tmp_path) as directory:
        (directory / "page.ppm").write_bytes(b"mine")
        assert sweep(tmp_path) == 2
        assert sweep(tmp_path) == 0
        assert list(tmp_path.iterdir()) == [directory]
        assert (directory / "page.ppm").read_bytes() == b"mine"


def test_there_may_be_nothing_to_sweep(tmp_path: Path) -> None:
    assert sweep(tmp_path / "never-made") == 0
