"""A searchable PDF looks as the original does, byte for byte where it can, and can be searched."""

import io
import json
import os
import unicodedata
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import pikepdf
import pypdfium2
import pytest
from corpus import digital, scan
from hypothesis import given, settings
from hypothesis import strategies as st
from ocr_worker.box import Box
from ocr_worker.errors import (
    DocumentEncrypted,
    DocumentNotArchivable,
    OutputTooLarge,
    ReaderCrashed,
)
from ocr_worker.formats import Format
from ocr_worker.limits import Limits
from ocr_worker.outputs import NotAnOutput, take
from ocr_worker.page_frame import PageFrame
from ocr_worker.products import Searchable, assemble
from ocr_worker.reading import Bbox, ReadWord
from ocr_worker.searchable.assembling import SearchablePdf
from ocr_worker.text_layer import read_text_layer
from pdf_files import page, page_of_picture, page_of_text
from pikepdf import pdfa
from PIL import Image, ImageChops, TiffImagePlugin

Words = Sequence[tuple[str, Bbox]]
PDF_SIZE = (612.0, 792.0)
NAMES = count()


def stored(
    folder: Path, number: int, words: Words, *, size: tuple[float, float] = PDF_SIZE
) -> dict[int, Path]:
    """Store what reading a page would have found."""
    path = folder / f"{next(NAMES)}.json"
    result = {
        "number": number,
        "width": size[0],
        "height": size[1],
        "source": "ocr",
        "confidence": 1,
        "text": " ".join(text for text, _ in words),
        "words": [{"text": text, "bbox": bbox, "confidence": 1} for text, bbox in words],
    }
    path.write_text(json.dumps(result))
    return {number: path}


async def assembled(
    content: bytes | Path,
    tmp_path: Path,
    results: dict[int, Path],
    *,
    archival: bool = False,
    password: str | None = None,
    limits: Limits | None = None,
) -> tuple[Searchable, Path]:
    path, target = tmp_path / "document", tmp_path / f"{next(NAMES)}.pdf"
    path.write_bytes(content if isinstance(content, bytes) else content.read_bytes())
    async with Box.open(path, password=password, limits=limits, scratch_root=tmp_path / "b") as box:
        made = await assemble(box, results, target, archival=archival)
    assert made.size == target.stat().st_size
    return made, target


async def read_and_assembled(path: Path, tmp_path: Path) -> tuple[list[Words], Path]:
    """Recognise all pages of a document, and lay what was found over them."""
    target = tmp_path / "searchable.pdf"
    results: dict[int, Path] = {}
    words: list[Words] = []
    async with Box.open(path) as box:
        for number in range(1, box.pages + 1):
            result = await box.read(number, force_ocr=True)
            (tmp_path / f"{number}.json").write_text(result.model_dump_json())
            results[number] = tmp_path / f"{number}.json"
            words.append([(word.text, word.bbox) for word in result.words])
        await assemble(box, results, target)
    return words, target


def found(
    path: Path, number: int = 1, *, password: str | None = None
) -> tuple[str, list[ReadWord]]:
    document = pypdfium2.PdfDocument(path, password=password)
    one = document[number - 1]
    layer = read_text_layer(one, frame=PageFrame.of(one), most=100_000)
    return layer.reading.text, layer.reading.words


def pictures(path: Path) -> list[Image.Image]:
    return [one.render(scale=1.5).to_pil() for one in pypdfium2.PdfDocument(path)]


def looks_alike(path: Path, other: Path) -> bool:
    pairs = zip(pictures(path), pictures(other), strict=True)
    return all(ImageChops.difference(*pair).getbbox() is None for pair in pairs)


def at_their_places(wanted: Words, words: list[ReadWord]) -> float:
    """Return the share of words that are found within three points of where they should be."""
    left = list(words)
    hits = 0
    for text, box in wanted:
        for word in left:
            middle = (box[1] + box[3]) / 2
            near = abs(word.bbox[0] - box[0]) < 3 and abs(word.bbox[2] - box[2]) < 3
            if word.text == text and near and word.bbox[1] < middle < word.bbox[3]:
                hits += 1
                left.remove(word)
                break
    return hits / len(wanted)


@pytest.mark.parametrize(("name", "growth"), [("linn.pdf", 1.2), ("francais.pdf", 1.05)])
async def test_a_scan_stays_the_picture_it_is_and_can_be_searched(
    name: str, growth: float, tmp_path: Path
) -> None:
    (words,), path = await read_and_assembled(scan(name), tmp_path)
    assert at_their_places(words, found(path)[1]) > 0.98
    assert looks_alike(scan(name), path)
    assert path.stat().st_size < growth * scan(name).stat().st_size
    with pikepdf.open(path) as pdf:
        assert pdf.check_pdf_syntax() == []


async def test_words_are_found_whichever_way_the_page_was_scanned(tmp_path: Path) -> None:
    words, path = await read_and_assembled(scan("cardinal.pdf"), tmp_path)
    for number in range(1, 5):
        assert "The LinnSequencer is a state-of-the-art composition" in found(path, number)[0]
        if number != 3:  # upside-down lines are stretched as a whole
            assert at_their_places(words[number - 1], found(path, number)[1]) > 0.9
    assert looks_alike(scan("cardinal.pdf"), path)


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
async def test_words_are_where_they_are_shown_on_a_turned_page(
    rotation: int, tmp_path: Path
) -> None:
    size = (500, 700) if rotation in (0, 180) else (700, 500)
    content = page(b"0 0 9 9 re f", box=(100, 50, 600, 750), entries=b"/Rotate %d" % rotation)
    words: Words = [("Hello", (50, 60, 110, 75)), ("there", (120, 60, 170, 75))]
    made, path = await assembled(content, tmp_path, stored(tmp_path, 1, words, size=size))
    assert (made.pages, made.worded, made.left_out) == (1, 1, ())
    text, seen = found(path)
    assert text == "Hello there"
    assert at_their_places(words, seen) == 1


@pytest.mark.parametrize(
    "line",
    [
        ["حبيبي", "مرحبا", "12", "(نص)"],
        ["שלום", "עולם"],
        ["漢字", "かな"],
        ["\N{MATHEMATICAL DOUBLE-STRUCK CAPITAL A}𝔅", "x"],
        ["back\\slash", "(a)", "b)", "(c", "ſ\u010d\u0d28"],  # codes with bytes that strings escape
    ],
)
async def test_every_script_is_found_again(line: list[str], tmp_path: Path) -> None:
    leftwards = unicodedata.bidirectional(line[0][0]) in ("R", "AL")
    places = reversed(range(len(line))) if leftwards else range(len(line))
    words = [
        (text, (50 + 90 * at, 50, 130 + 90 * at, 70)) for text, at in zip(line, places, strict=True)
    ]
    _, path = await assembled(page(b""), tmp_path, stored(tmp_path, 1, words))
    assert found(path)[0].split() == line


LETTERS = st.characters(
    categories=["Lu", "Ll", "Nd"], include_characters="\\()<>[]%/'\"", max_codepoint=0x58F
)


# pdfium takes single characters that stand above each other for a word.
@settings(deadline=None)  # other work on the machine
@given(st.lists(st.text(LETTERS, min_size=2, max_size=12), min_size=1, max_size=5))
def test_any_word_is_found_again(line: list[str]) -> None:
    words = [
        ReadWord(text, (20, 20 + 30 * row, 20 + 9.0 * len(text), 36 + 30 * row), 1)
        for row, text in enumerate(line)
    ]
    with TemporaryDirectory() as folder:
        path, target = Path(folder) / "original.pdf", Path(folder) / "searchable.pdf"
        path.write_bytes(page(b""))
        searchable = SearchablePdf(path, Format.PDF, pages=1, limits=Limits())
        searchable.add(1, PDF_SIZE, words)
        searchable.save(target, archival=False)
        with pikepdf.open(target) as pdf:
            cmap = pdf.pages[0].resources.Font.QuireText0.ToUnicode.read_bytes().decode()
        texts = [word.text for word in found(target)[1]]
    for character in set("".join(line)):
        assert f"<{character.encode('utf-16-be').hex()}>" in cmap
    assert [unicodedata.normalize("NFKC", text) for text in texts] == [
        unicodedata.normalize("NFKC", text) for text in line
    ]


async def test_a_page_with_text_of_its_own_is_not_touched(tmp_path: Path) -> None:
    original = digital("pdflatex-4-pages.pdf")
    made, path = await assembled(original, tmp_path, {})
    assert path.read_bytes() == original.read_bytes()
    assert (made.pages, made.worded) == (4, 0)


async def test_what_a_scan_shows_as_text_is_not_doubled(tmp_path: Path) -> None:
    stamp = b"BT /F 12 Tf 300 20 Td (Page17) Tj ET"
    words: Words = [("Above", (50, 50, 90, 62)), ("Page17", (299, 762, 342, 774))]
    content = page_of_picture(*jpeg(), text=stamp)
    _, path = await assembled(content, tmp_path, stored(tmp_path, 1, words))
    assert sorted(found(path)[0].split()) == ["Above", "Page17"]


@pytest.mark.parametrize(
    "hidden",
    [
        b"BT 3 Tr /F 10 Tf 30 700 Td (wrong) Tj ET",
        b"3 Tr BT /F 10 Tf 30 700 Td [(wr)(ong)] TJ ET",
        b"q 3 Tr BT /F 10 Tf 12 TL 30 700 Td (wrong) ' 1 1 (wrong) \" ET Q",
    ],
)
async def test_an_earlier_recognition_is_replaced(hidden: bytes, tmp_path: Path) -> None:
    shown = b" BT 0 Tr /F 10 Tf 30 600 Td (seen) Tj ET"
    content = page_of_picture(*jpeg(), text=hidden + shown)
    _, path = await assembled(content, tmp_path, stored(tmp_path, 1, [("right", (30, 82, 60, 92))]))
    assert sorted(found(path)[0].split()) == ["right", "seen"]
    assert looks_alike(tmp_path / "document", path)


async def test_an_earlier_recognition_in_a_shared_form_is_replaced_on_one_page(
    tmp_path: Path,
) -> None:
    with pikepdf.open(io.BytesIO(page_of_text(b"/X Do"))) as pdf:
        one = pdf.pages[0]
        form = pdf.make_stream(b"BT 3 Tr /F 10 Tf 30 700 Td (old) Tj ET")
        form.Type, form.Subtype, form.BBox = (
            *(pikepdf.Name.XObject, pikepdf.Name.Form),
            pikepdf.Array([0, 0, 612, 792]),
        )
        one.resources.XObject = pikepdf.Dictionary(X=form)
        pdf.pages.append(one)
        pdf.save(tmp_path / "two.pdf")
    results = stored(tmp_path, 2, [("new", (30, 82, 60, 92))])
    made, path = await assembled(tmp_path / "two.pdf", tmp_path, results)
    assert (made.pages, made.worded) == (2, 1)
    assert [found(path, number)[0] for number in (1, 2)] == ["old", "new"]


async def test_a_result_is_replaced_by_a_later_one(tmp_path: Path) -> None:
    words = stored(tmp_path, 1, [("first", (30, 82, 60, 92))])
    _, path = await assembled(page_of_picture(*jpeg()), tmp_path, words)
    words = stored(tmp_path, 1, [("second", (30, 82, 60, 92))])
    _, path = await assembled(path, tmp_path, words)
    assert found(path)[0] == "second"


def jpeg(**options: object) -> tuple[bytes, tuple[int, int]]:
    data = io.BytesIO()
    drawn = Image.linear_gradient("L").resize((300, 200))
    drawn.save(data, "JPEG", **options)
    return data.getvalue(), drawn.size


async def test_a_photograph_is_embedded_as_it_is(tmp_path: Path) -> None:
    data, size = jpeg(dpi=(100, 100))
    words: Words = [("Hello", (30, 20, 90, 50))]
    made, path = await assembled(data, tmp_path, stored(tmp_path, 1, words, size=size))
    with pikepdf.open(path) as pdf:
        (image,) = pdf.pages[0].get_images().values()
        assert image.read_raw_bytes() == data
        assert list(map(float, pdf.pages[0].mediabox)) == [0, 0, 216, 144]
    assert made.worded == 1
    assert at_their_places([("Hello", (21.6, 14.4, 64.8, 36))], found(path)[1]) == 1


async def test_a_photograph_is_turned_as_it_is_shown(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise by 90 degrees
    data, (width, height) = jpeg(dpi=(72, 72), exif=exif)
    words: Words = [("Hello", (30, 20, 90, 50))]
    results = stored(tmp_path, 1, words, size=(height, width))
    _, path = await assembled(data, tmp_path, results)
    assert at_their_places(words, found(path)[1]) == 1
    (shown,) = pictures(path)
    assert shown.size == (300, 450)
    left, right = (shown.convert("L").crop(box) for box in ((0, 0, 9, 9), (290, 0, 300, 9)))
    assert left.tobytes() > right.tobytes()  # it was dark at the top


@pytest.mark.parametrize(
    ("mode", "form", "options"),
    [
        ("1", "TIFF", {"compression": "group4"}),
        ("L", "TIFF", {"compression": "tiff_lzw"}),
        ("RGB", "TIFF", {"compression": "jpeg"}),
        ("CMYK", "TIFF", {}),
        ("RGB", "WEBP", {"quality": 80}),
        ("RGBA", "WEBP", {"lossless": True}),
    ],
)
async def test_every_frame_becomes_a_page(
    mode: str, form: str, options: dict[str, object], tmp_path: Path
) -> None:
    grey = Image.linear_gradient("L").resize((300, 200))
    frames = [grey.rotate(angle).convert(mode) for angle in (0, 180, 0)]
    data = io.BytesIO()
    frames[0].save(data, form, save_all=True, append_images=frames[1:], **options)
    results = stored(tmp_path, 2, [("middle", (30, 20, 90, 50))], size=(300, 200))
    made, path = await assembled(data.getvalue(), tmp_path, results)
    assert (made.pages, made.worded, made.left_out) == (3, 1, ())
    assert [found(path, number)[0] for number in (1, 2, 3)] == ["", "middle", ""]
    for shown, frame in zip(pictures(path), frames, strict=True):
        wanted = frame.convert("RGB").resize((30, 20), Image.Resampling.BOX)
        got = shown.convert("RGB").resize((30, 20), Image.Resampling.BOX)
        assert max(ImageChops.difference(wanted, got).tobytes()) < 40


async def test_a_frame_that_is_damaged_is_named_and_the_next_keeps_its_words(
    tmp_path: Path,
) -> None:
    data = io.BytesIO()
    frames = [Image.effect_noise((200, 200), 90) for _ in range(3)]
    frames[0].save(
        data, "TIFF", save_all=True, append_images=frames[1:], compression="tiff_adobe_deflate"
    )
    with Image.open(data) as image:
        image.seek(1)
        assert isinstance(image, TiffImagePlugin.TiffImageFile)
        (start,) = image.tag_v2[TiffImagePlugin.STRIPOFFSETS]
    content = bytearray(data.getvalue())
    content[start : start + 2_000] = bytes(2_000)
    results = stored(tmp_path, 3, [("last", (30, 20, 90, 50))], size=(200, 200))
    made, path = await assembled(bytes(content), tmp_path, results)
    assert (made.pages, made.worded, made.left_out) == (3, 1, (2,))
    assert [found(path, number)[0] for number in (1, 2, 3)] == ["", "", "last"]


async def test_a_frame_that_is_too_large_is_named(tmp_path: Path) -> None:
    data = io.BytesIO()
    frames = [Image.new("1", size) for size in ((20, 20), (90, 90), (20, 20))]
    frames[0].save(data, "TIFF", save_all=True, append_images=frames[1:])
    results = stored(tmp_path, 2, [("lost", (1, 1, 9, 9))], size=(90, 90))
    limits = Limits(pixels=1_000)
    made, _ = await assembled(data.getvalue(), tmp_path, results, limits=limits)
    assert (made.pages, made.worded, made.left_out) == (3, 0, (2,))


def signed() -> bytes:
    field = b"<</FT/Sig/T(S)/Type/Annot/Subtype/Widget/Rect[0 0 9 9]/P 3 0 R/V 6 0 R>>"
    value = b"<</Type/Sig/Filter/Adobe.PPKLite/ByteRange[0 1 2 3]/Contents<00>>>"
    content = page(b"0 0 50 50 re f", entries=b"/Annots[5 0 R]", more=[field, value])
    return content.replace(
        b"<</Type/Catalog", b"<</AcroForm<</Fields[5 0 R]/SigFlags 3>>/Type/Catalog"
    )


async def test_a_copy_does_not_pass_for_what_was_signed(tmp_path: Path) -> None:
    results = stored(tmp_path, 1, [("Hello", (30, 20, 90, 50))])
    made, path = await assembled(signed(), tmp_path, results)
    assert made.signatures_removed == 1
    with pikepdf.open(path) as pdf:
        assert "/V" not in pdf.Root.AcroForm.Fields[0]


async def test_a_signed_document_that_needs_no_words_stays_signed(tmp_path: Path) -> None:
    made, path = await assembled(signed(), tmp_path, {})
    assert made.signatures_removed == 0
    assert path.read_bytes() == signed()


def encrypted(tmp_path: Path) -> Path:
    path = tmp_path / "encrypted.pdf"
    with pikepdf.open(io.BytesIO(page(b"0 0 50 50 re f"))) as pdf:
        pdf.save(path, encryption=pikepdf.Encryption(user="secret", owner="owner"))
    return path


async def test_a_protected_document_stays_protected(tmp_path: Path) -> None:
    results = stored(tmp_path, 1, [("Hello", (30, 20, 90, 50))])
    made, path = await assembled(encrypted(tmp_path), tmp_path, results, password="secret")
    assert made.encrypted
    assert found(path, password="secret")[0] == "Hello"
    with pytest.raises(pikepdf.PasswordError):
        pikepdf.open(path)


async def test_a_protected_document_needs_its_password(tmp_path: Path) -> None:
    with pytest.raises(DocumentEncrypted):
        await assembled(encrypted(tmp_path), tmp_path, {})
    with pytest.raises(DocumentNotArchivable):
        await assembled(encrypted(tmp_path), tmp_path, {}, password="secret", archival=True)


@pytest.mark.parametrize("name", ["linn.pdf", "8071_093.3B.tif", "typewriter.png"])
async def test_a_scan_becomes_pdf_a(name: str, tmp_path: Path) -> None:
    words: Words = [("Hello", (30, 20, 90, 50)), ("مرحبا", (130, 20, 190, 50))]
    results = stored(tmp_path, 1, words, size=(612, 792))
    made, path = await assembled(scan(name), tmp_path, results, archival=True)
    assert made.archival
    report = pdfa.validate_written(path, "2b")
    assert (report.verdict, report.findings) == ("pass", [])
    assert "Hello" in found(path)[0]


async def test_what_cannot_be_archived_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(DocumentNotArchivable) as refusal:
        await assembled(digital("habibi.pdf"), tmp_path, {}, archival=True)
    assert refusal.value.detail == "It breaks 6.2.11.3.2-1 of ISO 19005-2."


async def test_a_refusal_leaves_nothing_behind_for_the_next(tmp_path: Path) -> None:
    path, target = tmp_path / "document", tmp_path / "made.pdf"
    path.write_bytes(page_of_text(b"0 0 9 9 re f BT /F 9 Tf 50 50 Td (seen) Tj ET"))
    results = stored(tmp_path, 1, [("Hello", (30, 20, 90, 50))])
    async with Box.open(path) as box:
        with pytest.raises(DocumentNotArchivable):
            await assemble(box, results, target, archival=True)
        assert not target.exists()
        for _ in range(2):
            made = await assemble(box, results, target)
            assert (made.pages, made.worded) == (1, 1)
            assert sorted(found(target)[0].split()) == ["Hello", "seen"]


async def test_assembling_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    results = stored(tmp_path, 1, [("Hello", (30, 20, 90, 50))])
    _, first = await assembled(scan("linn.pdf"), tmp_path, results)
    _, second = await assembled(scan("linn.pdf"), tmp_path, results)
    assert first.read_bytes() == second.read_bytes()


async def test_a_result_has_its_limit(tmp_path: Path) -> None:
    results = stored(tmp_path, 1, [("Hello", (30, 20, 90, 50))])
    with pytest.raises(OutputTooLarge):
        await assembled(scan("linn.pdf"), tmp_path, results, limits=Limits(file_bytes=40_000))


def test_only_a_file_of_the_readers_own_is_taken(tmp_path: Path) -> None:
    made, secret, target = tmp_path / "made", tmp_path / "secret", tmp_path / "target"
    secret.write_bytes(b"%PDF-1.7 secret")
    for trick in (
        lambda: made.symlink_to(secret),
        lambda: made.hardlink_to(secret),
        lambda: os.mkfifo(made),
        made.mkdir,
        lambda: made.write_bytes(b"no PDF"),
        lambda: made.write_bytes(b"%PDF-" + bytes(100)),
        lambda: None,
    ):
        if made.is_dir() and not made.is_symlink():
            made.rmdir()
        made.unlink(missing_ok=True)
        trick()
        with pytest.raises(NotAnOutput):
            take(made, target, head=b"%PDF-", most=50)
        assert not target.exists()
    made.write_bytes(b"%PDF-1.7 mine")
    assert take(made, target, head=b"%PDF-", most=50) == 13
    assert target.read_bytes() == b"%PDF-1.7 mine"


async def test_a_file_that_is_no_pdf_is_not_believed(tmp_path: Path) -> None:
    async with Box.open(digital("habibi.pdf"), scratch_root=tmp_path / "b") as box:
        requests = [{"draw": 1, "within": (9, 9), "form": "png", "file": "x"}]
        with pytest.raises(ReaderCrashed):
            await box.make(requests, file="x", target=tmp_path / "t", head=b"%PDF-", seconds=20)
    assert not (tmp_path / "t").exists()
