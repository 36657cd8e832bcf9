"""Feature plugins: what they compute, and what they say when their weights are missing."""

import sys
from pathlib import Path

import pytest
import torch
from support.fakes import made
from torch import Tensor

from gancore.config.load import load_evaluation
from gancore.errors import GancoreError
from gancore.evaluation.extractor import FeatureExtractor
from gancore.evaluation.pictures import as_rgb, to_uint8
from gancore.evaluation.weights import package, read_weights, state_hash
from gancore_plugins.features import timm as timm_feature
from gancore_plugins.features.inception import Inception, resized

CPU = torch.device("cpu")


def vgg_state() -> dict[str, Tensor]:
    """Random convolutions of VGG16 under torchvision's names."""
    from torchvision.models.vgg import cfgs, make_layers

    torch.manual_seed(0)
    return {f"features.{name}": value for name, value in make_layers(cfgs["D"]).state_dict().items()}


def test_lpips_is_that_of_torch_fidelity(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from torch_fidelity import sample_similarity_lpips as theirs
    from torchvision.models.vgg import cfgs, make_layers

    trunk = vgg_state()
    linear = {f"lin{i}.model.1.weight": torch.rand(1, c, 1, 1) for i, c in enumerate((64, 128, 256, 512, 512))}
    torch.save(trunk, tmp_path / "vgg.pth")
    torch.save(linear, tmp_path / "linear.pth")

    class Trunk:
        features = make_layers(cfgs["D"])

    Trunk.features.load_state_dict({name.removeprefix("features."): value for name, value in trunk.items()})
    monkeypatch.setattr(theirs, "load_state_dict_from_url", lambda *_, **__: linear)
    monkeypatch.setattr(theirs, "torchvision_load_pretrained_vgg16", Trunk)
    reference = theirs.SampleSimilarityLPIPS.__new__(theirs.SampleSimilarityLPIPS)
    load = torch.nn.Module.load_state_dict
    with monkeypatch.context() as patch:
        patch.setattr(torch.nn.Module, "load_state_dict", lambda self, state, **_: load(self, state, strict=False))
        reference.__init__("lpips-vgg16", sample_similarity_dtype="float32")

    ours = made("feature", "lpips", weights=str(tmp_path / "vgg.pth"), linear=str(tmp_path / "linear.pth"))
    ours.check()
    ours.prepare(CPU)
    a, b = torch.rand(2, 3, 3, 32, 32) * 255
    torch.testing.assert_close(ours.distance(a, b), reference(a, b).flatten(), rtol=1e-5, atol=1e-7)
    assert torch.equal(ours.distances_to(b)(a), ours.distance(a, b))
    assert ours.variant, "weights that somebody named are told in every name"


def test_timm_by_name_with_a_local_file(tmp_path: Path) -> None:
    import timm

    torch.manual_seed(0)
    model = timm.create_model("test_resnet", num_classes=0)
    torch.save(model.state_dict(), tmp_path / "weights.pth")
    feature = made("feature", "timm", model="test_resnet", weights=str(tmp_path / "weights.pth"))
    feature.check()
    feature.prepare(CPU)
    images = (torch.rand(2, 3, 16, 16) * 255).to(torch.uint8)
    found = feature.extract(images, ["features"])["features"]
    assert found.shape == (2, model.num_features)
    assert feature.variant == f"test_resnet@{state_hash(model.state_dict())[:8]}"

    from torch_fidelity.utils import create_feature_extractor

    name, weights = "timm:test_resnet", str(tmp_path / "weights.pth")
    theirs = create_feature_extractor(
        name, ["pooled"], cuda=False, feature_extractor_weights_path=weights, verbose=False
    )
    assert torch.equal(theirs(images)[0], found)
    timm_feature.register("test_resnet")  # twice is once


def test_timm_names_the_nearest_model() -> None:
    with pytest.raises(GancoreError, match="did you mean 'resnet50'"):
        made("feature", "timm", model="resnet5O").check()


def test_timm_without_weights_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    import timm

    def fails(*_: object, **__: object) -> None:
        raise OSError("no network here")

    monkeypatch.setattr(timm, "create_model", fails)
    with pytest.raises(GancoreError, match=r"no network here.*weights: PATH.*embedded"):
        made("feature", "timm", model="resnet18").check()


def test_a_silent_hub_is_asked_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    import huggingface_hub
    from huggingface_hub import constants

    def silent() -> None:
        raise OSError("no network here")

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(huggingface_hub, "get_session", silent)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(GancoreError, match="does not answer: no network here; there is no copy in"):
        made("feature", "timm", model="resnet18").check()
    assert "Retry" not in "".join(capfd.readouterr())
    assert not constants.HF_HUB_OFFLINE


def test_inception_without_weights_says_where_they_belong(no_weights: Path) -> None:
    with pytest.raises(GancoreError) as error:
        made("feature", "inception").check()
    told = str(error.value)
    for word in (str(no_weights), "6726825d.pth", "GANCORE_INCEPTION_WEIGHTS", "weights: PATH", "features: embedded"):
        assert word in told


@pytest.mark.parametrize("name", ["vgg16", "lpips", "dinov2"])
def test_others_do_so_too(no_weights: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.hub, "load", torch.hub.download_url_to_file)
    with pytest.raises(GancoreError, match=r"no network here.*(embedded|inception)"):
        made("feature", name).check()


def test_a_named_file_that_is_missing_is_not_replaced_by_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GANCORE_INCEPTION_WEIGHTS", str(tmp_path / "gone.pth"))
    with pytest.raises(GancoreError, match=r"gone.pth: no such file.*GANCORE_INCEPTION_WEIGHTS"):
        made("feature", "inception").check()


class Trap:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return sys.exit, ("code was executed",)


def test_a_file_with_code_is_refused(tmp_path: Path) -> None:
    torch.save({"weight": Trap()}, tmp_path / "trap.pth")
    with pytest.raises(GancoreError, match="not a file of weights"):
        made("feature", "inception", weights=str(tmp_path / "trap.pth")).check()


@pytest.mark.parametrize("content", [b"\0" * 100, b"hello", b""])
def test_junk_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "junk.pth").write_bytes(content)
    with pytest.raises(GancoreError, match="not a file of weights") as refusal:
        read_weights(tmp_path / "junk.pth")
    assert "weights_only" not in str(refusal.value)  # torch would advise to read it without protection


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    torch.save({"weight": torch.zeros(2)}, tmp_path / "other.pth")
    for name in ("inception", "vgg16", "lpips"):
        with pytest.raises(GancoreError, match="are not weights of"):
            made("feature", name, weights=str(tmp_path / "other.pth")).check()


def test_a_missing_package_is_told() -> None:
    with pytest.raises(GancoreError, match=r"pip install 'gancore\[evaluation\]'"):
        package("torch_fidelity_of_tomorrow", "evaluation")


def test_images_become_rgb_bytes() -> None:
    assert to_uint8(torch.tensor([-2.0, -1.0, 0.0, 1.0, 2.0])).tolist() == [0, 0, 128, 255, 255]
    gray = torch.full((1, 1, 2, 2), 7, dtype=torch.uint8)
    assert as_rgb(gray).unique().tolist() == [7]
    clear = torch.zeros(1, 4, 2, 2, dtype=torch.uint8)
    assert as_rgb(clear).unique().tolist() == [255]
    assert as_rgb(gray.float()).shape == (1, 3, 2, 2)


def test_inception_resizes_as_tensorflow_did() -> None:
    from torch_fidelity.interpolate_compat_tensorflow import interpolate_bilinear_2d_like_tensorflow1x as reference

    for size in ((32, 32), (299, 299), (340, 310), (1, 5)):
        images = torch.randint(0, 256, (2, 3, *size), dtype=torch.uint8)
        want = (reference(images.float(), size=(299, 299), align_corners=False) - 128) / 128
        torch.testing.assert_close(resized(images), want, rtol=0, atol=1e-6)


def random_inception() -> dict[str, Tensor]:
    """A state of torch-fidelity's Inception, random but for convolutions that keep the size of what they are given."""
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    torch.manual_seed(0)
    network = FeatureExtractorInceptionV3.__new__(FeatureExtractorInceptionV3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "load", lambda *_, **__: {})
        patch.setattr(torch.nn.Module, "load_state_dict", lambda *_, **__: None)
        network.__init__("inception-v3-compat", ["2048", "logits_unbiased"], "none")  # type: ignore[misc]
    state = network.state_dict()
    for name, value in state.items():
        if name.endswith(("bn.weight", "running_var")):
            value.uniform_(0.5, 2.0)
        elif name.endswith(("bn.bias", "running_mean")):
            value.normal_(0, 0.2)
        elif value.ndim == 4:
            value.normal_(0, (2 / value[0].numel()) ** 0.5)
    return state


def test_inception_is_that_of_torch_fidelity(tmp_path: Path) -> None:
    """The whole network with random weights, so that this needs no download; then in bf16, under its own name."""
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    path = str(tmp_path / "random.pth")
    torch.save(random_inception(), path)
    images = torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8)
    want = FeatureExtractorInceptionV3("inception-v3-compat", ["2048", "logits_unbiased"], path)(images)
    ours = made("feature", "inception", weights=path)
    ours.prepare(CPU)
    found = ours.extract(images, ["features", "logits"])
    for ours_, theirs in zip((found["features"], found["logits"]), want, strict=True):
        assert float((ours_ - theirs).norm() / theirs.norm()) < 1e-5
    assert ours.precision == ""

    half = made("feature", "inception", weights=path, precision="bf16")
    half.prepare(CPU)
    features = half.extract(images[:1], ["features"])["features"]
    assert features.dtype == torch.float32
    assert 1e-4 < float((features - want[0][:1]).norm() / want[0][:1].norm()) < 0.1
    assert half.precision == "bf16"


def test_a_lower_precision_stands_in_every_name() -> None:
    part = load_evaluation({"features": {"use": "inception", "precision": "bf16"}, "metrics": ["fid"]}).features
    extractor = FeatureExtractor(part, CPU)
    vars(extractor.feature)["_hash"] = Inception.standard
    assert extractor.label == "inception-bf16"
    vars(extractor.feature)["_hash"] = "0123456789"
    assert extractor.label == "inception-bf16:01234567"
