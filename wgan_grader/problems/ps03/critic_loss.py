"""``critic_loss(real_scores, fake_scores)``: find the bug. A loss called Wasserstein that is the hinge loss."""

import numpy as np

from ...formulas import absolute, composed, explained, negated, relu, shifted, squared
from ...problem import Cases, Criterion, Problem, case


def cases(rng: np.random.Generator) -> Cases:
    yield case("inside", "within the margin", real_scores=[0.5, 0.25], fake_scores=[-0.5, 0.75, 0.0])
    yield case("inside", "within, random", real_scores=rng.uniform(-0.9, 0.9, 7), fake_scores=rng.uniform(-0.9, 0.9, 5))
    yield case("inside", "within, a wrong critic", real_scores=[-0.5, 0.1], fake_scores=[0.5, 0.75, 0.2])
    yield case("beyond", "beyond the margin", real_scores=[3.0, 8.0], fake_scores=[-2.0, -5.0, -4.0])
    yield case("beyond", "anywhere", real_scores=5 * rng.normal(size=6), fake_scores=5 * rng.normal(size=9))
    many = {"real_scores": 5 * rng.normal(size=40), "fake_scores": 5 * rng.normal(size=26)}
    yield case("beyond", "forty and 26", **many)
    many = {"real_scores": 5 * rng.normal(size=1100), "fake_scores": 5 * rng.normal(size=1030)}
    yield case("beyond", "1100 and 1030", **many, atol=1e-6)
    yield case("inside", "scores alike", real_scores=[0.5, 0.5, -0.25], fake_scores=[0.75, -0.5, -0.5, -0.5])
    yield case("beyond", "as many of both", real_scores=[3.0, -8.0, 2.0], fake_scores=[2.0, 5.0, -4.0])
    far = {"real_scores": [1e7 + 3.0, 1e7 + 8.0], "fake_scores": [1e7 - 2.0, 1e7 + 0.25, 1e7 - 4.0]}
    yield case("beyond", "all scores far from 0", **far)
    inputs = {"real_scores": 300 + rng.normal(size=4), "fake_scores": -200 + rng.normal(size=3)}
    yield case("beyond", "beyond, a wrong critic", real_scores=[-3.0, 2.0], fake_scores=[4.0, 5.0, 1.0])
    yield case("beyond", "far beyond", **inputs)


def loss(real: np.ndarray, fake: np.ndarray) -> float:
    """Mean over the fakes minus mean over the real ones."""
    return fake.mean() - real.mean()


def _leaky(scores: np.ndarray) -> np.ndarray:
    return np.maximum(scores, 0.2 * scores)


WRONG = (
    ("hinge", lambda r, f: relu(1 - r).mean() + relu(1 + f).mean()),
    ("hinge", lambda r, f: relu(1 + r).mean() + relu(1 - f).mean()),
    (
        "hinge",
        lambda r, f: relu(1 - r).mean() - relu(1 + f).mean(),
        lambda r, f: relu(1 + f).mean() - relu(1 - r).mean(),
    ),
    ("hinge", lambda r, f: (relu(1 - r).mean() + relu(1 + f).mean()) / 2),
    ("hinge", lambda r, f: _leaky(1 - r).mean() + _leaky(1 + f).mean()),
    ("margin-left", shifted(loss, 2)),
    ("cut-off-left", lambda r, f: relu(f).mean() + relu(-r).mean(), lambda r, f: relu(f).mean() - r.mean()),
    ("cut-off-left", lambda r, f: f.mean() + relu(-r).mean(), composed(relu, loss)),
    ("cut-off-left", lambda r, f: relu(f).mean() - relu(r).mean()),
    ("half-hinge", lambda r, f: relu(1 + f).mean() - r.mean(), lambda r, f: f.mean() + relu(1 - r).mean()),
    ("ascent", negated(loss)),
    ("generator", lambda r, f: -f.mean(), lambda r, f: f.mean()),
    ("real-only", lambda r, f: -r.mean(), lambda r, f: r.mean()),
    ("median", lambda r, f: np.median(f) - np.median(r)),
    ("single-precision", lambda r, f: loss(r.astype(np.float32), f.astype(np.float32))),
    ("log-loss", lambda r, f: np.logaddexp(0, -r).mean() + np.logaddexp(0, f).mean()),
    ("log-loss", lambda r, f: (1 / (1 + np.exp(-f))).mean() - (1 / (1 + np.exp(-r))).mean()),
    ("log-loss", lambda r, f: np.logaddexp(0, r).mean() + np.logaddexp(0, -f).mean()),
    ("log-loss", lambda r, f: np.logaddexp(0, -f).mean() - np.logaddexp(0, -r).mean()),
    ("log-loss", lambda r, f: np.logaddexp(0, -r).mean() - np.logaddexp(0, -f).mean()),
    ("log-loss", lambda r, f: np.logaddexp(0, f.mean() - r.mean()), lambda r, f: np.tanh(f).mean() - np.tanh(r).mean()),
    ("added", lambda r, f: f.mean() + r.mean(), lambda r, f: -f.mean() - r.mean()),
    ("paired", lambda r, f: (f[: len(r)] - r[: len(f)]).mean()),
    ("extremes", lambda r, f: f.max() - r.min(), lambda r, f: f.max() - r.max(), lambda r, f: f[0] - r[0]),
    ("squared", lambda r, f: ((r - 1) ** 2).mean() + (f**2).mean()),
    ("squared", lambda r, f: (((r - 1) ** 2).mean() + (f**2).mean()) / 2, lambda r, f: (f**2).mean() - (r**2).mean()),
    ("squared", lambda r, f: ((r - 1) ** 2).mean() + ((f + 1) ** 2).mean()),
    ("sums", lambda r, f: f.sum() - r.sum(), lambda r, f: (f.sum() - r.sum()) / (len(f) + len(r))),
    ("sums", lambda r, f: (f.sum() - r.sum()) / len(r), lambda r, f: (f.sum() - r.sum()) / len(f)),
    ("sums", lambda r, f: 2 * (f.sum() - r.sum()) / (len(f) + len(r))),
    ("absolute", absolute(loss), negated(absolute(loss)), lambda r, f: abs(f).mean() - abs(r).mean()),
    ("absolute", squared(loss), negated(squared(loss))),
)
MESSAGES = """
single-precision: The scores were rounded to float32, which has no decimals left near 10⁷: scores may all lie far from
    0, and their difference is what counts. Leave them in float64, as they came.
hinge: This is still a hinge loss, whatever its signs and slopes: at a margin of 1 it bends. The distance does not stop
    there. Take the margins and the cut-offs out.
margin-left: The margins 1 are still in it: 2 too much. As a gradient it is harmless, as an estimate of a distance it is
    wrong.
cut-off-left: The margins are gone, but scores, or their difference, are still cut off at 0.
half-hinge: One half is repaired, the other is still a hinge.
ascent: This is E_P f − E_Q f, the estimate of the distance. A loss is *minimised*: take its negative, or the critic
    learns to prefer fakes.
generator: This uses the fakes alone: it is the generator's loss, or its negative. The critic sees both.
real-only: This uses the real scores alone. The critic sees both bags.
median: Medians stand where the means belong: an expectation is a mean.
log-loss: A logarithm, sigmoid or tanh acts on the scores, as in the log loss of a discriminator. Nothing of the kind is
    left in the dual.
added: The two means are added: real scores are to be *high* and fake ones low, so their signs differ.
paired: Scores are paired one by one, and the longer bag is cut off. Each bag has a mean of its own.
extremes: One score of each bag decides, the largest, the smallest or the first. Take the means.
squared: The scores are squared, as in a least-squares loss. The dual has their means.
sums: Scores are summed, or both sums are divided by one number: the size of one bag, or of the two together. Each bag
    has a mean of its own.
absolute: An absolute value, or a square of the difference: the critic would be as happy with the roles exchanged, or
    never rewarded.
"""
PROBLEM = Problem(
    key="ps03.critic_loss",
    title='Find the bug: a loss called "Wasserstein"',
    criteria=(
        Criterion("inside", "E_Q f − E_P f, for scores near 0", 1),
        Criterion("beyond", "the same however far apart the scores are: no margin", 1),
    ),
    cases=cases,
    scales=((1e6, "real_scores fake_scores"), (2.0**-40, "real_scores fake_scores")),
    formula=loss,
    pure="inside",
    package_functions=("wgan_course.objectives.Wasserstein.critic_loss",),
    single=("real_scores", "fake_scores"),
    misconceptions=explained(WRONG, MESSAGES),
)
