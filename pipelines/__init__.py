"""Orchestration and ingestion: the only package that writes. What a number means stands in `models`, not here."""
