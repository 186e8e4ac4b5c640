"""``critic_loss(critic, generator, real, z)``: what the critic minimises, with no gradient for the generator."""

import numpy as np

from wgan_course.check.exchange import Observation

from ...formulas import Detected, explained, relu, softplus
from ...problem import Case, Cases, Criterion, Outputs, Problem
from ._networks import LIMIT, Arrays, awake, back, in_two, layers, named, network, output, tensors


def cases(rng: np.random.Generator) -> Cases:
    yield _case("a good critic", rng, 3, 2, "value", better=True)
    yield _case("a bad critic", rng, 5, 8, "value", better=False)
    yield _case("far out", rng, 4, 5, "value", size=30.0)
    yield _case("gradients", rng, 4, 6, "critic")
    yield _case("more gradients", rng, 7, 3, "critic")
    yield _case("forty and 26", rng, 40, 26, "critic")
    yield _case("the generator", rng, 4, 5, "generator")
    yield _case("networks in use", rng, 5, 3, "value", used=("critic", "generator"))
    yield _case("as many latent numbers as coordinates", rng, 4, 6, "value", latent=2)
    yield _case("as many of both", rng, 4, 4, "value")
    yield _case("scores in the thousands", rng, 5, 4, "value", size=1e4)
    yield _case("130 and 150", rng, 130, 150, "critic")
    yield _case("three layers and three", rng, 5, 4, "critic", depth=3)
    yield _case("one layer and one", rng, 4, 6, "critic", depth=1)


def _case(
    name: str,
    rng: np.random.Generator,
    n: int,
    m: int,
    criterion: str,
    better: bool = True,
    size: float = 1.0,
    latent: int = 3,
    used: tuple = (),
    depth: int = 2,
) -> Case:
    """A critic that scores the real batch higher, or lower, than the other."""
    inputs = network("critic", rng, (2, *(5, 3)[: depth - 1], 1))
    inputs |= network("generator", rng, (latent, *(4, 6)[: depth - 1], 2))
    inputs = awake(inputs) if depth > 2 else inputs
    inputs |= {"real": size * (1.5 + rng.normal(size=(n, 2))), "z": size * rng.normal(size=(m, latent))}
    r, f = _scores(*inputs.values())
    if (r.mean() > f.mean()) != better:
        inputs[f"critic.w{depth - 1}"] *= -1
    options = {"modules": {owner: layers(depth) for owner in ("critic", "generator")}, "loss": True, "used": used}
    options["frozen"] = used
    return Case(name, inputs, options | {"gradients": list(inputs)[:-2]}, criterion=criterion)


def _parts(arrays: tuple) -> tuple:
    (critic, generator), real, z = in_two(arrays[:-2]), arrays[-2], arrays[-1]
    return critic, generator, real, output(generator, z)


def _names(critic: Arrays, generator: Arrays) -> list[str]:
    return tensors("critic", len(critic) // 2) + tensors("generator", len(generator) // 2)


def _scores(*arrays: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    critic, _, real, fake = _parts(arrays)
    return output(critic, real)[:, 0], output(critic, fake)[:, 0]


def _of_the_means(*arrays: np.ndarray) -> float:
    """Score of the mean fake minus score of the mean real sample."""
    critic, _, real, fake = _parts(arrays)
    f, r = (output(critic, batch.mean(0, keepdims=True))[0, 0] for batch in (fake, real))
    return f - r


def answer(*arrays: np.ndarray) -> dict[str, np.ndarray]:
    """Mean score of the fakes minus mean score of the real ones; its gradient in the critic; none in the generator."""
    critic, generator, real, fake = _parts(arrays)
    r, f = _scores(*arrays)
    of_fake = back(critic, fake, np.full((len(fake), 1), 1 / len(fake)))[0]
    of_real = back(critic, real, np.full((len(real), 1), 1 / len(real)))[0]
    gradients = [a - b for a, b in zip(of_fake, of_real, strict=True)] + [np.zeros_like(g) for g in generator]
    return {"value": np.asarray(f.mean() - r.mean())} | named("gradient", _names(critic, generator), gradients)


def _value(formula):
    """A wrong value; its gradients are not looked at."""
    return lambda *arrays: {"value": formula(*_scores(*arrays))}


def compare(observed: Outputs, expected: Outputs, case: Case) -> bool:
    """The value for the first criterion, the value and one network's gradients for each of the others."""
    owner = {"value": "value", "critic": "gradient:critic", "generator": "gradient:generator"}[case.criterion]
    wanted = [name for name in expected if name == "value" or name.startswith(owner)]
    size = _size(case)
    return all(name in observed and _close(observed[name], expected[name], size) for name in wanted)


def _size(case: Case) -> float:
    """How large the scores and samples are whose means are subtracted: rounding is in proportion to them."""
    arrays = tuple(case.inputs.values())
    return max(1.0, *(float(np.abs(x).max()) for x in (*_scores(*arrays), *_parts(arrays)[2:])))


def _close(a: np.ndarray, b: np.ndarray, size: float = 1.0) -> bool:
    return a.size == b.size and bool(np.allclose(np.ravel(a), np.ravel(b), rtol=1e-5, atol=2e-7 * size))


def _right_value(seen: Observation, expected: Outputs) -> bool:
    return seen.status == "ok" and _close(seen.outputs["value"], expected["value"])


def _attached(case: Case, seen: Observation, expected: Outputs) -> bool:
    """The value is right, and the generator gets a gradient."""
    found = [seen.outputs[name] for name in seen.outputs if name.startswith("gradient:generator")]
    return _right_value(seen, expected) and any(np.abs(g).max() > 1e-12 for g in found)


def _detached(case: Case, seen: Observation, expected: Outputs) -> bool:
    """The value is right, and no gradient reaches the critic."""
    return _right_value(seen, expected) and not any(name.startswith("gradient:critic") for name in seen.outputs)


def _half_detached(case: Case, seen: Observation, expected: Outputs) -> bool:
    """The value is right, but the critic's gradient comes from one of the two batches alone."""
    arrays = list(case.inputs.values())
    critic, _, real, fake = _parts(tuple(arrays))
    halves = [
        back(critic, batch, np.full((len(batch), 1), sign / len(batch)))[0] for batch, sign in ((real, -1), (fake, 1))
    ]
    found = [seen.outputs[f"gradient:{name}"] for name in tensors("critic", len(critic) // 2)]
    return _right_value(seen, expected) and any(all(map(_close, found, half)) for half in halves)


WRONG = (
    ("attached", Detected(_attached)),
    ("detached", Detected(_detached)),
    ("half-detached", Detected(_half_detached)),
    ("ascent", _value(lambda r, f: r.mean() - f.mean())),
    ("sums", _value(lambda r, f: f.sum() - r.sum()), _value(lambda r, f: (f.sum() - r.sum()) / (len(f) + len(r)))),
    ("sums", _value(lambda r, f: (f.sum() - r.sum()) / len(r)), _value(lambda r, f: (f.sum() - r.sum()) / len(f))),
    ("sums", _value(lambda r, f: 2 * (f.sum() - r.sum()) / (len(r) + len(f)))),
    ("mean-sample", lambda *arrays: {"value": _of_the_means(*arrays)}),
    ("hinge", _value(lambda r, f: relu(1 - r).mean() + relu(1 + f).mean())),
    ("hinge", _value(lambda r, f: relu(1 + r).mean() + relu(1 - f).mean())),
    ("log-loss", _value(lambda r, f: softplus(-r).mean() + softplus(f).mean())),
    ("log-loss", _value(lambda r, f: -softplus(-r).mean() - softplus(f).mean())),
    ("log-loss", _value(lambda r, f: (softplus(-r).mean() + softplus(f).mean()) / 2)),
    ("log-loss", _value(lambda r, f: softplus(r).mean() + softplus(-f).mean())),
    ("log-loss", _value(lambda r, f: softplus(f).mean() - softplus(r).mean())),
    ("log-loss", _value(lambda r, f: softplus(-r).mean() - softplus(-f).mean())),
    ("log-loss", _value(lambda r, f: softplus(-r).mean() + softplus(-f).mean())),
    ("log-loss", _value(lambda r, f: np.tanh(f).mean() - np.tanh(r).mean())),
    ("least-squares", _value(lambda r, f: ((r - 1) ** 2).mean() + (f**2).mean())),
    ("least-squares", _value(lambda r, f: (((r - 1) ** 2).mean() + (f**2).mean()) / 2)),
    ("one-score", _value(lambda r, f: np.sort(f)[(len(f) - 1) // 2] - np.sort(r)[(len(r) - 1) // 2])),
    ("one-score", _value(lambda r, f: f[0] - r[0]), _value(lambda r, f: f.max() - r.min())),
    ("log-loss", _value(lambda r, f: (1 / (1 + np.exp(-f))).mean() - (1 / (1 + np.exp(-r))).mean())),
    ("one-sided", _value(lambda r, f: f.mean()), _value(lambda r, f: -f.mean()), _value(lambda r, f: -r.mean())),
    ("one-sided", _value(lambda r, f: r.mean())),
    ("added", _value(lambda r, f: f.mean() + r.mean()), _value(lambda r, f: -f.mean() - r.mean())),
    ("absolute", _value(lambda r, f: abs(f.mean() - r.mean())), _value(lambda r, f: -abs(f.mean() - r.mean()))),
    ("absolute", _value(lambda r, f: (f.mean() - r.mean()) ** 2)),
)
MESSAGES = """
attached: The value is right, but the fakes carry the generator's graph: a gradient flows into the generator, which a
    critic's step throws away. Make the fakes under torch.no_grad(), or detach them (x.detach() returns a new tensor; it
    does not change x).
detached: The value is right, but no gradient reaches the critic: it was computed under no_grad, or turned into a plain
    number. Only the *fakes* are to be detached, not their scores.
half-detached: The value is right, but one of the two batches of scores is detached: the critic learns from the other
    one alone.
ascent: This is E_P f − E_Q f, which the critic *climbs*. A loss is minimised: turn the sign round.
sums: Scores are summed, or both sums are divided by one number: the size of one batch, or of the two together. Take the
    mean over each batch by itself: they may differ in size.
mean-sample: The samples are averaged, and their means are scored. Score each sample, then average: a critic is not
    linear.
hinge: This is the hinge loss, with its margin of 1. It is no Wasserstein loss: it stops rewarding the critic once the
    scores are far enough apart.
log-loss: A sigmoid, tanh or logarithm acts on the scores, as in the log loss of a discriminator. A critic's scores are
    used as they are.
least-squares: The scores are pulled to 1 and 0 by squares: this is the loss of a least-squares GAN.
one-score: One score of each batch decides: the median, the first, or the largest and the smallest. Take the means.
one-sided: This uses one of the two batches only. The critic compares the two.
added: The two means are added: real ones are to be scored *high* and fakes low, so their signs differ.
absolute: An absolute value or a square: then the critic gains nothing by telling which batch is which.
"""
PROBLEM = Problem(
    key="ps05.critic_loss",
    title="The critic's loss",
    criteria=(
        Criterion("value", "E_Q f − E_P f over the two batches", 1),
        Criterion("critic", "its gradient reaches the critic's parameters", 1),
        Criterion("generator", "no gradient reaches the generator", 1),
    ),
    cases=cases,
    formula=answer,
    compare=compare,
    observe="wgan_course.check.observers.ps05.losses",
    limit=LIMIT,
    package_functions=("wgan_course.objectives.Wasserstein.critic_loss",),
    single=("real", "z"),
    misconceptions=explained(WRONG, MESSAGES),
)
