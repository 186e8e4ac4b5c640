"""``kl(p, q)``: the Kullback–Leibler divergence of two discrete distributions."""

import numpy as np

from ...formulas import absolute, divided, explained, summed, swapped
from ...problem import Cases, Criterion, Problem, case
from ._distributions import distribution, kl, with_holes, x_log_ratio


def cases(rng: np.random.Generator) -> Cases:
    half, quarter = np.array([0.5, 0.5]), np.array([0.25, 0.75])
    yield case("value", "two atoms", p=half, q=quarter)
    for atoms in (3, 7, 40):
        yield case("value", f"{atoms} atoms", p=distribution(rng, atoms), q=distribution(rng, atoms))
    sizes = 0.9 * 10.0 ** -np.arange(6)
    yield case("value", "masses of every size", p=sizes / sizes.sum(), q=sizes[::-1] / sizes.sum())
    few = np.append(np.full(20, 1e-7), 1 - 2e-6)
    yield case("value", "many tiny masses", p=few, q=np.append(np.full(20, 2.5e-3), 0.95))
    yield case("zero-p", "p has a zero", p=[1.0, 0.0], q=quarter)
    yield case("zero-p", "zeros in both", p=with_holes(rng, 6, 2), q=with_holes(rng, 6, 1))
    yield case("infinite", "q has a zero", p=half, q=[1.0, 0.0])
    yield case("infinite", "disjoint", p=[0.0, 1.0, 0.0], q=[0.5, 0.0, 0.5])
    yield case("infinite", "far atoms", p=[1.0, 0.0], q=[1e-200, 1.0])
    yield case("infinite", "a tiny mass where q has none", p=[1e-30, 1.0], q=[0.0, 1.0])
    p = distribution(rng, 3)
    yield case("infinite", "far atoms, random", p=p, q=np.append(10.0 ** -rng.uniform(50, 250, 2), 1.0))
    yield case("value", "1100 atoms", p=distribution(rng, 1100), q=distribution(rng, 1100), atol=1e-6)


def _smoothed(eps: float, both: bool = True):
    return lambda p, q: np.sum(p * np.log((p + eps * both) / (q + eps)))


def _clamped(eps: float):
    return lambda p, q: np.sum(p * np.log(np.clip(p, eps, None) / np.clip(q, eps, None)))


SMOOTHING = (1e-12, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-16, 1e-15, 1e-20)
WRONG = (
    ("reversed", swapped(kl, "p", "q"), lambda p, q: np.sum(q * np.log(q / p))),
    ("base-two", divided(kl, np.log(2))),
    ("base-ten", divided(kl, np.log(10))),
    ("mean", lambda p, q: kl(p, q) / p.size),
    ("absolute", summed(absolute(x_log_ratio)), lambda p, q: np.nansum(np.abs(p * np.log(p / q)))),
    ("unweighted", lambda p, q: np.sum(np.log(p / q))),
    ("cross-entropy", lambda p, q: -np.sum(p * np.log(q))),
    ("cross-entropy", lambda p, q: -x_log_ratio(p, q).sum() + np.sum(p * np.log(p))),
    ("zero-times-log", lambda p, q: np.sum(p * np.log(p / q)), lambda p, q: np.sum(p * (np.log(p) - np.log(q)))),
    ("zero-times-log", lambda p, q: np.sum(x_log_ratio(p, np.ones_like(p)) - p * np.log(q))),
    ("smoothed", *(_smoothed(eps, both) for eps in SMOOTHING for both in (True, False))),
    ("smoothed", *(_clamped(eps) for eps in SMOOTHING)),
    ("dropped", lambda p, q: kl(p[(p > 0) & (q > 0)], q[(p > 0) & (q > 0)])),
    ("small-dropped", *(lambda p, q, e=10.0**-k: kl(np.where(p > e, p, 0.0), q) for k in range(1, 12))),
    ("dropped", lambda p, q: np.nansum(np.where(q > 0, p * np.log(p / q), 0.0))),
)
MESSAGES = """
reversed: This is KL(q‖p): the arguments are the wrong way round. The average is taken under the first one, p.
base-two: This is measured in bits: log₂ is used. The course uses the natural logarithm throughout.
base-ten: log₁₀ is used; take the natural logarithm.
mean: The terms are averaged over the atoms. The weights p already make this an average: sum them.
absolute: Absolute values were taken term by term. Single terms may be negative; only their sum is never below 0.
unweighted: The log ratios are summed without the weights p: an atom that p never visits must not count.
cross-entropy: This is the cross-entropy −Σ p log q; the entropy of p is missing.
zero-times-log: NaN: 0 · log 0 or 0/0 was left to the computer. Where p = 0 the term is 0, its limit, also where q = 0:
    choose it with torch.where, or take xlogy(p, p) − xlogy(p, q).
smoothed: A small constant inside the logarithm makes an infinite divergence finite, and its value depends on the
    constant that you chose. That KL is infinite is the point of the chapter: say so.
small-dropped: Atoms of small mass p are left out. Only p = 0 is without effect: compare p with 0.
dropped: Atoms with q = 0 are left out of the sum. Where p > 0 and q = 0 the term is +∞, and so is the divergence.
"""
PROBLEM = Problem(
    key="ps01.kl",
    title="Kullback–Leibler divergence",
    criteria=(
        Criterion("value", "Σ p log(p/q), with the natural logarithm", 1),
        Criterion("zero-p", "an atom with p = 0 contributes 0 (0 · log 0 = 0)", 1),
        Criterion("infinite", "is +∞, not merely large, where p > 0 and q = 0", 1),
    ),
    cases=cases,
    formula=kl,
    pure="value",
    package_functions=("wgan_course.divergences.kl",),
    stand_in="wgan_course.divergences.kl",
    misconceptions=explained(WRONG, MESSAGES),
)
