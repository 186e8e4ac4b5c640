"""``optimal_discriminator(p, q)``: the best answer of a discriminator, atom by atom."""

import numpy as np

from ...formulas import complement, composed, explained, scaled
from ...problem import Cases, Criterion, Problem, case
from ._distributions import distribution, with_holes


def cases(rng: np.random.Generator) -> Cases:
    yield case("value", "two atoms", p=[0.5, 0.5], q=[0.1, 0.9])
    for atoms in (3, 7, 40):
        yield case("value", f"{atoms} atoms", p=distribution(rng, atoms), q=distribution(rng, atoms))
    yield case("value", "one of them is zero", p=[0.0, 0.5, 0.5], q=[0.5, 0.5, 0.0], atol=0.0)
    yield case("value", "nearly certain", p=[3e-20, 1.0], q=[0.25, 0.75], atol=0.0)
    yield case("nobody", "both are zero", p=[0.0, 0.2, 0.8], q=[0.0, 0.6, 0.4])
    yield case("nobody", "tiny densities", p=[2e-12, 1.0 - 2e-12], q=[6e-12, 1.0 - 6e-12])
    low, high = 10.0 ** -rng.uniform(180, 250, 2)  # their squares are 0
    yield case("nobody", "nobody, and tinier", p=[0.0, 2 * low, high, 1.0, 0.0], q=[0.0, 6 * low, 3 * high, 1.0, 0.0])
    yield case("nobody", "random", p=with_holes(rng, 6, 2), q=with_holes(rng, 6, 2))
    yield case("value", "1100 atoms", p=distribution(rng, 1100), q=distribution(rng, 1100))


def optimal(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """p / (p + q), and ½ where both vanish."""
    total = p + q
    return np.where(total > 0, p / np.where(total > 0, total, 1.0), 0.5)


SMOOTHING = tuple(10.0**-k for k in range(5, 17))


def _clamped(e: float):
    return lambda p, q: np.clip(optimal(p, q), e, 1 - e)


WRONG = (
    ("swapped", complement(optimal), lambda p, q: q / (p + q)),
    ("odds", lambda p, q: p / q),
    ("logit", lambda p, q: np.log(p / q), lambda p, q: np.log(p) - np.log(q)),
    ("classifier", lambda p, q: (p > q).astype(float), lambda p, q: (p >= q).astype(float)),
    ("classifier", lambda p, q: np.heaviside(p - q, 0.5)),
    ("classifier", composed(np.round, optimal)),
    ("normalised", lambda p, q: p / (p + q).sum()),
    ("mixture", scaled(optimal, 2), lambda p, q: p / (0.5 * (p + q))),
    ("sigmoid-of-difference", lambda p, q: 1 / (1 + np.exp(q - p))),
    ("zero-over-zero", lambda p, q: p / (p + q)),
    ("nobody-zero", lambda p, q: np.nan_to_num(p / (p + q)), lambda p, q: np.where(p + q > 0, p / (p + q), 1.0)),
    ("smoothed", *(lambda p, q, e=e: p / (p + q + e) for e in SMOOTHING)),
    ("smoothed", *(_clamped(e) for e in SMOOTHING)),
    ("smoothed", *(lambda p, q, e=e: p / np.maximum(p + q, e) for e in SMOOTHING)),
    ("smoothed", *(lambda p, q, e=e: (p + e) / (p + q + 2 * e) for e in SMOOTHING)),
)
MESSAGES = """
swapped: This is q / (p + q), the probability that the point is fake. D is the probability that it is *real*.
odds: p / q are the odds, between 0 and ∞. The probability is p / (p + q), between 0 and 1.
logit: log(p/q) is the optimal *logit*. The discriminator's answer is its sigmoid, which is p / (p + q).
classifier: Answers are 0 or 1: this is a decision, p > q. The optimal D says how likely, p / (p + q).
normalised: The denominator is one sum over all atoms. D is computed at each atom by itself: p_i / (p_i + q_i).
mixture: The denominator is ½(p + q), so D reaches 2. A probability cannot: leave the ½ out.
sigmoid-of-difference: This is the sigmoid (or softmax) of p − q. The sigmoid belongs to the logit log p − log q.
zero-over-zero: NaN where neither distribution lives: 0/0 was left to the computer. Any answer is optimal there; return
    ½.
nobody-zero: Where both densities vanish it answers 0 or 1. Both are optimal, but the exercise asks for ½: no opinion.
smoothed: A small constant in the denominator (or a clamp) biases D where the densities, or D, are small. Ask
    whether p + q is 0, with torch.where.
"""
PROBLEM = Problem(
    key="ps01.optimal_discriminator",
    title="The optimal discriminator",
    criteria=(
        Criterion("value", "p / (p + q) at each atom: 1 where only p lives, 0 where only q does", 1),
        Criterion("nobody", "½ where both vanish, and not where they are merely small", 1),
    ),
    cases=cases,
    formula=optimal,
    pure="value",
    package_functions=("wgan_course.divergences.optimal_discriminator",),
    stand_in="wgan_course.divergences.optimal_discriminator",
    misconceptions=explained(WRONG, MESSAGES),
)
