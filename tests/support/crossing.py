"""The crossing table: which generator trains with which discriminator, and why where it does not.

`make crossing` writes docs/crossing.md. A cell is proved by two steps at 16x16.
"""

import itertools
import sys
from pathlib import Path

from support.small import experiment_of, names
from support.tiny import trainer_for

from gancore.discovery import discover
from gancore.errors import ConfigError

PAIRS = list(itertools.product(names("generator"), names("discriminator")))
PAGE = Path(__file__).parents[2] / "docs" / "crossing.md"
HEAD = """# Which generator trains with which discriminator

Every pair of the registry's networks, made small, in two steps of training with every regularizer that both can have.
Written by `make crossing`; the tests train every pair again and compare the refused ones with this page. Options that
make a pair possible: LAPGAN's generator has `coarse: generated` beside discriminators without a head for each scale,
since `coarse: real` would leave its coarse levels without a gradient there; Projected GAN's backbone is random.

"""


def refused_words(generator: str, discriminator: str) -> str | None:
    """Why the two cannot be composed; None: they can."""
    try:
        experiment_of(generator, discriminator)
    except ConfigError as error:
        return "; ".join(problem.message for problem in error.problems)
    return None


def refusal(generator: str, discriminator: str) -> str | None:
    """Trains the pair for two steps; why that is refused, or None. Raises AssertionError when it goes wrong."""
    if (words := refused_words(generator, discriminator)) is not None:
        return words
    experiment = experiment_of(generator, discriminator)
    trainer = trainer_for(experiment)
    for _ in range(2):
        trainer.step()
    assert trainer.guard.first_bad_step() is None
    return None


def page(refusals: dict[tuple[str, str], str | None]) -> str:
    """The table, rows generators, columns discriminators, with the reasons below it."""
    columns = names("discriminator")
    rows = [["generator", *columns], ["---"] * (len(columns) + 1)]
    reasons = [reason for reason in dict.fromkeys(refusals.values()) if reason]
    for generator in names("generator"):
        found = [refusals[generator, discriminator] for discriminator in columns]
        rows.append([generator, *(f"refused ({reasons.index(why) + 1})" if why else "trains" for why in found)])
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    notes = "\n".join(f"{number}. {reason}" for number, reason in enumerate(reasons, 1)) or "No pair is refused."
    return f"{HEAD}{table}\n\n{notes}\n\n{growing()}"


def growing() -> str:
    """Which networks can be trained with `training.growth`."""
    able = {
        kind: ", ".join(spec.name for spec in discover().specs(kind) if "growth" in spec.load().provides)
        for kind in ("generator", "discriminator")
    }
    return f"""## With progressive growing

The table is of training at one resolution. `training.growth` needs networks that work at every resolution on the way:
the generators {able["generator"]} with the discriminators {able["discriminator"]}. All others work at one resolution
only, and are refused there with that reason.
"""


if __name__ == "__main__":
    PAGE.write_text(page({pair: refusal(*pair) for pair in PAIRS}), encoding="utf-8")
    sys.stdout.write(f"{PAGE}\n")
