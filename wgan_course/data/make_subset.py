"""Make the balanced subset of Fashion-MNIST that the package ships: ``python -m wgan_course.data.make_subset``.

400 training images and 100 test images of each class, drawn with a fixed seed from the full sets, whose checksums are
verified first; beside the npz file goes a JSON file that says how it was made.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from wgan_course.data import fashion, idx

__all__ = ["balanced_indices", "main", "make"]

PER_CLASS = {"train": 400, "test": 100}
SEED = 20170828


def balanced_indices(labels: np.ndarray, per_class: int, rng: np.random.Generator) -> np.ndarray:
    """Draw the same number of images of each class, without replacement.

    Parameters
    ----------
    labels : ndarray of int, shape (n,)
    per_class : int
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of int, shape (classes * per_class,)
        Increasing positions in ``labels``.

    Raises
    ------
    ValueError
        A class has fewer than ``per_class`` images.
    """
    counts = np.bincount(labels)
    if counts.min() < per_class:
        raise ValueError(f"per_class must be at most {counts.min()}, the rarest class's count, got {per_class}")
    drawn = [rng.choice(np.flatnonzero(labels == label), per_class, replace=False) for label in range(len(counts))]
    return np.sort(np.concatenate(drawn))


def _split(folder: str | Path, split: str, rng: np.random.Generator) -> dict[str, np.ndarray]:
    full = fashion.read_idx(folder, split, "debian")
    keep = balanced_indices(full.labels, PER_CLASS[split], rng)
    return {
        f"{split}_images": full.pixels[keep, 0],
        f"{split}_labels": full.labels[keep].astype("u1"),
        f"{split}_indices": keep.astype("i4"),
    }


def _provenance(arrays: dict[str, np.ndarray]) -> dict:
    return {
        "what": "Fashion-MNIST, balanced subset: 400 training and 100 test images of each of the ten classes",
        "command": "python -m wgan_course.data.make_subset",
        "seed": SEED,
        "drawn_from": {"train": "the 60,000 training images", "test": "the 10,000 test images"},
        "input_md5_of_uncompressed_content": fashion.CONTENT_MD5,
        "array_md5": {name: idx.md5(array.tobytes()) for name, array in arrays.items()},
        "licence": "MIT, see fashion_mnist_LICENSE.txt",
        "paper": "arXiv:1708.07747",
    }


def make(folder: str | Path, target: str | Path) -> dict:
    """Write the subset, and beside it, with the suffix ``.json``, its provenance.

    Parameters
    ----------
    folder : str or Path
        Where the four idx files are.
    target : str or Path
        The npz file.

    Returns
    -------
    dict
        The provenance.
    """
    rng = np.random.default_rng(SEED)
    arrays = _split(folder, "train", rng) | _split(folder, "test", rng)
    np.savez_compressed(target, **arrays)  # pyright: ignore[reportArgumentType]
    record = _provenance(arrays)
    Path(target).with_suffix(".json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return record


def main(argv: list[str] | None = None) -> int:
    """Parse the command line and make the subset."""
    parser = argparse.ArgumentParser(prog="python -m wgan_course.data.make_subset")
    parser.add_argument("--folder", default=fashion.DEBIAN_FOLDER, help="where the four idx files are")
    parser.add_argument("--target", default=fashion.EMBEDDED_FILE, help="the npz file to write")
    arguments = parser.parse_args(argv)
    make(arguments.folder, arguments.target)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
