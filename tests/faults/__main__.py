"""Write `docs/faults.md`: `python -m tests.faults`."""

from __future__ import annotations

from tests.faults.page import PAGE, page

if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
