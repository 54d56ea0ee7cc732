"""Files that ask for more than anybody should give."""

import struct
import zlib
from collections.abc import Callable
from io import BytesIO

from pdf_files import deflated, nested_forms, page, pdf, stream
from PIL import Image


def bigbox() -> bytes:
    """A page of 5 m × 5 m: 3.6 gigapixels at 300 dpi, and still too many at 72."""
    return page(b"0 0 1000 1000 re f", box=(0, 0, 14400, 14400))


def hugebox() -> bytes:
    return page(b"0 0 1000 1000 re f", box=(0, 0, 2_000_000, 2_000_000))


def ribbon() -> bytes:
    """A page of few pixels, nearly all of them in one line."""
    return page(b"0 0 1000 1 re f", box=(0, 0, 2_000_000, 2))


def loop() -> bytes:
    catalogue = b"<</Type/Catalog/Pages 2 0 R>>"
    return pdf([catalogue, b"<</Type/Pages/Kids[2 0 R 2 0 R]/Count 2147483647>>"])


def long_loop() -> bytes:
    """A page tree whose third level leads back to the first."""
    catalogue = b"<</Type/Catalog/Pages 2 0 R>>"
    levels = [b"<</Type/Pages/Kids[%d 0 R]/Count 2147483647>>" % kid for kid in (3, 4, 2)]
    return pdf([catalogue, *levels])


def deep_tree() -> bytes:
    """A page below 20,000 levels of page tree."""
    catalogue = b"<</Type/Catalog/Pages 2 0 R>>"
    levels = [b"<</Type/Pages/Kids[%d 0 R]/Count 1>>" % (level + 3) for level in range(20_000)]
    return pdf([catalogue, *levels, b"<</Type/Page/MediaBox[0 0 9 9]>>"])


def laughs() -> bytes:
    return nested_forms(levels=14, times=10)


def double_flate() -> bytes:
    """Four kilobytes that unpack to two gigabytes of spaces."""
    packed = zlib.compress(deflated(b" ", 2048), 9)
    return page(packed, filters=b"/Filter[/FlateDecode/FlateDecode]")


def many_filters() -> bytes:
    """A stream that was packed a hundred times over, with a gigabyte at the bottom."""
    packed = deflated(b" ", 1024)
    for _ in range(100):
        packed = zlib.compress(packed, 9)
    return page(packed, filters=b"/Filter[%s]" % (b"/FlateDecode" * 101))


def picture_of_a_gigabyte() -> bytes:
    picture = stream(
        deflated(b"\0", 1145),
        b"/Type/XObject/Subtype/Image/Width 20000/Height 20000/BitsPerComponent 8"
        b"/ColorSpace/DeviceRGB/Filter/FlateDecode",
    )
    draw = b"612 0 0 792 0 0 cm /I Do"
    return page(draw, resources=b"/XObject<</I 5 0 R>>", more=[picture])


def many_kids() -> bytes:
    return page(b"0 0 10 10 re f", kids=b"3 0 R " * 100_000, count=100_000)


def much_text() -> bytes:
    show = b"BT /F 1 Tf 1 TL 10 780 Td %s ET" % (b"(%s) '" % (b"abcdefghi " * 100) * 400)
    font = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"
    return page(show, resources=b"/Font<</F 5 0 R>>", more=[font])


def _png_chunk(kind: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)


def _png(width: int, height: int, pixels: bytes, *before: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = (_png_chunk(b"IHDR", header), *before, _png_chunk(b"IDAT", pixels))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks) + _png_chunk(b"IEND", b"")


def huge_png() -> bytes:
    return _png(60_000, 60_000, deflated(b"\0", 64))


def square_png() -> bytes:
    """A picture of 20,000 × 20,000 grey pixels in half a megabyte."""
    return _png(20_000, 20_000, deflated(b"\0", 382))


def long_png() -> bytes:
    return _png(1_000_000, 50, deflated(b"\0", 48))


def chatty_png() -> bytes:
    """A small picture with a comment of a gigabyte."""
    comment = _png_chunk(b"zTXt", b"Comment\0\0" + deflated(b" ", 1024))
    return _png(8, 8, zlib.compress(bytes(72)), comment)


def huge_webp() -> bytes:
    """A lossless picture of a few bytes whose header claims 144 megapixels."""
    out = BytesIO()
    Image.new("RGB", (8, 8), "white").save(out, "WEBP", lossless=True)
    data = bytearray(out.getvalue())
    header = data.index(b"VP8L") + 9  # after the name, the length and the signature
    data[header : header + 4] = struct.pack("<I", 11_999 | 11_999 << 14)
    return bytes(data)


def torn_jpeg() -> bytes:
    out = BytesIO()
    Image.effect_noise((800, 600), 100).save(out, "JPEG")
    return out.getvalue()[: len(out.getvalue()) // 2]


def endless_tiff() -> bytes:
    """A TIFF of 5,000 frames."""
    return _tiff(5_000, last=0)


def tiff_without_end() -> bytes:
    """A TIFF of 100,000 frames."""
    return _tiff(100_000, last=0)


def endless_webp() -> bytes:
    """An animation of 50,000 pictures."""
    out = BytesIO()
    Image.new("RGB", (8, 8), "white").save(out, "WEBP", lossless=True)
    picture = out.getvalue()[12:]
    frame = bytes(6) + b"\x07\0\0\x07\0\0" + bytes(4) + picture
    frames = b"ANMF" + struct.pack("<I", len(frame)) + frame
    head = b"VP8X" + struct.pack("<I", 10) + b"\x02\0\0\0\x07\0\0\x07\0\0"
    body = b"WEBP" + head + b"ANIM" + struct.pack("<I", 6) + bytes(6) + frames * 50_000
    return b"RIFF" + struct.pack("<I", len(body)) + body


def looping_tiff() -> bytes:
    """A TIFF whose last frame is followed by its first."""
    return _tiff(3, last=8)


def _tiff(frames: int, *, last: int) -> bytes:
    entries = [(256, 8), (257, 8), (258, 1), (259, 1), (262, 1), (273, 0), (278, 8), (279, 8)]
    size = 2 + 12 * len(entries) + 4 + 8
    out = bytearray(struct.pack("<2sHI", b"II", 42, 8))
    for frame in range(frames):
        start = 8 + frame * size
        out += struct.pack("<H", len(entries))
        for tag, value in entries:
            value = start + size - 8 if tag == 273 else value  # noqa: PLW2901
            out += struct.pack("<HHII", tag, 4, 1, value)
        out += struct.pack("<I", last if frame == frames - 1 else start + size)
        out += b"\xff" * 8
    return bytes(out)


BOMBS: dict[str, tuple[Callable[[], bytes], str]] = {
    "bigbox": (bigbox, "page-too-large"),
    "hugebox": (hugebox, "page-too-large"),
    "ribbon": (ribbon, "page-too-large"),
    "loop": (loop, "document-damaged"),
    "long_loop": (long_loop, "document-damaged"),
    "deep_tree": (deep_tree, "document-damaged"),
    "laughs": (laughs, "page-out-of-memory"),
    "double_flate": (double_flate, "page-out-of-memory"),
    "many_filters": (many_filters, "page-out-of-memory"),
    "picture_of_a_gigabyte": (picture_of_a_gigabyte, "page-too-large"),
    "many_kids": (many_kids, "too-many-pages"),
    "much_text": (much_text, "page-too-large"),
    "huge_png": (huge_png, "page-too-large"),
    "square_png": (square_png, "page-too-large"),
    "long_png": (long_png, "page-too-large"),
    "chatty_png": (chatty_png, "document-damaged"),
    "huge_webp": (huge_webp, "page-too-large"),
    "torn_jpeg": (torn_jpeg, "page-damaged"),
    "endless_tiff": (endless_tiff, "too-many-pages"),
    "tiff_without_end": (tiff_without_end, "too-many-pages"),
    "endless_webp": (endless_webp, "too-many-pages"),
    "nothing": (lambda: b"", "document-unsupported"),
    "a web page": (lambda: b"<html><script>1</script>", "document-unsupported"),
    "a program": (lambda: b"%!PS\n(/etc/passwd) run", "document-unsupported"),
}
"""Every bomb, and the name of the error in which it must end."""
