"""Versions of ``js`` that students write."""

import numpy as np
import scipy.spatial.distance
import scipy.special
import torch
from torch.nn import functional

from ..registry import Trials


def rel(p, q):
    """Right KL, as a student has it from the exercise before."""
    return torch.where(p > 0, torch.special.xlogy(p, p) - torch.special.xlogy(p, q), 0.0).sum()


def right(p, q):
    m = (p + q) / 2
    return (rel(p, m) + rel(q, m)) / 2


def naive_kl(p, q):
    return (p * (p / q).log()).sum()


def naive(p, q):
    m = 0.5 * (p + q)
    return 0.5 * (naive_kl(p, m) + naive_kl(q, m))


def skips(p, q):
    both = (p > 0) & (q > 0)
    return right(p[both], q[both])


def geometric(p, q):
    m = (p * q).sqrt()
    return 0.5 * rel(p, m) + 0.5 * rel(q, m)


def in_place(p, q):
    m = p.clone().add_(q).mul_(0.5)
    value = 0.5 * rel(p, m) + 0.5 * rel(q, m)
    p += q
    return value


def entropies(p, q):
    entropy = torch.special.entr
    return entropy((p + q) / 2).sum() - 0.5 * entropy(p).sum() - 0.5 * entropy(q).sum()


def loop(p, q):
    total = 0.0
    for a, b in zip(p.tolist(), q.tolist(), strict=True):
        for mass in (a, b):
            total += 0.5 * mass * np.log(2 * mass / (a + b)) if mass > 0 else 0.0
    return total


def bernoulli_view(p, q):
    total = p + q
    share = torch.where(total > 0, p / torch.where(total > 0, total, 1.0), 0.5)
    entropy = torch.special.entr(share) + torch.special.entr(1 - share)
    return np.log(2) - 0.5 * (total * entropy).sum()


TRIALS = Trials("ps01.js")
TRIALS.mutants(
    "no-half",
    sum_of_both=lambda p, q: rel(p, (p + q) / 2) + rel(q, (p + q) / 2),
    naive_sum=lambda p, q: naive_kl(p, (p + q) / 2) + naive_kl(q, (p + q) / 2),
)
TRIALS.mutants("mixture-not-halved", sum_for_mixture=lambda p, q: 0.5 * rel(p, p + q) + 0.5 * rel(q, p + q))
TRIALS.mutants(
    "symmetric-kl",
    jeffreys=lambda p, q: rel(p, q) + rel(q, p),
    half_jeffreys=lambda p, q: 0.5 * (rel(p, q) + rel(q, p)),
)
TRIALS.mutants(
    "one-sided",
    only_p=lambda p, q: rel(p, (p + q) / 2),
    half_of_p=lambda p, q: 0.5 * rel(p, (p + q) / 2),
    only_q=lambda p, q: rel(q, (p + q) / 2),
)
TRIALS.mutants(
    "reversed",
    mixture_first=lambda p, q: 0.5 * (rel((p + q) / 2, p) + rel((p + q) / 2, q)),
    torch_order=lambda p, q: sum(functional.kl_div(x.log(), (p + q) / 2, reduction="sum") for x in (p, q)) / 2,
)
TRIALS.mutants(
    "base-two",
    bits=lambda p, q: right(p, q) / np.log(2),
    scipy_bits=lambda p, q: scipy.spatial.distance.jensenshannon(p.numpy(), q.numpy(), base=2) ** 2,
)
TRIALS.mutants("square-root", scipy_distance=lambda p, q: scipy.spatial.distance.jensenshannon(p.numpy(), q.numpy()))
TRIALS.mutants("mean", mean=lambda p, q: right(p, q) / len(p))
TRIALS.mutants("geometric", geometric=geometric)
TRIALS.mutants("zero-times-log", naive=naive, naive_numpy=lambda p, q: naive(p, q).numpy())
TRIALS.mutants("dropped", only_common=skips)
TRIALS.mutants("mutates-input", in_place=in_place)


def with_constants(p, q):
    m = (p + q) / 2
    return sum((x * ((x + 1e-9) / (m + 1e-9)).log()).sum() for x in (p, q)) / 2


TRIALS.mutants("small-dropped", small_is_none=lambda p, q: torch.where(right(p, q) < 1e-6, 0.0, right(p, q)))
TRIALS.mutants("smoothed", with_constants=with_constants)
TRIALS.mutants("generic:unusable", returns_a_pair=lambda p, q: (right(p, q), "nats"))
TRIALS.mutants("generic:sign", negated=lambda p, q: -right(p, q))
TRIALS.alternatives(
    right=right,
    entropies=entropies,
    loop=loop,
    bernoulli_view=bernoulli_view,
    scipy=lambda p, q: scipy.spatial.distance.jensenshannon(p.numpy(), q.numpy()) ** 2,
    rel_entr=lambda p, q: 0.5 * sum(scipy.special.rel_entr(x.numpy(), ((p + q) / 2).numpy()).sum() for x in (p, q)),
    float32=lambda p, q: right(p.float(), q.float()),
)


def unguarded(p, q):
    m = (p + q) / 2
    return 0.5 * (torch.special.xlogy(p, p / m) + torch.special.xlogy(q, q / m)).sum()


TRIALS.mutants("generic:nan", unguarded=unguarded)


def mixture_in_place(p, q):
    m = q.add_(p).mul_(0.5)
    return 0.5 * (torch.special.xlogy(p, p / m) + torch.special.xlogy(q, q / m)).nansum()


TRIALS.mutants("mutates-input", mixture_in_place=mixture_in_place)


def crumbs_dropped(p, q):
    m = (p + q) / 2
    p, q, m = p[m > 1e-9], q[m > 1e-9], m[m > 1e-9]
    return 0.5 * (torch.special.xlogy(p, p / m) + torch.special.xlogy(q, q / m)).sum()


TRIALS.mutants("small-dropped", crumbs_dropped=crumbs_dropped)
