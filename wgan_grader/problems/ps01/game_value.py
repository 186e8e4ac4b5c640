"""``game_value(d, p, q)``: what the discriminator maximises."""

import numpy as np

from ...formulas import divided, explained, negated, scaled, swapped
from ...problem import Cases, Criterion, Problem, case
from ._distributions import distribution


def cases(rng: np.random.Generator) -> Cases:
    yield case("value", "two atoms", d=[0.8, 0.3], p=[0.5, 0.5], q=[0.1, 0.9])
    for atoms in (3, 7, 40):
        yield case("value", f"{atoms} atoms", **_random(rng, atoms))
    yield case("value", "atoms that one alone visits", d=[0.7, 0.4, 0.2], p=[0.5, 0.5, 0.0], q=[0.0, 0.25, 0.75])
    yield case("right", "certain and right", d=[1.0, 0.0], p=[1.0, 0.0], q=[0.0, 1.0])
    yield case("right", "certain where it can be", d=[1.0, 0.5, 0.0], p=[0.5, 0.5, 0.0], q=[0.0, 0.5, 0.5])
    a, b, c = rng.uniform(0.2, 0.8, 3)
    yield case("right", "certain where it can be, random", d=[1.0, a, 0.0], p=[b, 1 - b, 0.0], q=[0.0, c, 1 - c])
    yield case("wrong", "certain and wrong about a real point", d=[0.0, 0.5], p=[0.5, 0.5], q=[0.25, 0.75])
    yield case("wrong", "certain and wrong about a fake point", d=[0.5, 1.0], p=[0.5, 0.5], q=[0.25, 0.75])
    yield case("wrong", "certain and wrong about every point", d=[0.0, 1.0], p=[0.5, 0.5], q=[0.5, 0.5])
    for name, d in (("a real point of tiny weight", [0.0, 0.5, 0.5]), ("a fake point of tiny weight", [0.5, 1.0, 0.5])):
        yield case("wrong", f"certain and wrong about {name}", d=d, p=[1e-30, 0.5, 0.5], q=[0.5, 1e-30, 0.5])
    yield case("wrong", "nearly certain and wrong", d=[10.0 ** -rng.uniform(20, 35), a], p=[b, 1 - b], q=[c, 1 - c])
    yield case("value", "1100 atoms", **_random(rng, 1100))


def _random(rng: np.random.Generator, atoms: int) -> dict[str, np.ndarray]:
    answers = rng.uniform(0.1, 0.9, atoms)
    return {"d": answers, "p": distribution(rng, atoms), "q": distribution(rng, atoms)}


def _weighted_log(weights: np.ndarray, x: np.ndarray) -> float:
    return float(np.sum(np.where(weights > 0, weights * np.log(np.where(weights > 0, x, 1.0)), 0.0)))


def value(d: np.ndarray, p: np.ndarray, q: np.ndarray) -> float:
    """Σ p log d + Σ q log(1 − d)."""
    return _weighted_log(p, d) + _weighted_log(q, 1 - d)


def _naive(d: np.ndarray, p: np.ndarray, q: np.ndarray) -> float:
    return np.sum(p * np.log(d)) + np.sum(q * np.log(1 - d))


def _smoothed(e: float):
    return lambda d, p, q: np.sum(p * np.log(d + e)) + np.sum(q * np.log(1 - d + e))


def _clamped(e: float):
    return lambda d, p, q: _naive(np.clip(d, e, 1 - e), p, q)


def _floored(floor: float):
    return lambda d, p, q: np.sum(p * np.maximum(np.log(d), floor)) + np.sum(q * np.maximum(np.log(1 - d), floor))


SMOOTHING = tuple(10.0**-k for k in range(4, 17))
WRONG = (
    ("negated", negated(value), negated(_naive)),
    ("minus", lambda d, p, q: _weighted_log(p, d) - _weighted_log(q, 1 - d)),
    ("swapped", swapped(value, "p", "q"), swapped(_naive, "p", "q")),
    ("one-measure", lambda d, p, q: _weighted_log(p, d) + _weighted_log(p, 1 - d)),
    ("one-measure", lambda d, p, q: _weighted_log(q, d) + _weighted_log(q, 1 - d)),
    ("log-d-twice", lambda d, p, q: _weighted_log(p, d) + _weighted_log(q, d), lambda d, p, q: _weighted_log(p + q, d)),
    ("non-saturating", lambda d, p, q: _weighted_log(p, d) - _weighted_log(q, d)),
    ("halved", scaled(value, 0.5)),
    ("base-two", divided(value, np.log(2))),
    ("mean", lambda d, p, q: value(d, p, q) / p.size),
    ("unweighted", lambda d, p, q: np.sum(np.log(d) + np.log(1 - d))),
    ("unweighted", lambda d, p, q: np.mean(np.log(d) + np.log(1 - d))),
    ("unweighted", lambda d, p, q: np.log(d[p > 0]).mean() + np.log(1 - d[q > 0]).mean()),
    ("unweighted", lambda d, p, q: np.log(d[p > 0]).sum() + np.log(1 - d[q > 0]).sum()),
    ("zero-times-log", _naive),
    ("clamped", *(_smoothed(e) for e in SMOOTHING), *(_clamped(e) for e in SMOOTHING)),
    ("clamped", *(_floored(floor) for floor in (-100.0, -50.0, -1000.0))),
)
MESSAGES = """
negated: This is −V, the binary cross-entropy that code minimises. V itself is what D maximises; it is never above 0.
minus: A minus stands between the two terms. Both are rewards for the discriminator: add them.
swapped: p and q are exchanged: D should be near 1 on real points (p), so log d is averaged under p.
one-measure: Both logarithms are averaged under the same distribution. Real points come from p and fake ones from q: Σ p
    log d + Σ q log(1 − d).
log-d-twice: The second term has log d; it must be log(1 − d), the reward for calling a fake a fake.
non-saturating: The second term is −log d, the non-saturating generator's loss. The value of the game has log(1 − d).
halved: The two expectations are averaged; V is their sum. (With the ½ the optimum is JS − log 2.)
base-two: log₂ is used; take the natural logarithm.
mean: The terms are averaged over the atoms; the weights p and q already make expectations. Sum them.
unweighted: The logarithms are summed, or plain means are taken, without the weights p and q: these are expectations
    under p and q, so each logarithm counts with its own weight.
zero-times-log: NaN: 0 · log 0 was left to the computer. An atom of weight 0 contributes 0: use torch.where or xlogy.
clamped: The logarithm is smoothed, clamped or cut off (torch's binary_cross_entropy cuts it at −100), so that a certain
    and wrong discriminator gets a finite value. It is −∞: that is why D never dares to be certain.
"""
PROBLEM = Problem(
    key="ps01.game_value",
    title="The value of the game",
    criteria=(
        Criterion("value", "Σ p log d + Σ q log(1 − d)", 1),
        Criterion("right", "a discriminator that is certain and right loses nothing: those atoms contribute 0", 0.5),
        Criterion("wrong", "a discriminator that is certain and wrong has value −∞, and no other has", 0.5),
    ),
    cases=cases,
    formula=value,
    pure="value",
    package_functions=("wgan_course.divergences.game_value",),
    stand_in="wgan_course.divergences.game_value",
    misconceptions=explained(WRONG, MESSAGES),
)
