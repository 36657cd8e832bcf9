"""The run folder: the files of a run."""

import itertools
import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gancore.artifacts.atomic import TEMPORARY, write_text
from gancore.artifacts.lock import held
from gancore.artifacts.reading import first_mistake, read_bytes
from gancore.artifacts.thinning import superfluous
from gancore.errors import RunError

if TYPE_CHECKING:
    from torch import Tensor

MODEL = "model.safetensors"
CHECKPOINT = re.compile(r"checkpoint-(\d{6,}\.\d{3})\.safetensors")
FAKES = re.compile(r"fakes-(\d{6,}\.\d{3})\.png")


@dataclass(frozen=True)
class SoundCheckpoint:
    """A checkpoint that can be continued from.

    tensors: by name; about: counters and the like. damaged: newer checkpoints, with the damage of each.
    """

    path: Path
    tensors: "dict[str, Tensor]"
    about: dict[str, Any]
    damaged: dict[Path, str]


class RunFolder:
    """Paths and files of a run.

    config.yaml               the resolved experiment
    environment.json          versions, device, threads, identity of the data
    init_from.json            the tensors that the run took from the file of its first weights, and those that it left
    model.safetensors         the averaged generator, self-describing
    model-best.safetensors    the one with the best value of the first metric, if there are evaluations
    checkpoint-N.safetensors  everything needed to continue after N kimg
    log.jsonl, metrics.jsonl  a line for each log tick, for each evaluation
    events/, samples/         TensorBoard events, grids of images
    plugins/                  copies of the experiment's local plugin files
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = path / "config.yaml"
        self.environment = path / "environment.json"
        self.init_from = path / "init_from.json"
        self.model = path / MODEL
        self.best = path / "model-best.safetensors"
        self.log = path / "log.jsonl"
        self.metrics = path / "metrics.jsonl"
        self.events = path / "events"
        self.samples = path / "samples"
        self.plugins = path / "plugins"

    def __str__(self) -> str:
        return str(self.path)

    def __repr__(self) -> str:
        from gancore.artifacts.overview import state_of

        return f"<run {self}: {state_of(self)}>"

    def _repr_html_(self) -> str:
        from gancore.artifacts.overview import as_html

        return as_html(self)

    def exists(self) -> bool:
        """Whether there is a run; config.yaml is the last file that its start writes."""
        return self.config.is_file()

    def check_usable(self) -> None:
        """Raises RunError if the folder holds anything but a run, or the beginning of one."""
        if self.path.exists() and not self.path.is_dir():
            raise RunError(f"{self}: a file; choose a folder with --out")
        for path in (self.events, self.samples, self.plugins):
            if path.exists() and not path.is_dir():
                raise RunError(f"{path}: a file, where a run has a folder; move it away")
        check_name(self.path)
        if self.exists() or not self.path.exists():
            return
        begun = {".lock", "environment.json", "init_from.json", "samples", "plugins"}
        foreign = [p.name for p in self.path.iterdir() if p.name not in begun and p.suffix != TEMPORARY]
        if foreign:
            raise RunError(f"{self}: not empty, and not a run ({sorted(foreign)[0]}); choose another folder with --out")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Locks the folder for this process; the lock ends with the process.

        Raises RunError if another process holds it.
        """
        with held(self.path / ".lock", f"{self}: another process is training in this folder"):
            yield

    def checkpoint(self, kimg: float) -> Path:
        """The file of a checkpoint after `kimg` thousand images; names sort by length of training."""
        return self.path / f"checkpoint-{kimg:010.3f}.safetensors"

    def fakes(self, kimg: float) -> Path:
        """The grid of samples after `kimg` thousand images."""
        return self.samples / f"fakes-{kimg:010.3f}.png"

    def retain_samples(self, every: float, keep: int, written: Path) -> None:
        """Deletes grids of samples, one of which was made every `every` kimg, until `keep` are left, spread evenly.

        The one just written stays in any case.
        """
        grids = [(float(found[1]), path) for path in self.samples.iterdir() if (found := FAKES.fullmatch(path.name))]
        for path in superfluous(grids, every, keep):
            if path != written:
                path.unlink()

    def checkpoints(self) -> list[Path]:
        """Checkpoints, newest first."""
        found = self.path.glob("checkpoint-*.safetensors")
        return sorted((path for path in found if CHECKPOINT.fullmatch(path.name)), key=_saved_kimg, reverse=True)

    def saved_kimg(self) -> float:
        """kimg of the newest checkpoint, by its name; 0 if there is none."""
        return max(map(_saved_kimg, self.checkpoints()), default=0.0)

    def read_config(self) -> dict[str, Any]:
        """config.yaml as plain data. Raises ConfigError if it is not YAML; RunError if it is not a mapping."""
        from gancore.config.yaml.reader import read  # imports PyYAML

        data = read(self.config).data
        if not isinstance(data, dict):
            raise RunError(f"{self.config}: not the experiment of a run: expected a mapping")
        return data

    def target_kimg(self) -> float:
        """`training.kimg` in config.yaml. Raises ConfigError or RunError if it cannot be read."""
        from gancore.config.yaml.reader import section  # imports PyYAML

        wanted = section(read_bytes(self.config).decode(errors="replace"), "training").get("kimg")
        if isinstance(wanted, bool) or not isinstance(wanted, int | float):
            raise RunError(f"{self.config}: no training.kimg")
        return wanted

    def newest_checkpoint(
        self, misfits: "Callable[[dict[str, Tensor], dict[str, Any]], Iterable[str]]" = lambda tensors, about: ()
    ) -> SoundCheckpoint | None:
        """The first of `sound_checkpoints`; None if the folder has no checkpoints."""
        return next(self.sound_checkpoints(misfits), None)

    def sound_checkpoints(
        self, misfits: "Callable[[dict[str, Tensor], dict[str, Any]], Iterable[str]]" = lambda tensors, about: ()
    ) -> Iterator[SoundCheckpoint]:
        """The checkpoints that are whole and belong to the run, newest first; it reads them one by one.

        misfits: says why the tensors and the description of a checkpoint are not of this run.

        Raises RunError if there are checkpoints and none of them is sound.
        """
        from gancore.artifacts.tensors import load_tensors  # imports torch

        damaged: dict[Path, str] = {}
        sound = None
        for path in self.checkpoints():
            try:
                tensors, about = load_tensors(path)
                check_checkpoint(path, about)
                if wrong := list(misfits(tensors, about)):
                    raise RunError(f"{path}: a checkpoint of {'; '.join(wrong)}")
            except RunError as error:
                damaged[path] = str(error)
            else:
                yield (sound := SoundCheckpoint(path, tensors, about, damaged.copy()))
        if damaged and sound is None:
            raise RunError("\n".join([*damaged.values(), f"{self}: no checkpoint is left to continue from"]))

    def set_aside(self, path: Path) -> Path:
        """Takes a file out of the way: it keeps its contents, and nothing reads it any more. Returns its new place."""
        return path.rename(self.set_aside_name(path))

    def set_aside_name(self, path: Path) -> Path:
        """The name of a file that is set aside; a number distinguishes it from earlier ones."""
        numbers = itertools.chain([""], (f"{number}-" for number in itertools.count(2)))
        names = (path.with_name(f"set-aside-{number}{path.name}") for number in numbers)
        return next(name for name in names if not name.exists())

    def retain(self, keep: int, written: Path) -> None:
        """Deletes all but the newest `keep` checkpoints, once the one just written has been read back.

        Raises RunError, and deletes nothing, if that one is not sound.
        """
        from gancore.artifacts.tensors import load_tensors  # imports torch

        old = [path for path in self.checkpoints()[keep:] if path != written]
        if old:
            load_tensors(written)
        for path in old:
            path.unlink()

    def clear_leftovers(self) -> None:
        """Removes temporary files of a process that was killed while writing."""
        for folder in (self.path, self.samples, self.plugins):
            for path in folder.glob(f"*{TEMPORARY}"):
                path.unlink(missing_ok=True)

    def cut_logs(self, step: int) -> None:
        """Removes lines of the logs after a step, and damaged ones, for a run that continues from there.

        Raises RunError if a log cannot be read.
        """
        for path in (self.log, self.metrics):
            if path.exists():
                kept = [line.decode() for line in read_bytes(path).splitlines() if _step_of(line) <= step]
                write_text(path, "".join(f"{line}\n" for line in kept))


def check_name(folder: Path) -> None:
    """Raises RunError if TensorBoard could not write into a folder, because its name is not UTF-8."""
    try:
        str(folder.resolve()).encode()
    except UnicodeEncodeError:
        raise RunError(
            f"{folder}: the name is not UTF-8, and TensorBoard writes there; choose another with --out"
        ) from None


def append_line(path: Path, record: dict[str, Any]) -> None:
    """Adds one JSON line; a kill can cut the last line only."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(record) + "\n")


def check_checkpoint(path: Path, about: dict[str, Any]) -> None:
    """Raises RunError if a description is not that of a checkpoint."""
    if about.get("kind") != "checkpoint":
        raise RunError(f"{path}: a {about.get('kind', 'file')}, not a checkpoint")
    try:
        _Checkpoint.model_validate(about)
    except ValidationError as error:
        raise RunError(f"{path}: not a whole checkpoint: {first_mistake(error)}") from error


class _Step(BaseModel):
    model_config = ConfigDict(strict=True)

    step: int


class _Counters(_Step):
    nimg: int
    attempt: int = 0


class _Stage(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)

    resolution: int
    alpha: float


class _Checkpoint(BaseModel):
    model_config = ConfigDict(strict=True)

    counters: _Counters
    threads: int = Field(ge=1)
    stage: _Stage | None = None
    identity: str | None = None
    fixed: dict[str, Any] | None = None


def _step_of(line: bytes) -> float:
    try:
        return _Step.model_validate_json(line).step
    except ValidationError:
        return float("inf")


def _saved_kimg(checkpoint: Path) -> float:
    found = CHECKPOINT.fullmatch(checkpoint.name)
    return float(found[1]) if found else 0.0
