"""Writing so that a reader never sees half a file: everything is made under a hidden name and then renamed."""

import os
import shutil
import time
from collections.abc import Iterable, Mapping
from pathlib import Path


def write_file(path: Path, chunks: Iterable[bytes]) -> int:
    """Write a file that appears complete or not at all; returns its size in bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    hidden = path.with_name(f".{path.name}.part")
    size = 0
    with hidden.open("wb") as file:
        for chunk in chunks:
            size += file.write(chunk)
    os.replace(hidden, path)  # noqa: PTH105 - Path.replace, spelt as what makes it atomic
    return size


def write_folder(folder: Path, files: Mapping[str, bytes], *, settled: bool = False) -> None:
    """Write a folder of files (names may contain one level of subfolder) that appears complete or not at all. `settled`: its files
    are a day old, so that none that ends within a line looks as if it were still being written.
    """
    hidden = folder.with_name(f".{folder.name}.part")
    if hidden.exists():
        shutil.rmtree(hidden)
    hidden.mkdir(parents=True)
    for name, content in files.items():
        path = hidden / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        if settled:
            yesterday = time.time() - 24 * 60 * 60
            os.utime(path, (yesterday, yesterday))
    os.replace(hidden, folder)  # noqa: PTH105
