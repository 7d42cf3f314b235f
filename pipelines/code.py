"""Which code is running: a digest that changes with any query, KPI or step that a published number can depend on, and the
installed version. Not here: what is kept or computed again because of it.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import metadata
from pathlib import Path


@cache
def code_digest() -> str:
    """Changes with any query, KPI, check or step, so that an upgrade computes all anew."""
    root = Path(__file__).resolve().parents[1]
    files = [
        path
        for part in ("models", "data_quality", "pipelines")
        for kind in ("py", "sql")
        for path in (root / part).rglob(f"*.{kind}")
    ]
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def code_version() -> str:
    """The installed version of Wardflow; "unknown" when it runs from a folder that was not installed."""
    try:
        return metadata.version("wardflow")
    except metadata.PackageNotFoundError:
        return "unknown"
