"""What is published: two builds are equal, nothing is in them that should not be, and no known flaw is depended upon.

    make supply

Builds sdist and wheel twice, from copies of the last commit in different folders, with the time of that commit.
Compares the bytes, looks for pickles and golden files, runs `twine check`, and `pip-audit` on the versions of
constraints.txt. Where no advisory service answers, it says so, and names the versions and the date. Exits with 1 if
anything is wrong.
"""

import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parents[1]
FORBIDDEN = (".pkl", ".pt", ".pth", ".pyc")
"""Endings of files that are no part of a release: pickles execute code, and golden files are for tests."""


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        first, second = (built(Path(folder) / name) for name in ("first", "second"))
        wrong = [*differences(first, second), *(line for file in first for line in unwanted(file))]
        checked = run("twine", "check", "--strict", *map(str, first))
        for file in first:
            print(f"{file.name}: {file.stat().st_size:,} bytes, sha256 {digest(file)}")
    print(checked.stdout.strip())
    wrong += [checked.stdout] if checked.returncode else []
    wrong += audited()
    for line in wrong:
        print(f"WRONG: {line}")
    return bool(wrong)


def built(folder: Path) -> list[Path]:
    """sdist and wheel of the last commit, built in a folder."""
    archive = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(folder / "source", filter="data")
    epoch = subprocess.run(["git", "log", "-1", "--format=%ct"], cwd=ROOT, check=True, capture_output=True, text=True)
    environment = {**os.environ, "SOURCE_DATE_EPOCH": epoch.stdout.strip(), "PYTHONHASHSEED": "random"}
    command = [
        sys.executable,
        "-m",
        "build",
        "--no-isolation",
        "--outdir",
        str(folder / "dist"),
        str(folder / "source"),
    ]
    subprocess.run(command, check=True, capture_output=True, env=environment)
    (folder / "dist").chmod(0o755)
    return sorted((folder / "dist").iterdir())


def differences(first: list[Path], second: list[Path]) -> Iterator[str]:
    for one, other in zip(first, second, strict=True):
        if contents(one) != contents(other):
            yield f"{one.name}: two builds hold different files"
        elif one.suffix == ".whl" and digest(one) != digest(other):
            yield f"{one.name}: two builds have the same files and different bytes"


def contents(file: Path) -> dict[str, str]:
    """SHA-256 of each member."""
    if file.suffix == ".whl":
        with zipfile.ZipFile(file) as wheel:
            return {name: hashlib.sha256(wheel.read(name)).hexdigest() for name in wheel.namelist()}
    with tarfile.open(file) as sdist:
        members = [member for member in sdist.getmembers() if member.isfile()]
        return {m.name: hashlib.sha256(sdist.extractfile(m).read()).hexdigest() for m in members}  # type: ignore[union-attr]


def unwanted(file: Path) -> Iterator[str]:
    for name in contents(file):
        if name.endswith(FORBIDDEN) or "golden/" in name:
            yield f"{file.name}: holds {name}"


def audited() -> Iterator[str]:
    """The flaws that pip-audit knows in the versions of constraints.txt; it skips what the service does not know."""
    about = ("--no-deps", "--disable-pip", "--progress-spinner=off", "--format=json")
    found = run("pip_audit", "--requirement", str(ROOT / "constraints.txt"), *about)
    every = json.loads(found.stdout)["dependencies"] if found.stdout else []
    known = [one for one in every if "skip_reason" not in one]
    if not known:
        versions = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line]
        print(f"no advisory service answers; {datetime.now(UTC):%Y-%m-%d}: {', '.join(versions)}")
        return
    print(f"pip-audit: {len(known)} of {len(every)} dependencies are known to the advisory service")
    for one in known:
        yield from (f"{one['name']} {one['version']}: {flaw['id']}" for flaw in one["vulns"])


def digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def run(module: str, *args: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-m", module, *args], check=False, capture_output=True, text=True)


if __name__ == "__main__":
    sys.exit(main())
