"""Where the real documents are, and what is known about them."""

from pathlib import Path


def _corpus() -> Path:
    for folder in Path(__file__).resolve().parents:
        if (corpus := folder / "tests" / "corpus").is_dir():
            return corpus
    raise FileNotFoundError("tests/corpus")


CORPUS = _corpus()
DIGITAL = sorted((CORPUS / "digital").glob("*.pdf"))
SCANS = sorted(
    path for path in (CORPUS / "scans").iterdir() if path.suffix in {".pdf", ".png", ".tif"}
)
BROKEN = sorted((CORPUS / "broken").glob("*.pdf"))


def scan(name: str) -> Path:
    return CORPUS / "scans" / name


def broken(name: str) -> Path:
    return CORPUS / "broken" / name


def digital(name: str) -> Path:
    return CORPUS / "digital" / name
