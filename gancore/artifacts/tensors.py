"""Tensors and a description in one safetensors file, with a checksum over both. No pickle anywhere."""

import hashlib
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from gancore.artifacts.atomic import written
from gancore.artifacts.reading import parsed_mapping
from gancore.errors import RunError
from gancore.names import json_text

FORMAT = 1


def save_tensors(path: Path, tensors: dict[str, Tensor], about: dict[str, Any]) -> None:
    """Writes `path` atomically. `about` must be JSON; it comes back from `load_tensors`.

    Raises OSError with the path if the disk is full or cannot be written.
    """
    plain = {k: v.detach().cpu().clone(memory_format=torch.contiguous_format) for k, v in tensors.items()}
    text = json_text({"format": FORMAT, **about})
    with written(path) as temporary:
        try:
            save_file(plain, temporary, metadata={"gancore": text, "sha256": _checksum(plain, text)})
            _order_header(temporary)
        except SafetensorError as error:  # its own class even for errors of the operating system
            raise _os_error(error, path) from error


def load_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors, on the CPU, and their description.

    Raises RunError if the file is missing, cut, altered, or not gancore's.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
    except (OSError, SafetensorError) as error:
        raise RunError(f"{path}: cannot be read: {error}") from error
    if "gancore" not in metadata:
        raise RunError(f"{path}: not a gancore file (its header has no description)")
    if metadata.get("sha256") != _checksum(tensors, metadata["gancore"]):
        raise RunError(f"{path}: damaged: its contents do not match its checksum")
    try:
        return tensors, parsed_mapping(metadata["gancore"])
    except ValueError as error:
        raise RunError(f"{path}: its description cannot be read: {error}") from error


def description_of(path: Path) -> dict[str, Any]:
    """The description alone, which is quick. Raises RunError if there is none; the tensors are not checked."""
    try:
        with safe_open(path, framework="pt") as file:
            return parsed_mapping((file.metadata() or {})["gancore"])
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise RunError(f"{path}: cannot be read: {error}") from error


def saved_step(path: Path) -> int | None:
    """The training step of a model file; None if there is no such file, or it is damaged."""
    try:
        step = load_tensors(path)[1].get("step")
    except RunError:
        return None
    return step if isinstance(step, int) else None


def misfits(expected: dict[str, Tensor], found: dict[str, Tensor]) -> Iterator[str]:
    """The differences between tensors and those of a network, each kind with its first example."""
    for kind, names in (
        ("missing", expected.keys() - found.keys()),
        ("unknown", found.keys() - expected.keys()),
        ("of another shape", {n for n in expected.keys() & found.keys() if expected[n].shape != found[n].shape}),
    ):
        if names:
            yield f"{len(names)} {kind} ({min(names)})"


def _order_header(path: Path) -> None:
    """Sorts the header's two descriptions; the library's order is random, and equal runs have equal files."""
    with path.open("r+b") as file:
        size = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(size))
        ordered = {"__metadata__": dict(sorted(header.pop("__metadata__").items())), **header}
        data = json.dumps(ordered, ensure_ascii=False, separators=(",", ":")).encode()
        if len(data) <= size:  # else its writer escapes less than Python's, and the order stays
            file.seek(8)
            file.write(data.ljust(size))  # spaces may follow a header


def _os_error(error: SafetensorError, path: Path) -> OSError:
    """ "I/O error: No space left on device (os error 28)" as an OSError."""
    if number := re.search(r"\(os error (\d+)\)", str(error)):
        return OSError(int(number[1]), os.strerror(int(number[1])), str(path))
    return OSError(None, str(error), str(path))


def _checksum(tensors: dict[str, Tensor], about: str) -> str:
    digest = hashlib.sha256(about.encode())
    for name in sorted(tensors):
        value = tensors[name]
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
