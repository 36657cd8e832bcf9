"""gancore.evaluate and `gancore evaluate`: names, repeats, sources, and errors before any work."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from support.pictures import folder, image_data, random_images
from support.tiny import tiny_experiment

import gancore
from gancore.artifacts.model import save_model
from gancore.cli import main
from gancore.composition import compose
from gancore.config.experiment import Chosen
from gancore.contracts import Generator
from gancore.errors import ConfigError, DataError, GancoreError, RunError
from gancore.evaluation import Generated
from gancore.evaluation.api import evaluation_of
from gancore.evaluation.targets import label_rows

KEYS = ["name", "value", "spread", "protocol", "features", "samples", "seed", "data"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    experiment = tiny_experiment()
    save_model(path, compose(experiment).generator, experiment, {"kimg": 0})
    return path


def run(capsys: pytest.CaptureFixture[str], *args: object) -> tuple[int, str, str]:
    code = main(["evaluate", *map(str, args)])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_fid_of_a_set_with_itself_is_nothing(tmp_path: Path) -> None:
    for count in (40, 300):  # fewer images than features, and more
        images = random_images(count, 0)
        (score,) = gancore.evaluate(
            folder(tmp_path / str(count), images), metrics=["fid"], features="embedded", real=image_data(images)
        )
        assert abs(score.value) < 1e-3
        assert score.name == "fid[embedded]"
        assert score.samples == count
        assert score.seed is None


def test_a_model_against_its_own_data(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(
        capsys, model, "--metrics", "fid,kid,precision_recall,ppl2_wend", "--features", "embedded",
        *("--samples", 20, "--reals", 50, "--json"),
    )  # fmt: skip
    assert code == 0
    scores = json.loads(out)
    names = ["fid", "kid", "precision", "recall", "ppl2_wend"]
    assert [score["name"] for score in scores] == [f"{name}[embedded]" for name in names]
    for score in scores:
        assert list(score) == KEYS
        assert score["samples"] == 20
        assert score["seed"] == 0
        assert score["features"] == "embedded"
        assert score["protocol"]
        assert score["data"]["dataset"] == "emoji"
        assert score["data"]["reals"] == 100  # 50 and their mirror images
        assert len(score["data"]["sha256"]) == 64


def test_a_folder_against_an_archive_of_the_package(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fakes = folder(tmp_path / "fakes", random_images(12, 1, 32))
    code, out, _ = run(capsys, fakes, "--real", "emoji", "--metrics", "fid", "--features", "embedded", "--reals", 30)
    assert code == 0
    assert out.startswith("fid[embedded] ")
    assert "(12 samples)" in out


def test_repeats_have_new_seeds_and_give_mean_and_spread(model: Path) -> None:
    options: dict[str, Any] = {"features": "embedded", "samples": 16, "real": image_data(random_images(20, 3))}
    (three,) = gancore.evaluate(model, metrics=[{"use": "fid", "repeat": 3}], seed=5, **options)
    values = torch.tensor(
        [gancore.evaluate(model, metrics=["fid"], seed=seed, **options)[0].value for seed in (5, 6, 7)],
        dtype=torch.float64,
    )
    assert len(set(values.tolist())) == 3
    assert three.value == pytest.approx(float(values.mean()))
    assert three.spread == pytest.approx(float(values.std()))
    assert "3 seeds" in three.protocol


def test_neither_batch_nor_company_changes_a_number(model: Path) -> None:
    options: dict[str, Any] = {"features": "embedded", "samples": 16, "real": image_data(random_images(20, 3))}
    (alone,) = gancore.evaluate(model, metrics=["fid"], batch=16, **options)
    together = gancore.evaluate(model, metrics=[{"use": "kid", "samples": 24}, "fid"], batch=5, **options)
    assert together[1].samples == 16
    assert together[1].value == pytest.approx(alone.value, rel=1e-4)


def test_labels_come_from_the_data() -> None:
    experiment = tiny_experiment(data__labels=True)
    generator: Generator = compose(experiment).generator
    classes = generator.interface.label_dim
    reals = image_data(random_images(10, 0), labels=torch.tensor([2] * 9 + [5]), classes=classes)
    drawn = [
        label for _, label in Generated(generator, label_rows(generator, reals)).draws(0, 300) if label is not None
    ]
    shares = torch.cat(drawn).mean(dim=0)
    assert shares.nonzero().flatten().tolist() == [2, 5]
    assert float(shares[2]) == pytest.approx(0.9, abs=0.06)
    uniform = [label for _, label in Generated(generator).draws(0, 300) if label is not None]
    assert float(torch.cat(uniform).mean(dim=0).max()) < 0.2


def test_growing_models_are_measured_at_their_final_size(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = gancore.load(model)
    synthesis = generator.synthesis.forward
    monkeypatch.setattr(generator.synthesis, "forward", lambda *a, **k: (synthesis(*a, **k)[-1][:, :, ::2, ::2],))
    (images,) = Generated(generator).batches(0, 0, 3)
    assert images.shape == (3, 3, 16, 16)
    assert torch.equal(images[:, :, ::2, ::2], images[:, :, 1::2, 1::2])


def test_metrics_use_what_gives_them_what_they_need(no_weights: Path, model: Path) -> None:
    """Path length on Inception features does not exist: its standard distance is taken, and must be there."""
    with pytest.raises(GancoreError, match=r"vgg16.*no network"):
        gancore.evaluate(model, metrics=["ppl2_wend"], features="inception")
    with pytest.raises(ConfigError, match="'ppl2_wend' needs features with distance, and 'inception' has none"):
        gancore.evaluate(model, metrics=[{"use": "ppl2_wend", "features": "inception"}])


def test_a_metric_whose_name_states_its_features_looks_through_no_others() -> None:
    def seen(metric: str | dict[str, Any]) -> Chosen:
        return evaluation_of(None, {"metrics": [metric], "features": "embedded"}, None).metrics[0].features

    assert seen("fd").use == "embedded"
    assert seen("fd_dinov2").use == "dinov2"
    assert seen({"use": "fd_dinov2", "features": {"use": "dinov2", "model": "s"}}).cfg.model == "s"  # type: ignore[attr-defined]
    with pytest.raises(ConfigError, match="'fd_dinov2' means dinov2 features, and uses no others"):
        seen({"use": "fd_dinov2", "features": "embedded"})


def test_options_are_given_as_in_yaml(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    metrics = "fid, {use: kid, subsets: 3, subset_size: 4},{use: fd, features: embedded}"
    code, out, _ = run(
        capsys, model, "--metrics", metrics, "--features", "{use: embedded}", "--samples", 8, "--reals", 8, "--json"
    )
    assert code == 0
    scores = json.loads(out)
    assert [score["name"] for score in scores] == ["fid[embedded]", "kid[embedded]", "fd[embedded]"]
    assert "3 subsets of at most 4" in scores[1]["protocol"]
    assert "8 of 1906 real images, mirrored as well" in scores[0]["protocol"]


def test_what_lacks_weights_is_named(no_weights: Path, model: Path) -> None:
    with pytest.raises(GancoreError) as caught:
        gancore.evaluate(model, metrics=["fid", "inception_score"], features="embedded")
    assert str(caught.value).startswith("inception_score does not use `features: embedded`, but inception")
    assert str(caught.value).endswith("or leave inception_score out")
    assert "features: embedded` needs no" not in str(caught.value)


def test_nothing_falls_back(no_weights: Path, model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, model, "--metrics", "fid", "--samples", 4)
    assert (code, out) == (2, "")
    assert "GANCORE_INCEPTION_WEIGHTS" in err
    assert "features: embedded" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["nowhere"], "nowhere: no such run, model, or folder of images"),
        (["{model}", "--metrics", "fidd", "--features", "embedded"], "did you mean 'fid'"),
        (["{model}", "--metrics", "fid", "--features", "embeddedd"], "did you mean 'embedded'"),
        (["{fakes}", "--metrics", "fid", "--features", "embedded"], "name them with --real"),
        (["{fakes}", "--metrics", "ppl2_wend", "--features", "embedded"], "name a run or a model"),
        (["{fakes}", "--real", "emoji", "--metrics", "fid", "--features", "embedded"], "32x32, not 16x16"),
        (["{fakes}", "--real", "emoji", "--features", "embedded"], "\n--fit resize, crop or pad makes"),
        (["{fakes}", "--real", "{fakes}", "--features", "embedded", "--samples", "99"], "there are 12 images"),
        (["{fakes}", "--real", "{fakes}", "--features", "embedded", "--repeat", "2"], "needs a generator"),
        (["{fakes}", "--real", "{fakes}", "--features", "embedded", "--device", "abacus"], "device: abacus: "),
        (
            ["{fakes}", "--real", "{fakes}", "--features", "embedded", "--reals", "13"],
            "requested (`reals`), and there are 12",
        ),
        (["{one}", "--real", "{fakes}", "--features", "embedded"], "at least two generated images, and there is 1"),
        (["{fakes}", "--real", "{one}", "--features", "embedded"], "at least two real images, and there is 1"),
        (["{model}", "--features", "{{use: timm}}"], "model is missing"),
        (
            ["{model}", "--features", "{{use: embedded", "--metrics", "fid"],
            "--features {use: embedded: a '{' is not closed",
        ),
        (["{fakes}", "--real", "nothing.zip", "--features", "embedded"], "nothing.zip: no such file or folder"),
        (
            ["{model}", "--metrics", "fid[embedded]"],
            "fid[embedded] is the name of a score; use fid, and choose its features",
        ),
    ],
)
def test_errors_say_what_is_wrong(
    args: list[str], words: str, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fakes = folder(tmp_path / "fakes", random_images(12, 1))
    one = folder(tmp_path / "one", random_images(1, 2))
    code, out, err = run(capsys, *[arg.format(model=model, fakes=fakes, one=one) for arg in args])
    assert (code, out) == (2, "")
    assert words in err
    assert "Traceback" not in err


def test_reals_of_another_size_can_be_made_to_fit(tmp_path: Path) -> None:
    fakes = folder(tmp_path / "fakes", random_images(12, 1))
    (score,) = gancore.evaluate(fakes, real="emoji", features="embedded", fit="resize", reals=20)
    assert score.data is not None
    assert score.data["resolution"] == 16
    assert score.data["fit"] == "resize"


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.safetensors").write_bytes(b"no")
    with pytest.raises(RunError):
        gancore.evaluate(tmp_path / "x.safetensors")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError):
        gancore.evaluate(tmp_path / "empty", real="emoji", features="embedded")


def test_images_that_are_equal_do_not_break_a_metric(tmp_path: Path) -> None:
    images = random_images(1, 0).repeat(30, 1, 1, 1)
    scores = gancore.evaluate(
        folder(tmp_path / "fakes", images),
        metrics=["fid", "kid", "precision_recall"],
        features="embedded",
        real=image_data(random_images(30, 4)),
    )
    assert all(score.value == score.value for score in scores)


def test_a_generator_can_be_given(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    images = Generated.images
    monkeypatch.setattr(Generated, "images", lambda self, *a: made.append(a) or images(self, *a))
    reals = image_data(random_images(20, 3))
    gancore.evaluate(gancore.load(model), metrics=["fid", "kid"], features="embedded", samples=8, real=reals)
    assert made == [(0, 0, 8)], "images are generated once for all metrics"
