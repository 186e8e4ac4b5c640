"""``generator_loss(critic, generator, z)``: what the generator minimises."""

import numpy as np

from wgan_course.check.exchange import Observation

from ...formulas import Detected, averaged, explained, negated, relu
from ...problem import Case, Cases, Criterion, Outputs, Problem
from ._networks import LIMIT, awake, back, in_two, layers, named, network, output, tensors
from .critic_loss import _close, _right_value


def cases(rng: np.random.Generator) -> Cases:
    for name, m, criterion in (("few", 2, "value"), ("more", 7, "value"), ("one", 1, "value")):
        yield _case(name, rng, m, criterion)
    yield _case("far out", rng, 4, "value", size=30.0)
    yield _case("as many latent numbers as coordinates", rng, 5, "value", latent=2)
    yield _case("gradients", rng, 5, "gradient")
    yield _case("the same once more, with other numbers", rng, 5, "gradient")
    yield _case("scores in the thousands", rng, 4, "value", size=1e4)
    yield _case("130 samples", rng, 130, "gradient")
    yield _case("three layers and three", rng, 4, "gradient", depth=3)
    yield _case("one layer and one", rng, 6, "gradient", depth=1)
    yield _case("forty", rng, 40, "gradient")
    yield _case("more gradients", rng, 9, "gradient")
    yield _case("networks in use", rng, 6, "value", used=("critic", "generator"))


def _case(
    name: str,
    rng: np.random.Generator,
    m: int,
    criterion: str,
    size: float = 1.0,
    latent: int = 3,
    used: tuple = (),
    depth: int = 2,
) -> Case:
    inputs = network("critic", rng, (2, *(5, 3)[: depth - 1], 1))
    inputs |= network("generator", rng, (latent, *(4, 6)[: depth - 1], 2))
    inputs = awake(inputs) if depth > 2 else inputs
    inputs |= {"z": size * rng.normal(size=(m, latent))}
    options = {"modules": {owner: layers(depth) for owner in ("critic", "generator")}, "loss": True, "used": used}
    options["frozen"] = used
    return Case(name, inputs, options | {"gradients": tensors("generator", depth)}, criterion=criterion)


def _scores(*arrays: np.ndarray) -> np.ndarray:
    critic, generator = in_two(arrays[:-1])
    return output(critic, output(generator, arrays[-1]))[:, 0]


def _of_the_mean(*arrays: np.ndarray) -> np.ndarray:
    """Minus the score of the mean fake."""
    critic, generator = in_two(arrays[:-1])
    return -output(critic, output(generator, arrays[-1]).mean(0, keepdims=True))[0, 0]


def answer(*arrays: np.ndarray) -> dict[str, np.ndarray]:
    """Minus the mean score of the fakes, and its gradient in the generator."""
    (critic, generator), z = in_two(arrays[:-1]), arrays[-1]
    fake = output(generator, z)
    _, signals = back(critic, fake, np.full((len(z), 1), -1 / len(z)))
    gradients, _ = back(generator, z, signals[0])
    return {"value": np.asarray(-_scores(*arrays).mean())} | named(
        "gradient", tensors("generator", len(generator) // 2), gradients
    )


def compare(observed: Outputs, expected: Outputs, case: Case) -> bool:
    """The value; in the cases for gradients those as well."""
    wanted = expected if case.criterion == "gradient" else ["value"]
    return all(name in observed and _close(observed[name], expected[name]) for name in wanted)


def _value(formula):
    """A wrong value of the fakes' scores; its gradients are not looked at."""
    return lambda *arrays: {"value": formula(_scores(*arrays))}


def _detached(case: Case, seen: Observation, expected: Outputs) -> bool:
    reached = [np.abs(seen.outputs[name]).max() for name in seen.outputs if name.startswith("gradient:")]
    return _right_value(seen, expected) and not any(reached)


WRONG = (
    ("detached", Detected(_detached)),
    ("sign", _value(lambda s: s.mean())),
    ("sums", _value(lambda s: -s.sum()), _value(lambda s: s.sum())),
    ("mean-sample", lambda *arrays: {"value": _of_the_mean(*arrays)}),
    ("wrong-length", lambda *arrays: {"value": -_scores(*arrays).sum() / arrays[-1].shape[1]}),
    ("log-loss", _value(lambda s: np.logaddexp(0, -s).mean()), _value(lambda s: -np.logaddexp(0, s).mean())),
    ("log-loss", _value(lambda s: -(1 / (1 + np.exp(-s))).mean()), _value(lambda s: (1 / (1 + np.exp(s))).mean())),
    ("hinge", _value(lambda s: relu(1 - s).mean()), _value(negated(averaged(relu)))),
    ("squared", _value(lambda s: ((s - 1) ** 2).mean()), _value(lambda s: (s**2).mean())),
    ("squared", _value(lambda s: s.mean() ** 2), _value(lambda s: ((s - 1) ** 2).mean() / 2)),
    ("squared", _value(lambda s: -(s**2).mean())),
    ("absolute", _value(lambda s: -abs(s).mean()), _value(lambda s: abs(s).mean()), _value(lambda s: -abs(s.mean()))),
    ("extreme", _value(lambda s: -s.max()), _value(lambda s: -s.min()), _value(lambda s: -s[0])),
    ("extreme", _value(lambda s: -np.sort(s)[(len(s) - 1) // 2])),
    ("shifted", _value(lambda s: 1 - s.mean()), _value(lambda s: -1 - s.mean())),
)
MESSAGES = """
detached: The value is right, but no gradient reaches the generator: the fakes, or their scores, were detached. In the
    critic's loss the fakes are detached; here they are what is to learn.
sign: This is +E_Q f. Minimised, it makes the generator look for *low* scores, away from the data. The sign of a popular
    repository's clipping script is wrong in just this way.
sums: The scores are summed. Take their mean, so that the loss does not depend on the batch size.
mean-sample: The fakes are averaged, and their mean is scored. Score each of them, then average: a critic is not linear.
wrong-length: The sum of the scores is divided by the number of latent coordinates, z.shape[1]. The batch is the first
    axis: take the mean of the scores.
log-loss: A logarithm or a sigmoid: this is a generator's loss from chapter 1. The critic's score is used as it is.
hinge: The scores are cut off. The generator's loss has no margin: −E_Q f for all scores.
squared: The scores are squared, as in a least-squares GAN.
absolute: An absolute value: a score of −3 is not as good as one of 3.
extreme: Only one sample of the batch counts: the best, the worst, the first or the one in the middle. Take the mean
    over all.
shifted: A constant is added (1 − f, say). It changes no gradient, but the loss no longer is minus the mean score.
"""
PROBLEM = Problem(
    key="ps05.generator_loss",
    title="The generator's loss",
    criteria=(
        Criterion("value", "−E_Q f over the batch", 1),
        Criterion("gradient", "its gradient reaches the generator through the critic", 1),
    ),
    cases=cases,
    formula=answer,
    compare=compare,
    observe="wgan_course.check.observers.ps05.losses",
    limit=LIMIT,
    package_functions=("wgan_course.objectives.Wasserstein.generator_loss",),
    misconceptions=explained(WRONG, MESSAGES),
)
