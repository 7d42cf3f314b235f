"""What is kept of AuditEvent: that somebody touched something, when, in what role, for what purpose and how it ended.

Here: one projection, which `fhir_projection` joins. Who it was is a keyed hash and nothing else: never a name, an address, a
query or a description. What is read is touched in no figure of people (docs/privacy.md).
"""

from __future__ import annotations

from pipelines.sources.fhir_columns import WORD, first_key, key_list
from pipelines.sources.fhir_elements import CODING, REFERENCE, Column, Projection, code, own_key, time

_CODE = '{"system":"VARCHAR","code":"VARCHAR"}'
_REQUESTORS = "list_filter(r.agent, lambda a: a.requestor = 'true')"
_TOUCHED = """list_filter(list_transform(r.entity, lambda e: coalesce(e.what, e.reference)),
    lambda w: w.reference is not null or w."type" is not null)"""
"""What was touched, where it says what it is: an identifier alone may be of a request."""
_USER = "coalesce(a.who.identifier.value, a.userId.value, a.who.reference, a.altId)"
_SYSTEM = "coalesce(r.source.observer.reference, r.source.observer.identifier.value, r.source.site)"
_PURPOSES = "list_concat(coalesce(r.purposeOfEvent, []), coalesce(flatten(list_transform(r.agent, lambda a: a.purposeOfUse)), []))"
_ROLES = f"""list_concat(list_transform({_REQUESTORS}, lambda a: a."type"),
    coalesce(flatten(list_transform({_REQUESTORS}, lambda a: a."role")), []))"""
_REQUESTS = "list_filter(r.entity, lambda e: e.\"type\".code = 'XrequestId')"


def _codes(name: str, concepts: str) -> Column:
    """The codes of an expression's list of concepts."""
    return Column(
        name,
        "varchar[]",
        f"list_sort(list_distinct(list_filter(list_transform(all_codings({concepts}), lambda c: word(c.code)), "
        "lambda c: c is not null)))",
    )


ACCESS: tuple[Projection, ...] = (
    Projection(  # human touches: access, overrides (break the glass), what a person did to a record
        resource="AuditEvent",
        kind="audit_event",
        elements={
            "type": _CODE,
            "subtype": f"[{_CODE}]",
            "action": WORD,
            "recorded": WORD,
            "outcome": WORD,
            "purposeOfEvent": f"[{CODING}]",
            "agent": f'[{{"type":{CODING},"role":[{CODING}],"who":{REFERENCE},"userId":{{"value":"VARCHAR"}},"altId":"VARCHAR",'
            f'"requestor":"VARCHAR","purposeOfUse":[{CODING}]}}]',
            "source": f'{{"site":"VARCHAR","observer":{REFERENCE}}}',
            "entity": f'[{{"what":{REFERENCE},"reference":{REFERENCE},"type":{_CODE}}}]',
        },
        columns=(
            own_key("AuditEvent", "audit_event"),
            first_key(_TOUCHED, "Patient"),
            first_key(_TOUCHED, "Encounter"),
            key_list(_TOUCHED, "ServiceRequest"),
            key_list(_TOUCHED, "DiagnosticReport"),
            key_list(_TOUCHED, "Task"),
            key_list(f"list_transform({_REQUESTORS}, lambda a: a.who)", "Practitioner"),
            Column(
                "user_hashes",
                "varchar[]",
                f"list_filter(list_transform({_REQUESTORS}, lambda a: keyed('user', getvariable('authority'), {_USER})), "
                "lambda k: k is not null)",
            ),
            _codes("role_codes", _ROLES),
            Column("system_hash", "varchar", f"keyed('system', getvariable('authority'), {_SYSTEM})"),
            Column("type_code", "varchar", 'word(r."type".code)'),
            Column("subtype_codes", "varchar[]", "codes_of(r.subtype)"),
            code("action", "r.action", ("C", "R", "U", "D", "E")),
            code("outcome", "r.outcome", ("0", "4", "8", "12")),
            _codes("purpose_codes", _PURPOSES),
            Column(
                "request_hashes",
                "varchar[]",
                f"list_filter(list_transform({_REQUESTS}, lambda e: keyed('control', getvariable('authority'), "
                "e.what.identifier.value)), lambda k: k is not null)",
            ),
            time("recorded", "r.recorded"),
        ),
        required=(("type", 'r."type".code'), ("recorded", "r.recorded"), ("agent", "r.agent"), ("source", "r.source")),
        times=("r.recorded",),
    ),
)
