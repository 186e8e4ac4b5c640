"""One training loop for every constraint, objective and model, and what it stands on.

`loop` has the trainer, `config` its settings, `batches` the streams of real samples, `checkpoint` files that are
written whole, `runlog` logs and pictures, `devices` the choice of device and precision, `runs` a run as a command.
"""

from .batches import Batches, SampledBatches, TensorBatches
from .loop import Ema, Trainer, TrainingConfig, TrainingDivergedError, frozen, train, wgan_schedule

__all__ = [
    "Batches",
    "Ema",
    "SampledBatches",
    "TensorBatches",
    "Trainer",
    "TrainingConfig",
    "TrainingDivergedError",
    "frozen",
    "train",
    "wgan_schedule",
]
