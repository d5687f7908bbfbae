"""Data sets with a name: bundled, from `$EDGETOOL_DATA`, or from their public download."""

from __future__ import annotations

import importlib

import numpy as np

from edgetool.data.dataset import SPLIT_SEED, Array, Dataset, Split
from edgetool.data.download import shared_file
from edgetool.data.split import split_in_two
from edgetool.errors import MissingFileError

__all__ = ["NAMED_DATA", "load_named"]

#: Name -> what it is, and the function that loads it.
NAMED_DATA: dict[str, tuple[str, str]] = {
    "digits": ("scikit-learn's handwritten digits, resized to 32x32x3 (bundled)", "edgetool.data.named:load_digits"),
    "cifar10": ("CIFAR-10, lossless ($EDGETOOL_DATA or public download)", "edgetool.data.cifar:load_cifar10"),
    "cifar10-jpeg": ("CIFAR-10 re-encoded as JPEG ($EDGETOOL_DATA)", "edgetool.data.named:load_cifar10_jpeg"),
    "sms-spam": ("UCI SMS Spam Collection ($EDGETOOL_DATA or public download)", "edgetool.data.sets.sms_spam:load"),
    "movie-sentences": (
        "polarity of sentences from film reviews ($EDGETOOL_DATA or public download)",
        "edgetool.data.sets.movie_sentences:load",
    ),
    "tiny-shakespeare": (
        "characters of Shakespeare's plays ($EDGETOOL_DATA or public download)",
        "edgetool.data.sets.tiny_shakespeare:load",
    ),
    # One module a data set in edgetool/data/sets/, with a function `load() -> Dataset`.
    "spoken-digits": (
        "spoken digits of one second as MFCCs ($EDGETOOL_DATA or public download)",
        "edgetool.data.sets.spoken_digits:load",
    ),
    "speech-frames-640": (
        "five log-mel frames of spoken digits, without labels ($EDGETOOL_DATA or public download)",
        "edgetool.data.sets.speech_frames:load",
    ),
    "mlperf-kws01": ("MLPerf Tiny's keyword test clips ($EDGETOOL_DATA)", "edgetool.data.sets.mlperf_kws01:load"),
    "cifar10-animals-96": (
        "CIFAR-10's animals against its vehicles, 96x96 ($EDGETOOL_DATA or public download)",
        "edgetool.data.sets.cifar10_animals:load",
    ),
    "digits-16": ("scikit-learn's digits, 16x16x1 (bundled)", "edgetool.data.sets.digits_latent:load_images"),
    "digits-latent": ("random vectors for generators of digits", "edgetool.data.sets.digits_latent:load"),
    "assist2009": ("answers of students at ASSISTments, in windows of 100", "edgetool.data.sets.assist2009:load"),
    "etth1": ("electricity transformer load ETTh1, 96 hours in, 24 out", "edgetool.data.sets.etth1:load"),
    "traffic-i94": (
        "hourly traffic volume on I-94, 24 hours in, the next one out",
        "edgetool.data.sets.traffic_i94:load",
    ),
    "breast-cancer": ("tumours by 30 measures of cell nuclei (bundled)", "edgetool.data.sets.breast_cancer:load"),
    "credit-default": (
        "who will not pay a card bill, UCI ($EDGETOOL_DATA or public download)",
        "edgetool.data.sets.credit_default:load",
    ),
    "ecg5000": (
        "heartbeats of 140 points, UCR archive ($EDGETOOL_DATA or public download)",
        "edgetool.data.sets.ecg5000:load",
    ),
    "pneumonia-mnist": (
        "chest X-rays 28x28, MedMNIST ($EDGETOOL_DATA or public download)",
        "edgetool.data.sets.pneumonia_mnist:load",
    ),
    "student-performance": (
        "final grades of students, UCI ($EDGETOOL_DATA or public download)",
        "edgetool.data.sets.student_performance:load",
    ),
}


def load_named(name: str) -> Dataset:
    """Load the data set `name`, which must be a key of `NAMED_DATA`."""
    module, _, function = NAMED_DATA[name][1].partition(":")
    loaded: Dataset = getattr(importlib.import_module(module), function)()
    return loaded


def load_digits() -> Dataset:
    """Load scikit-learn's 1,797 digits as uint8 `[N, 32, 32, 3]`, 0..255; a stratified quarter is the test split.

    Source: UCI "Optical Recognition of Handwritten Digits" test part (Alpaydin and Kaynak 1998, CC BY 4.0), 8x8
    pixels of 0..16, bundled with scikit-learn. Enlarged bilinearly, the grey value repeated in three channels.
    """
    from sklearn.datasets import load_digits as bundled

    digits = bundled()
    images = _enlarge(np.rint(digits.images * (255.0 / 16.0)).astype(np.uint8), 32)
    labels = digits.target.astype(np.int64)
    train, test = split_in_two(Split("all", (images,), labels), fraction=0.25)
    return Dataset(
        name="digits",
        train=train,
        val=None,
        test=test,
        class_names=tuple(str(name) for name in digits.target_names),
        source="scikit-learn's digits (UCI Optical Recognition of Handwritten Digits, CC BY 4.0), resized to 32x32x3",
        digest=_digest(images, labels),
        facts={"test split": f"a stratified quarter, seed {SPLIT_SEED}"},
    )


def load_cifar10_jpeg() -> Dataset:
    """Load `cifar10_jpeg.npz` from `$EDGETOOL_DATA`; the split is the source's.

    Raises:
        MissingFileError: the variable is not set or the file is not there.
    """
    from edgetool.data.npz import load_npz

    path = shared_file("cifar10_jpeg.npz")
    if path is None:
        raise MissingFileError(
            "cifar10-jpeg",
            found="no cifar10_jpeg.npz in $EDGETOOL_DATA",
            expected="the folder that holds it",
            next_step="set EDGETOOL_DATA, or use --data cifar10 (public download) or --data digits (bundled)",
        )
    return load_npz(path, name="cifar10-jpeg", source="CIFAR-10 (Krizhevsky 2009) re-encoded as JPEG")


def _enlarge(images: Array, size: int) -> Array:
    """Resize uint8 `[N, H, W]` to `[N, size, size, 3]` bilinearly."""
    from PIL import Image

    def one(image: Array) -> Array:
        return np.asarray(Image.fromarray(image).resize((size, size), Image.Resampling.BILINEAR))

    grey = np.stack([one(image) for image in images])
    return np.repeat(grey[..., None], 3, axis=-1)


def _digest(*arrays: Array) -> str:
    import hashlib

    sha = hashlib.sha256()
    for array in arrays:
        sha.update(np.ascontiguousarray(array).tobytes())
    return sha.hexdigest()
