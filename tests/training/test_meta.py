"""A training step of every model with every constraint on the meta device: a tensor made elsewhere raises."""

import pytest
import torch

from wgan_course import constraints, objectives
from wgan_course.models import dcgan, mlp, resnet
from wgan_course.training import Trainer, TrainingConfig


class MetaBatches:
    """Batches without numbers."""

    batch = 4

    def __init__(self, shape, classes):
        self.shape, self.classes = shape, classes

    def next(self):
        labels = torch.zeros(4, dtype=torch.long, device="meta") if self.classes else None
        return torch.empty(4, *self.shape, device="meta"), labels


def models(name, classes, act):
    where = {"classes": classes, "device": "meta"}
    if name == "mlp":
        return mlp.Generator(3, 2, (8,), **where), mlp.Critic(2, (8,), act=act, **where), (2,)
    if name == "mlp-layer-norm":
        return mlp.Generator(3, 2, (8,), **where), mlp.Critic(2, (8,), act=act, norm="layer", **where), (2,)
    module = {"dcgan": dcgan, "resnet": resnet}[name]
    return module.Generator(3, 28, 1, 4, **where), module.Critic(28, 1, 4, act=act, **where), (1, 28, 28)


MODELS = ("mlp", "mlp-layer-norm", "dcgan", "resnet")
# Each model and each constraint, with classes and without; all three together for one penalty.
CASES = [(name, None if MODELS.index(model) % 2 else 3, model) for name in constraints.NAMES for model in MODELS]
CASES += [("gp", 3 if MODELS.index(model) % 2 else None, model) for model in MODELS]


@pytest.mark.parametrize(("name", "classes", "model"), CASES)
def test_one_step_on_meta(name, classes, model):
    generator, critic, shape = models(model, classes, "groupsort" if name == "orthonormal" else "relu")
    config = TrainingConfig(device="meta", n_critic=1, ema=0.9)
    trainer = Trainer(generator, critic, MetaBatches(shape, classes), constraints.make(name), config=config)
    trainer.train_step()
    assert trainer.step == 1
    tensors = [*trainer.critic.state_dict().values(), *trainer.generator.state_dict().values()]
    assert all(t.is_meta for t in tensors if isinstance(t, torch.Tensor))
    assert any(p.grad is not None for p in trainer.critic.parameters())


@pytest.mark.parametrize("objective", objectives.NAMES)
def test_objectives_on_meta(objective):
    generator, critic, shape = models("mlp", None, "relu")
    options = {"objective": objectives.make(objective), "config": TrainingConfig(device="meta", optimiser="rmsprop")}
    trainer = Trainer(generator, critic, MetaBatches(shape, None), constraints.make("gp"), **options)
    trainer.train_step()
    assert trainer.meters.sums.is_meta


def test_a_tensor_made_elsewhere_shows():
    """The tests above can fail."""

    class Careless(type(constraints.make("none"))):
        def penalty(self, critic, real, fake, rng, **conditioning):
            return (critic(real) - torch.zeros(4)).mean()

    generator, critic, shape = models("mlp", None, "relu")
    trainer = Trainer(
        generator, critic, MetaBatches(shape, None), Careless(), config=TrainingConfig(device="meta", n_critic=1)
    )
    with pytest.raises(RuntimeError, match="device"):
        trainer.train_step()
