"""Draws docs/images/timeline.svg, what the engine calls in a step: `python -m scripts.make_timeline`."""

from pathlib import Path

from gancore.drawing import GREY, INK, PALETTE, Canvas

FILE = Path(__file__).parents[1] / "docs" / "images" / "timeline.svg"
PHASES = (
    (
        "generator, main",
        ("Latent.sample", "mapping, mix_ws", "synthesis", "Augmentation", "D", "Loss.g", "penalty (interval 1)"),
    ),
    ("generator, lazy", ("penalty * interval",)),
    (
        "discriminator, main",
        ("mapping, synthesis", "Augmentation", "D on both sides", "Loss.d", "penalty (interval 1)"),
    ),
    ("discriminator, lazy", ("penalty * interval",)),
    ("end of the step", ("end_step of all parts", "moving average")),
)
UPDATE = ("optimizer", "after_update", "constrain")
WIDTH, LINE = 176, 20


def drawn() -> str:
    """A column for each phase, from left to right; what follows an update is in another colour."""
    canvas = Canvas(WIDTH * len(PHASES) + 20, 260, "A step of training")
    for column, (title, calls) in enumerate(PHASES):
        x = 10 + column * WIDTH
        update = UPDATE if column < len(PHASES) - 1 else ()
        canvas.text(x, 20, title, size=13, bold=True)
        canvas.line([(x, 28), (x + WIDTH - 12, 28)], GREY)
        for row, call in enumerate((*calls, *update)):
            colour = PALETTE[1] if row >= len(calls) else INK
            canvas.text(x, 48 + row * LINE, call, size=12, colour=colour)
    return canvas.svg()


if __name__ == "__main__":
    FILE.write_text(drawn(), encoding="utf-8")
