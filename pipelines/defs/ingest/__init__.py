"""Delivered files become `raw` tables, and every line is accounted for."""
