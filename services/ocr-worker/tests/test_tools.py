"""Questions about documents, asked of a real worker over a real broker."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pdf_files
import pikepdf
import pytest
from bombs import laughs, loop
from common.asking import Asker, NoAnswerInTime
from common.errors import Problem
from common.settings import StorageSettings
from common.storage import Storage
from common.testing import eventually, serving
from contracts import (
    OFFER_QUEUE,
    TOOLS_QUEUE,
    AskDrawnPage,
    AskOffer,
    AskPdfInfo,
    AskPdfMatches,
    AskPdfPage,
    AskPdfTables,
    Question,
)
from corpus import broken, digital, scan
from cryptography.fernet import Fernet
from ocr_worker.app import create_worker
from ocr_worker.settings import Settings
from PIL import Image
from processes import processes

KEY = Fernet.generate_key()

Store = Callable[[bytes | Path], Awaitable[str]]


@pytest.fixture
async def storage(storage_settings: StorageSettings) -> AsyncIterator[Storage]:
    storage = Storage(storage_settings)
    yield storage
    storage.close()


@pytest.fixture
def store(storage: Storage) -> Store:
    """Put a file where a worker may be asked about it; return its key."""

    async def store(file: bytes | Path) -> str:
        key = f"tmp/{uuid4()}"
        data = file if isinstance(file, bytes) else file.read_bytes()
        await storage.put(key, data, content_type="application/octet-stream")
        return key

    return store


@pytest.fixture
async def asker(amqp_url: str, storage_settings: StorageSettings) -> AsyncIterator[Asker]:
    """Run a worker, and return what asks it."""
    settings = Settings.model_validate(
        {
            **storage_settings.model_dump(),
            "port": 0,
            "amqp_url": amqp_url,
            "shutdown_seconds": 5,
            "slots": 2,
            "password_sealing_key": KEY.decode(),
        }
    )
    asker = Asker(amqp_url)

    async def is_there() -> bool:
        with contextlib.suppress(Problem):
            await asker.ask(OFFER_QUEUE, AskOffer(), seconds=10)
            return True
        return False

    async with serving(create_worker(settings)):
        await eventually(is_there)
        yield asker
    await asker.close()


def encrypted(path: Path, password: str) -> bytes:
    out = BytesIO()
    with pikepdf.open(path) as pdf:
        pdf.save(out, encryption=pikepdf.Encryption(user=password, owner="other"))
    return out.getvalue()


def sealed(password: str) -> str:
    return Fernet(KEY).encrypt(password.encode()).decode()


async def test_what_a_pdf_is(asker: Asker, store: Store) -> None:
    digital_one = AskPdfInfo(object_key=await store(digital("la-precinct-bulletin-2014-p1.pdf")))
    scanned_one = AskPdfInfo(object_key=await store(scan("linn.pdf")))

    digital_info = await asker.ask(TOOLS_QUEUE, digital_one, seconds=30)
    scanned_info = await asker.ask(TOOLS_QUEUE, scanned_one, seconds=30)

    assert (digital_info.page_count, digital_info.encrypted) == (1, False)
    assert (digital_info.has_text, digital_info.has_tables) == (True, True)
    assert digital_info.metadata["producer"]
    assert (scanned_info.page_count, scanned_info.has_text, scanned_info.has_tables) == (
        1,
        False,
        False,
    )


async def test_the_tables_of_a_pdf(asker: Asker, store: Store) -> None:
    question = AskPdfTables(object_key=await store(digital("senate-expenditures.pdf")))

    found = await asker.ask(TOOLS_QUEUE, question, seconds=30)

    assert found.tables_count == len(found.tables) >= 1
    table = found.tables[0]
    assert (table.page, table.table_index, table.total_rows) == (1, 0, len(table.rows))
    assert {len(row) for row in table.rows} == {len(table.headers)}


async def test_a_text_is_found_whatever_its_case(asker: Asker, store: Store) -> None:
    key = await store(digital("scotus-transcript-p1.pdf"))
    page = await asker.ask(TOOLS_QUEUE, AskPdfPage(object_key=key, page=1), seconds=30)

    for term in ("Supreme Court", "SUPREME  COURT"):
        question = AskPdfMatches(object_key=key, search_term=term)
        found = await asker.ask(TOOLS_QUEUE, question, seconds=30)
        (on_page,) = found.matches_by_page
        assert found.search_term == term
        assert found.total_matches == on_page.matches == len(on_page.context) > 0
        for match in on_page.context:
            assert " ".join(match.match.lower().split()) == "supreme court"
            end = match.position + len(match.match)
            assert page.text[match.position : end] == match.match
            assert page.text[: match.position].endswith(match.before)
            assert page.text[end:].startswith(match.after)
            assert max(len(match.before), len(match.after)) <= 100

    nothing = AskPdfMatches(object_key=key, search_term="zebra(.*)")
    assert (await asker.ask(TOOLS_QUEUE, nothing, seconds=30)).total_matches == 0


async def test_of_many_matches_all_are_counted_and_some_shown(asker: Asker, store: Store) -> None:
    key = await store(digital("GeoTopo-komprimiert.pdf"))
    question = AskPdfMatches(object_key=key, search_term="e")

    found = await asker.ask(TOOLS_QUEUE, question, seconds=60)

    shown = sum(len(page.context) for page in found.matches_by_page)
    assert shown == 1_000 < found.total_matches
    assert found.total_matches == sum(page.matches for page in found.matches_by_page)
    assert len(found.matches_by_page) > 100


async def test_what_is_on_a_page(asker: Asker, store: Store) -> None:
    text = digital("la-precinct-bulletin-2014-p1.pdf")
    picture = scan("linn.pdf")

    read = await asker.ask(
        TOOLS_QUEUE, AskPdfPage(object_key=await store(text), page=1), seconds=30
    )
    drawn = await asker.ask(
        TOOLS_QUEUE, AskPdfPage(object_key=await store(picture), page=1), seconds=30
    )

    assert (read.page, round(read.width), round(read.height)) == (1, 792, 612)
    assert "PRECINCT" in read.text.upper()
    assert len(read.tables) >= 1
    assert (drawn.text, drawn.tables) == ("", ())
    (image,) = drawn.images
    assert image.width > 1000
    x0, y0, x1, y1 = image.bbox
    assert -1 <= x0 < x1 <= drawn.width + 1
    assert -1 <= y0 < y1 <= drawn.height + 1


@pytest.mark.parametrize(
    ("file", "password", "slug"),
    [
        (broken("invalid.pdf"), None, "document-damaged"),
        (loop(), None, "document-damaged"),
        (scan("phototest.tif"), None, "document-unsupported"),
        (b"no document at all", None, "document-unsupported"),
        (encrypted(scan("linn.pdf"), "Öffne"), None, "document-encrypted"),
        (encrypted(scan("linn.pdf"), "Öffne"), "oeffne", "wrong-password"),
    ],
    ids=["invalid", "loop", "picture", "text", "encrypted", "wrong"],
)
async def test_what_cannot_be_opened_is_refused_by_name(
    asker: Asker, store: Store, file: bytes | Path, password: str | None, slug: str
) -> None:
    about = {
        "object_key": await store(file),
        "sealed_password": sealed(password) if password else None,
    }
    questions: tuple[Question[Any], ...] = (
        AskPdfInfo.model_validate(about),
        AskPdfPage.model_validate({**about, "page": 1}),
    )
    for question in questions:
        with pytest.raises(Problem) as refused:
            await asker.ask(TOOLS_QUEUE, question, seconds=30)
        assert (refused.value.status, refused.value.slug) == (422, slug)


async def test_a_password_opens(asker: Asker, store: Store) -> None:
    key = await store(encrypted(digital("pdflatex-4-pages.pdf"), "Öffne"))
    question = AskPdfInfo(object_key=key, sealed_password=sealed("Öffne"))

    info = await asker.ask(TOOLS_QUEUE, question, seconds=30)

    assert (info.page_count, info.encrypted, info.has_text) == (4, True, True)


async def test_a_page_that_is_not_there(asker: Asker, store: Store) -> None:
    key = await store(digital("pdflatex-4-pages.pdf"))
    questions: tuple[Question[Any], ...] = (
        AskPdfPage(object_key=key, page=5),
        AskDrawnPage(object_key=key, page=5, width=100, target_key=f"tmp/{uuid4()}"),
    )
    for question in questions:
        with pytest.raises(Problem) as refused:
            await asker.ask(TOOLS_QUEUE, question, seconds=30)
        assert refused.value.slug == "no-such-page"
        assert "4" in refused.value.detail


async def test_a_file_that_is_gone(asker: Asker) -> None:
    with pytest.raises(Problem) as refused:
        await asker.ask(TOOLS_QUEUE, AskPdfInfo(object_key=f"tmp/{uuid4()}"), seconds=30)
    assert (refused.value.status, refused.value.slug) == (404, "document-gone")


async def test_a_page_is_drawn(asker: Asker, store: Store, storage: Storage) -> None:
    for file, page in ((digital("pdflatex-4-pages.pdf"), 2), (scan("phototest.tif"), 1)):
        target = f"tmp/{uuid4()}"
        question = AskDrawnPage(
            object_key=await store(file), page=page, width=300, height=300, target_key=target
        )
        drawn = await asker.ask(TOOLS_QUEUE, question, seconds=30)

        with Image.open(BytesIO(await storage.get(target))) as picture:
            assert picture.format == "WEBP"
            assert picture.size == (drawn.width, drawn.height)
            assert max(picture.size) == 300


async def test_control_characters_and_half_ones_come_out_of_no_metadata(
    asker: Asker, store: Store
) -> None:
    out = BytesIO()
    with pikepdf.open(digital("pdflatex-4-pages.pdf")) as pdf:
        pdf.docinfo["/Title"] = pikepdf.String(b"\xfe\xff\x00A\x00\x00\xd8\x00\x00B")
        pdf.docinfo["/Author"] = "a\x00b\x1b[31m" + "x" * 5_000
        pdf.save(out)

    question = AskPdfInfo(object_key=await store(out.getvalue()))
    info = await asker.ask(TOOLS_QUEUE, question, seconds=30)

    told = "".join(info.metadata.values())
    assert told.isprintable()
    assert len(info.metadata["author"]) <= 1_000


async def test_a_page_that_kills_its_reader_is_named_and_the_others_are_searched(
    asker: Asker, store: Store
) -> None:
    out = BytesIO()
    with (
        pikepdf.open(digital("pdflatex-4-pages.pdf")) as pdf,
        pikepdf.open(BytesIO(pdf_files.page(b"", box=(0, 0, 0, 0)))) as empty,
    ):
        pdf.pages.insert(1, empty.pages[0])
        pdf.save(out)

    question = AskPdfMatches(object_key=await store(out.getvalue()), search_term="the")
    found = await asker.ask(TOOLS_QUEUE, question, seconds=30)

    assert {page.page for page in found.matches_by_page} <= {1, 3, 4, 5}
    assert found.total_matches > 0


async def test_no_reader_outlives_its_question(asker: Asker, store: Store) -> None:
    key = await store(laughs())
    target = f"tmp/{uuid4()}"

    with pytest.raises(NoAnswerInTime):
        await asker.ask(
            TOOLS_QUEUE,
            AskDrawnPage(object_key=key, page=1, width=2000, target_key=target),
            seconds=2,
        )

    async def none_is_left() -> bool:
        return processes() == []

    await eventually(none_is_left)
    fine = AskPdfInfo(object_key=await store(digital("pdflatex-4-pages.pdf")))
    assert (await asker.ask(TOOLS_QUEUE, fine, seconds=30)).page_count == 4


async def test_what_a_worker_offers(asker: Asker) -> None:
    offer = await asker.ask(OFFER_QUEUE, AskOffer(), seconds=30)

    backends = {each.name: each for each in offer.backends}
    assert offer.default_backend == "tesseract"
    assert backends["tesseract"].usable
    assert not backends["tesseract"].any_language
    assert not backends["deepseek"].usable
    assert backends["deepseek"].reason
    assert "QUIRE_VISION_SERVERS" in backends["deepseek"].install
    english = next(each for each in offer.languages if each.name == "eng")
    assert english.iso_639_1 == "en"
    assert set(english.codes) >= {"eng", "en"}


async def test_an_offer_does_not_wait_behind_documents(asker: Asker, store: Store) -> None:
    key = await store(laughs())
    slow = [
        asyncio.create_task(
            asker.ask(
                TOOLS_QUEUE,
                AskDrawnPage(object_key=key, page=1, width=2000, target_key=f"tmp/{uuid4()}"),
                seconds=4,
            )
        )
        for _ in range(4)
    ]

    async def busy() -> bool:
        return len(processes()) > 0

    await eventually(busy)
    offer = await asker.ask(OFFER_QUEUE, AskOffer(), seconds=3)
    assert offer.backends
    assert not all(task.done() for task in slow)
    await asyncio.gather(*slow, return_exceptions=True)
