"""Several processes: ``torchrun --nproc-per-node 2 several_processes.py``.

On machines with several GPUs each process takes one; elsewhere they share the
processor. The batch is that of all of them together, so the run is that of one
process but for the penalty's random numbers, and may be resumed with another number
of them.
"""

import sys

from wgan_course.training.runs import RunOptions, RunResult, train_from_options


def main(out: str = "runs/several", steps: int = 2000) -> RunResult:
    """Train on eight Gaussians; the first process writes."""
    return train_from_options(
        RunOptions(
            data="eight-gaussians", constraint="gp", batch=256, steps=steps, out=out
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:2], *map(int, sys.argv[2:3]))
