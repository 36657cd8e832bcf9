"""`gancore plugins`, the root command, and its exit codes, as a shell sees them."""

import json
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import click
import pytest

from gancore import cli
from gancore.discovery import discover
from gancore.errors import ConfigError, GancoreError, Interrupted, PluginError, RunFailed
from gancore.kinds import KINDS
from gancore.registry import PluginSpec

KEYS = {"kind", "name", "summary", "paper", "distribution", "version"}


def run(*args: str) -> int:
    return cli.main(list(args))


def test_list_as_json(capsys):
    assert run("plugins", "list", "--json") == 0
    listed = json.loads(capsys.readouterr().out)
    assert all(set(row) == KEYS for row in listed)
    assert [(row["kind"], row["name"]) for row in listed] == [(s.kind, s.name) for s in discover().specs()]


@pytest.mark.parametrize("kind", KINDS)
def test_list_one_kind(capsys, kind: str):
    assert run("plugins", "list", "--kind", kind, "--json") == 0
    assert {row["kind"] for row in json.loads(capsys.readouterr().out)} <= {kind}


def test_list_is_a_table_of_100_columns(capsys):
    assert run("plugins", "list") == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 100
    text = re.sub(r"\s+", " ", " ".join(lines))
    assert all(spec.name in text for spec in discover().specs())
    papers = {line.index(paper) for line in lines for paper in re.findall(r"arXiv:\S+", line)}
    assert len(papers) == 1  # one column


def test_broken_and_foreign_distributions_in_the_list(install, capsys):
    install("broken-plugins", "broken", "raise SystemExit(5)", version="0.3")
    install(
        *("their-plugins", "theirs"),
        "from gancore import hookimpl\nfrom gancore.registry import PluginSpec\n"
        "@hookimpl\ndef gancore_catalogue(): return [PluginSpec('loss', 'theirs', 'theirs:T', 'summary ' * 20)]",
        version="2.0",
    )
    assert run("plugins", "list") == 0
    shown = capsys.readouterr()
    assert "warning: broken-plugins 0.3: provider 'broken': SystemExit: 5" in shown.err
    assert "broken-plugins" not in shown.out
    assert "[their-plugins 2.0]" in shown.out
    assert max(map(len, shown.out.splitlines())) <= 100


@pytest.mark.parametrize("spec", discover().specs(), ids=lambda spec: f"{spec.kind}-{spec.name}")
def test_show(capsys, spec: PluginSpec):
    assert run("plugins", "show", spec.kind, spec.name) == 0
    page = capsys.readouterr().out
    assert run("plugins", "show", spec.kind, spec.name, "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    assert {key: facts[key] for key in KEYS} == {key: getattr(spec, key) for key in KEYS}
    assert {"doc", "target", "provides", "requires", "options"} < set(facts)
    assert {option["name"].split(".")[0] for option in facts["options"]} == set(spec.load().Config.model_fields)
    assert all(option["name"] in page for option in facts["options"])
    assert spec.summary in page
    assert spec.paper in page


def test_an_unknown_plugin_is_exit_2(capsys):
    assert run("plugins", "show", "loss", "hing") == 2
    assert capsys.readouterr().err.startswith("loss 'hing' is unknown; did you mean 'hinge'?")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["plugns"], "did you mean 'plugins'?"),
        (["--colour"], "No such option"),
        (["plugins", "list", "--kind", "los"], "is not one of"),
        (["plugins", "show", "loss"], "Missing argument"),
    ],
)
def test_wrong_usage_is_exit_2(capsys, args: list[str], message: str):
    assert run(*args) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        *[(PluginError("what"), 2), (ConfigError([]), 2), (GancoreError("what"), 2)],
        *[(RunFailed("what"), 1), (Interrupted("what"), 3), (KeyboardInterrupt(), 3), (click.Abort(), 3)],
        *[(click.FileError("f"), 2), (click.UsageError("what"), 2)],
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_exit_codes(monkeypatch, capsys, error: BaseException, code: int):
    @click.command()
    def fails() -> None:
        raise error

    monkeypatch.setattr(cli.Commands, "get_command", lambda *_: fails)
    assert run("plugins") == code
    assert "Traceback" not in capsys.readouterr().err


def test_an_end_of_file_in_a_plugin_is_no_interruption(monkeypatch):
    """Click takes any EOFError for Ctrl-D; exit code 3 would say that the work is saved."""

    @click.command()
    def fails() -> None:
        raise EOFError("cut")

    monkeypatch.setattr(cli.Commands, "get_command", lambda *_: fails)
    with pytest.raises(RuntimeError, match="EOFError: cut"):
        run("plugins")


def test_every_command_in_the_help_exists_and_says_the_same(capsys):
    assert run("--help") == 0
    text = capsys.readouterr().out
    context = click.Context(cli.root)
    for name in cli.root.list_commands(context):
        assert cli.root.get_command(context, name) is not None
        assert re.search(rf"^  {name} +{re.escape(cli.COMMANDS[name][1])}$", text, re.MULTILINE)


def test_every_command_module_is_a_command():
    targets = (target.partition(":") for target, _ in cli.COMMANDS.values())
    found = [getattr(import_module(module), name) for module, _, name in targets]
    inside = [inner for command in found if isinstance(command, click.Group) for inner in command.commands.values()]
    modules = {command.callback.__module__ for command in [*found, *inside] if command.callback}
    for file in Path(cli.__file__).parent.glob("*.py"):
        if "@click.command" in (text := file.read_text()) or "@click.group" in text:
            assert f"gancore.cli.{file.stem}" in modules | {"gancore.cli.__init__"}


def python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("args", [["plugins", "list"], ["plugins", "list", "--json"], ["--help"], ["--version"]])
def test_listing_imports_neither_torch_nor_pydantic(args: list[str]):
    code = f"import sys; from gancore.cli import main; main({args}); print(*sys.modules)"
    assert not {"torch", "pydantic", "numpy"} & set(python(code).splitlines()[-1].split())


def test_importing_gancore_is_light():
    assert python("import sys, gancore; print({'torch', 'pydantic', 'yaml', 'pluggy'} & set(sys.modules))") == "set()\n"


def test_reading_experiments_begins_without_torch():
    assert python("import sys, gancore.config; print('torch' in sys.modules)") == "False\n"


def test_a_reader_that_goes_away_is_no_error():
    code = "from gancore.cli import main; import sys; sys.exit(main(['plugins', 'list', '--json']))"
    writer = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    writer.stdout.close()
    assert writer.stderr.read() == b""
    assert writer.wait() == cli.CLOSED_PIPE
    writer.stderr.close()
