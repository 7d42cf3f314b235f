"""What is on the disk when a function returns, whatever happens then: flushing, and putting a finished file in place.

Here: those two steps. Not here: what is written.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def sync(path: Path) -> None:
    """Have a file's content, or a folder's entries, on disk before anything that follows."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def replace(finished: Path, target: Path) -> None:
    """Put a finished file where readers look, in one step: they see the old one or the new one, whole."""
    sync(finished)
    finished.replace(target)
    sync(target.parent)
