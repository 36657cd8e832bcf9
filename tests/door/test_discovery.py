"""Discovery, with every fault a distribution may have planted in turn: each is told, none stops the rest."""

from pathlib import Path

import pytest
from support.distributions import names_of, reasons_of, write_dist_info

from gancore.cli import main
from gancore.discovery import discover
from gancore.errors import GancoreError, PluginError

GOOD = """
    from gancore.hookspecs import hookimpl
    from gancore.registry import PluginSpec

    @hookimpl
    def gancore_catalogue():
        return [PluginSpec("loss", "{name}", "{module}:Loss", "one line")]
"""


def good(name: str, module: str = "theirs") -> str:
    return GOOD.format(name=name, module=module)


FAULTS = {
    "raises": ("raise RuntimeError('out of order')", "RuntimeError: out of order"),
    "syntax error": ("def (:", "SyntaxError"),
    "exits": ("raise SystemExit(7)", "SystemExit: 7"),
    "missing library": ("import no_such_library", "No module named 'no_such_library'"),
    "catalogue raises": (
        good("x").replace("return [", "raise KeyError('lost'); return ["),
        "KeyError: 'lost'",
    ),
    "catalogue exits": (good("x").replace("return [", "raise SystemExit; return ["), "SystemExit"),
    "not specs": (good("x").replace("return [", "return ['x'] or ["), "should return PluginSpec objects, not 'x'"),
    "unknown kind": (good("x").replace('"loss"', '"los"'), "unknown kind 'los'; did you mean 'loss'?"),
    "bad name": (good("X y"), "a name is lower-case letters"),
    "bad target": (good("x").replace(":Loss", "Loss"), "should be 'package.module:Class'"),
    "wrong arguments": (good("x").replace("catalogue()", "catalogue(unheard)"), "unheard"),
    "unknown hook": (good("x").replace("gancore_catalogue", "gancore_catalog"), "unknown hook 'gancore_catalog'"),
}


@pytest.mark.parametrize(("code", "reason"), FAULTS.values(), ids=FAULTS)
def test_a_broken_provider_is_told_and_the_others_work(install, code, reason):
    install("broken-plugins", "broken", code, version="0.3")
    install("their-plugins", "theirs", good("theirs"))
    assert names_of("broken-plugins") == []
    assert [broken.version for broken in discover().broken] == ["0.3"]
    assert reason in reasons_of("broken-plugins")[0]
    assert names_of("their-plugins") == ["theirs"]
    assert len(names_of("gancore")) > 5


def test_entries_of_a_catalogue_that_are_wrong_are_told_and_the_others_offered(site: Path, install):
    install(
        "mixed-plugins",
        "mixed",
        """
        from pathlib import Path
        from gancore.catalogue import read_catalogue
        from gancore.hookspecs import hookimpl

        @hookimpl
        def gancore_catalogue():
            return read_catalogue(Path(__file__).with_name("c.yaml"))
        """,
    )
    (site / "c.yaml").write_text(
        "kind_of_a_later_gancore:\n  a: {target: 'a:A', summary: s}\n"
        "loss:\n  good: {target: 'a:B', summary: s}\n  Bad: {target: 'a:C', summary: s}\n"
    )
    assert names_of("mixed-plugins") == ["good"]
    kind, name = reasons_of("mixed-plugins")
    assert kind.startswith(f"provider 'mixed': {site / 'c.yaml'}:1: unknown kind 'kind_of_a_later_gancore'; known: ")
    assert name.startswith(f"provider 'mixed': {site / 'c.yaml'}:5: loss 'Bad': a name is lower-case letters")


def test_what_is_no_spec_in_a_catalogue_is_told_and_the_others_offered(install):
    install("mixed-plugins", "mixed", good("theirs", "mixed").replace("return [", "return ['x', "))
    assert names_of("mixed-plugins") == ["theirs"]
    assert reasons_of("mixed-plugins") == [
        "provider 'mixed': gancore_catalogue should return PluginSpec objects, not 'x'"
    ]


def test_train_tells_once_who_is_broken(install, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    def no_training(*arguments: object) -> None:
        raise GancoreError("no training here")

    monkeypatch.setattr("gancore.training.train", no_training)
    install("broken-plugins", "broken", "raise RuntimeError('out of order')")
    assert main(["train", "preset:dcgan"]) == 2
    warning = "warning: broken-plugins 1.0: provider 'broken': RuntimeError: out of order"
    assert capsys.readouterr().err.splitlines() == [warning, "no training here"]


def test_malformed_entry_points_are_told(site: Path, install):
    write_dist_info(site, "broken-plugins", "1.0", "[gancore]\nno equals sign\n")
    install("their-plugins", "theirs", good("theirs"))
    assert reasons_of("broken-plugins")[0].startswith("entry_points.txt: ")
    assert names_of("their-plugins") == ["theirs"]


def test_unreadable_entry_points_of_others_do_not_matter(site: Path, install):
    write_dist_info(site, "strange", "1.0", "")
    (site / "strange-1.0.dist-info" / "entry_points.txt").write_bytes(b"\xff\xfe\x00")
    install("their-plugins", "theirs", good("theirs"))
    assert names_of("their-plugins") == ["theirs"]


def test_one_entry_name_in_two_distributions(install):
    install("one-plugins", "one", good("first"), entry="plugins")
    install("two-plugins", "two", good("second"), entry="plugins")
    assert (names_of("one-plugins"), names_of("two-plugins")) == (["first"], ["second"])
    assert discover().broken == []


def test_two_providers_of_one_distribution(site: Path, install):
    install("many-plugins", "one", good("first"))
    (site / "two.py").write_text((site / "one.py").read_text().replace("first", "second"))
    (site / "many_plugins-1.0.dist-info" / "entry_points.txt").write_text("[gancore]\na = one\nb = two\n")
    assert names_of("many-plugins") == ["first", "second"]


def test_the_first_party_plugin_keeps_a_name_that_clashes(install):
    own = discover().specs("loss")[0]
    discover.cache_clear()
    install("their-plugins", "theirs", good(own.name))
    assert discover().get("loss", own.name) == own
    [reason] = reasons_of("their-plugins")
    assert "theirs:Loss" in reason
    assert f"{own.origin} ({own.target})" in reason


def test_a_clash_of_third_parties_leaves_the_name_to_nobody(site: Path, install):
    install("one-plugins", "one", good("same", "one"))
    install("two-plugins", "two", good("same", "two").replace("return [", "return [*others(), "))
    with open(site / "two.py", "a") as file:
        file.write('def others(): return [PluginSpec("loss", "other", "two:Other")]')
    assert (names_of("one-plugins"), names_of("two-plugins")) == ([], ["other"])
    assert "two-plugins 1.0 (two:Loss)" in reasons_of("one-plugins")[0]
    assert "one-plugins 1.0 (one:Loss)" in reasons_of("two-plugins")[0]
    with pytest.raises(PluginError, match=r"offered by .*-plugins 1.0 and by .*-plugins 1.0; uninstall one"):
        discover().get("loss", "same")


def test_an_old_copy_of_a_distribution_does_not_clash_with_it(site: Path, install, tmp_path, monkeypatch):
    install("Their.Plugins", "theirs", good("theirs"), version="2.0")
    older = tmp_path / "older"
    older.mkdir()
    write_dist_info(older, "their_plugins", "1.0", "[gancore]\nold = theirs\n")
    monkeypatch.syspath_prepend(older)
    monkeypatch.syspath_prepend(site)
    assert names_of("Their.Plugins") == ["theirs"]
    assert discover().broken == []


def test_keyboard_interrupt_is_not_a_broken_provider(install):
    install("slow-plugins", "slow", "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        discover()


def test_an_unknown_name_points_at_broken_distributions(install):
    install("broken-plugins", "broken", "import no_such_library")
    with pytest.raises(PluginError, match="may belong to a broken distribution: broken-plugins"):
        discover().get("loss", "theirs")
