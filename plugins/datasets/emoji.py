"""1,906 emoji at 32x32 in nine classes, inside the package: enough to train a small GAN in minutes.

Source: Noto Emoji, Copyright Google LLC, Apache-2.0 (emoji-32.txt). scripts/make_emoji.py makes the archive.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from gancore.contracts import Dataset, Item, PluginConfig
from gancore.data.archive import Archive

ARCHIVE = Path(__file__).with_name("emoji-32.zip")

Class = Literal[
    "Smileys & Emotion",
    "People & Body",
    "Animals & Nature",
    "Food & Drink",
    "Travel & Places",
    "Activities",
    "Objects",
    "Symbols",
    "Flags",
]


def _distinct(classes: tuple[Class, ...] | None) -> tuple[Class, ...] | None:
    if classes is not None and len(set(classes)) < len(classes):
        raise ValueError("a class is listed twice")
    return classes


class Emoji(Dataset):
    """Plugin `emoji`: the embedded emoji, in Unicode's order; labels count the chosen classes from 0."""

    default_resolution: ClassVar[int | None] = 32

    class Config(PluginConfig):
        classes: Annotated[tuple[Class, ...] | None, AfterValidator(_distinct)] = Field(
            None, min_length=1, strict=False, description="the classes to use (default: all nine)"
        )

    def __init__(self, cfg: Config, base: Path) -> None:
        super().__init__(cfg, base)
        self.archive = Archive(ARCHIVE)
        self.chosen: Sequence[str] = cfg.classes or self.archive.layout.classes or ()

    def items(self) -> Sequence[Item]:
        numbers = {name: number for number, name in enumerate(self.chosen)}
        labels = [numbers.get(name) for name in self.archive.layout.classes or ()]
        items = [(item, labels[item.label]) for item in self.archive.items() if isinstance(item.label, int)]
        return [replace(item, label=label) for item, label in items if label is not None]

    def class_names(self) -> Sequence[str]:
        return self.chosen

    def sources(self) -> Sequence[Path]:
        return [self.archive.path]
