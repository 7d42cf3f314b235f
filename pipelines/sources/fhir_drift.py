"""Which elements resources carry: a census by path, from which it is seen what is unknown, new or gone.

Here: counting one file's lines, and which names may be shown. Not here: comparing exports over time (`quality_tables`),
which lines are looked at (`fhir_examination`). Values are never read. A sender's own name for an element can be a
person's name, so a name that FHIR does not define is shown only under the rules of `_is_shown`; else it counts as `?`.
What lies inside an extension, a contained resource, a narrative or an unknown element is not looked at.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from pipelines.sources.error_text import vocabulary
from pipelines.sources.fhir_definitions import HIDDEN, Place, elements, root

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FEWEST_LINES = 5
"""A name that FHIR does not define, made of known words, is shown when so many lines of a file carry it."""
FEWEST_LINES_OF_ANY_NAME = 20
LEAST_SHARE_OF_ANY_NAME = 0.2
"""Any other one when so many lines and this share of the file's carry it: a field, not somebody."""

_FORM = re.compile(r"_?[a-z][A-Za-z]{0,62}\d{0,2}")
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_DEEPEST = 16
_MOST_PATHS = 5_000
_MOST_UNKNOWN_OF_A_LINE = 50


@dataclass
class Census:
    """The elements of one file's lines of one resource type."""

    resource_type: str
    looked_at: int = 0
    _known: Counter[str] = field(default_factory=Counter)
    _releases: dict[str, str] = field(default_factory=dict)
    _unknown: dict[str, list[frozenset[str]]] = field(default_factory=lambda: defaultdict(list))

    def look_at(self, resource: Mapping[str, Any]) -> None:
        """Count one line. Each path counts once a line, however often it repeats in it."""
        place = root(self.resource_type)
        if place is None:
            return
        self.looked_at += 1
        known: dict[str, Place] = {}
        unknown: dict[str, set[str]] = {}
        _walk(resource, place, known, unknown, _DEEPEST)
        for each in known.values():
            if each.path in self._known or len(self._known) < _MOST_PATHS:
                self._known[each.path] += 1
                self._releases[each.path] = each.release
        for path, names in unknown.items():
            self._unknown[path].append(frozenset(names))

    def rows(self, own_words: frozenset[str] = frozenset()) -> Iterator[tuple[str, str | None, int]]:
        """(path, release that defines it or null, lines that carry it), by path. `own_words` are the hospital's (`error_words`)."""
        found: dict[str, tuple[str | None, int]] = {
            path: (self._releases[path], lines) for path, lines in self._known.items()
        }
        for path, lines in self._unknown.items():
            counts = Counter(name for names in lines for name in names)
            shown = {name for name, n in counts.items() if self._is_shown(name, n, own_words)}
            for name in shown:
                found[_joined(path, name)] = (None, counts[name])
            hidden = sum(not names <= shown for names in lines)
            if hidden:
                found[_joined(path, HIDDEN)] = (None, hidden)
        for path in sorted(found):
            yield path, *found[path]

    def _is_shown(self, name: str, lines: int, own_words: frozenset[str]) -> bool:
        if not _FORM.fullmatch(name):
            return False
        words = {word.lower() for word in _WORD.findall(name)}
        if lines >= FEWEST_LINES and words <= (vocabulary() | _words_of(self.resource_type) | own_words):
            return True
        return lines >= max(FEWEST_LINES_OF_ANY_NAME, LEAST_SHARE_OF_ANY_NAME * self.looked_at)


def _walk(
    value: Mapping[str, Any], place: Place, known: dict[str, Place], unknown: dict[str, set[str]], deeper: int
) -> None:
    for name, inside in value.items():
        inner = place.inner(name)
        if inner is None:
            names = unknown.setdefault(place.path, set())
            if len(names) < _MOST_UNKNOWN_OF_A_LINE:
                names.add(name)
            continue
        known[inner.path] = inner
        if inner.models and deeper:
            for each in inside if isinstance(inside, list) else (inside,):
                if isinstance(each, dict):
                    _walk(each, inner, known, unknown, deeper - 1)


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


@cache
def _words_of(resource_type: str) -> frozenset[str]:
    place = root(resource_type)
    names = {name for of in place.models for name in elements(of)} if place else set[str]()
    return frozenset(word.lower() for name in names for word in _WORD.findall(name))
