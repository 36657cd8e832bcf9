"""Tensors and a description in one safetensors file, with a checksum over both. No pickle anywhere."""

import hashlib
import json
import os
import re
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from gancore.artifacts.atomic import written
from gancore.errors import RunError

FORMAT = 1


def save_tensors(path: Path, tensors: dict[str, Tensor], about: dict[str, Any]) -> None:
    """Writes `path` atomically. `about` must be JSON; it comes back from `load_tensors`.

    Raises OSError with the path when the disk is full or cannot be written.
    """
    plain = {k: v.detach().cpu().clone(memory_format=torch.contiguous_format) for k, v in tensors.items()}
    text = json.dumps({"format": FORMAT, **about}, ensure_ascii=False)
    with written(path) as temporary:
        try:
            save_file(plain, temporary, metadata={"gancore": text, "sha256": _checksum(plain, text)})
        except SafetensorError as error:  # its own class even for what the operating system says
            raise _os_error(error, path) from error


def load_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors, on the CPU, and their description.

    Raises RunError when the file is missing, cut, altered, or not gancore's.
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
    return tensors, json.loads(metadata["gancore"])


def saved_step(path: Path) -> int | None:
    """The training step that a model file says it is from; None where there is no such file."""
    try:
        with safe_open(path, framework="pt") as file:
            return json.loads((file.metadata() or {})["gancore"])["step"]
    except (OSError, SafetensorError, KeyError, ValueError):
        return None


def _os_error(error: SafetensorError, path: Path) -> OSError:
    """ "I/O error: No space left on device (os error 28)" as the OSError that it was."""
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
