"""Write the dashboards: `python -m dashboards`."""

from __future__ import annotations

import sys
from pathlib import Path

from dashboards.pages import pages

FOLDER = Path(__file__).parents[1] / "config" / "grafana"


def write(folder: Path = FOLDER) -> list[Path]:
    """Write every dashboard; the files written."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for name, text in pages().items():
        path = folder / name
        path.write_text(text, encoding="utf-8")
        made.append(path)
    return made


if __name__ == "__main__":
    sys.stdout.writelines(f"{path.name}\n" for path in write())
