"""What Dagster loads: one folder per concept. Bodies are a few lines; the work is done in `pipelines`, `data_quality`
and `models`.
"""
