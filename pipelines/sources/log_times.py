"""Times as engines write them: from text to an instant, or to a local time that needs a zone.

Here: SQL for every way of writing that a mapping can state, and where a local time lies in its zone. Not here: which
field is a time, or what becomes of a record without one (`log_events`). A date without an hour is never an instant, and
no zone is ever assumed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from pipelines.log_mapping import TimeFormat

_OFFSET = r"(?:[Zz]|UTC|GMT|[+-]\d{2}(?::?\d{2})?)"
_EXTENDED = r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}(:?\d{2})?)?"
_DAY = r"\s*(\d{4})[-/]?(\d{2})[-/]?(\d{2})[Tt ]?"
_WITH_SECONDS = rf"{_DAY}(\d{{2}}):?(\d{{2}}):?(\d{{2}})(?:[.,](\d{{1,9}}))?\s*({_OFFSET})?(?:\[[\w/+-]+\])?\s*"
_WITH_MINUTES = rf"{_DAY}(\d{{2}}):?(\d{{2}})\s*({_OFFSET})?(?:\[[\w/+-]+\])?\s*"
_INTEGER_FRACTION = r"(.*)[.,](\d{1,3})((?:Z|[+-]\d{2}:?\d{2})?)"
_LAST_MICROSECOND = 253_402_300_799_999_999
"""Of the year 9999."""
_YEARS = range(2, 9999)
"""In which a few days can be added and taken away."""
_PER_SECOND = {"epoch_seconds": 1, "epoch_milliseconds": 10**3, "epoch_microseconds": 10**6, "epoch_nanoseconds": 10**9}
_EPOCH_PRECISION = dict(zip(_PER_SECOND, ("s", "ms", "us", "us"), strict=True))
_MOVES = ("+ interval 1 hour", "- interval 1 hour", "+ interval 30 minute", "- interval 30 minute")
"""By how much clocks are put back: an hour, on Lord Howe half of one."""

MACROS = (
    # ISO 8601, extended or basic, as the one spelling that DuckDB casts; null for any other text.
    rf"""create or replace temp macro iso_of(x) as case
        when regexp_full_match(x, '{_EXTENDED}') then x
        when regexp_full_match(x, '{_WITH_SECONDS}') then
            regexp_replace(regexp_replace(x, '^{_WITH_SECONDS}$', '\1-\2-\3T\4:\5:\6.\7\8'), '(z|UTC|GMT)$', 'Z')
        when regexp_full_match(x, '{_WITH_MINUTES}') then
            regexp_replace(regexp_replace(x, '^{_WITH_MINUTES}$', '\1-\2-\3T\4:\5:00\6'), '(z|UTC|GMT)$', 'Z')
        end""",
    """create or replace temp macro says_offset(iso) as
        right(iso, 1) = 'Z' or iso[-6] in ('+', '-') or iso[-5] in ('+', '-') or iso[-3] in ('+', '-')""",
    r"""create or replace temp macro without_leap(iso) as regexp_replace(iso, '(\d{2}:\d{2}):60', '\1:59')""",
    r"""create or replace temp macro leap(iso) as
        if(regexp_matches(iso, '\d{2}:\d{2}:60'), interval 1 second, interval 0 second)""",
    """create or replace temp macro iso_instant(iso) as case
        when not says_offset(iso) then null
        when contains(iso, ':60') then try_cast(without_leap(iso) as timestamptz) + leap(iso)
        else try_cast(iso as timestamptz) end""",
    """create or replace temp macro iso_local(iso) as case
        when says_offset(iso) then null
        when contains(iso, ':60') then try_cast(without_leap(iso) as timestamp) + leap(iso)
        else try_cast(iso as timestamp) end""",
    "create or replace temp macro micros_in(x, per_second) as (try_cast(x as decimal(29, 9)) * 1000000 // per_second)::hugeint",
    f"""create or replace temp macro epoch_in(x, per_second) as case
        when micros_in(x, per_second) between 0 and {_LAST_MICROSECOND} then make_timestamptz(micros_in(x, per_second)::bigint) end""",
    # Seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by ten, thirteen, sixteen or nineteen digits.
    r"""create or replace temp macro per_second_of(x) as case
        when not regexp_full_match(x, '\d{10}(\d{3}){0,3}(\.\d+)?') then null
        when instr(x || '.', '.') = 11 then 1::bigint
        when instr(x || '.', '.') = 14 then 1000::bigint
        when instr(x || '.', '.') = 17 then 1000000::bigint
        else 1000000000::bigint end""",
    # `YYYY-MM-DDTHH:MM:SS.` is twenty characters long.
    """create or replace temp macro iso_precision(iso) as case
        when iso[20] = '.' and iso[24] between '0' and '9' then 'us'
        when iso[20] = '.' and iso[21] between '0' and '9' then 'ms'
        else if(iso[17] = ':', 's', 'min') end""",
    """create or replace temp macro epoch_precision(x) as case
        when length(x) > 14 then 'us' when length(x) > 10 then 'ms' else 's' end""",
    r"create or replace temp macro is_date_only(x) as regexp_full_match(x, '\s*\d{4}([-/]?\d{2}([-/]?\d{2})?)?\s*')",
    f"create or replace temp macro before_fraction(x) as regexp_replace(x, '^{_INTEGER_FRACTION}$', '\\1\\3')",
    f"""create or replace temp macro integer_milliseconds(x) as
        to_milliseconds(coalesce(try_cast(nullif(regexp_extract(x, '^{_INTEGER_FRACTION}$', 2), '') as bigint), 0))""",
    # The other instant of a local time that comes twice, else null; whether it does, and the later and the earlier of the two.
    "create or replace temp macro other_instant(local_time, zone) as case "
    + " ".join(
        f"when timezone(zone, timezone(zone, local_time) {by}) = local_time then timezone(zone, local_time) {by}"
        for by in _MOVES
    )
    + " end",
    "create or replace temp macro falls_twice(local_time, zone) as other_instant(local_time, zone) is not null",
    """create or replace temp macro later(local_time, zone) as
        greatest(timezone(zone, local_time), other_instant(local_time, zone))""",
    """create or replace temp macro earlier(local_time, zone) as
        least(timezone(zone, local_time), other_instant(local_time, zone))""",
)


@dataclass(frozen=True)
class Reading:
    """SQL expressions over one text: the instant where the text alone tells it, else the local time; its precision; whether
    the instant is counted from 1970. They may read `iso`, which is to be the expression of that name.
    """

    iso: str
    instant: str
    local: str
    precision: str
    from_epoch: str


def reading(text: str, written: TimeFormat, iso: str = "iso") -> Reading:
    """How a text that is written so is read. `text` is an SQL expression, `iso` the name of the column for `Reading.iso`."""
    is_integer = written.fraction == "milliseconds"
    source = f"before_fraction({text})" if is_integer else text
    added = f" + integer_milliseconds({text})" if is_integer else ""
    if written.format == "iso":
        precision = "'ms'" if is_integer else f"iso_precision({iso})"
        return Reading(
            f"iso_of({source})",
            f"case when {iso} is null then epoch_in({text}, per_second_of({text})) else iso_instant({iso}){added} end",
            f"iso_local({iso}){added}",
            f"case when {iso} is null then epoch_precision({text}) else {precision} end",
            f"{iso} is null",
        )
    if written.format in _PER_SECOND:
        instant = f"epoch_in({text}, {_PER_SECOND[written.format]}::bigint)"
        return Reading("null", instant, "null::timestamp", f"'{_EPOCH_PRECISION[written.format]}'", "true")
    parsed = f"try_strptime({source}, {quoted(written.format)})"
    has_offset = "%z" in written.format
    return Reading(
        "null",
        f"({parsed}::timestamptz{added})" if has_offset else "null::timestamptz",
        "null::timestamp" if has_offset else f"({parsed}::timestamp{added})",
        f"'{_pattern_precision(written)}'",
        "false",
    )


def _pattern_precision(written: TimeFormat) -> str:
    if any(part in written.format for part in ("%f", "%n")):
        return "us"
    if "%g" in written.format or written.fraction == "milliseconds":
        return "ms"
    return "s" if any(part in written.format for part in ("%S", "%-S", "%c", "%X")) else "min"


def quoted(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def clock_changes(zone: str, first: datetime, last: datetime) -> bool:
    """Whether a zone's clocks may be put forward or back between two local times, or within a day of them; of more than a year, and
    of the first and the last years that Python knows: yes.
    """
    if last - first > timedelta(days=366) or first.year not in _YEARS or last.year not in _YEARS:
        return True
    there = ZoneInfo(zone)
    day, end = first.replace(tzinfo=UTC) - timedelta(days=2), last.replace(tzinfo=UTC) + timedelta(days=2)
    before = day.astimezone(there).utcoffset()
    while day <= end:
        day += timedelta(days=1)
        now = day.astimezone(there).utcoffset()
        if now != before:
            return True
    return False
