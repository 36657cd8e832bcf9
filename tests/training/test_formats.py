"""Every format trains on the fly as decoded ahead, killed or not, and a run goes on with the same shards only."""

import io
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from support import cifar
from support.killing import run_child
from support.tiny import QUICK, assert_equal_bits, quick_experiment

from gancore.artifacts.tensors import load_tensors
from gancore.cli import main
from gancore.config import Experiment
from gancore.training import train

pytestmark = pytest.mark.xdist_group("processes")

FIXTURES = Path(__file__).parents[1] / "data"
PIXELS = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 3), dtype=np.uint8)


def files() -> list[bytes]:
    made = []
    for pixels in PIXELS:
        out = io.BytesIO()
        Image.fromarray(pixels).save(out, "PNG")
        made.append(out.getvalue())
    return made


def webdataset(path: Path) -> None:
    path.mkdir()
    for shard in range(4):
        with tarfile.open(path / f"{shard}.tar", "w") as archive:
            for i, content in enumerate(files()[5 * shard : 5 * shard + 5]):
                about = tarfile.TarInfo(f"{shard}{i}.png")
                about.size = len(content)
                archive.addfile(about, io.BytesIO(content))


def lmdb(path: Path) -> None:
    library = pytest.importorskip("lmdb")
    for part in range(2):
        (path / f"{part}").mkdir(parents=True)
        with library.open(str(path / f"{part}"), map_size=2**24) as env, env.begin(write=True) as transaction:
            for i, content in enumerate(files()[10 * part : 10 * part + 10]):
                transaction.put(f"{i:03}".encode(), content)


def tfrecord(path: Path) -> None:
    pytest.importorskip("crc32c")
    shutil.copytree(FIXTURES / "tfrecord", path)


def huggingface(path: Path) -> None:
    pytest.importorskip("pyarrow")
    shutil.copytree(FIXTURES / "huggingface" / "splits" / "train", path)


def cifar_10(path: Path) -> None:
    path.mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (10, 3072), dtype=np.uint8)
    contents = cifar.files("cifar-10-batches-py", pixels, [0] * 10, [0] * 10, {"fine": ["a", "b"]})
    for name, content in contents.items():
        (path / name).write_bytes(content)


SOURCES: dict[str, Callable[[Path], None]] = {
    "webdataset": webdataset,
    "lmdb": lmdb,
    "tfrecord": tfrecord,
    "huggingface": huggingface,
    "cifar": cifar_10,
}


def sampled(*quick: str) -> list[Any]:
    """All formats, those that are not sampled as slow tests."""
    return [pytest.param(use, marks=() if use in quick else pytest.mark.slow) for use in SOURCES]


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    monkeypatch.setenv("GANCORE_CACHE", str(tmp_path / "cache"))

    def make(use: str) -> Path:
        SOURCES[use](tmp_path / "source")
        return tmp_path / "source"

    return make


def data_of(use: str, path: Path, decode: str) -> dict[str, Any]:
    return {
        "use": use,
        "path": str(path),
        "resolution": 8,
        "fit": "resize",
        "mirror": True,
        "labels": False,
        "decode": decode,
    }


def experiment(use: str, path: Path, decode: str = "on_the_fly") -> Experiment:
    return quick_experiment(data=data_of(use, path, decode), data__resolution=8)


@pytest.mark.parametrize("use", sampled("cifar"))
def test_a_run_has_the_bits_of_one_that_decoded_ahead(source: Callable[[str], Path], use: str, tmp_path: Path) -> None:
    path = source(use)
    runs = [train(experiment(use, path, decode), tmp_path / decode) for decode in ("ahead", "on_the_fly")]
    assert_equal_bits(*(load_tensors(run.model)[0] for run in runs))


@pytest.mark.slow
@pytest.mark.parametrize("use", SOURCES)
def test_killed_and_resumed_as_if_it_had_never_stopped(source: Callable[[str], Path], use: str, tmp_path: Path) -> None:
    changes = QUICK | {"data": data_of(use, source(use), "on_the_fly"), "data__resolution": 8}
    assert run_child(tmp_path / "straight", None, **changes) == 0
    assert run_child(tmp_path / "killed", 4, **changes) < 0
    assert run_child(tmp_path / "killed", None, **changes) == 0
    assert_equal_bits(*(load_tensors(tmp_path / run / "model.safetensors")[0] for run in ("straight", "killed")))


def one_more(use: str, path: Path) -> None:
    """Another list of shards."""
    if use == "webdataset":
        shutil.copy(path / "0.tar", path / "4.tar")
    elif use == "lmdb":
        shutil.copytree(path / "0", path / "2")
    elif use == "tfrecord":
        shutil.copy(path / "small-r03.tfrecords", path / "small-r04.tfrecords")
        file = path / "small-r04.tfrecords"
        file.write_bytes(file.read_bytes() * 2)
        next(path.glob("*.labels")).unlink()
    elif use == "huggingface":
        state = path / "state.json"
        name = "data-00000-of-00002.arrow"
        state.write_text(state.read_text().replace("data-00001-of-00002.arrow", name))
    else:
        (path / "data_batch_5").write_bytes((path / "data_batch_4").read_bytes())


@pytest.mark.parametrize("use", sampled("webdataset"))
def test_other_shards_than_at_the_start_are_refused(
    source: Callable[[str], Path], use: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, file, run = source(use), tmp_path / "x.yaml", tmp_path / "run"
    file.write_text(experiment(use, path).to_yaml())
    assert main(["train", str(file), "--out", str(run)]) == 0
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    one_more(use, path)
    capsys.readouterr()
    assert main(["train", str(file), "--out", str(run), "-o", "training.kimg=1"]) == 2
    said = capsys.readouterr().err
    assert "holds a run on other data" in said
    assert said.count("\n") == 1
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before
