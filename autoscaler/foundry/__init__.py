"""The one room that knows Palantir Foundry: errors, auth, wire, pacing, client, deployment."""

from __future__ import annotations

from autoscaler.foundry.deployment import FoundryPlatform
from autoscaler.foundry.options import ClientLogin, FoundryOptions, PacingOptions, TokenLogin
from autoscaler.foundry.secret import FileSecret, FixedSecret, Secret

__all__ = [
    "ClientLogin",
    "FileSecret",
    "FixedSecret",
    "FoundryOptions",
    "FoundryPlatform",
    "PacingOptions",
    "Secret",
    "TokenLogin",
]
