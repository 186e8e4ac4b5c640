"""Versions of ``two_sided`` that students write."""

import torch

from ..registry import Trials


def right(norms):
    return ((norms - 1) ** 2).mean()


def loop(norms):
    total = 0
    for norm in norms:
        total = total + (norm - 1) ** 2
    return total / len(norms)


TRIALS = Trials("ps06.two_sided")
TRIALS.mutants(
    "other-kind",
    relu=lambda s: torch.relu(s - 1).pow(2).mean(),
    clamped=lambda s: (s.clamp_min(1) - 1).square().mean(),
)
TRIALS.mutants("early-mean", early=lambda s: (s.mean() - 1) ** 2)
TRIALS.mutants("squared-norm", no_root=lambda s: ((s**2 - 1) ** 2).mean())
TRIALS.mutants("no-one", ridge=lambda s: (s**2).mean(), length=lambda s: s.mean())
TRIALS.mutants("absolute", absolute=lambda s: (s - 1).abs().mean(), bare=lambda s: (s - 1).mean())
TRIALS.mutants("fourth-power", fourth=lambda s: ((s - 1) ** 4).mean())
TRIALS.mutants("sum", total=lambda s: ((s - 1) ** 2).sum(), half=lambda s: 0.5 * ((s - 1) ** 2).sum())
TRIALS.mutants(
    "one-less",
    one_less=lambda s: (s - 1).square().sum() / (len(s) - 1),
    by_variance=lambda s: s.var() + (s.mean() - 1) ** 2,
)
TRIALS.mutants(
    "around-the-mean",
    variance=lambda s: s.var(unbiased=False),
)
TRIALS.mutants("rooted", root=lambda s: (s - 1).square().mean().sqrt(), length=lambda s: (s - 1).norm())
TRIALS.mutants("one-of-them", most=lambda s: (s - 1).square().max(), middle=lambda s: (s - 1).square().median())
TRIALS.mutants("huber", huber=lambda s: torch.nn.functional.smooth_l1_loss((s - 1), torch.zeros_like(s)))
TRIALS.mutants("steep-only", steep=lambda s: (s[s > 1] - 1).square().mean())
TRIALS.mutants("wrong-side", gentle=lambda s: torch.relu(1 - s).square().mean())
TRIALS.mutants("weighted", ten=lambda s: 10 * right(s), half=lambda s: right(s) / 2)
TRIALS.mutants("not-reduced", each=lambda s: (s - 1) ** 2)
TRIALS.mutants(
    "detached",
    item=lambda s: right(s).item(),
    detached=lambda s: right(s.detach()),
    numpy=lambda s: right(s.detach().numpy()),
)
TRIALS.mutants("mutates-input", in_place=lambda s: (s.data.sub_(1) * 0).sum() + right(s + 1))
TRIALS.alternatives(
    right=right,
    loop=loop,
    loss=lambda s: torch.nn.functional.mse_loss(s, torch.ones_like(s)),
    expanded=lambda s: (s * s).mean() - 2 * s.mean() + 1,
    dot=lambda s: torch.dot(s - 1, s - 1) / s.numel(),
    float32=lambda s: right(s.float()),
    kept=lambda s: (1 - s).square().mean(dim=0, keepdim=True),
)


def stuck_at_flat(norms):
    return ((norms.clamp(min=1e-6) - 1) ** 2).mean()


TRIALS.mutants("generic:places", stuck_at_flat=stuck_at_flat)
