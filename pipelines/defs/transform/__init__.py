"""Staging and marts: one asset per SQL file of `models/sql`."""
