"""The same home and eyes as the tests of ingestion."""

import importlib.util
from pathlib import Path

_place = Path(__file__).parents[1] / "sources" / "conftest.py"
_spec = importlib.util.spec_from_file_location("sources_conftest", _place)
assert _spec is not None
assert _spec.loader is not None
_module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_module)

_site_key = _module._site_key  # noqa: SLF001 -- an automatic fixture is private
site = _module.site
new_site = _module.new_site
fixtures = _module.fixtures
make_home = _module.make_home
