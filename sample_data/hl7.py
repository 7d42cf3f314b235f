"""HL7 v2 text of a message, as the Mirth engine stores it: with names, on purpose. Segments end in a CR."""

from sample_data.clock import hl7_time
from sample_data.engine import Message
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


def message_text(message: Message, facility: Facility) -> str:
    """The whole message: MSH, EVN for ADT, PID, PV1 and what the message is about."""
    person, at = message.person, hl7_time(message.sent + SENDER_SKEW)
    event = f"EVN|{message.kind[-3:]}|{at}\r" if message.kind.startswith("ADT") else ""
    sender, receiver = _ENDS.get((message.channel, message.kind), ("EHR", "ENGINE"))
    born = person.birth_date.replace("-", "")
    point_of_care = message.detail if event else ""
    body = "" if event else message.detail
    return (
        f"MSH|^~\\&|{sender}|{facility.slug.upper()}|{receiver}|{facility.slug.upper()}|{at}||{message.kind}|"
        f"{message.control_id}|P|2.5.1\r{event}"
        f"PID|1||{person.mrn}^^^{facility.prefix}^MR||{person.family}^{person.given}||{born}|{person.gender[0].upper()}|||"
        f"{person.street}^^WARDVILLE^NY^13999||{person.phone}\r"
        f"PV1|1||{point_of_care}||||||||||||||||{message.visit}\r{body}"
    )


def acknowledgement(message: Message, facility: Facility, at: int, code: str, text: str) -> str:
    """The receiver's answer; a refusal names the patient, as real ones do."""
    error = (
        f"ERR|||207^{'Application internal error' if code == 'AE' else 'Message too old'}^HL70357|E|||{text}\r"
        if text
        else ""
    )
    return (
        f"MSH|^~\\&|LIS|{facility.slug.upper()}|ENGINE|{facility.slug.upper()}|{hl7_time(at)}||ACK^{message.kind[-3:]}|"
        f"A{message.control_id}|P|2.5.1\rMSA|{code}|{message.control_id}|{text}\r{error}"
    )
