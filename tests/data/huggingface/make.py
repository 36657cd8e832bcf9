"""Makes the data sets beside this file, with the library itself: pip install datasets pillow; python make.py

Made by datasets 5.2.0 with pyarrow 26.0.1.
"""

from pathlib import Path

import datasets
import numpy as np
from PIL import Image

HERE = Path(__file__).parent
PIXELS = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 3), dtype=np.uint8)
LABELS = [0, 2, 1, 1, 0, 2]

if __name__ == "__main__":
    features = {
        "image": datasets.Image(),
        "label": datasets.ClassLabel(names=["cat", "dog", "emu"]),
        "text": datasets.Value("string"),
    }
    columns = {"image": [Image.fromarray(pixels) for pixels in PIXELS], "label": LABELS, "text": list("abcdef")}
    train = datasets.Dataset.from_dict(columns, features=datasets.Features(features))
    test = train.select([1, 3])
    shards = {"train": 2, "test": 1}
    datasets.DatasetDict({"train": train, "test": test}).save_to_disk(HERE / "splits", num_shards=shards)
