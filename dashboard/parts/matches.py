"""The piece of the data-quality page about which messages belong to a case: without that, no delay can be told apart.

Counts of messages only, so every role sees them. Not here: how a message finds its case (`models/sql/marts/message.sql`).
"""

from itertools import groupby
from operator import itemgetter

import streamlit as st

from dashboard import data
from dashboard.here import Here
from dashboard.parts import markup
from models import wording

REASONS = {
    "no_number": "carry the number of neither a visit nor an order",
    "unknown_visit": "carry a visit's number that no export has",
    "unknown_order": "carry an order's number that no export has",
    "about_records": "are about two records of a person, not about a visit",
}


IDENTIFIERS = {
    "visit": "Visit number",
    "placer": "Placer order number",
    "filler": "Filler order number",
    "accession": "Accession number",
    "control_id": "Control id, with other logs",
    "trace": "Correlation id, with other logs",
}
"""What joins a message, in the order of the table."""
UNJOINED = {
    "not_carried": "carry none, or nothing says whose it is",
    "unknown": "carry one that no export has",
    "only_here": "stand in no other log",
    "not_the_same": "are another message in the other log",
}


def draw_matches(here: Here) -> None:
    """One row a source: how many of its messages belong to a visit or an order; then by channel and kind where some do not."""
    rows = data.rows(here.found, here.person, "message_match", order=("source", "channel", "msg_type", "msg_trigger"))
    if not rows:
        markup.empty("No message was loaded yet.", "Name an engine's log as a source in wardflow.toml.")
        return
    markup.table(
        "Messages that belong to a visit or an order, by source",
        ("Source", "Messages", "Of a visit", "Of an order", "Of none", "Matched"),
        [_total(source, list(group)) for source, group in groupby(rows, itemgetter("source"))],
        numeric=("Messages", "Of a visit", "Of an order", "Of none", "Matched"),
    )
    if "identifier_match" in here.found.tables:
        st.caption("By which identifier they are joined")
        found = data.rows(here.found, here.person, "identifier_match", order=("source", "identifier"))
        markup.table(
            "By which identifier messages are joined, by source",
            ("Source", "Identifier", "Joined", "Share", "Of the others"),
            [
                _joined(
                    source,
                    identifier,
                    [row for row in found if (row["source"], row["identifier"]) == (source, identifier)],
                )
                for source in sorted({row["source"] for row in found})
                for identifier in IDENTIFIERS
            ],
            numeric=("Joined", "Share"),
        )
    left = sorted((row for row in rows if row["matched"] is None), key=lambda row: -row["messages"])
    if left:
        st.caption("Those that belong to none, and why")
        markup.table(
            "Messages that belong to none, and why",
            ("Source", "Channel", "Kind", "Messages", "Of its kind", "They"),
            [
                (
                    row["source"],
                    row["channel"],
                    "^".join(part for part in (row["msg_type"], row["msg_trigger"]) if part) or wording.NONE,
                    wording.number(row["messages"]),
                    wording.percent(row["share"]),
                    REASONS[row["reason"]],
                )
                for row in left
            ],
            numeric=("Messages", "Of its kind"),
        )


def _joined(source: str, identifier: str, rows: list[data.Row]) -> tuple[str, ...]:
    messages = sum(row["messages"] for row in rows)
    joined = sum(row["messages"] for row in rows if row["reason"] is None)
    others = sorted((row for row in rows if row["reason"]), key=lambda row: -row["messages"])
    told = "; ".join(f"{wording.number(row['messages'])} {UNJOINED[row['reason']]}" for row in others)
    share = wording.percent(joined / messages) if messages else wording.NONE
    return (source, IDENTIFIERS[identifier], wording.number(joined), share, told or wording.NONE)


def _total(source: str, rows: list[data.Row]) -> tuple[str, ...]:
    of = {each: sum(row["messages"] for row in rows if row["matched"] == each) for each in ("visit", "order", None)}
    whole = sum(of.values())
    counts = (whole, of["visit"], of["order"], of[None])
    return (source, *(wording.number(n) for n in counts), wording.percent((whole - of[None]) / whole))
