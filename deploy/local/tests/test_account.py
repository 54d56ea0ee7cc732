"""PostgreSQL never runs as root, and reaches its data wherever the checkout is."""

import os
import subprocess
from pathlib import Path

import pytest
from native.account import Account
from native.errors import OutOfReach

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root changes users")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return a folder of the user's own inside of one that only we may enter."""
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    data = private / "data"
    data.mkdir(mode=0o700)
    Account(data).own(data)
    return data


def run(data: Path, *command: str) -> str:
    words = Account(data).command(command, reaching=[data])
    return subprocess.run(words, check=True, capture_output=True, text=True, cwd="/").stdout.strip()


def test_it_is_not_root(data: Path) -> None:
    assert run(data, "id", "-u") != "0"


@pytest.mark.skipif(os.geteuid() == 0, reason="root does not run it as itself")
def test_an_ordinary_user_runs_it_as_themselves(data: Path) -> None:
    assert Account(data).command(["true"], reaching=[data]) == ["true"]


@needs_root
def test_it_reaches_its_data_below_a_private_folder(data: Path) -> None:
    run(data, "touch", str(data / "mine"))

    assert (data / "mine").stat().st_uid == data.stat().st_uid != 0


@needs_root
def test_it_may_not_write_what_is_not_its_own(data: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        run(data, "touch", str(data.parent / "yours"))


@needs_root
def test_it_gets_one_capability_and_only_where_it_must(data: Path, tmp_path: Path) -> None:
    read_search = f"{1 << 2:016x}"
    assert capabilities(data) == read_search
    # pytest's own folder is private as well, so open the way for one that is not
    Account(data).open_way(data.parent)
    reachable = Path("/usr")
    words = Account(data).command(["cat", "/proc/self/status"], reaching=[reachable])
    assert (
        f"CapEff:\t{0:016x}"
        in subprocess.run(words, check=True, capture_output=True).stdout.decode()
    )


@needs_root
def test_out_of_reach_is_said(data: Path) -> None:
    with pytest.raises(OutOfReach, match="Move the checkout"):
        Account(data).command(["true"], reaching=[data / "missing"])


def capabilities(data: Path) -> str:
    status = run(data, "cat", "/proc/self/status")
    return next(line.split()[1] for line in status.splitlines() if line.startswith("CapEff"))
