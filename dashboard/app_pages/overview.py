"""How are we doing? Twelve numbers at most, the ones that need attention named first."""

from dashboard import readings, words
from dashboard.here import here
from dashboard.parts import markup
from dashboard.parts.card import draw_cards
from dashboard.parts.head import draw_head, draw_path

now = here()
draw_head(now, "How are we doing?")
if now.view.facility:
    draw_path(now)
found = [r for r in readings.readings(now.found, now.person, now.view).values() if r.kpi.on_overview]
shown = [r for r in found if r.look != "none"] if now.view.unit else found
markup.headline(*words.overview(shown, now.view.place))
if shown:
    draw_cards(now, shown)
else:
    markup.empty("Nothing is counted here.", "Choose another unit or a longer period.")
