"""What do numbers mean? Every measure and table, found by a word; one table opened with its columns."""

import streamlit as st

from dashboard import dictionary
from dashboard.filters import draw_find
from dashboard.here import here
from dashboard.parts import markup
from dashboard.parts.head import draw_head, draw_not_found, draw_path
from dashboard.parts.meanings import draw_kpis, draw_table, draw_tables

now = here()
draw_head(now, "What do numbers mean?", filters=False, kpis=[])
opened = dictionary.entries().get(now.view.table or "")
if opened:
    draw_path(now, ("dictionary", opened.name, now.view))
    draw_table(now, opened)
    st.stop()
draw_not_found(now.view.table, opened, "a table", "all tables are shown")
draw_find(now.view)
kpis, tables = dictionary.kpis(now.view.find or ""), dictionary.tables(now.view.find or "")
where = f" with “{now.view.find}”" if now.view.find else ""
markup.headline(
    f"{len(kpis)} measures and {len(tables)} tables{where}.", "Each is written from its declaration or its query."
)
if not kpis and not tables:
    markup.empty("Nothing says that.", "Try one shorter word, for example boarding, handoff or discharge.")
draw_kpis(now, kpis)
draw_tables(now, tables)
