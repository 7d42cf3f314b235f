"""Did the pilot work? Every registered pilot with its verdict; one opened with its chart, its change and its plan."""

from dashboard import pilots
from dashboard.here import here
from dashboard.parts import markup
from dashboard.parts.head import draw_head, draw_not_found, draw_path
from dashboard.parts.pilot import draw_list, draw_pilot

now = here()
draw_head(now, "Did the pilot work?", filters=False, kpis=[])
found = pilots.pilots(now)
one = next((row for row in found if row["pilot"] == now.view.pilot), None)
draw_not_found(now.view.pilot, one, "a pilot", "all pilots are shown")
if one:
    draw_path(now, ("pilots", one["pilot"], now.view))
    markup.headline(*pilots.headline(one))
    draw_pilot(now, one)
elif found:
    markup.headline(*pilots.overview(found))
    draw_list(now, found)
else:
    markup.empty("No pilot is registered.", "Open a measure, choose Decide, then Register a pilot, before it begins.")
