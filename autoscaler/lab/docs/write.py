"""All generated pages by their name under `docs/`, and how they get there."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path

from autoscaler.codec import observation_schema
from autoscaler.lab.docs.examples import examples
from autoscaler.lab.docs.index import guards_page, policies_page
from autoscaler.lab.docs.page import Page, policy_page
from autoscaler.lab.docs.reasons import reasons_page
from autoscaler.lab.sim.protections import protections
from autoscaler.plugins import policy_types

GENERATED_PLACE = "policies"


def pages() -> Mapping[str, Callable[[], str]]:
    """Every page by its path; a call writes its text. Raises KeyError without an example."""
    types = policy_types()
    found: dict[str, Callable[[], str]] = {
        "reasons.md": reasons_page,
        "protections.md": protections,
        "observation.schema.json": lambda: json.dumps(observation_schema(), indent=2) + "\n",
        f"{GENERATED_PLACE}/README.md": partial(policies_page, types),
        f"{GENERATED_PLACE}/guards.md": guards_page,
    }
    for name, cls in types.items():
        page = cache(partial(policy_page, name, cls, examples()[name]))
        found[f"{GENERATED_PLACE}/{name}.md"] = partial(_text, page)
        found[f"{GENERATED_PLACE}/{name}.svg"] = partial(_plot, page)
    return found


def _text(page: Callable[[], Page]) -> str:
    return page().text


def _plot(page: Callable[[], Page]) -> str:
    return page().plot


def write(directory: Path) -> list[Path]:
    """Write what differs, delete pages of policies that are gone; the paths that changed."""
    wanted = {directory / name: text() for name, text in pages().items()}
    place = directory / GENERATED_PLACE
    place.mkdir(parents=True, exist_ok=True)
    changed = [path for path in sorted(place.iterdir()) if path not in wanted]
    for path in changed:
        path.unlink()
    for path, text in wanted.items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            changed.append(path)
    return changed
