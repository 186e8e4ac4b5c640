"""``train_shift(real, z, steps, rate, c)``: find the bugs. A clipping script whose generator flees."""

import numpy as np

from ...formulas import explained
from ...problem import Case, Cases, Criterion, Problem
from ._networks import LIMIT

CRITIC_STEPS = 5


def cases(rng: np.random.Generator) -> Cases:
    real, z = np.array([3.0, 3.0]), np.array([0.0])
    yield Case("one step", {"real": real, "z": z, "steps": 1, "rate": 0.1, "c": 0.5}, criterion="way")
    yield Case("two steps", {"real": real - 5, "z": z, "steps": 2, "rate": 0.05, "c": 0.3}, criterion="way")
    near = {"real": np.array([1.0, 1.5, 2.0]), "z": np.array([0.5, 0.9])}
    yield Case("small steps", near | {"steps": 3, "rate": 0.01, "c": 0.5}, criterion="way")  # the clip never acts
    far = {"real": np.array([30.0, 50.0]), "z": np.array([25.0, -12.0, 11.0])}
    yield Case("far away", far | {"steps": 4, "rate": 0.01, "c": 50.0}, criterion="way")
    yield _case("on the way", rng, 4.0, 20, 0.1, 0.4, "way")
    yield _case("arrived", rng, 2.0, 60, 0.1, 0.5, "arrives")
    for steps in (70, 160):
        inputs = {"real": real, "z": z, "steps": steps, "rate": 0.1, "c": 0.5}
        yield Case(f"{steps} steps", inputs, criterion="arrives", atol=1e-5)
    yield _case("from the other side", rng, -3.0, 50, 0.1, 1.5, "arrives")
    yield _case("a large rate", rng, 3.0, 3, 0.7, 0.5, "way")
    yield _case("a tiny rate", rng, 2.0, 5, 2.0**-10, 0.5, "way")
    alike = {"real": np.array([2.0, 2.0, -1.0]), "z": np.array([0.5, 0.5, -1.0, 0.5])}
    yield Case("samples alike", alike | {"steps": 4, "rate": 0.02, "c": 2}, criterion="way")
    many = {"real": 2.0 + rng.normal(size=1100), "z": 3 * rng.normal(size=1030)}
    yield Case("1100 and 1030 samples", many | {"steps": 3, "rate": 0.01, "c": 5.0}, criterion="way", atol=1e-6)
    close = {"real": 1e6 + np.array([1.02, 0.58]), "z": 1e6 + np.array([0.31, 0.4, 0.13])}
    yield Case("near each other, far from 0", close | {"steps": 3, "rate": 0.05, "c": 0.5}, criterion="way")
    small = {"real": np.array([3e-4, 5e-4]), "z": np.array([1e-4])}
    yield Case("near each other", small | {"steps": 3, "rate": 0.1, "c": 0.5}, criterion="way", atol=1e-10)


def _case(name, rng, target, steps, rate, c, criterion) -> Case:
    inputs = {"real": target + 0.3 * rng.normal(size=8), "z": 0.3 * rng.normal(size=5)}
    return Case(name, inputs | {"steps": steps, "rate": rate, "c": c}, criterion=criterion)


def _game(
    critic_sign=1.0, generator_sign=1.0, critic_steps=CRITIC_STEPS, weight: bool | str = True, gradient=False, **also
):
    """Where the shift ends, with the right rules or with some of them broken."""

    def formula(real, z, steps, rate, c):
        theta, w = 0.0, 0.0
        for _ in range(steps + also.get("more", 0)):
            if also.get("stops") and theta + z.mean() >= real.mean():
                break
            w = 0.0 if also.get("fresh") else w
            for _ in range(critic_steps):
                g = critic_sign * (z.mean() + theta - real.mean())
                w = w - rate * (np.clip(g, -c, c) if gradient else g)
                w = _boxed(w, c, weight)
                theta = theta + generator_sign * rate * w if also.get("inside") else theta
            if also.get("inside"):
                continue
            theta = theta + generator_sign * rate * (np.clip(w, -c, c) if also.get("late") else w)
            theta = np.clip(theta, -c, c) if also.get("theta") else theta
        return w if also.get("critic") else theta

    return formula


def _boxed(w, c, weight):
    if weight == "above":
        return min(w, c)
    if weight == "positive":
        return min(max(w, 0.0), c)
    if weight == "sign":
        return c * np.sign(w)
    return np.clip(w, -c, c) if weight else w


def _sums(real, z, steps, rate, c):
    theta, w = 0.0, 0.0
    for _ in range(steps):
        for _ in range(CRITIC_STEPS):
            w = np.clip(w - rate * ((z + theta).sum() - real.sum()), -c, c)
        theta = theta + rate * w
    return theta


def _cut(real, z, steps, rate, c):
    n = min(len(real), len(z))
    return _game()(real[:n], z[:n], steps, rate, c)


WRONG = (
    ("unchanged", _game(generator_sign=-1.0, weight=False, gradient=True)),
    ("sign-left", _game(generator_sign=-1.0), _game(generator_sign=-1.0, gradient=True), _game(critic_sign=-1.0)),
    ("gradient-left", _game(weight=False, gradient=True)),
    ("both-clipped", _game(gradient=True)),
    ("no-clip", _game(weight=False), _game(weight=False, generator_sign=-1.0)),
    ("one-end", _game(weight="above")),
    ("half-box", _game(weight="positive")),
    ("cut-batches", _cut),
    ("corner", _game(weight="sign")),
    ("generator-clipped", _game(theta=True), _game(theta=True, weight=False)),
    ("one-critic-step", _game(critic_steps=1)),
    ("generator-inside", _game(inside=True)),
    ("stops-there", _game(stops=True)),
    ("fresh-critic", _game(fresh=True)),
    ("the-weight", _game(critic=True)),
    ("late-clip", _game(weight=False, late=True)),
    ("off-by-one", _game(more=1), _game(more=-1)),
    ("sums", _sums),
)
MESSAGES = """
unchanged: Both bugs are still there: the gradient is clipped where the weight should be, and the generator descends the
    critic's score.
sign-left: The weight is clipped now, but the generator still runs away from the data. Of the two signs one is wrong:
    the critic descends E_Q f − E_P f, and the generator *climbs* the critic's score.
gradient-left: The generator's sign is right now, but still the critic's gradient is clipped and its weight is not: the
    slope can grow without end.
both-clipped: The weight is clipped, and the gradient still is too. Only the weight is.
no-clip: Nothing is clipped any more. The clip moves from the gradient to the weight.
one-end: The weight is cut off at one end only. On data to the other side it grows without end.
half-box: The weight is clipped to [0, c]. The box is [−c, c]: towards data on the other side it has to be negative.
cut-batches: Both batches are cut to the length of the shorter one. Take the mean over each whole batch.
corner: The weight is sent to ±c in each step. It is clipped: inside the box it stays what it is.
generator-clipped: The generator's parameter is clipped. Only the critic's is: the generator has to get as far as the
    data.
one-critic-step: The critic takes one step for each step of the generator. In the script it takes five.
generator-inside: The generator moves after each of the critic's steps. It waits for five of them.
stops-there: The loop ends when the generator has arrived. The rounds go on: it overshoots, and comes back.
fresh-critic: The critic begins anew, with weight 0, before each step of the generator. It goes on from where it was.
the-weight: The critic's weight comes back. Return the generator's θ.
late-clip: The weight that the critic keeps is never clipped, only the one that is handed to the generator. It runs away
    behind the scenes, and takes long to come back.
off-by-one: The generator is one step ahead or behind: a round too many or too few, or it moves *before* the five
    steps of the critic.
sums: Samples are summed. Take means: the batches differ in size.
"""
PROBLEM = Problem(
    key="ps05.train_shift",
    title="Find the bugs: a generator that flees",
    criteria=(
        Criterion("way", "the first steps: the critic's weight is clipped, the generator climbs its score", 1),
        Criterion("arrives", "and after many steps the generator has arrived", 1),
    ),
    cases=cases,
    formula=_game(),
    scales=((1e2, "real z c"),),
    observe="wgan_course.check.observers.ps05.call",
    limit=LIMIT,
    pure="way",
    misconceptions=explained(WRONG, MESSAGES),
)
