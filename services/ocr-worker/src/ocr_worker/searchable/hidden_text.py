"""Takes the invisible text out of a page, as earlier recognition left it there.

Only what shows text is removed, and only while the rendering mode is 3; the page looks the same.
Forms may be shared with other pages, so a page gets copies of those that change.
"""

from contextlib import suppress
from copy import copy

from pikepdf import (
    ContentStreamInlineImage,
    ContentStreamInstruction,
    Dictionary,
    Name,
    Object,
    Operator,
    Page,
    Pdf,
    Stream,
    parse_content_stream,
    unparse_content_stream,
)

_INVISIBLE = 3
_SHOWING = {"Tj", "TJ", "'", '"'}
_DEEPEST = 8

_Instruction = ContentStreamInstruction | ContentStreamInlineImage


def remove_hidden_text(pdf: Pdf, page: Page) -> bool:
    """Remove the invisible text of a page and of the forms on it; return whether there was any."""
    resources = page.obj.get(Name.Resources, Dictionary())
    stripper = _Stripper(pdf, resources)
    content = stripper.strip(page, mode=0, depth=0)
    if content is None:
        return False
    page.obj.Contents = pdf.make_stream(content)
    page.obj.Resources = stripper.resources
    return True


class _Stripper:
    """Goes through one content stream; `resources` are those that fit the stream it returns."""

    def __init__(self, pdf: Pdf, resources: Object) -> None:
        self._pdf = pdf
        self.resources = resources
        self._replaced: dict[str, Object] = {}

    def strip(self, holder: Page | Object, *, mode: int, depth: int) -> bytes | None:
        """Return the stream of a page or form without invisible text; None if it has none."""
        kept: list[_Instruction] = []
        outer: list[int] = []
        changed = False
        for instruction in parse_content_stream(holder):
            operator = str(instruction.operator)
            match operator:
                case "q":
                    outer.append(mode)
                case "Q" if outer:
                    mode = outer.pop()
                case "Tr":
                    with suppress(IndexError, TypeError, ValueError):
                        mode = int(instruction.operands[0])
                case "Do":
                    changed |= self._strip_form(instruction, mode, depth)
            if mode == _INVISIBLE and operator in _SHOWING:
                changed = True
                kept += _without_text(instruction, operator)
            else:
                kept.append(instruction)
        if not changed:
            return None
        self._use_replaced()
        return unparse_content_stream(kept)

    def _strip_form(self, instruction: _Instruction, mode: int, depth: int) -> bool:
        """Replace a form that has invisible text; the same form is drawn in one mode only."""
        name = instruction.operands[0]
        if depth >= _DEEPEST or not isinstance(name, Name) or str(name) in self._replaced:
            return False
        form = self.resources.get(Name.XObject, Dictionary()).get(name)
        if not isinstance(form, Stream) or form.get(Name.Subtype) != Name.Form:
            return False
        inner = _Stripper(self._pdf, form.get(Name.Resources, self.resources))
        content = inner.strip(form, mode=mode, depth=depth + 1)
        if content is None:
            return False
        entries = {key: form[key] for key in form.keys() - {"/Length", "/Filter", "/DecodeParms"}}
        stripped = self._pdf.make_stream(content, {**entries, "/Resources": inner.resources})
        self._replaced[str(name)] = stripped
        return True

    def _use_replaced(self) -> None:
        if not self._replaced:
            return
        forms = copy(self.resources.XObject)
        for name, stripped in self._replaced.items():
            forms[name] = stripped
        self.resources = copy(self.resources)
        self.resources.XObject = forms


def _without_text(instruction: _Instruction, operator: str) -> list[_Instruction]:
    """Return what an instruction that shows text does beside it: it may go to the next line."""
    match operator:
        case "'":
            return [ContentStreamInstruction([], Operator("T*"))]
        case '"':
            word, character, _ = instruction.operands
            return [
                ContentStreamInstruction([word], Operator("Tw")),
                ContentStreamInstruction([character], Operator("Tc")),
                ContentStreamInstruction([], Operator("T*")),
            ]
        case _:
            return []
