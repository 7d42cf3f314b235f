"""Arrow without pandas: a load needs no data frames, and the import of pandas takes as long as loading 75,000 events.

Here: telling Arrow so. Not here: what is read or written with Arrow.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec


class _NotNow:
    """An import finder that lets nothing find pandas."""

    def find_spec(self, name: str, *_: object) -> ModuleSpec | None:
        if name == "pandas":
            raise ModuleNotFoundError(name=name)
        return None


def keep_pandas_out() -> None:
    """Arrow looks for pandas once, at its first array of Python or NumPy values; let it look now, and find none.

    Where pandas is loaded already this does nothing. Whoever imports it later can turn Arrow's tables into its frames and back:
    then Arrow looks again.
    """
    if "pandas" in sys.modules:
        return
    finder = _NotNow()
    sys.meta_path.insert(0, finder)
    try:
        pa.array([0])
    finally:
        sys.meta_path.remove(finder)
