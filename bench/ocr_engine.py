"""Wrong characters and processor time: our engine beside the tesseract program at 300 dpi.

Every page with a known text, in turns, each in a process of its own that starts from nothing:

    python bench/ocr_engine.py [--rounds 3]
"""

import argparse
import asyncio
import re
import resource
import subprocess
import sys
import tempfile
import textwrap
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from statistics import median

import pypdfium2
from ocr_worker.box import Box
from PIL import Image
from rapidfuzz.distance import Levenshtein

ROOT = Path(__file__).parents[1]
SCANS = ROOT / "tests" / "corpus" / "scans"
sys.path.insert(0, str(ROOT / "services" / "ocr-worker" / "tests"))

pdf_page = import_module("pdf_files").page  # the tests write PDF files by hand, too

DPI = 300
CUT = re.compile(r"(?<=[^\W\d_]{2})-\n\s*(?=[^\W\d_])")


@dataclass
class Sample:
    name: str
    path: Path
    page: int
    truth: str
    program: list[float] = field(default_factory=list)
    ours: list[float] = field(default_factory=list)
    program_text: str = ""
    our_text: str = ""

    def error_rate(self, text: str) -> float:
        truth = normal(self.truth)
        return Levenshtein.distance(normal(text), truth) / len(truth)


def normal(text: str) -> str:
    """Make white space alike, and words whole that a line end had cut."""
    return " ".join(CUT.sub("", text).split())


def cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def small_print(folder: Path, points: int, *, bitonal: bool) -> Sample:
    """Print a text in Times, scan it at 300 dpi with some noise, and return it as a picture."""
    words = (SCANS / "linn.txt").read_text().replace("’", "'").encode("ascii", "ignore").decode()
    lines = textwrap.wrap(" ".join(words.split()), int(1000 / points))[: int(560 / points)]
    shown = b" ".join(b"(%s) '" % re.sub(r"([()\\])", r"\\\1", line).encode() for line in lines)
    show = b"BT /F %d Tf %.1f TL 50 750 Td %s ET" % (points, points * 1.25, shown)
    font = b"<</Type/Font/Subtype/Type1/BaseFont/Times-Roman>>"
    printed = pypdfium2.PdfDocument(pdf_page(show, resources=b"/Font<</F 5 0 R>>", more=[font]))
    image = printed[0].render(scale=DPI / 72, grayscale=True).to_pil().convert("L")
    image = Image.blend(image, Image.effect_noise(image.size, 40), 0.2)
    if bitonal:
        image = image.point(lambda shade: 255 * (shade > 150)).convert("1")
    name = f"{points} pt, {'1 bit' if bitonal else 'grey'}"
    path = folder / f"{points}-{image.mode}.png"
    image.save(path, dpi=(DPI, DPI))
    return Sample(name, path, 1, "\n".join(lines))


def samples(folder: Path) -> list[Sample]:
    def truth(name: str) -> str:
        return (SCANS / name).read_text(encoding="utf-8", errors="replace")

    linn = truth("linn.txt")
    return [
        Sample("8071_093.3B.tif", SCANS / "8071_093.3B.tif", 1, truth("8071_093.3B.txt")),
        Sample("phototest.tif", SCANS / "phototest.tif", 1, truth("phototest.txt")),
        Sample(
            "phototest-rotated-180.png",
            SCANS / "phototest-rotated-180.png",
            1,
            truth("phototest-rotated-180.txt"),
        ),
        Sample("linn.png", SCANS / "linn.png", 1, linn),
        Sample("linn.pdf", SCANS / "linn.pdf", 1, linn),
        Sample("skew.pdf", SCANS / "skew.pdf", 1, linn),
        *(Sample(f"cardinal.pdf {n}", SCANS / "cardinal.pdf", n, linn) for n in range(1, 5)),
        *(small_print(folder, pt, bitonal=bit) for pt in (5, 6, 8, 11) for bit in (False, True)),
    ]


def read_by_program(sample: Sample, folder: Path) -> None:
    """Rasterise at 300 dpi where it is a PDF, and let the program find out which way is up."""
    before = cpu_seconds()
    path = sample.path
    if path.suffix == ".pdf":
        number = str(sample.page)
        subprocess.run(
            ["pdftoppm", "-gray", "-r", str(DPI), "-f", number, "-l", number, path, folder / "p"],
            check=True,
        )
        (path,) = folder.glob("p-*.pgm")
    done = subprocess.run(
        ["tesseract", path, "-", "--psm", "1"],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "OMP_THREAD_LIMIT": "1"},
    )
    sample.program.append(cpu_seconds() - before)
    sample.program_text = done.stdout
    for rastered in folder.glob("p-*.pgm"):
        rastered.unlink()


async def read_by_us(sample: Sample) -> None:
    before = cpu_seconds()
    async with Box.open(sample.path) as box:
        result = await box.read(sample.page, force_ocr=True)
    sample.ours.append(cpu_seconds() - before)
    sample.our_text = result.text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=1)
    rounds = parser.parse_args().rounds
    print(f"{'page':27}  wrong characters, %      CPU seconds (median of {rounds})")
    print(f"{'':27}  program      ours      program  ours   ours/program")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for sample in samples(folder):
            for _ in range(rounds):
                read_by_program(sample, folder)
                asyncio.run(read_by_us(sample))
            theirs, ours = (
                sample.error_rate(sample.program_text),
                sample.error_rate(sample.our_text),
            )
            cost, our_cost = median(sample.program), median(sample.ours)
            worse = "  worse" if ours > theirs else ""
            print(
                f"{sample.name:27}  {theirs:7.2%}   {ours:7.2%}      "
                f"{cost:7.2f}  {our_cost:4.2f}   {our_cost / cost:6.2f}{worse}",
                flush=True,
            )


if __name__ == "__main__":
    main()
