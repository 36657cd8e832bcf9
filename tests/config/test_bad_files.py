"""Every file in bad/ is answered by file, line and key. What is expected stands in the file: `# expect: ...`."""

import shutil
from pathlib import Path

import pytest

from gancore.cli import main

BAD = Path(__file__).parent / "bad"
GOOD = "data: {use: emoji, resolution: 32}\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of bad/ that is the working directory."""
    shutil.copytree(BAD, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(args: list[str], folder: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The lines on stderr of a command that must be refused, and must have written nothing."""
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    assert main(args) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "Traceback" not in err
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
    return err.splitlines()


def assert_lines(lines: list[str], expected: list[str]) -> None:
    assert len(lines) == len(expected), lines
    for line, start in zip(lines, expected, strict=True):
        assert line.startswith(start), f"\n{line}\ndoes not start with\n{start}"


@pytest.mark.usefixtures("fakes")
@pytest.mark.parametrize("name", sorted(path.name for path in BAD.glob("*.yaml")))
def test_bad_file(name: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (BAD / name).read_text()
    expected = [line.removeprefix("# expect: ") for line in text.splitlines() if line.startswith("# expect: ")]
    assert_lines(
        refused(["validate", name], folder, capsys), expected or [f"{name}:1: empty; an experiment needs at least"]
    )


GENERATED = {
    "huge": (b"# " + b"x" * 2**20, "file.yaml:1: larger than 1024 KiB; this is not an experiment"),
    "binary": (bytes(range(256)), "file.yaml:2: not UTF-8 text; is this a YAML file?"),
    "picture": (b"\x89PNG\r\n\x1a\n\x00\x00", "file.yaml:1: not UTF-8 text; is this a YAML file?"),
    "control characters": (b"data: emoji\nname: a\x00b\n", "file.yaml:2: not text (control characters)"),
    "deep": (b"data: " + b"[" * 5000, "file.yaml:1: nested more than 32 deep; this is not an experiment"),
    "wide": (b"data: [" + b"0, " * 30000 + b"]", "file.yaml:1: more than 20000 values; this is not an experiment"),
    "deep by aliases": (
        "".join(f"a{i}: &a{i} [{f'*a{i - 1}' if i else 0}]\n" for i in range(100)).encode(),
        "file.yaml:32: nested more than 32 deep; this is not an experiment",
    ),
    "latin-1": ("data: emoji\nname: café\n".encode("latin-1"), "file.yaml:2: not UTF-8 text; is this a YAML file?"),
}


@pytest.mark.usefixtures("fakes")
@pytest.mark.parametrize("what", GENERATED)
def test_generated_file(what: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content, expected = GENERATED[what]
    (folder / "file.yaml").write_bytes(content)
    assert_lines(refused(["validate", "file.yaml"], folder, capsys), [expected])


@pytest.mark.usefixtures("fakes")
def test_of_many_mistakes_the_first_are_shown_and_counted(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mistakes = "".join(f"  key{i}: 1\n" for i in range(2000))
    (folder / "file.yaml").write_text(f"{GOOD}training:\n{mistakes}")
    lines = refused(["validate", "file.yaml"], folder, capsys)
    assert_lines(lines[-2:], ["file.yaml:52: training.key49: unknown key", "and 1950 more mistakes"])
    assert len(lines) == 51


@pytest.mark.usefixtures("fakes")
def test_a_long_chain_of_files_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """1,500 files that extend each other were a RecursionError."""
    for number in range(1500):
        (folder / f"f{number}.yaml").write_text(f"extends: f{number + 1}.yaml\n")
    (folder / "f1500.yaml").write_text(GOOD)
    lines = refused(["validate", "f0.yaml"], folder, capsys)
    assert_lines(lines, ["f31.yaml:1: extends: more than 32 files extend each other in a row"])


@pytest.mark.usefixtures("fakes")
def test_a_key_of_an_override_may_not_be_deep(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "good.yaml").write_text(GOOD)
    lines = refused(["validate", "good.yaml", "-o", f"{'a.' * 2000}b=1"], folder, capsys)
    assert lines[0].endswith("a key of more than 32 parts; no key is that long")


OVERRIDES = {
    "generators.use=skip": "generators: unknown key; did you mean 'generator'?",
    "generator.channel.base=3": "generator.channel: unknown key; did you mean 'channels'?",
    "training.kimg=lots": "training.kimg: expected a number, got 'lots'",
    "training.kimg=.nan": "training.kimg: .nan is not a finite number",
    "training.kimg.start=1": "training.kimg: expected a number, got a mapping",
    "training.batch=0": "training.batch: must be at least 1, got 0",
    "training.seed=010": "training.seed: 010 may mean octal or decimal; write 10",
    "data.mirror=yes": "data.mirror: expected true or false, got 'yes'",
    "generator=skp": "generator: generator 'skp' is unknown; did you mean 'skip'?",
    "training.optimizer=sdg": "training.optimizer: optimizer 'sdg' is unknown; did you mean 'sgd'?",
    "generator={use: skip": "generator: a '{' is not closed",
    "generator=!!python/name:os.system": "generator: the tag 'tag:yaml.org,2002:python/name:os.system' is refused",
    "training.kimg=": "training.kimg: no value; write {} for defaults, null for nothing",
    "training.kimg": "an override is KEY=VALUE, for example training.kimg=100",
    "=3": "an override is KEY=VALUE",
    "a..b=3": "an override is KEY=VALUE",
    "extends=other.yaml": "extends: cannot be overridden; choose another file instead",
}


@pytest.mark.usefixtures("fakes")
@pytest.mark.parametrize("override", OVERRIDES)
def test_bad_override(override: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "good.yaml").write_text(GOOD)
    lines = refused(["validate", "good.yaml", "-o", override], folder, capsys)
    assert_lines(lines, [f"-o {override}: {OVERRIDES[override]}"])


@pytest.mark.usefixtures("fakes")
def test_all_overrides_are_answered_at_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "good.yaml").write_text(GOOD + "loss: {lossy: 1}\n")
    args = ["validate", "good.yaml", "-o", "training.batch=x", "-o", "generator.nose=true"]
    assert_lines(
        refused(args, folder, capsys),
        [
            "-o training.batch=x: training.batch: expected a whole number, got 'x'",
            "-o generator.nose=true: generator.nose: unknown key; did you mean 'noise'?",
            "good.yaml:2: loss.lossy: unknown key",
        ],
    )


@pytest.mark.usefixtures("fakes")
@pytest.mark.parametrize(
    ("file", "expected"), [("nowhere.yaml", "nowhere.yaml: there is no such file"), (".", "config.yaml: there is no")]
)
def test_no_file(file: str, expected: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert_lines(refused(["validate", file], folder, capsys), [expected])


def test_there_are_enough_of_them() -> None:
    assert len(list(BAD.glob("*.yaml"))) + len(GENERATED) >= 20
