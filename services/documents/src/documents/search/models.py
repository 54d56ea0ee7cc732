"""What is searched: kept by triggers of the database and by the events of pages that were read.

The functions and triggers are in the migration: what a user says of a document is found from the
moment at which it is saved, whoever saves it.
"""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from documents.base import Base


def _words(name: str, which: str) -> sa.Index:
    return sa.Index(
        f"ix_search_texts_{name}",
        "user_id",
        "language",
        "search",
        postgresql_using="gin",
        postgresql_where=sa.text(which),
        postgresql_with={"gin_pending_list_limit": 256},
    )


class SearchText(Base):
    """The words of one page, or those that its owner has for the document: that is page 0.

    The owner is beside the words, and in one index with them, so that a word which everybody uses
    costs a user with ten pages no more than ten pages. There are two of these indexes, because
    documents are looked for first.
    """

    __tablename__ = "search_texts"
    __table_args__ = (_words("documents", "page = 0"), _words("pages", "page > 0"))

    document_id: Mapped[UUID] = mapped_column(
        sa.ForeignKey("documents.id", ondelete="CASCADE"), primary_key=True
    )
    page: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[UUID]
    language: Mapped[str]
    """ISO 639, the shortest code there is; "und" when it is not known."""
    result_key: Mapped[str | None]
    text: Mapped[str]
    search: Mapped[str] = mapped_column(TSVECTOR)


class SearchLanguage(Base):
    """A language in which a user has had something to search."""

    __tablename__ = "search_languages"

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    language: Mapped[str] = mapped_column(primary_key=True)


class SearchWord(Base):
    """A word that a user's documents have had: what a mistyped one may have meant.

    Each user has their own, so that no correction tells what is in the documents of others.
    """

    __tablename__ = "search_words"
    __table_args__ = (
        sa.Index(
            "ix_search_words_user_id_folded",
            "user_id",
            "folded",
            postgresql_using="gin",
            postgresql_ops={"folded": "gin_trgm_ops"},
        ),
    )

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    word: Mapped[str] = mapped_column(primary_key=True)
    folded: Mapped[str]
    """Without accents."""


class SearchBacklog(Base):
    """A page that was read and has not been indexed: a trigger writes it, indexing removes it."""

    __tablename__ = "search_backlog"

    job_id: Mapped[UUID] = mapped_column(
        sa.ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True
    )
    page: Mapped[int] = mapped_column(primary_key=True)
    result_key: Mapped[str]
    due_at: Mapped[datetime] = mapped_column(index=True)
