"""A hundred averages of images against a hundred images, for chapter 12: which are nearer to the test images in W1?

Run it in the course's folder: ``python book/12_limits/better_w1.py``. It writes ``book/results/12_better_w1.json``.
"""

import logging

import torch

from tools.book import results
from wgan_course import transport
from wgan_course.data import images

SEEDS, POINTS = range(5), 100


def rng_of(seed, stream):
    """A source of randomness of its own for each seed and purpose."""
    return torch.Generator().manual_seed(1000 * seed + stream)


def sharpness(x):
    """Mean size of the difference between neighbouring pixels."""
    return float(x.diff(dim=-1).abs().mean() + x.diff(dim=-2).abs().mean())


def distance(x, y, weights=None):
    """Exact W1 between images, in pixels of the range [-1, 1]."""
    return float(transport.wasserstein(x.flatten(1).double(), y.flatten(1).double(), y_weights=weights))


def centroids(real, seed, rounds=15):
    """Lloyd's algorithm: means of clusters, and each cluster's share."""
    x, rng = real.flatten(1), rng_of(seed, 4)
    centres = x[torch.randperm(len(x), generator=rng)[:POINTS]].clone()
    for _ in range(rounds):
        own = torch.cdist(x, centres).argmin(1)
        counts = torch.bincount(own, minlength=POINTS)
        sums = torch.zeros_like(centres).index_add_(0, own, x)
        centres = torch.where(counts[:, None] > 0, sums / counts.clamp_min(1)[:, None], centres)
    own = torch.cdist(x, centres).argmin(1)
    return centres.reshape(-1, 1, 28, 28), torch.bincount(own, minlength=POINTS).double() / len(x)


def few_points(sets, seed):
    """W1 from the test images to 100 real images, and to 100 averages of real images."""
    real, test = sets
    chosen = real[torch.randperm(len(real), generator=rng_of(seed, 5))[:POINTS]]
    means, shares = centroids(real, seed)
    return {
        "real images": {"w1": distance(test, chosen), "sharpness": sharpness(chosen) / sharpness(test)},
        "averages": {"w1": distance(test, means, shares), "sharpness": sharpness(means) / sharpness(test)},
    }


def load():
    """Training and test images of the embedded subset."""
    return [images.load("fashion-mnist", split, source="embedded").images for split in ("train", "test")]


def one_seed(seed):
    """Everything, for one seed."""
    return few_points(load(), seed)


def main():
    """Run every seed, and write the results with their provenance."""
    torch.set_num_threads(1)
    data = "the package's 4000 training and 1000 test images of Fashion-MNIST"
    results.run_seeds("12_better_w1", one_seed, SEEDS, results.provenance(__file__, data))


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    main()
