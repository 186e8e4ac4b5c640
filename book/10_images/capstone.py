"""Ways to do the capstone of problem set 10, graded on hidden draws: right ones, and wrong ones as people write them.

Run it in the course's folder: ``python book/10_images/capstone.py`` (hours on one core; ``benchmarks/many.py`` runs it
on many). It writes the scores to ``book/results/10_capstone.json``. With ``--keep`` it trains the right ways on the
draws of the tests instead, and writes the generators, in half precision, to
``tests/exercises/ps10/trained.safetensors``, from which the tests of the grader take them.
"""

import argparse
import logging
import time
from dataclasses import replace

import numpy as np
import torch
from torch import nn

from tools.book.results import RESULTS, Experiment
from wgan_course import constraints, objectives
from wgan_course.check.observe import observe_all
from wgan_course.data import images as data
from wgan_course.models import dcgan, mlp
from wgan_course.training import TensorBatches, Trainer, TrainingConfig
from wgan_grader import registry
from wgan_grader.own import public_seed
from wgan_grader.problems.ps10 import _capstone, images_generator, points_generator
from wgan_grader.verdict import assess

PARTS = {"points": points_generator, "images": images_generator}
TRAINED = RESULTS.parents[1] / "tests" / "exercises" / "ps10" / "trained.safetensors"
LIMIT = 900.0  # by the clock, for a busy machine; the seconds of the processor are reported
HIDDEN = 20_011  # the seed of hidden cases in the tests of the grader
DRAWS = 30_000  # seeds of the hidden draws here, from this one on
SEEDS = range(50)
MOMENTUM = (0.0, 0.5)  # β₁: both values that the text uses
POINTS = {"steps": 1200, "batch": 128, "rate": 2e-3, "ema": 0.99}
IMAGES = {"steps": 500, "batch": 32, "rate": 3e-3, "ema": 0.97}


def points_networks(seed):
    """Generator from two latent numbers, and critic."""
    rng = torch.Generator().manual_seed(seed)
    return mlp.Generator(2, 2, (64, 64, 64), rng=rng), mlp.Critic(2, (64, 64, 64), rng=rng)


def images_networks(seed):
    """A small DCGAN with 16 latent numbers."""
    rng = torch.Generator().manual_seed(seed)
    return dcgan.Generator(16, 28, 1, 8, rng=rng), dcgan.Critic(28, 1, 8, rng=rng)


NETWORKS, SETTINGS = {"points": points_networks, "images": images_networks}, {"points": POINTS, "images": IMAGES}


def fit(part, real, seed, name, options, *, steps, batch, rate, objective="wasserstein", **settings):
    """Train a pair of networks; the generator's moving average where there is one."""
    config = TrainingConfig(
        **{"n_critic": 2, "lr_critic": rate, "lr_generator": rate, "device": "cpu", "seed": seed, "log_every": 10**6}
        | settings
    )
    batches = TensorBatches(real, batch, torch.Generator().manual_seed(seed))
    loss = objectives.make(objective) if isinstance(objective, str) else objective
    constraint = constraints.make(name, **options)
    trainer = Trainer(*NETWORKS[part](seed), batches, constraint, objective=loss, config=config)
    trainer.fit(steps)
    return trainer.ema.module if trainer.ema else trainer.generator


def adversarial(points, images, **both):
    """Both parts by the course's trainer: constraint, its options, and what else differs."""

    def of(part, method):
        name, options, settings = method
        return lambda real, seed: fit(part, real, seed, name, options, **{**SETTINGS[part], **settings, **both})

    return {"points": of("points", points), "images": of("images", images)}


def memoriser(real, seed):
    """The training sample itself, chosen by the digits of z."""
    return lambda z: real[(z[:, 0].double() * 1e6).long() % len(real)]


def noisy_memoriser(real, seed):
    """The training sample with a little noise, which hides that it is copied."""
    return lambda z: (real[(z[:, 0].double() * 1e6).long() % len(real)].flatten(1) + 0.1 * z[:, -1:]).view(
        -1, *real.shape[1:]
    )


def gaussian(real, seed):
    """One Gaussian with the sample's moments, on as many principal components as there are latent numbers."""
    root, mean = components(real, 2 if real.ndim == 2 else 16)
    return lambda z: shaped(mean + z @ root, real)


def components(real, count):
    """The leading components times their deviations, and the mean."""
    flat = real.flatten(1)
    _, s, v = torch.linalg.svd(flat - flat.mean(0), full_matrices=False)
    return (s[:count] / len(flat) ** 0.5)[:, None] * v[:count], flat.mean(0)


def shaped(rows, real):
    """Rows in the form of the sample."""
    return rows if real.ndim == 2 else rows.clamp(-1, 1).view(-1, *real.shape[1:])


def mean_image(real, seed):
    """The mean image, and a little of the first sixteen principal components."""
    root, mean = components(real, 16)
    return lambda z: shaped(mean + 0.25 * z @ root, real)


def mixture(real, names, count):
    """A Gaussian for each group of the sample; the first latent number chooses the group."""
    sizes = torch.bincount(names, minlength=count).double() / len(names)
    ends = sizes.cumsum(0)
    groups = [components(real[names == name], 1 if real.ndim == 2 else 15) for name in range(count)]

    def generator(z):
        chosen = torch.searchsorted(ends, torch.special.ndtr(z[:, 0].double())).clamp(max=count - 1)
        rows = [groups[name][1] + z[i, 1:] @ groups[name][0] for i, name in enumerate(chosen.tolist())]
        return shaped(torch.stack(rows), real)

    return generator


def clusters(real, seed, count=12):
    """One Gaussian for each cluster."""
    from scipy.cluster.vq import kmeans2

    names = kmeans2(real.flatten(1).double().numpy(), count, seed=seed, minit="++")[1]
    kept, names = np.unique(names, return_inverse=True)
    return mixture(real, torch.from_numpy(names), len(kept))


def ten_classes(real, seed):
    """One Gaussian for each class, by the labels of the package."""
    known = data.load("fashion-mnist", "train", source="embedded")
    places = torch.cdist(real.flatten(1), known.images.flatten(1)).argmin(1)
    return mixture(real, known.labels[places], 10)


def untrained(part):
    """The generator as it is initialised."""
    return lambda real, seed: NETWORKS[part](seed)[0].eval()


def one_mode(real, seed):
    """Everything that lies near the first point of the sample."""
    flat = real.flatten(1)
    nearest = torch.cdist(flat[:1], flat)[0].argsort()[: len(flat) // 10]
    return gaussian(real[nearest], seed)


class Ascending(nn.Module):
    """A published slip: the generator goes down where it should go up."""

    def critic_loss(self, real_scores, fake_scores):
        """As it should be."""
        return fake_scores.mean() - real_scores.mean()

    def generator_loss(self, fake_scores):
        """The sign is wrong."""
        return fake_scores.mean()


def reference(beta):
    """The solutions of the problem set."""
    return adversarial(("lp", {"weight": 1.0}, {}), ("gp", {}, {}), betas=(beta, 0.9))


def r1(beta):
    """Another loss and another penalty."""
    losses = {"objective": "non-saturating"}
    return adversarial(("r1", {"weight": 0.05}, losses), ("r1", {"weight": 1.0}, losses), betas=(beta, 0.9))


def two_sided(beta):
    """A weak penalty; spectral norms with the hinge loss."""
    return adversarial(("gp", {"weight": 0.1}, {}), ("sn", {}, {"objective": "hinge"}), betas=(beta, 0.9))


FAMILIES = {"the solution": reference, "R1, non-saturating": r1, "two-sided penalty; spectral norms, hinge": two_sided}
RIGHT = {f"{name}, β₁ = {beta:g}": make(beta) for name, make in FAMILIES.items() for beta in MOMENTUM}
PAPER = ("clip", {}, {"optimiser": "rmsprop", "rate": 5e-5, "ema": 0.0})
SLIP = ("gp", {}, {"objective": Ascending(), "ema": 0.0, "steps": 150})
WRONG = {
    "clipping as in the paper": adversarial(PAPER, PAPER),
    "a few steps": adversarial(("gp", {}, {"steps": 60}), ("gp", {}, {"steps": 30})),
    "the wrong sign": adversarial(SLIP, SLIP),
    "untrained": {part: untrained(part) for part in PARTS},
    "one mode": dict.fromkeys(PARTS, one_mode),
    "one Gaussian": dict.fromkeys(PARTS, gaussian),
    "a Gaussian for each cluster": dict.fromkeys(PARTS, clusters),
    "a Gaussian for each class": {"images": ten_classes},
    "the mean image": {"images": mean_image},
    "the training sample": dict.fromkeys(PARTS, memoriser),
    "the training sample with noise": dict.fromkeys(PARTS, noisy_memoriser),
}
WAYS = RIGHT | WRONG
TRIED = {name: 50 if name.startswith("the solution") else 20 if name in RIGHT else 5 for name in WAYS}


def key_of(part):
    """The problem's key."""
    return f"ps10.{part}_generator"


def graded(part, function, seed=None):
    """Points of a function as `check` gives them, or with hidden cases; what was not earned, and what was reached."""
    problem = registry.find(key_of(part))
    cases = problem.make_cases(
        np.random.default_rng(public_seed(problem.key) if seed is None else seed), seed is not None
    )
    start = time.process_time()
    seen = observe_all(function, replace(problem.request(cases), limit=LIMIT))
    seconds = round(time.process_time() - start, 1)
    verdict = assess(problem, cases, seen)
    return {
        "points": verdict.points,
        "of": verdict.possible,
        "missed": [criterion.id for criterion in verdict.criteria if not criterion.passed],
        "messages": [diagnosis.id for diagnosis in verdict.diagnoses],
        "seconds": seconds,
    } | reached(part, cases, seen)


def reached(part, cases, seen):
    """What each demand found, and the largest steps of the walks."""
    if seen[0].status != "ok":
        return {}
    module, samples = PARTS[part], seen[0].outputs["samples"].astype(np.float64)
    found = {case.criterion: said for case in cases[:-2] if (said := case.measures(samples))}
    walked = samples[module.SAMPLES :][: module.WALKS * module.STEPS]
    return {
        "reached": found,
        "leap": round(_capstone.leap(walked, module.STEPS), 4),
        "restless": round(min(_capstone.restless(walked, module.STEPS), 1e3), 4),
    }


def one_part(name, seed):
    """One way and one part of the capstone on a hidden draw; nothing where the way is tried with fewer seeds."""
    way, part = name.split(": ")
    return graded(part, WAYS[way][part], DRAWS + seed) if seed < TRIED[way] else None


TASKS = [f"{way}: {part}" for way, parts in WAYS.items() for part in parts]
EXPERIMENT = Experiment("10_capstone", __file__, "hidden draws of the two problems", SEEDS, TASKS, one_part)


def keep():
    """Train what the tests need: one way of each family, both parts on public draws and the points on a hidden one."""
    from safetensors.torch import save_file

    arrays = {}
    for index, make in enumerate(FAMILIES.values()):
        for part, draw in (("points", None), ("images", None), ("points", HIDDEN)):
            store = {}
            score = graded(part, remembering(store, make(0.0)[part]), draw)
            logging.info("%d %s %s %s", index, part, draw, score)
            for name, value in store["generator"].state_dict().items():
                kept = value.half() if value.is_floating_point() else value
                arrays[f"{part}.{int(draw is not None)}.{index}.{name}"] = kept
    save_file(arrays, TRAINED)


def remembering(store, function):
    """The function, with what it returned remembered."""

    def remember(real, seed):
        store["generator"] = function(real, seed)
        return store["generator"]

    return remember


def main():
    """Grade all ways, or train for the tests."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description="Grade ways to do the capstone.")
    parser.add_argument("--keep", action="store_true", help="train the generators of the tests instead")
    torch.set_num_threads(1)
    if parser.parse_args().keep:
        keep()
    else:
        EXPERIMENT.run()


if __name__ == "__main__":
    main()
