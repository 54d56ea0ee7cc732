"""What may be said in a form beside the file that is asked about."""

from typing import Annotated

from pydantic import Field, SecretStr, StringConstraints

from documents.fields import Input


class ToolFields(Input):
    """What goes with every file."""

    password: SecretStr | None = Field(
        default=None, max_length=500, description="What opens the file, if it is encrypted."
    )


class SearchFields(ToolFields):
    """What to find in the file."""

    search_term: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)
    ] = Field(description="Found letter by letter, whatever its case; a space may be a line end.")


class PageFields(ToolFields):
    """Which page of the file."""

    page: int = Field(default=1, ge=1, le=1_000_000, description="The first is 1.")
