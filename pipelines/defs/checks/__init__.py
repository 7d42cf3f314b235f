"""The suites of `data_quality`, as checks beside the assets that they guard."""
