"""Small archives of CIFAR in its four versions, byte for byte as Python 2 pickled and Krizhevsky's files have them."""

import gzip
import io
import struct
import tarfile
from pathlib import Path
from typing import Any

import numpy as np

Files = dict[str, bytes]


def files(version: str, pixels: np.ndarray, fine: list[int], coarse: list[int], names: dict[str, list[str]]) -> Files:
    """The files of a version, whose training images are shared out among its training files.

    pixels: uint8 [N, 3072]; N is a multiple of 5. The test images are the first five.
    """
    pickled, hundred = version in ("cifar-10-batches-py", "cifar-100-python"), version.startswith("cifar-100")
    ending = "" if pickled else ".bin"
    if hundred:
        parts = {"train": range(len(pixels)), "test": range(5)}
    else:
        share = len(pixels) // 5
        parts = {f"data_batch_{k + 1}": range(share * k, share * (k + 1)) for k in range(5)} | {"test_batch": range(5)}
    made = {}
    for name, part in parts.items():
        own = {"fine": [fine[i] for i in part], "coarse": [coarse[i] for i in part]}
        if pickled:
            labels = {f"{k}_labels": v for k, v in own.items()} if hundred else {"labels": own["fine"]}
            held = {"batch_label": "batch", "data": pixels[list(part)], "filenames": [f"{i}.png" for i in part]}
            made[name] = python2_pickle(held | labels)
        else:
            before = np.array([own["coarse"], own["fine"]] if hundred else [own["fine"]], np.uint8).T
            made[name + ending] = np.concatenate([before, pixels[list(part)]], axis=1).tobytes()
    if pickled:
        kinds = {f"{k}_label_names": v for k, v in names.items()} if hundred else {"label_names": names["fine"]}
        made["meta" if hundred else "batches.meta"] = python2_pickle({"num_vis": 3072, **kinds})
    elif hundred:
        made |= {f"{k}_label_names.txt": ("\n".join(v) + "\n").encode() for k, v in names.items()}
    else:
        made["batches.meta.txt"] = ("\n".join(names["fine"]) + "\n\n").encode()
    return made


def archive(path: Path, version: str, contents: Files) -> Path:
    """The files as .tar.gz, in a folder, in an order that is not that of their names."""
    with gzip.GzipFile(path, "wb", mtime=0) as file, tarfile.open(fileobj=file, mode="w") as tar:
        for name, content in reversed(contents.items()):
            about = tarfile.TarInfo(f"{version}/{name}")
            about.size = len(content)
            tar.addfile(about, io.BytesIO(content))
    return path


def python2_pickle(value: Any) -> bytes:
    """Protocol 2 as cPickle of Python 2 writes it: text is `U` or `T`, arrays are made by numpy.core.multiarray."""
    return b"\x80\x02" + _of(value) + b"."


def _of(value: Any) -> bytes:
    if isinstance(value, dict):
        return b"}(" + b"".join(_of(key) + _of(each) for key, each in value.items()) + b"u"
    if isinstance(value, list):
        return b"](" + b"".join(map(_of, value)) + b"e"
    if isinstance(value, int):
        return b"K" + bytes([value]) if value < 256 else b"M" + struct.pack("<H", value)
    if isinstance(value, np.ndarray):
        made = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
        kind = b"cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
        shape = b"".join(b"M" + struct.pack("<H", size) for size in value.shape) + b"\x86"
        return made + b"(K\x01" + shape + kind + b"\x89" + _of(value.tobytes()) + b"tb"
    content = value if isinstance(value, bytes) else value.encode()
    return (b"U" + bytes([len(content)]) if len(content) < 256 else b"T" + struct.pack("<I", len(content))) + content
