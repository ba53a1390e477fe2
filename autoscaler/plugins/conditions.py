"""The `when:` of a policy entry: who compiles it.

A condition language is the module `autoscaler.plugins.when` with a function
`build_condition(value: object) -> Condition`, which raises ValueError with the rule that the value
breaks. It is loaded by name, so that it can be added without touching anything here.
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import cast

from autoscaler.core.proposal import Condition

LANGUAGE = "autoscaler.plugins.when"


def build_condition(value: object, language: str = LANGUAGE) -> Condition:
    """The compiled condition. Raises ValueError with the broken rule."""
    if importlib.util.find_spec(language) is None:
        raise ValueError("conditions cannot be used: no condition language is installed")
    return cast("Condition", importlib.import_module(language).build_condition(value))
