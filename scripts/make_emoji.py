"""Makes plugins/datasets/emoji-32.zip, the embedded emoji at 32x32, from an archive of them at 64x64.

    python scripts/make_emoji.py noto-emoji-64.zip [plugins/datasets/emoji-32.zip]

Halves the pictures with the box filter: the mean of 2x2 pixels, which adds no ringing on the white ground. The same
input gives the same bytes with the same Pillow. The archive's attribution goes to a text file beside the result.
"""

import sys
import zipfile
from pathlib import Path

from gancore.config.sections.data import DataKeys
from gancore.data import open_data
from gancore.data.convert import write_archive
from gancore.discovery import discover

CHANGE = "Reduced to 32x32 with a box filter by scripts/make_emoji.py.\n"
"""The Apache License wants changes to be stated."""

DESTINATION = Path(__file__).parents[1] / "plugins" / "datasets" / "emoji-32.zip"


def make_emoji(source: Path, destination: Path) -> None:
    """Writes the archive, and the attribution beside it as a text file."""
    plugin = discover().get("dataset", "zip").load()
    keys = DataKeys(resolution=32, labels=True, fit="resize", filter="box")
    write_archive(open_data(plugin(plugin.Config(path=str(source.resolve())), Path()), keys), destination)
    with zipfile.ZipFile(source) as archive:
        attribution = archive.read("LICENSE.txt").decode()
    destination.with_suffix(".txt").write_text(attribution + CHANGE, encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    make_emoji(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) == 3 else DESTINATION)
