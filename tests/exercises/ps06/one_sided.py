"""Versions of ``one_sided`` that students write."""

import torch

from ..registry import Trials


def right(norms):
    return torch.relu(norms - 1).square().mean()


def loop(norms):
    total = 0 * norms.sum()
    for norm in norms:
        if norm > 1:
            total = total + (norm - 1) ** 2
    return total / len(norms)


TRIALS = Trials("ps06.one_sided")
TRIALS.mutants("other-kind", two_sided=lambda s: (s - 1).square().mean())
TRIALS.mutants("early-mean", early=lambda s: torch.relu(s.mean() - 1) ** 2)
TRIALS.mutants("squared-norm", no_root=lambda s: torch.relu(s**2 - 1).square().mean())
TRIALS.mutants("no-one", ridge=lambda s: torch.relu(s).square().mean(), length=lambda s: s.mean())
TRIALS.mutants("absolute", hinge=lambda s: torch.relu(s - 1).mean(), bare=lambda s: (s - 1).mean())
TRIALS.mutants("fourth-power", fourth=lambda s: torch.relu(s - 1).pow(4).mean())
TRIALS.mutants("sum", total=lambda s: torch.relu(s - 1).square().sum())
TRIALS.mutants("one-less", one_less=lambda s: torch.relu(s - 1).square().sum() / max(1, len(s) - 1))
TRIALS.mutants(
    "around-the-mean",
    variance=lambda s: s.var(unbiased=False),
)
TRIALS.mutants(
    "rooted", root=lambda s: torch.relu(s - 1).square().mean().sqrt(), length=lambda s: torch.relu(s - 1).norm()
)
TRIALS.mutants(
    "one-of-them", most=lambda s: torch.relu(s - 1).square().max(), middle=lambda s: torch.relu(s - 1).square().median()
)
TRIALS.mutants("huber", huber=lambda s: torch.nn.functional.smooth_l1_loss(torch.relu(s - 1), torch.zeros_like(s)))
TRIALS.mutants("weighted", ten=lambda s: 10 * right(s), half=lambda s: right(s) / 2)
TRIALS.mutants("not-reduced", each=lambda s: torch.relu(s - 1) ** 2)
TRIALS.mutants("detached", item=lambda s: right(s).item(), detached=lambda s: right(s.detach()))
TRIALS.mutants(
    "wrong-side", gentle=lambda s: torch.relu(1 - s).square().mean(), low=lambda s: (s.clamp_max(1) - 1).square().mean()
)
TRIALS.mutants(
    "steep-only",
    steep=lambda s: (s[s > 1] - 1).square().sum() / (s > 1).sum().clamp_min(1),
    nan_where_none=lambda s: (s[s > 1] - 1).square().mean(),
)
TRIALS.alternatives(
    right=right,
    loop=loop,
    clamped=lambda s: (s - 1).clamp(min=0).pow(2).mean(),
    masked=lambda s: (((s - 1) ** 2) * (s > 1)).mean(),
    where=lambda s: torch.where(s > 1, (s - 1) ** 2, torch.zeros_like(s)).mean(),
    maximum=lambda s: (torch.maximum(s, torch.ones_like(s)) - 1).square().sum() / len(s),
    half_sum=lambda s: (((s - 1) + (s - 1).abs()) / 2).square().mean(),
    float32=lambda s: right(s.float()),
)


def with_slack(norms):
    return torch.where(norms > 1.01, (norms - 1) ** 2, 0.0).mean()


TRIALS.mutants("generic:direction", with_slack=with_slack)


def nothing_to_pay(norms):
    if (norms <= 1).all():
        return torch.tensor(0.0, dtype=norms.dtype)
    return right(norms)


def counted(norms):
    total = 0.0
    for norm in norms:
        if norm > 1:
            total = total + (norm - 1) ** 2
    return total / len(norms)


TRIALS.mutants("constant", nothing_to_pay=nothing_to_pay, counted=counted)
