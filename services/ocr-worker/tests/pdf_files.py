"""Writes small PDF files by hand, the harmless ones and those that are not."""

import zlib
from collections.abc import Mapping, Sequence

_MIB = 1 << 20
_ADLER = 65521


def stream(data: bytes, entries: bytes = b"") -> bytes:
    return b"<<%s/Length %d>>stream\n%s\nendstream" % (entries, len(data), data)


def pdf(objects: Sequence[bytes]) -> bytes:
    """Number the objects from 1 (the catalogue) and write the file around them."""
    out = bytearray(b"%PDF-1.7\n")
    offsets = []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    trailer = b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n"
    return bytes(out) + trailer % (len(objects) + 1, table)


def page(
    content: bytes,
    *,
    box: Sequence[int] = (0, 0, 612, 792),
    entries: bytes = b"",
    resources: bytes = b"",
    filters: bytes = b"",
    kids: bytes = b"3 0 R",
    count: int = 1,
    more: Sequence[bytes] = (),
) -> bytes:
    """Return a document of one page; the objects `more` are numbered from 5."""
    media_box = b" ".join(b"%d" % edge for edge in box)
    return pdf(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Kids[%s]/Count %d>>" % (kids, count),
            b"<</Type/Page/Parent 2 0 R/MediaBox[%s]/Contents 4 0 R/Resources<<%s>>%s>>"
            % (media_box, resources, entries),
            stream(content, filters),
            *more,
        ]
    )


def page_of_text(
    show: bytes, *, meaning: Mapping[str, str] | None = None, entries: bytes = b""
) -> bytes:
    """Return a page that shows text in font /F; `meaning` says what its characters stand for."""
    font = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"
    more = [font]
    if meaning is not None:
        lines = b"".join(
            b"<%02x> <%s>\n" % (ord(code), text.encode("utf-16-be").hex().encode())
            for code, text in meaning.items()
        )
        to_unicode = (
            b"/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /M def\n"
            b"1 begincodespacerange <00> <ff> endcodespacerange\n"
            b"%d beginbfchar\n%sendbfchar endcmap end end" % (len(meaning), lines)
        )
        more = [font[:-2] + b"/ToUnicode 6 0 R>>", stream(to_unicode)]
    return page(show, resources=b"/Font<</F 5 0 R>>", more=more, entries=entries)


def page_of_picture(
    jpeg: bytes,
    size: tuple[int, int],
    *,
    text: bytes = b"",
    in_form: bool = False,
) -> bytes:
    """Return a page filled by a picture, with text on it in font /F."""
    width, height = size
    font = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"
    picture = stream(
        jpeg,
        b"/Type/XObject/Subtype/Image/Width %d/Height %d/BitsPerComponent 8"
        b"/ColorSpace/DeviceGray/Filter/DCTDecode" % (width, height),
    )
    draw, more = b"q 612 0 0 792 0 0 cm /I Do Q ", [font, picture]
    if in_form:
        form = b"/Type/XObject/Subtype/Form/BBox[0 0 1 1]/Resources<</XObject<</I 6 0 R>>>>"
        draw, more = b"q 612 0 0 792 0 0 cm /X Do Q ", [*more, stream(b"/I Do", form)]
    resources = b"/Font<</F 5 0 R>>/XObject<</I 6 0 R/X 7 0 R>>"
    return page(draw + text, resources=resources, more=more)


def nested_forms(levels: int, times: int) -> bytes:
    """Return a page that draws a form that draws ten forms that draw ten forms, and so on."""
    forms = []
    for level in range(levels):
        last = level == levels - 1
        inner = b"0 0 10 10 re f" if last else b"/F%d Do " % (level + 1) * times
        entries = b"/Type/XObject/Subtype/Form/BBox[0 0 612 792]/Resources<</XObject<<%s>>>>"
        name = b"" if last else b"/F%d %d 0 R" % (level + 1, level + 6)
        forms.append(stream(inner, entries % name))
    return page(b"/F0 Do", resources=b"/XObject<</F0 5 0 R>>", more=forms)


def deflated(byte: bytes, mebibytes: int) -> bytes:
    """Return what zlib would make of so much of one byte, without the wait."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(byte * _MIB) + packer.flush(zlib.Z_FULL_FLUSH)
    size, value = mebibytes * _MIB, byte[0]
    low = (1 + size * value) % _ADLER
    high = (size + value * size * (size + 1) // 2) % _ADLER
    checksum = (high << 16 | low).to_bytes(4, "big")
    return b"\x78\xda" + block * mebibytes + packer.flush(zlib.Z_FINISH) + checksum
