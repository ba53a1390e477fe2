"""The pages around those of the single policies: their list, and the guards' options."""

from __future__ import annotations

from collections.abc import Mapping

from autoscaler.core.proposal import Policy
from autoscaler.lab.docs.examples import FRAME
from autoscaler.lab.docs.page import GENERATED, summary
from autoscaler.lab.docs.tables import options_table
from autoscaler.plugins.options import option_fields
from autoscaler.plugins.registry import GUARD_TYPES

OVER = """\
A policy reads the observation of one deployment and bids on its dials. Several may be configured
side by side: the highest want and the highest floor hold, the lowest ceiling beats both, and their
order does not matter. How to add one: [write a policy](../write-a-policy.md). What happens to the
bids after that: [guard rails](../guards.md). What every reason means: [reasons](../reasons.md).
"""

ENTRY = """\
## Every entry

Beside its own options an entry of `policies` takes these:

| option | default | meaning |
|---|---|---|
| `kind` | the entry's name | which policy it is |
| `dials` | all three | the dials that it may bid on |
| `shadow` | `false` | `true`: asked, journalled and shown, never merged |
| `when` | always | the condition under which it is asked: an expression such as \
`error_share > 0.05`, or a `calendar` window |
"""


def policies_page(types: Mapping[str, type[Policy]]) -> str:
    """`docs/policies/README.md`: every policy in a line."""
    rows = "".join(f"| [`{name}`]({name}.md) | {summary(cls)} |\n" for name, cls in types.items())
    return (
        f"# Policies\n\n{GENERATED}\n\n{OVER}\n| policy | what it does |\n|---|---|\n{rows}\n"
        f"{ENTRY}\n## The frame\n\nThe examples on the pages of the policies are the `defaults` of "
        f"this configuration, and together with it they are valid as they stand:\n\n"
        f"```yaml\n{FRAME}```\n"
    )


def guards_page() -> str:
    """`docs/policies/guards.md`: the options of all guards, in their order."""
    parts = [f"# Guards at a glance\n\n{GENERATED}\n\nEvery plan passes these rails in this order."]
    parts.append("Why, and with worked numbers: [guard rails](../guards.md).\n")
    for place, (name, cls) in enumerate(GUARD_TYPES.items(), start=1):
        table = options_table(cls) if option_fields(cls) else "No options; always on.\n"
        parts.append(f"## {place}. `{name}`\n\n{summary(cls)}\n\n{table}")
    return "\n".join(parts)
