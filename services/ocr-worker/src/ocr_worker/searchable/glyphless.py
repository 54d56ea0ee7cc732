"""A font without glyphs: it gives invisible text its characters and its place, and nothing to see.

Every character is as wide as half the text is high, so that a word is stretched over its picture
by its number of characters alone.
"""

import struct
import zlib
from collections.abc import Iterator, Mapping

from pikepdf import Array, Dictionary, Name, Object, Pdf, Stream

ADVANCE = 0.5
"""Width of a character, in heights of the text."""
DESCENT = 0.2
"""How far the baseline is above the bottom of the text, in heights of the text."""

_EM = 1000
_WIDTH, _DESCENT = int(ADVANCE * _EM), int(DESCENT * _EM)
_ASCENT = _EM - _DESCENT
_FIRST_SURROGATE, _LAST_SURROGATE = 0xD800, 0xDFFF
_MOST_IN_BLOCK = 100  # entries of a bfchar block (Adobe Technical Note 5411)
_MADE = 2_082_844_800  # seconds from 1904 to 1970, since a font has to have been made
_NAME = "Glyphless"


class GlyphlessFont:
    """One font for a whole document, with the characters that were asked for.

    The code of a character is its number in Unicode; those beyond the first 65,536 get the codes
    that UTF-16 keeps for halves of characters.
    """

    def __init__(self, pdf: Pdf) -> None:
        self._pdf = pdf
        self._codes: dict[str, int] = {}
        self._next_beyond = _FIRST_SURROGATE
        self.reference: Object = pdf.make_indirect(Dictionary())
        """What pages refer to; it becomes a font when `finish` is called."""

    def encode(self, text: str) -> bytes:
        """Return the codes of a text, two bytes a character."""
        return b"".join(self._code(character).to_bytes(2, "big") for character in text)

    def _code(self, character: str) -> int:
        code = self._codes.get(character)
        if code is None:
            code = ord(character)
            if code > 0xFFFF:
                code, self._next_beyond = self._next_beyond, self._next_beyond + 1
                if code > _LAST_SURROGATE:
                    return self._code("\N{REPLACEMENT CHARACTER}")
            self._codes[character] = code
        return code

    def finish(self) -> None:
        """Write the font into the document."""
        pdf, name = self._pdf, Name("/" + _NAME)
        descriptor = Dictionary(
            Type=Name.FontDescriptor,
            FontName=name,
            Flags=4,  # symbolic: it has no encoding of its own
            FontBBox=Array([0, -_DESCENT, _WIDTH, _ASCENT]),
            ItalicAngle=0,
            Ascent=_ASCENT,
            Descent=-_DESCENT,
            CapHeight=_ASCENT,
            StemV=1,
            FontFile2=_deflated(pdf, _font_program(), {"/Length1": len(_font_program())}),
        )
        # Every character is shown by the second glyph, which is as empty as the first.
        glyphs = _deflated(pdf, b"\x00\x01" * 0x10000)
        descendant = Dictionary(
            Type=Name.Font,
            Subtype=Name.CIDFontType2,
            BaseFont=name,
            CIDSystemInfo=Dictionary(Registry=b"Adobe", Ordering=b"Identity", Supplement=0),
            FontDescriptor=pdf.make_indirect(descriptor),
            DW=_WIDTH,
            CIDToGIDMap=glyphs,
        )
        font = {
            "/Type": Name.Font,
            "/Subtype": Name.Type0,
            "/BaseFont": name,
            "/Encoding": Name("/Identity-H"),
            "/DescendantFonts": Array([pdf.make_indirect(descendant)]),
            "/ToUnicode": _deflated(pdf, b"\n".join(_to_unicode(self._codes))),
        }
        for key, value in font.items():
            self.reference[key] = value


def _deflated(pdf: Pdf, data: bytes, entries: Mapping[str, object] | None = None) -> Stream:
    return Stream(pdf, zlib.compress(data, 9), {"/Filter": Name.FlateDecode, **(entries or {})})


def _to_unicode(codes: Mapping[str, int]) -> Iterator[bytes]:
    """Yield the lines of the CMap that tells what the codes stand for (ISO 32000-2, 9.10.3)."""
    yield b"/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap"
    yield b"/CIDSystemInfo <</Registry (Adobe) /Ordering (UCS) /Supplement 0>> def"
    yield b"/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def"
    yield b"1 begincodespacerange\n<0000> <ffff>\nendcodespacerange"
    entries = sorted((code, text) for text, code in codes.items())
    for start in range(0, len(entries), _MOST_IN_BLOCK):
        block = entries[start : start + _MOST_IN_BLOCK]
        yield b"%d beginbfchar" % len(block)
        for code, text in block:
            yield b"<%04x> <%s>" % (code, text.encode("utf-16-be").hex().encode())
        yield b"endbfchar"
    yield b"endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend"


def _font_program() -> bytes:
    """Return a TrueType font of two glyphs, one empty and one a stroke (ISO/IEC 14496-22)."""
    box = (0, -_DESCENT, _WIDTH, _ASCENT)
    # There and back again: it has a box, without which pdfium leaves turned text out, and no area.
    stroke = struct.pack(">5hHHBB4h", 1, *box, 1, 0, 1, 1, 0, _WIDTH, -_DESCENT, _EM)
    tables = {
        b"glyf": stroke,
        b"head": struct.pack(
            *(">IIIIHHqqhhhhHHhhh", 0x10000, 0x10000, 0, 0x5F0F3CF5, 0, _EM, _MADE, _MADE),
            *(*box, 0, 8, 2, 0, 0),
        ),
        b"hhea": struct.pack(
            *(">IhhhHhhhhhh8xhH", 0x10000, _ASCENT, -_DESCENT, 0),
            *(_WIDTH, 0, 0, _WIDTH, 1, 0, 0, 0, 2),
        ),
        b"hmtx": struct.pack(">HhHh", _WIDTH, 0, _WIDTH, 0),
        b"loca": struct.pack(">HHH", 0, 0, len(stroke) // 2),
        b"maxp": struct.pack(">IHHHHHH16x", 0x10000, 2, 2, 1, 0, 0, 1),
    }
    offset = 12 + 16 * len(tables)
    directory, body = [], b""
    for tag, table in tables.items():
        directory.append(
            struct.pack(">4sIII", tag, _checksum(table), offset + len(body), len(table))
        )
        body += table + bytes(-len(table) % 4)
    entry_selector = len(tables).bit_length() - 1
    search_range = 16 << entry_selector
    head = struct.pack(
        *(">IHHHH", 0x10000, len(tables), search_range, entry_selector),
        16 * len(tables) - search_range,
    )
    font = head + b"".join(directory) + body
    adjustment = (0xB1B0AFBA - _checksum(font)) & 0xFFFFFFFF
    place = font.index(tables[b"head"]) + 8
    return font[:place] + struct.pack(">I", adjustment) + font[place + 4 :]


def _checksum(data: bytes) -> int:
    padded = data + bytes(-len(data) % 4)
    numbers: tuple[int, ...] = struct.unpack(f">{len(padded) // 4}I", padded)
    return sum(numbers) & 0xFFFFFFFF
