"""YAML as people write it: it works, or the message says what to write instead."""

from pathlib import Path

import pytest

from gancore.config import load_experiment
from gancore.errors import ConfigError

GOOD = "data:\n  use: emoji\n  mirror: true\n"

QUOTED = "in double quotes a backslash begins an escape; write a path in single quotes, 'C:\\data', or with slashes"


@pytest.mark.parametrize(
    "content",
    [
        GOOD.encode(),
        GOOD.replace("\n", "\r\n").encode(),
        GOOD.encode("utf-8-sig"),
        GOOD.replace("\n", "\r\n").encode("utf-8-sig"),
        GOOD.replace("true", "True   # said\t").encode(),
        b"data: {use: folder, resolution: 8, path: 'C:\\new'}",
        b"data: {use: folder, resolution: 8, path: C:\\new}",
    ],
)
def test_it_works(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(content)
    data = load_experiment(path).data
    assert data.core.mirror is True or data.cfg.path == "C:\\new"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('data: {use: folder, path: "C:\\Users\\me", resolution: 8}', f":1: {QUOTED}"),
        ('data: {use: folder, path: "D:\\data", resolution: 8}', f":1: {QUOTED}"),
        ('data: {use: folder, path: "C:\\new\\t", resolution: 8}', f":1: data.path: {QUOTED}"),
        ("data:\n\tuse: emoji", ":2: a tab; indent with spaces"),
        ("data: {use: emoji, mirror: yes}", ":1: data.mirror: expected true or false, got 'yes'; write true"),
        ("data: {use: emoji, mirror: Off}", ":1: data.mirror: expected true or false, got 'Off'; write false"),
        ("data: {use: emoji, mirror:true}", ":1: data: a space is missing after the colon; write `mirror: true`"),
        (
            "data: {use: emoji}\ntraining: {batch:8}",
            ":2: training: a space is missing after the colon; write `batch: 8`",
        ),
        ("data: {use: emoji}\ntraining:{kimg: 1}", ":2: a space is missing after the colon; write `training: {kimg`"),
        ("data: {use: emoji}\ntraining:\n  kimg:9", "got 'kimg:9'; a space is missing after the colon: `kimg: 9`"),
        ("data: {use: emoji}\ntraining: {batch: 8, kimg: 0,032}", ":2: training.kimg: a decimal comma; write `0.032`"),
        ("data: {use: emoji}\ntraining: {kimg: 0,5, batch: 8}", ":2: training.kimg: a decimal comma; write `0.5`"),
        ("data:\u00a0{use: emoji, mirror: true}", ":1: a no-break space (U+00A0); write a plain space"),
        ("data:\n\u00a0\u00a0use: emoji\n  mirror: true", ":2: a no-break space (U+00A0); write a plain space"),
        ("data:\n  use:emoji", ":1: data: a space is missing after the colon: `use: emoji`"),
    ],
)
def test_the_message_names_the_remedy(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_experiment(path)
    assert message in str(caught.value).splitlines()[0]


def test_utf_16(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(GOOD.encode("utf-16"))
    with pytest.raises(ConfigError, match=r"x\.yaml:1: UTF-16 text; save it as UTF-8$"):
        load_experiment(path)
