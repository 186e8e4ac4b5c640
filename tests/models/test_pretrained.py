"""Generators that came with the package: they load, make what they were trained on, and say where they come from."""

import pytest
import torch

from wgan_course.measures import classifier
from wgan_course.models import pretrained


@pytest.mark.parametrize("name", pretrained.NAMES)
def test_samples_are_images_and_differ(name):
    network = pretrained.load(name)
    z = torch.randn(8, network.latent, generator=torch.Generator().manual_seed(0))
    labels = (torch.arange(8),) if network.classes else ()
    with torch.no_grad():
        made = network(z, *labels)
    assert made.shape == ((8, 3, 32, 32) if name == "emoji" else (8, 1, 28, 28))
    assert made.abs().max() <= 1
    assert torch.pdist(made.flatten(1)).min() > 1
    assert {"what", "data", "device", "torch", "date", "rounds", "seed"} <= set(pretrained.provenance(name))


def test_clothes_are_of_the_class_that_was_asked_for():
    """The stored run says 0.91 for agreement with the classifier."""
    labels = torch.arange(10).repeat(20)
    z = torch.randn(200, 64, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        made = pretrained.load("fashion-mnist-conditional")(z, labels)
        agreed = classifier.load_pretrained()(made).argmax(1) == labels
    assert agreed.float().mean() > 0.85


def test_another_name_is_refused():
    with pytest.raises(ValueError, match="one of fashion-mnist"):
        pretrained.load("cats")
