"""Versions of ``interpolates`` that students write."""

import torch

from ..registry import Trials


def column(epsilon, x):
    return epsilon.reshape([-1] + [1] * (x.ndim - 1))


def right(real, fake, epsilon):
    e = column(epsilon, real)
    return e * real + (1 - e) * fake


def loop(real, fake, epsilon):
    return torch.stack([e * x + (1 - e) * y for x, y, e in zip(real, fake, epsilon, strict=True)])


def lerp(real, fake, epsilon):
    return torch.lerp(fake, real, column(epsilon, real).expand_as(real))


def flat(real, fake, epsilon):
    e = epsilon[:, None]
    return (e * real.flatten(1) + (1 - e) * fake.flatten(1)).view_as(real)


def in_numpy(real, fake, epsilon):
    r, f = real.numpy(), fake.numpy()
    e = epsilon.numpy().reshape(-1, *[1] * (r.ndim - 1))
    return f + e * (r - f)


def in_place(real, fake, epsilon):
    e = column(epsilon, real)
    real *= e
    return real + (1 - e) * fake


def images_only_two_axes(real, fake, epsilon):
    e = epsilon.view(-1, 1)
    return e * real + (1 - e) * fake


def own_epsilon(real, fake, epsilon):
    e = column(torch.rand(len(real), generator=torch.Generator().manual_seed(0), dtype=real.dtype), real)
    return e * real + (1 - e) * fake


TRIALS = Trials("ps06.interpolates")
TRIALS.mutants(
    "one-epsilon",
    first=lambda r, f, e: e[0] * r + (1 - e[0]) * f,
    mean=lambda r, f, e: e.mean() * r + (1 - e.mean()) * f,
)
TRIALS.mutants("swapped", swapped=lambda r, f, e: right(f, r, e))
TRIALS.mutants(
    "extrapolation",
    beyond_real=lambda r, f, e: r + column(e, r) * (r - f),
    beyond_fake=lambda r, f, e: f - column(e, r) * (r - f),
)
TRIALS.mutants(
    "not-convex",
    r_plus_e_f=lambda r, f, e: r + column(e, r) * f,
    e_r_plus_f=lambda r, f, e: column(e, r) * r + f,
    e_of_sum=lambda r, f, e: column(e, r) * (r + f),
)
TRIALS.mutants(
    "one-end",
    real_only=lambda r, f, e: r.clone(),
    fake_only=lambda r, f, e: f.clone(),
    middles=lambda r, f, e: (r + f) / 2,
)
TRIALS.mutants(
    "wrong-axis",
    no_reshape=lambda r, f, e: e * r + (1 - e) * f,
    two_axes_only=images_only_two_axes,
)
TRIALS.mutants(
    "all-pairs", all_pairs=lambda r, f, e: torch.stack([e_ * x + (1 - e_) * f for x, e_ in zip(r, e, strict=True)])
)
TRIALS.mutants(
    "rounded",
    chosen=lambda r, f, e: torch.where(column(e, r) > 0.5, r, f),
    rounded=lambda r, f, e: right(r, f, e.round()),
)
TRIALS.mutants("own-epsilon", own_epsilon=own_epsilon, cubed=lambda r, f, e: right(r, f, e**3))
TRIALS.mutants("clamped", pixels=lambda r, f, e: right(r, f, e).clamp(-1, 1))
TRIALS.mutants("mutates-input", in_place=in_place)
TRIALS.mutants("other-shares", squared=lambda r, f, e: right(r, f, e**2), root=lambda r, f, e: right(r, f, e.sqrt()))
TRIALS.mutants("other-pairs", reversed_fakes=lambda r, f, e: right(r, f.flip(0), e))
TRIALS.alternatives(
    right=right,
    loop=loop,
    lerp=lerp,
    flat=flat,
    in_numpy=in_numpy,
    difference=lambda r, f, e: f + column(e, r) * (r - f),
    einsum=lambda r, f, e: torch.einsum("n,n...->n...", e, r) + torch.einsum("n,n...->n...", 1 - e, f),
    float32=lambda r, f, e: right(r.float(), f.float(), e.float()),
    transposed=lambda r, f, e: (r.mT * 1).mT * 0 + right(r, f, e),
)
