"""docs/yaml.md says what the code does."""

import re

from jsonschema import Draft202012Validator

from gancore.config.schema import experiment_schema
from gancore.config.yaml.reader import parse
from gancore.discovery import discover
from scripts.make_yaml_reference import REFERENCE, filled, made


def test_the_reference_is_up_to_date() -> None:
    text = REFERENCE.read_text(encoding="utf-8")
    assert text == filled(text, made()), "run `python -m scripts.make_yaml_reference`"


def test_its_example_is_right() -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", REFERENCE.read_text(encoding="utf-8"), re.DOTALL)
    schema = Draft202012Validator(experiment_schema(discover()))
    assert [error.message for error in schema.iter_errors(parse(example, "docs/yaml.md").data)] == []
