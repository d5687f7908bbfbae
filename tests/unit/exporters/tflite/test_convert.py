from __future__ import annotations

import os
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from edgetool.data.dataset import Dataset, Split
from edgetool.errors import ExportError
from edgetool.exporters.tflite.convert import _explain, calibration_split, quiet
from edgetool.passes.base import Context, QuantizationScheme, TrainingSettings

STATIC = QuantizationScheme.of("static", "int8", num_calibration_samples=5)


def _context(train=None, val=None, test=None, seed=0):
    dataset = Dataset("d", train, val, test)
    return Context(dataset, TrainingSettings(), seed, Path(), lambda *_: None)


def _split(name):
    return Split(name, (np.arange(20),))


def test_calibration_takes_a_seeded_choice_of_train():
    first = calibration_split(STATIC, _context(_split("train"), _split("val"), seed=1), "net")
    again = calibration_split(STATIC, _context(_split("train"), _split("val"), seed=1), "net")
    other = calibration_split(STATIC, _context(_split("train"), _split("val"), seed=2), "net")
    assert (first.name, first.num_samples) == ("train", 5)
    assert np.array_equal(first.inputs[0], again.inputs[0])
    assert not np.array_equal(first.inputs[0], other.inputs[0])


def test_calibration_falls_back_to_validation_never_to_test():
    assert calibration_split(STATIC, _context(val=_split("val")), "net").name == "val"
    with pytest.raises(ExportError, match="net: neither a training nor a validation split"):
        calibration_split(STATIC, _context(test=_split("test")), "net")


def test_other_modes_need_no_samples():
    assert calibration_split(QuantizationScheme.of("dynamic"), _context(), "net") is None


def test_quiet_catches_python_and_c_output(capfd):
    with quiet() as log:
        print("from python")
        print("error line", file=sys.stderr)
        os.write(2, b"from C\n")
        log.flush()
        log.seek(0)
        text = log.read()
    print("after")
    captured = capfd.readouterr()
    assert captured.out == "after\n"
    assert captured.err == ""
    assert "from C" in text


def _model():
    layers = [SimpleNamespace(name="dense"), SimpleNamespace(name="odd")]
    return SimpleNamespace(name="net", layers=layers)


def test_unsupported_operator_names_operator_and_layer():
    text = (
        'loc(callsite("net/odd/MatrixInverse@__inference_infer_1" at "x")): error: not supported\n'
        "Some ops are not supported by the native TFLite runtime\nTF Select ops: MatrixInverse, Det\nDetails: ..."
    )
    error = _explain(text, _model())
    assert error.subject == "odd"
    assert "MatrixInverse, Det" in error.found
    assert error.exit_code == 40


def test_unsupported_operator_of_the_quantizer():
    assert "'FOO'" not in _explain("Quantization not yet supported for op: 'FOO'.", _model()).found
    assert "FOO" in _explain("Quantization not yet supported for op: 'FOO'.", _model()).found


def test_other_failures_keep_their_first_line():
    error = _explain("something broke\nat line 3", _model())
    assert (error.subject, "something broke" in error.found) == ("net", True)
