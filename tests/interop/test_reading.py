"""Containers: what torch, numpy and safetensors write comes back, without their loaders; damage is told in one line."""

import io
import os
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from support.golden_cases import FOLDER, OWN

from gancore.cli import main
from gancore.errors import CheckpointError
from gancore.interop.reading import Foreign, read, telling

DTYPES = [torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16,
          torch.int8, torch.uint8, torch.bool]  # fmt: skip


def some(dtype: torch.dtype) -> torch.Tensor:
    return (torch.arange(24).reshape(2, 3, 4) % 2 if dtype == torch.bool else torch.arange(24).reshape(2, 3, 4)).to(
        dtype
    )


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_tensors_of_torch(zipped: bool, tmp_path: Path):
    base = torch.randn(6, 5)
    value: dict[str, Any] = {str(dtype): some(dtype) for dtype in DTYPES}
    value |= {"rows": base[2:4], "turned": base.T, "scalar": torch.tensor(2.5), "empty": torch.zeros(0, 3)}
    value["parameter"] = torch.nn.Parameter(torch.randn(3))
    value["nested"] = [{"a": base}, (1, 2.5, "text", None, True)]
    torch.save(value, tmp_path / "x", _use_new_zipfile_serialization=zipped)
    got = read(tmp_path / "x")
    assert got.container == f"a torch file ({'zip' if zipped else 'legacy'})"
    for name, want in value.items():
        if isinstance(want, torch.Tensor):
            array = got.contents[name]
            assert (array.shape, array.dtype) == (tuple(want.shape), want.dtype)
            assert torch.equal(array.tensor(), want.detach()), name
    assert torch.equal(got.arrays["nested.0.a"].tensor(), base)
    assert list(got.contents["nested"][1]) == [1, 2.5, "text", None, True]


@pytest.mark.parametrize("protocol", range(2, 6))
def test_pickles_of_torch_and_numpy(protocol: int, tmp_path: Path):
    import pickle

    wide = np.arange(12, dtype=np.float64).reshape(3, 4)
    value: dict[str, Any] = {
        "tensor": torch.randn(3, 4),
        "c": wide,
        "fortran": np.asfortranarray(wide),
        "big": wide.astype(">f4"),
        "scalar": np.float32(1.25),
        "zero": np.array(3.0, np.float32),
    }
    (tmp_path / "x.pkl").write_bytes(pickle.dumps(value, protocol))
    got = read(tmp_path / "x.pkl").contents
    assert torch.equal(got["tensor"].tensor(), value["tensor"])
    for name in ("c", "fortran", "big"):
        assert np.array_equal(got[name].tensor().numpy(), value[name]), name
    assert got["scalar"] == 1.25
    assert got["zero"].tensor() == 3


@pytest.mark.parametrize("write", [np.savez, np.savez_compressed])
def test_archives_of_numpy(write: Callable[..., None], tmp_path: Path):
    write(tmp_path / "x.npz", a=np.arange(6.0).reshape(2, 3), b=np.arange(3, dtype=">i4"))
    got = read(tmp_path / "x.npz").contents
    assert got["a"].tensor().tolist() == [[0, 1, 2], [3, 4, 5]]
    assert got["b"].tensor().tolist() == [0, 1, 2]


def test_safetensors(tmp_path: Path):
    tensors = {str(dtype): some(dtype) for dtype in DTYPES}
    save_file(tensors, tmp_path / "x")
    got = read(tmp_path / "x").contents
    assert all(torch.equal(got[name].tensor(), tensor) for name, tensor in tensors.items())


def test_arrays_of_objects_are_refused(tmp_path: Path):
    np.savez(tmp_path / "x.npz", a=np.array([{}, 1], dtype=object))
    with pytest.raises(CheckpointError, match="no plain numbers"):
        read(tmp_path / "x.npz")


def load(path: Path) -> None:
    """All numbers of a file."""
    found = read(path)
    with telling(path, f"{found.container} that"):
        for array in found.arrays.values():
            array.tensor()


def refused(path: Path) -> str:
    with pytest.raises(CheckpointError) as raised:
        load(path)
    message = str(raised.value)
    assert str(path) in message
    assert "\n" not in message
    return message


OTHERS = {
    "empty": (b"", "empty"),
    "text": (b"hello, world, this is text", "not a pickle"),
    "html": (b"<!DOCTYPE html><html>", "a web page"),
    "lfs": (b"version https://git-lfs.github.com/spec/v1\noid sha256:abc", "Git LFS"),
    "png": (b"\x89PNG\r\n\x1a\n" + bytes(64), "a PNG image"),
    "gzip": (b"\x1f\x8b" + bytes(64), "a gzip archive"),
    "npy": (b"\x93NUMPY" + bytes(64), "a numpy array that is damaged"),
    "header": (struct.pack("<Q", 10) + b"{" + b"x" * 20, "safetensors"),
    "zip": (b"PK\x03\x04" + bytes(64), "zip archive"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_files_are_named(name: str, tmp_path: Path):
    content, words = OTHERS[name]
    (tmp_path / "x.pkl").write_bytes(content)
    assert words in refused(tmp_path / "x.pkl")


def test_what_is_not_there(tmp_path: Path):
    assert "No such file" in refused(tmp_path / "nothing.pkl")
    assert "config.json" in refused(tmp_path)


def test_torchscript_is_a_program(tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "x.pt", "w") as archive:
        archive.writestr("x/data.pkl", b"N.")
        archive.writestr("x/code/__torch__.py", "import os")
    assert "TorchScript" in refused(tmp_path / "x.pt")


def test_compressed_entries_are_refused(tmp_path: Path):
    """A zip archive that would unpack to far more than it is."""
    with zipfile.ZipFile(tmp_path / "x.pt", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x/data.pkl", b"N" * 10_000_000 + b".")
    assert "compressed" in refused(tmp_path / "x.pt")
    with zipfile.ZipFile(tmp_path / "x.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", bytes(200_000_000))
    assert "memory" in refused(tmp_path / "x.npz")


def saved(value: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer, _use_new_zipfile_serialization=False)
    return buffer.getvalue()


def test_a_view_that_repeats_a_number_is_refused(tmp_path: Path):
    (tmp_path / "x").write_bytes(saved({"a": torch.zeros(1).expand(1 << 30)}))
    assert "beyond its storage" in refused(tmp_path / "x")


def test_flipped_numbers_of_a_zip_are_noticed(tmp_path: Path):
    torch.save({"a": torch.ones(1000)}, tmp_path / "x")
    content = bytearray((tmp_path / "x").read_bytes())
    content[content.find(struct.pack("<f", 1.0) * 10) + 2] ^= 1
    (tmp_path / "x").write_bytes(content)
    assert "checksum" in refused(tmp_path / "x")


UNSAFE = sorted(path for path in (FOLDER if any(FOLDER.glob("c11_*")) else OWN).glob("c11_*") if path.suffix != ".json")


@pytest.mark.parametrize("path", UNSAFE, ids=lambda path: path.name)
@pytest.mark.parametrize("command", ["import", "inspect", "diff"])
def test_unsafe_files_do_nothing(path: Path, command: str, tmp_path: Path, capfd):
    """The files of golden c11: refused in one line with exit code 2, nothing executed, nothing written."""
    out, markers = tmp_path / "model.safetensors", set(Path(os.environ.get("TMPDIR", "/tmp")).glob("golden_marker_*"))
    more = {"import": ["-o", str(out)], "inspect": [], "diff": [str(path)]}[command]
    code = main([command, str(path), *more])
    error = capfd.readouterr().err
    if path.name == "c11_malicious_module_src.pkl" and command != "import":
        assert code == 0  # it can be looked at: its source is text that nobody runs
    else:
        assert code == 2
        assert str(path) in error
        assert error.count("\n") == 1
        assert "Traceback" not in error
    assert not out.exists()
    assert set(Path(os.environ.get("TMPDIR", "/tmp")).glob("golden_marker_*")) == markers


def test_the_name_that_was_asked_for_is_told(capfd):
    for name in (
        "c11_malicious.pkl",
        "c11_malicious.pt",
        "c11_malicious_snapshot.pkl",
        "c11_malicious_storage_bytes.pkl",
    ):
        main(["inspect", str(UNSAFE[0].parent / name)])
        assert "asks for posix.system" in capfd.readouterr().err, name


AUDITED = """
import sys
from gancore.interop.reading import read
from gancore.errors import CheckpointError
import gancore.interop, zipfile, encodings.idna
seen = []

def load(path):
    try:
        for array in read(path).arrays.values():
            array.tensor()
    except CheckpointError:
        pass

load(sys.argv[-1])  # what is imported at the first use is
sys.addaudithook(lambda event, arguments: seen.append(event))
for path in sys.argv[1:]:
    load(path)
kinds = ("os.", "subprocess.", "pickle.", "socket.", "exec", "compile", "ctypes.")
print(sorted({event for event in seen if event.startswith(kinds)} - {"os.listdir", "os.scandir"}))
"""


def test_python_itself_sees_nothing_executed():
    """Its audit events: no pickle module at work, no code compiled or run, no process, no connection."""
    files = [*map(str, UNSAFE), *map(str, sorted((OWN / "pickles").glob("*.pkl"))[:2])]
    done = subprocess.run([sys.executable, "-c", AUDITED, *files], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_keys_are_those_of_the_top(tmp_path: Path):
    torch.save({"g": {"a": torch.zeros(2)}, "d": 1}, tmp_path / "x")
    got: Foreign = read(tmp_path / "x")
    assert got.keys == {"g", "d"}
    assert list(got.arrays) == ["g.a"]


def laughing(levels: int) -> list[Any]:
    """A list that holds another one twice, which holds another one twice, and so on."""
    value: list[Any] = ["ha"]
    for _ in range(levels):
        value = [value, value]
    return value


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_containers_that_hold_one_another_are_looked_at_once(zipped: bool, tmp_path: Path):
    torch.save({"a": laughing(60), "b": torch.ones(2)}, tmp_path / "x", _use_new_zipfile_serialization=zipped)
    assert list(read(tmp_path / "x").arrays) == ["b"]


def test_options_that_never_end_are_refused(tmp_path: Path):
    """An argument of a network that would be written out for ever."""
    import pickle

    source = OWN / "tf_pickles" / "tf_skip.pkl"
    content = source.read_bytes()
    bomb = pickle.dumps(laughing(60), 4)[11:-1]
    where = content.find(b"truncation_psi")
    end = content.find(b"G", where)  # the operation of the number behind it
    assert where > 0
    (tmp_path / "x.pkl").write_bytes(content[:end] + bomb + content[end + 9 :])
    assert main(["import", str(tmp_path / "x.pkl"), "-o", str(tmp_path / "out.safetensors")]) in (0, 2)


def test_a_large_table_of_contents_is_refused(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("gancore.interop.reading.LARGEST_HEADER", 100)
    torch.save({"a": torch.ones(2)}, tmp_path / "x")
    assert "entries" in refused(tmp_path / "x")


def test_the_experiment_of_a_file_can_be_trained_on(tmp_path: Path, capsys):
    """`inspect --yaml`, of a foreign file and of the model made of it."""
    source = next(FOLDER.rglob("ada_skip_c0.pkl"))
    assert main(["import", str(source), "-o", str(tmp_path / "model.safetensors")]) == 0
    capsys.readouterr()
    found = []
    for file in (source, tmp_path / "model.safetensors"):
        assert main(["inspect", str(file), "--yaml"]) == 0
        found.append(capsys.readouterr().out)
    assert found[0] == found[1]
    (tmp_path / "x.yaml").write_text(found[0])
    assert main(["validate", str(tmp_path / "x.yaml"), "--no-data"]) == 0
