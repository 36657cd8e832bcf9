"""Every test that docs/reliability.md names for a fault is there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reliability.md").read_text()
ROWS = re.findall(r"^\| (A\d+) \|.*`(tests/[\w/]+\.py)::(\w+)` \|$", PAGE, re.MULTILINE)


def test_every_fault_has_a_test() -> None:
    assert {fault for fault, _, _ in ROWS} == {f"A{number}" for number in range(1, 23)}
    missing = [f"{file}::{test}" for _, file, test in ROWS if f"def {test}(" not in (ROOT / file).read_text()]
    assert missing == []
