"""``js(p, q)``: the Jensen–Shannon divergence of two discrete distributions."""

import numpy as np

from ...formulas import divided, explained, given, root, scaled
from ...problem import Cases, Criterion, Problem, case
from ._distributions import distribution, kl, with_holes


def cases(rng: np.random.Generator) -> Cases:
    yield case("value", "two atoms", p=[0.5, 0.5], q=[0.1, 0.9])
    for atoms in (3, 7, 40):
        yield case("value", f"{atoms} atoms", p=distribution(rng, atoms), q=distribution(rng, atoms))
    yield case("zeros", "two points", p=[1.0, 0.0], q=[0.0, 1.0])
    yield case("zeros", "zeros in both", p=with_holes(rng, 6, 2), q=with_holes(rng, 6, 2)[::-1].copy())
    yield case("zeros", "a place where nobody lives", p=[0.5, 0.0, 0.5], q=[0.25, 0.0, 0.75])
    shares = np.repeat([0.01, 0.0], 100)
    yield case("zeros", "a hundred atoms each", p=shares, q=shares[::-1].copy())
    light = {"p": [5e-5, 1 - 5e-5], "q": [0.0, 1.0]}
    yield case("zeros", "a little on one side", **light, atol=1e-6)  # float32 loses the digits of 1 − p
    crumb = {"p": [2.4e-6, 1 - 2.4e-6], "q": [0.0, 1.0]}
    yield case("zeros", "a crumb on one side", **crumb, atol=4e-7)  # small, and not 0: float32 tells that as well
    many = np.repeat([2.0**-13, 0.0], 2**13)
    yield case("zeros", "8192 atoms each", p=many, q=many[::-1].copy(), rtol=3e-6)  # a constant of 1e-9 shows
    crumbs, rest = np.repeat([2.0**-41, 0.0], 2**13), 1 - 2.0**-28  # light as each is, they carry all
    light = {"p": np.append(crumbs, rest), "q": np.append(crumbs[::-1], rest)}
    yield case("zeros", "8192 crumbs", **light, rtol=1e-4, atol=0.0)
    yield case("zeros", "one zero", p=[0.5, 0.5, 0.0], q=[0.25, 0.25, 0.5])
    yield case("value", "1500 atoms", p=distribution(rng, 1500), q=distribution(rng, 1500), atol=1e-6)


def js(p: np.ndarray, q: np.ndarray) -> float:
    """½ KL(p‖m) + ½ KL(q‖m) with m = ½(p + q)."""
    m = 0.5 * (p + q)
    return 0.5 * kl(p, m) + 0.5 * kl(q, m)


def _naive(p: np.ndarray, q: np.ndarray) -> float:
    m = 0.5 * (p + q)
    return 0.5 * np.sum(p * np.log(p / m)) + 0.5 * np.sum(q * np.log(q / m))


def _against(mixture):
    return lambda p, q: 0.5 * kl(p, mixture(p, q)) + 0.5 * kl(q, mixture(p, q))


def _reversed(p: np.ndarray, q: np.ndarray) -> float:
    m = 0.5 * (p + q)
    return 0.5 * kl(m, p) + 0.5 * kl(m, q)


def _smoothed(p: np.ndarray, q: np.ndarray, e: float = 0.0) -> float:
    m = 0.5 * (p + q)
    return 0.5 * np.sum(p * np.log((p + e) / (m + e))) + 0.5 * np.sum(q * np.log((q + e) / (m + e)))


def _on(p: np.ndarray, q: np.ndarray, kept: np.ndarray) -> float:
    return js(p[kept], q[kept])


WRONG = (
    ("no-half", scaled(js, 2), scaled(_naive, 2)),
    ("mixture-not-halved", _against(lambda p, q: p + q)),
    ("symmetric-kl", lambda p, q: 0.5 * (kl(p, q) + kl(q, p)), lambda p, q: kl(p, q) + kl(q, p)),
    ("one-sided", lambda p, q: kl(p, 0.5 * (p + q)), lambda p, q: 0.5 * kl(p, 0.5 * (p + q))),
    ("one-sided", lambda p, q: kl(q, 0.5 * (p + q)), lambda p, q: 0.5 * kl(q, 0.5 * (p + q))),
    ("reversed", _reversed),
    ("base-two", divided(js, np.log(2))),
    ("square-root", root(js)),
    ("mean", lambda p, q: js(p, q) / p.size),
    ("geometric", _against(lambda p, q: np.sqrt(p * q)), _against(lambda p, q: np.sqrt(p * q) / np.sqrt(p * q).sum())),
    ("zero-times-log", _naive, scaled(js, np.nan)),
    ("dropped", lambda p, q: _on(p, q, (p > 0) & (q > 0))),
    ("smoothed", *(given(_smoothed, e=10.0**-k) for k in range(5, 14))),
    ("small-dropped", *(lambda p, q, e=10.0**-k: js(p * (p > e), q * (q > e)) for k in range(3, 13))),
)
MESSAGES = """
no-half: The two halves are summed, not averaged: a factor ½ is missing in front of each KL. Without it the divergence
    of disjoint distributions is 2 log 2, and no longer the mean surprise.
mixture-not-halved: m = p + q is not a distribution: it sums to 2, so everything is too small by log 2. Take m = ½(p +
    q).
symmetric-kl: This is the symmetrised KL divergence, KL(p‖q) + KL(q‖p) or half of it. It is infinite on disjoint
    supports; JS compares each distribution with the mixture m, which never vanishes where one of them lives.
one-sided: Only one of the two halves is there: JS takes KL(p‖m) and KL(q‖m).
reversed: The mixture stands on the wrong side: KL(m‖p) instead of KL(p‖m). (torch's kl_div takes its arguments in the
    opposite order, the second in front.)
base-two: This is measured in bits, where the maximum is 1. With the natural logarithm it is log 2 ≈ 0.693.
square-root: This is the square root of JS: the Jensen–Shannon *distance*, which scipy.spatial.distance.jensenshannon
    returns. Square it.
mean: The terms are averaged over the atoms; the weights p and q already make averages. Sum them.
geometric: The mixture is the arithmetic mean ½(p + q), not the geometric one √(pq).
zero-times-log: NaN: 0 · log 0 was left to the computer. Where p = 0 the term is 0, its limit: use torch.where or xlogy,
    or a kl that already knows.
dropped: Atoms that only one of the two visits are left out. They count most: p log(p/m) is p log 2 there.
smoothed: A small constant inside the logarithms: where many atoms are light, it outweighs them. Where p = 0 the term is
    0: use torch.where or xlogy, and add nothing.
small-dropped: What is small is taken for 0, an atom or the sum; yet many light atoms can carry all of the divergence.
    Only p = 0 is without effect: compare p with 0.
"""
PROBLEM = Problem(
    key="ps01.js",
    title="Jensen–Shannon divergence",
    criteria=(
        Criterion("value", "½ KL(p‖m) + ½ KL(q‖m) with m = ½(p + q)", 2),
        Criterion("zeros", "zeros are no obstacle: log 2 on disjoint supports", 1),
    ),
    cases=cases,
    formula=js,
    pure="value",
    package_functions=("wgan_course.divergences.js",),
    stand_in="wgan_course.divergences.js",
    misconceptions=explained(WRONG, MESSAGES),
)
