"""The line on a whole grid costs little, however many cells there are."""

from pathlib import Path

import pytest
from support.made_up_grids import NINE, made_up

from gancore.grid import ticker
from gancore.grid.ticker import SHARE, Ticker


@pytest.mark.parametrize("took", [0.001, 3.0])
def test_looking_takes_at_most_its_share_of_the_time(
    took: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, looked = [0.0], []
    status_of = ticker.status_of

    def slow(folder: object) -> object:
        looked.append(now[0])
        now[0] += took
        return status_of(folder)  # type: ignore[arg-type]

    monkeypatch.setattr(ticker.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(ticker, "status_of", slow)
    folder, line = made_up(tmp_path / "grid", NINE, {}), Ticker()
    while now[0] < 2000:
        now[0] += 0.5
        line.look(folder)
    assert len(looked) >= 5
    assert len(looked) * took <= 2000 / SHARE + took
