"""Tells what a document is for, by its title and by words that belong to one kind only."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence

from ocr_worker.understanding.evidence import Evidence
from ocr_worker.understanding.findings import DocumentType
from ocr_worker.understanding.folding import fold
from ocr_worker.understanding.labels import Meaning
from ocr_worker.understanding.layout import Row, Span

_TITLES: Mapping[DocumentType, str] = {
    DocumentType.INVOICE: """
        invoice, tax invoice, VAT invoice, commercial invoice, Rechnung, Faktura,
        Schlussrechnung, Abschlagsrechnung, Honorarrechnung, Teilrechnung, Rechnungskopie, bill,
        sales invoice""",
    DocumentType.CONTRACT: """
        contract, agreement, Vertrag, Mietvertrag, Arbeitsvertrag, Kaufvertrag, Dienstvertrag,
        Werkvertrag, Rahmenvertrag, Leasingvertrag, Lizenzvertrag, Dienstleistungsvertrag, lease,
        employment contract, employment agreement, service agreement, services agreement, NDA,
        lease agreement, rental agreement, non-disclosure agreement, purchase agreement, license
        agreement, licence agreement, Vereinbarung, Geheimhaltungsvereinbarung, Darlehensvertrag,
        Wohnraummietvertrag, contract of employment, tenancy agreement, consulting agreement""",
    DocumentType.RECEIPT: """
        receipt, sales receipt, cash receipt, payment receipt, Quittung, Kassenbon, Kassenbeleg,
        Kaufbeleg, Bon, Barverkauf, till receipt, Kassenzettel, Bewirtungsbeleg, Kundenbeleg""",
    DocumentType.DELIVERY_NOTE: """
        delivery note, delivery slip, packing slip, packing list, dispatch note, Lieferschein,
        proof of delivery, goods received note, delivery docket, Packzettel, Warenbegleitschein,
        advice note, despatch note""",
    DocumentType.OTHER: """
        quotation, quote, offer, estimate, purchase order, order confirmation, statement,
        reminder, credit note, payslip, curriculum vitae, minutes, memo, report, pro forma,
        proforma invoice, Angebot, Kostenvoranschlag, Bestellung, Auftragsbestätigung, Mahnung,
        Zahlungserinnerung, Gutschrift, Kontoauszug, Gehaltsabrechnung, Lebenslauf, Protokoll,
        Kündigung, Bescheid, payment reminder, bank statement, statement of account,
        Lohnabrechnung, newsletter, Einladung, invitation, certificate, Bescheinigung, Zeugnis,
        pro forma invoice""",
}
_WORDS: Mapping[DocumentType, str] = {
    DocumentType.INVOICE: r"""
        invoice (?:no|number|date|\#) | bill(?:ed)? to | amount due | due date | payment terms
        | please (?:pay|remit) | bank (?:details|transfer) | zahlbar
        | rechnungs-?\s?(?:nr|nummer|datum|betrag) | zahlungsziel | überweisen | f[aä]llig
        | bankverbindung | leistungszeitraum | rechnungsempf[aä]nger | total due | rechnung nr
        | stellen wir (?:ihnen )?in rechnung""",
    DocumentType.CONTRACT: r"""
        hereinafter | hereby | the parties | in witness whereof | governing law | termination
        | effective date | shall (?:be|not|have|pay) | entered into | confidential information
        | nachfolgend | vertragspar\w+ | kündigungsfrist | gerichtsstand | schriftform
        | vertragsdauer | salvatorische | mietsache | probezeit | arbeitnehmer | §\s?\d
        | landlord | tenant | mieter | vermieter | nebenabreden | auftragnehmer | obligations
        | warrant(?:s|ies)""",
    DocumentType.RECEIPT: r"""
        cash\b | change due | cashier | card (?:payment|no|ending) | visa | mastercard
        | approved | auth code | thank you for (?:shopping|your (?:purchase|visit|custom))
        | till\b | tendered | payment received | paid in full | with thanks | rückgeld | gegeben
        | kartenzahlung | girocard | ec-?cash | kasse\b | kassierer | bediener | terminal-?id
        | tse-? | signaturz | vielen dank für ihren (?:einkauf|besuch) | dankend erhalten
        | betrag erhalten | bar\b | contactless | bon-?nr | geg\.""",
    DocumentType.DELIVERY_NOTE: r"""
        delivered (?:by|to|qty|quantity) | received by | goods received | carrier
        | qty delivered | quantity (?:ordered|delivered|shipped) | deliver(?:y)? (?:address|to)
        | backorder | pallets? | received in good | lieferschein-?\s?(?:nr|nummer|datum)
        | ware (?:erhalten|ordnungsgem) | liefermenge | lieferadresse | lieferanschrift
        | spediteur | paletten? | packst(?:ü|u)ck | ware vollst | empfangen | shipped
        | gross weight | bruttogewicht | nachlieferung""",
    DocumentType.OTHER: r"""
        we (?:are pleased to )?offer | valid until | gültig bis | unser angebot | freibleibend
        | we confirm your order | dear (?:sir|ms|mr) | mahngeb(?:ü|u)hr | opening balance
        | kontostand | overdue | minutes of | agenda | tagesordnung | we have not received
        | unverbindlich | berufserfahrung | work experience | education | closing balance
        | noch offen""",
}


def _any_of(words: str) -> re.Pattern[str]:
    """Return what finds one of the expressions, which stand between bars with space around."""
    expressions = "|".join(re.split(r"\s+[|]\s+", words.strip()))
    return re.compile(rf"(?<!\w)(?:{expressions})", re.IGNORECASE)


_PATTERNS = {kind: _any_of(words) for kind, words in _WORDS.items()}
_TITLE_KINDS = {
    fold("".join(map(fold, title.split()))): kind
    for kind, titles in _TITLES.items()
    for title in titles.split(",")
}
_TITLE_ROWS = 30
_TITLE_WORDS = 3
_MOST_HITS = 5
_SUMS = {
    Meaning.NUMBER: 0.4,
    Meaning.DUE_DATE: 0.2,
    Meaning.NET: 0.3,
    Meaning.VAT: 0.3,
    Meaning.TOTAL: 0.3,
    Meaning.IBAN: 0.2,
}
"""What speaks for an invoice as well as for a receipt."""
_DOUBT = 1.0
"""Added to all scores, so that a single word is no certainty."""


def classify(evidence: Evidence) -> tuple[DocumentType, float]:
    """Return the type and the confidence, 0 to 1; other when nothing speaks for a type."""
    rows = evidence.rows
    scores: dict[DocumentType, float] = defaultdict(float)
    for kind, weight in _titles(rows).items():
        scores[kind] += weight
    text = "\n".join(row.whole.text for row in rows)
    for kind, pattern in _PATTERNS.items():
        different = {match[0].strip().casefold() for match in pattern.finditer(text)}
        scores[kind] += 0.8 * min(len(different), _MOST_HITS)
    sums = sum(weight for meaning, weight in _SUMS.items() if evidence.labelled(meaning))
    scores[DocumentType.INVOICE] += sums
    scores[DocumentType.RECEIPT] += sums
    best, second, *_ = sorted(DocumentType, key=lambda kind: scores[kind], reverse=True)
    if scores[best] < 1.5:
        return DocumentType.OTHER, round(0.7 - 0.3 * scores[best], 3)
    return best, round(scores[best] / (scores[best] + scores[second] + _DOUBT), 3)


def _titles(rows: Sequence[Row]) -> dict[DocumentType, float]:
    """Return the kinds that titles on the first page name, the higher the heavier."""
    found: dict[DocumentType, float] = {}
    page = rows[0].page if rows else 1
    usual = sorted(row.whole.height for row in rows)[len(rows) // 2] if rows else 1.0
    for number, row in enumerate(rows[:_TITLE_ROWS]):
        if row.page != page:
            break
        for cell in row.cells:
            kind = title_of(cell)
            if kind is None:
                continue
            weight = 5.0 - 0.08 * number - 0.4 * min(len(cell.pieces) - 1, 6)
            if cell.height > 1.4 * usual:
                weight += 2.0
            found[kind] = max(found.get(kind, 0.0), weight)
    return found


def title_of(cell: Span) -> DocumentType | None:
    """Return what a cell is the title of; letters may be set apart, as in R E C H N U N G."""
    folded = [piece.folded for piece in cell.pieces]
    if len(folded) > 4 and all(len(each) == 1 for each in folded):
        return _TITLE_KINDS.get(fold("".join(folded)))
    for end in range(min(_TITLE_WORDS, len(folded)), 0, -1):
        kind = _TITLE_KINDS.get(fold("".join(folded[:end])))
        if kind is not None:
            return kind
    return None
