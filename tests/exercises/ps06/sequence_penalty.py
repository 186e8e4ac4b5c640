"""Versions of ``sequence_penalty`` that students write."""

import torch

from ..registry import Trials


def right(g):
    return (g.flatten(1).norm(dim=1) - 1).square().mean()


def published(g):
    slopes = torch.sqrt(torch.sum(torch.square(g), dim=1))
    return torch.mean((slopes - 1.0) ** 2)


def loop(g):
    return sum((sentence.norm() - 1) ** 2 for sentence in g) / len(g)


def words(g):
    return ((g.norm(dim=2) - 1) ** 2).sum(1).mean()


TRIALS = Trials("ps06.sequence_penalty")
TRIALS.mutants(
    "wrong-axis",
    published=published,
    last=lambda g: (g.norm(dim=2) - 1).square().mean(),
    sentences=lambda g: (g.norm(dim=0) - 1).square().mean(),
)
TRIALS.mutants("batch-norm-of-gradient", whole=lambda g: (g.norm() - 1) ** 2)
TRIALS.mutants("early-mean", early=lambda g: (g.flatten(1).norm(dim=1).mean() - 1) ** 2)
TRIALS.mutants("squared-norm", no_root=lambda g: (g.square().sum((1, 2)) - 1).square().mean())
TRIALS.mutants("no-one", ridge=lambda g: g.square().sum((1, 2)).mean())
TRIALS.mutants("fourth-power", fourth=lambda g: (g.flatten(1).norm(dim=1) - 1).pow(4).mean())
TRIALS.mutants("absolute", absolute=lambda g: (g.flatten(1).norm(dim=1) - 1).abs().mean())
TRIALS.mutants("sum", total=lambda g: (g.flatten(1).norm(dim=1) - 1).square().sum())
TRIALS.mutants("one-sided", one_sided=lambda g: torch.relu(g.flatten(1).norm(dim=1) - 1).square().mean())
TRIALS.mutants("per-word", words=words, sums=lambda g: (g.norm(dim=2).sum(1) - 1).square().mean())
TRIALS.mutants("weighted", ten=lambda g: 10 * right(g))
TRIALS.mutants("not-reduced", each=lambda g: (g.flatten(1).norm(dim=1) - 1).square())
TRIALS.mutants("matrix-norm", spectral=lambda g: (torch.linalg.matrix_norm(g, 2) - 1).square().mean())
TRIALS.mutants("detached", item=lambda g: right(g).item())
TRIALS.mutants(
    "generic:precision", guarded=lambda g: ((g.flatten(1).square().sum(1) + 1e-6).sqrt() - 1).square().mean()
)
TRIALS.alternatives(
    right=right,
    loop=loop,
    two_axes=lambda g: (g.square().sum(dim=(1, 2)).sqrt() - 1).square().mean(),
    frobenius=lambda g: (torch.linalg.matrix_norm(g) - 1).square().mean(),
    axis_by_axis=lambda g: (g.norm(dim=2).norm(dim=1) - 1).square().mean(),
    view=lambda g: ((g.reshape(g.shape[0], -1).pow(2).sum(-1) ** 0.5 - 1) ** 2).sum() / g.shape[0],
)
TRIALS.mutants(
    "root-mean-square",
    entries=lambda g: (g.square().mean((1, 2)).sqrt() - 1).square().mean(),
    words=lambda g: (g.square().sum(2).mean(1).sqrt() - 1).square().mean(),
)
TRIALS.mutants("other-norm", absolute_values=lambda g: (g.abs().sum((1, 2)) - 1).square().mean())
TRIALS.mutants("words-averaged", mean_word=lambda g: (g.mean(1).norm(dim=1) - 1).square().mean())
TRIALS.mutants("squeezed", squeezed=lambda g: (g.squeeze().flatten(1).norm(dim=1) - 1).square().mean())
