"""How fast the whole suite reads scans, beside OCRmyPDF and beside the engine alone.

    make up; python bench/reading.py [--rounds 2] [--pages 8] [--documents 3]

In turns, on all cores: the same scans uploaded to the running suite, until the last one is
complete with its searchable PDF; OCRmyPDF on one after the other; and our engine in a bare loop,
one process for each core, without services, storage or box. Then one page from its upload to
`ocr_complete` on the socket, beside the tesseract program on the same picture.
"""

import argparse
import asyncio
import io
import json
import multiprocessing
import os
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import aiohttp
import img2pdf
from ocr_worker.backends.registry import DEFAULT
from ocr_worker.backends.tesseract import Tesseract
from ocr_worker.limits import Limits
from ocr_worker.pdf import PdfPages
from ocr_worker.recognition import Ocr
from PIL import Image

ROOT = Path(__file__).parents[1]
SCANS = ROOT / "tests" / "corpus" / "scans"
URL = os.environ.get("QUIRE_URL") or f"http://127.0.0.1:{os.environ.get('QUIRE_PORT', '8000')}"
API = f"{URL}/api/v1"
PASSWORD = "Correct-horse-battery-9"
CORES = os.cpu_count() or 1
ENDED = {"completed", "partial", "failed", "cancelled"}
LANGUAGE = "eng"


def scans(folder: Path, *, kind: str, pages: int, documents: int) -> list[Path]:
    """Write scans of one kind, 1 bit or grey, each with a name of its own in it."""
    pictures = [SCANS / "8071_093.3B.tif", SCANS / "linn.png"]
    sources = []
    for number in range(pages):
        picture = Image.open(pictures[number % len(pictures)])
        image = picture.convert("1" if kind == "1 bit" else "L")
        data = io.BytesIO()
        image.save(data, "PNG", dpi=(300, 300))
        sources.append(data.getvalue())
    written = []
    for number in range(documents):
        path = folder / f"{kind.replace(' ', '-')}-{number}.pdf"
        path.write_bytes(img2pdf.convert(sources, title=secrets.token_hex(8)))
        written.append(path)
    return written


class Suite:
    """One user of the running suite."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self._http = http
        self._name = f"bench-{secrets.token_hex(6)}"

    async def sign_up(self) -> None:
        account = {"email": f"{self._name}@example.org", "username": self._name}
        secret = {"password": PASSWORD}
        await self._post("/auth/register", {**account, **secret, "password_confirm": PASSWORD})
        signed_in = await self._post("/auth/login", {"username": self._name, **secret})
        self._http.headers["Authorization"] = f"Bearer {signed_in['access_token']}"

    async def read(self, paths: Sequence[Path]) -> float:
        """Upload scans and wait for the end of all; return the seconds that it took."""
        started = time.perf_counter()
        ids = await asyncio.gather(*(self._upload(path) for path in paths))
        for document_id in ids:
            status = ""
            while status not in ENDED:
                await asyncio.sleep(0.05)
                status = (await self._get(f"/documents/{document_id}"))["status"]
            if status != "completed":
                raise SystemExit(f"a scan ended as {status}")
        took = time.perf_counter() - started
        for document_id in ids:
            async with self._http.get(f"{API}/documents/{document_id}/searchable.pdf") as answer:
                answer.raise_for_status()
            async with self._http.delete(f"{API}/documents/{document_id}?permanent=true"):
                pass
        return took

    async def read_one(self, path: Path) -> float:
        """Upload a page; return the seconds until the socket tells that it was read."""
        ticket = (await self._post("/auth/ticket", {}))["ticket"]
        async with self._http.ws_connect(f"{API}/ws?ticket={ticket}") as socket:
            await socket.receive()
            started = time.perf_counter()
            document_id = await self._upload(path)
            while json.loads((await socket.receive()).data)["type"] != "ocr_complete":
                pass
            took = time.perf_counter() - started
        async with self._http.delete(f"{API}/documents/{document_id}?permanent=true"):
            return took

    async def _upload(self, path: Path) -> str:
        form = aiohttp.FormData({"language": "en"})
        data = await asyncio.to_thread(path.read_bytes)
        form.add_field("file", data, filename=path.name)
        async with self._http.post(f"{API}/documents", data=form) as answer:
            answer.raise_for_status()
            document_id: str = (await answer.json())["id"]
            return document_id

    async def _post(self, path: str, body: dict[str, str]) -> dict[str, str]:
        async with self._http.post(f"{API}{path}", json=body) as answer:
            answer.raise_for_status()
            told: dict[str, str] = await answer.json()
            return told

    async def _get(self, path: str) -> dict[str, str]:
        async with self._http.get(f"{API}{path}") as answer:
            answer.raise_for_status()
            told: dict[str, str] = await answer.json()
            return told


def by_ocrmypdf(paths: Sequence[Path], folder: Path) -> float:
    """Let OCRmyPDF read scans, with as many pages at once as there are cores."""
    started = time.perf_counter()
    for path in paths:
        command = ["uvx", "--from", "ocrmypdf", "ocrmypdf", "-q", "-j", str(CORES), "-l", LANGUAGE]
        command += ["--output-type", "pdf", "--optimize", "0", str(path), str(folder / "out.pdf")]
        subprocess.run(command, check=True, env=os.environ)
    return time.perf_counter() - started


def _read_page(job: tuple[str, int]) -> int:
    path, number = job
    pages = PdfPages(Path(path), Limits())
    ocr = Ocr(DEFAULT, Tesseract(), LANGUAGE)
    reading = pages.read(number, ocr=ocr, force_ocr=False)
    return len(reading.as_json(number)["text"])  # type: ignore[union-attr]


def by_engine(paths: Sequence[Path], pages: int) -> float:
    """Let our engine read the pages, in as many processes as there are cores."""
    jobs = [(str(path), number) for path in paths for number in range(1, pages + 1)]
    with multiprocessing.get_context("spawn").Pool(CORES) as pool:
        pool.map(_read_page, jobs[:CORES], chunksize=1)  # the models are loaded before it counts
        started = time.perf_counter()
        pool.map(_read_page, jobs, chunksize=1)
        return time.perf_counter() - started


def by_tesseract(path: Path) -> float:
    """Let the tesseract program read a picture."""
    started = time.perf_counter()
    env = {**os.environ, "OMP_THREAD_LIMIT": "1"}
    command = ["tesseract", str(path), "-", "-l", LANGUAGE, "--psm", "1"]
    subprocess.run(command, check=True, capture_output=True, env=env)
    return time.perf_counter() - started


async def main(rounds: int, pages: int, documents: int) -> None:
    if shutil.which("uvx") is None:
        raise SystemExit("OCRmyPDF is started by uvx, which comes with uv")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with aiohttp.ClientSession() as http:
            suite = Suite(http)
            await suite.sign_up()
            print(f"{documents} scans of {pages} pages on {CORES} cores, {rounds} rounds; pages/s")
            print("scans      suite  OCRmyPDF  engine alone   suite/OCRmyPDF  suite/engine")
            for kind in ("1 bit", "grey"):
                took: dict[str, list[float]] = {"suite": [], "ocrmypdf": [], "engine": []}
                warm = scans(folder, kind=kind, pages=1, documents=1)
                await suite.read(warm)
                by_ocrmypdf(warm, folder)
                for _ in range(rounds):
                    paths = scans(folder, kind=kind, pages=pages, documents=documents)
                    took["suite"].append(await suite.read(paths))
                    took["ocrmypdf"].append(by_ocrmypdf(paths, folder))
                    took["engine"].append(by_engine(paths, pages))
                rate = {by: pages * documents / median(each) for by, each in took.items()}
                print(
                    f"{kind:8} {rate['suite']:7.2f} {rate['ocrmypdf']:9.2f} {rate['engine']:13.2f}"
                    f" {rate['suite'] / rate['ocrmypdf']:16.2f} "
                    f"{rate['suite'] / rate['engine']:13.2f}"
                )
            await compare_one_page(suite, folder, rounds)


async def compare_one_page(suite: Suite, folder: Path, rounds: int) -> None:
    ours, theirs = [], []
    image = Image.open(SCANS / "8071_093.3B.tif")
    for number in range(rounds * 2 + 1):
        path = folder / f"page-{number}.tif"
        image.save(path, dpi=(300, 300), description=secrets.token_hex(8), compression="group4")
        ours.append(await suite.read_one(path))
        theirs.append(by_tesseract(path))
    mine, other = median(ours[1:]), median(theirs[1:])  # the first one warms up
    print(
        f"one page, upload to socket: {mine:.2f} s; tesseract alone: {other:.2f} s: "
        f"{mine / other:.2f}×"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--pages", type=int, default=8)
    parser.add_argument("--documents", type=int, default=3)
    given = parser.parse_args()
    asyncio.run(main(given.rounds, given.pages, given.documents))
