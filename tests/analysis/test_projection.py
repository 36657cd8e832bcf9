"""Projection recovers what a generator made; attribution's numbers in closed form."""

import pytest
import torch
from support.subjects import style_generator, subject, subject_of

from gancore.analysis import ProjectionOptions, paint, project, repainted, sampled_ws, start_of
from gancore.analysis.run import first_available
from gancore_plugins.analyses.attribution import Attribution, auroc, overlap
from gancore_plugins.analyses.projection import Projection


@pytest.mark.parametrize("space", ["w", pytest.param("w+", marks=pytest.mark.slow)])
def test_a_generated_image_is_recovered(space: str) -> None:
    generator = style_generator(16).requires_grad_(False)
    model = subject(generator)
    ws = sampled_ws(model, 64)
    target = paint(generator, ws[:1])[0]
    options = ProjectionOptions(steps=100, space=space, noise_weight=1.0)
    path = list(project(generator, target, model.distance, start_of(generator, ws, 0), options))
    end = model.distance(repainted(generator, path[-1])[None], target[None])
    assert float(end) < 0.1 * float(path[0].distance)
    if space == "w":
        near, far = ((w - ws[0, 0]).norm() for w in (path[-1].ws[0], ws[:, 0].mean(dim=0)))
        assert near < 0.5 * far
    assert (path[-1].ws.std(dim=0).max() > 0) == (space == "w+")


@pytest.mark.slow
def test_real_images_are_recovered_less_well_and_told_apart() -> None:
    model = subject_of("skip", count=3)
    found = Attribution(Attribution.Config(steps=60, statistics=64, noise_weight=1.0)).analyze(model).numbers
    assert found["generated"].value < found["real"].value
    assert found["auroc"].value == 1


def test_auroc_is_one_for_sets_apart_and_a_half_for_the_same() -> None:
    a = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)
    assert auroc(a, a + 10) == 1
    assert auroc(a, a) == 0.5
    assert auroc(a + 10, a) == 0
    assert overlap(a, a) == 1
    assert overlap(a, a + 10) == 0
    assert overlap(torch.ones(3), torch.ones(2)) == 1


def test_the_same_seed_gives_the_same_projection() -> None:
    first, again = (
        Projection(Projection.Config(steps=3, statistics=8)).analyze(subject_of("skip", count=2)) for _ in range(2)
    )
    assert torch.equal(first.tensors["ws/1"], again.tensors["ws/1"])
    assert first.numbers == again.numbers


def test_a_target_s_features_are_computed_once_and_distances_are_the_same() -> None:
    extractor = first_available(["embedded"], torch.device("cpu"))
    images = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 255
    to_b = extractor.distances_to(images[1:])
    assert torch.equal(to_b(images[:1]), extractor.distance(images[:1], images[1:]))
    seen = []
    extractor.feature.stem, stem = lambda x: seen.append(1) or stem(x), extractor.feature.stem
    to_b(images[:1])
    assert len(seen) == 1
