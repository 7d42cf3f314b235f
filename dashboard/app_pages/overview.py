"""How are we doing? Twelve numbers at most, the ones that need attention named first."""

from dashboard import readings, words
from dashboard.filters import draw_boards
from dashboard.here import here
from dashboard.parts import markup
from dashboard.parts.card import draw_cards
from dashboard.parts.head import draw_head, draw_path
from dashboard.parts.stakeholders import draw_stakeholders

now = here()
draw_head(now, "How are we doing?")
if now.view.facility:
    draw_path(now)
every = [
    r for r in readings.readings(now.found, now.person, now.view).values() if r.look != "none" or not now.view.unit
]
shown = [r for r in every if r.kpi.on_overview]
markup.headline(*words.overview(every if now.view.board else shown, now.view.place))
draw_boards(now.view)
if shown and now.view.board:
    draw_stakeholders(now, every)
elif shown:
    draw_cards(now, shown)
else:
    markup.empty("Nothing is counted here.", "Choose another unit or a longer period.")
