"""Files of data sets: $EDGETOOL_DATA first, then the cache, then a download that is checked first."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from edgetool.data.download import cache_folder, download, shared_file
from edgetool.errors import NetworkError


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "edgetool"


def test_a_file_is_downloaded_once(cache: Path, tmp_path: Path) -> None:
    source = tmp_path / "a.csv"
    source.write_text("1,2\n")
    digest = hashlib.sha256(b"1,2\n").hexdigest()
    assert download(source.as_uri(), sha256=digest).read_text() == "1,2\n"
    source.unlink()
    assert download(source.as_uri(), sha256=digest) == cache / "a.csv" == cache_folder() / "a.csv"


def test_another_digest_is_refused_and_nothing_is_kept(cache: Path, tmp_path: Path) -> None:
    source = tmp_path / "a.csv"
    source.write_text("1,2\n")
    with pytest.raises(NetworkError, match="cut short or changed"):
        download(source.as_uri(), sha256="0" * 64)
    assert not (cache / "a.csv").exists()
    cache.mkdir(parents=True, exist_ok=True)
    (cache / "a.csv").write_text("changed")
    with pytest.raises(NetworkError, match="delete the file"):
        download(source.as_uri(), sha256="0" * 64)


def test_the_shared_folder_is_looked_at_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGETOOL_DATA", str(tmp_path))
    assert shared_file("a.npz") is None
    (tmp_path / "a.npz").touch()
    assert shared_file("a.npz") == tmp_path / "a.npz"
    monkeypatch.delenv("EDGETOOL_DATA")
    assert shared_file("a.npz") is None
