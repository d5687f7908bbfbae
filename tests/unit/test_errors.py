"""The error tree: exit codes, text, and the way across a process boundary."""

from __future__ import annotations

import pickle

import pytest

from edgetool import errors
from edgetool.errors import EdgetoolError, InternalError, from_dict, nearest

KINDS = EdgetoolError.__subclasses__()


def test_every_kind_has_its_own_exit_code() -> None:
    codes = [kind.exit_code for kind in KINDS]
    assert len(set(codes)) == len(codes)
    assert all(1 < code < 126 for code in codes)


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_survives_a_process_boundary(kind: type[EdgetoolError]) -> None:
    error = kind("conv2d_3", found="dtype float64", expected="float32", next_step="export again")
    for copy in (from_dict(error.to_dict()), pickle.loads(pickle.dumps(error))):
        assert type(copy) is kind
        assert str(copy) == str(error)
        assert copy.to_dict() == error.to_dict()


def test_an_unknown_kind_becomes_an_internal_error() -> None:
    assert isinstance(from_dict({"kind": "NoSuchError"}), InternalError)


def test_the_text_names_subject_found_expected_and_next_step() -> None:
    text = str(errors.DataError("x_train", found="NaN", expected="numbers", next_step="clean it"))
    assert text == "x_train: NaN, expected numbers; clean it"


def test_nearest_suggests_or_lists() -> None:
    assert nearest("w8a8_statik", ["w8a8_static", "float16"]) == "did you mean 'w8a8_static'?"
    assert nearest("zzz", ["b", "a"]) == "valid: a, b"


def test_all_is_complete() -> None:
    public = {kind.__name__ for kind in KINDS} | {"EdgetoolError", "from_dict", "nearest"}
    assert set(errors.__all__) == public
