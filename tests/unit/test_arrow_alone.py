"""Loading needs no pandas; whoever needs it afterwards has it."""

import subprocess
import sys

_PROGRAM = """
import sys
from pipelines.arrow_alone import keep_pandas_out
import pyarrow as pa
keep_pandas_out()
rows = pa.table({"n": pa.array([1, None])})
print("pandas" in sys.modules)
print(rows.to_pandas()["n"].isna().tolist(), "pandas" in sys.modules)
keep_pandas_out()
print(pa.Table.from_pandas(rows.to_pandas())["n"].to_pylist())
"""


def test_arrow_makes_arrays_without_pandas_and_still_turns_them_into_its_frames_for_who_asks():
    said = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=True)
    assert said.stdout.splitlines() == ["False", "[False, True] True", "[1.0, None]"]
