"""A small configuration that loads, in sections that a test replaces one at a time."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

RID = "ri.foundry-ml-live.main.live-deployment.chat"
OTHER_RID = "ri.foundry-ml-live.main.live-deployment.rerank"
CANARY = "hunter2-canary-5d41402a"
ENVIRON = {"AUTOSCALER_PLATFORM__AUTH__TOKEN": "a-token-from-the-environment"}

SECTIONS: Mapping[str, str] = {
    "platform": "platform:\n  url: https://acme.example\n",
    "sources": "sources:\n  prom: {kind: prometheus, url: 'http://127.0.0.1:9090'}\n",
    "defaults": (
        "defaults:\n"
        "  signals:\n"
        "    running_jobs: {source: prom, query: up}\n"
        "  policies:\n"
        "    load: {kind: target_load, target: 0.7}\n"
    ),
    "groups": f"groups:\n  online:\n    deployments:\n      chat: {{rid: {RID}}}\n",
}


def text_of(**sections: str) -> str:
    """The configuration with some of its sections replaced, or with further ones."""
    return "".join({**SECTIONS, **sections}.values())


def written(folder: Path, text: str) -> Path:
    """The file with this text."""
    path = folder / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return path
