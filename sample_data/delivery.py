"""How an export is packed for delivery: plainly, or in one of the ways that real servers and people choose.

Here: from the lines of one export to the files of one folder, its manifest among them. Not here: which lines an export
holds (`export`). Every packing also says what a careful reader must find in it, for truth.json.
"""

import gzip
import io
import re
import tarfile
import zipfile
from base64 import b64encode
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import orjson
import pyarrow as pa

from sample_data.clock import instant, local_date
from sample_data.fhir import SERVER
from sample_data.people import NOTES

LATE = "Observation.ndjson"
"""The file that comes late, in a folder of its own below the export's."""
PART_LINES = 100
"""Resources in one part of a type that is delivered in parts."""
BOM = b"\xef\xbb\xbf"
_PATIENT = re.compile(rb'"reference":"Patient/([^"]+)"')
_ZIP_TIME = (2025, 1, 1, 0, 0, 0)

Lines = Mapping[str, Mapping[str, bytes]]
"""Rendered resources by type and id, each with its line end."""


class Cut(NamedTuple):
    """One export: everything that changed from `since` (None: ever) until `until`, epoch milliseconds; `types` asked for."""

    until: int
    since: int | None
    types: tuple[str, ...]
    lines: Lines
    deleted: list[str]

    @property
    def resources(self) -> int:
        """How many resources it holds."""
        return sum(map(len, self.lines.values()))


class Packed(NamedTuple):
    """Files by name, and what is in them that is none of the export's resources: `headers` and `unwanted` lines."""

    files: dict[str, bytes]
    headers: int = 0
    unwanted: int = 0


def plain(cut: Cut) -> dict[str, bytes]:
    """One NDJSON file a type, deletions beside them, and a manifest."""
    files = {f"{kind}.ndjson": b"".join(rows.values()) for kind, rows in cut.lines.items()}
    output = [{"type": kind, "url": f"{kind}.ndjson", "count": len(rows)} for kind, rows in cut.lines.items()]
    return files | _beside(cut, output)


def by_patient(cut: Cut) -> Packed:
    """One gzip file: after a header line everything of one patient, then the next; what names nobody comes first."""
    blocks: dict[str, list[bytes]] = defaultdict(list)
    for kind, rows in cut.lines.items():
        for line in rows.values():
            blocks[_patient_of(kind, line)].append(line)
    nobody = blocks.pop("", [])
    chunks: list[bytes] = []
    for patient in sorted(blocks):
        reference = {"reference": f"Patient/{patient}"}
        header = {"resourceType": "Parameters", "parameter": [{"name": "header", "valueReference": reference}]}
        chunks += [orjson.dumps(header) + b"\n", *blocks[patient]]
    unwanted = _unwanted()
    content = b"".join([*nobody, *unwanted, *chunks])
    output = [{"url": "resources.ndjson.gz"}]
    manifest = _beside(cut, output, {"outputOrganizedBy": "Patient"}, "&organizeOutputBy=Patient")
    files = {"resources.ndjson.gz": gzip.compress(content, 6, mtime=0), **manifest}
    return Packed(files, headers=len(blocks), unwanted=len(unwanted))


def zipped(cut: Cut) -> Packed:
    """The plain folder as one zip file, as people send it around."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in plain(cut).items():
            archive.writestr(zipfile.ZipInfo(name, _ZIP_TIME), content, zipfile.ZIP_DEFLATED)
    return Packed({"export.zip": buffer.getvalue()})


def tarred(cut: Cut) -> Packed:
    """The plain folder as one compressed tar file."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in plain(cut).items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return Packed({"export.tar.gz": gzip.compress(buffer.getvalue(), 6, mtime=0)})


def in_parts(cut: Cut) -> Packed:
    """Several files a type, each with its count, and a type that nobody asked for."""
    files: dict[str, bytes] = {}
    output: list[dict[str, Any]] = []
    unwanted = _unwanted()
    parts = {kind: list(rows.values()) for kind, rows in cut.lines.items()} | {"Device": unwanted[:1]}
    for kind, lines in parts.items():
        for number, first in enumerate(range(0, len(lines), PART_LINES)):
            part, name = lines[first : first + PART_LINES], f"{kind}.{number:03d}.ndjson"
            files[name] = b"".join(part)
            output.append({"type": kind, "url": name, "count": len(part)})
    return Packed(files | _beside(cut, output), unwanted=1)


def from_windows(cut: Cut) -> Packed:
    """The plain folder after somebody opened and saved it: byte order marks, CRLF, no end to the last line."""
    files = plain(cut)
    for name, content in files.items():
        if name.endswith(".ndjson") and "/" not in name:
            files[name] = BOM + content.replace(b"\n", b"\r\n").removesuffix(b"\r\n")
    return Packed(files)


def zstandard(cut: Cut) -> Packed:
    """The plain folder with every file of resources compressed by Zstandard."""
    files = plain(cut)
    names = {name: f"{name}.zst" for name in files if name.endswith(".ndjson")}
    return Packed({
        names.get(name, name): pa.compress(content, "zstd", asbytes=True) if name in names else content
        for name, content in files.items()
    })  # fmt: skip


def late(cut: Cut) -> Packed:
    """The plain folder, of which one file came after the others; until then the export is not complete."""
    files = plain(cut)
    return Packed({f"late/{name}" if name == LATE else name: content for name, content in files.items()})


PACKINGS: dict[str, Callable[[Cut], Packed]] = {
    "by-patient": by_patient,
    "zip": zipped,
    "parts": in_parts,
    "tar": tarred,
    "windows": from_windows,
    "late": late,
    "zstd": zstandard,
}
"""By the name that the folder ends in."""


def _beside(
    cut: Cut, output: list[dict[str, Any]], more: dict[str, str] | None = None, ask: str = ""
) -> dict[str, bytes]:
    """The manifest, which names every file of `output` by its full address, and the file of deletions if there are any."""
    day = local_date(cut.until).isoformat()
    url = f"{SERVER}/bulk/{day}"
    since = "" if cut.since is None else f"&_since={instant(cut.since)}"
    manifest: dict[str, Any] = {
        "transactionTime": instant(cut.until),
        "request": f"{SERVER}/$export?_type={','.join(cut.types)}{since}{ask}",
        "requiresAccessToken": False,
        **(more or {}),
        "output": [{**entry, "url": f"{url}/{entry['url']}"} for entry in output],
        "deleted": [],
        "error": [],
    }
    files: dict[str, bytes] = {}
    if cut.deleted:
        bundle = {
            "resourceType": "Bundle",
            "id": f"deleted-{day}",
            "type": "transaction",
            "entry": [{"request": {"method": "DELETE", "url": reference}} for reference in cut.deleted],
        }
        files["deleted/Bundle.ndjson"] = orjson.dumps(bundle) + b"\n"
        manifest["deleted"] = [{"type": "Bundle", "url": f"{url}/deleted/Bundle.ndjson", "count": 1}]
    return files | {"manifest.json": orjson.dumps(manifest, option=orjson.OPT_INDENT_2) + b"\n"}


def _patient_of(kind: str, line: bytes) -> str:
    """The id of the patient that a resource is about; empty for what is about nobody."""
    if kind == "Patient":
        return orjson.loads(line)["id"]
    found = _PATIENT.search(line)
    return found[1].decode() if found else ""


def _unwanted() -> list[bytes]:
    """Resources of types that no KPI needs: a monitor, and a letter whose content is personal."""
    device = {"resourceType": "Device", "id": "device-monitor-1", "status": "active", "note": [{"text": NOTES[1]}]}
    data = b64encode(NOTES[0].encode()).decode()
    binary = {"resourceType": "Binary", "id": "binary-letter-1", "contentType": "text/plain", "data": data}
    return [orjson.dumps(each) + b"\n" for each in (device, binary)]
