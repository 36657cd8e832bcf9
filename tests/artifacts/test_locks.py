"""Lock files: held by one process at a time, told from outside, and free again when the holder is killed."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from gancore.artifacts import RunFolder, lock
from gancore.artifacts.lock import held, is_locked, waited_for
from gancore.errors import RunError

HOLDER = """
import sys
from pathlib import Path
from gancore.artifacts.lock import waited_for
with waited_for(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path: Path):
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "run" / ".lock")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        yield process
        process.kill()


def test_a_lock_is_told_and_goes_with_its_holder(holder: subprocess.Popen[bytes], tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    path = run.path / ".lock"
    assert is_locked(path)
    with pytest.raises(RunError, match=f"^{run}: another process is training in this folder$"), run.locked():
        pass
    holder.kill()
    holder.wait()
    assert not is_locked(path)
    with run.locked():
        assert is_locked(path)
    assert not is_locked(path)


def test_looking_leaves_no_file_and_needs_none(tmp_path: Path) -> None:
    assert not is_locked(tmp_path / "none" / ".lock")
    assert list(tmp_path.iterdir()) == []


def test_a_lock_that_may_only_be_read_is_still_told(
    holder: subprocess.Popen[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class ReadOnly(lock.FileLock):  # type: ignore[misc]
        def _acquire(self) -> None:
            raise PermissionError("read-only")

    monkeypatch.setattr(lock, "FileLock", ReadOnly)
    assert is_locked(tmp_path / "run" / ".lock")
    holder.kill()
    holder.wait()
    assert not is_locked(tmp_path / "run" / ".lock")


def test_one_who_only_looks_is_taken_for_no_holder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`grid status` beside `gancore train`: whoever wants the lock tries again while the other one looks."""
    tried, path = threading.Event(), tmp_path / ".lock"

    class Trying(lock.FileLock):  # type: ignore[misc]
        def _acquire(self) -> None:
            super()._acquire()
            tried.set()

    def hold() -> None:
        with held(path, "taken"):
            got.append("it")

    monkeypatch.setattr(lock, "MOMENT", 60.0)
    got: list[str] = []
    thread = threading.Thread(target=hold)
    with waited_for(path):
        monkeypatch.setattr(lock, "FileLock", Trying)
        thread.start()
        assert tried.wait(60)
    thread.join()
    assert got == ["it"]
