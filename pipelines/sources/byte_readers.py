"""Readers of delivered bytes: packed, inside other readers, in another encoding, or a part of what lies around them.

Here: reading them piece by piece, and noticing that they end too early. Not here: which files there are and what they are packed
in (`archives`).
"""

from __future__ import annotations

import codecs
import hashlib
import io
import lzma
import tarfile
import zipfile
import zlib
from typing import Any, BinaryIO, Self

import pyarrow as pa

DAMAGE = (EOFError, OSError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, tarfile.TarError)
PIECE = 1 << 16
ROOM = 1 << 20
"""Memory that is made ready for one piece of a file: most files are smaller than what a caller would take."""


class Stream:
    """Bytes of a delivered file. A damaged archive ends early instead of raising, and `damaged` says so."""

    def __init__(self, raw: BinaryIO, *, hashing: bool = False) -> None:
        self._raw: Any = raw
        self._digest = hashlib.sha256() if hashing else None
        self.damaged = False
        self.position = 0

    def readinto(self, buffer: memoryview) -> int:
        """Fill the buffer as far as there are bytes; 0 at the end and where the archive breaks off."""
        filled = 0
        if not isinstance(self._raw, Owning):
            filled = self._raw.readinto(buffer)
        else:
            while (
                filled < len(buffer) and not self.damaged
            ):  # piece by piece: the read that meets the damage brings nothing
                try:
                    piece = self._raw.read1(min(len(buffer) - filled, PIECE))
                except DAMAGE:
                    self.damaged = True
                    break
                if not piece:
                    break
                buffer[filled : filled + len(piece)] = piece
                filled += len(piece)
        self.position += filled
        if self._digest is not None:
            self._digest.update(buffer[:filled])
        return filled

    def read(self, size: int) -> bytes:
        """Up to `size` bytes; empty at the end and where the archive breaks off."""
        pieces: list[bytes] = []
        while size and (filled := self.readinto(room := memoryview(bytearray(min(size, ROOM))))):
            pieces.append(bytes(room[:filled]))
            size -= filled
        return b"".join(pieces)

    @property
    def sha256(self) -> str:
        """Of all that was read, when `hashing` was asked for, else empty."""
        if self._digest is None:
            return ""
        digest = self._digest.copy()
        if self.damaged:
            digest.update(b"damaged")
        return digest.hexdigest()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._raw.close()


class Owning:
    """A reader inside other readers: closing it closes them all, which gzip, zip and tar readers do not."""

    def __init__(self, reader: Any, *below: Any) -> None:  # noqa: ANN401 -- any file-like object
        self._readers = (reader, *below)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 -- whatever the reader has
        return getattr(self._readers[0], name)

    def close(self) -> None:
        """Close the reader and what it reads from."""
        for reader in self._readers:
            reader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Zstd:
    """A reader of zstd that goes to a place in what it unpacks by reading up to it, as a tar inside needs."""

    def __init__(self, raw: BinaryIO, _mode: str) -> None:
        self._raw = raw
        self._readers: list[Any] = []  # a reader that is forgotten closes what it reads from
        self._begin()

    def _begin(self) -> None:
        self._readers.append(pa.CompressedInputStream(pa.PythonFile(self._raw, mode="r"), "zstd"))
        self._at = 0

    def read1(self, size: int) -> bytes:
        """What one read brings."""
        piece = self._readers[-1].read1(size)
        self._at += len(piece)
        return piece

    def read(self, size: int) -> bytes:
        """So many bytes, fewer at the end."""
        piece = self._readers[-1].read(size)
        self._at += len(piece)
        return piece

    def tell(self) -> int:
        """Where the next byte is read."""
        return self._at

    def seek(self, offset: int) -> int:
        """Go there, or to the end where that comes first."""
        if offset < self._at:
            self._raw.seek(0)
            self._begin()
        while self._at < offset and self.read1(min(offset - self._at, PIECE)):
            pass
        return self._at

    def close(self) -> None:
        """Close the readers."""
        for reader in self._readers:
            reader.close()


class Recoded:
    """A reader of text in some encoding, as UTF-8."""

    def __init__(self, raw: BinaryIO, encoding: str) -> None:
        self._raw = raw
        self._decoder = codecs.getincrementaldecoder(encoding)("replace" if encoding == "utf-16" else "surrogateescape")
        self._ready = b""

    def read1(self, size: int) -> bytes:
        """Up to so many bytes; empty at the end."""
        while not self._ready:
            piece = self._raw.read(PIECE)
            self._ready = self._decoder.decode(piece, final=not piece).encode("utf-8", "surrogatepass")
            if not piece:
                break
        found, self._ready = self._ready[:size], self._ready[size:]
        return found

    def close(self) -> None:
        """Nothing of its own to close."""


class Span(io.RawIOBase):
    """Some bytes of a reader, that end with an error where the reader ends before them, and where they are `is_cut`."""

    def __init__(self, raw: Any, begin: int, size: int, *, is_cut: bool) -> None:  # noqa: ANN401 -- any file-like object
        super().__init__()
        self._raw, self._begin, self._size, self._is_cut = raw, begin, size, is_cut
        self._at = 0

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always: archives in archives are."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go there, counted from the beginning, the place or the end of these bytes."""
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def tell(self) -> int:
        """Where the next byte is read."""
        return self._at

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 -- any buffer
        """What one read brings."""
        left = min(len(buffer), self._size - self._at)
        if left > 0:
            self._raw.seek(self._begin + self._at)
        piece = self._raw.read1(left) if left > 0 else b""
        if not piece and len(buffer) and (left > 0 or self._is_cut):
            raise EOFError
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)
