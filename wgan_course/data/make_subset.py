"""Make the balanced subset of Fashion-MNIST that the package ships: ``python -m wgan_course.data.make_subset``.

400 training images and 100 test images of each class, drawn with a fixed seed from the full sets, whose checksums are
verified first; beside the npz file goes a JSON file that says how it was made.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from wgan_course.data import idx, images

__all__ = ["balanced_indices", "main", "make"]

PER_CLASS = {"train": 400, "test": 100}
SEED = 20170828


def balanced_indices(labels, per_class, rng):
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


def _split(folder, split, rng):
    pictures, labels = images._read_folder(folder, split, "debian")
    keep = balanced_indices(labels, PER_CLASS[split], rng)
    return {f"{split}_images": pictures[keep], f"{split}_labels": labels[keep], f"{split}_indices": keep.astype("i4")}


def _provenance(arrays):
    return {
        "what": "Fashion-MNIST, balanced subset: 400 training and 100 test images of each of the ten classes",
        "command": "python -m wgan_course.data.make_subset",
        "seed": SEED,
        "drawn_from": {"train": "the 60,000 training images", "test": "the 10,000 test images"},
        "input_md5_of_uncompressed_content": images.CONTENT_MD5,
        "array_md5": {name: idx.md5(array.tobytes()) for name, array in arrays.items()},
        "licence": "MIT, see fashion_mnist_LICENSE.txt",
        "paper": "arXiv:1708.07747",
    }


def make(folder, target):
    """Write the subset and its provenance.

    Parameters
    ----------
    folder : str or Path
        Where the four idx files are.
    target : str or Path
        The npz file to write; the provenance goes beside it, with the suffix ``.json``.

    Returns
    -------
    dict
        The provenance.

    Raises
    ------
    FileNotFoundError
        A file is missing from ``folder``.
    BadFileError
        A file is not the one that Zalando published.
    """
    rng = np.random.default_rng(SEED)
    arrays = _split(Path(folder), "train", rng) | _split(Path(folder), "test", rng)
    np.savez_compressed(target, **arrays)
    record = _provenance(arrays)
    Path(target).with_suffix(".json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return record


def main(argv=None):
    """Parse the command line and make the subset.

    Parameters
    ----------
    argv : list of str, optional
        Arguments; those of the process when absent.

    Returns
    -------
    int
        0
    """
    parser = argparse.ArgumentParser(prog="python -m wgan_course.data.make_subset", description=__doc__.split("\n")[0])
    parser.add_argument("--folder", default=images.DEBIAN_FOLDER, help="where the four idx files are")
    parser.add_argument("--target", default=images.EMBEDDED_FILE, help="the npz file to write")
    arguments = parser.parse_args(argv)
    make(arguments.folder, arguments.target)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
