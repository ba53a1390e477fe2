"""The `when:` of a policy entry is compiled by the policies' own language."""

from __future__ import annotations

import pytest

from autoscaler.plugins.when import build_condition


def test_a_condition_is_compiled_and_names_its_signals() -> None:
    assert build_condition("error_share > 0.05").needs == ("error_share",)


def test_a_condition_that_cannot_be_read_is_refused_with_the_rule() -> None:
    with pytest.raises(ValueError, match="error_share"):
        build_condition("error_share >")


@pytest.mark.parametrize("language", ["policies._no_language", "no_package.language"])
def test_without_a_language_conditions_are_refused(language: str) -> None:
    with pytest.raises(ValueError, match="no condition language is installed"):
        build_condition("x > 1", language)
