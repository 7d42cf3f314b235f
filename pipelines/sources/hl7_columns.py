"""The envelopes of many HL7 v2 messages as Arrow columns: a dozen fields cut out of the bytes by the places of separators.

Here: which fields, by each message's own delimiters and character set, and whose numbers they hold. Not here: finding messages
(`hl7_messages`), hashing (`hl7_capture`). No other byte of a message is ever copied. There is no loop over messages but for those
with other delimiters than HL7 recommends or with letters outside ASCII in these fields; all else loops over distinct forms.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from pipelines.sources.hl7_envelope import SEGMENTS, TELLS_WHO
from pipelines.sources.hl7_messages import code_of
from pipelines.sources.hl7_numbers import Assigners, Chosen, Delimiters, Number, entity, extended

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipelines.settings import Numbered, SourceSettings
    from pipelines.sources.hl7_messages import Messages

pc: Any = pyarrow.compute
"""Its functions are made at run time, where no type checker sees them."""
_HEADER = {"sent": 7, "type": 9, "control_id": 10, "processing": 11, "version": 12, "charset": 18}
_PID, _PV1, _ORC, _OBR, _MRG, _MSA, _ERR = (code_of(name) for name in ("PID", "PV1", "ORC", "OBR", "MRG", "MSA", "ERR"))
_IPC = code_of("IPC")
_FIELDS = {
    "ack": (_MSA, 1),
    "answered": (_MSA, 2),
    "error": (_ERR, 3),
    "mrn": (_PID, 3),
    "visit": (_PV1, 19),
    "orc_placer": (_ORC, 2),
    "orc_filler": (_ORC, 3),
    "obr_placer": (_OBR, 2),
    "obr_filler": (_OBR, 3),
    "obr_accession": (_OBR, 18),
    "ipc_accession": (_IPC, 1),
    "merged": (_MRG, 1),
}
_SECOND = -1
"""The second PID of a message."""
_MOST_FIELDS = 32
_USUAL = b"^~\\&"
_BY = Delimiters()
_VALUES = r'(^|~)[^~^"][^~^]*'
"""The value of each repetition of a CX or EI; what is left of a field without them says whose numbers they are."""
_VERSION = re.compile(r"[0-9.]{1,8}")
_WORD = re.compile(r"[A-Z][A-Z0-9]{2}")
_CHARSETS = {"UNICODE UTF-8": "utf-8", "ASCII": "ascii", "WINDOWS-1252": "cp1252"} | {
    f"8859/{n}": f"iso8859-{n}" for n in (1, 2, 3, 4, 5, 6, 7, 8, 9, 15)
}
_NUMBERED: tuple[tuple[Numbered, Callable[[str, Delimiters], tuple[Number, ...]]], ...] = (
    ("mrn", extended),
    ("visit", extended),
    ("placer", entity),
    ("filler", entity),
    ("accession", entity),
)


def columns(found: Messages, source: SourceSettings) -> pa.Table:
    """One row a message: its place, the fields that are read as texts (null where empty), of each number the repetition to
    take, its authority and whether no setting names that, and the message's shape.
    """
    texts = _texts(found)
    kind, trigger = _types(texts["type"])
    named = {"type": kind, "trigger": trigger, "shape": _shapes(found, texts["version"])}
    numbers: dict[str, pa.Array] = {
        "mrn": texts["mrn"],
        "prior": _prior(texts, trigger),
        "visit": texts["visit"],
        "placer": pc.coalesce(texts["orc_placer"], texts["obr_placer"]),
        "filler": pc.coalesce(texts["orc_filler"], texts["obr_filler"]),
        "accession": pc.coalesce(texts["ipc_accession"], texts["obr_accession"]),
    }
    assigners = Assigners(source)
    for name, read in _NUMBERED:
        numbers |= _chosen(name, _patterns(numbers[name]), lambda text, n=name, r=read: _choose(assigners, n, r, text))
    numbers |= _chosen_prior(assigners, numbers)
    taken = ("parties", "sent", "control_id", "processing", "version", "ack", "answered", "error", "capture", "batch")
    n = len(found)
    place = {
        "file_id": pa.array(np.full(n, found.file.file_id, np.int32)),
        "line": pa.array(found.lines),
        "byte_offset": pa.array(found.offsets),
        "is_readable": texts["is_readable"],
        "link": pc.coalesce(texts["parties"], "").dictionary_encode().indices,
    }
    return pa.table(place | {name: texts[name] for name in taken} | named | numbers)


def _texts(found: Messages) -> dict[str, pa.Array]:
    """The text of each field that is read, by name; `parties` is MSH-3 to MSH-6 as written."""
    values = np.frombuffer(found.buffer, np.uint8)
    starts, ends = found.starts[found.header], found.ends[found.header]
    separators = values[starts + 3] if len(found) else values[:0]
    n = len(found)
    spans = {name: (np.zeros(n, np.int64), np.zeros(n, np.int64)) for name in ("parties", *_HEADER, *_FIELDS, "second")}
    wanted: dict[int, list[tuple[str, int]]] = {_SECOND: [("second", 3)]}
    for name, (code, number) in _FIELDS.items():
        wanted.setdefault(code, []).append((name, number))
    first = {code: _first(found, code) for code in {code for code, _ in _FIELDS.values()}}
    second = _first(found, _PID, after=first[_PID])
    for separator in np.unique(separators).tolist():
        at = np.flatnonzero(values == separator)
        last = np.array([len(values)])
        at = np.concatenate((at, np.repeat(last, _MOST_FIELDS)))
        mine = np.flatnonzero(separators == separator)
        begin = np.searchsorted(at, starts[mine])
        _span(spans["parties"], mine, at, begin + 1, begin + 5, ends[mine])
        for name, number in _HEADER.items():  # MSH-1 is the separator itself
            _span(spans[name], mine, at, begin + number - 2, begin + number - 1, ends[mine])
        for code, fields in wanted.items():
            segment = (second if code == _SECOND else first[code])[mine]
            there, segment = mine[segment >= 0], segment[segment >= 0]
            before = np.searchsorted(at, found.starts[segment]) - 1
            for name, number in fields:
                _span(spans[name], there, at, before + number, before + number + 1, found.ends[segment])
    has_time = found.captures >= 0
    spans["capture"] = (
        np.where(has_time, found.starts[found.captures], 0),
        np.where(has_time, np.minimum(found.ends[found.captures], found.starts[found.captures] + 48), 0),
    )
    cut = {name: _cut(found.buffer, *span) for name, span in spans.items()}
    cut["batch"] = pa.array(found.batches or [None] * n, pa.large_binary())
    return _as_text(found, cut, starts)


def _span(
    span: tuple[np.ndarray, np.ndarray],
    rows: np.ndarray,
    at: np.ndarray,
    before: np.ndarray,
    behind: np.ndarray,
    ends: np.ndarray,
) -> None:
    """Note the field between two separators, which are given by their numbers, for these rows; it ends with its segment."""
    start = at[np.minimum(before, len(at) - 1)] + 1
    span[0][rows] = np.minimum(start, ends)
    span[1][rows] = np.maximum(np.minimum(at[np.minimum(behind, len(at) - 1)], ends), np.minimum(start, ends))


def _first(found: Messages, code: int, after: np.ndarray | None = None) -> np.ndarray:
    """Of each message the first segment of a name, or the first behind another one; -1 without."""
    where = np.flatnonzero(found.codes == code)
    if after is not None:
        where = where[(after[found.of[where]] >= 0) & (where > after[found.of[where]])]
    first = np.full(len(found), -1)
    first[found.of[where][::-1]] = where[::-1]
    return first


def _cut(buffer: bytes, starts: np.ndarray, ends: np.ndarray) -> pa.Array:
    """The bytes between these places, null where there are none."""
    present = np.flatnonzero(ends > starts)
    bounds = np.stack([starts[present], ends[present]], axis=1).ravel()
    if not len(bounds):
        return pa.nulls(len(starts), pa.large_binary())
    texts = pa.LargeBinaryArray.from_buffers(
        pa.large_binary(), len(bounds) - 1, [None, pa.py_buffer(bounds), pa.py_buffer(buffer)]
    )
    index = np.zeros(len(starts), np.int64)
    index[present] = np.arange(0, len(bounds), 2)
    return texts.take(pa.array(index, mask=ends <= starts))


def _as_text(found: Messages, cut: dict[str, pa.Array], starts: np.ndarray) -> dict[str, pa.Array]:
    """The fields as text with the delimiters that HL7 recommends."""
    n = len(found)
    readable = np.ones(n, bool)
    values = np.frombuffer(found.buffer, np.uint8)
    is_usual = np.ones(n, bool)
    for i, byte in enumerate(_USUAL):
        is_usual &= values.take(starts + 4 + i, mode="clip") == byte
    odd = dict.fromkeys(np.flatnonzero(~is_usual).tolist())
    texts: dict[str, pa.Array] = {}
    for name, each in cut.items():
        try:
            text = each.cast(pa.large_string())
        except pa.ArrowInvalid:
            decoded = each.to_pylist()
            for i, content in enumerate(decoded):
                if content is not None:
                    decoded[i], is_sound = _decoded(content, cut["charset"][i].as_py())
                    readable[i] &= is_sound
            text = pa.array(decoded, pa.large_string())
        if odd and name not in {"capture", "batch"}:
            listed = text.to_pylist()
            for i in odd:
                listed[i] = listed[i] and _translated(listed[i], found.buffer[starts[i] + 3 : starts[i] + 8])
            text = pa.array(listed, pa.large_string())
        texts[name] = _emptied(pc.utf8_trim_whitespace(text))
    return texts | {"is_readable": pa.array(readable)}


def _emptied(text: pa.Array) -> pa.Array:
    return pc.if_else(pc.equal(text, ""), pa.scalar(None, text.type), text)


def _decoded(content: bytes, charset: bytes | None) -> tuple[str | None, bool]:
    """Bytes in the character set that MSH-18 names, UTF-8 where it names none; and whether they are text in it."""
    named = (charset or b"").split(b"~")[0].decode("ascii", "replace").strip().upper()
    try:
        return content.decode(_CHARSETS.get(named, "utf-8")), True
    except UnicodeDecodeError:
        return None, False


def _translated(text: str, declared: bytes) -> str:
    """A field written with the delimiters of this MSH-1 and MSH-2, with those that HL7 recommends."""
    field, component, repetition, _, subcomponent = declared.decode("latin-1").ljust(len("|^~\\&"))
    swapped = {component: "^", repetition: "~", subcomponent: "&", field: "|"}
    return text.translate({ord(k): v for k, v in swapped.items() if not k.isalnum() and not k.isspace()})


def by_distinct(column: pa.Array, made: Callable[[str], Sequence[Any]], *types: pa.DataType) -> list[pa.Array]:
    """Columns of these types, made of each distinct text once; null where the text is."""
    coded = column.dictionary_encode()
    rows = [made(text) for text in coded.dictionary.to_pylist()]
    listed = zip(*rows, strict=True) if rows else [()] * len(types)
    return [pa.array(each, kind).take(coded.indices) for each, kind in zip(listed, types, strict=True)]


def _types(column: pa.Array) -> tuple[pa.Array, pa.Array]:
    def words(text: str) -> tuple[str | None, str | None]:
        parts = [part.strip() for part in text.split("^")[:2]] + [""]
        kind, trigger = (part if _WORD.fullmatch(part) else None for part in parts[:2])
        return kind, trigger

    kind, trigger = by_distinct(column, words, pa.string(), pa.string())
    return kind, trigger


def _patterns(column: pa.Array) -> pa.Array:
    return pc.replace_substring_regex(column, _VALUES, r"\1x")


def _choose(
    assigners: Assigners,
    kind: Numbered,
    read: Callable[[str, Delimiters], tuple[Number, ...]],
    pattern: str,
    like: str | None = None,
) -> tuple[int | None, str | None, bool]:
    """Which repetition of a field of this pattern is the one to take, under which authority, and whether no setting names that."""
    numbers = tuple(
        Number(str(i), *number[1:])
        for i, repetition in enumerate(pattern.split("~"))
        for number in read(repetition, _BY)
    )
    found = assigners.choose(kind, numbers, None if like is None else Chosen("", like))
    return (None, None, False) if found is None else (int(found.value), found.authority, found.is_unmapped)


def _chosen(
    name: str, patterns: pa.Array, made: Callable[[str], tuple[int | None, str | None, bool]]
) -> dict[str, pa.Array]:
    place, authority, is_unmapped = by_distinct(patterns, made, pa.int32(), pa.string(), pa.bool_())
    return {f"{name}_place": place, f"{name}_authority": authority, f"{name}_is_unmapped": is_unmapped}


def _chosen_prior(assigners: Assigners, numbers: dict[str, pa.Array]) -> dict[str, pa.Array]:
    """The number that gives way, of the same list as the one that stays."""
    pattern = _patterns(numbers["prior"])
    both = pc.binary_join_element_wise(
        pattern,
        pc.coalesce(numbers["mrn_authority"].cast(pa.large_string()), pa.scalar("", pa.large_string())),
        pa.scalar("\x1f", pa.large_string()),
    )

    def made(text: str) -> tuple[int | None, str | None, bool]:
        field, _, like = text.partition("\x1f")
        return _choose(assigners, "mrn", extended, field, like or None)

    return _chosen("prior", both, made)


def _prior(texts: dict[str, pa.Array], trigger: pa.Array) -> pa.Array:
    """MRG-1 of a message that says that two numbers are one person, else the second PID-3."""
    tells = pc.fill_null(pc.is_in(trigger, pa.array(sorted(TELLS_WHO))), False)
    prior = pc.coalesce(texts["merged"], texts["second"])
    return pc.if_else(tells, prior, pa.scalar(None, prior.type))


def _shapes(found: Messages, version: pa.Array) -> pa.Array:
    """The version and the segments, each once in order of appearance: `2.5.1:MSH-PID-OBR-OBX`."""
    is_segment = found.codes > 0
    codes, of = found.codes[is_segment], found.of[is_segment]
    is_new = np.ones(len(codes), bool)
    is_new[1:] = (codes[1:] != codes[:-1]) | (of[1:] != of[:-1])
    codes, of = codes[is_new].astype(np.uint64), of[is_new]
    begins = np.flatnonzero(np.diff(of, prepend=-1) > 0)
    ends = np.append(begins[1:], len(of))
    position = np.arange(len(of)) - np.repeat(begins, ends - begins)
    with np.errstate(over="ignore"):  # a hash of the sequence
        mixed = (codes + 1) * (np.uint64(0x9E3779B97F4A7C15) * (2 * position.astype(np.uint64) + 1))
        mixed ^= mixed >> np.uint64(29)
        sequence = np.add.reduceat(mixed, begins) if len(begins) else mixed
    _, example, number = np.unique(sequence, return_index=True, return_inverse=True)
    names = [_names(codes[begins[i] : ends[i]].tolist()) for i in example.tolist()]

    def said(text: str) -> tuple[str]:
        first = text.split("^", maxsplit=1)[0].strip()
        return (first if _VERSION.fullmatch(first) else "",)

    (versions,) = by_distinct(pc.coalesce(version, ""), said, pa.string())
    return pc.binary_join_element_wise(versions, pa.array(names, pa.string()).take(pa.array(number)), ":")


def _names(codes: list[int]) -> str:
    names = [code.to_bytes(3, "big").decode() for code in codes]
    kept = (name if name in SEGMENTS else "Z.." if name.startswith("Z") else "???" for name in names)
    return "-".join(dict.fromkeys(kept))
