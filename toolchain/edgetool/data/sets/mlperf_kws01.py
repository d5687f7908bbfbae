"""`mlperf-kws01`: the test clips of MLPerf Tiny's keyword spotting, as MFCCs. There is no training split."""

from __future__ import annotations

import numpy as np

from edgetool.artifact import digest_path
from edgetool.data.dataset import Dataset, Split
from edgetool.data.download import shared_file
from edgetool.data.sets.arrays import read_arrays
from edgetool.errors import DataError, MissingFileError

__all__ = ["SCALE", "ZERO_POINT", "load"]

#: The features are stored as the published int8 model takes them: real = (q - zero point) x scale.
SCALE = 0.58470291
ZERO_POINT = 83

NUM_CLASSES = 12


def load() -> Dataset:
    """Load the features as float32 `[N, 49, 10, 1]`, the unit of the published float model; 12 classes.

    The source (eembc/energyrunner, datasets/kws01) holds one file a clip and states no licence beyond its copyright, so
    that only a copy in `$EDGETOOL_DATA` is read.

    Raises:
        MissingFileError: the variable is not set or the file is not there.
        DataError: the file holds something else.
    """
    path = shared_file("mlperf_kws01.npz")
    if path is None:
        raise MissingFileError(
            "mlperf-kws01",
            found="no mlperf_kws01.npz in $EDGETOOL_DATA",
            expected="the folder that holds it",
            next_step="set EDGETOOL_DATA, or use --data spoken-digits (public download)",
        )
    arrays = read_arrays(path, ("x_test", "y_test", "class_names"))
    features, labels = arrays["x_test"], arrays["y_test"]
    if features.dtype != np.int8 or features.shape[1:] != (49, 10, 1):
        raise DataError(
            f"{path}: x_test",
            found=f"{features.dtype} of shape {list(features.shape)}",
            expected="int8 [N, 49, 10, 1]",
            next_step="get the file again",
        )
    if labels.shape != (len(features),) or int(labels.max()) >= NUM_CLASSES:
        raise DataError(
            f"{path}: y_test",
            found=f"{labels.size} labels up to {int(labels.max())}",
            expected=f"{len(features)}, 0 to {NUM_CLASSES - 1}",
            next_step="get the file again",
        )
    real = ((features.astype(np.int32) - ZERO_POINT) * SCALE).astype(np.float32)
    return Dataset(
        name="mlperf-kws01",
        train=None,
        val=None,
        test=Split("test", (real,), labels.astype(np.int64)),
        class_names=tuple(str(name) for name in arrays["class_names"]),
        source="MLPerf Tiny kws01 (eembc/energyrunner), from Speech Commands v2 (Warden 2018, CC BY 4.0)",
        digest=digest_path(path),
        facts={
            "convert": f"int8 to float32: (q - {ZERO_POINT}) x {SCALE:g}",
            "normalise": "none: MFCCs as the published model takes them",
        },
    )
