"""Finds who wrote an invoice or receipt, and to whom."""

import re
from collections.abc import Iterator, Sequence

from ocr_worker.understanding.document_type import title_of
from ocr_worker.understanding.evidence import Evidence, found
from ocr_worker.understanding.findings import FoundField
from ocr_worker.understanding.labels import Meaning
from ocr_worker.understanding.layout import Row, Span

_LEGAL_FORM = re.compile(
    r"(?<!\w)(?:GmbH|gGmbH|mbH|AG|KG|KGaA|UG|OHG|GbR|SE|e\.\s?K\.?|e\.\s?V\.?|eG|Ltd\.?|Limited|LLC"
    r"|Inc\.?|PLC|plc|LLP|Corp\.?|Co\.|Ges\.?m\.?b\.?H\.?|OÜ|Oy|ApS|Corporation|Pty|S\.A\.?|SARL|SAS|B\.V\.?|N\.V\.?|S\.r\.l\.?|Sàrl)"
    r"(?!\w)"
)
_POSTCODE_AND_TOWN = re.compile(
    r"^(?:[A-Z]{1,2}-)?\d{4,5}\s[^\W\d_]{2}|\b[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}$"
    r"|,\s[A-Z]{2}\s\d{5}(?:-\d{4})?$"
)
_SENDER_SEPARATOR = re.compile(r"\s[·•|*—–-]\s|,\s")
_STREET = re.compile(
    r"(?i)(?<!#)\b\d{1,4}\s?[a-z]?\W?$|^\d{1,5}[a-z]?\s|stra(?:ss|ß)e|str\.|weg\b|platz\b"
    r"|street|road|avenue"
)
_NO_NAME = re.compile(
    r"(?i)@|www\.|https?:|\d{5,}|^\W*(?:inh\b|inhaber|c/o|page|seite|copy|kopie|original|duplicate"
    r"|willkommen|welcome|tel\b|telefon|phone|fax|e-?mail)"
)
_HONORIFIC = re.compile(r"^(?:Firma|Fa\.|Herrn?|Frau|Familie|Eheleute)(?:\s|$)")
_LONGEST_NAME = 80
_HEAD_ROWS = 25
_LONGEST_ADDRESS = 5
_WIDEST_LEADING = 1.2  # in heights of a word, from the foot of a line to the head of the next


def find_customer(evidence: Evidence) -> FoundField | None:
    """Return to whom the document is addressed: by a label, else by the address field."""
    for place in evidence.labelled(Meaning.CUSTOMER):
        if place.label.weight < 1 and place.label.start:
            continue
        for near in evidence.near(place):
            name = _name(near.span)
            if name is not None:
                return found(_bare(name), name, 0.9 * place.label.weight * near.likelihood)
    block = next(_address_blocks(evidence), None)
    if block is None:
        return None
    name = _name(block)
    return None if name is None else found(_bare(name), name, 0.6)


def find_supplier(evidence: Evidence, customer: FoundField | None) -> FoundField | None:
    """Return who wrote the document; the likeliest of several places where that may stand."""
    candidates = [
        (weight, name)
        for weight, span in _senders(evidence)
        if (name := _name(span)) is not None and not _is_same(name, customer)
    ]
    if not candidates:
        return None
    weight, name = max(candidates, key=lambda each: each[0])
    agreeing = sum(1 for _, other in candidates if other.text.casefold() == name.text.casefold())
    return found(_bare(name), name, min(weight + 0.05 * (agreeing - 1), 0.95))


def _senders(evidence: Evidence) -> Iterator[tuple[float, Span]]:
    for place in evidence.labelled(Meaning.SUPPLIER):
        if place.label.start == 0:
            for near in evidence.near(place):
                if _name(near.span) is not None:
                    yield 0.85 * near.likelihood, near.span
                    break
    customers = {(place.row, place.cell) for place in evidence.labelled(Meaning.CUSTOMER)}
    first = evidence.rows[0].page if evidence.rows else 1
    seen = 0
    for number, row in enumerate(evidence.rows):
        in_head = row.page == first and number < _HEAD_ROWS
        for index, cell in enumerate(row.cells):
            if (number, index) in customers:
                continue
            short = _until_separator(cell)
            if in_head and short is not cell and _looks_like_sender(cell):
                yield 0.8, short
            if _LEGAL_FORM.search(short.text):
                # Whoever writes comes first; below, it is in the small print or somebody else.
                yield (0.75 if in_head else 0.5) - 0.01 * min(number, 30), short
            if in_head and seen < 4 and not _is_label(evidence, number, index) and _name(short):
                yield 0.5 - 0.08 * seen, short
                seen += 1


def _is_label(evidence: Evidence, row: int, cell: int) -> bool:
    """Whether a cell holds a label and nothing else, or a label with a colon."""
    pieces = evidence.rows[row].cells[cell].pieces
    return any(
        label.start == 0 and (label.end == len(pieces) or pieces[label.end - 1].text.endswith(":"))
        for label in evidence.labels_of(row, cell)
    )


def _looks_like_sender(cell: Span) -> bool:
    """Whether it is an address on one line, as it stands above the address field (DIN 5008)."""
    parts = _SENDER_SEPARATOR.split(cell.text)
    return len(parts) >= 3 and any(_POSTCODE_AND_TOWN.search(part.strip()) for part in parts[1:])


def _until_separator(cell: Span) -> Span:
    match = _SENDER_SEPARATOR.search(cell.text)
    if match is None or match.start() == 0:
        return cell
    return cell.part(0, match.start())


def _address_blocks(evidence: Evidence) -> Iterator[Span]:
    """Return the names in addresses, which are some lines above a postcode and a town.

    An address that begins the page is the sender's own.
    """
    rows = evidence.rows
    for number, row in enumerate(rows[: 2 * _HEAD_ROWS]):
        for town in row.cells:
            if _POSTCODE_AND_TOWN.search(town.text):
                above = list(_lines_above(rows, number, town))
                names = [cell for _, cell in above[1:] if _name(cell) is not None]
                has_street = any(_STREET.search(cell.text) for _, cell in above)
                if names and above[-1][0] > 0 and has_street and _once(evidence, names[-1]):
                    yield names[-1]


def _once(evidence: Evidence, name: Span) -> bool:
    """Whether a name stands on no other line, as the sender's often does."""
    return sum(name.text in row.whole.text for row in evidence.rows) == 1


def _lines_above(rows: Sequence[Row], number: int, town: Span) -> Iterator[tuple[int, Span]]:
    """Return the lines of an address from the street upwards, each with the number of its row."""
    lower = town
    for upper in range(number - 1, max(number - 1 - _LONGEST_ADDRESS, -1), -1):
        cell = next((cell for cell in rows[upper].cells if _stands_on(cell, lower)), None)
        if cell is None or _looks_like_sender(cell):
            return
        yield upper, cell
        lower = cell


def _stands_on(cell: Span, lower: Span) -> bool:
    """Whether a line is of the same paragraph as the one below it."""
    gap = lower.pieces[0].box[1] - cell.pieces[0].box[3]
    aligned = abs(cell.left - lower.left) <= cell.height
    return cell.page == lower.page and aligned and gap <= _WIDEST_LEADING * cell.height


def _name(span: Span) -> Span | None:
    """Return the part of a line that may be somebody's name; None when there is none."""
    short = _until_separator(span)
    if any(map(str.isdigit, span.text)) or _LEGAL_FORM.search(short.text):
        span = short  # the rest is an address
    text = span.text
    honorific = _HONORIFIC.match(text)
    if honorific is not None:
        span = span.part(honorific.end(), len(text))
        text = span.text
    letters = sum(character.isalpha() for character in text)
    digits = sum(character.isdigit() for character in text)
    if letters < 3 or digits > letters / 2 or len(text) > _LONGEST_NAME or text.islower():
        return None
    if (
        _LEGAL_FORM.fullmatch(text)
        or _NO_NAME.search(text)
        or text.endswith(":")
        or title_of(span) is not None
    ):
        return None
    if _POSTCODE_AND_TOWN.search(text):
        return None
    if _STREET.search(text) and any(map(str.isdigit, text)) and not _LEGAL_FORM.search(text):
        return None
    return span


def _bare(name: Span) -> str:
    text = name.text.strip(" ,;:·•|*–—-‚‘’")
    return text if _LEGAL_FORM.search(text) else text.rstrip(".")


def _is_same(name: Span, customer: FoundField | None) -> bool:
    return customer is not None and customer.value.casefold() == _bare(name).casefold()
