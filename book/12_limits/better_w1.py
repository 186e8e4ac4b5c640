"""The experiment behind chapter 12's figures on a smaller distance that goes with worse pictures.

Run it in the course's folder: ``python book/12_limits/better_w1.py``. It writes ``book/results/12_better_w1.json``.
Two generators of one architecture on Fashion-MNIST: one follows the exact W1 of each mini-batch, the other a critic.
"""

import base64
import logging
import time

import torch

from tools.book import results
from wgan_course import constraints, measures, training, transport
from wgan_course.data import images
from wgan_course.measures import classifier
from wgan_course.models.mlp import Critic, Generator
from wgan_course.training import batches

SEEDS = range(5)
LATENT, HIDDEN, BATCH, RATE = 32, (256, 256), 64, 5e-4
STEPS = {"exact": 800, "critic": 240}
JUDGED, POINTS, SHOWN = 500, 100, 16


def rng_of(seed, stream):
    """A source of randomness of its own for each seed and purpose."""
    return torch.Generator().manual_seed(1000 * seed + stream)


def make_generator(seed):
    """The generator's start, the same for both methods."""
    return Generator(LATENT, (1, 28, 28), HIDDEN, rng=rng_of(seed, 0))


def train_exact(real, seed, steps):
    """Follow the exact W1 of each mini-batch."""
    generator, rng = make_generator(seed), rng_of(seed, 1)
    optimiser = torch.optim.Adam(generator.parameters(), lr=RATE, betas=(0.5, 0.9))
    for _ in range(steps):
        x = real[torch.randint(len(real), (BATCH,), generator=rng)]
        fake = generator(torch.randn(BATCH, LATENT, generator=rng))
        loss = transport.wasserstein(x.flatten(1), fake.flatten(1))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
    return generator


def train_critic(real, seed, steps):
    """Follow a critic with a gradient penalty, five critic steps a step: the course's own loop."""
    config = training.TrainingConfig(seed=seed, lr_critic=RATE, lr_generator=RATE, betas=(0.5, 0.9), device="cpu")
    critic = Critic(784, HIDDEN, rng=rng_of(seed, 2))
    stream = batches.TensorBatches(real, BATCH, rng_of(seed, 1))
    trainer = training.Trainer(make_generator(seed), critic, stream, constraints.make("gp"), config=config)
    trainer.fit(steps)
    return trainer.generator


TRAINERS = {"exact": train_exact, "critic": train_critic}


def sharpness(x):
    """Mean size of the difference between neighbouring pixels."""
    return float(x.diff(dim=-1).abs().mean() + x.diff(dim=-2).abs().mean())


def distance(x, y, weights=None):
    """Exact W1 between images, in pixels of the range [-1, 1]."""
    return float(transport.wasserstein(x.flatten(1).double(), y.flatten(1).double(), y_weights=weights))


def judge(fake, test):
    """Exact distance of samples, distance in the classifier's features, sharpness."""
    feats = [classifier.features(x) for x in (test, fake)]
    return {
        "w1": distance(test[:JUDGED], fake[:JUDGED]),
        "frechet": measures.frechet_distance(*feats),
        "sharpness": sharpness(fake) / sharpness(test),
    }


def encode(x):
    """Images as text: grey levels as bytes, in base 64."""
    return base64.b64encode(images.from_unit(x.detach().clamp(-1, 1)).numpy().tobytes()).decode()


def trained(method, sets, seed, steps):
    """Train with one method, and judge."""
    began = time.process_time()
    generator = TRAINERS[method](sets[0], seed, steps).eval()
    spent = round(time.process_time() - began, 1)
    with torch.no_grad():
        fake = generator(torch.randn(len(sets[1]), LATENT, generator=rng_of(seed, 3)))
    return {**judge(fake, sets[1]), "seconds": spent, "images": encode(fake[:SHOWN])}


def centroids(real, seed, rounds=15):
    """Lloyd's algorithm: means of clusters, and each cluster's share."""
    x, rng = real.flatten(1), rng_of(seed, 4)
    centres = x[torch.randperm(len(x), generator=rng)[:POINTS]].clone()
    for _ in range(rounds):
        own = torch.cdist(x, centres).argmin(1)
        counts = torch.bincount(own, minlength=POINTS)
        sums = torch.zeros_like(centres).index_add_(0, own, x)
        centres = torch.where(counts[:, None] > 0, sums / counts.clamp_min(1)[:, None], centres)
    own = torch.cdist(x, centres).argmin(1)
    return centres.reshape(-1, 1, 28, 28), torch.bincount(own, minlength=POINTS).double() / len(x)


def few_points(sets, seed):
    """W1 from the test images to 100 real images, and to 100 averages of real images."""
    real, test = sets
    chosen = real[torch.randperm(len(real), generator=rng_of(seed, 5))[:POINTS]]
    means, shares = centroids(real, seed)
    return {
        "real images": {"w1": distance(test, chosen), "sharpness": sharpness(chosen) / sharpness(test)},
        "averages": {"w1": distance(test, means, shares), "sharpness": sharpness(means) / sharpness(test)},
    }


def load():
    """Training and test images of the embedded subset."""
    return [images.load("fashion-mnist", split, source="embedded").images for split in ("train", "test")]


def baselines(sets, seed):
    """The same judgement of real images, and of one grey average."""
    real, test = sets
    chosen = real[torch.randperm(len(real), generator=rng_of(seed, 6))[: len(test)]]
    return judge(chosen, test)


def one_seed(seed):
    """Everything, for one seed; and the first steps of both methods alone, which the test repeats."""
    sets = load()
    found = {"few points": few_points(sets, seed), "real": baselines(sets, seed)}
    for method, steps in STEPS.items():
        found[method] = trained(method, sets, seed, steps)
        found[f"{method}, start"] = trained(method, sets, seed, steps // 20)
    return found


def main():
    """Run every seed, and write the results with their provenance."""
    torch.set_num_threads(1)
    data = f"the package's 4000 training and 1000 test images of Fashion-MNIST; steps {STEPS}, batch {BATCH}"
    results.run_seeds("12_better_w1", one_seed, SEEDS, results.provenance(__file__, data))


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    main()
