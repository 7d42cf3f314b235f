-- Grain: one row per day of the hospital's calendar that is like a Sunday.
select distinct holiday_date
from raw.registry_holiday
