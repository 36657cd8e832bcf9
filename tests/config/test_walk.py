"""How often a value changes modules between YAML and the constructor that it configures."""

from scripts.count_walk import walk


def test_a_value_goes_a_short_way() -> None:
    stays = walk()
    modules = [module for module, _ in stays]
    assert modules[0] == "gancore.config.yaml.reader"
    assert modules[-1] == "gancore.nn.synthesis"
    assert len(modules) <= 14, stays
    assert len(modules) - len(set(modules)) <= 4, stays
