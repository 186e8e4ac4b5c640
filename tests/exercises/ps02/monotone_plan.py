"""Versions of ``monotone_plan`` that students write."""

import numpy as np
import torch

from ..registry import Trials


def corner(a, b):
    """North-west corner rule."""
    a, b = a.tolist(), b.tolist()
    plan = [[0.0] * len(b) for _ in a]
    i = j = 0
    while i < len(a) and j < len(b):
        mass = min(a[i], b[j])
        plan[i][j] = mass
        a[i] -= mass
        b[j] -= mass
        if a[i] <= b[j]:
            i += 1
        else:
            j += 1
    return plan


def columns_move(a, b):
    """Where both run out, the target moves on first."""
    a, b, plan = a.clone(), b.clone(), torch.zeros(len(a), len(b), dtype=a.dtype)
    i = j = 0
    while i < len(a) and j < len(b):
        plan[i, j] = torch.minimum(a[i], b[j])
        a[i], b[j] = a[i] - plan[i, j], b[j] - plan[i, j]
        j, i = (j + 1, i) if b[j] <= 1e-15 else (j, i + 1)
    return plan


def all_cells(a, b):
    """Every cell in reading order, as far as the marginals allow: the same plan."""
    left, wanted, plan = a.clone(), b.clone(), torch.zeros(len(a), len(b), dtype=a.dtype)
    for i in range(len(a)):
        for j in range(len(b)):
            plan[i, j] = min(left[i], wanted[j])
            left[i] -= plan[i, j]
            wanted[j] -= plan[i, j]
    return plan


def overlap(a, b):
    ends_a, ends_b = a.cumsum(0)[:, None], b.cumsum(0)
    return (torch.minimum(ends_a, ends_b) - torch.maximum(ends_a - a[:, None], ends_b - b)).clamp(min=0)


def second_difference(a, b):
    joint = torch.minimum(a.cumsum(0)[:, None], b.cumsum(0))
    joint = torch.nn.functional.pad(joint, (1, 0, 1, 0))
    return joint.diff(dim=0).diff(dim=1)


def pot(a, b):
    import ot

    return ot.emd_1d(np.arange(len(a)) * 1.0, np.arange(len(b)) * 1.0, a.numpy(), b.numpy(), metric="sqeuclidean")


def both_move(a, b):
    """Both indices move after each trip."""
    plan = torch.zeros(len(a), len(b), dtype=a.dtype)
    for k in range(min(len(a), len(b))):
        plan[k, k] = torch.minimum(a[k], b[k])
    return plan


def both_move_and_fill(a, b):
    """The same, and whoever is left meets the last one of the other side."""
    plan = both_move(a, b)
    if len(a) > len(b):
        plan[len(b) :, -1] = a[len(b) :]
    if len(b) > len(a):
        plan[-1, len(a) :] = b[len(a) :]
    return plan


def no_memory(a, b):
    return torch.minimum(a[:, None], b)


def only_a_shrinks(a, b):
    left, plan = a.clone(), torch.zeros(len(a), len(b), dtype=a.dtype)
    for i in range(len(a)):
        for j in range(len(b)):
            plan[i, j] = torch.minimum(left[i], b[j])
            left[i] -= plan[i, j]
    return plan


def stops_early(a, b):
    """The loop ends one source and one target too early."""
    a, b, plan = a.clone(), b.clone(), torch.zeros(len(a), len(b), dtype=a.dtype)
    i = j = 0
    while i < len(a) - 1 and j < len(b) - 1:
        plan[i, j] = torch.minimum(a[i], b[j])
        a[i], b[j] = a[i] - plan[i, j], b[j] - plan[i, j]
        i, j = (i + 1, j) if a[i] < b[j] else (i, j + 1)
    return plan


def runs_over(a, b):
    """Moves every index that has run out, one after the other, and looks again before the loop ends."""
    a, b, plan = a.clone(), b.clone(), torch.zeros(len(a), len(b), dtype=a.dtype)
    i = j = 0
    while i < len(a):
        plan[i, j] = torch.minimum(a[i], b[j])
        a[i], b[j] = a[i] - plan[i, j], b[j] - plan[i, j]
        if b[j] <= 1e-12:
            j += 1
        elif a[i] <= 1e-12:
            i += 1
    return plan


def in_place(a, b):
    plan = torch.zeros(len(a), len(b), dtype=a.dtype)
    for i in range(len(a)):
        for j in range(len(b)):
            plan[i, j] = torch.minimum(a[i], b[j])
            a[i] -= plan[i, j]
            b[j] -= plan[i, j]
    return plan


def largest_first(a, b):
    plan = torch.zeros(len(a), len(b), dtype=a.dtype)
    rows, columns = a.argsort(descending=True, stable=True), b.argsort(descending=True, stable=True)
    plan[rows[:, None], columns] = overlap(a[rows], b[columns])
    return plan


TRIALS = Trials("ps02.monotone_plan")
TRIALS.mutants("product", product=lambda a, b: a[:, None] * b, outer=torch.outer)
TRIALS.mutants("no-memory", minimum=no_memory)
TRIALS.mutants("lost-rest", both_move=both_move, both_move_and_fill=both_move_and_fill)
TRIALS.mutants("backwards", flipped=lambda a, b: overlap(a, b.flip(0)).flip(1))
TRIALS.mutants("transposed", swapped=lambda a, b: overlap(b, a))
TRIALS.mutants(
    "largest-first",
    largest=largest_first,
    sorted_weights=lambda a, b: overlap(a.sort().values, b.sort().values),
)
TRIALS.mutants("cumulated", joint=lambda a, b: torch.minimum(a.cumsum(0)[:, None], b.cumsum(0)))
TRIALS.mutants(
    "shares",
    shares=lambda a, b: overlap(a, b) / a[:, None],
    mask=lambda a, b: overlap(a, b) > 0,
)
TRIALS.mutants("stops-early", early=stops_early)
TRIALS.mutants("stops-early", small_masses_dropped=lambda a, b: torch.where(overlap(a, b) > 0.01, overlap(a, b), 0.0))
TRIALS.mutants("runs-over", over=runs_over)
TRIALS.mutants("mutates-input", in_place=in_place)
TRIALS.mutants("generic:value", only_a_shrinks=only_a_shrinks)
TRIALS.alternatives(
    corner=corner,
    columns_move=columns_move,
    all_cells=all_cells,
    overlap=overlap,
    second_difference=second_difference,
    pot=pot,
    numpy=lambda a, b: np.array(corner(a, b)),
    transposed_twice=lambda a, b: overlap(b, a).T,
)


def leaves_crumbs(a, b):
    left, wanted, table, i, j = a.tolist(), b.tolist(), torch.zeros(len(a), len(b), dtype=a.dtype), 0, 0
    while i < len(left) and j < len(wanted):
        table[i, j] = sent = min(left[i], wanted[j])
        left[i], wanted[j] = left[i] - sent, wanted[j] - sent
        done = left[i] < 1e-3, wanted[j] < 1e-3
        i, j = i + done[0], j + done[1]
    return table


TRIALS.mutants("stops-early", leaves_crumbs=leaves_crumbs)


def overlaps(a, b):
    ends, stops = a.cumsum(0)[:, None], b.cumsum(0)[None]
    return torch.minimum(ends, stops) - torch.maximum(ends - a[:, None], stops - b[None])


TRIALS.mutants("negative-overlaps", overlaps=overlaps)
TRIALS.alternatives(overlaps_cut_off=lambda a, b: overlaps(a, b).clamp(min=0))


def forgets_at_ties(a, b):
    a, b, i, j = a.clone(), b.clone(), 0, 0
    table = torch.zeros(len(a), len(b), dtype=a.dtype)
    while i < len(a) and j < len(b):
        table[i, j] = torch.minimum(a[i], b[j])
        if a[i] > b[j]:
            a[i] -= b[j]
            j += 1
        else:
            if a[i] < b[j]:
                b[j] -= a[i]
            i += 1
    return table


TRIALS.mutants("ties-doubled", forgets_at_ties=forgets_at_ties)
