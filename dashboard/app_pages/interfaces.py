"""Is data flowing? Every channel on one board, the ones in trouble first."""

import streamlit as st

from dashboard import channels, readings
from dashboard.here import here
from dashboard.parts import markup
from dashboard.parts.board import draw_board, draw_channel
from dashboard.parts.card import draw_cards
from dashboard.parts.head import draw_head, draw_not_found, draw_path
from dashboard.parts.incidents import draw_incidents

now = here()
ids = [
    "interface_messages", "interface_final_failure_rate", "interface_ack_latency",
    "silent_feed_minutes", "dead_letters_open", "interface_retry_rate",
]  # fmt: skip
draw_head(now, "Is data flowing?", kpis=ids)
found = channels.channels(now)
one = next((row for row in found if f"{row['source']}/{row['channel']}" == now.view.channel), None)
if now.view.facility or one:
    draw_path(now, *([("interfaces", one["channel"], now.view)] if one else []))
draw_not_found(now.view.channel, one, "a channel", "all channels are shown")
if not found:
    markup.empty("No channel was seen.", "Deliver an engine's logs and register its channels in registry.toml.")
elif one:
    draw_channel(now, one)
else:
    markup.headline(*channels.headline(found))
    draw_cards(now, [r for k in ids if (r := readings.readings(now.found, now.person, now.view)[k])], columns=3)
    st.subheader("Channels", anchor=False)
    draw_board(now, found)
    st.subheader("Incidents, as the data show them", anchor=False)
    draw_incidents(now, found)
    unregistered = [f"{row['channel']} ({row['source']})" for row in found if not row["is_registered"]]
    if unregistered:
        st.caption(
            f":material/help: Seen in a log but not in registry.toml: {', '.join(unregistered)}. Register them with an owner."
        )
