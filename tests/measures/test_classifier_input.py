"""What the classifier is given: types, batches, gradients, copies; and what its features are for."""

import copy

import numpy as np
import pytest
import torch

from wgan_course import measures
from wgan_course.data import images
from wgan_course.measures import classifier


@pytest.fixture(scope="module")
def data():
    return images.load(split="test", source="embedded").take(60)


@pytest.mark.parametrize(
    "bad",
    [
        torch.zeros(2, 1, 28, 28, dtype=torch.uint8),
        torch.zeros(2, 1, 28, 28, dtype=torch.long),
        torch.zeros(2, 1, 28, 28, dtype=torch.bool),
        np.zeros((2, 1, 28, 28)),
        None,
    ],
    ids=["bytes", "whole numbers", "truth values", "NumPy", "nothing"],
)
def test_what_is_no_tensor_of_levels_is_refused(bad):
    """Bytes from 0 to 255 would pass for levels and give features of nothing."""
    with pytest.raises(TypeError, match="floating-point tensor"):
        classifier.features(bad)


def test_bytes_become_levels_by_the_function_that_the_message_names(data):
    raw = images.from_unit(data.images)
    torch.testing.assert_close(classifier.features(images.to_unit(raw)), classifier.features(data.images))


def test_features_of_one_image_and_of_many_agree(data):
    together = classifier.features(data.images)
    alone = torch.cat([classifier.features(image[None]) for image in data.images[:7]])
    torch.testing.assert_close(together[:7], alone, rtol=1e-4, atol=1e-5)


def test_features_are_not_negative_and_not_constant(data):
    found = classifier.features(data.images)
    assert found.shape == (60, classifier.FEATURES)
    assert found.min() >= 0
    assert (found.std(0) > 0).sum() > classifier.FEATURES // 2


def test_the_order_of_images_is_the_order_of_features(data):
    order = torch.randperm(60, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(
        classifier.features(data.images[order]), classifier.features(data.images)[order], rtol=1e-4, atol=1e-5
    )


def test_features_take_the_models_type_and_carry_no_gradient(data):
    wide = copy.deepcopy(classifier.load_pretrained()).double()
    x = data.images[:3].clone().requires_grad_()
    found = classifier.features(x, wide)
    assert found.dtype == torch.float64
    assert not found.requires_grad
    torch.testing.assert_close(found.float(), classifier.features(data.images[:3]), rtol=1e-4, atol=1e-5)


def test_the_shipped_classifier_is_one_object_and_cannot_learn():
    model = classifier.load_pretrained()
    assert model is classifier.load_pretrained()
    assert not any(part.training for part in model.modules())
    assert not any(parameter.requires_grad for parameter in model.parameters())
    assert list(model.buffers()) == []


def test_types_and_devices_are_taken():
    model = classifier.Classifier(device="meta", dtype=torch.float64)
    assert all(p.is_meta and p.dtype == torch.float64 for p in model.parameters())
    assert model(torch.empty(2, 1, 28, 28, device="meta", dtype=torch.float64)).shape == (2, 10)


def test_accuracy_of_right_wrong_and_one_label(data):
    class Answers(classifier.Classifier):
        """It says one class, whatever it sees."""

        def __init__(self, answer):
            super().__init__()
            torch.nn.init.zeros_(self.head.weight)
            self.head.bias.data = torch.nn.functional.one_hot(torch.tensor(answer), 10).float()

    shares = [classifier.accuracy(Answers(k), data) for k in range(10)]
    counts = torch.bincount(data.labels, minlength=10) / 60
    assert shares == pytest.approx(counts.tolist())
    assert sum(shares) == pytest.approx(1)


def test_learning_follows_the_options(data):
    epochs = []
    model = classifier.train(
        data, epochs=2, batch_size=30, on_epoch=lambda epoch, loss, _: epochs.append((epoch, loss))
    )
    assert [epoch for epoch, _ in epochs] == [0, 1]
    assert all(loss > 0 for _, loss in epochs)
    assert not model.training
    assert not any(p.requires_grad for p in model.parameters())


def test_training_on_a_batch_that_is_left_over(data):
    """The last, incomplete batch of an epoch is left out: 60 images make one batch of 40."""
    one = classifier.train(data, epochs=1, batch_size=40, seed=3)
    assert all(p.isfinite().all() for p in one.parameters())


def test_noise_is_farther_in_features_than_other_images_are(data):
    other = images.load(split="test", source="embedded").images[60:120]
    noisy = (other + torch.randn(other.shape, generator=torch.Generator().manual_seed(0))).clamp(-1, 1)
    real, near, far = (classifier.features(x) for x in (data.images, other, noisy))
    assert measures.kernel_distance(real, far) > 3 * abs(measures.kernel_distance(real, near))


@pytest.mark.parametrize("arguments", [[], ["guess"], ["train", "--source", "nowhere"], ["train", "--epochs", "many"]])
def test_commands_refuse_what_they_do_not_know(arguments, capsys):
    with pytest.raises(SystemExit):
        classifier.main(arguments)
    assert "usage" in capsys.readouterr().err
