"""The pieces that pages are put together from: one noun a module. Pieces draw; they open no files and compute no KPI."""
