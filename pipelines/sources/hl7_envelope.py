"""The envelope of an HL7 v2 message: a dozen fields of the ER7 text, nothing of its body.

Here: MSH, PID-3, PV1-19, ORC-2 and, of a message that merges or unlinks patients, MRG-1 or the second PID-3, read by the
delimiters that MSH declares, and the message's shape: its version and which segments it has. Not here: hashing what was
read (`mirth`), parsing HL7 at large.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

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


@dataclass(frozen=True)
class Envelope:
    """What a message says on its outside. Identifiers are as written: hash them before they go anywhere."""

    control_id: str | None = None
    type: str | None = None
    trigger: str | None = None
    sent: str | None = None
    mrn: str | None = None
    prior_mrn: str | None = None
    visit: str | None = None
    placer: str | None = None
    shape: str | None = None


NOTHING = Envelope()


def read(text: str | None, *, header_only: bool = False) -> Envelope | None:
    """The envelope of an ER7 message; null when the text is none. `header_only` stops after MSH."""
    if text is None:
        return None
    text = text.lstrip("\ufeff\x0b \r\n\t")
    if not text.startswith("MSH") or len(text) < len("MSH|^~\\&"):
        return None
    field, component = text[3], text[4]
    text = text.replace("\r\n", "\r").replace("\n", "\r")
    segments = text.split("\r", 1 if header_only else -1)
    header = [field, *segments[0].split(field)]  # MSH-1 is the separator itself, so MSH-n is header[n]
    message_type = _at(header, 9).split(component)
    found = {
        "control_id": _at(header, 10) or None,
        "type": message_type[0] or None,
        "trigger": (message_type[1] if len(message_type) > 1 else "") or None,
        "sent": _at(header, 7) or None,
        "shape": _shape(_at(header, 12).split(component)[0], _NAME.findall(text)),
    }
    if not header_only:
        found |= _identifiers(segments[1:], field, component)
        if found["trigger"] in TELLS_WHO:
            found["prior_mrn"] = _prior(segments[1:], field, component)
    return Envelope(**found)


def _shape(version: str, names: list[str]) -> str:
    """The version and the segments, each once in order of appearance: `2.5.1:MSH-PID-OBR-OBX`."""
    kept = (name if name in SEGMENTS else "Z.." if name.startswith("Z") else "???" for name in names)
    return f"{version if _VERSION.fullmatch(version) else ''}:{'-'.join(dict.fromkeys(kept))}"


def _identifiers(segments: list[str], field: str, component: str) -> dict[str, str | None]:
    places = {"PID": ("mrn", 3), "PV1": ("visit", 19), "ORC": ("placer", 2)}
    found: dict[str, str | None] = {}
    for segment in segments:
        fields = segment.split(field)
        name, place = places.get(fields[0].strip(), ("", 0))
        if name and name not in found and (value := _number(fields, place, component)):
            found[name] = value
    return found


def _prior(segments: list[str], field: str, component: str) -> str | None:
    """The number that gives way (MRG-1), or of two that are unlinked the second (PID-3)."""
    parts = [segment.split(field) for segment in segments]
    merged = [fields for fields in parts if fields[0].strip() == "MRG"]
    if merged:
        return _number(merged[0], 1, component) or None
    second = [fields for fields in parts if fields[0].strip() == "PID"][1:2]
    return _number(second[0], 3, component) or None if second else None


def _number(fields: list[str], place: int, component: str) -> str:
    """The identifier of a field: the first component of its first repetition."""
    return _at(fields, place).split("~")[0].split(component)[0].strip()


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
