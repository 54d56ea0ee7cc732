"""What can go wrong with a file that a client writes straight to the object storage."""

from common.errors import Problem


class DirectUploadUnavailable(Problem):
    """The object storage is not where clients could reach it."""

    status, slug = 409, "direct-upload-unavailable"
    title = "Files cannot be written to the object storage directly"


class FileNotSent(Problem):
    """Nothing was written to the URL yet."""

    status, slug, title = 409, "file-not-sent", "The file has not been sent"


class FileReplaced(Problem):
    """Other bytes were written to the URL since the upload was first completed."""

    status, slug, title = 409, "file-replaced", "The file was sent again meanwhile"


class WrongFileSize(Problem):
    """What was written to the URL has not the announced length."""

    status, slug, title = 400, "wrong-file-size", "The file has another size than announced"
