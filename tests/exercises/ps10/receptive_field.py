"""Versions of ``receptive_field`` that students write."""

import math

import torch

from ..registry import Trials


def right(stages):
    side, jump = 1, 1
    for k, s, d in stages.tolist():
        side += d * (k - 1) * jump
        jump *= s
    return side


def backwards(stages):
    side = 1
    for k, s, d in reversed(stages.tolist()):
        side = (side - 1) * s + d * (k - 1) + 1
    return side


def vectorised(stages):
    k, s, d = stages.unbind(1)
    jumps = torch.cat([torch.ones(1, dtype=s.dtype), s.cumprod(0)[:-1]])
    return 1 + (d * (k - 1) * jumps).sum()


def by_products(stages):
    rows = stages.tolist()
    return 1 + sum(d * (k - 1) * math.prod(r[1] for r in rows[:i]) for i, (k, _, d) in enumerate(rows))


def by_interval(stages):
    low, high = 0, 0
    for k, s, d in stages.numpy()[::-1]:
        low, high = low * s, high * s + d * (k - 1)
    return int(high - low + 1)


def by_walk(stages):
    seen = {0}
    for k, s, d in reversed(stages.tolist()):
        seen = {p * s + q for p in (min(seen), max(seen)) for q in (0, d * (k - 1))}
    return float(max(seen) - min(seen) + 1)


def changed(column, value):
    def formula(stages):
        stages = stages.clone()
        stages[:, column] = value(stages) if callable(value) else value
        return right(stages)

    return formula


def own_stride(stages):
    side, jump = 1, 1
    for k, s, d in stages.tolist():
        jump *= s
        side += d * (k - 1) * jump
    return side


def last_stride(stages):
    side, before = 1, 1
    for k, s, d in stages.tolist():
        side, before = side + d * (k - 1) * before, s
    return side


def dilated_kernel(stages):
    side, jump = 1, 1
    for k, s, d in stages.tolist():
        side, jump = side + (k * d - 1) * jump, jump * s
    return side


TRIALS = Trials("ps10.receptive_field")
TRIALS.mutants("no-strides", no_strides=changed(1, 1))
TRIALS.mutants("own-stride", own_stride=own_stride)
TRIALS.mutants("last-stride-only", last_stride=last_stride)
TRIALS.mutants("no-dilation", no_dilation=changed(2, 1))
TRIALS.mutants("dilated-kernel", dilated_kernel=dilated_kernel)
TRIALS.mutants("kernels-not-minus-one", k=changed(0, lambda s: s[:, 0] + 1))
TRIALS.mutants("no-one", no_one=lambda s: right(s) - 1)
TRIALS.mutants("backwards", flipped=lambda s: right(s.flip(0)))
TRIALS.mutants("product-of-kernels", product=lambda s: int(s[:, 0].prod()))
TRIALS.mutants(
    "generic:direction", at_least_three=lambda s: max(int(right(s)), 3), at_most_1000=lambda s: min(int(right(s)), 1000)
)
TRIALS.alternatives(
    right=right,
    backwards=backwards,
    vectorised=vectorised,
    by_products=by_products,
    by_interval=by_interval,
    by_walk=by_walk,
)


def one_tap_dilated(stages):
    field, step = 1, 1
    for kernel, stride, dilation in stages.tolist():
        field += (max(kernel - 1, 1) if dilation > 1 else kernel - 1) * dilation * step
        step *= stride
    return field


TRIALS.mutants("generic:direction", one_tap_dilated=one_tap_dilated)


def dilated_steps(stages):
    size, jump = 1, 1
    for kernel, stride, dilation in stages.tolist():
        size += dilation * (kernel - 1) * jump
        jump *= stride * dilation
    return size


TRIALS.mutants("dilation-as-stride", dilated_steps=dilated_steps)
