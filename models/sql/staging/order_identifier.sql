-- Grain: one row per ServiceRequest and keyed placer number.
with identifier as (
    select
        order_key,
        unnest(placer_keys) as placer_key
    from staging.order
)
select distinct
    order_key,
    placer_key
from identifier
