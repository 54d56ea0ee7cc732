"""Digital signatures: a copy that was changed must not pass for what was signed."""

from collections.abc import Iterator

from pikepdf import Array, Dictionary, Name, Object, Pdf

_MOST_FIELDS = 10_000


def remove_signatures(pdf: Pdf) -> int:
    """Empty the signature fields of a document, and return how many had been signed.

    What they show on the page stays. Without this, readers would call the copy tampered with.
    """
    signed = [field for field in _fields(pdf) if Name.V in field and _is_signature(field)]
    for field in signed:
        del field.V
    if signed:
        if Name.SigFlags in pdf.Root.AcroForm:
            del pdf.Root.AcroForm.SigFlags
        if Name.Perms in pdf.Root:
            del pdf.Root.Perms
    return len(signed)


def _is_signature(field: Object) -> bool:
    return field.get(Name.FT) == Name.Sig


def _fields(pdf: Pdf) -> Iterator[Object]:
    form = pdf.Root.get(Name.AcroForm)
    waiting = _members(form, Name.Fields)
    for _ in range(_MOST_FIELDS):
        if not waiting:
            return
        field = waiting.pop()
        yield field
        waiting += _members(field, Name.Kids)


def _members(parent: Object | None, key: Name) -> list[Object]:
    members = parent.get(key) if isinstance(parent, Dictionary) else None
    if not isinstance(members, Array):
        return []
    return [member for member in members if isinstance(member, Dictionary)]
