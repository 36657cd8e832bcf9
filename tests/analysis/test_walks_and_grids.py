"""Analyses that paint: closed forms on a linear generator, and exchanges that are known."""

import pytest
import torch
from support.subjects import LinearGenerator, style_generator, subject, subject_of

from gancore.analysis import mixed, paint, sampled_ws, slerp, slots_by_scale
from gancore.contracts import Analysis, Film, Grid, Picture, Result
from gancore.testing.model import SmallAnalysisSubject
from gancore_plugins.analyses.interpolation import Interpolation
from gancore_plugins.analyses.latent_arithmetic import LatentArithmetic
from gancore_plugins.analyses.nearest import Nearest
from gancore_plugins.analyses.path_length import PathLength
from gancore_plugins.analyses.style_mixing import StyleMixing
from gancore_plugins.analyses.truncation import Truncation


def analyzed(plugin: type[Analysis], model: SmallAnalysisSubject, **options: object) -> Result:
    with torch.no_grad():
        return plugin(plugin.Config(**options)).analyze(model)


def test_arithmetic_is_exact_on_a_linear_generator() -> None:
    found = analyzed(LatentArithmetic, subject(LinearGenerator()), near=0.0)
    assert found.numbers["residual_z"].value < 1e-6
    (grid,) = found.figures
    assert isinstance(grid, Grid)
    a, b, c, result, *near = (tile.pixels for tile in grid.tiles[0] if isinstance(tile, Picture))
    torch.testing.assert_close(result, a - b + c, rtol=0, atol=1e-6)
    torch.testing.assert_close(near[0], result, rtol=0, atol=1e-6)
    z, _ = subject(LinearGenerator()).latents(9)
    torch.testing.assert_close(a, paint(LinearGenerator(), z[:3].mean(dim=0)[None, None])[0])


def test_arithmetic_is_not_exact_on_another() -> None:
    found = analyzed(LatentArithmetic, subject(style_generator(16)))
    assert found.numbers["residual_z"].value > 0.05
    assert found.numbers["residual_w"].value > 0.01


def test_diversity_of_a_linear_generator_is_psi() -> None:
    numbers = analyzed(Truncation, subject(LinearGenerator(), count=16), psi=[1.0, 0.25, -0.5, 0.0]).numbers
    wanted = {"1": 1.0, "0.25": 0.25, "-0.5": 0.5, "0": 0.0, "0.5": 0.5}
    assert {k.removeprefix("diversity/"): v.value for k, v in numbers.items() if "/" in k} == pytest.approx(wanted)
    assert numbers["diversity_at_half"].value == pytest.approx(0.5)


def test_exchanged_slots_are_those_of_the_source() -> None:
    assert slots_by_scale(18) == {"coarse": range(4), "middle": range(4, 8), "fine": range(8, 18)}
    assert slots_by_scale(2) == {"coarse": range(1), "fine": range(1, 2)}
    ws, source = torch.zeros(2, 5, 3), torch.ones(1, 5, 3)
    assert mixed(ws, source, range(1, 3))[:, :, 0].tolist() == [[0, 1, 1, 0, 0]] * 2


def test_layers_without_effect_have_no_strength() -> None:
    generator = style_generator(32)
    model = subject(generator, count=8)
    with torch.no_grad():
        for name in ("b32.conv0", "b32.conv1", "b32.torgb"):  # the last three of eight slots: two are fine
            generator.synthesis.get_submodule(name).affine.weight.zero_()
    numbers = analyzed(StyleMixing, model).numbers
    assert numbers["fine"].value < numbers["coarse"].value
    ws = sampled_ws(model, 2)
    last = mixed(ws[:1], ws[1:], range(generator.num_ws - 1, generator.num_ws))
    assert torch.equal(paint(generator, last), paint(generator, ws[:1]))


def test_walks_are_closed_and_films_have_all_frames() -> None:
    found = analyzed(Interpolation, subject(style_generator(16), count=3), frames=4)
    films = {figure.name: figure for figure in found.figures if isinstance(figure, Film)}
    assert {name: len(film.frames) for name, film in films.items()} == {"film_z": 12, "film_w": 12}
    torch.testing.assert_close(films["film_z"].frames[::4], films["film_w"].frames[::4])  # the samples themselves


def test_a_straight_walk_of_a_linear_generator_is_even() -> None:
    a, b = torch.tensor([[3.0, 0.0]]), torch.tensor([[0.0, 3.0]])
    quarter = slerp(a, b, torch.tensor([[0.5]]))
    torch.testing.assert_close(quarter, torch.full((1, 2), 3 / 2**0.5))
    torch.testing.assert_close(slerp(a, a, torch.tensor([[0.3]])), a)


def test_path_length_of_a_linear_generator_grows_with_the_square_of_its_scale() -> None:
    """The small subject's distance is the mean squared difference, so that d / epsilon^2 does not depend on epsilon."""
    once, finer = (
        analyzed(PathLength, subject(LinearGenerator()), epsilon=e).numbers["mean"].value for e in (0.1, 0.01)
    )
    assert once == pytest.approx(finer, rel=1e-6)
    twice = LinearGenerator()
    with torch.no_grad():
        twice.synthesis.weight.mul_(2)
    assert analyzed(PathLength, subject(twice)).numbers["mean"].value == pytest.approx(4 * once, rel=1e-6)


def test_copies_are_found() -> None:
    model = subject_of("skip", count=6)

    def copies(*args: object, **options: object) -> torch.Tensor:
        return model.reals(6)

    model.generator.sample = copies  # type: ignore[method-assign]
    found = analyzed(Nearest, model).numbers
    assert found["copies"].value == 1
    assert found["distance"].value == pytest.approx(0, abs=1e-6)
    assert analyzed(Nearest, subject_of("skip", count=6)).numbers["copies"].value < 0.5
