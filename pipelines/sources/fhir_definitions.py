"""What FHIR defines: which elements a resource may have at each place, in R4B and in R5, as fhir.resources' models know them.

Here: names of resource types and elements, and which release a resource is written in. Not here: whether a resource is
right (`fhir_validation`), who uses which element (`fhir_drift`). The models are imported on first use, those of a type
when a line of it is met. A name that is not defined here never leaves this module by itself: it may be a person's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, get_origin

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fhir_core.fhirabstractmodel import FHIRAbstractModel

    Model = type[FHIRAbstractModel]

RELEASES = ("R4B", "R5")
HIDDEN = "?"
"""What is shown for a name that is not shown."""

_NOT_OPENED = frozenset({"extension", "modifierExtension", "contained", "text"})
_NOT_FHIR = frozenset({"fhir_comments", "resource_type"})


@cache
def model(resource_type: str, release: str) -> Model | None:
    """The model of a resource type in a release; null when the release has no such type. Never R5's for R4: it refuses them all."""
    if release == "R5":
        from fhir.resources import get_fhir_model_class
    else:
        from fhir.resources.R4B import get_fhir_model_class
    try:
        found: Model = get_fhir_model_class(resource_type)
    except (ValueError, KeyError, ImportError):
        return None
    return found if found.has_resource_base() else None


@cache
def _modules() -> frozenset[str]:
    """The lower-case names of everything that FHIR defines, from the names of the models' files: nothing is imported."""
    found = find_spec("fhir.resources")
    folders = [Path(place) for place in (found.submodule_search_locations if found else None) or ()]
    return frozenset(file.stem for folder in folders for file in (*folder.glob("*.py"), *folder.glob("R4B/*.py")))


def is_defined(name: str) -> bool:
    """Whether FHIR defines something of this name, however written: cheap, for text that would otherwise be kept as it came."""
    return name.lower() in _modules()


@cache
def is_type(resource_type: str) -> bool:
    """Whether a text is the name of a resource type of R4B or R5."""
    return any(model(resource_type, release) is not None for release in RELEASES)


@dataclass(frozen=True)
class Element:
    """One element of a model: whether it repeats, and the model of what it holds (null for a primitive)."""

    repeats: bool
    holds: Model | None


@cache
def elements(of: Model) -> Mapping[str, Element]:
    """The elements of a model by their names in JSON, those that accompany primitives (`_status`) too."""
    found = {name_field.alias or name: name_field for name, name_field in of.model_fields.items()}
    return {name: _element(each.annotation) for name, each in found.items() if name not in _NOT_FHIR} | {
        "resourceType": Element(repeats=False, holds=None)
    }


def _element(annotation: Any) -> Element:  # noqa: ANN401 -- any type annotation
    repeats = False
    waiting = [annotation]
    while waiting:
        each = waiting.pop()
        repeats = repeats or get_origin(each) is list
        if hasattr(each, "get_model_klass"):
            return Element(repeats, each.get_model_klass())
        waiting += get_args(each)
    return Element(repeats, None)


def release_of(resource: Mapping[str, Any], resource_type: str) -> str:
    """The release whose shape a resource has: R5 when R5 alone has its type, one of its elements, or one that repeats; else R4B."""
    older, newer = model(resource_type, "R4B"), model(resource_type, "R5")
    if newer is None or older is None:
        return "R5" if newer is not None else "R4B"
    then, now = elements(older), elements(newer)
    for name, value in resource.items():
        if name in now and (name not in then or (isinstance(value, list) and now[name].repeats > then[name].repeats)):
            return "R5"
    return "R4B"


@dataclass
class Place:
    """One place in a resource type, such as `Encounter.location.period`, and the places in it, made as they are met.

    `release` is the oldest one that defines it. Extensions, contained resources and narrative are places but are not
    opened, and neither is what no release defines (`place.inner(name)` is null there).
    """

    path: str
    release: str
    models: tuple[Model, ...]
    _inner: dict[str, Place | None] = field(default_factory=dict)

    def inner(self, name: str) -> Place | None:
        """The place of an element in this one; null when no release defines it."""
        if name not in self._inner:
            if len(self._inner) > len(RELEASES) * 1000:  # someone invents names: do not collect them
                return None
            self._inner[name] = self._made(name)
        return self._inner[name]

    def _made(self, name: str) -> Place | None:
        found = [(of, elements(of)[name]) for of in self.models if name in elements(of)]
        if not found:
            return None
        models = () if name in _NOT_OPENED else tuple(each.holds for _, each in found if each.holds is not None)
        release = "R5" if is_of_r5(found[0][0]) else "R4B"
        return Place(f"{self.path}.{name}" if self.path else name, release, models)


def is_of_r5(of: Model) -> bool:
    """Whether a model is one of R5."""
    return ".R4B." not in of.__module__


@cache
def root(resource_type: str) -> Place | None:
    """The place of a whole resource, whose path is empty; null when no release has such a type."""
    models = tuple(found for release in RELEASES if (found := model(resource_type, release)) is not None)
    return Place("", RELEASES[0], models) if models else None


def shown_path(resource_type: str, location: tuple[object, ...]) -> str:
    """The path of an error without indices; a name that FHIR does not define there is `?`, and so ends the path."""
    place = root(resource_type)
    names: list[str] = []
    for step in location:
        if not isinstance(step, str):
            continue
        place = place.inner(step) if place is not None else None
        if place is None:
            names.append(HIDDEN)
            break
        names.append(step)
    return ".".join(names)
