"""Formats: what they write of a small model, what they read again, and what they do not take for their own."""

import json
import pickle
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from gancore.artifacts.model import save_model
from gancore.composition import compose
from gancore.config import load_experiment
from gancore.contracts import Format, Interface
from gancore.discovery import discover
from gancore.errors import CheckpointError
from gancore.interop.exporting import Model, load_for_export
from gancore.interop.importing import import_checkpoint
from gancore.interop.reading import read
from gancore.registry import Registry
from gancore.testing.finding import Finding, holds
from gancore.testing.small_run import SMALL
from gancore.testing.subject import R, Subject


def a_format_reads_or_writes(subject: Subject) -> Iterator[Finding]:
    format: Any = subject.plugin
    reads = format.read is not Format.read and format.recognises is not Format.recognises
    writes = bool(format.writes) and format.write is not Format.write
    expected = "recognises(head) with read(file), or a name in `writes` with write(model, out)"
    yield holds(reads or writes, "reads or writes", expected, "neither of the two", "no command could use it")
    half = bool(format.writes) != (format.write is not Format.write)
    yield holds(not half, "write", "`writes` and write(model, out) together", "one of them", "commands look at both")
    half = (format.read is Format.read) != (format.recognises is Format.recognises)
    yield holds(not half, "read", "recognises and read together", "one of them", "no file would come to it")


def a_format_has_a_title(subject: Subject) -> Iterator[Finding]:
    title = subject.plugin.title
    sound = isinstance(title, str) and bool(title.strip()) and "\n" not in title
    yield holds(sound, "title", "the project in one line", repr(title), "messages name it")
    name = subject.plugin.writes
    sound = isinstance(name, str) and "/" not in name
    yield holds(sound, "writes", "a name of a file or folder", repr(name), "files go beside the model by this name")


def strange_files_are_not_recognised(subject: Subject) -> Iterator[Finding]:
    """Small files of several containers with nothing of the project in them."""
    made = subject.made()
    with tempfile.TemporaryDirectory() as folder:
        for path in _strange(Path(folder)):
            why = "`gancore import` would take any file for it"
            found = made.recognises(read(path, subject.plugin.classes))
            sound = found is False
            yield holds(sound, f"recognises {path.name}", "False", repr(found), why)
            companions = made.companions(read(path, subject.plugin.classes))
            sound = all(isinstance(key, str) and not isinstance(parts, str) for key, parts in companions.items())
            yield holds(sound, "companions", "a mapping, {'_GEN_': ['_DIS_']}", repr(companions))


def a_model_is_written_where_it_is_asked_for(subject: Subject) -> Iterator[Finding]:
    """The same bytes twice, nothing beside it, the model as it was; or a CheckpointError that says why not."""
    made = subject.made()
    if not made.writes:
        return
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        try:
            model = small_model()
            first, again = (written(made, Path(folder), model) for folder in (one, other))
        except CheckpointError as reason:
            yield Finding("write", f"not written, since it cannot hold the small model: {reason}", skipped=True)
            return
        beside = sorted({path.parts[0] for path, _ in first} - {made.writes})
        yield holds(
            bool(first), "write", f"a file or folder {made.writes}", "nothing", "the caller moves it into place"
        )
        why = "the caller moves one file or folder"
        yield holds(not beside, "write", f"nothing beside {made.writes}", ", ".join(beside), why)
        apart = [str(a[0]) for a, b in zip(first, again, strict=False) if a != b]
        sound = len(first) == len(again) and not apart
        got = f"another {', '.join(apart[:3])}"
        yield holds(sound, "write", "the same bytes every time", got, "equal models would have other checksums")
        state = model.generator.state_dict()
        kept = all(value.equal(state[name]) for name, value in small_model().generator.state_dict().items())
        yield holds(kept, "write", "the model as it was", "changed weights", "other formats write the same model")


def what_is_written_can_be_read(subject: Subject) -> Iterator[Finding]:
    """By a format that does both: its own file is recognised, and has the weights of the model."""
    made = subject.made()
    if not made.writes or subject.plugin.read is Format.read:
        return
    with tempfile.TemporaryDirectory() as folder:
        try:
            written(made, Path(folder))
        except CheckpointError:
            return
        out = Path(folder) / made.writes
        found = made.recognises(read(out, subject.plugin.classes))
        yield holds(found is True, "recognises", "its own file", repr(found), "it could not be imported")
        registry = Registry({**discover().plugins, ("format", subject.spec.name): subject.spec})
        try:
            tensors = import_checkpoint(out, registry, subject.spec.name).tensors()
        except CheckpointError as error:
            yield Finding("read", "a model out of what was written", str(error), "it could not be imported")
            return
        state = small_model().generator.state_dict()
        apart = [name for name, value in state.items() if name not in tensors or not tensors[name].equal(value)]
        yield holds(
            not apart, "read", "the weights that were written", f"another {', '.join(apart[:3])}", "images differ"
        )


def written(made: Any, folder: Path, model: Model | None = None) -> list[tuple[Path, bytes]]:
    """What a format writes of the small model: files by their path in the folder, in order."""
    made.write(model or small_model(), folder / made.writes)
    return [(path.relative_to(folder), path.read_bytes()) for path in sorted(folder.rglob("*")) if path.is_file()]


def small_model() -> Model:
    """An untrained StyleGAN2 of the usual networks, out of a model file."""
    experiment = load_experiment(
        {
            "name": "small",
            "data": {"use": "emoji", "resolution": R},
            "generator": {"use": "skip", **SMALL["generator"]},
            "discriminator": {"use": "residual"},
        }
    )
    generator = compose(experiment, Interface(R, 3)).generator.eval()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        save_model(path, generator, experiment, {})
        model = load_for_export(path)
        assert not model.networks, "read while the file is there"
    return model


def _strange(folder: Path) -> Iterator[Path]:
    weights = {"layer.weight": torch.zeros(2, 2)}
    save_file(weights, folder / "tensors.safetensors")
    yield folder / "tensors.safetensors"
    torch.save({"epoch": 1, "model": weights}, folder / "checkpoint.pt")
    yield folder / "checkpoint.pt"
    (folder / "list.pkl").write_bytes(pickle.dumps([1, "text", None]))
    yield folder / "list.pkl"
    whole = folder / "folder"
    whole.mkdir()
    (whole / "config.json").write_text(json.dumps({"name": "x"}))
    save_file(weights, whole / "model.safetensors")
    yield whole
