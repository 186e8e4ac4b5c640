"""``conditional_interpolates(real, fake, real_labels, fake_labels, epsilon)``: segments within a class."""

import numpy as np

from wgan_course.check.exchange import Observation

from ...formulas import Detected, explained
from ...problem import Case, Cases, Criterion, Outputs, Problem

NAMES = ("real", "fake", "real_labels", "fake_labels", "epsilon")


def cases(rng: np.random.Generator) -> Cases:
    hand = (
        np.array([[0.0], [10.0], [1.0], [11.0]]),
        np.array([[20.0], [21.0], [5.0], [6.0]]),
        np.array([0, 1, 0, 1]),
        np.array([1, 1, 0, 0]),
        np.array([0.5, 0.25, 0.75, 0.1]),
    )
    yield Case("two classes", dict(zip(NAMES, hand, strict=True)), criterion="paired")
    for n, classes in ((6, 2), (9, 3), (12, 4)):
        yield _case(rng, f"{n} points, {classes} classes", (n, 3), classes, "paired")
    one = np.array([[1.0, 2.0]]), np.array([[3.0, -2.0]]), np.array([3]), np.array([3]), np.array([0.25])
    yield Case("one pair", dict(zip(NAMES, one, strict=True)), criterion="paired")
    yield _case(rng, "150 points, 2 classes", (150, 1), 2, "paired")
    yield _case(rng, "60 points, 30 classes", (60, 2), 30, "paired")
    labels = np.array([9, 2, 5, 2, 9, 5])
    for name, of in (("classes 2, 5 and 9", labels), ("ε from 0 to 1", np.array([0, 1, 2, 1, 0, 2]))):
        epsilon = rng.uniform(0.1, 0.9, size=6) if of is labels else np.linspace(0, 1, 6)
        values = rng.normal(size=(6, 2)), rng.normal(size=(6, 2)), of, np.sort(of)[::-1], epsilon
        yield Case(name, dict(zip(NAMES, values, strict=True)), criterion="paired")
    yield _case(rng, "images", (8, 1, 3, 2), 3, "images")
    yield _case(rng, "sequences", (6, 2, 4), 2, "images")
    large = np.array([65_540, 4, 260, 70_004, 104, 260])  # alike in a byte or two, or by their last digits
    order = np.array([2, 4, 1, 3, 0, 5])
    values = rng.normal(size=(6, 2)), rng.normal(size=(6, 2)), large, large[order], rng.uniform(0.1, 0.9, size=6)
    yield Case("classes from 4 to 70004", dict(zip(NAMES, values, strict=True)), criterion="paired")


def _case(rng: np.random.Generator, name: str, shape: tuple[int, ...], classes: int, criterion: str) -> Case:
    n = shape[0]
    labels = rng.permutation(np.arange(n) % classes)
    others = rng.permutation(labels)
    while np.array_equal(labels, others):
        others = rng.permutation(labels)
    values = rng.normal(size=shape), rng.normal(size=shape), labels, others, rng.uniform(0.05, 0.95, size=n)
    return Case(name, dict(zip(NAMES, values, strict=True)), criterion=criterion)


def partners(real_labels: np.ndarray, fake_labels: np.ndarray) -> np.ndarray:
    """For each real sample, the place of the fake one: the j-th of a class goes with the j-th of that class."""
    found = np.empty(len(real_labels), dtype=int)
    found[np.argsort(real_labels, kind="stable")] = np.argsort(fake_labels, kind="stable")
    return found


def _wide(epsilon: np.ndarray, like: np.ndarray) -> np.ndarray:
    return epsilon.reshape(-1, *[1] * (like.ndim - 1))


def _between(real: np.ndarray, fake: np.ndarray, epsilon: np.ndarray) -> np.ndarray:
    share = _wide(epsilon, real)
    return share * real + (1 - share) * fake


def interpolates(
    real: np.ndarray, fake: np.ndarray, real_labels: np.ndarray, fake_labels: np.ndarray, epsilon: np.ndarray
) -> np.ndarray:
    """ε x + (1 − ε) x̃ with pairs of one class, in the order of the real samples."""
    return _between(real, fake[partners(real_labels, fake_labels)], epsilon)


def _in_label_order(r: np.ndarray, f: np.ndarray, a: np.ndarray, b: np.ndarray, e: np.ndarray) -> np.ndarray:
    return _between(r[np.argsort(a, kind="stable")], f[np.argsort(b, kind="stable")], e)


def _reversed(real_labels: np.ndarray, fake_labels: np.ndarray) -> np.ndarray:
    """For each real sample the fake one that is counted from the end of the class."""
    return len(fake_labels) - 1 - partners(real_labels, fake_labels[::-1])


def _over(labels):
    """A loop over these labels, which leaves the fake samples of all others where they are."""

    def formula(r: np.ndarray, f: np.ndarray, a: np.ndarray, b: np.ndarray, e: np.ndarray) -> np.ndarray:
        chosen = f.copy()
        for label in labels(a):
            chosen[a == label] = f[b == label]
        return _between(r, chosen, e)

    return formula


def _zeros_but(reached):
    """A loop over some labels, which leaves zeros in the place of all others."""

    def formula(r: np.ndarray, f: np.ndarray, a: np.ndarray, b: np.ndarray, e: np.ndarray) -> np.ndarray:
        return np.where(_wide(reached(a), r), interpolates(r, f, a, b, e), 0.0)

    return formula


def _order(labels: np.ndarray) -> np.ndarray:
    return np.argsort(labels, kind="stable")


def _another_of_the_class(case: Case, seen: Observation, expected: Outputs) -> bool:
    """Whether every real sample has met a fake one of its class, and not always the one that it should."""
    real, fake, real_labels, fake_labels, epsilon = case.inputs.values()
    points, share = seen.outputs["value"], _wide(epsilon, real)
    rows = [
        np.abs(share[i] * real[i] + (1 - share[i]) * fake[fake_labels == label] - points[i]).reshape(-1, real[i].size)
        for i, label in enumerate(real_labels)
    ]
    size = 1e-5 * max(np.abs(real).max(), np.abs(fake).max())
    return all(row.max(1).min() <= size for row in rows) and bool(np.abs(points - expected["value"]).max() > size)


WRONG = (
    ("ignores-labels", lambda r, f, a, b, e: _between(r, f, e)),
    ("epsilon-swapped", lambda r, f, a, b, e: interpolates(r, f, a, b, 1 - e)),
    ("one-epsilon", lambda r, f, a, b, e: interpolates(r, f, a, b, np.full_like(e, e[0]))),
    ("one-epsilon", lambda r, f, a, b, e: interpolates(r, f, a, b, np.full_like(e, e.mean()))),
    ("label-order", _in_label_order),
    ("label-order", lambda r, f, a, b, e: _in_label_order(r, f, a, b, e[np.argsort(a, kind="stable")])),
    ("inverse-permutation", lambda r, f, a, b, e: _between(r, f[partners(b, a)], e)),
    ("inverse-permutation", lambda r, f, a, b, e: _between(r, f[_order(b)[_order(a)]], e)),
    ("inverse-permutation", lambda r, f, a, b, e: _between(r, f[_order(a)[_order(b)]], e)),
    (
        "one-sorted",
        lambda r, f, a, b, e: _between(r, f[_order(b)], e),
        lambda r, f, a, b, e: _between(r[_order(a)], f, e),
    ),
    ("counted-from-the-end", lambda r, f, a, b, e: _between(r, f[_reversed(a, b)], e)),
    ("labels-left-out", _over(lambda a: range(int(a.max()))), _over(lambda a: range(10))),
    ("labels-left-out", _over(lambda a: range(len(np.unique(a)))), _over(lambda a: range(1, int(a.max()) + 1))),
    ("labels-left-out", _zeros_but(lambda a: a < 10), _zeros_but(lambda a: a < a.max()), _zeros_but(lambda a: a > 0)),
    ("epsilon-order", lambda r, f, a, b, e: interpolates(r, f, a, b, e[_order(a)])),
    ("epsilon-order", lambda r, f, a, b, e: interpolates(r, f, a, b, e[_order(b)])),
    ("epsilon-order", lambda r, f, a, b, e: interpolates(r, f, a, b, e[partners(a, b)])),
    ("epsilon-order", lambda r, f, a, b, e: interpolates(r, f, a, b, e[np.argsort(_order(a))])),
    ("epsilon-order", lambda r, f, a, b, e: interpolates(r, f, a, b, e[np.argsort(_order(b))])),
    ("first-of-class", lambda r, f, a, b, e: _between(r, f[[int(np.argmax(b == label)) for label in a]], e)),
    ("fake-order", lambda r, f, a, b, e: _between(r[partners(b, a)], f, e)),
    ("extrapolates", lambda r, f, a, b, e: interpolates(r, f, a, b, 1 + e)),
    ("extrapolates", lambda r, f, a, b, e: interpolates(r, f, a, b, -e)),
    ("another-of-the-class", Detected(_another_of_the_class, status="ok")),
)
MESSAGES = """
ignores-labels: Samples are paired by their place in the batch, whatever their labels: a shoe is mixed with a shirt.
epsilon-swapped: ε and 1 − ε have changed places: ε is the share of the real sample.
one-epsilon: One ε serves the whole batch. Each pair has its own.
label-order: Both batches are sorted by label and stay so. The result, and ε, follow the order of the real samples.
inverse-permutation: The permutation is applied the wrong way round: it says where a fake sample should go, not which
    one comes here. (argsort gives an order; its inverse gives ranks.)
one-sorted: Only one of the two batches is sorted by label, so the classes do not meet.
counted-from-the-end: Each sample has a partner of its class, but the fake ones are counted from the end. The j-th goes
    with the j-th.
labels-left-out: Some labels are left out, as by a loop over range(10), or over range(max), which ends before max.
    Labels are whatever occurs: loop over real_labels.unique().
epsilon-order: Real and fake samples are paired rightly, and ε comes in another order. ε_i belongs to the i-th real one.
first-of-class: Every real sample of a class gets the same fake one, the first. The j-th goes with the j-th.
fake-order: The result follows the order of the fake samples. It should follow the real ones.
another-of-the-class: Each sample has a partner of its class, but the j-th does not always go with the j-th. Is a sort
    unstable? argsort(stable=True) keeps the order of equal labels.
extrapolates: This leaves the segment: x + ε (x − x̃) lies beyond x.
"""
PROBLEM = Problem(
    key="ps10.conditional_interpolates",
    title="Interpolates within a class",
    criteria=(
        Criterion("paired", "each real sample with a fake one of its class, in the order of the real ones", 2),
        Criterion("images", "for images too", 1),
    ),
    cases=cases,
    scales=((1e6, "real fake"), (1e-6, "real fake")),
    formula=interpolates,
    pure="paired",
    package_functions=("wgan_course.constraints.penalties.interpolate",),
    misconceptions=explained(WRONG, MESSAGES),
)
