"""The control of chapter 11's critic: as many more rounds with the content loss alone, w = 0.

python book/11_super_resolution/control.py --data FOLDER_OF_IDX_FILES

Everything is as in ``stochastic.py``, the same seeds, start, optimiser, rate and average of weights; no critic trains.
"""

import argparse
import logging
from pathlib import Path

import torch
from torch.nn import functional

from tools.book import results
from wgan_course.training import devices

stochastic = results.load_script("11_super_resolution/stochastic")

NAME, ROUNDS = "11_control", 1368


class WithoutCritic(stochastic.Game):
    """The restorer's own steps on its pixels."""

    def round(self):
        """One step."""
        x = stochastic.draw(self.truth, self.batch, self.rng)
        self.opt_g.zero_grad(set_to_none=True)
        functional.mse_loss(self.generator(stochastic.seen(x)), x).backward()
        self.opt_g.step()
        self.ema.update(self.generator)


def compared(seed, truth, judge, first=stochastic.FIRST, rounds=ROUNDS, sizes=None):
    """The network on pixels of a seed, before and after the rounds without a critic."""
    device, sizes = truth.device, sizes or stochastic.SIZES
    start = stochastic.first_part(truth, sizes, first, [seed], device)[0]
    game = WithoutCritic(start, truth, "without noise", 0.0, sizes, devices.make_generator(device, seed, 9))
    for _ in range(rounds):
        game.round()
    each = {"mean": start, "without noise, 0": game.ema.module}
    return {name: judge.full(judge.restored(network)) for name, network in each.items()}


def main():
    """Run the command line; a seed that is stored already is kept."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, help="folder with the idx files; the embedded subset when absent")
    options = parser.parse_args()
    torch.set_num_threads(1)
    train, test = (stochastic.load(split, options.data) for split in ("train", "test"))
    judge = stochastic.Judge(test.images, test.labels, torch.device("cpu"))
    data = f"{len(train)} training images of Fashion-MNIST; {stochastic.FIRST} steps on pixels, {ROUNDS} more"
    origin = results.provenance(__file__, data)
    results.run_seeds(NAME, lambda seed: compared(seed, train.images, judge), stochastic.SEEDS, origin)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main()
