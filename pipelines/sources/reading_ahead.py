"""Reading the next piece of a file in a thread while this one is worked on: for readers that leave Python's lock to others.

Here: one piece ahead, no more, so that memory stays bounded. Not here: what a piece is, and what reads it.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Piece = TypeVar("Piece")


def ahead(pieces: Iterator[Piece], between: Callable[[], object] = lambda: None) -> Iterator[Piece]:
    """Each piece, while the next one is being read; none of them is None. `between` is called while nobody reads."""
    with ThreadPoolExecutor(1) as reader:
        coming = reader.submit(next, pieces, None)
        while (piece := coming.result()) is not None:
            between()
            coming = reader.submit(next, pieces, None)
            yield piece
