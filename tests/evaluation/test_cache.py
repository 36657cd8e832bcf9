"""Kept statistics are used when they fit, and never otherwise."""

from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread, current_thread
from typing import Any

import pytest
import torch
from support.pictures import image_data, random_images
from support.planted import planted

from gancore.artifacts.lock import waited_for
from gancore.artifacts.tensors import load_tensors, save_tensors
from gancore.config.load import load_evaluation
from gancore.evaluation import cache
from gancore.evaluation.cache import cached, statistics_folder
from gancore.evaluation.extractor import FeatureExtractor
from gancore.evaluation.reals import Reals
from gancore_plugins.features.embedded import Embedded

IMAGES = random_images(12, 1)
CPU = torch.device("cpu")


class Counting(Embedded):
    """A cheap feature plugin that says how often it looked."""

    looked = 0
    weights = "first"

    def weights_hash(self) -> str:
        return self.weights

    def prepare(self, device: torch.device) -> None:
        pass

    def extract(self, images: torch.Tensor, outputs: Any) -> dict[str, torch.Tensor]:
        type(self).looked += 1
        return {"features": images.float().mean(dim=(2, 3))}


@pytest.fixture
def extractor() -> FeatureExtractor:
    found = FeatureExtractor(load_evaluation({"features": "embedded", "metrics": ["fid"]}).features, CPU)
    found.feature = Counting(found.part.cfg)
    Counting.looked = 0
    return found


def test_what_is_kept_is_not_computed_again(extractor: FeatureExtractor) -> None:
    first = Reals(image_data(IMAGES)).moments(extractor)
    again = Reals(image_data(IMAGES)).moments(extractor)
    assert Counting.looked == 1
    assert torch.equal(first.covariance, again.covariance)


def test_a_second_evaluation_does_not_touch_the_real_images(extractor: FeatureExtractor) -> None:
    Reals(image_data(IMAGES)).moments(extractor)
    Reals(image_data(IMAGES)).features(extractor, "features")
    looked, again = Counting.looked, image_data(IMAGES)
    again.images = range(len(IMAGES))  # type: ignore[assignment]  # a number of them, and no pixels
    Reals(again).moments(extractor)
    Reals(again).features(extractor, "features")
    assert Counting.looked == looked


def test_everything_they_depend_on_is_in_the_key(extractor: FeatureExtractor, monkeypatch: pytest.MonkeyPatch) -> None:
    changed = IMAGES.clone()
    changed[3, 0, 0, 0] ^= 1
    sides = [
        Reals(image_data(IMAGES)),
        Reals(image_data(changed)),  # one bit of one pixel
        Reals(image_data(IMAGES[:11])),
        Reals(image_data(IMAGES), count=11),
        Reals(image_data(IMAGES, mirror=True)),
    ]
    filtered = image_data(IMAGES)
    object.__setattr__(filtered.identity, "filter", "box")
    for number, reals in enumerate([*sides, Reals(filtered)], start=1):
        reals.moments(extractor)
        assert len(list(statistics_folder().glob("*.safetensors"))) == number
    extractor.feature.weights = "second"
    Reals(image_data(IMAGES)).moments(extractor)
    assert len(list(statistics_folder().glob("*.safetensors"))) == number + 1


def test_two_that_want_the_same_at_once_make_it_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second asks while the first is at it: it must come to the lock, not to making."""
    key, arrived, made_by = {"what": "anything"}, Event(), []

    def waits(path: Path) -> AbstractContextManager[None]:
        if current_thread() is second:
            arrived.set()
        return waited_for(path)

    def make_as_second() -> dict[str, torch.Tensor]:
        made_by.append("second")
        arrived.set()
        return {"x": torch.ones(1)}

    def make_as_first() -> dict[str, torch.Tensor]:
        made_by.append("first")
        second.start()
        assert arrived.wait(60)
        return {"x": torch.zeros(1)}

    monkeypatch.setattr(cache, "waited_for", waits)
    second = Thread(target=cached, args=(key, make_as_second))
    cached(key, make_as_first)
    second.join()
    assert made_by == ["first"]


def test_where_no_lock_can_be_had_it_is_made_all_the_same(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("in the way")
    assert cached({"what": "anything"}, lambda: {"x": torch.ones(1)}, tmp_path / "file")["x"] == 1
    assert "cannot be cached" in caplog.text


NETWORK = {
    "seeing/__init__.py": "",
    "seeing/network.py": "FACTOR = 1\n",
    "seeing/feature.py": """
from gancore.contracts import Feature
from seeing.network import FACTOR

class Seeing(Feature):
    def weights_hash(self):
        return "none"

    def extract(self, images, outputs):
        return {"features": images.float().mean(dim=(2, 3)) * FACTOR}
""",
}


def test_a_changed_network_meets_no_stale_statistics(tmp_path: Path) -> None:
    """The plugin's own file and weights stay as they are; what it imports does not."""
    part = load_evaluation({"features": "embedded", "metrics": ["fid"]}).features
    means = []
    for factor in (1, 2, 1):
        files = NETWORK | {"seeing/network.py": f"FACTOR = {factor}\n"}
        with planted(tmp_path, files, "seeing.feature") as module:
            extractor = FeatureExtractor(replace(part, plugin=module.Seeing), CPU)
            means.append(Reals(image_data(IMAGES)).moments(extractor).mean)
    assert torch.equal(means[1], 2 * means[0])
    assert torch.equal(means[2], means[0])
    assert len(list(statistics_folder().glob("*.safetensors"))) == 2


def test_statistics_are_those_of_the_code_that_was_loaded(tmp_path: Path) -> None:
    """A network that is edited while it is in use does not keep its numbers under the name of the newer one."""
    part = load_evaluation({"features": "embedded", "metrics": ["fid"]}).features
    with planted(tmp_path, NETWORK, "seeing.feature") as module:
        extractor = FeatureExtractor(replace(part, plugin=module.Seeing), CPU)
        before = extractor.key()
        (tmp_path / "seeing/network.py").write_text("FACTOR = 2\n")
        assert extractor.key() == before
        assert FeatureExtractor(extractor.part, CPU).key() != before


def kept() -> Path:
    (path,) = statistics_folder().glob("*.safetensors")
    return path


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-5])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-3] ^= 0x40
    path.write_bytes(content)


def swap(path: Path) -> None:
    """A sound file of other statistics under this name."""
    tensors, about = load_tensors(path)
    other = {**about["key"], "reals": 7}
    save_tensors(path, {name: value + 1 for name, value in tensors.items()}, {**about, "key": other})


@pytest.mark.parametrize("fault", [cut, flip, swap, lambda path: path.write_text("no")])
def test_a_planted_fault_is_noticed_and_mended(
    extractor: FeatureExtractor, fault: Any, caplog: pytest.LogCaptureFixture
) -> None:
    first = Reals(image_data(IMAGES)).moments(extractor)
    fault(kept())
    again = Reals(image_data(IMAGES)).moments(extractor)
    assert Counting.looked == 2
    assert "computed again" in caplog.text
    assert torch.equal(first.mean, again.mean)
    load_tensors(kept())


def test_a_folder_that_cannot_be_written_costs_time_only(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("")
    found = cached({"a": 1}, lambda: {"x": torch.ones(2)}, tmp_path / "file" / "statistics")
    assert torch.equal(found["x"], torch.ones(2))
    assert "GANCORE_CACHE" in caplog.text


def test_a_choice_of_reals_is_always_the_same() -> None:
    a, b = (Reals(image_data(random_images(50, 2)), count=20) for _ in range(2))
    assert a.indices.tolist() == b.indices.tolist()
    assert len(set(a.indices.tolist())) == len(a) == 20
    assert len(Reals(image_data(IMAGES, mirror=True), count=5)) == 10


def test_mirrored_images_are_mirrored_from_left_to_right() -> None:
    first, second = torch.cat(list(Reals(image_data(IMAGES, mirror=True))._batches())).chunk(2)
    assert torch.equal(first, IMAGES)
    assert torch.equal(second, IMAGES.flip(3))
    assert not torch.equal(IMAGES.flip(2), IMAGES.flip(3))
