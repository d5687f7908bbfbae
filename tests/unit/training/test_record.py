"""The history as CSV."""

from __future__ import annotations

from edgetool.training.record import EpochRecord, history_csv


def test_history_csv_has_a_line_an_epoch_and_empty_cells() -> None:
    history = (EpochRecord(1, 0.5, 0.25, None, None, 1.5), EpochRecord(2, 0.25, None, 0.5, 0.75, 2.0))
    assert history_csv(history).splitlines() == [
        "epoch,loss,accuracy,val_loss,val_accuracy,seconds",
        "1,0.5,0.25,,,1.5",
        "2,0.25,,0.5,0.75,2.0",
    ]
