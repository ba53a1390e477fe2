"""What a tab did that it should not have done."""

from __future__ import annotations

from playwright.async_api import ConsoleMessage, Page, Request

# Chromium itself notes every answer with an error status and every lost connection; what the page
# makes of these is tested by what it shows.
OF_THE_NETWORK = "Failed to load resource"


class Tab:
    """Listens to a tab from its beginning."""

    def __init__(self, page: Page) -> None:
        self.errors: list[str] = []
        self.foreign: list[str] = []
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", self._asked)

    def was_good(self) -> None:
        """No error on the console, no question to anybody but the daemon."""
        assert self.errors == []
        assert self.foreign == []

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not message.text.startswith(OF_THE_NETWORK):
            self.errors.append(message.text)

    def _asked(self, request: Request) -> None:
        if not request.url.startswith(("http://127.0.0.1:", "data:", "blob:")):
            self.foreign.append(request.url)
