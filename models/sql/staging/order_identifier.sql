-- Grain: one row per ServiceRequest and keyed number: the placer's, the filler's, or the accession's of it or of its ImagingStudy.
with identifier as (
    select
        order_key,
        unnest(placer_keys) as placer_key
    from staging.order
    union all
    select
        list_extract(order_keys, 1) as order_key,
        unnest(accession_keys) as placer_key
    from staging.imaging_study
    where len(order_keys) = 1
)
select distinct
    order_key,
    placer_key
from identifier
