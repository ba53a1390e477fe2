"""The condition language of `when:`, as the policies' own package defines it.

The language is that of the policy `formula`, so it lives beside it, in `policies/_conditions.py`
with a function `condition(value: object) -> Condition`. It is found by string, like a policy.
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import cast

from autoscaler.core.proposal import Condition

LANGUAGE = "policies._conditions"


def build_condition(value: object, language: str = LANGUAGE) -> Condition:
    """The compiled condition. Raises ValueError with the rule that the value breaks."""
    if not _installed(language):
        raise ValueError("conditions cannot be used: no condition language is installed")
    return cast("Condition", importlib.import_module(language).condition(value))


def _installed(language: str) -> bool:
    try:
        return importlib.util.find_spec(language) is not None
    except ModuleNotFoundError:  # the package around it is not there either
        return False
