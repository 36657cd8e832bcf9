"""IDX files, the format of MNIST and Fashion-MNIST, plain or compressed with gzip.

Source: yann.lecun.com/exdb/mnist, "The IDX file format": two zero bytes, the type (8: uint8), the number of
dimensions, each dimension as a big-endian 32-bit number, the values.
"""

import gzip
import math
import zlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any, BinaryIO, Literal, cast

import numpy as np
from pydantic import Field, model_validator

from gancore.contracts import Dataset, Item, Place, PluginConfig
from gancore.data.paths import located
from gancore.errors import DataError

PLACES = ("/usr/share/datasets", "/usr/local/share/datasets", "~/.local/share/datasets", "~/datasets")
"""Folders to search for one that is not beside the experiment. Debian's packages use the first."""

STEMS = {"train": "train", "test": "t10k"}
UNSIGNED_BYTE = 8


class IDX(Dataset):
    """Plugin `idx`: gray or colour images of IDX files, in their order; the labels' values are the classes."""

    class Config(PluginConfig):
        folder: Place[str | None] = Field(
            None, description="a folder with files of the usual names; a name like fashion-mnist is searched for"
        )
        split: Literal["train", "test"] = Field("train", description="which files of the folder")
        images: Place[str | None] = Field(
            None, description="a file of images [N, H, W] or [N, H, W, C], instead of a folder"
        )
        label_file: Place[str | None] = Field(None, description="a file of labels [N] beside `images`")

        @model_validator(mode="after")
        def _one_source(self) -> "IDX.Config":
            if (self.folder is None) == (self.images is None):
                raise ValueError("say either `folder` or `images` (and `label_file`)")
            if self.folder is not None and self.label_file is not None:
                raise ValueError("`label_file` belongs to `images`; `folder` finds its own")
            return self

    def __init__(self, cfg: Config, base: Path) -> None:
        super().__init__(cfg, base)
        if cfg.images is not None:
            self.image_file: Path = _existing(base, cfg.images)
            self.label_file = _existing(base, cfg.label_file) if cfg.label_file is not None else None
        else:
            folder = _find_folder(base, cfg.folder or "", cfg.split)
            self.image_file = cast(Path, _usual_file(folder, cfg.split, "images", 3))
            self.label_file = _usual_file(folder, cfg.split, "labels", 1)

    @cached_property
    def images(self) -> np.ndarray:
        """uint8 [N, H, W] or [N, H, W, C]."""
        return read_idx(self.image_file, (3, 4))

    @cached_property
    def labels(self) -> np.ndarray | None:
        """uint8 [N]."""
        if self.label_file is None:
            return None
        labels = read_idx(self.label_file, (1,))
        if len(labels) != len(self.images):
            raise DataError(
                f"{self.label_file} has {len(labels)} labels, but {self.image_file} has {len(self.images)} images"
            )
        return labels

    def items(self) -> Sequence[Item]:
        labels = [None] * len(self.images) if self.labels is None else self.labels.tolist()
        digits = len(str(len(labels)))
        return [
            Item(f"{self.image_file.name}[{index:0{digits}}]", partial(self.images.__getitem__, index), label)
            for index, label in enumerate(labels)
        ]

    def class_names(self) -> Sequence[str] | None:
        return None if self.labels is None else [str(label) for label in range(int(self.labels.max(initial=0)) + 1)]

    def sources(self) -> Sequence[Path]:
        return [path for path in (self.image_file, self.label_file) if path is not None]

    @classmethod
    def options_for(cls, path: Path) -> Mapping[str, Any] | None:
        if path.is_dir() and any(_usual_file(folder, "train", "images", 3) for folder in (path, path / "raw")):
            return {"folder": str(path.resolve())}
        if path.is_file() and _dimensions(path) in (3, 4):
            labels = path.with_name(path.name.replace("images", "labels").replace("idx3", "idx1"))
            beside = {"label_file": str(labels.resolve())} if labels != path and labels.is_file() else {}
            return {"images": str(path.resolve()), **beside}
        return None


def read_idx(path: Path, dimensions: Sequence[int]) -> np.ndarray:
    """The uint8 array of an IDX file; DataError when it is damaged or has another number of dimensions."""
    try:
        with _opened(path) as file:
            content = file.read()
    except (OSError, EOFError, zlib.error) as cause:
        raise DataError(f"{path}: damaged ({cause})") from cause
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] != UNSIGNED_BYTE or content[3] not in dimensions:
        wanted = " or ".join(map(str, dimensions))
        raise DataError(f"{path}: not an IDX file of bytes with {wanted} dimensions (it begins {content[:4].hex()})")
    start = 4 + 4 * content[3]
    shape = [int.from_bytes(content[i : i + 4], "big") for i in range(4, start, 4)]
    if len(content) != start + math.prod(shape):
        raise DataError(f"{path}: damaged, {start + math.prod(shape)} bytes announced for {shape}, got {len(content)}")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def _opened(path: Path) -> BinaryIO:
    with path.open("rb") as file:
        compressed = file.read(2) == b"\x1f\x8b"
    return cast(BinaryIO, gzip.open(path) if compressed else path.open("rb"))


def _dimensions(path: Path) -> int | None:
    """The number of dimensions of an IDX file of bytes; None when it is something else."""
    try:
        with _opened(path) as file:
            magic = file.read(4)
    except (OSError, EOFError, zlib.error):
        return None
    return magic[3] if len(magic) == 4 and magic[:3] == bytes([0, 0, UNSIGNED_BYTE]) else None


def _existing(base: Path, name: str) -> Path:
    path = located(base, name)
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    return path


def _find_folder(base: Path, name: str, split: str) -> Path:
    located(base, name)  # raises with the reason, if it cannot be a path
    candidates = list(_candidates(base, Path(name).expanduser()))
    for folder in candidates:
        if _usual_file(folder, split, "images", 3):
            return folder
    looked = "".join(f"\n  {folder}" for folder in candidates)
    raise DataError(
        f"no {STEMS[split]}-images-idx3-ubyte or .gz of {name!r} is in any of{looked}\n"
        "`folder` may be any path; on Debian and Ubuntu `apt install dataset-fashion-mnist` brings fashion-mnist"
    )


def _candidates(base: Path, name: Path) -> Iterator[Path]:
    """Folders to look into; torchvision keeps its files in a sub-folder raw."""
    for place in (base, *(Path(place).expanduser() for place in PLACES)):
        yield place / name
        yield place / name / "raw"
        if name.is_absolute():
            return


def _usual_file(folder: Path, split: str, what: str, dimensions: int) -> Path | None:
    """`train-images-idx3-ubyte` or `train-images.idx3-ubyte`, or either with .gz."""
    found = sorted(folder.glob(f"{STEMS[split]}-{what}?idx{dimensions}-ubyte*"))
    known = (path for path in found if path.suffix in (".gz", ".idx3-ubyte", ".idx1-ubyte", ""))
    return next((path for path in known if path.is_file()), None)
