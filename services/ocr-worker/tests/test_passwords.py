"""An encrypted PDF opens with its password, which is shown to nobody on the way."""

from pathlib import Path

import psutil
import pytest
from corpus import broken, scan
from ocr_worker.box import Box
from ocr_worker.errors import DocumentEncrypted, WrongPassword
from pikepdf import Encryption, Pdf
from processes import ours

PASSWORD = "corrèct horse"


@pytest.fixture(params=[4, 6])
def locked(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "locked.pdf"
    with Pdf.open(scan("linn.pdf")) as pdf:
        pdf.save(path, encryption=Encryption(user=PASSWORD, owner="owner", R=request.param))
    return path


async def opened(path: Path, password: str | None) -> int:
    async with Box.open(path, password=password) as box:
        return box.pages


async def test_a_locked_document_is_named(locked: Path) -> None:
    with pytest.raises(DocumentEncrypted):
        await opened(locked, None)
    for wrong in ("", "correct horse", "x" * 5000):
        with pytest.raises(WrongPassword):
            await opened(locked, wrong)


@pytest.mark.parametrize("password", [PASSWORD, "owner"])
async def test_a_locked_document_opens(locked: Path, password: str) -> None:
    assert await opened(locked, password) == 1


async def test_the_password_is_in_no_list_of_processes(
    locked: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    async with Box.open(locked, password=PASSWORD) as box:
        children = [child for child in psutil.Process().children(recursive=True) if ours(child)]
        assert len(children) == 2
        for child in children:
            known = " ".join(child.cmdline())
            environment = Path(f"/proc/{child.pid}/environ")
            if child.ppid() == psutil.Process().pid:  # the other lets nobody look
                known += environment.read_text()
            assert PASSWORD not in known
        assert PASSWORD not in repr(box)
    assert PASSWORD not in "".join(capfd.readouterr())


async def test_a_password_for_nothing_does_no_harm() -> None:
    assert await opened(scan("linn.pdf"), "unneeded") == 1
    assert await opened(scan("linn.png"), "unneeded") == 1


async def test_a_document_of_somebody_else_stays_shut() -> None:
    with pytest.raises(WrongPassword):
        await opened(broken("password-example.pdf"), "guess")
