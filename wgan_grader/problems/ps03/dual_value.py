"""``dual_value(phi, psi, a, b)``: what a pair of potentials is worth."""

import numpy as np

from ...formulas import divided, explained
from ...problem import ATOL, Case, Cases, Criterion, Problem
from ._geometry import masses


def cases(rng: np.random.Generator) -> Cases:
    yield _case("two atoms", [3.0, 1.0], [-0.5, 2.0], [0.5, 0.5], [0.5, 0.5], "uniform")
    for n in (3, 5):
        uniform = np.full(n, 1 / n)
        inputs = {"phi": rng.normal(size=n), "psi": rng.normal(size=n), "a": uniform, "b": uniform.copy()}
        yield Case(f"{n} equal atoms", inputs, criterion="uniform")
    yield _case("unequal weights", [3.0, 1.0], [-0.5, 2.0], [0.25, 0.75], [0.9, 0.1], "weights")
    yield _case("a dear mine that is empty", [1.0, 1e6], [2.0, -1e6], [1.0, 0.0], [1.0, 0.0], "weights")
    yield _random(rng, 4, 4, "weights")
    yield _random(rng, 3, 5, "sizes")
    yield _random(rng, 7, 2, "sizes")
    yield _random(rng, 40, 26, "sizes")
    yield _random(rng, 1100, 1030, "sizes", atol=1e-6)
    far = ([1e6 + 0.7, 1e6 - 1.3], [-1e6 + 0.6, -1e6 + 2.2])  # a constant that φ has gained and ψ has lost
    yield _case("a large constant moved from one to the other", *far, [0.25, 0.75], [0.5, 0.5], "weights")
    light = [1e-9, 1 - 1e-9]
    yield _case("very dear, and very light", [2e9, 1.0], [-1.0, 3e9], light, light[::-1], "weights")


def _case(name: str, phi: list, psi: list, a: list, b: list, criterion: str) -> Case:
    names = ("phi", "psi", "a", "b")
    return Case(name, dict(zip(names, map(np.array, (phi, psi, a, b)), strict=True)), criterion=criterion)


def _random(rng: np.random.Generator, n: int, m: int, criterion: str, atol: float = ATOL) -> Case:
    inputs = {"phi": rng.normal(size=n), "psi": rng.normal(size=m), "a": masses(rng, n), "b": masses(rng, m)}
    return Case(f"{n} and {m} atoms", inputs, criterion=criterion, atol=atol)


def value(phi: np.ndarray, psi: np.ndarray, a: np.ndarray, b: np.ndarray) -> float:
    """Mean of phi under a plus mean of psi under b."""
    return float(a @ phi + b @ psi)


def _shorter(phi: np.ndarray, psi: np.ndarray, a: np.ndarray, b: np.ndarray) -> float:
    n = min(len(a), len(b))
    return value(phi[:n], psi[:n], a[:n], b[:n])


WRONG = (
    ("unweighted", lambda phi, psi, a, b: phi.mean() + psi.mean()),
    ("no-masses", lambda phi, psi, a, b: phi.sum() + psi.sum()),
    ("minus", lambda phi, psi, a, b: a @ phi - b @ psi, lambda phi, psi, a, b: b @ psi - a @ phi),
    ("swapped", lambda phi, psi, a, b: b @ phi + a @ psi),
    ("averaged-twice", lambda phi, psi, a, b: (a * phi).mean() + (b * psi).mean(), divided(value, 2)),
    ("one-side", lambda phi, psi, a, b: a @ phi, lambda phi, psi, a, b: b @ psi),
    ("absolute", lambda phi, psi, a, b: a @ abs(phi) + b @ abs(psi), lambda p, q, a, b: abs(a @ p) + abs(b @ q)),
    ("cut-off", lambda p, q, a, b: a @ np.maximum(p, 0) + b @ np.maximum(q, 0)),
    ("product", lambda p, q, a, b: (a @ p) * (b @ q)),
    ("shorter-list", _shorter),
    ("single-precision", lambda *given: value(*(one.astype(np.float32) for one in given))),
    ("once-a-route", lambda phi, psi, a, b: len(b) * (a @ phi) + len(a) * (b @ psi)),
    ("pairs", lambda phi, psi, a, b: (phi[:, None] + psi).sum(), lambda phi, psi, a, b: (phi[:, None] + psi).mean()),
)
MESSAGES = """
single-precision: The prices were rounded to float32, which keeps about one decimal of numbers near 10⁶: where a large
    constant cancels, the rest is lost. Leave them in float64, as they came.
unweighted: Plain means are taken. They are right only for equal masses: weigh each price with its mass, Σ aᵢφᵢ.
no-masses: The prices are summed without their masses: a shop that takes nothing would earn as much as any other.
minus: ψ is subtracted. That is the form with one critic, E_P f − E_Q f, where ψ = −f. With two potentials both are
    added.
swapped: The masses are swapped: a belongs to φ (the mines), b to ψ (the shops).
averaged-twice: The sum is divided once more, by the number of atoms (a mean of the products) or by 2. The masses
    already sum to 1: add up all products.
one-side: Only one of the two sums is there. She charges at the mine *and* at the shop.
absolute: Absolute values: a negative price is a discount and lowers the income.
cut-off: Negative prices count as 0. A negative price is a discount and lowers the income.
product: The two incomes are multiplied. Add them.
shorter-list: Only as many mines and shops are counted as the shorter list has: zip ends there. Sum each list by itself.
once-a-route: Each mine is counted once for every shop, and each shop once for every mine, with its own mass. Each is
    counted once: add up the two lists by themselves.
pairs: The sum runs over all pairs without masses: each price is counted once for every partner.
"""
PROBLEM = Problem(
    key="ps03.dual_value",
    title="What potentials are worth",
    criteria=(
        Criterion("uniform", "the sum of both means, for equal masses", 1),
        Criterion("weights", "each price counts with its own mass", 0.5),
        Criterion("sizes", "as many shops as you like", 0.5),
    ),
    cases=cases,
    formula=value,
    scales=((1e6, "phi psi"), (2.0**-40, "phi psi")),
    pure="uniform",
    misconceptions=explained(WRONG, MESSAGES),
)
