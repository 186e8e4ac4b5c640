"""``critic_step(critic, real, fake, rate, c)``: a step of gradient descent on the critic's loss, then the clip."""

import numpy as np
from scipy.special import expit

from wgan_course.check.exchange import Observation
from wgan_course.check.observers.ps05 import STALE

from ...formulas import Detected, constant, explained
from ...problem import Case, Cases, Criterion, Outputs, Problem
from ._networks import HARD_CODED, LIMIT, after, back, in_place, left_behind, network, output, unchanged


def cases(rng: np.random.Generator) -> Cases:
    yield _case("one step", rng, 4, 3, 0.1, 50.0, "descent")
    yield _case("a large step", rng, 5, 7, 2.0, 50.0, "descent")
    yield _case("forty and 26", rng, 40, 26, 0.1, 50.0, "descent")
    yield _case("one layer", rng, 3, 5, 0.2, 50.0, "descent", widths=(2, 1))
    yield _case("one step with other numbers", rng, 4, 3, 0.1, 50.0, "descent")
    yield _case("130 and 150", rng, 130, 150, 0.1, 50.0, "descent")
    yield _case("five layers", rng, 6, 5, 0.01, 50.0, "descent", widths=(2, 3, 4, 3, 4, 1))
    yield _case("scores in the thousands", rng, 5, 4, 0.002, 50.0, "descent", size=3e3)
    yield _case("points far out", rng, 5, 4, 0.002, 50.0, "descent", size=30.0)
    yield _case("a narrow box", rng, 4, 6, 0.5, 0.3, "clip")
    yield _case("starting in the box", rng, 6, 4, 0.8, 0.2, "clip", inside=True)
    yield _case("a small box", rng, 5, 5, 0.05, 0.05, "clip", inside=True)
    yield _case("three layers", rng, 6, 5, 0.3, 0.4, "clip", widths=(2, 4, 3, 1))
    yield _case("gradients left over", rng, 3, 5, 0.4, 50.0, "fresh", stale=True)
    yield _case("left over, and a box", rng, 6, 3, 0.3, 0.6, "fresh", stale=True)


def _case(name, rng, n, m, rate, c, criterion, inside=False, stale=False, widths=(2, 5, 1), size=1.0) -> Case:
    arrays = network("critic", rng, widths)
    if inside:
        arrays = {key: np.clip(array, -0.9 * c, 0.9 * c) for key, array in arrays.items()}
    arrays |= {"real": size * (1.0 + rng.normal(size=(n, 2))), "fake": size * rng.normal(size=(m, 2))}
    arrays |= {"rate": rate, "c": c}
    options = in_place("critic", len(widths) - 1) | ({"stale": True, "used": ["critic"]} if stale else {})
    return Case(name, arrays, options, criterion=criterion)


def _gradient(arrays: tuple, real: np.ndarray, fake: np.ndarray, of_real: float, of_fake: float, total: bool) -> list:
    """Gradient of the weighted mean scores of the batches, in the parameters; of sums where `total`."""
    weighted = ((fake, of_fake), (real, of_real))
    tops = [(x, np.full((len(x), 1), weight / (1 if total else len(x)))) for x, weight in weighted]
    return [a + b for a, b in zip(*(back(arrays, x, top)[0] for x, top in tops), strict=True)]


def _step(move=lambda g, c: g, before=False, clipped=True, of_real=-1.0, of_fake=1.0, total=False):
    """Outputs of a step; ``move`` turns the gradient into the change of the parameters."""

    def formula(*inputs):
        *arrays, real, fake, rate, c = inputs
        arrays = [np.clip(a, -c, c) for a in arrays] if before else arrays
        gradients = _gradient(tuple(arrays), real, fake, of_real, of_fake, total)
        moved = [a - rate * move(g, c) for a, g in zip(arrays, gradients, strict=True)]
        return after("critic", [np.clip(a, -c, c) for a in moved] if clipped else moved)

    return formula


def _of_scores(slopes):
    """With another loss, told by its slopes in the scores of the real samples and of the fakes."""

    def formula(*inputs):
        *arrays, real, fake, rate, c = inputs
        tops = slopes(output(arrays, real), output(arrays, fake))
        each = (back(arrays, x, top)[0] for x, top in zip((real, fake), tops, strict=True))
        return after("critic", [np.clip(a - rate * (g + h), -c, c) for a, g, h in zip(arrays, *each, strict=True)])

    return formula


def _in_turn(*inputs):
    """Each parameter moves by a gradient that is taken anew, when those before it have moved."""
    *arrays, real, fake, rate, c = inputs
    for place in range(len(arrays)):
        arrays[place] = arrays[place] - rate * _gradient(tuple(arrays), real, fake, -1.0, 1.0, False)[place]
    return after("critic", [np.clip(a, -c, c) for a in arrays])


def _batch_by_batch(first: dict, second: dict):
    """A step on one batch, then one on the other."""

    def formula(*inputs):
        moved = _step(clipped=False, **first)(*inputs).values()
        return _step(**second)(*moved, *inputs[len(moved) :])

    return formula


def _signed(sign: float, real: np.ndarray, fake: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.full_like(real, -sign / len(real)), np.full_like(fake, sign / len(fake))


def _at_rate(change):
    return lambda *inputs: _step()(*inputs[:-2], change(inputs[-2]), inputs[-1])


def _weights_only(*inputs):
    clipped, free = _step()(*inputs), _step(clipped=False)(*inputs)
    return {name: clipped[name] if ".w" in name else free[name] for name in clipped}


def _twice(*inputs):
    once = _step()(*inputs).values()
    return _step()(*once, *inputs[len(once) :])


def _between(clipped: bool):
    """The gradient belongs to the parameters as they came, the step starts where they are clipped."""

    def formula(*inputs):
        *arrays, real, fake, rate, c = inputs
        gradients = _gradient(tuple(arrays), real, fake, -1.0, 1.0, False)
        moved = [np.clip(a, -c, c) - rate * g for a, g in zip(arrays, gradients, strict=True)]
        return after("critic", [np.clip(a, -c, c) for a in moved] if clipped else moved)

    return formula


def _stale(case: Case, seen: Observation, expected: Outputs) -> bool:
    """What was left over counts as part of the gradient."""
    wrong = _step(lambda g, c: g + STALE)(*case.inputs.values())
    return bool(case.options.get("stale")) and all(np.allclose(seen.outputs[n], wrong[n], atol=1e-9) for n in wrong)


WRONG = (
    ("stale", Detected(_stale)),
    ("new-parameters", Detected(left_behind)),
    ("no-effect", Detected(unchanged)),
    ("ascent", _step(lambda g, c: -g)),
    ("clip-before", _step(before=True, clipped=False), _between(clipped=False)),
    ("clip-twice", _step(before=True), _between(clipped=True)),
    ("no-clip", _step(clipped=False)),
    ("gradient-clipping", _step(lambda g, c: np.clip(g, -c, c), clipped=False), _step(lambda g, c: np.clip(g, -c, c))),
    ("weights-only", _weights_only),
    ("sums", _step(total=True)),
    ("added", _step(of_real=1.0), _step(of_fake=-1.0)),
    ("one-batch", _step(of_real=0.0), _step(of_fake=0.0)),
    ("twice", _twice),
    ("in-turn", _in_turn),
    ("in-turn", _batch_by_batch({"of_real": 0.0}, {"of_fake": 0.0})),
    ("in-turn", _batch_by_batch({"of_fake": 0.0}, {"of_real": 0.0})),
    ("rate", *(_at_rate(lambda rate, k=k: k * rate) for k in (0.1, 0.5, 1.9, 2.0, 10.0))),
    ("rate", *(_at_rate(constant(k)) for k in (1e-3, 0.01, 0.1, 1.0)), _at_rate(np.square)),
    (
        "other-box",
        *(lambda *a, k=k: _step()(*a[:-1], k) for k in (0.01, 0.1, 1.0)),
        lambda *a: _step()(*a[:-1], a[-1] ** 2),
    ),
    ("other-loss", _of_scores(lambda r, f: (-expit(-r) / len(r), expit(f) / len(f)))),
    (
        "other-loss",
        _of_scores(lambda r, f: (-expit(r) * expit(-r) / len(r), expit(f) * expit(-f) / len(f))),
    ),
    ("other-loss", _of_scores(lambda r, f: (-1.0 * (r < 1) / len(r), (f > -1) / len(f)))),
    ("other-loss", _of_scores(lambda r, f: (2 * (r - 1) / len(r), 2 * f / len(f)))),
    ("sums", _of_scores(lambda r, f: (-np.ones_like(r) / (len(r) + len(f)), np.ones_like(f) / (len(r) + len(f))))),
    ("absolute", _of_scores(lambda r, f: _signed(np.sign(f.mean() - r.mean()), r, f))),
    ("absolute", _of_scores(lambda r, f: _signed(-np.sign(f.mean() - r.mean()), r, f))),
    ("gradient-clipping", *(_step(lambda g, c, k=k: np.clip(g, -k, k)) for k in (0.1, 1.0, 10.0, 100.0))),
    ("gradient-clipping", *(_step(lambda g, c, k=k: g / max(1.0, np.linalg.norm(g) / k)) for k in (1.0, 5.0, 10.0))),
    ("sign-only", _step(lambda g, c: np.sign(g)), _step(lambda g, c: 10 * np.sign(g))),
    ("sign-only", *(_step(lambda g, c, s=s: g / (s * abs(g) + 1e-8)) for s in (1.0, 0.1))),
    ("sign-only", _step(lambda g, c: g / max(np.linalg.norm(g), 1e-30))),
    ("only-clip", _step(constant(0.0))),
    HARD_CODED,
)
MESSAGES = """
stale: Gradients that an earlier backward pass has left in the parameters are added to yours. backward() adds to what is
    there: zero the gradients first, or use torch.autograd.grad.
new-parameters: The critic holds the right values, but in *new* parameters: an optimiser that was made before still
    holds the old ones. Change them in place.
no-effect: The parameters are what they were before: the step was taken on copies.
ascent: The step goes the wrong way: the critic comes to score fakes above real samples. Descend E_Q f − E_P f.
clip-before: The clip comes before the step, so that the new parameters lie outside the box, by up to one step. (The
    paper's own code did that.) Clip after the step.
clip-twice: The parameters are clipped before the step as well, so that it starts from another critic. Clip after the
    step only.
no-clip: The step is right, and nothing is clipped after it.
gradient-clipping: The *gradients* are clipped. That bounds the step and not the critic, whose weights can still grow
    without end: only its parameters are clipped, after the step.
weights-only: The biases are not clipped. By the convention of this exercise every parameter is.
sums: The scores are summed over the batches. Take their means: otherwise the step grows with the batch, and the two
    batches, of different size, count differently.
added: The two means are added: the step lowers the scores of real samples too.
one-batch: Only one of the two batches takes part in the step.
in-turn: The gradient is taken anew when a part of the step is done: the parameters, or the batches, come one after the
    other. One gradient of the whole loss, taken before, moves all of them.
rate: The step has the gradient's direction and another length: the rate is multiplied by something, squared or ignored.
other-box: The box has the wrong size: c is squared, or ignored.
other-loss: The step belongs to another loss: a log loss or probabilities, a hinge, or squares, not to E_Q f − E_P f.
absolute: The step belongs to an absolute value of E_Q f − E_P f: for one of its signs it goes the wrong way.
twice: Two steps are taken. One was asked for.
sign-only: The step has the gradient's sign, or its direction, but not its size: this is what RMSProp or Adam do in
    their first step. Plain gradient descent was asked for.
only-clip: The parameters are clipped, but no step is taken.
"""
PROBLEM = Problem(
    key="ps05.critic_step",
    title="A full critic step",
    criteria=(
        Criterion("descent", "a step of gradient descent on E_Q f − E_P f", 1.5),
        Criterion("clip", "after it, every parameter lies in [−c, c]", 1.5),
        Criterion("fresh", "gradients that were left over do not count", 1),
    ),
    cases=cases,
    formula=_step(),
    observe="wgan_course.check.observers.ps05.in_place",
    limit=LIMIT,
    package_functions=(
        "wgan_course.constraints.Clip.project_",
        "wgan_course.objectives.Wasserstein",
        "wgan_course.training.Trainer.critic_step",
    ),
    single=("real", "fake"),
    misconceptions=explained(WRONG, MESSAGES),
)
