"""Versions of ``displacement`` that students write."""

import numpy as np
import torch

from ..registry import Trials


def right(x, y, partner, t):
    return (1 - t) * x + t * y[partner]


def loop(x, y, partner, t):
    return torch.stack([p + t * (y[j] - p) for p, j in zip(x, partner.tolist(), strict=True)])


def by_table(x, y, partner, t):
    """Through a plan: a table with one entry a row."""
    plan = torch.nn.functional.one_hot(partner, len(y)).to(x.dtype)
    return (1 - t) * x + t * plan @ y


def in_place(x, y, partner, t):
    x.lerp_(y[partner], t)
    return x.clone()


def unit_steps(x, y, partner, t):
    way = y[partner] - x
    return x + t * way / way.norm(dim=1, keepdim=True)


def inverse(x, y, partner, t):
    """Sorts the targets by the pairing: the inverse permutation."""
    return (1 - t) * x + t * y[partner.argsort()]


def scattered(x, y, partner, t):
    moved = torch.zeros_like(x)
    moved[partner] = y[: len(x)]
    return (1 - t) * x + t * moved


TRIALS = Trials("ps02.displacement")
TRIALS.mutants(
    "no-partner",
    as_they_come=lambda x, y, s, t: (1 - t) * x + t * y[: len(x)] if len(y) >= len(x) else x + y,
    lerp=lambda x, y, s, t: torch.lerp(x, y, t),
)
TRIALS.mutants(
    "inverse",
    argsort=inverse,
    x_indexed=lambda x, y, s, t: (1 - t) * x[s] + t * y,
)
TRIALS.mutants(
    "time-reversed",
    reversed=lambda x, y, s, t: t * x + (1 - t) * y[s],
    from_the_target=lambda x, y, s, t: y[s] + t * (x - y[s]),
)
TRIALS.mutants("only-the-step", step=lambda x, y, s, t: t * (y[s] - x))
TRIALS.mutants(
    "adds-target",
    adds=lambda x, y, s, t: x + t * y[s],
    addcmul=lambda x, y, s, t: torch.add(x, y[s], alpha=t),
)
TRIALS.mutants("halfway", middle=lambda x, y, s, t: (x + y[s]) / 2, start=lambda x, y, s, t: x.clone())
TRIALS.mutants("unit-steps", unit=unit_steps)
TRIALS.mutants(
    "mixture",
    scaled=lambda x, y, s, t: torch.cat([(1 - t) * x, t * y]),
    both=lambda x, y, s, t: torch.cat([x, y]),
)
TRIALS.mutants(
    "other-speed",
    square=lambda x, y, s, t: (1 - t**2) * x + t**2 * y[s],
    smooth=lambda x, y, s, t: right(x, y, s, t * t * (3 - 2 * t)),
)
TRIALS.mutants("switch", jump=lambda x, y, s, t: torch.where(torch.tensor(t) < 0.5, x, y[s]))
TRIALS.mutants("mutates-input", in_place=in_place)
TRIALS.mutants("generic:shape", mean=lambda x, y, s, t: right(x, y, s, t).mean(0))
TRIALS.alternatives(
    right=right,
    loop=loop,
    by_table=by_table,
    step=lambda x, y, s, t: x + t * (y[s] - x),
    lerp=lambda x, y, s, t: torch.lerp(x, y[s], t),
    select=lambda x, y, s, t: x.mul(1 - t).add(y.index_select(0, s).mul(t)),
    numpy=lambda x, y, s, t: (1 - t) * x.numpy() + t * np.take(y.numpy(), s.numpy(), axis=0),
    from_the_end=lambda x, y, s, t: y[s] - (1 - t) * (y[s] - x),
)


def late_start(x, y, partner, t):
    return x if t < 0.1 else torch.lerp(x, y[partner], t)


TRIALS.mutants("generic:handed-back", late_start=late_start)


def in_space(x, y, partner, t):
    return torch.cat([right(x, y, partner, t)[:, :3], x[:, 3:]], dim=1)


TRIALS.mutants("generic:value", in_space=in_space)
TRIALS.mutants("unweighted-target", no_t=lambda x, y, s, t: (1 - t) * x + y[s])
