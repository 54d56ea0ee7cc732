"""What all questions have in common: a literal name, and the kind of answer that fits."""

from typing import ClassVar, Generic, TypeVar

from pydantic import BaseModel, ConfigDict

Answer = TypeVar("Answer", bound=BaseModel)


class Question(BaseModel, Generic[Answer]):
    """Something that one service asks another and waits for; nothing is different afterwards.

    It is no event: nobody else hears of it, and it is forgotten when nobody waits any more.
    `name` is a literal, so that renaming a class never changes a message. Unknown fields are
    ignored, in answers as well: a newer service may add fields with defaults.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: ClassVar[str]

    @classmethod
    def answer(cls) -> type[Answer]:
        """Return the class of the answers, the argument of `Question[…]`."""
        for base in cls.__mro__:
            if issubclass(base, Question) and (args := base.__pydantic_generic_metadata__["args"]):
                kind: type[Answer] = args[0]
                return kind
        raise TypeError(f"{cls.__name__} does not say what answers it")
