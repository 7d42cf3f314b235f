"""HL7 v2 messages in the bytes of a file or capture: where each begins and ends, found by NumPy a block at a time.

Here: segments, MLLP frames, batches, a line before a message that says when it was captured, what lies between messages. Not here:
what a message says (`hl7_columns`). Segments end with CR, LF or CRLF in any mixture; 0x0B opens a frame and 0x1C closes it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipelines.sources.byte_readers import Stream
    from pipelines.sources.source import Intake, Session

BLOCK_BYTES = 48 << 20
START = re.compile(rb"(?:\A|[\r\n\x0b\x1c])[ \t]*(?:\xef\xbb\xbf)?(?:MSH|FHS|BHS)([^\w\s])[^\w\s]{1,5}\1")
"""Where a message or a batch begins: at the start of a line or frame, with its delimiters."""
_TIME = re.compile(rb"\[?\d{4}-\d\d-\d\d[T ]\d\d:")
_CR, _LF, _OPEN, _CLOSE, _SPACE = 13, 10, 0x0B, 0x1C, 32
_BOM = (0xEF, 0xBB, 0xBF)
_SHORTEST = len("MSH|^~\\&")
_MOST_SPACES = 8
_IS_LETTER = np.isin(np.arange(256), np.frombuffer(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", np.uint8))
_IS_DIGIT = np.isin(np.arange(256), np.frombuffer(b"0123456789", np.uint8))
_IS_WORD = _IS_LETTER | _IS_DIGIT | np.isin(np.arange(256), np.frombuffer(b"abcdefghijklmnopqrstuvwxyz", np.uint8))


def code_of(name: str) -> int:
    """A segment's name as the number that its three bytes make."""
    return int.from_bytes(name.encode(), "big")


_MSH = code_of("MSH")
_BATCH = tuple(code_of(name) for name in ("FHS", "BHS", "BTS", "FTS"))
_BATCH_START = code_of("BHS")
_BATCH_ENDS = (code_of("BTS"), code_of("FTS"))


@dataclass(frozen=True)
class Messages:
    """The whole messages of a block. Segment `i` is `buffer[starts[i]:ends[i]]`, its name `codes[i]` (0 when it is no segment), and
    it is part of message `of[i]`; `header[m]` is message m's MSH. `batches[m]`: the text of the BHS that it came in, or empty.
    `captures[m]` is the segment with the time of its capture, -1 without one.
    """

    file: Intake
    buffer: bytes
    starts: np.ndarray
    ends: np.ndarray
    codes: np.ndarray
    of: np.ndarray
    header: np.ndarray
    captures: np.ndarray
    lines: np.ndarray
    offsets: np.ndarray
    batches: list[bytes] | None

    def __len__(self) -> int:
        return len(self.header)


def messages(session: Session, files: Sequence[Intake]) -> Iterator[Messages]:
    """The messages of files, block by block. Sets `lines_read`: messages, segments of batches, and what is set aside between them.

    The message in which a file ends is held back while the file grows; without MLLP its end is known only then. At rest, it is
    cut when its frame is open, or when it is one of several and its last segment has no end.
    """
    for file in files:
        with file.content() as stream:
            yield from Reader(session, file).blocks(stream)


@dataclass
class _Segments:
    """Every line of a block that is not empty, and which of them begin a group: a message, a segment of a batch, or other text."""

    buffer: bytes
    starts: np.ndarray = field(init=False)
    ends: np.ndarray = field(init=False)
    codes: np.ndarray = field(init=False)
    is_time: np.ndarray = field(init=False)
    groups: np.ndarray = field(init=False)
    line_ends: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        values = np.frombuffer(self.buffer, np.uint8)
        low = np.flatnonzero(values < _SPACE)
        kinds = values[low]
        is_cut = (kinds == _CR) | (kinds == _LF) | (kinds == _OPEN) | (kinds == _CLOSE)
        cuts, kinds = low[is_cut], kinds[is_cut]
        starts = np.concatenate(([0], cuts + 1))
        ends = np.concatenate((cuts, [len(values)]))
        is_text = ends > starts
        starts, ends = starts[is_text], ends[is_text]
        if len(starts):
            has_mark = np.logical_and.reduce([_at(values, starts + i) == byte for i, byte in enumerate(_BOM)])
            starts = np.minimum(starts + 3 * has_mark, ends)
        for _ in range(_MOST_SPACES):
            is_space = (_at(values, starts) == _SPACE) & (starts < ends)
            if not is_space.any():
                break
            starts = starts + is_space
        is_text = ends > starts
        self.starts, self.ends = starts[is_text], ends[is_text]
        self.codes = self._codes(values)
        self.line_ends = cuts[(kinds == _LF) | ((kinds == _CR) & (_at(values, cuts + 1) != _LF))]
        self._group(values, cuts[kinds == _OPEN], cuts[kinds == _CLOSE])

    def _codes(self, values: np.ndarray) -> np.ndarray:
        first, second, third = (_at(values, self.starts + i) for i in range(3))
        is_named = _IS_LETTER[first] & (_IS_LETTER[second] | _IS_DIGIT[second]) & (_IS_LETTER[third] | _IS_DIGIT[third])
        is_named &= ~_IS_WORD[_at(values, self.starts + 3)] & (self.ends - self.starts > 3)  # noqa: PLR2004 -- a name's length
        codes = (first.astype(np.int32) << 16) | (second.astype(np.int32) << 8) | third
        is_short = (codes == _MSH) & (self.ends - self.starts < _SHORTEST)
        return np.where(is_named & ~is_short, codes, 0)

    def _group(self, values: np.ndarray, opens: np.ndarray, closes: np.ndarray) -> None:
        is_header = self.codes == _MSH
        self.is_time = np.zeros(len(self.starts), bool)
        before = np.flatnonzero(is_header[1:])
        self.is_time[before] = _says_time(values, self.starts[before]) & (self.codes[before] == 0)
        begins = is_header | np.isin(self.codes, _BATCH) | self.is_time
        for places in (opens, closes):
            number = np.searchsorted(places, self.starts)
            begins |= np.diff(number, prepend=0) > 0
        begins[1:] &= ~self.is_time[:-1]
        if len(begins):
            begins[0] = True
        self.groups = np.flatnonzero(begins)

    def is_framed(self, segment: int) -> bool:
        """Whether a frame opened right before this segment."""
        between = self.buffer[self.ends[segment - 1] if segment else 0 : self.starts[segment]]
        return bytes([_OPEN]) in between

    def kind(self, group: int) -> int:
        """The name of the group's first segment that is not a time of capture."""
        first = self.groups[group]
        return int(self.codes[first + 1] if self.is_time[first] else self.codes[first])


def _at(values: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The bytes at these places, behind the end the last one."""
    return values.take(places, mode="clip") if len(values) else np.zeros(len(places), np.uint8)


def _says_time(values: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Which of these lines begin with `2026-01-04T09:` or `[2026-01-04 09:`."""
    at = starts + (_at(values, starts) == ord("["))
    found = np.ones(len(at), bool)
    for place, wanted in enumerate("dddd-dd-ddTdd:"):
        here = _at(values, at + place)
        if wanted == "d":
            found &= _IS_DIGIT[here]
        else:
            found &= (here == ord(wanted)) | ((here == _SPACE) & (wanted == "T"))
    return found


@dataclass
class Reader:
    """One file's messages. `line` and `offset` are where the block begins."""

    session: Session
    file: Intake
    line: int = 1
    offset: int = 0
    batch: bytes = b""
    n: int = 0

    def blocks(self, stream: Stream) -> Iterator[Messages]:
        """The whole messages, block by block; all else is judged on the way."""
        longest = self.session.settings.max_line_megabytes << 20
        carry = b""
        while True:
            fresh = stream.read(BLOCK_BYTES)
            buffer = carry + fresh if carry else fresh
            found = _Segments(buffer)
            is_last = not fresh
            n = len(found.groups) - self._waiting(found) if fresh else len(found.groups)
            if is_last and n and self._is_left_out(found):
                n -= 1
            taken = self._take(found, n)
            if len(taken):
                yield taken
            if is_last:
                if stream.damaged and not self.session.holds_back(self.file, self.offset + len(buffer)):
                    self._quarantine(found, len(buffer), "damaged_archive", b"")
                return
            rest = self._begin(found, n)
            carry = buffer[rest:]
            self.line += int(np.searchsorted(found.line_ends, rest))
            self.offset += rest
            if len(carry) > longest:
                self._quarantine(_Segments(b""), 0, "too_large", carry[:1024])
                self.line += carry.count(b"\n")
                self.offset += len(carry)
                carry = b""

    def _waiting(self, found: _Segments) -> int:
        """How many groups may go on in the next block: the last one, and a time of capture before what may become a message."""
        n = len(found.groups)
        if n < 2 or found.kind(n - 1) != 0:  # noqa: PLR2004 -- no two groups
            return min(n, 1)
        return 1 + all(
            _TIME.match(found.buffer, found.starts[i]) is not None for i in range(found.groups[-2], found.groups[-1])
        )

    def _begin(self, found: _Segments, n: int) -> int:
        """Where group `n` begins, with the byte that opens its frame; the end of the block where there is none."""
        if n == len(found.groups):
            return len(found.buffer)
        first = found.groups[n]
        start = int(found.starts[first])
        return start - 1 if found.is_framed(first) and found.buffer[start - 1] == _OPEN else start

    def _is_left_out(self, found: _Segments) -> bool:
        """Whether the last group of the file waits for its rest, or is quarantined because that never came."""
        group = len(found.groups) - 1
        first = int(found.groups[group])
        start = int(found.starts[first])
        header = first + int(found.is_time[first])
        tail = found.buffer[found.ends[-1] :]
        if bytes([_CLOSE]) in tail:
            return False
        is_message = found.kind(group) == _MSH
        is_open = is_message and found.is_framed(header)
        if found.kind(group) not in _BATCH and self.session.holds_back(
            self.file, self.offset + self._begin(found, group)
        ):
            return True
        others = self.n + group
        if is_open or (not tail and is_message and others > 0):
            self._quarantine(found, start, "truncated", found.buffer[start:])
            return True
        return False

    def _take(self, found: _Segments, n: int) -> Messages:
        """The messages among the first `n` groups; the other groups are judged."""
        groups = found.groups[:n]
        last = found.groups[n] if n < len(found.groups) else len(found.starts)
        is_time = found.is_time[groups]
        header = groups + is_time
        kinds = found.codes[header]
        is_message = kinds == _MSH
        batches = self._others(found, np.flatnonzero(~is_message), groups, last, kinds)
        number = np.full(n, -1)
        number[is_message] = np.arange(int(is_message.sum()))
        of = np.repeat(number, np.diff(np.append(groups, last)))
        begin = int(groups[0]) if n else 0
        kept = np.flatnonzero(of >= 0) + begin
        place = np.full(last + 1, -1)
        place[kept] = np.arange(len(kept))
        self.file.lines_read += int(is_message.sum())
        self.n += n
        starts = found.starts[groups[is_message]]
        return Messages(
            file=self.file,
            buffer=found.buffer,
            starts=found.starts[kept],
            ends=found.ends[kept],
            codes=found.codes[kept],
            of=of[kept - begin],
            header=place[header[is_message]],
            captures=np.where(is_time[is_message], place[groups[is_message]], -1),
            lines=self.line + np.searchsorted(found.line_ends, starts),
            offsets=self.offset + starts,
            batches=[batches[i] for i in np.flatnonzero(is_message)] if batches else None,
        )

    def _others(
        self, found: _Segments, others: np.ndarray, groups: np.ndarray, last: int, kinds: np.ndarray
    ) -> list[bytes]:
        """Judge the groups that are no messages. Of each group the BHS that is open over it; nothing where none is."""
        edges = np.append(groups, last)
        open_over: list[bytes] = [self.batch] * len(groups) if self.batch else []
        for group in others.tolist():
            begin, end = int(edges[group]), int(edges[group + 1])
            start, stop = int(found.starts[begin]), int(found.ends[end - 1])
            kind = int(kinds[group])
            if kind in _BATCH:
                self._ignore(found, start)
                if kind == _BATCH_START:
                    self.batch = found.buffer[start : found.ends[begin]]
                elif kind in _BATCH_ENDS:
                    self.batch = b""
                open_over = open_over or [b""] * len(groups)
                open_over[group:] = [self.batch] * (len(groups) - group)
            elif all(_TIME.match(found.buffer, found.starts[i]) for i in range(begin, end)):
                self._ignore(found, start)
            else:
                self._quarantine(found, start, "outside_a_message", found.buffer[start:stop])
        return open_over

    def _ignore(self, found: _Segments, start: int) -> None:
        self.file.lines_read += 1
        line = self.line + int(np.searchsorted(found.line_ends, start))
        self.session.judge(self.file, line, self.offset + start, "ignored")

    def _quarantine(self, found: _Segments, start: int, rule: str, content: bytes) -> None:
        self.file.lines_read += 1
        line = self.line + int(np.searchsorted(found.line_ends, start))
        self.session.quarantine(self.file, line, self.offset + start, rule, content)
