"""Versions of ``power_iteration`` that students write."""

import numpy as np
import torch

from ..registry import Trials


def right(W, v, steps):
    v = v / v.norm()
    for _ in range(steps):
        v = W.T @ (W @ v)
        v = v / v.norm()
    return (W @ v).norm()


def iterated(W, v, steps):
    for _ in range(steps):
        v = W.T @ (W @ v)
        v = v / v.norm()
    return v / v.norm()


def by_largest(W, v, steps):
    v = iterated(W, v, steps)
    return (W @ v).norm() / v.abs().max()


def half_a_step_more(W, v, steps):
    u = W @ iterated(W, v, steps)
    return (W.T @ u).norm() / u.norm()


def uv(W, v, steps):
    v = torch.nn.functional.normalize(v, dim=0, eps=0)
    u = torch.nn.functional.normalize(W @ v, dim=0, eps=0)
    for _ in range(steps):
        v = torch.nn.functional.normalize(W.T @ u, dim=0, eps=0)
        u = torch.nn.functional.normalize(W @ v, dim=0, eps=0)
    return u @ W @ v


def gram(W, v, steps):
    square = W.T @ W
    for _ in range(steps):
        v = square @ v
        v = v / v.norm()
    v = v / v.norm()
    return (v @ square @ v).sqrt()


def by_largest_entry(W, v, steps):
    for _ in range(steps):
        v = W.mT @ W @ v
        v = v / v.abs().max()
    return (W @ v).norm() / v.norm()


def by_numpy(W, v, steps):
    W, v = W.numpy(), v.numpy()
    for _ in range(steps):
        v = (v @ W.T) @ W
        v = v / np.sqrt((v**2).sum())
    return float(np.linalg.norm(W @ v) / np.linalg.norm(v))


def stale_u(W, v, steps):
    v = v / v.norm()
    u = W @ v / (W @ v).norm()
    for _ in range(steps):
        u = W @ v / (W @ v).norm()
        v = W.T @ u / (W.T @ u).norm()
    return u @ W @ v


def with_w(W, v, steps):
    for _ in range(steps):
        v = W @ v / (W @ v).norm()
    return (W @ v).norm()


def never_normalised(W, v, steps):
    for _ in range(steps):
        v = W.T @ (W @ v)
    return (W @ v).norm() / v.norm()


def only_grows(W, v, steps):
    for _ in range(steps):
        v = W.T @ W @ v
    return (W @ v).norm()


def last_length(W, v, steps):
    v = v / v.norm()
    for _ in range(steps):
        v = W.T @ W @ v
        v = v / v.norm()
    return (W.T @ W @ v).norm()


def start_as_it_came(W, v, steps):
    for _ in range(steps):
        v = W.T @ W @ v
        v = v / v.norm()
    return (W @ v).norm()


def in_place(W, v, steps):
    v /= v.norm()
    return right(W, v, steps)


def estimate_first(W, v, steps):
    v = v / v.norm()
    sigma = (W @ v).norm()
    for _ in range(steps):
        sigma = (W @ v).norm()
        v = W.T @ W @ v
        v = v / v.norm()
    return sigma


def early(W, v, steps, least=1e-3):
    """Stops where a step changes little."""
    v = v / v.norm()
    for _ in range(steps):
        last, v = v, W.T @ (W @ v)
        v = v / v.norm()
        if (v - last).norm() < least:
            break
    return (W @ v).norm()


TRIALS = Trials("ps07.power_iteration")
TRIALS.mutants(
    "squared", eigenvalue=lambda W, v, s: right(W, v, s) ** 2, rayleigh=lambda W, v, s: gram(W, v, s).square()
)
TRIALS.mutants("iterates-w", w_alone=with_w)
TRIALS.mutants("other-side", transposed=lambda W, v, s: right(W.T, v, s))
TRIALS.mutants("one-more", inclusive=lambda W, v, s: right(W, v, s + 1))
TRIALS.mutants("one-less", estimate_first=estimate_first, exclusive=lambda W, v, s: right(W, v, max(0, s - 1)))
TRIALS.mutants("half-step", stale_u=stale_u)
TRIALS.mutants(
    "exact",
    svd=lambda W, v, s: torch.linalg.svdvals(W)[0],
    eigenvalue=lambda W, v, s: torch.linalg.eigvalsh(W.T @ W)[-1].sqrt(),
)
TRIALS.mutants("frobenius", torch_default=lambda W, v, s: torch.norm(W))
TRIALS.mutants("length-of-step", last_length=last_length)
TRIALS.mutants("start-length", as_it_came=start_as_it_came)
TRIALS.mutants("at-least-one", do_while=lambda W, v, s: right(W, v, max(1, s)))
TRIALS.mutants("never-normalised", overflows=never_normalised, only_grows=only_grows)
TRIALS.mutants("mutates-input", in_place=in_place)
TRIALS.mutants("generic:unusable", all_three=lambda W, v, s: (right(W, v, s), v.tolist()))
TRIALS.mutants("generic:shape", vector=lambda W, v, s: W @ (v / v.norm()))
TRIALS.mutants(
    "generic:direction",
    early=early,
    very_early=lambda W, v, s: early(W, v, s, 1e-6),
    exact_when_long=lambda W, v, s: right(W, v, s) if s < 300 else torch.linalg.matrix_norm(W, 2),
)
TRIALS.mutants(
    "other-count",
    at_most_100=lambda W, v, s: right(W, v, min(s, 100)),
    at_most_20=lambda W, v, s: right(W, v, min(s, 20)),
)
TRIALS.mutants("half-step-more", half_a_step_more=half_a_step_more)
TRIALS.mutants(
    "other-count", capped=lambda W, v, s: right(W, v, min(s, 100)), doubled=lambda W, v, s: right(W, v, 2 * s)
)
TRIALS.mutants("other-norm", by_largest=by_largest)
TRIALS.mutants("start-ignored", ones=lambda W, v, s: right(W, torch.ones_like(v), s))
TRIALS.alternatives(
    right=right, uv=uv, gram=gram, by_largest_entry=by_largest_entry, by_numpy=by_numpy,
    python_float=lambda W, v, s: float(right(W, v, s)), columns=lambda W, v, s: right(W, v[:, None], s),
)  # fmt: skip
