"""LSGAN: constants of its preset."""

from support.presets import assert_constants

CONSTANTS = {"loss.use": "least_squares", "discriminator.normalization.use": "batch"}


def test_constants() -> None:
    assert_constants("lsgan", CONSTANTS)
