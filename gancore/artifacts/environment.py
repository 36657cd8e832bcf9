"""environment.json: versions, device, threads, plugins and identity of the data at the start of a run."""

from typing import Any

from pydantic import BaseModel, ConfigDict, TypeAdapter

from gancore.artifacts.reading import read_json
from gancore.artifacts.run import RunFolder


class Environment(BaseModel):
    """The contents of the file; other versions may have more keys, or fewer."""

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
        """The contents of the file."""
        return self.model_dump(exclude_unset=True)


def read(run: RunFolder) -> Environment:
    """Raises FileNotFoundError; RunError if the file is damaged."""
    return read_json(run.environment, _FORM)


_FORM = TypeAdapter(Environment)
