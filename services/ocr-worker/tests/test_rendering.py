"""Pictures of pages show what a person would see, in the size that was asked for."""

import io
from pathlib import Path

import pikepdf
import pytest
from corpus import broken, digital, scan
from ocr_worker.box import Box
from ocr_worker.errors import PageDamaged, PageError, PageTooLarge
from ocr_worker.limits import Limits
from ocr_worker.products import Picture, draw, draw_thumbnail
from pdf_files import nested_forms, page
from PIL import Image

RED, WHITE = (255, 0, 0), (255, 255, 255)


async def drawn(
    content: bytes | Path,
    tmp_path: Path,
    *,
    number: int = 1,
    width: int = 300,
    limits: Limits | None = None,
    password: str | None = None,
) -> Image.Image:
    """Draw a page; without loss, so that its colours are known."""
    path, target = tmp_path / "document", tmp_path / "drawn"
    path.write_bytes(content if isinstance(content, bytes) else content.read_bytes())
    async with Box.open(path, limits=limits, password=password) as box:
        made = await draw(box, number, target, width=width, form="png")
    image = Image.open(target)
    assert made == Picture(*image.size, target.stat().st_size, "image/png")
    assert image.format == "PNG"
    return image.convert("RGB")


def bytes_of(image: Image.Image, form: str, **options: object) -> bytes:
    data = io.BytesIO()
    image.save(data, form, **options)
    return data.getvalue()


def corners(image: Image.Image) -> list[object]:
    """Return the colours near the corners, clockwise from the top left."""
    right, bottom = image.width - 6, image.height - 6
    return [image.getpixel(place) for place in ((5, 5), (right, 5), (right, bottom), (5, bottom))]


@pytest.mark.parametrize(("rotation", "red"), [(0, 3), (90, 0), (180, 1), (270, 2)], ids=str)
async def test_a_pdf_page_is_drawn_as_it_is_shown(rotation: int, red: int, tmp_path: Path) -> None:
    content = page(
        b"1 0 0 rg 100 100 60 60 re f",  # at the bottom left of what is visible
        entries=b"/Rotate %d/CropBox[100 100 400 500]" % rotation,
    )
    image = await drawn(content, tmp_path, width=300)
    assert image.size == ((300, 400) if rotation in (0, 180) else (300, 225))
    assert [corner == RED for corner in corners(image)] == [at == red for at in range(4)]


@pytest.mark.parametrize("orientation", range(1, 9))
async def test_a_photograph_is_drawn_as_its_camera_was_held(
    orientation: int, tmp_path: Path
) -> None:
    seen = Image.new("RGB", (200, 120), WHITE)
    seen.paste(RED, (0, 0, 60, 40))
    back = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = seen.transpose(back[orientation]) if orientation in back else seen
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = await drawn(bytes_of(stored, "PNG", exif=exif), tmp_path, width=100)
    assert image.size == (100, 60)
    assert corners(image) == [RED, WHITE, WHITE, WHITE]


@pytest.mark.parametrize(
    ("mode", "colour", "form", "shown"),
    [
        ("RGBA", (255, 0, 0, 0), "PNG", WHITE),
        ("LA", (0, 0), "PNG", WHITE),
        ("RGBA", (255, 0, 0, 255), "WEBP", RED),
        ("CMYK", (0, 255, 255, 0), "TIFF", RED),
        ("I;16", 65_535, "TIFF", WHITE),
        ("I;16", 0, "PNG", (0, 0, 0)),
        ("1", 1, "TIFF", WHITE),
        ("P", 0, "PNG", (0, 0, 0)),
    ],
)
async def test_colours_are_those_that_people_see(
    mode: str, colour: tuple[int, ...] | int, form: str, shown: tuple[int, int, int], tmp_path: Path
) -> None:
    image = Image.new(mode, (60, 60), colour)
    if mode == "P":
        image.putpalette([0, 0, 0, 9, 9, 9])
    got = await drawn(
        bytes_of(image, form, **({"lossless": True} if form == "WEBP" else {})), tmp_path
    )
    assert set(corners(got)) == {shown}
    assert got.size == (60, 60)  # it is not enlarged


async def test_each_frame_is_a_page(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (50, 40), colour) for colour in (WHITE, RED)]
    content = bytes_of(frames[0], "TIFF", save_all=True, append_images=frames[1:])
    assert set(corners(await drawn(content, tmp_path, number=1))) == {WHITE}
    assert set(corners(await drawn(content, tmp_path, number=2))) == {RED}


async def test_a_page_that_is_not_there_cannot_be_drawn(tmp_path: Path) -> None:
    for number in (0, 2):
        with pytest.raises(IndexError):
            await drawn(scan("phototest.tif"), tmp_path, number=number)


@pytest.mark.parametrize("path", [scan("linn.pdf"), scan("typewriter.png")], ids=lambda p: p.name)
async def test_a_thumbnail_is_small(path: Path, tmp_path: Path) -> None:
    async with Box.open(path) as box:
        made = await draw_thumbnail(box, tmp_path / "thumbnail")
    image = Image.open(tmp_path / "thumbnail")
    assert (image.format, made.media_type) == ("WEBP", "image/webp")
    assert max(image.size) == 400
    assert made.size < 40_000
    assert len(set(image.convert("1", dither=Image.Dither.NONE).tobytes())) > 1  # not empty


async def test_a_size_has_its_limit(tmp_path: Path) -> None:
    image = await drawn(page(b""), tmp_path, width=10**6)
    assert max(image.size) == 8192


async def test_pages_can_be_read_and_drawn_in_turn(tmp_path: Path) -> None:
    async with Box.open(digital("pdflatex-4-pages.pdf")) as box:
        for number in range(1, box.pages + 1):
            assert (await box.read(number)).number == number
            assert (await draw(box, number, tmp_path / "drawn", width=200)).width == 200


async def test_a_protected_page_is_drawn_with_its_password(tmp_path: Path) -> None:
    path = tmp_path / "encrypted.pdf"
    with pikepdf.open(io.BytesIO(page(b"1 0 0 rg 0 0 999 999 re f"))) as pdf:
        pdf.save(path, encryption=pikepdf.Encryption(user="secret", owner="owner"))
    assert set(corners(await drawn(path, tmp_path, password="secret"))) == {RED}


async def test_a_huge_picture_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    with pytest.raises(PageTooLarge):
        await drawn(broken("hugemono.pdf"), tmp_path)
    content = bytes_of(Image.new("1", (12_000, 12_000)), "PNG")
    with pytest.raises(PageTooLarge):
        await drawn(content, tmp_path)


async def test_a_picture_that_is_cut_off_is_named(tmp_path: Path) -> None:
    content = bytes_of(Image.effect_noise((300, 300), 90), "PNG")
    with pytest.raises(PageDamaged):
        await drawn(content[: len(content) // 2], tmp_path)


async def test_a_bomb_costs_its_own_picture_only(tmp_path: Path) -> None:
    limits = Limits(cpu_seconds=1)
    path = tmp_path / "document"
    path.write_bytes(nested_forms(levels=14, times=10))
    async with Box.open(path, limits=limits) as box:
        with pytest.raises(PageError):
            await draw(box, 1, tmp_path / "drawn", width=200)
        assert not (tmp_path / "drawn").exists()
    assert (await drawn(page(b""), tmp_path)).width == 300
