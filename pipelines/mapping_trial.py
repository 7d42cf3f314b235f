"""A mapping tried on a sample: what would be read, what would be kept out and why, what no word translates.

Here: one ingest into a warehouse that is thrown away, under a key that nobody knows, and its account. Not here: how a log
is read (`sources.mapped_log`). Nothing of the sample is in the answer but counts, times and harmless words.
"""

from __future__ import annotations

import secrets
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.errors import UnreadableFile, ZoneNeeded

if TYPE_CHECKING:
    from datetime import datetime

    import duckdb

_COLUMNS = {
    "mrn": "mrn_key",
    "visit": "visit_key",
    "placer": "placer_key",
    "control_id": "correlation_key",
    "type": "msg_type",
    "ack": "ack_code",
    "attempt": "attempt_no",
    "error": "error_class",
    "destination": "node_name",
    "sent_at": "sent_at",
    "actor": "actor_key",
    "size": "size_bytes",
    "parent": "parent_message_uid",
}


@dataclass(frozen=True)
class Trial:
    """The account of one sample. `fields`: of each field that the mapping names, how many events have it."""

    read: int
    mapped: int
    ignored: int
    quarantined: dict[str, int]
    events: dict[str, int]
    flows: int
    messages: int
    untranslated: dict[str, int]
    findings: dict[str, int]
    fields: dict[str, int]
    times: dict[str, int]
    first_at: datetime | None
    last_at: datetime | None
    zone_needed: bool = False

    @property
    def is_fit(self) -> bool:
        """Whether everything was read and understood."""
        return bool(self.mapped) and not (self.quarantined or self.untranslated or self.zone_needed)

    def to_json(self) -> dict[str, Any]:
        """The account as one document."""
        return {**asdict(self), "is_fit": self.is_fit}


def try_on(mapping: Path, sample: Path, zone: str | None) -> Trial:
    """The account of reading a sample by a mapping; `zone` is that of times without an offset.

    Raises:
        ConfigurationError: the mapping breaks a rule.
        UnreadableFile: there is no such sample.
    """
    from pipelines import intake, log_mapping, warehouse
    from pipelines.home import Home
    from pipelines.settings import Settings, SourceSettings

    named = log_mapping.load(mapping)
    if not sample.is_file():
        raise UnreadableFile(f"{sample} is no file. Name one file of the log as the sample.")
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder) / "home").create()
        source = SourceSettings(
            name="sample", kind="ndjson-log", path=str(sample.absolute()), mapping=str(mapping.absolute()), zone=zone
        )
        settings = Settings.model_validate(
            {"home": home.path, "site_key": secrets.token_hex(32), "zone": "UTC", "sources": (source,)}
        )
        db = warehouse.connect(settings, path=":memory:")
        try:
            report = intake.ingest_paths(db, settings, [sample])
        except ZoneNeeded:
            return _NO_ZONE
        else:
            if not report.files:
                return _NOTHING
            names = [name for name in _COLUMNS if name in named.fields or name in named.constants]
            return _account(db, report.files[0], names)
        finally:
            db.close()


def _account(db: duckdb.DuckDBPyConnection, file: Any, names: list[str]) -> Trial:  # noqa: ANN401 -- accounts.FileAccount
    def counts(query: str) -> dict[str, int]:
        return {str(name): n for name, n in db.execute(query).fetchall()}

    totals = ", ".join(f"count({_COLUMNS[name]})" for name in names) or "0"
    found = db.execute(f"select {totals} from raw.interface_event").fetchall()[0]
    flows, messages, first, last = db.execute(
        "select count(distinct flow_id), count(distinct message_uid), min(occurred_at), max(occurred_at) from raw.interface_event"
    ).fetchall()[0]
    return Trial(
        read=file.lines_read,
        mapped=file.loaded + file.unchanged,
        ignored=file.ignored,
        quarantined=dict(file.reasons),
        events=counts("select event_type, count(*) from raw.interface_event group by all order by all"),
        flows=flows,
        messages=messages,
        untranslated=counts(
            "select native_type, count(*) from raw.interface_event where event_type = 'unknown' group by all order by all"
        ),
        findings={name: n for name, n in file.findings.items() if name != "unknown_event"},
        fields=dict(zip(names, found, strict=False)),
        times=counts("select time_basis, count(*) from raw.interface_event group by all order by all"),
        first_at=first,
        last_at=last,
    )


_NOTHING = Trial(0, 0, 0, {"unrecognised": 1}, {}, 0, 0, {}, {}, {}, {}, None, None)
_NO_ZONE = Trial(0, 0, 0, {}, {}, 0, 0, {}, {}, {}, {}, None, None, zone_needed=True)
