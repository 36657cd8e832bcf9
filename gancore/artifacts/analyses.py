"""analyses/NAME.json of a run: what was found inside its model; read back as checked data."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter

from gancore.artifacts.reading import read_json
from gancore.artifacts.run import RunFolder
from gancore.artifacts.scores import RecordedScore
from gancore.errors import RunError

FOLDER = "analyses"


class RecordedNumber(BaseModel):
    """A number with its spread."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False)

    value: float
    spread: float | None = None


class RecordedSubject(BaseModel):
    """Which model it was, as far as reports want it."""

    model_config = ConfigDict(extra="ignore", strict=True)

    kimg: float | None = None


class RecordedAnalysis(BaseModel):
    """A record as gancore.analysis writes it; `refused` says why there are no numbers."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)

    analysis: str
    refused: str | None = None
    protocol: str | None = None
    count: int | None = None
    features: str | None = None
    subject: RecordedSubject = RecordedSubject()
    numbers: dict[str, RecordedNumber] = {}
    better: dict[str, Literal["higher", "lower"]] = {}
    files: list[str] = []

    def scores(self) -> Iterator[RecordedScore]:
        """The numbers that have a better end, as scores: `droplets.score`, `attribution.auroc[embedded]`."""
        name, bracket, features = self.analysis.partition("[")
        for key, end in self.better.items():
            if key in self.numbers:
                yield RecordedScore(
                    name=f"{name}.{key}{bracket}{features}",
                    value=self.numbers[key].value,
                    spread=self.numbers[key].spread,
                    protocol=self.protocol,
                    features=self.features,
                    samples=self.count,
                    higher_is_better=end == "higher",
                    kimg=self.subject.kimg or 0.0,
                )


@dataclass(frozen=True)
class Analyses:
    """The records of a run by the names of their files. damage: a message for each file that cannot be read."""

    records: Sequence[RecordedAnalysis] = ()
    damage: list[str] = field(default_factory=list)

    @property
    def scores(self) -> dict[str, RecordedScore]:
        return {score.name: score for record in self.records for score in record.scores()}


def read(run: RunFolder) -> Analyses:
    """What lies in the run's folder of analyses."""
    records, damage = [], []
    for path in sorted((run.path / FOLDER).glob("*.json")):
        try:
            records.append(read_json(path, _RECORD))
        except RunError as error:
            damage.append(str(error).removeprefix(f"{run.path}/"))
    return Analyses(records, damage)


def picture_of(run: RunFolder, record: RecordedAnalysis) -> Path | None:
    """The first picture of a record; None where it has none, or names one outside of its folder."""
    names = [name for name in record.files if name.endswith(".png") and Path(name).name == name]
    return run.path / FOLDER / names[0] if names else None


_RECORD = TypeAdapter(RecordedAnalysis)
