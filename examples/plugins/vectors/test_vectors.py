"""It keeps its contract: `pip install -e .`, then `pytest` here."""

from pathlib import Path

from gancore_vectors.vectors import Vectors
from PIL import Image

from gancore.testing import check_plugin


def test_it_keeps_its_contract(tmp_path: Path) -> None:
    for number in range(4):
        Image.new("RGB", (32, 32), (60 * number, 0, 0)).save(tmp_path / f"{number}.png")
    (tmp_path / "table.csv").write_text("file,red\n" + "".join(f"{n}.png,{n}\n" for n in range(4)))
    check_plugin(Vectors, path=str(tmp_path), table=str(tmp_path / "table.csv"))
