"""The words that stand before values on business documents, in English and German."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum, auto

from ocr_worker.understanding.folding import fold
from ocr_worker.understanding.layout import Span


class Meaning(Enum):
    """What a label announces."""

    NUMBER = auto()
    ISSUE_DATE = auto()
    DUE_DATE = auto()
    DELIVERY_DATE = auto()
    NET = auto()
    VAT = auto()
    TOTAL = auto()
    IBAN = auto()
    BIC = auto()
    VAT_ID = auto()
    THEIR_VAT_ID = auto()
    SUPPLIER = auto()
    CUSTOMER = auto()
    SOMETHING_ELSE = auto()
    """Numbers, dates and amounts that would otherwise be taken for what is looked for."""


_STRONG: dict[Meaning, str] = {
    Meaning.NUMBER: """
        invoice number, invoice no, invoice nr, invoice num, invoice id, inv number, inv no, inv,
        tax invoice no, tax invoice number, bill number, bill no, receipt number, receipt no,
        sales receipt no, Rechnungsnummer, Rechnungs-Nr, Rechnung Nr, Rechnung Nummer, Rechn.-Nr,
        Rg-Nr, Rg.Nr, Re-Nr, RNr, Faktura-Nr, Fakturanummer, Belegnummer, Beleg-Nr, Bonnummer,
        Bon-Nr, Bon, Quittungsnummer, Quittung Nr, Quittungs-Nr, Kassenbon Nr, Rechnung/Beleg-Nr""",
    Meaning.ISSUE_DATE: """
        invoice date, date of issue, issue date, issued, issued on, date issued, bill date,
        billing date, receipt date, date of invoice, tax point, tax date, invoice date/tax point,
        date of receipt, Rechnungsdatum, Belegdatum, Ausstellungsdatum, Rechnung vom, Re-Datum,
        ausgestellt am, Datum der Rechnung, Rg-Datum""",
    Meaning.DUE_DATE: """
        due date, pay before, please pay before, payment due, payment due date, date due, pay by,
        please pay by, due by, due on,
        payment due by, payment due on, payable by, payment date, due, fällig am, fällig bis,
        fällig, Fälligkeit, Fälligkeitsdatum, zahlbar bis, zahlbar bis zum, zahlbar am,
        Zahlungsziel, zu zahlen bis, zu zahlen bis zum, zahlen bis, spätestens bis, spätestens
        bis zum, spätestens am, Zahlungsfrist, Zahlungsfälligkeit, Zahlung bis""",
    Meaning.DELIVERY_DATE: """
        delivery date, date of delivery, delivered on, date of supply, supply date, service date,
        date of service, shipped on, ship date, Lieferdatum, Leistungsdatum,
        Liefer-/Leistungsdatum, Lieferdatum/Leistungsdatum, Leistungszeitpunkt,
        Leistungszeitraum, Lieferung am, geliefert am, Liefertermin, Leistungs-/Lieferdatum,
        Datum der Lieferung, Lieferzeitpunkt, ausgeführt am, service period, period of service""",
    Meaning.NET: """
        subtotal, sub total, net total, net amount, total net, amount net, total excl VAT, total
        excluding VAT, total ex VAT, total before tax, amount excl VAT, net value, total excl,
        subtotal excl VAT, subtotal excluding VAT, taxable amount, net subtotal, goods total,
        Nettobetrag, Netto Summe, Nettosumme, Summe netto, Zwischensumme, Gesamt netto,
        Gesamtbetrag netto, Nettowert, Warenwert netto, Betrag netto, Gesamtnetto, Netto gesamt,
        Netto-Gesamtbetrag, Zwischensumme netto, Summe ohne MwSt, Rechnungsbetrag netto""",
    Meaning.VAT: """
        VAT amount, total VAT, sales tax, total tax, tax amount, VAT total, plus VAT,
        MwSt-Betrag, USt-Betrag, Mehrwertsteuer, Umsatzsteuer, zzgl MwSt, zzgl USt, zzgl gesetzl
        MwSt, zzgl gesetzliche MwSt, enthaltene MwSt, inkl MwSt, davon MwSt, Summe MwSt, MwSt
        gesamt, Summe USt, zzgl Umsatzsteuer, zzgl Mehrwertsteuer, Steuerbetrag, enth MwSt, darin
        enthaltene MwSt, gesetzliche Mehrwertsteuer, zuzüglich MwSt, Summe Steuer, enthaltene
        Mehrwertsteuer, enthält MwSt, darin enthaltene USt, darin enthalten MwSt""",
    Meaning.TOTAL: """
        total due, amount due, grand total, invoice total, total amount, total payable, balance
        due, amount payable, total incl VAT, total including VAT, total inc VAT, total to pay,
        total amount due, total gross, gross total, gross amount, total incl tax, amount to pay,
        total amount payable, invoice amount, Gesamtbetrag, Rechnungsbetrag, Endbetrag,
        Zahlbetrag, Gesamtsumme, Bruttobetrag, Summe brutto, zu zahlen, zu zahlender Betrag,
        Rechnungssumme, Endsumme, Gesamt brutto, Gesamtbetrag brutto, Zahlungsbetrag, Brutto
        gesamt, Rechnungsendbetrag, Gesamtrechnungsbetrag, Bruttosumme, Brutto-Gesamtbetrag,
        Total EUR, Total GBP, Total USD, Total CHF, Summe EUR, Gesamt EUR, Gesamtbetrag EUR, noch
        zu zahlen, Gesamtbetrag inkl MwSt, Gesamtsumme inkl MwSt, Rechnungsbetrag brutto, Summe
        inkl MwSt""",
    Meaning.IBAN: "IBAN, IBAN-Nr, IBAN No, IBAN number, IBAN Code",
    Meaning.BIC: """
        BIC, SWIFT, BIC/SWIFT, SWIFT/BIC, SWIFT code, BIC code, SWIFT-BIC, BIC/SWIFT-Code""",
    Meaning.VAT_ID: """
        VAT no, VAT number, VAT ID, VAT reg no, VAT registration no, VAT registration number, VAT
        registration, VAT reg, VAT identification number, our VAT no, our VAT number, our VAT ID,
        supplier VAT no, USt-IdNr, USt-ID, USt-ID-Nr, UStID-Nummer, Umsatzsteuer-ID, UID, UID-Nr,
        Umsatzsteuer-Identifikationsnummer, Umsatzsteuer-IdNr, unsere USt-IdNr, MwSt-Nr,
        MWST-Nummer, unsere UID, Umsatzsteuer-Ident-Nr, USt-Ident-Nr, USt-Identnummer,
        Umsatzsteueridentnummer""",
    Meaning.THEIR_VAT_ID: """
        your VAT no, your VAT number, your VAT ID, customer VAT no, customer VAT number, customer
        VAT ID, client VAT no, buyer VAT ID, client VAT number, client VAT ID, Ihre USt-IdNr,
        Ihre USt-ID, Ihre UID, Kunden-USt-IdNr, USt-IdNr Kunde, Ihre UID-Nr, USt-IdNr des Kunden,
        Ihre Umsatzsteuer-ID, Ihre USt-ID-Nr""",
    Meaning.SUPPLIER: """
        supplier, vendor, seller, from, issued by, payable to, pay to, beneficiary, account name,
        account holder, Lieferant, Verkäufer, Absender, Rechnungssteller, Kontoinhaber,
        Leistungserbringer, Rechnungsaussteller, Zahlungsempfänger, Begünstigter, remit to""",
    Meaning.CUSTOMER: """
        bill to, billed to, invoice to, invoiced to, sold to, customer, client, buyer, customer
        name, bill-to address, billing address, invoice address, Rechnung an, Rechnungsempfänger,
        Kunde, Rechnungsadresse, Rechnungsanschrift, Käufer, Auftraggeber, Empfänger,
        Leistungsempfänger, An, recipient, attn, received from, erhalten von, charge to, deliver
        to, ship to, Lieferadresse, Lieferanschrift""",
    Meaning.SOMETHING_ELSE: """
        customer no, customer number, customer ID, account no, account number, order number,
        order no, your order, our order, PO number, purchase order, order date, date of birth,
        reference, our ref, your ref, sort code, phone, tel, fax, tax ID, company no, page, print
        date, company registration no, delivery note no, delivery note, contract no, quote no,
        terminal, Kundennummer, Kunden-Nr, Kd-Nr, Kundennr, Auftragsnummer, Auftrags-Nr, Auftrag
        Nr, Bestellnummer, Bestell-Nr, Bestelldatum, Bestellung vom, Auftragsdatum, Geburtsdatum,
        Steuernummer, Steuer-Nr, St-Nr, Kontonummer, Konto-Nr, BLZ, Telefon, Seite, Druckdatum,
        Handelsregister, HRB, Lieferschein-Nr, Lieferscheinnummer, Lieferschein, Vertragsnummer,
        Angebotsnummer, Angebots-Nr, Ihr Zeichen, Unser Zeichen, Sachbearbeiter, change, cash,
        change due, cash tendered, tendered, Rückgeld, gegeben, Geg. BAR, BAR, amount tendered,
        paid, Gläubiger-ID, Mandatsreferenz, TSE, Trace-Nr, Beleg-Nr Terminal, discount, Rabatt,
        Skonto, shipping, Versand, Versandkosten, Porto, Anzahlung, deposit, auth code, previous
        balance, Projektnummer, Projekt-Nr, Objekt, Betreff, subject, our reference, your
        reference, quantity, VAT rate, tax rate, MwSt-Satz, Steuersatz, unit price, Einzelpreis,
        total items, total qty""",
}
_WEAK: dict[Meaning, str] = {
    Meaning.NUMBER: """
        invoice, tax invoice, VAT invoice, receipt, sales receipt, bill, Rechnung, Quittung,
        Faktura, number, no, Nr, Nummer, transaction no, transaction, document no, trans, order,
        document number, Belegnr, Vorgangsnummer, Vorgang, Beleg, ticket, sale no, check""",
    Meaning.ISSUE_DATE: "date, dated, Datum",
    Meaning.DUE_DATE: "bis zum, bis spätestens, no later than",
    Meaning.DELIVERY_DATE: "period, Zeitraum, delivered, geliefert, Lieferung vom",
    Meaning.NET: "net, netto, Warenwert, goods",
    Meaning.VAT: "VAT, tax, MwSt, USt, GST, HST, Steuer, Umsatzst, Mehrwertst, value added tax",
    Meaning.TOTAL: """
        total, Summe, Gesamt, brutto, gross, Betrag, amount, balance, to pay, Kartenzahlung""",
    Meaning.VAT_ID: "GB VAT",
    Meaning.CUSTOMER: "to",
}
_FAINT: dict[Meaning, str] = {Meaning.ISSUE_DATE: "vom, den, am"}
_MOST_WORDS = 6
_LEAST_TO_MISREAD = 8  # letters; shorter labels differ from other words by one letter


@dataclass(frozen=True)
class Label:
    """A label in a cell: the words from start up to end."""

    meaning: Meaning
    weight: float
    start: int
    end: int


def _vocabulary() -> dict[str, tuple[Meaning, float]]:
    words: dict[str, tuple[Meaning, float]] = {}
    for weight, phrases in ((1.0, _STRONG), (0.7, _WEAK), (0.4, _FAINT)):
        for meaning, listed in phrases.items():
            for phrase in listed.split(","):
                words.setdefault(_fold_all(map(fold, phrase.split())), (meaning, weight))
    return words


def _fold_all(folded: Iterable[str]) -> str:
    return fold("".join(folded))  # again, since letters that now meet may be confused as well


def _shortened(folded: str) -> Iterator[str]:
    """Return the word with one letter left out, each in turn."""
    return (folded[:index] + folded[index + 1 :] for index in range(len(folded)))


_VOCABULARY = _vocabulary()
_LONGEST = max(map(len, _VOCABULARY))
_MISREAD = {
    variant: (meaning, 0.85 * weight)
    for label, (meaning, weight) in _VOCABULARY.items()
    if len(label) >= _LEAST_TO_MISREAD
    for variant in (label, *_shortened(label))
}
"""Two words that differ by one letter have a common form with one letter left out."""


def find_labels(cell: Span) -> Iterator[Label]:
    """Return the labels in a cell from left to right, the longest where several begin."""
    start = 0
    while start < len(cell.pieces):
        label = _label_at(cell, start)
        if label is not None:
            yield label
        start = label.end if label else start + 1


def _label_at(cell: Span, start: int) -> Label | None:
    if not cell.pieces[start].folded:
        return None
    exact, misread, folded = None, None, ""
    for end, piece in enumerate(cell.pieces[start : start + _MOST_WORDS], start + 1):
        folded = _fold_all((folded, piece.folded))
        if len(folded) > _LONGEST + 1:
            break
        if not piece.folded:
            continue
        if folded in _VOCABULARY:
            exact = Label(*_VOCABULARY[folded], start, end)
        elif (known := _misread(folded)) is not None:
            misread = Label(*known, start, end)
    return exact or misread


def _misread(folded: str) -> tuple[Meaning, float] | None:
    if len(folded) < _LEAST_TO_MISREAD:
        return None
    variants = (folded, *_shortened(folded))
    return next((_MISREAD[variant] for variant in variants if variant in _MISREAD), None)
