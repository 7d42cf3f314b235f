"""Alerts: one line about a failed run, a blocked publication or an incident of a flow, to the sinks that wardflow.toml names.

Here: what an alert says and where it goes. Not here: noticing that something failed (`refresh`, `defs.alerts`), which
incidents are told (`incident_alerts`).
Without a configured webhook or mail server nothing leaves the machine; every alert is kept in `logs/alerts.ndjson`.
An alert names jobs, steps, checks and flows, never a case.
"""

from __future__ import annotations

import json
import smtplib
import urllib.request
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelines.home import Home
    from pipelines.settings import AlertSettings, Settings

TIMEOUT_SECONDS = 10
CHECK_STEP = "check_"
Kind = Literal["run_failed", "publication_blocked", "incident_began", "incident_over"]


@dataclass(frozen=True, kw_only=True)
class Alert:
    """What happened: `run_failed`, `publication_blocked` when a structural check stopped it, or what became of a flow. `job` and
    `steps` are Dagster's names, empty for an incident.
    """

    kind: Kind
    job: str
    steps: tuple[str, ...]
    message: str
    raised_at: str


def of_failed_run(job: str, failed_steps: Sequence[str], why: str = "") -> Alert:
    """The alert of a run that did not succeed."""
    blocked = any(step.startswith(CHECK_STEP) or step.endswith("is_balanced") for step in failed_steps)
    what = "A structural check stopped the publication" if blocked else "The run failed"
    where = f" ({', '.join(failed_steps)})" if failed_steps else ""
    return Alert(
        kind="publication_blocked" if blocked else "run_failed",
        job=job,
        steps=tuple(failed_steps),
        message=f"{what}{where}; readers keep the last good snapshot. {why}".strip(),
        raised_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def send(settings: Settings, home: Home, alert: Alert) -> list[str]:
    """Give the alert to every sink; what could not be reached, one line each. A dead sink never fails a run."""
    _append(home.logs / "alerts.ndjson", alert)
    problems: list[str] = []
    for sink in settings.alerts:
        try:
            _SINKS[sink.kind](sink, home, settings, alert)
        except OSError as error:
            problems.append(
                f"The {sink.kind} alert could not be sent ({type(error).__name__}). Check [[alerts]] in wardflow.toml."
            )
    if problems:
        with (home.logs / "alerts.log").open("a", encoding="utf-8") as log:
            log.writelines(f"{alert.raised_at} {problem}\n" for problem in problems)
    return problems


def _append(path: Path, alert: Alert) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
    with path.open("a", encoding="utf-8") as sink:
        sink.write(json.dumps(asdict(alert), ensure_ascii=False) + "\n")


def _to_file(sink: AlertSettings, home: Home, _settings: Settings, alert: Alert) -> None:
    _append(home.path / Path(sink.path or "logs/alerts.ndjson").expanduser(), alert)


def _to_webhook(sink: AlertSettings, _home: Home, settings: Settings, alert: Alert) -> None:
    """POST one JSON object; `text` is what chat systems show."""
    body = json.dumps({"text": f"Wardflow, {settings.site}: {alert.message}", **asdict(alert)}).encode()
    if not sink.url.startswith(("http://", "https://")):
        raise OSError(f"{sink.url!r} is no http address")
    request = urllib.request.Request(sink.url, data=body, headers={"Content-Type": "application/json"})  # noqa: S310 -- checked above
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 -- the same address
        answer.read(0)


def _to_email(sink: AlertSettings, _home: Home, settings: Settings, alert: Alert) -> None:
    message = EmailMessage()
    message["Subject"] = f"Wardflow, {settings.site}: {alert.kind.replace('_', ' ')}"
    message["From"] = sink.sender or f"wardflow@{sink.host}"
    message["To"] = ", ".join(sink.to)
    message.set_content(alert.message)
    with smtplib.SMTP(sink.host, sink.port, timeout=TIMEOUT_SECONDS) as server:
        server.send_message(message)


_SINKS = {"file": _to_file, "webhook": _to_webhook, "email": _to_email}
