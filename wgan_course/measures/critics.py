"""Gradient norms of a critic along optimal rays and between random pairs."""

from dataclasses import asdict, dataclass

import torch

from wgan_course.measures._checks import _two_batches

__all__ = ["GradientReport", "gradient_norms", "gradient_report", "optimal_pairs", "segment_gradients"]


def _input_gradient(critic, x):
    with torch.enable_grad():
        x = x.detach().clone().requires_grad_(True)
        scores = critic(x)
        if scores.numel() != len(x):
            raise ValueError(f"critic must give one score a point, shape ({len(x)},), got {tuple(scores.shape)}")
        return torch.autograd.grad(scores.sum(), x)[0]


def gradient_norms(critic, x):
    """Compute the Euclidean norm of a critic's gradient at points.

    Parameters
    ----------
    critic : callable
        From shape (n, ...) to (n,) or (n, 1), each score depending on its own point only.
    x : Tensor, shape (n, ...)

    Returns
    -------
    Tensor, shape (n,)
        Detached; the critic's own gradients are not touched.

    Raises
    ------
    ValueError
        The critic gives another number of scores than one a point.
    """
    return _input_gradient(critic, x).flatten(1).norm(dim=1)


def optimal_pairs(real, fake):
    """Couple two samples of equal size optimally.

    Parameters
    ----------
    real, fake : Tensor, shape (n, ...)

    Returns
    -------
    Tensor of int64, shape (n,)
        The fake point of each real one: ``fake[optimal_pairs(real, fake)]``.

    Raises
    ------
    ValueError
        Different shapes, NaN, or an empty batch.

    Notes
    -----
    Between n and n points of weight 1/n some optimal coupling is a permutation (Birkhoff). Derived in chapter 2.
    """
    from scipy.optimize import linear_sum_assignment

    if real.shape != fake.shape:
        raise ValueError(f"fake must have the shape of real, {tuple(real.shape)}, got {tuple(fake.shape)}")
    real, fake = _two_batches(real.flatten(1), fake.flatten(1))
    cost = torch.cdist(real, fake, compute_mode="donot_use_mm_for_euclid_dist")
    return torch.from_numpy(linear_sum_assignment(cost.cpu().numpy())[1]).to(real.device)


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


def segment_gradients(critic, real, fake, epsilon):
    """Summarise a critic's gradients on the points epsilon real + (1 - epsilon) fake.

    Parameters
    ----------
    critic : callable
        From shape (n, ...) to (n,) or (n, 1).
    real, fake : Tensor, shape (n, ...)
        The pairs, row by row.
    epsilon : Tensor, shape (n,)
        Between 0 and 1.

    Returns
    -------
    GradientReport

    Raises
    ------
    ValueError
        Shapes that do not go together, or the critic gives another number of scores than one a point.
    """
    if real.shape != fake.shape or epsilon.shape != (len(real),):
        shapes = f"{tuple(real.shape)}, {tuple(fake.shape)}, {tuple(epsilon.shape)}"
        raise ValueError(f"real, fake and epsilon must have shapes (n, ...), (n, ...) and (n,), got {shapes}")
    weight = epsilon.reshape(-1, *[1] * (real.ndim - 1))
    gradient = _input_gradient(critic, weight * real + (1 - weight) * fake).flatten(1).double()
    norms = gradient.norm(dim=1)
    cosine = torch.nn.functional.cosine_similarity(gradient, (real - fake).flatten(1).double(), dim=1)
    extremes = norms.min().item(), norms.max().item()
    near = ((norms - 1).abs() <= 0.1).double().mean().item()
    return GradientReport(norms.mean().item(), norms.std(correction=0).item(), *extremes, near, cosine.mean().item())


def gradient_report(critic, real, fake, rng):
    """Compare a critic's gradients on optimal rays with those between random pairs.

    Parameters
    ----------
    critic : callable
        From shape (n, ...) to (n,) or (n, 1).
    real, fake : Tensor, shape (n, ...)
    rng : torch.Generator
        For the places on the segments and the random pairs.

    Returns
    -------
    dict of str to dict
        ``"optimal"`` and ``"random"``, each a `GradientReport` as a dict.

    Raises
    ------
    ValueError
        Different shapes, NaN, or an empty batch.

    Notes
    -----
    Theory asks for norm 1 on optimal rays only; a gradient penalty on random pairs asks for more. Derived in chapter 3.
    """
    n = len(real)
    pairs = {"optimal": optimal_pairs(real, fake), "random": torch.randperm(n, generator=rng).to(fake.device)}
    epsilon = torch.rand(n, generator=rng).to(real)
    return {name: asdict(segment_gradients(critic, real, fake[order], epsilon)) for name, order in pairs.items()}
