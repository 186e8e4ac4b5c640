"""Gradient norms of a critic along optimal rays and between random pairs."""

from collections.abc import Callable
from dataclasses import asdict, dataclass

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity

from wgan_course import transport
from wgan_course._checks import wide
from wgan_course.constraints import penalties
from wgan_course.measures._checks import floating, paired, rows

__all__ = ["GradientReport", "gradient_norms", "gradient_report", "optimal_pairs", "segment_gradients"]

Critic = Callable[[Tensor], Tensor]


def gradient_norms(critic: Critic, x: Tensor) -> Tensor:
    """Compute the Euclidean norm of a critic's gradient at points, shape (n,), detached.

    Parameters
    ----------
    critic : callable
        From shape (n, ...) to (n,) or (n, 1), each score depending on its own point only.
    x : Tensor, shape (n, ...)
    """
    gradient = penalties.input_gradient(critic, floating("x", x), create_graph=False)
    return wide(rows(gradient)).norm(dim=1).to(gradient.dtype)


def optimal_pairs(real: Tensor, fake: Tensor) -> Tensor:
    """Couple two samples of equal size optimally: ``fake[optimal_pairs(real, fake)]`` are the partners, shape (n,).

    Between n and n points of weight 1/n some optimal coupling is a permutation (Birkhoff). Derived in chapter 2.

    Parameters
    ----------
    real, fake : Tensor, shape (n, ...)
    """
    paired(real, fake)
    here, there = (rows(x.detach()).cpu().double() for x in (real, fake))
    return transport.assignment(transport.cost_matrix(here, there)).to(real.device)


@dataclass(frozen=True)
class GradientReport:
    """Gradient norms of a critic on points between pairs.

    Attributes
    ----------
    mean, std, minimum, maximum : float
        Of the norms.
    near_one : float
        Share of the norms within 0.1 of 1.
    alignment : float
        Mean cosine between the gradient and the direction from the fake point to the real one. An optimal critic has 1
        on optimal pairs.
    """

    mean: float
    std: float
    minimum: float
    maximum: float
    near_one: float
    alignment: float


def segment_gradients(critic: Critic, real: Tensor, fake: Tensor, epsilon: Tensor) -> GradientReport:
    """Summarise a critic's gradients on the points epsilon real + (1 - epsilon) fake.

    Parameters
    ----------
    critic : callable
        From shape (n, ...) to (n,) or (n, 1).
    real, fake : Tensor, shape (n, ...)
        The pairs, row by row.
    epsilon : Tensor, shape (n,)

    Raises
    ------
    ValueError
        If a weight lies outside [0, 1].
    """
    real, fake = paired(real, fake)
    if not bool(((epsilon >= 0) & (epsilon <= 1)).all()):
        raise ValueError("epsilon must lie in [0, 1], or the points are not on the segments")
    points = penalties.interpolate(real, fake, epsilon)
    gradient = penalties.input_gradient(critic, points, create_graph=False)
    gradient, ray = (rows(x.detach()).cpu().double() for x in (gradient, real - fake))
    return _report(gradient.norm(dim=1), cosine_similarity(gradient, ray, dim=1, eps=1e-300))


def _report(norms: Tensor, cosine: Tensor) -> GradientReport:
    extremes = norms.min().item(), norms.max().item()
    near = ((norms - 1).abs() <= 0.1).double().mean().item()
    return GradientReport(norms.mean().item(), norms.std(correction=0).item(), *extremes, near, cosine.mean().item())


def gradient_report(critic: Critic, real: Tensor, fake: Tensor, rng: torch.Generator) -> dict[str, dict[str, float]]:
    """Compare a critic's gradients on ``"optimal"`` rays with those between ``"random"`` pairs (`GradientReport`).

    Theory asks for norm 1 on optimal rays only; a gradient penalty on random pairs asks for more. Derived in chapter 3.

    Parameters
    ----------
    critic : callable
        From shape (n, ...) to (n,) or (n, 1).
    real, fake : Tensor, shape (n, ...)
    rng : torch.Generator
        For the places on the segments and the random pairs.
    """
    real, fake = paired(real, fake)
    shuffled = torch.randperm(len(real), generator=rng, device=rng.device).to(fake.device)
    epsilon = torch.rand(len(real), generator=rng, device=rng.device).to(real)
    pairs = {"optimal": optimal_pairs(real, fake), "random": shuffled}
    return {name: asdict(segment_gradients(critic, real, fake[order], epsilon)) for name, order in pairs.items()}
