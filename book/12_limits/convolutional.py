"""Two convolutional generators, for chapter 12: one follows the exact W1 of each mini-batch, the other a critic.

Run it in the course's folder: ``python book/12_limits/convolutional.py`` (half an hour on one core; all parts at once:
``benchmarks/many.py``). It writes ``book/results/12_convolutional.json``. Both get about the same processor time, and
are judged on the way by the exact W1 in pixels, by distances in the classifier's features and by sharpness.
"""

import base64
import logging
import time

import torch
from scipy.optimize import linear_sum_assignment

from tools.book import results
from wgan_course import constraints, measures, training
from wgan_course.data import images
from wgan_course.measures import classifier
from wgan_course.models import dcgan
from wgan_course.training import batches
from wgan_course.training.networks import Ema

SEEDS = range(5)
LATENT, WIDTH, BATCH, RATE, BETAS, DECAY = 64, 24, 64, 5e-4, (0.5, 0.9), 0.995
STEPS, CRITIC_STEPS = {"exact": 8000, "critic": 1200}, 3
MARKS, JUDGED, SHOWN = 5, 500, 24
DATA = (
    f"the package's 4000 training and 1000 test images of Fashion-MNIST; DCGAN of width {WIDTH}, batch {BATCH}; "
    f"{STEPS['exact']} steps along the exact W1, {STEPS['critic']} rounds of {CRITIC_STEPS} critic steps and one"
)


def rng_of(seed, stream):
    """A source of randomness of its own for each seed and purpose."""
    return torch.Generator().manual_seed(1000 * seed + stream)


def load():
    """Training and test images of the embedded subset."""
    return [images.load("fashion-mnist", split, source="embedded").images for split in ("train", "test")]


def paired(x, y):
    """Mean distance of the best pairing of as many points, which is their exact W1; differentiable."""
    cost = torch.cdist(x.flatten(1), y.flatten(1), compute_mode="donot_use_mm_for_euclid_dist")
    return cost[linear_sum_assignment(cost.detach().numpy())].mean()


def sharpness(x):
    """Mean size of the difference between neighbouring pixels."""
    return float(x.diff(dim=-1).abs().mean() + x.diff(dim=-2).abs().mean())


class Exact:
    """A generator that follows the exact W1 of each mini-batch; Adam and average as the other's."""

    def __init__(self, generator, real, seed):
        self.generator, self.real, self.rng = generator, real, rng_of(seed, 1)
        self.optimiser = torch.optim.Adam(generator.parameters(), lr=RATE, betas=BETAS)
        self.ema = Ema(generator, DECAY)

    def step(self):
        """One step."""
        x = self.real[torch.randint(len(self.real), (BATCH,), generator=self.rng)]
        loss = paired(x, self.generator(torch.randn(BATCH, LATENT, generator=self.rng)))
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.optimiser.step()
        self.ema.update(self.generator)


class Critic:
    """A generator that follows a critic with a gradient penalty: the course's own loop."""

    def __init__(self, generator, real, seed):
        rates = {"lr_critic": RATE, "lr_generator": RATE, "betas": BETAS, "ema": DECAY}
        config = training.TrainingConfig(n_critic=CRITIC_STEPS, seed=seed, device="cpu", **rates)
        critic = dcgan.Critic(28, 1, WIDTH, rng=rng_of(seed, 2))
        stream = batches.TensorBatches(real, BATCH, rng_of(seed, 1))
        self.trainer = training.Trainer(generator, critic, stream, constraints.make("gp"), config=config)
        self.step, self.ema = self.trainer.train_step, self.trainer.ema


METHODS = {"exact": Exact, "critic": Critic}


def judge(fake, test):
    """Exact distance of samples, distances in the classifier's features, sharpness."""
    seen, made = (classifier.features(x) for x in (test, fake))
    precision, recall = measures.precision_recall(seen, made)
    return {
        "w1": float(paired(test[:JUDGED].double(), fake[:JUDGED].double())),
        "frechet": measures.frechet_distance(seen, made),
        "kernel": measures.kernel_distance(seen, made),
        "precision": precision,
        "recall": recall,
        "sharpness": sharpness(fake) / sharpness(test),
    }


@torch.no_grad()
def samples(generator, n, seed):
    """What a generator makes, always of the same numbers."""
    return generator(torch.randn(n, LATENT, generator=rng_of(seed, 3)))


def encode(x):
    """Images as text: grey levels as bytes, in base 64."""
    return base64.b64encode(images.from_unit(x.detach().clamp(-1, 1)).numpy().tobytes()).decode()


def trained(method, seed, steps, marks):
    """What one method's samples are after some steps, and the processor time until then; the last ones as images."""
    real, test = load()
    player = METHODS[method](dcgan.Generator(LATENT, 28, 1, WIDTH, rng=rng_of(seed, 0)), real, seed)
    spent, looks = 0.0, {}
    for step in range(1, max(marks) + 1):
        began = time.process_time()
        player.step()
        spent += time.process_time() - began
        if step in marks:
            judged = judge(samples(player.ema.module, len(test), seed), test)
            looks[str(step)] = {name: round(value, 4) for name, value in judged.items()} | {"seconds": round(spent, 1)}
    found = {"looks": looks}
    return found | {"images": encode(samples(player.ema.module, SHOWN, seed))} if steps in marks else found


def one_part(part, seed):
    """Real images judged like the others, or one method."""
    if part == "real":
        real, test = load()
        chosen = real[torch.randperm(len(real), generator=rng_of(seed, 6))[: len(test)]]
        return {name: round(value, 4) for name, value in judge(chosen, test).items()}
    steps = STEPS[part]
    return trained(part, seed, steps, {steps // 50, *(steps * (i + 1) // MARKS for i in range(MARKS))})


EXPERIMENT = results.Experiment("12_convolutional", __file__, DATA, SEEDS, ["critic", "exact", "real"], one_part)

if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    EXPERIMENT.run()
