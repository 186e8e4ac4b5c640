"""Versions of ``cost_matrix`` that students write."""

import math

import numpy as np
import scipy.spatial.distance
import torch

from ..registry import Trials


def loop(x, y):
    return [[math.dist(p, q) for q in y.tolist()] for p in x.tolist()]


def gram(x, y):
    squares = (x * x).sum(1)[:, None] + (y * y).sum(1) - 2 * x @ y.T
    return squares.clamp(min=0).sqrt()


def in_place(x, y):
    x -= y[0]
    return (x[:, None] - (y - y[0])).norm(dim=-1)


TRIALS = Trials("ps02.cost_matrix")
TRIALS.mutants(
    "squared",
    no_root=lambda x, y: ((x[:, None] - y) ** 2).sum(-1),
    scipy_squared=lambda x, y: scipy.spatial.distance.cdist(x, y, "sqeuclidean"),
)
TRIALS.mutants(
    "manhattan",
    absolute=lambda x, y: (x[:, None] - y).abs().sum(-1),
    cdist_one=lambda x, y: torch.cdist(x, y, p=1.0),
)
TRIALS.mutants("largest-coordinate", maximum=lambda x, y: (x[:, None] - y).abs().amax(-1))
TRIALS.mutants("mean-over-coordinates", mean=lambda x, y: ((x[:, None] - y) ** 2).mean(-1).sqrt())
TRIALS.mutants(
    "transposed",
    other_axis=lambda x, y: (x - y[:, None]).norm(dim=-1),
    swapped=lambda x, y: torch.cdist(y, x),
)
TRIALS.mutants("within-x", x_to_x=lambda x, y: torch.cdist(x, x), y_to_y=lambda x, y: torch.cdist(y, y))
TRIALS.mutants(
    "difference-of-norms",
    norms=lambda x, y: (x.norm(dim=1)[:, None] - y.norm(dim=1)).abs(),
    signed=lambda x, y: x.norm(dim=1)[:, None] - y.norm(dim=1),
)
TRIALS.mutants(
    "pairs-only",
    broadcast=lambda x, y: (x - y).norm(dim=-1),
    pairwise=lambda x, y: torch.nn.functional.pairwise_distance(x[: len(y)], y[: len(x)]),
    zipped=lambda x, y: [math.dist(p, q) for p, q in zip(x.tolist(), y.tolist(), strict=False)],
)
TRIALS.mutants("all-differences", no_norm=lambda x, y: x[:, None] - y, size=lambda x, y: (x[:, None] - y).abs())
TRIALS.mutants(
    "cancellation",
    gram=gram,
    cdist=torch.cdist,
    numpy_gram=lambda x, y: np.sqrt(
        np.abs((x.numpy() ** 2).sum(1)[:, None] + (y.numpy() ** 2).sum(1) - 2 * x.numpy() @ y.numpy().T)
    ),
    with_matrix_product=lambda x, y: torch.cdist(x, y, compute_mode="use_mm_for_euclid_dist"),
    single=lambda x, y: torch.cdist(x.float(), y.float()),
)
TRIALS.mutants("mutates-input", in_place=in_place)
TRIALS.mutants("over-points", over_points=lambda x, y: (x[:, None] - y).norm(dim=1))
TRIALS.alternatives(
    loop=loop,
    norm=lambda x, y: (x[:, None] - y[None]).norm(dim=-1),
    linalg=lambda x, y: torch.linalg.vector_norm(x.unsqueeze(1) - y.unsqueeze(0), dim=2),
    cdist=lambda x, y: torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist"),
    scipy=lambda x, y: scipy.spatial.distance.cdist(x.numpy(), y.numpy()),
    by_rows=lambda x, y: torch.stack([(y - p).pow(2).sum(1).sqrt() for p in x]),
    by_columns=lambda x, y: torch.stack([(x - q).norm(dim=1) for q in y], dim=1),
    by_coordinates=lambda x, y: np.sqrt(
        sum(np.subtract.outer(x[:, k].numpy(), y[:, k].numpy()) ** 2 for k in range(x.shape[1]))
    ),
)


def products_from_a_corner(x, y):
    x, y = x - x[:1], y - x[:1]
    return ((x**2).sum(1)[:, None] + (y**2).sum(1) - 2 * x @ y.T).clamp(min=0).sqrt()


def smooth_at_zero(x, y):
    return (((x[:, None] - y) ** 2).sum(-1) + 1e-12).sqrt()


TRIALS.mutants("cancellation", products_from_a_corner=products_from_a_corner)
TRIALS.mutants("generic:precision", smooth_at_zero=smooth_at_zero)


def mirrored(x, y):
    costs = (x[:, None] - y).norm(dim=-1)
    return costs.triu() + costs.triu(1).T if len(x) == len(y) else costs


TRIALS.mutants("zero-diagonal", zero_diagonal=lambda x, y: (x[:, None] - y).norm(dim=-1).fill_diagonal_(0))
TRIALS.mutants("one-triangle", mirrored=mirrored)
TRIALS.mutants("generic:direction", three_coordinates=lambda x, y: (x[:, None, :3] - y[:, :3]).norm(dim=-1))


def about_the_mean(x, y):
    mean = torch.cat([x, y]).mean(0)
    return torch.cdist(x - mean, y - mean)


TRIALS.mutants("cancellation", about_the_mean=about_the_mean)
