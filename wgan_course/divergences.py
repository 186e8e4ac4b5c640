"""Divergences that compare probabilities point by point, and the game that a discriminator plays.

All of them take discrete distributions on the last axis, shape (..., n), whose sum may differ from one by rounding;
they use the natural logarithm and give one value a distribution, shape (...). Derived in chapter 1.
"""

import math

import torch
from torch import Tensor

from ._checks import HALF, check_floating, of_one_type

LOG_2 = math.log(2.0)  # the most that the Jensen–Shannon divergence can be
_MASS_TOLERANCE = 1e-4


def kl(p: Tensor, q: Tensor) -> Tensor:
    r"""Kullback–Leibler divergence in nats, at least 0.

    .. math:: \operatorname{KL}(P\|Q)=\sum_i p_i\log\frac{p_i}{q_i}

    with :math:`0\log 0=0`, and infinite where some :math:`p_i>0=q_i`.

    Parameters
    ----------
    p, q : Tensor, shape (..., n)
    """
    return _relative_entropy(*_distributions(p, q)).sum(-1).clamp_min(0.0)


def js(p: Tensor, q: Tensor) -> Tensor:
    r"""Jensen–Shannon divergence in nats.

    .. math:: \operatorname{JS}(P,Q)=\tfrac12\operatorname{KL}(P\|M)+\tfrac12\operatorname{KL}(Q\|M),
        \quad M=\tfrac12(P+Q)

    It is symmetric and at most log 2, which it reaches on disjoint supports (``prop-js-disjoint``).

    Parameters
    ----------
    p, q : Tensor, shape (..., n)
    """
    p, q = _distributions(p, q)
    middle = p + q
    middle = torch.where(middle / 2 > 0, middle / 2, middle)  # half of the least denormal number is 0
    return ((_relative_entropy(p, middle).sum(-1) + _relative_entropy(q, middle).sum(-1)) / 2).clamp_min(0.0)


def tv(p: Tensor, q: Tensor) -> Tensor:
    r"""Total variation distance, half of the sum of :math:`|p_i-q_i|`; 1 exactly on disjoint supports.

    Parameters
    ----------
    p, q : Tensor, shape (..., n)
    """
    p, q = _distributions(p, q)
    return (p - q).abs().sum(-1) / 2


def optimal_discriminator(p: Tensor, q: Tensor) -> Tensor:
    r"""Best answer of a discriminator to two densities, :math:`D^*=p/(p+q)`, shape (..., n).

    Where both vanish any value is optimal; one half is returned. ``prop-optimal-discriminator``.

    Parameters
    ----------
    p, q : Tensor, shape (..., n)
        Real and generated density at the same points; need not sum to one.
    """
    p, q = _densities(p, q)
    larger = torch.maximum(p, q).detach()
    unit = torch.where(larger > 0, larger, 1.0)  # a sum of large densities is infinite, and one of small ones 0
    p, q = p / unit, q / unit
    return torch.where(larger > 0, p / torch.where(larger > 0, p + q, 1.0), 0.5)


def game_value(d: Tensor, p: Tensor, q: Tensor) -> Tensor:
    r"""Value of the GAN game for a discriminator, at most 0; −∞ where it is certain and wrong.

    .. math:: V(D,Q)=\mathbb E_{x\sim P}\log D(x)+\mathbb E_{x\sim Q}\log(1-D(x))

    At the optimal discriminator this is 2 JS(P, Q) − log 4 (``prop-game-value``).

    Parameters
    ----------
    d : Tensor, shape (..., n)
        The discriminator's answers at the atoms, in [0, 1].
    p, q : Tensor, shape (..., n)
        Real and generated distribution.

    Raises
    ------
    ValueError
        If `d` leaves [0, 1] or has not one value an atom.
    """
    p, q = _distributions(p, q)
    d = check_floating("d", d)
    if d.shape[-1:] != p.shape[-1:]:
        raise ValueError(f"d must have one value an atom, got shape {tuple(d.shape)} for {p.shape[-1]} atoms")
    if not bool(((d >= 0) & (d <= 1)).all()):
        raise ValueError("d must hold probabilities in [0, 1]; apply a sigmoid to logits first")
    return torch.xlogy(p, d).sum(-1) + torch.xlogy(q, 1 - d).sum(-1)


def histogram(samples: Tensor, edges: Tensor) -> Tensor:
    """Share of the samples in each bin, shape (bins,); every sample has to fall into one.

    The last bin includes its right end.

    Parameters
    ----------
    samples : Tensor, shape (n,)
    edges : Tensor, shape (bins + 1,)
        Increasing.

    Raises
    ------
    ValueError
        If there is no sample, a sample is not finite or lies outside the edges, or the edges do not increase.
    """
    samples, edges = of_one_type(check_floating("samples", samples), check_floating("edges", edges))
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
    """KL, JS and TV of the histograms of two samples on the line, under ``"kl"``, ``"js"`` and ``"tv"``.

    What comes out depends on the bins: finer ones make any two samples disjoint.

    Parameters
    ----------
    x, y : Tensor, shapes (n,) and (m,)
    edges : Tensor, shape (bins + 1,)
    """
    p, q = histogram(x, edges), histogram(y, edges)
    return {"kl": kl(p, q), "js": js(p, q), "tv": tv(p, q)}


def _relative_entropy(p: Tensor, q: Tensor) -> Tensor:
    """Return p log(p/q) atom by atom; masked inside and outside, so that no gradient is NaN where p is 0."""
    inside = p > 0
    safe_p, safe_q = torch.where(inside, p, 1.0), torch.where(inside, q, 1.0)
    return torch.where(inside, safe_p * (safe_p.log() - safe_q.log()), 0.0)


def _densities(p: Tensor, q: Tensor) -> tuple[Tensor, ...]:
    p, q = of_one_type(check_floating("p", p), check_floating("q", q))
    if p.shape != q.shape or p.ndim == 0 or p.shape[-1] == 0:
        raise ValueError(
            f"p and q must have one shape with at least one atom, got {tuple(p.shape)} and {tuple(q.shape)}"
        )
    for name, values in (("p", p), ("q", q)):
        if not bool((torch.isfinite(values) & (values >= 0)).all()):
            raise ValueError(f"{name} must be finite and non-negative")
    return p, q


def _distributions(p: Tensor, q: Tensor) -> tuple[Tensor, ...]:
    """Refuse what does not sum to one but for rounding, and divide by the sum: unequal masses would be a divergence."""
    rounding = [torch.finfo(x.dtype).eps if isinstance(x, Tensor) and x.dtype in HALF else 0.0 for x in (p, q)]
    found = []
    for name, values, tolerance in zip("pq", _densities(p, q), rounding, strict=True):
        mass = values.sum(-1, keepdim=True)
        if bool(((mass - 1).abs() > max(tolerance, _MASS_TOLERANCE)).any()):
            raise ValueError(f"{name} must sum to 1 over its last axis, got {mass.flatten()[0]:g}; divide by the sum")
        found.append(values / mass)
    return tuple(found)
