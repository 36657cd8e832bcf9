"""What discovery finds of a distribution, for tests that install little ones."""

from pathlib import Path

from gancore.discovery import discover

EXAMPLE = Path(__file__).parents[2] / "examples" / "plugins" / "gancore_example_plugin"
"""The folder of a complete third-party distribution."""


def write_dist_info(site: Path, distribution: str, version: str, entry_points: str) -> None:
    """Writes a .dist-info by hand, as pip would leave it in a folder on sys.path."""
    info = site / f"{distribution.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
    (info / "entry_points.txt").write_text(entry_points)


def names_of(distribution: str) -> list[str]:
    """The plugins of a distribution that can be used."""
    return [spec.name for spec in discover().specs() if spec.distribution == distribution]


def reasons_of(distribution: str) -> list[str]:
    """Why a distribution was refused, wholly or for one name."""
    return [broken.reason for broken in discover().broken if broken.distribution == distribution]
