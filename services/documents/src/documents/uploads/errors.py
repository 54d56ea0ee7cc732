"""Everything that can go wrong with an upload, by the name a client sees."""

from uuid import UUID

from common.errors import Problem


class EmptyFile(Problem):
    """The uploaded file has no bytes."""

    status, slug, title = 400, "empty-file", "The file is empty"


class UploadInterrupted(Problem):
    """The client went away before the whole file had arrived."""

    status, slug, title = 400, "upload-interrupted", "The upload was cut off"


class MalformedForm(Problem):
    """The body is not the multipart form that was announced."""

    status, slug, title = 400, "malformed-form", "The form cannot be read"


class FormExpected(Problem):
    """The body is of another media type than `multipart/form-data`."""

    status, slug, title = 415, "form-expected", "Send the file as multipart/form-data"


class FileTooLarge(Problem):
    """The file is larger than this server accepts."""

    status, slug, title = 413, "file-too-large", "The file is too large"


class QuotaExceeded(Problem):
    """With this file the user would have stored more than they may."""

    status, slug, title = 413, "quota-exceeded", "Your storage is full"


class UnsupportedType(Problem):
    """The file's content is none of the formats that can be read."""

    status, slug, title = 415, "unsupported-type", "Files of this type cannot be read"


class DuplicateDocument(Problem):
    """The same bytes are already stored as one of the user's documents."""

    status, slug, title = 409, "duplicate-document", "You have already stored this file"

    def __init__(self, document_id: UUID) -> None:
        super().__init__(
            f"The same file is your document {document_id}.",
            headers={"X-Duplicate-ID": str(document_id)},
        )
