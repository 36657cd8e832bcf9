"""Every generator trains with every discriminator, but for the pairs that docs/crossing.md tells as refused."""

import pytest
from crossing import PAGE, PAIRS, refusal
from small import names

TABLE = [[cell.strip() for cell in line.split("|")[1:-1]] for line in PAGE.read_text().splitlines() if line[:1] == "|"]
HEADER, _, *ROWS = TABLE
CELLS = {(row[0], column): cell for row in ROWS for column, cell in zip(HEADER[1:], row[1:], strict=True)}


def test_the_page_has_every_pair() -> None:
    assert list(CELLS) == PAIRS, "run `make crossing`"
    assert HEADER[1:] == names("discriminator")


@pytest.mark.parametrize(("generator", "discriminator"), PAIRS)
def test_pair(generator: str, discriminator: str) -> None:
    refused = refusal(generator, discriminator)
    told = CELLS.get((generator, discriminator), "nothing")
    assert (refused is not None) == told.startswith("refused"), f"docs/crossing.md says {told}, but: {refused or 'trains'}"
