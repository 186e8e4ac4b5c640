"""``sn_bound(norms, estimates, skips)``: what a network that divides by estimates may claim."""

import numpy as np

from ...formulas import constant, explained
from ...problem import Cases, Criterion, Problem, case


def cases(rng: np.random.Generator) -> Cases:
    yield case("plain", "two layers", norms=[2.0, 3.0], estimates=[1.0, 2.0], skips=[False, False])
    for count in (3, 5):
        yield case("plain", f"{count} layers", **_random(rng, count, np.zeros(count, bool)))
    yield case("plain", "60 layers", **_random(rng, 60, np.zeros(60, bool)))
    yield case("plain", "an estimate far below", norms=[500.0, 3.0], estimates=[1.0, 2.0], skips=[False, False])
    yield case("skips", "75 layers, every second a block", **_random(rng, 75, np.arange(75) % 2 == 0))
    yield case("plain", "131 layers", **_random(rng, 131, np.zeros(131, bool)))
    yield case("plain", "estimates above the norms", norms=[2.0, 3.0], estimates=[4.0, 3.5], skips=[False, False])
    yield case("plain", "small norms", norms=[2e-3, 3.0], estimates=[1.0, 2.0], skips=[False, False])
    yield case("plain", "layers alike", norms=[2.0, 2.0, 3.0], estimates=[1.0, 1.0, 2.0], skips=[False, False, False])
    for skips in ([True, True, True], [True, True, False], [False, True, True]):
        name = " and ".join("a block" if skip else "a layer" for skip in skips)
        yield case("skips", name, norms=[5.0, 7.0, 9.0], estimates=[4.0, 7.0, 6.0], skips=skips)
    yield case("skips", "a block and a layer", norms=[2.0, 3.0], estimates=[1.0, 2.0], skips=[True, False])
    yield case("skips", "estimates above both norms", norms=[2.0, 3.0], estimates=[4.0, 3.5], skips=[True, False])
    for count in (4, 6):
        skips = np.arange(count) % 2 == 1
        yield case("skips", f"{count} layers, every second a block", **_random(rng, count, skips))
    yield case("skips", "one block", norms=[3.0], estimates=[2.0], skips=[True])


def _random(rng: np.random.Generator, count: int, skips: np.ndarray) -> dict[str, np.ndarray]:
    norms = rng.uniform(0.5, 4, size=count)
    return {"norms": norms, "estimates": norms * rng.uniform(0.6, 0.95, size=count), "skips": skips}


def bound(norms: np.ndarray, estimates: np.ndarray, skips: np.ndarray) -> float:
    """Product of σ/s over plain layers and 1 + σ/s over blocks."""
    return float(np.prod(norms / estimates + skips))


WRONG = (
    ("one", constant(1.0), lambda n, e, s: 2.0 ** s.sum()),
    ("inverted", lambda n, e, s: np.prod(e / n + s)),
    ("no-division", lambda n, e, s: np.prod(n + s), lambda n, e, s: np.prod(e + s), lambda n, e, s: np.prod(n)),
    ("no-division", lambda n, e, s: np.prod(e)),
    ("sum", lambda n, e, s: np.sum(n / e + s), lambda n, e, s: np.sum(n / e), lambda n, e, s: np.mean(n / e + s)),
    ("sum", lambda n, e, s: np.mean(n / e)),
    ("largest", lambda n, e, s: np.max(n / e + s), lambda n, e, s: np.max(n / e)),
    ("skips-ignored", lambda n, e, s: np.prod(n / e)),
    ("doubled", lambda n, e, s: np.prod(n / e * (1 + s))),
    ("blocks-are-two", lambda n, e, s: np.prod(np.where(s, 2.0, n / e))),
    ("all-skips", lambda n, e, s: np.prod(1 + n / e)),
    ("skips-flipped", lambda n, e, s: np.prod(n / e + ~s)),
    ("one-skip", lambda n, e, s: np.prod(n / e) + s.sum(), lambda n, e, s: np.prod(n / e) + s.any()),
    ("one-skip", lambda n, e, s: 1 + np.prod(n / e), lambda n, e, s: np.prod(n / e) * (1 + s.sum())),
    (
        "at-least-one",
        lambda n, e, s: np.prod(np.maximum(n / e, 1) + s),
        lambda n, e, s: np.prod(n / np.maximum(e, 1) + s),
    ),
    ("at-least-one", lambda n, e, s: np.prod(np.minimum(n / e, 1) + s), lambda n, e, s: max(1.0, bound(n, e, s))),
    ("whole-block-divided", lambda n, e, s: np.prod((n + s) / e), lambda n, e, s: np.prod(n + s) / np.prod(e)),
    ("root-of-squares", lambda n, e, s: np.prod(np.sqrt((n / e) ** 2 + s))),
    ("per-layer", lambda n, e, s: n / e + s, lambda n, e, s: n / e, lambda n, e, s: np.cumprod(n / e + s)),
)
MESSAGES = """
one: This claims 1 (or counts only the blocks, 2 each): it believes the estimates. The layer's true norm is σ/σ̂, and
    power iteration comes from below, so that is more than 1.
inverted: The quotients are upside down: the weight is divided by the estimate, so its norm is σ/σ̂ ≥ 1.
no-division: This is the product of the norms before any division (or of the estimates).
sum: The layers' constants are added (or averaged). Composition multiplies.
largest: This is the worst layer's constant. Composition multiplies them.
skips-ignored: The residual blocks are treated like plain layers. x + g(x) has constant up to 1 + Lip(g).
doubled: A block is counted as twice its layer. The skip path adds 1 to σ/σ̂; it does not double it.
blocks-are-two: Each block is counted as exactly 2. That is right for norm 1; here the layer inside has σ/σ̂.
all-skips: Every layer is treated like a block. Only those with skips == True have a skip path.
skips-flipped: Blocks and plain layers are the wrong way round.
one-skip: 1 is added to the whole product (or for the sum of the blocks), not within each block.
at-least-one: σ/σ̂, σ̂ or the product is kept at or above 1 (or below). An estimate may be above the norm, and a weight
    below 1 is divided too: take σ/σ̂ as it is.
whole-block-divided: The skip path is divided by the estimate as well. It is not normalised: 1 + σ/σ̂.
root-of-squares: The two paths of a block are added like the sides of a right angle. In the worst case they point the
    same way: 1 + σ/σ̂.
per-layer: One number for each layer comes back. The bound of the network is their product.
"""
PROBLEM = Problem(
    key="ps08.sn_bound",
    title="What the network may claim",
    criteria=(Criterion("plain", "the product of σ/σ̂", 1), Criterion("skips", "1 + σ/σ̂ for a residual block", 1)),
    cases=cases,
    formula=bound,
    scales=((1e6, "norms estimates"), (1e-8, "norms estimates")),
    pure="plain",
    misconceptions=explained(WRONG, MESSAGES),
)
