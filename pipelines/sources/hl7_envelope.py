"""The envelope of an HL7 v2 message: a dozen fields of the ER7 text, nothing of its body.

Here: MSH, PID-3, PV1-19, the placer's and filler's numbers (ORC-2 and -3, else OBR-2 and -3), the accession number (IPC-1, else
OBR-18, where IHE puts it) and, of a message that merges or
unlinks patients, MRG-1 or the second PID-3, read by the delimiters that MSH declares, and the message's shape: its version and
which segments it has. Not here: whose numbers they are (`hl7_numbers`), hashing them (`mirth_events`), parsing HL7 at large.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from pipelines.sources.hl7_numbers import Delimiters, Number, entity, extended

SEGMENTS = frozenset(
    """
    ABS ACC ADD AIG AIL AIP AIS AL1 APR ARQ AUT BHS BLG BPO BPX BTS CM0 CON CTD CTI DB1 DG1 DRG DSC DSP ECD EQP ERR EVN
    FAC FHS FT1 FTS GOL GP1 GT1 IAM IN1 IN2 IN3 INV LOC MFA MFE MFI MRG MSA MSH NCK NK1 NPU NST NTE OBR OBX ODS ODT OM1
    ORC ORG PCR PD1 PDA PES PID PR1 PRA PRB PRD PSH PTH PV1 PV2 QAK QID QPD QRD QRF RCP RDF RDT RF1 RGS RMI ROL RQ1 RQD
    RXA RXC RXD RXE RXG RXO RXR SAC SCH SFT SID SPM STF TCC TQ1 TQ2 TXA UAC UB1 UB2 URD URS VAR
    """.split()  # noqa: SIM905 -- one a line would fill a page
)
"""Names that may be kept of a message's segments. A Z segment keeps only that it is one, any other word nothing."""
TELLS_WHO = frozenset({"A18", "A34", "A36", "A37", "A39", "A40", "A47"})
"""Events that say that two patient numbers are one person (MRG-1 gives way to PID-3), or of A37 that they are not."""
_VERSION = re.compile(r"[0-9.]{1,8}")
_NAME = re.compile(r"(?:\A|\r)([A-Z][A-Z0-9]{2})(?=[^A-Za-z0-9\r])")


_NUMBERED = {
    "PID": (("mrn", 3, extended),),
    "PV1": (("visit", 19, extended),),
    "ORC": (("placer", 2, entity), ("filler", 3, entity)),
    "OBR": (("placer", 2, entity), ("filler", 3, entity), ("accession", 18, entity)),
    "IPC": (("accession", 1, entity),),
}
_ENCODING = 4
_READ = frozenset({*_NUMBERED, "MRG"})


class Envelope(NamedTuple):
    """What a message says on its outside. Numbers are all repetitions as written: hash them before they go anywhere."""

    control_id: str | None = None
    application: str = ""
    facility: str = ""
    type: str | None = None
    trigger: str | None = None
    sent: str | None = None
    mrn: tuple[Number, ...] = ()
    prior_mrn: tuple[Number, ...] = ()
    visit: tuple[Number, ...] = ()
    placer: tuple[Number, ...] = ()
    filler: tuple[Number, ...] = ()
    accession: tuple[Number, ...] = ()
    shape: str | None = None


NOTHING = Envelope()


def read(text: str | None) -> Envelope | None:
    """The envelope of an ER7 message; null when the text is none."""
    if text is None:
        return None
    text = text.lstrip("\ufeff\x0b \r\n\t")
    if not text.startswith("MSH") or len(text) < len("MSH|^~\\&"):
        return None
    field = text[3]
    text = text.replace("\r\n", "\r").replace("\n", "\r")
    segments = text.split("\r")
    header = [field, *segments[0].split(field)]  # MSH-1 is the separator itself, so MSH-n is header[n]
    encoding = _at(header, 2)
    by = Delimiters(encoding[0], encoding[1], encoding[3]) if len(encoding) >= _ENCODING else Delimiters(text[4])
    message_type = _at(header, 9).split(by.component)
    trigger = (message_type[1] if len(message_type) > 1 else "") or None
    parts = [segment.split(field) for segment in segments[1:] if segment.lstrip()[:3] in _READ]
    return Envelope(
        control_id=_at(header, 10) or None,
        application=_at(header, 3),
        facility=_at(header, 4),
        type=message_type[0] or None,
        trigger=trigger,
        sent=_at(header, 7) or None,
        shape=_shape(_at(header, 12).split(by.component)[0], tuple(_NAME.findall(text))),
        prior_mrn=_prior(parts, by) if trigger in TELLS_WHO else (),
        **_identifiers(parts, by),
    )


@lru_cache(maxsize=1024)
def _shape(version: str, names: tuple[str, ...]) -> str:
    """The version and the segments, each once in order of appearance: `2.5.1:MSH-PID-OBR-OBX`."""
    kept = (name if name in SEGMENTS else "Z.." if name.startswith("Z") else "???" for name in names)
    return f"{version if _VERSION.fullmatch(version) else ''}:{'-'.join(dict.fromkeys(kept))}"


def _identifiers(parts: list[list[str]], by: Delimiters) -> dict[str, tuple[Number, ...]]:
    """By kind, the numbers of the first segment that has any."""
    found: dict[str, tuple[Number, ...]] = {}
    for fields in parts:
        for name, place, read_field in _NUMBERED.get(fields[0].strip(), ()):
            if name not in found and (numbers := read_field(_at(fields, place), by)):
                found[name] = numbers
    return found


def _prior(parts: list[list[str]], by: Delimiters) -> tuple[Number, ...]:
    """The number that gives way (MRG-1), or of two that are unlinked the second (PID-3)."""
    merged = [fields for fields in parts if fields[0].strip() == "MRG"]
    if merged:
        return extended(_at(merged[0], 1), by)
    second = [fields for fields in parts if fields[0].strip() == "PID"][1:2]
    return extended(_at(second[0], 3), by) if second else ()


def _at(fields: list[str], place: int) -> str:
    return fields[place].strip() if place < len(fields) else ""


_KNOWN = ", ".join(f"'{name}'" for name in sorted(SEGMENTS))

MACROS = (
    # A shape that a log wrote itself, with the same words kept as of a message read here.
    f"""create or replace temp macro shape_of(x) as case
            when regexp_full_match(x, '[0-9.]{{1,8}}(:[A-Z][A-Z0-9]{{2}}(-[A-Z][A-Z0-9]{{2}})*)?')
                then split_part(x, ':', 1) || ':' || array_to_string(list_transform(
                    list_filter(string_split(split_part(x, ':', 2), '-'), lambda s: s <> ''),
                    lambda s: case when list_contains([{_KNOWN}], s) then s when starts_with(s, 'Z') then 'Z..' else '???' end), '-')
            when x is not null then '<redacted>' end""",
    # YYYYMMDDhhmm[ss[.ffffff]] as ISO 8601, the offset left off.
    r"""create or replace temp macro hl7_text(x) as x[1:4] || '-' || x[5:6] || '-' || x[7:8] || ' ' || x[9:10] || ':' || x[11:12] || ':'
            || coalesce(nullif(regexp_extract(x, '^\d{12}(\d{2}(\.\d+)?)', 1), ''), '00')""",
    # An HL7 time with at least minutes as an instant; without an offset it is read in `zone`; null when it cannot be placed.
    r"""create or replace temp macro hl7_instant(x, zone) as case
            when regexp_full_match(x, '\d{12}(\d{2}(\.\d{1,6})?)?[+-]\d{4}')
                then try_cast(hl7_text(x) || x[-5:-3] || ':' || x[-2:] as timestamptz)
            when regexp_full_match(x, '\d{12}(\d{2}(\.\d{1,6})?)?') then timezone(zone, try_cast(hl7_text(x) as timestamp)) end""",
)
