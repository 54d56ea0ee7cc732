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


class FormTooLarge(Problem):
    """The form is longer than as many files as it may have."""

    status, slug, title = 413, "form-too-large", "The form is too large"


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
        self.document_id = document_id


class AccountClosed(Problem):
    """Whose file it would be has left, and their last token has not expired yet."""

    status, slug, title = 403, "account-closed", "The account was deleted"


class UploadNotFound(Problem):
    """There is no such upload, or it is somebody else's: the answer is the same."""

    status, slug, title = 404, "upload-not-found", "There is no such upload"


class UploadEnded(Problem):
    """The upload is a document by now, and cannot be changed or given up."""

    status, slug, title = 409, "upload-ended", "The upload is a document already"


class UploadBusy(Problem):
    """Another request is completing the upload at this moment."""

    status, slug, title = 409, "upload-busy", "The upload is being completed"

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "2"})


class UploadExpired(Problem):
    """The upload was not finished in time, and is given up."""

    status, slug, title = 410, "upload-expired", "The upload has expired"
