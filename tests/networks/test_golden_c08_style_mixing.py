"""Golden c08: images whose coarse layers follow one latent and whose fine layers follow another."""

import pytest
import torch
from support.golden_cases import Case, cases, close
from support.published import generator, load

EACH = [pytest.param(c, e, id=f"{c}-{e['cutoff']}") for c in cases("c08_*") for e in c.sidecar["cases"]]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize(("case", "entry"), EACH)
def test_mixed_image(case: Case, entry: dict, dtype: torch.dtype) -> None:
    G = load(generator(case.sidecar["constructor"]["kwargs"]), case, "G.", dtype)
    assert G.num_ws == case.sidecar["num_ws"]
    ws1, ws2 = (G.mapping(case.tensors[name].to(dtype)) for name in ("z1", "z2"))
    cutoff, results = entry["cutoff"], case.under(f"cutoff{entry['cutoff']}.")
    image = G.synthesis(torch.cat([ws1[:, :cutoff], ws2[:, cutoff:]], dim=1), noise_mode="const")[-1]
    close(image, results["image64" if dtype == torch.float64 else "image"], results["image64"], rtol64=1e-7)
