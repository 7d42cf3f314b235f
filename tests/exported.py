"""What a plain reader finds in the simulated exports, however they are packed; written without Wardflow's own readers."""

import gzip
import io
import json
import tarfile
import zipfile
from collections import defaultdict
from pathlib import Path

import orjson
import pyarrow as pa


def files_of(folder: Path) -> dict[str, bytes]:
    """Every file of an export by its name in there, unpacked; deletions and the manifest among them."""
    found: dict[str, bytes] = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = path.read_bytes()
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                found |= {name: archive.read(name) for name in archive.namelist()}
        elif path.name.endswith(".tar.gz"):
            with tarfile.open(fileobj=io.BytesIO(gzip.decompress(content))) as archive:
                found |= {member.name: archive.extractfile(member).read() for member in archive}
        else:
            name = path.relative_to(folder).as_posix()
            if path.suffix == ".zst":
                name, content = name.removesuffix(".zst"), pa.CompressedInputStream(io.BytesIO(content), "zstd").read()
            found[name] = gzip.decompress(content) if path.suffix == ".gz" else content
    return found


def lines_at(path: Path) -> list[bytes]:
    """The lines of a file as the account names it: a path, or `archive!/member`, unpacked."""
    whole, _, member = str(path).partition("!/")
    place = Path(whole)
    if place.suffix not in {".zip", ".gz", ".zst"}:
        return place.read_bytes().splitlines()
    return files_of(place.parent)[member or place.name.removesuffix(".zst")].splitlines()


def id_of(reference: str) -> str:
    """The id that a reference points to: relative, absolute or versioned."""
    return reference.partition("/_history/")[0].rpartition("/")[2]


def manifest_of(folder: Path) -> dict:
    """The export's manifest."""
    return json.loads(files_of(folder)["manifest.json"])


def resources_of(folder: Path) -> list[dict]:
    """Every line of an export in order, deletions left out, headers left in."""
    return [
        orjson.loads(line)
        for name, content in files_of(folder).items()
        if ".ndjson" in name and not name.startswith("deleted/")
        for line in content.removeprefix(b"\xef\xbb\xbf").splitlines()
    ]


def deleted_in(folder: Path) -> list[str]:
    """References of what an export says was deleted."""
    bundles = [content for name, content in files_of(folder).items() if name.startswith("deleted/")]
    return [entry["request"]["url"] for bundle in bundles for entry in orjson.loads(bundle)["entry"]]


def exports(out: Path) -> list[Path]:
    """The folders of a run's exports, in order of their time."""
    return sorted((out / "fhir").iterdir(), key=lambda folder: (manifest_of(folder)["transactionTime"], folder.name))


def latest_of(out: Path) -> dict[str, dict[str, dict]]:
    """The last version of every resource by type and id, as delivered, without what was deleted or is absent."""
    found: dict[str, dict[str, dict]] = defaultdict(dict)
    for folder in exports(out):
        asked = manifest_of(folder)["request"].partition("?_type=")[2]
        if "_since" not in asked:  # of everything: what it does not show is gone
            found |= {kind: {} for kind in asked.split(",")}
        for resource in resources_of(folder):
            if resource["resourceType"] not in {"Parameters", "Device", "Binary"}:
                found[resource["resourceType"]][resource["id"]] = resource
        for reference in deleted_in(folder):
            kind, ident = reference.split("/")
            found[kind].pop(ident, None)
    return found


def resolved(latest: dict[str, dict[str, dict]]) -> dict[str, dict[str, dict]]:
    """The same with every conditional, absolute and versioned reference as `Type/id` (one that nothing answers stays), and
    with Encounters of R5 in R4's words.
    """
    known = {
        f"{kind}?identifier={identifier['system']}|{identifier['value']}": f"{kind}/{ident}"
        for kind, resources in latest.items()
        for ident, resource in resources.items()
        for identifier in resource.get("identifier", ())
    }

    def r4(resource):
        """An Encounter of R5 in R4's words, but for its history, which stands in resources of their own."""
        if not isinstance(resource.get("class"), list):
            return resource
        older = {"actualPeriod": "period", "admission": "hospitalization"}
        return {older.get(name, name): value for name, value in resource.items()} | {
            "class": resource["class"][0]["coding"][0],
            "status": {"completed": "finished"}.get(resource["status"], resource["status"]),
        }

    def plain(value):
        if isinstance(value, list):
            return [plain(each) for each in value]
        if not isinstance(value, dict):
            return value
        found = {name: plain(each) for name, each in value.items()}
        if isinstance(reference := value.get("reference"), str):
            found["reference"] = known.get(reference, reference) if "?" in reference else _relative(reference)
        return found

    return defaultdict(
        dict, {kind: {i: plain(r4(each)) for i, each in found.items()} for kind, found in latest.items()}
    )


def _relative(reference: str) -> str:
    return "/".join(reference.partition("/_history/")[0].split("/")[-2:])
