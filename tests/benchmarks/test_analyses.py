"""`python -m benchmarks.analyses` prints seconds, or why an analysis does not apply, and the median."""

import re

from click.testing import CliRunner

from benchmarks.analyses import main


def test_seconds_are_printed() -> None:
    asked = ["--analysis", "truncation", "--analysis", "noise_variation", "--count", "4"]
    result = CliRunner().invoke(main, asked, catch_exceptions=False)
    assert result.exit_code == 0
    first, refused, median = result.output.splitlines()
    assert re.fullmatch(r"truncation +\d+\.\d\d s, 4 samples", first)
    assert "do not change with the noise" in refused
    assert re.fullmatch(r"median +\d+\.\d\d s", median)
