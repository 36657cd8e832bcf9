"""FID, KID, precision, recall and Inception score are those of torch-fidelity's own command on the same two folders."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.pictures import folder, random_images

import gancore

WEIGHTS = os.environ.get("GANCORE_INCEPTION_WEIGHTS")


@pytest.mark.slow
@pytest.mark.skipif(not WEIGHTS, reason="GANCORE_INCEPTION_WEIGHTS is not set")
def test_equal_to_its_command(tmp_path: Path) -> None:
    fakes, reals = folder(tmp_path / "a", random_images(60, 1, 32)), folder(tmp_path / "b", random_images(70, 2, 32))
    command = [sys.executable, "-m", "torch_fidelity.fidelity", "--cpu", "--json", "--silent", "--no-cache", "--isc"]
    command += ["--fid", "--kid", "--prc", "--kid-subset-size", "50", "--input1", str(fakes), "--input2", str(reals)]
    command += ["--feature-extractor", "inception-v3-compat", "--feature-extractor-weights-path", str(WEIGHTS)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    theirs = json.loads(done.stdout[done.stdout.index("{") :])
    ours = gancore.evaluate(
        fakes, real=reals, metrics=["fid", {"use": "kid", "subset_size": 50}, "precision_recall", "inception_score"]
    )
    found = {score.name: score for score in ours}
    pairs = {
        "fid": "frechet_inception_distance",
        "kid": "kernel_inception_distance_mean",
        "precision[inception]": "precision",
        "recall[inception]": "recall",
        "inception_score": "inception_score_mean",
    }
    print({name: (found[name].value, theirs[key]) for name, key in pairs.items()})
    for name, key in pairs.items():
        assert found[name].value == pytest.approx(theirs[key], rel=1e-3, abs=1e-9), name
    assert found["kid"].spread == pytest.approx(theirs["kernel_inception_distance_std"], rel=1e-2)
