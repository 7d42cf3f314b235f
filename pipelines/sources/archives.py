"""Files as they were delivered: in folders, gzip, bzip2, zstd, zip or tar, told apart by their first bytes, read in place.

Here: walking, opening, hashing, and noticing that an archive is damaged. Not here: what is inside a file. Nothing is
ever unpacked to disk.
"""

from __future__ import annotations

import bz2
import gzip
import io
import tarfile
import time
import zipfile
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, cast

from pipelines.sources.byte_readers import DAMAGE, ROOM, Owning, Recoded, Span, Stream, Zstd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

HEAD_BYTES = 65_536
EDGE_BYTES = 4096
"""So much of the beginning, and of what came last, tells one growing file from another."""
_TAR_MAGIC = slice(257, 262)
_DEEPEST = 3
_PREFIXES = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\x28\xb5\x2f\xfd": Zstd}


@dataclass(frozen=True)
class Delivered:
    """One file, or one member of an archive (`archive.zip!/folder/file`). `problem` says why it cannot be read, if so.
    Of what lies on disk by itself, `place` is where, and `state` its size and time of change at the first look, `inode` which
    file it was then. A damaged archive ends in a member that `is_cut`; `within` is that archive, and `state` is its.
    """

    path: str
    size: int
    opener: Callable[[], BinaryIO]
    hashed: Callable[[], BinaryIO]
    problem: str = ""
    place: Path | None = None
    state: tuple[int, int] = (0, 0)
    inode: int = 0
    is_cut: bool = False
    within: Path | None = None

    @property
    def folder(self) -> str:
        """Where it lies: the export or log folder."""
        return self.path.rpartition("/")[0]

    @property
    def name(self) -> str:
        """Its own name, without a compression suffix."""
        return self.path.rpartition("/")[2].removesuffix(".gz").removesuffix(".bz2").removesuffix(".zst")

    def stream(self, *, hashing: bool = False) -> Stream:
        """Its content, decompressed; `hashing` notes the sha256 on the way, unless that is of the compressed bytes."""
        return Stream(self.opener(), hashing=hashing and self.hashed is self.opener)

    def is_growing(self, settle_seconds: float = 0) -> bool:
        """Whether somebody changed it since the first look, or within the last seconds. What lies whole in an archive is at rest."""
        place = self.place or self.within
        if place is None:
            return False
        try:
            now = place.stat()
        except OSError:  # moved away once it was complete
            return False
        return (now.st_size, now.st_mtime_ns) != self.state or time.time() - now.st_mtime < settle_seconds

    def is_another(self) -> bool:
        """Whether another file lies there than at the first look: nobody writes into a packed one that is whole."""
        if self.place is None:
            return False
        now = self.place.stat()
        is_packed = self.hashed is not self.opener
        return now.st_ino != self.inode or (is_packed and (now.st_size, now.st_mtime_ns) != self.state)

    def sha256_of_beginning(self, size: int) -> str:
        """Of the first so many bytes of its content."""
        with Stream(self.opener(), hashing=True) as stream:
            buffer = memoryview(bytearray(1 << 20))
            while size and (got := stream.readinto(buffer[: min(size, len(buffer))])):
                size -= got
            return stream.sha256

    def head(self) -> bytes:
        """Its first bytes, decompressed, without a byte order mark."""
        with self.stream() as stream:
            return stream.read(HEAD_BYTES).removeprefix(b"\xef\xbb\xbf")

    def first_line(self, longest: int) -> bytes:
        """Its first line, of one that is longer the beginning, decompressed, without a byte order mark."""
        pieces: list[bytes] = []
        with self.stream() as stream:
            while longest > 0 and (piece := stream.read(min(longest, ROOM))):
                pieces.append(piece)
                longest -= len(piece)
                if b"\n" in piece:
                    break
        return b"".join(pieces).removeprefix(b"\xef\xbb\xbf").partition(b"\n")[0]

    def decoded(self, encoding: str) -> Delivered:
        """The same file as UTF-8. What is no text in that encoding is made no text in this one either, so that its line is noticed."""
        return replace(self, opener=lambda: _recoded(self.opener(), encoding))

    def sha256(self) -> str:
        """Of the bytes as they lie on disk (of a member of a zip or tar: of the member)."""
        with Stream(self.hashed(), hashing=True) as stream:
            buffer = memoryview(bytearray(1 << 20))
            while stream.readinto(buffer):
                pass
            return stream.sha256


def _recoded(raw: BinaryIO, encoding: str) -> BinaryIO:
    return cast("BinaryIO", Owning(Recoded(raw, encoding), raw))


def deliveries(path: Path, shown: str) -> Iterator[Delivered]:
    """Every file at or under `path`, sorted, archives opened; `shown` is how the account names the path. Hidden files are left out."""
    if path.is_dir():
        for inner in sorted(path.iterdir()):
            if not inner.name.startswith("."):
                yield from deliveries(inner, f"{shown}/{inner.name}")
    else:
        try:
            found = path.stat()
        except FileNotFoundError:  # renamed since its folder was listed
            return
        for each in _opened(shown, lambda: path.open("rb"), found.st_size):
            if each.path == shown:
                yield replace(each, place=path, state=(found.st_size, found.st_mtime_ns), inode=found.st_ino)
            elif each.is_cut:
                yield replace(each, within=path, state=(found.st_size, found.st_mtime_ns))
            else:
                yield each


def _opened(shown: str, opener: Callable[[], BinaryIO], size: int, depth: int = 0) -> Iterator[Delivered]:
    try:
        with opener() as raw:
            start = raw.read(512)
    except FileNotFoundError:
        return
    except DAMAGE as error:
        yield Delivered(
            shown, size, opener, opener, f"cannot be opened ({type(error).__name__}); check its permissions"
        )
        return
    except RuntimeError:
        yield Delivered(shown, size, opener, opener, "is protected by a password; deliver it without one")
        return
    if depth < _DEEPEST and start.startswith(b"PK\x03\x04"):
        yield from _zip_members(shown, opener, size, depth)
    elif depth < _DEEPEST and start[_TAR_MAGIC] == b"ustar":
        yield from _tar_members(shown, opener, size, depth)
    elif unpack := next((unpack for magic, unpack in _PREFIXES.items() if start.startswith(magic)), None):
        yield from _compressed(shown, opener, size, depth, lambda: _unpacked(unpack, opener()))
    else:
        yield Delivered(shown, size, opener, opener)


def _unpacked(unpack: Callable[..., Any], raw: BinaryIO) -> BinaryIO:
    return cast("BinaryIO", Owning(unpack(raw, "rb"), raw))


def _compressed(
    shown: str, packed: Callable[[], BinaryIO], size: int, depth: int, opener: Callable[[], BinaryIO]
) -> Iterator[Delivered]:
    with Stream(opener()) as stream:
        start = stream.read(512)
    if depth < _DEEPEST and start[_TAR_MAGIC] == b"ustar":
        yield from _tar_members(shown, opener, size, depth)
    else:
        yield Delivered(shown, size, opener, packed)


def _zip_members(shown: str, opener: Callable[[], BinaryIO], size: int, depth: int) -> Iterator[Delivered]:
    try:
        with opener() as raw, zipfile.ZipFile(raw) as archive:
            items = [item for item in archive.infolist() if not item.is_dir()]
    except DAMAGE:
        yield Delivered(shown, size, opener, opener, "is a damaged zip archive; deliver it again")
        return

    def member(item: zipfile.ZipInfo) -> _Member:
        def read() -> BinaryIO:
            raw = opener()
            archive = zipfile.ZipFile(raw)
            return cast("BinaryIO", Owning(archive.open(item), archive, raw))

        return _Member(item.filename, item.file_size, read)

    yield from _walk(Delivered(shown, size, opener, opener), [member(item) for item in items], depth)


def _tar_members(shown: str, opener: Callable[[], BinaryIO], size: int, depth: int) -> Iterator[Delivered]:
    """A tar that ends early, or goes on as none, is read as far as it goes: its last member ends as damaged."""
    items: list[tuple[str, tarfile.TarInfo]] = []
    others = 0
    with opener() as raw:
        try:
            with tarfile.open(fileobj=raw, mode="r:") as archive:
                plain: dict[str, tarfile.TarInfo] = {}
                for item in archive:
                    if item.isreg() and item.sparse is None:
                        plain[item.name] = item
                    content = plain.get(item.linkname) if item.islnk() else item
                    if content is not None and content is plain.get(content.name):
                        items.append((item.name, content))
                    elif not item.isdir():
                        others += 1
                raw.seek(archive.offset)
                is_damaged = raw.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE)
        except DAMAGE:
            is_damaged = True

    def member(name: str, item: tarfile.TarInfo, *, is_last: bool) -> _Member:
        is_cut = is_damaged and is_last

        def read() -> BinaryIO:
            raw = opener()
            return cast(
                "BinaryIO", Owning(io.BufferedReader(Span(raw, item.offset_data, item.size, is_cut=is_cut)), raw)
            )

        return _Member(name, item.size, read, is_cut)

    members = [member(*each, is_last=n == len(items)) for n, each in enumerate(items, start=1)]
    damage = "is a damaged tar archive, read only up to the damage; deliver it again" if is_damaged else ""
    yield from _walk(Delivered(shown, size, opener, opener, damage), members, depth, others)


class _Member(NamedTuple):
    """One file of an archive, as the archive calls it."""

    name: str
    size: int
    opener: Callable[[], BinaryIO]
    is_cut: bool = False


def _walk(archive: Delivered, members: Iterable[_Member], depth: int, others: int = 0) -> Iterator[Delivered]:
    """The files among the members, sorted, each under a path of its own inside the archive; then the archive, where it has a
    problem or leaves something out, as it does `others`: devices, and links to what it does not hold.
    """
    files: dict[str, _Member] = {}
    for member in members:
        *folder, name = [part for part in member.name.split("/") if part not in {"", ".", ".."}] or ["."]
        if any(part.startswith(".") or part == "__MACOSX" for part in (*folder, name)):
            others += 1
            continue
        path, n = "/".join((*folder, name)), 1
        while path in files:
            n += 1
            path = "/".join((*folder, f"({n})", name))
        files[path] = member
    for path, member in sorted(files.items()):
        for each in _opened(f"{archive.path}!/{path}", member.opener, member.size, depth + 1):
            yield replace(each, is_cut=member.is_cut)
    left_out = f"holds {others:,} members that are hidden or no files; they are left out" if others else ""
    if problem := "; ".join(each for each in (archive.problem, left_out) if each):
        yield replace(archive, problem=problem)
