"""A disk that fails at any write, and power that fails between any two: no run is lost."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.disk import Disk, How
from support.disks import NAMES, disk_fails, power_fails, reference

pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="finds the paths of descriptors in /proc")

SAMPLED = 40
"""Every so many operations; `make soak` takes each."""


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> Disk:
    return reference(tmp_path_factory.mktemp("straight") / "run")


def test_what_is_renamed_was_flushed_and_what_is_removed_was_replaced_before(straight: Disk) -> None:
    flushed: set[Path] = set()
    pending: set[Path] = set()
    for done in straight.done:
        if done.kind == "write":
            flushed.discard(done.path)
        if done.kind == "flush":
            flushed.add(done.path)
        if done.kind == "flush folder":
            pending = {path for path in pending if path.parent != done.path}
        if done.kind == "rename" and done.to is not None:
            assert done.path in flushed, f"{done.to.name} was renamed before it was flushed"
            pending.add(done.to)
        if done.kind == "remove":
            assert not pending, f"{done.path.name} was removed while {pending} were not on the disk"
    assert sum(done.kind == "rename" for done in straight.done) > 10


@pytest.mark.parametrize("how", NAMES)
def test_a_disk_that_fails_at_any_write(how: How, straight: Disk, tmp_path: Path) -> None:
    offset = list(NAMES).index(how) * (SAMPLED // len(NAMES))
    for number in range(offset, straight.counted, SAMPLED):
        lasting = number % 2 == 0
        assert disk_fails(straight, tmp_path / f"{number}", number, how, lasting) in ("ended", "went on")


def test_power_that_fails_at_any_moment(straight: Disk, tmp_path: Path) -> None:
    for number, (moment, files) in enumerate(straight.crashes()):
        if number % (2 * SAMPLED) in (0, SAMPLED):
            assert power_fails(straight, tmp_path / f"{number}", files) == "the same", moment


@pytest.fixture(autouse=True)
def _clean(tmp_path: Path) -> Iterator[None]:
    yield
    shutil.rmtree(tmp_path)
