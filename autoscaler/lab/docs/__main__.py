"""Write the generated pages: `python -m autoscaler.lab.docs [DIRECTORY]`, `docs` by default."""

from __future__ import annotations

import sys
from pathlib import Path

from autoscaler.lab.docs.write import write

if __name__ == "__main__":
    for path in write(Path(sys.argv[1] if len(sys.argv) > 1 else "docs")):
        sys.stdout.write(f"{path}\n")
