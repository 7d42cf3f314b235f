"""The pure core of Wardflow: what a KPI is, the tables it counts, and what may be said about it.

Nothing here opens a network connection, schedules, draws or writes to a warehouse.
"""
