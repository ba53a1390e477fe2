"""What a simulated kill leaves behind is cleared away before the next test begins."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """A process that is killed awaits nothing more; its coroutines are not another test's fault."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gc.collect()
