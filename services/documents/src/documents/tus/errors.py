"""Everything that can go wrong with a resumable upload, by the name a client sees."""

from common.errors import Problem

VERSION = "1.0.0"


class MalformedHeader(Problem):
    """A header that tells of the upload is missing, is there twice or cannot be read."""

    status, slug, title = 400, "malformed-upload-header", "A header of the upload is not valid"


class UnsupportedExtension(Problem):
    """The client wants a part of the protocol that is not offered."""

    status, slug = 400, "unsupported-tus-extension"
    title = "This extension of tus is not offered"


class UnsupportedChecksum(Problem):
    """The checksum is of an algorithm that is not offered."""

    status, slug = 400, "unsupported-checksum-algorithm"
    title = "Checksums of this kind are not verified"


class UploadStalled(Problem):
    """No byte has come for a long time; what had arrived is stored."""

    status, slug, title = 408, "upload-stalled", "Nothing came any more"


class OffsetMismatch(Problem):
    """The bytes do not begin where those that are stored end."""

    status, slug, title = 409, "offset-mismatch", "The upload is at another offset"


class UploadLost(Problem):
    """The object storage has discarded what was stored."""

    status, slug, title = 410, "upload-lost", "The upload must begin again"


class UnsupportedVersion(Problem):
    """The request is of another version of the protocol."""

    status, slug, title = 412, "unsupported-tus-version", "Only tus 1.0.0 is spoken here"

    def __init__(self) -> None:
        super().__init__(f"Send `Tus-Resumable: {VERSION}`.", headers={"Tus-Version": VERSION})


class UploadTooLong(Problem):
    """More bytes come than were announced."""

    status, slug, title = 413, "upload-too-long", "The file is longer than announced"


class OffsetStreamExpected(Problem):
    """The body is of another media type than `application/offset+octet-stream`."""

    status, slug = 415, "offset-stream-expected"
    title = "Send the bytes as application/offset+octet-stream"


class UploadLocked(Problem):
    """Another request is working on the upload, and does not come to an end."""

    status, slug, title = 423, "upload-locked", "Another request is working on this upload"

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "1"})


class UploadTakenOver(Problem):
    """Another request goes on with the upload; what had arrived here is stored."""

    status, slug, title = 423, "upload-taken-over", "Another request goes on with this upload"


class ChecksumMismatch(Problem):
    """The bytes are not those that the checksum is of; nothing of the request is kept."""

    status, slug, title = 460, "checksum-mismatch", "The checksum does not match"
