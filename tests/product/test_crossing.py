"""Every generator trains with every discriminator, but for the pairs that docs/crossing.md tells as refused.

All pairs are composed here, and some trained, in which every network occurs; the slow tests and `make crossing` train
them all.
"""

import pytest
from support.crossing import PAGE, PAIRS, growing, refusal, refused_words
from support.small import diagonal, names, sampled

TABLE = [[cell.strip() for cell in line.split("|")[1:-1]] for line in PAGE.read_text().splitlines() if line[:1] == "|"]
HEADER, _, *ROWS = TABLE
CELLS = {(row[0], column): cell for row in ROWS for column, cell in zip(HEADER[1:], row[1:], strict=True)}


def test_the_page_has_every_pair() -> None:
    assert list(CELLS) == PAIRS, "run `make crossing`"
    assert HEADER[1:] == names("discriminator")


def test_the_page_tells_what_can_grow() -> None:
    assert growing() in PAGE.read_text(encoding="utf-8"), "run `make crossing`"


def test_pairs_are_refused_where_the_page_says_so() -> None:
    for generator, discriminator in PAIRS:
        words = refused_words(generator, discriminator)
        told = CELLS.get((generator, discriminator), "nothing")
        assert (words is not None) == told.startswith("refused"), (
            f"docs/crossing.md says {told} of {generator} with {discriminator}, but: {words or 'composed'}"
        )


@pytest.mark.parametrize(
    ("generator", "discriminator"), sampled(PAIRS, diagonal(names("generator"), names("discriminator")))
)
def test_pair_trains(generator: str, discriminator: str) -> None:
    refusal(generator, discriminator)
