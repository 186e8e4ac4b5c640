"""What chapter 10's live generator needs in the page: the package's trained weights, and some training images.

They come from the package's own files when the book is built, so that no second copy is kept. A script can be loaded
from disk where a binary file cannot, so they are base64 in a script of their own, which the figure asks for when it
comes into view.
"""

import base64
import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from wgan_course.data import fashion
from wgan_course.models import pretrained

__all__ = ["IMAGES_A_CLASS", "packed", "training_images", "write"]

NAME = "fashion-mnist-conditional"
IMAGES_A_CLASS = 100
NEEDLESS = "num_batches_tracked"


def training_images() -> Tensor:
    """The first hundred images of each class among those that the package holds, class by class.

    Returns
    -------
    images : Tensor of uint8, shape (1000, 784)
    """
    raw, *_ = fashion.read("train", None, "embedded", download=False)
    order = np.concatenate([np.flatnonzero(raw.labels == label)[:IMAGES_A_CLASS] for label in range(10)])
    return torch.from_numpy(raw.pixels[order].reshape(len(order), -1))


def packed() -> dict[str, Any]:
    """The weights in half precision, the images, and how far a training image is from the nearest other one.

    Returns
    -------
    data : dict
        ``layout``, ``weights`` and ``images`` (deflated), both base64, ``classes`` and ``typical``.
    """
    state = {name: part for name, part in pretrained.load(NAME).state_dict().items() if NEEDLESS not in name}
    weights = b"".join(part.to(torch.float16).numpy().astype("<f2").tobytes() for part in state.values())
    known = training_images()
    return {
        "layout": [[name, list(part.shape)] for name, part in state.items()],
        "weights": base64.b64encode(weights).decode(),
        "images": base64.b64encode(zlib.compress(known.numpy().tobytes(), 9)).decode(),
        "classes": list(fashion.CLASSES),
        "typical": round(_typical_distance(known), 2),
    }


def _typical_distance(known: Tensor) -> float:
    """The median over the images of the distance to the nearest other one."""
    points = known.to(torch.float64) / 127.5 - 1
    distances = torch.cdist(points, points).fill_diagonal_(torch.inf)
    return float(distances.min(1).values.median())


def write(out: Path) -> None:
    """Write the script that hands the data to the figure.

    Parameters
    ----------
    out : Path
        Of the bundled scripts; gets ``generator/data.js``.
    """
    (out / "generator").mkdir(parents=True, exist_ok=True)
    text = f"globalThis.wganCourseGenerator = {json.dumps(packed(), separators=(',', ':'))};\n"
    (out / "generator" / "data.js").write_text(text, encoding="utf-8")
