"""The plot library inside every report is the one that its README names."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import autoscaler.lab.report

VENDOR = Path(autoscaler.lab.report.__file__).parent / "vendor"


def test_the_vendored_files_are_unchanged() -> None:
    stated = dict(re.findall(r"`([\w.]+)` \| `([0-9a-f]{64})`", (VENDOR / "README.md").read_text()))
    files = {path.name for path in VENDOR.iterdir()} - {"README.md"}
    assert set(stated) == files
    for name, digest in stated.items():
        assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == digest, name


def test_its_licence_and_version_come_along() -> None:
    text = (VENDOR / "README.md").read_text()
    assert "The MIT License (MIT)" in text
    assert "`uplot` 1.6.32" in text
    assert "v1.6.32" in (VENDOR / "uPlot.iife.min.js").read_text()[:80]
