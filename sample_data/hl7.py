"""HL7 v2 text of a message, as the Mirth engine stores it: with names, on purpose. Segments end in a CR."""

from sample_data.clock import hl7_time
from sample_data.engine_course import Message
from sample_data.facility import Facility

SENDER_SKEW = 1_300
"""Milliseconds by which the EHR's clock (MSH-7) runs ahead of the engine's."""

_ENDS = {
    ("RESULTS", "ORU^R01"): ("LIS", "EHR"),
    ("IMAGING", "ORU^R01"): ("RIS", "EHR"),
    ("SCHED", "SIU^S12"): ("SCHED", "EHR"),
    ("SCHED", "SIU^S13"): ("SCHED", "EHR"),
    ("SCHED", "SIU^S15"): ("SCHED", "EHR"),
}
"""Who sends to whom, by channel and kind; everything else is the EHR's, to the engine."""
MERGE, UNLINK = "ADT^A40", "ADT^A37"
ABOUT_RECORDS = frozenset({MERGE, UNLINK})
"""Messages about two records of one person, or of two; they belong to no visit."""
VERSION, NEWER = "2.5.1", "2.6"
"""MSH-12, and what it says on the day of the planted drift, when every result also has a segment ZLR."""
_UNEXPECTED = "ZLR|1\r"


def shape(message: Message) -> str:
    """The message's form as an engine can log it without a word of its content: version and segments."""
    segments = ["MSH", *(["EVN"] if message.kind.startswith("ADT") else []), "PID", "PV1"]
    segments += [line[:3] for line in _body(message).split("\r") if line]
    return f"{_version(message)}:{'-'.join(dict.fromkeys(segments))}"


def _version(message: Message) -> str:
    return NEWER if message.is_drifted else VERSION


def _body(message: Message) -> str:
    """What follows the visit: nothing where the detail of an ADT message is a place."""
    is_place = message.kind.startswith("ADT") and message.kind not in ABOUT_RECORDS
    body = "" if is_place else message.detail
    return body + _UNEXPECTED if message.is_drifted else body


def message_text(message: Message, facility: Facility, link: str | None = None) -> str:
    """The whole message: MSH, EVN for ADT, PID, PV1 and what the message is about. `link` is MSH-3 to MSH-6, where the engine
    sends it on.
    """
    person, at = message.person, hl7_time(message.sent + SENDER_SKEW)
    event = f"EVN|{message.kind[-3:]}|{at}\r" if message.kind.startswith("ADT") else ""
    sender, receiver = _ENDS.get((message.channel, message.kind), ("EHR", "ENGINE"))
    site = facility.slug.upper()
    born = person.birth_date.replace("-", "")
    point_of_care = message.detail if event and message.kind not in ABOUT_RECORDS else ""
    return (
        f"MSH|^~\\&|{link or f'{sender}|{site}|{receiver}|{site}'}|{at}||{message.kind}|"
        f"{message.control_id}|P|{_version(message)}\r{event}"
        f"PID|1||{person.mrn}^^^{facility.prefix}^MR||{person.family}^{person.given}||{born}|{person.gender[0].upper()}|||"
        f"{person.street}^^WARDVILLE^NY^13999||{person.phone}\r"
        f"PV1|1||{point_of_care}||||||||||||||||{message.visit}\r{_body(message)}"
    )


def acknowledgement(message: Message, facility: Facility, at: int, code: str, text: str, *, sender: str = "LIS") -> str:
    """The receiver's answer; a refusal names the patient, as real ones do."""
    error = (
        f"ERR|||207^{'Application internal error' if code == 'AE' else 'Message too old'}^HL70357|E|||{text}\r"
        if text
        else ""
    )
    return (
        f"MSH|^~\\&|{sender}|{facility.slug.upper()}|ENGINE|{facility.slug.upper()}|{hl7_time(at)}||ACK^{message.kind[-3:]}|"
        f"A{message.control_id}|P|2.5.1\rMSA|{code}|{message.control_id}|{text}\r{error}"
    )
