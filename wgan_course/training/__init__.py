"""One training loop for every constraint, objective and model, and what it stands on.

`loop` has the trainer, `critic` the critic's step and critics trained alone, `config` the settings, `batches` the
streams of real samples, `networks` freezing and averaging, `meters` what is measured on the way. `persistence` and
`checkpoint` let a run be resumed, `graph` captures rounds, `distributed` shares them, `runlog` writes logs and
pictures, `devices` chooses device and precision, `flow_matching` trains without a critic, and `runs` is a run as a
command, with its `options`.
"""

from .batches import Batches, LoaderBatches, SampledBatches, TensorBatches
from .config import TrainingConfig, wgan_schedule
from .critic import CriticTrainer, fit_critic
from .loop import Trainer, TrainingDivergedError, train
from .networks import Ema, frozen

__all__ = [
    "Batches",
    "CriticTrainer",
    "Ema",
    "LoaderBatches",
    "SampledBatches",
    "TensorBatches",
    "Trainer",
    "TrainingConfig",
    "TrainingDivergedError",
    "fit_critic",
    "frozen",
    "train",
    "wgan_schedule",
]
