"""environment.json: what a run was started with. Versions, device, threads, plugins, identity of the data."""

from typing import Any

from pydantic import BaseModel, ConfigDict, TypeAdapter

from gancore.artifacts.reading import read_json
from gancore.artifacts.run import RunFolder


class Environment(BaseModel):
    """Its contents; of another version it may have more, or less."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)

    gancore: str | None = None
    torch: str | None = None
    python: str | None = None
    platform: str | None = None
    device: str | None = None
    device_name: str | None = None
    threads: int | None = None
    cuda: str | None = None
    cudnn_benchmark: bool | None = None
    matmul_precision: str | None = None
    convolution_precision: str | None = None
    plugins: dict[str, str] | None = None
    data: dict[str, Any] | None = None
    classes: list[str] | None = None
    skipped: dict[str, Any] | None = None
    passed_over: list[dict[str, Any]] | None = None

    def to_dict(self) -> dict[str, Any]:
        """What the file has."""
        return self.model_dump(exclude_unset=True)


def read(run: RunFolder) -> Environment:
    """Raises FileNotFoundError; RunError if the file is damaged."""
    return read_json(run.environment, _FORM)


_FORM = TypeAdapter(Environment)
