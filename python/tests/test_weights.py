"""Weights: found by name, by path and in a folder, or refused with what to do."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path

import pytest
from conftest import GOLDEN, ROOT

import fbrs

NETWORK = GOLDEN / "weights" / "hrnet18s_ocr64.safetensors"


@pytest.fixture(autouse=True)
def nothing_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FBRS_CACHE", str(tmp_path / "cache"))


def test_the_built_in_ones_have_two_names() -> None:
    default, named = fbrs.Segmenter(device="cpu"), fbrs.Segmenter("lite0_dh64", device="cpu")
    assert default.architecture == named.architecture == "lite0_dh64"
    assert default.fingerprint == named.fingerprint and len(default.fingerprint) >= 32
    assert repr(default) == "<fbrs.Segmenter lite0_dh64 on cpu>"


def test_paths_are_text_or_paths() -> None:
    for path in (NETWORK, str(NETWORK)):
        segmenter = fbrs.Segmenter(path, device="cpu")
        assert segmenter.architecture == "hrnet18s_ocr64" and segmenter.norm_radius == 260


def test_a_folder_goes_before_the_cache(tmp_path: Path) -> None:
    shutil.copy(NETWORK, tmp_path / "of_mine.safetensors")
    with pytest.raises(fbrs.WeightsNotFoundError, match="no weights are called"):
        fbrs.Segmenter("of_mine")
    for name in ("of_mine", "of_m"):
        segmenter = fbrs.Segmenter(name, device="cpu", folder=tmp_path)
        assert segmenter.architecture == "hrnet18s_ocr64"


def test_a_path_is_no_name(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="default"):
        fbrs.Segmenter(tmp_path / "default")


def test_what_cannot_be_found() -> None:
    for weights, sentence in [
        ("of nothing", 'no weights are called "of nothing"'),
        ("none/of/these.pth", r"none/of/these\.pth"),
        ("resnet", "is the beginning of several names"),
        ("resnet50_dh128_sbd", r'fbrs\.fetch_weights\("resnet50_dh128_sbd"\)'),
    ]:
        with pytest.raises(fbrs.WeightsNotFoundError, match=sentence):
            fbrs.Segmenter(weights)
    for name in ("of nothing", "resnet"):
        with pytest.raises(fbrs.WeightsNotFoundError, match=name):
            fbrs.fetch_weights(name)


def test_what_is_no_weights(tmp_path: Path) -> None:
    text = tmp_path / "text.pth"
    text.write_text("no weights")
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(NETWORK.read_bytes()[:100_000])
    for path in (text, cut, ROOT):
        with pytest.raises(fbrs.WeightsError) as caught:
            fbrs.Segmenter(path)
        assert isinstance(caught.value, OSError) and path.name in str(caught.value)
    hostile = ROOT / "tests" / "bad" / "weights"
    refused = 0
    for path in sorted(hostile.rglob("*")):
        if path.suffix in (".pth", ".safetensors"):
            with pytest.raises(fbrs.Error):
                fbrs.Segmenter(path, device="cpu")
            refused += 1
    assert refused > 10


def test_extra_tensors_are_ignored_where_that_is_asked_for(tmp_path: Path) -> None:
    stored = NETWORK.read_bytes()
    begin = 8 + int.from_bytes(stored[:8], "little")
    header, tensors = json.loads(stored[8:begin]), stored[begin:]
    end = len(tensors)
    header["stranger"] = {"dtype": "F32", "shape": [1], "data_offsets": [end, end + 4]}
    text = json.dumps(header).encode()
    extra = tmp_path / "extra.safetensors"
    extra.write_bytes(len(text).to_bytes(8, "little") + text + tensors + bytes(4))
    with pytest.raises(fbrs.WeightsError, match="stranger"):
        fbrs.Segmenter(extra)
    segmenter = fbrs.Segmenter(extra, device="cpu", ignore_extra=True)
    assert segmenter.fingerprint == fbrs.Segmenter(NETWORK, device="cpu").fingerprint


def test_remarks_are_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    bare = tmp_path / "bare.pth"
    packed = GOLDEN / "checkpoints" / "ritm" / "narrow_itermask_no_config.pth.gz"
    bare.write_bytes(gzip.decompress(packed.read_bytes()))
    assert fbrs.Segmenter(bare, device="cpu").norm_radius == 5
    (record,) = (one for one in caplog.records if one.levelname == "WARNING")
    assert record.name == "fbrs"
    assert "bare.pth" in record.getMessage() and "discs of 5 pixels" in record.getMessage()
