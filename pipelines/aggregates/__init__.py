"""The aggregates folder: every published table that a page or the command line reads without opening a case.

Here: one module a family of tables, each a few queries over the marts and the rows that come of them, small numbers hidden
(`hiding`). Not here: what a number means (`models`), which tables a snapshot holds (`pipelines.publish`), the files (`pipelines.snapshot`).
"""
