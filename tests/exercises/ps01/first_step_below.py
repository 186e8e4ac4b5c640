"""Versions of ``first_step_below`` that students write."""

import itertools

import numpy as np
import torch

from ..registry import Trials


def right(norms, threshold):
    for step, norm in enumerate(norms):
        if norm < threshold:
            return step
    return -1


def in_place(norms, threshold):
    found = right(norms, threshold)
    norms[norms < threshold] = 0.0
    return found


def last(norms, threshold):
    found = -1
    for step, norm in enumerate(norms.tolist()):
        if norm < threshold:
            found = step
    return found


def while_loop(norms, threshold):
    step = 0
    while norms[step] >= threshold:
        step += 1
    return step


def careful_while(norms, threshold):
    step = 0
    while step < len(norms) and not norms[step] < threshold:
        step += 1
    return step if step < len(norms) else -1


def returns_length(norms, threshold):
    step = 0
    while step < len(norms) and norms[step] >= threshold:
        step += 1
    return step


def for_good(norms, threshold):
    step = len(norms)
    while step > 0 and norms[step - 1] < threshold:
        step -= 1
    return step


def falls_through(norms, threshold):
    for step, norm in enumerate(norms):
        if norm < threshold:
            return step


def endless(norms, threshold):
    step = 0
    while norms[min(step, len(norms) - 1)] >= threshold:
        step += 1
    return step


def guarded_argmax(norms, threshold):
    below = norms < threshold
    return below.int().argmax() if below.any() else -1


TRIALS = Trials("ps01.first_step_below")
TRIALS.mutants("counts-from-one", from_one=lambda n, t: right(n, t) + 1)
TRIALS.mutants("step-before", before=lambda n, t: right(n, t) - 1)
TRIALS.mutants("minimum", argmin=lambda n, t: n.argmin())
TRIALS.mutants("last", last=last, last_of_nonzero=lambda n, t: torch.nonzero(n < t).flatten().tolist()[-1])
TRIALS.mutants("for-good", from_the_end=for_good)
TRIALS.mutants("counting", count=lambda n, t: (n >= t).sum(), count_below=lambda n, t: (n < t).sum().item())
TRIALS.mutants("above", above=lambda n, t: int((n > t).int().argmax()))
TRIALS.mutants("the-value", value=lambda n, t: n[n < t][0] if (n < t).any() else -1)
TRIALS.mutants("a-mask", mask=lambda n, t: n < t, all_steps=lambda n, t: torch.nonzero(n < t))
TRIALS.mutants(
    "not-strict",
    at_most=lambda n, t: next((i for i, x in enumerate(n) if x <= t), -1),
    argmax_at_most=lambda n, t: (n <= t).int().argmax(),
)
TRIALS.mutants(
    "never-zero", argmax=lambda n, t: (n < t).int().argmax(), numpy_argmax=lambda n, t: int(np.argmax(n.numpy() < t))
)
TRIALS.mutants(
    "never-length",
    length=returns_length,
    last_step=lambda n, t: right(n, t) if (n < t).any() else len(n) - 1,
)
TRIALS.mutants(
    "never-none",
    falls_through=falls_through,
    index_error=lambda n, t: torch.nonzero(n < t)[0],
    stop_iteration=lambda n, t: next(i for i, x in enumerate(n) if x < t),
    runs_off_the_end=while_loop,
)
TRIALS.mutants("mutates-input", in_place=in_place)
TRIALS.alternatives(
    right=right,
    while_loop=careful_while,
    guarded_argmax=guarded_argmax,
    nonzero=lambda n, t: int(torch.nonzero(n < t)[0]) if (n < t).any() else -1,
    numpy=lambda n, t: np.flatnonzero(n.numpy() < t)[0] if (n < t).any() else np.int64(-1),
    generator=lambda n, t: next((i for i, x in enumerate(n.tolist()) if x < t), -1),
    as_float=lambda n, t: float(right(n, t)),
    as_tensor=lambda n, t: torch.tensor([right(n, t)]),
    takewhile=lambda n, t: len(list(itertools.takewhile(lambda x: not x < t, n.tolist()))) if (n < t).any() else -1,
    cumulative=lambda n, t: int((torch.cummin(n, 0).values >= t).sum()) if n.min() < t else -1,
)


def gives_up(norms, threshold):
    return next((i for i, norm in enumerate(norms[:200].tolist()) if norm < threshold), -1)


def clearly_below(norms, threshold):
    return next((i for i, norm in enumerate(norms.tolist()) if norm < threshold - 1e-8), -1)


TRIALS.mutants("generic:direction", gives_up=gives_up)
TRIALS.mutants("generic:direction", clearly_below=clearly_below)
TRIALS.mutants("minimum", least_below=lambda n, t: int(n.argmin()) if (n < t).any() else -1)


def crossing(norms, threshold):
    return next((i for i in range(1, len(norms)) if norms[i] < threshold <= norms[i - 1]), -1)


def twice(norms, threshold):
    return next((i for i in range(len(norms) - 1) if max(norms[i], norms[i + 1]) < threshold), -1)


TRIALS.mutants("relative", relative=lambda n, t: right(n / n[0], t))
TRIALS.mutants(
    "start-left-out", from_one=lambda n, t: next((i for i in range(1, len(n)) if n[i] < t), -1), crossing=crossing
)
TRIALS.mutants("two-in-a-row", twice=twice)


def single_threshold(n, t):
    below = (n < torch.tensor(t, dtype=torch.float32)).nonzero()
    return int(below[0]) if len(below) else -1


TRIALS.mutants("single-precision", single_threshold=single_threshold)
