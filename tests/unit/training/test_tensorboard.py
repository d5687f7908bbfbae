"""Event files: the record format, and a log that a resume neither shortens nor doubles."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from edgetool.errors import DiskFullError
from edgetool.training.record import EpochRecord
from edgetool.training.tensorboard import TrainingLog, crc32c, encode_event, frame_record


@pytest.mark.parametrize(
    ("data", "crc"),
    [
        (b"\x00" * 32, 0x8A9136AA),  # RFC 3720, appendix B.4
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (b"123456789", 0xE3069283),
        (b"", 0),
    ],
)
def test_checksums_of_the_standard(data: bytes, crc: int) -> None:
    assert crc32c(data) == crc


def test_a_record_holds_its_length_and_both_checksums() -> None:
    record = frame_record(b"abc")
    assert len(record) == 8 + 4 + 3 + 4
    assert struct.unpack("<Q", record[:8]) == (3,) and record[12:15] == b"abc"
    masked = struct.unpack("<I", record[8:12])[0]
    rotated = (masked - 0xA282EAD8) & 0xFFFFFFFF
    assert (rotated >> 17 | rotated << 15) & 0xFFFFFFFF == crc32c(record[:8])


def test_an_event_in_wire_format() -> None:
    event = encode_event(2.0, step=300, scalars={"a": 1.0})
    assert event == (
        b"\x09"
        + struct.pack("<d", 2.0)  # wall_time
        + b"\x10\xac\x02"  # step
        + b"\x2a\x0a"
        + b"\x0a\x08"  # summary, value
        + b"\x0a\x01a"
        + b"\x15"
        + struct.pack("<f", 1.0)  # tag, simple_value
    )


def epoch(number: int, val_loss: float | None = 0.5) -> EpochRecord:
    return EpochRecord(number, 1.0 / number, 0.5, val_loss, None, 2.0)


def events(folder: Path, run: str) -> list[bytes]:
    (path,) = (folder / run).iterdir()
    assert "tfevents" in path.name
    content, found = path.read_bytes(), []
    while content:
        (length,) = struct.unpack("<Q", content[:8])
        found.append(content[12 : 12 + length])
        content = content[16 + length :]
    return found


def test_one_event_an_epoch_and_a_resumed_log_is_whole(tmp_path: Path) -> None:
    log = TrainingLog(tmp_path / "logs", (), lambda number: 0.1)
    for number in (1, 2):
        log.add(epoch(number))
    first = events(tmp_path / "logs", "train")
    assert b"brain.Event:2" in first[0] and len(first) == 3
    assert b"epoch_learning_rate" in first[1] and b"epoch_accuracy" in first[1]
    resumed = TrainingLog(tmp_path / "logs", [epoch(1)], lambda number: 0.1)
    resumed.add(epoch(2))
    again = events(tmp_path / "logs", "train")
    assert [event[9:] for event in again[1:]] == [event[9:] for event in first[1:]]  # all but the times
    times = [struct.unpack("<d", event[1:9])[0] for event in again]
    assert times == sorted(times) and times[1] - times[0] == pytest.approx(2.0)


def test_what_does_not_exist_is_left_out(tmp_path: Path) -> None:
    log = TrainingLog(tmp_path / "logs", (), lambda number: 0.1)
    log.add(epoch(1, val_loss=None))
    assert len(events(tmp_path / "logs", "validation")) == 1


def test_a_full_disk_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = TrainingLog(tmp_path / "logs", (), lambda number: 0.1)

    def full(*args: object, **kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(DiskFullError):
        log.add(epoch(1))
