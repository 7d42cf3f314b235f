"""Wardflow's dashboard: reads what was published and draws it. It computes no KPI and runs no pipeline."""
