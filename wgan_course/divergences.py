"""Divergences that compare probabilities point by point, and the game that a discriminator plays.

All of them take discrete distributions on the last axis, use the natural logarithm, and are derived in chapter 1.
"""

import math

import torch
from torch import Tensor

_MASS_TOLERANCE = 1e-4


def kl(p: Tensor, q: Tensor) -> Tensor:
    r"""Kullback–Leibler divergence of two discrete distributions.

    .. math:: \operatorname{KL}(P\|Q)=\sum_i p_i\log\frac{p_i}{q_i}

    with :math:`0\log 0=0`, and infinite where some :math:`p_i>0=q_i`. Derived in chapter 1.

    Parameters
    ----------
    p : Tensor, shape (..., n)
        Probabilities under which the average is taken.
    q : Tensor, shape (..., n)
        Probabilities to compare with.

    Returns
    -------
    Tensor, shape (...)
        In nats; at least 0.

    Raises
    ------
    ValueError
        If the shapes differ, or an argument is no probability distribution.
    """
    p, q = _distributions(p, q)
    return _relative_entropy(p, q).sum(-1)


def js(p: Tensor, q: Tensor) -> Tensor:
    r"""Jensen–Shannon divergence of two discrete distributions.

    .. math:: \operatorname{JS}(P,Q)=\tfrac12\operatorname{KL}(P\|M)+\tfrac12\operatorname{KL}(Q\|M),
        \quad M=\tfrac12(P+Q)

    It is symmetric and at most log 2, which it reaches on disjoint supports (chapter 1, `prop-js-disjoint`).

    Parameters
    ----------
    p : Tensor, shape (..., n)
        Probabilities.
    q : Tensor, shape (..., n)
        Probabilities.

    Returns
    -------
    Tensor, shape (...)
        In nats; between 0 and log 2.

    Raises
    ------
    ValueError
        If the shapes differ, or an argument is no probability distribution.
    """
    p, q = _distributions(p, q)
    middle = p + q
    middle = torch.where(middle / 2 > 0, middle / 2, middle)  # half of the least denormal number is 0
    return (_relative_entropy(p, middle).sum(-1) + _relative_entropy(q, middle).sum(-1)) / 2


def tv(p: Tensor, q: Tensor) -> Tensor:
    r"""Total variation distance, half of the sum of :math:`|p_i-q_i|`; defined in chapter 1.

    Parameters
    ----------
    p : Tensor, shape (..., n)
        Probabilities.
    q : Tensor, shape (..., n)
        Probabilities.

    Returns
    -------
    Tensor, shape (...)
        Between 0 and 1; 1 exactly on disjoint supports.

    Raises
    ------
    ValueError
        If the shapes differ, or an argument is no probability distribution.
    """
    p, q = _distributions(p, q)
    return (p - q).abs().sum(-1) / 2


def optimal_discriminator(p: Tensor, q: Tensor) -> Tensor:
    r"""Best answer of a discriminator to two densities, :math:`D^*=p/(p+q)`.

    Where both vanish any value is optimal; one half is returned. Derived in chapter 1 (`prop-optimal-discriminator`).

    Parameters
    ----------
    p : Tensor, shape (..., n)
        Density of the real distribution, or its probabilities; need not sum to one.
    q : Tensor, shape (..., n)
        Density of the generated distribution at the same points.

    Returns
    -------
    Tensor, shape (..., n)
        Between 0 and 1.

    Raises
    ------
    ValueError
        If the shapes differ, or a density is negative or not finite.
    """
    p, q = _densities(p, q)
    total = p + q
    return torch.where(total > 0, p / total.clamp_min(torch.finfo(total.dtype).tiny), 0.5)


def game_value(d: Tensor, p: Tensor, q: Tensor) -> Tensor:
    r"""Value of the GAN game for a discriminator and two discrete distributions.

    .. math:: V(D,Q)=\mathbb E_{x\sim P}\log D(x)+\mathbb E_{x\sim Q}\log(1-D(x))

    At the optimal discriminator this is 2 JS(P, Q) − log 4 (chapter 1, `prop-game-value`).

    Parameters
    ----------
    d : Tensor, shape (..., n)
        The discriminator's answers at the atoms, between 0 and 1.
    p : Tensor, shape (..., n)
        Probabilities of the real distribution.
    q : Tensor, shape (..., n)
        Probabilities of the generated distribution.

    Returns
    -------
    Tensor, shape (...)
        At most 0; −∞ where the discriminator is certain and wrong.

    Raises
    ------
    ValueError
        If the shapes differ, `d` leaves [0, 1], or `p` or `q` is no probability distribution.
    """
    p, q = _distributions(p, q)
    if d.shape[-1:] != p.shape[-1:]:
        raise ValueError(f"d must have one value an atom, got shape {tuple(d.shape)} for {p.shape[-1]} atoms")
    if not bool(((d >= 0) & (d <= 1)).all()):
        raise ValueError("d must hold probabilities in [0, 1]; apply a sigmoid to logits first")
    return torch.xlogy(p, d).sum(-1) + torch.xlogy(q, 1 - d).sum(-1)


def histogram(samples: Tensor, edges: Tensor) -> Tensor:
    """Share of the samples in each bin; every sample has to fall into one.

    The last bin includes its right end. Used in chapter 1 to compare samples by KL, JS and TV.

    Parameters
    ----------
    samples : Tensor, shape (n,)
        Points on the line.
    edges : Tensor, shape (bins + 1,)
        Increasing ends of the bins.

    Returns
    -------
    Tensor, shape (bins,)
        Probabilities that sum to one, in the samples' type.

    Raises
    ------
    ValueError
        If there is no sample, a sample is not finite or lies outside the edges, or the edges do not increase.
    """
    if samples.ndim != 1 or samples.numel() == 0:
        raise ValueError(f"samples must be a non-empty vector, got shape {tuple(samples.shape)}")
    if edges.ndim != 1 or edges.numel() < 2 or not bool((edges[1:] > edges[:-1]).all()):
        raise ValueError("edges must be a vector of at least two increasing numbers")
    if not bool(((samples >= edges[0]) & (samples <= edges[-1])).all()):
        raise ValueError(f"samples must lie within the edges, [{edges[0]:g}, {edges[-1]:g}]; widen the edges")
    bins = edges.numel() - 1
    index = torch.bucketize(samples, edges, right=True).clamp_max(bins) - 1
    return torch.bincount(index, minlength=bins).to(samples.dtype) / samples.numel()


def sample_divergences(x: Tensor, y: Tensor, edges: Tensor) -> dict[str, Tensor]:
    """KL, JS and TV of the histograms of two samples on the line (chapter 1).

    What comes out depends on the bins: finer ones make any two samples disjoint.

    Parameters
    ----------
    x : Tensor, shape (n,)
        Real samples.
    y : Tensor, shape (m,)
        Generated samples.
    edges : Tensor, shape (bins + 1,)
        Increasing ends of the bins.

    Returns
    -------
    dict of str to Tensor
        Scalars under ``"kl"``, ``"js"`` and ``"tv"``.

    Raises
    ------
    ValueError
        As `histogram`.
    """
    p, q = histogram(x, edges), histogram(y, edges)
    return {"kl": kl(p, q), "js": js(p, q), "tv": tv(p, q)}


LOG_2 = math.log(2.0)  # the most that the Jensen–Shannon divergence can be


def _relative_entropy(p: Tensor, q: Tensor) -> Tensor:
    """Return p log(p/q) atom by atom; masked inside and outside, so that no gradient is NaN where p is 0."""
    inside = p > 0
    safe_p, safe_q = torch.where(inside, p, 1.0), torch.where(inside, q, 1.0)
    return torch.where(inside, safe_p * (safe_p.log() - safe_q.log()), 0.0)


def _densities(p: Tensor, q: Tensor) -> tuple[Tensor, Tensor]:
    if p.shape != q.shape or p.ndim == 0 or p.shape[-1] == 0:
        raise ValueError(
            f"p and q must have one shape with at least one atom, got {tuple(p.shape)} and {tuple(q.shape)}"
        )
    for name, values in (("p", p), ("q", q)):
        if not bool((torch.isfinite(values) & (values >= 0)).all()):
            raise ValueError(f"{name} must be finite and non-negative")
    return p, q


def _distributions(p: Tensor, q: Tensor) -> tuple[Tensor, Tensor]:
    p, q = _densities(p, q)
    for name, values in (("p", p), ("q", q)):
        mass = values.sum(-1)
        if bool(((mass - 1).abs() > _MASS_TOLERANCE).any()):
            raise ValueError(f"{name} must sum to 1 over its last axis, got {mass.flatten()[0]:g}; divide by the sum")
    return p, q
