"""What makes a form the same form when it is sent again: all of it but the boundary."""

import hashlib
from collections.abc import Iterator, Mapping


class FormPrint:
    """Takes note of a form's files as they flow by."""

    def __init__(self) -> None:
        self._files: list[tuple[str, hashlib._Hash]] = []

    def file(self, filename: str) -> None:
        """Note that a file begins."""
        self._files.append((filename, hashlib.sha256()))

    def data(self, data: bytes) -> None:
        """Note some bytes of the file."""
        self._files[-1][1].update(data)

    def parts(self, texts: Mapping[str, bytes | bytearray]) -> Iterator[bytes]:
        """Yield what the form was: its files in their order, the other fields in any."""
        for filename, content in self._files:
            yield filename.encode()
            yield content.digest()
        for name, text in sorted(texts.items()):
            yield name.encode()
            yield bytes(text)
