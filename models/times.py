"""How a date or time is read that FHIR delivered as text: two words for every staging query, as DuckDB macros.

Here: from text to instant and to precision, by stated rules. Not here: which texts are no time at all (a source drops those).
Whoever builds staging tables runs `MACROS` on the connection first; each is one expression, so another engine can have it as a
function of the same name.

The rules: an offset is obeyed. Without one the time is read in the zone that the source's settings name; without such a zone
there is no instant. On the autumn night the hour that comes twice is the first of the two; on the spring night a time that
never comes is read as if the clock had not been put forward. 24:00 is the next day's midnight, second 60 the next minute's
first second. Fractions are kept to the microsecond. A date, a month or a year is never an instant.
"""

MACROS = (
    "create or replace temp macro zone_of(source, zones) as map_extract_value(zones::map(varchar, varchar), source)",
    r"create or replace temp macro has_offset(x) as regexp_matches(x, 'T.*(Z|[+-]\d{2}:?\d{2})$')",
    r"""create or replace temp macro written(x) as
            if(contains(x, ':60'), regexp_replace(x, '(T\d{2}:\d{2}):60', '\1:59'), x)""",
    r"""create or replace temp macro added(x) as
            if(contains(x, ':60') and regexp_matches(x, 'T\d{2}:\d{2}:60'), interval 1 second, interval 0 second)""",
    """create or replace temp macro first_pass(t, zone) as
            if(timezone(zone, timezone(zone, t) - interval 1 hour) = t, timezone(zone, t) - interval 1 hour, timezone(zone, t))""",
    """create or replace temp macro instant_in(x, zone) as case
            when has_offset(x) then try_cast(written(x) as timestamptz) + added(x)
            when zone is not null and contains(x, 'T') then first_pass(try_cast(written(x) as timestamp), zone) + added(x)
        end""",
    """create or replace temp macro precision_in(x, zone) as case
            when x is null then null
            when not contains(x, 'T') then 'day'
            when zone is null and not has_offset(x) then 'zoneless'
            else 'instant'
        end""",
    # What is odd about the hour of a time that is read in a zone.
    """create or replace temp macro clock_of(x, zone) as case
            when zone is null or not contains(x, 'T') or has_offset(x) then null
            when timezone(zone, timezone(zone, try_cast(written(x) as timestamp))) <> try_cast(written(x) as timestamp)
                then 'missing_time'
            when timezone(zone, timezone(zone, try_cast(written(x) as timestamp)) - interval 1 hour)
                = try_cast(written(x) as timestamp) then 'ambiguous_time'
        end""",
)
