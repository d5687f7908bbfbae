"""Measurements name a machine by a digest of what it is."""

from __future__ import annotations

import dataclasses

import pytest

from edgetool.records import Machine

VERSIONS = {"numpy": "2.4.6", "onnx": "1.23.2"}
BOARD = Machine("Linux 6.6 aarch64", "A CPU", 4, ("asimd",), 8 << 30, "", "3.11.2", VERSIONS)


def test_the_same_machine_has_the_same_key_in_whatever_order_its_versions_stand() -> None:
    turned = dataclasses.replace(BOARD, versions=dict(reversed(BOARD.versions.items())))
    assert turned.key == BOARD.key and len(BOARD.key) == 16


@pytest.mark.parametrize("change", [{"num_cpus": 2}, {"cpu": "Another"}, {"versions": {"numpy": "2.4.7"}}])
def test_another_machine_or_another_version_has_another_key(change: dict) -> None:
    assert dataclasses.replace(BOARD, **change).key != BOARD.key
