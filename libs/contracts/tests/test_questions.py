"""Questions: each has a name of its own, and says what answers it."""

import contracts
import pytest
from contracts import AskDrawnPage, Offer, Question
from pydantic import BaseModel

QUESTIONS = [
    kind
    for kind in vars(contracts).values()
    if isinstance(kind, type) and issubclass(kind, Question) and kind is not Question
]


def test_every_question_has_a_name_and_an_answer() -> None:
    names = {kind.name for kind in QUESTIONS}

    assert len(names) == len(QUESTIONS) > 0
    assert all(issubclass(kind.answer(), BaseModel) for kind in QUESTIONS)
    assert contracts.AskOffer.answer() is Offer


def test_a_question_without_an_answer_is_none() -> None:
    class Monologue(Question):  # type: ignore[type-arg]
        name = "test.monologue"

    with pytest.raises(TypeError, match="Monologue"):
        Monologue.answer()


def test_newer_fields_are_ignored() -> None:
    sent = '{"object_key": "a", "page": 1, "width": 9, "target_key": "b", "colour": "grey"}'

    question = AskDrawnPage.model_validate_json(sent)

    assert (question.page, question.width, question.height) == (1, 9, None)
