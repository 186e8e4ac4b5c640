"""Versions of ``dual_value`` that students write."""

import numpy as np
import torch

from ..registry import Trials


def in_place(phi, psi, a, b):
    phi *= a
    psi *= b
    return phi.sum() + psi.sum()


def loop(phi, psi, a, b):
    total = 0.0
    for price, mass in zip(phi, a, strict=True):
        total += price * mass
    for price, mass in zip(psi, b, strict=True):
        total += price * mass
    return total


def a_dot(phi, psi, a, b):
    return a @ phi + b @ psi


TRIALS = Trials("ps03.dual_value")
TRIALS.mutants("unweighted", means=lambda phi, psi, a, b: phi.mean() + psi.mean())
TRIALS.mutants("no-masses", sums=lambda phi, psi, a, b: torch.cat([phi, psi]).sum())
TRIALS.mutants(
    "minus",
    critic_form=lambda phi, psi, a, b: (a * phi).sum() - (b * psi).sum(),
    backwards=lambda phi, psi, a, b: torch.dot(b, psi) - torch.dot(a, phi),
)
TRIALS.mutants("swapped", swapped=lambda phi, psi, a, b: (b * phi).sum() + (a * psi).sum())
TRIALS.mutants(
    "averaged-twice",
    mean_of_products=lambda phi, psi, a, b: (a * phi).mean() + (b * psi).mean(),
    halved=lambda phi, psi, a, b: 0.5 * (a @ phi + b @ psi),
)
TRIALS.mutants("one-side", mines_only=lambda phi, psi, a, b: a @ phi, shops_only=lambda phi, psi, a, b: b @ psi)
TRIALS.mutants("absolute", absolute=lambda phi, psi, a, b: a @ phi.abs() + b @ psi.abs())
TRIALS.mutants("once-a-route", table=lambda phi, psi, a, b: ((a * phi)[:, None] + b * psi).sum())
TRIALS.mutants("pairs", all_pairs=lambda phi, psi, a, b: (phi.unsqueeze(1) + psi.unsqueeze(0)).sum())
TRIALS.mutants("generic:error", one_vector=lambda phi, psi, a, b: (a * phi + b * psi).sum())
TRIALS.mutants("generic:shape", products=lambda phi, psi, a, b: torch.cat([a * phi, b * psi]))
TRIALS.mutants("mutates-input", in_place=in_place)
TRIALS.alternatives(
    dot=lambda phi, psi, a, b: torch.dot(a, phi) + torch.dot(b, psi),
    loop=loop,
    numpy=lambda phi, psi, a, b: (
        np.average(phi.numpy(), weights=a.numpy()) + np.average(psi.numpy(), weights=b.numpy())
    ),
    all_pairs=lambda phi, psi, a, b: (a[:, None] * b * (phi[:, None] + psi)).sum(),
    einsum=lambda phi, psi, a, b: torch.einsum("i,i->", a, phi) + torch.einsum("j,j->", b, psi),
    plain_float=lambda phi, psi, a, b: float(sum((torch.cat([a, b]) * torch.cat([phi, psi])).tolist())),
)
TRIALS.mutants("cut-off", no_discounts=lambda phi, psi, a, b: a @ phi.relu() + b @ psi.relu())
TRIALS.mutants("product", product=lambda phi, psi, a, b: (a @ phi) * (b @ psi))
TRIALS.mutants(
    "shorter-list",
    zipped=lambda phi, psi, a, b: sum(m * u + k * v for m, u, k, v in zip(a, phi, b, psi, strict=False)),
)
TRIALS.mutants("single-precision", single=lambda *given: a_dot(*(one.float() for one in given)))
