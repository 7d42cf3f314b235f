"""Reading engines that are polled: in small pages, from where the last poll ended, into `landing/`.

Here: what a poll reads, in which order, and what is remembered of it. Not here: the two roads into Mirth (`mirth_database`,
`mirth_api`), the pages (`landing`), reading them (`pipelines.sources.mirth_extract`). The only calls are to what wardflow.toml names.
A page lies in `landing/` before the place is remembered up to which it reads, so that a poll that is killed reads some messages
again, which adds nothing, and misses none.
"""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.errors import ConfigurationError, SourceUnreachable
from pipelines.fetch import mirth_api, mirth_database
from pipelines.fetch.landing import Landing, Memory, Place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pipelines.settings import Settings, SourceSettings

_SECONDS_BETWEEN_COUNTS = 600
_UNDONE = ("R", "Q", "P", "RECEIVED", "QUEUED", "PENDING")


class Road(Protocol):
    """A way to read an engine's messages. Tables are extracts: a row a connector, messages whole, in order of their number."""

    def channels(self) -> list[str]:
        """The ids of the channels."""
        ...

    def begin(self, channel: str) -> int:
        """The message above which to begin where nothing is remembered."""
        ...

    def above(self, channel: str, number: int, most: int) -> pa.Table:
        """The next messages above a number, so many at most; none when there are none."""
        ...

    def these(self, channel: str, numbers: Sequence[int]) -> pa.Table:
        """These messages, as far as they are still there."""
        ...

    def counters(self) -> list[pa.Table]:
        """What its own counters of the channels say now, as samples (`pipelines.sources.mirth_counters`)."""
        ...

    def close(self) -> None:
        """Let go of the engine."""
        ...


@dataclass(frozen=True)
class Fetched:
    """What a poll of one source brought: rows of connectors, pages; whether it stopped before it had all."""

    source: str
    rows: int
    pages: int
    is_cut_short: bool = False


def polled(settings: Settings, name: str | None = None) -> list[SourceSettings]:
    """The sources that wardflow.toml has polled; the named one only, when given.

    Raises:
        ConfigurationError: there is no such source, or it is not polled.
    """
    found = [source for source in settings.sources if source.poll is not None and name in (None, source.name)]
    if name is not None and not found:
        known = ", ".join(each.name for each in polled(settings)) or "none"
        raise ConfigurationError(f"No source {name!r} with [sources.poll] in wardflow.toml. Polled are: {known}.")
    return found


def is_due(settings: Settings, source: SourceSettings) -> bool:
    """Whether the source's last poll began long enough ago."""
    return source.poll is not None and time.time() - Memory.of(settings, source).polled_at >= source.poll.every_seconds


def fetch(
    settings: Settings,
    source: SourceSettings,
    *,
    whole: bool = False,
    seconds: float | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Fetched:
    """Poll one source. `whole` reads every message that the engine still has; after `seconds` it stops between two pages.

    Raises:
        SourceUnreachable: the engine does not answer, or refuses; what was read until then lies in `landing/`.
        HomeBusy: another poll of the source is under way.
    """
    poll = source.poll
    if poll is None:
        raise ConfigurationError(f"Source {source.name!r} is not polled. Give it [sources.poll].")
    until = time.monotonic() + seconds if seconds else float("inf")
    with Memory.locked(settings, source) as memory:
        memory.polled_at = time.time()
        looks_back = memory.polled_at - memory.looked_back_at >= poll.look_back_every_seconds
        landing = Landing(settings, source, memory)
        road: Road = mirth_api.connect(source, poll) if poll.api else mirth_database.connect(source, poll)
        with closing(road):
            channels = road.channels()
            if memory.polled_at - memory.counted_at >= _SECONDS_BETWEEN_COUNTS:
                _count(road, landing, memory, say)
            for channel in channels:
                is_known = channel in memory.places
                if not is_known:
                    memory.places[channel] = Place(0 if whole else road.begin(channel))
                place = memory.places[channel]
                back = 0 if whole else max(place.number - poll.look_back_messages, 0)
                since = back if is_known and (whole or looks_back) else None
                for page in _pages(road, channel, place, poll.page_messages, since):
                    landing.add(page)
                    if time.monotonic() > until:
                        landing.close()
                        return Fetched(source.name, landing.rows, landing.pages, is_cut_short=True)
                say(channel)
        if looks_back:
            memory.looked_back_at = memory.polled_at
        landing.close()
    return Fetched(source.name, landing.rows, landing.pages)


def _count(road: Road, landing: Landing, memory: Memory, say: Callable[[str], None]) -> None:
    """A sample of the counters, before the messages are read that they have counted. An engine that shows none is read without."""
    try:
        samples = [each for each in road.counters() if len(each)]
    except SourceUnreachable:
        say("counters cannot be read")
        return
    if samples:
        landing.write(pa.concat_tables(samples), "-counters")
    memory.counted_at = memory.polled_at


def _pages(road: Road, channel: str, place: Place, most: int, since: int | None) -> Iterator[pa.Table]:
    """What is new of a channel, then of the messages that were not done what changed, then, from a message on, all once more."""
    while len(page := road.above(channel, place.number, most)):
        place.number = max(pc.call_function("unique", [page.column("message_id")]).to_pylist())
        _note_undone(page, place)
        yield page
    waiting = sorted(place.undone)
    for i in range(0, len(waiting), most):
        numbers = waiting[i : i + most]
        page = road.these(channel, numbers)
        former = {number: place.undone.pop(number) for number in numbers}
        changed = _note_undone(page, place, former)
        if len(changed):
            yield changed
    number = since
    while number is not None and number < place.number and len(page := road.above(channel, number, most)):
        number = max(pc.call_function("unique", [page.column("message_id")]).to_pylist())
        yield page


def _note_undone(page: pa.Table, place: Place, former: dict[int, str] | None = None) -> pa.Table:
    """Remember which messages of a page are not done, and how they stood; without those that stand as they did."""
    rows = page.to_pylist()  # some hundred messages: the next page is small again
    standing: dict[int, list[dict[str, object]]] = {}
    for row in rows:
        standing.setdefault(int(row["message_id"]), []).append(row)
    same: list[int] = []
    for number, several in standing.items():
        if any(row["status"] in _UNDONE or row["processed"] is False for row in several):
            place.undone[number] = Place.digest(several)
            if former is not None and former.get(number) == place.undone[number]:
                same.append(number)
    if not same:
        return page
    is_same = pc.call_function("is_in", [page.column("message_id")], pc.SetLookupOptions(pa.array(same, pa.int64())))
    return page.filter(pc.call_function("invert", [is_same]))
