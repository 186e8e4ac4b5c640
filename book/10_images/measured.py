"""Numbers that the text of chapter 10 takes from stored results; one for each seed unless it says otherwise."""

from functools import cache

import numpy as np

from tools.book.results import load_script, read_results

_outcome = cache(lambda: load_script("10_images/outcome"))
_END = "dcgan"


def _end(method, key="frechet"):
    return _outcome().end(_END, method, key)


def label_agreement():
    """Share of the images of the run with labels on the GPU that the classifier calls by their label, one number."""
    return read_results("10_gpu")["seeds"]["0"]["fashion_mnist_conditional"][-1]["agree"]


def none():
    """Fréchet distance of the DCGAN after all rounds, no constraint."""
    return _end("none")


def hinge():
    """The same, hinge loss and spectral normalisation."""
    return _end("hinge")


def sn():
    """The same, Wasserstein loss and spectral normalisation, reshaped kernels or true convolutions."""
    return np.concatenate((_end("sn"), _end("sn_conv")))


def clip():
    """The same, clipping."""
    return _end("clip")


def but_clip():
    """The same, all contestants but clipping."""
    return np.concatenate([_end(method) for method in _outcome().NAMES if method != "clip"])


def behind_none():
    """By how much the DCGAN without a constraint ends above hinge with SN, GP and LP, seed by seed."""
    return np.concatenate([_end("none") - _end(method) for method in ("hinge", "gp", "lp")])


def penalties():
    """Fréchet distance under the penalties at interpolates and at real images."""
    return np.concatenate([_end(method) for method in ("gp", "lp", "r1")])


def same_time():
    """Seconds of the card of the quickest DCGAN, one number."""
    return _outcome().same_time(_END)


def recall_r1():
    """Recall of the DCGAN, log loss with R1."""
    return _end("r1", "recall")


def recall_hinge():
    """The same, hinge with SN."""
    return _end("hinge", "recall")


def _tuned(method, rate):
    return np.mean(_outcome().family(_END)["tuning"][method][rate])


def _at_the_end():
    return _outcome().family(_END)["at the end of the grid"]


def at_the_end():
    """Contestants of ten whose rate is the largest of the grid on the DCGAN, one number."""
    return len(_at_the_end())


def at_the_end_residual():
    """The same with residual networks."""
    return len(_outcome().family("resnet")["at the end of the grid"])


def gained_at_the_end():
    """By how much the largest rate was better than the one before it in the tuning, for each of those."""
    return np.array([_tuned(method, "0.001") - _tuned(method, "0.003") for method in _at_the_end()])


def residual_gp():
    """Fréchet distance of the residual network after its rounds, GP, one seed."""
    return _outcome().end("resnet", "gp")


def residual_none():
    """The residual network without a constraint from a fifth of its rounds on, one number a mark."""
    marks, values = _outcome().curve(_outcome().seeds("resnet")[0]["none"])
    return values[marks >= 0.2 * marks[-1]]


def dcgan_gp_rounds():
    """The DCGAN under GP after as many rounds."""
    return _outcome().at_rounds("dcgan", "gp", _outcome().family("resnet")["rounds"])


def dcgan_gp_seconds():
    """The DCGAN under GP after as many seconds of the card as the residual network's run takes."""
    return _outcome().at_time("dcgan", "gp", _outcome().seconds("resnet", "gp"))


def dearer():
    """How often as long as the DCGAN's a residual network's round takes, one number a contestant."""
    ours = [_outcome().family(name)["milliseconds"] for name in ("resnet", "dcgan")]
    return np.array([ours[0][method] / ours[1][method] for method in _outcome().NAMES])
