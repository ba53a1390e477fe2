"""Secrets: what looks like one, and the only way in from a file."""

from __future__ import annotations

import difflib
import os
import re
import stat
from functools import lru_cache

from pydantic import SecretStr

from autoscaler.settings.problem import ConfigError, Problem

SECRET_KEYS = frozenset(
    {
        "access_key",
        "access_token",
        "api_key",
        "apikey",
        "authorization",
        "bearer_token",
        "client_secret",
        "cookie",
        "credentials",
        "passphrase",
        "passwd",
        "password",
        "private_key",
        "proxy_authorization",
        "refresh_token",
        "secret",
        "secret_key",
        "token",
        "x_api_key",
        "x_auth_token",
    }
)
_SUSPICIOUS = re.compile(
    r"(?i)(?:secr|token|passw|passph|passwd|credential|api[_-]?key|private[_-]?key"
    r"|authori[sz]ation|bearer|cookie)(?!\w*_file\b)"
)
_IN_URL = re.compile(
    r"(?i)://[^/?#\s@:]*:[^\s]*@"
    r"|://[^\s]*[?&](?:ssl)?(?:password|passwd|token|secret|api_?key|access_token|sig)="
)
_KEY = re.compile(r"([\w-]{3,40})['\"]?\s*:")
_JWT = re.compile(r"eyJ[A-Za-z0-9_-]{8,}|(?i:\b(?:bearer|basic)\s+\S{6,})")

# Group- or world-writable, or world-readable. A group may read: that is how fsGroup mounts work.
_TOO_OPEN = stat.S_IWGRP | stat.S_IWOTH | stat.S_IROTH
_LARGEST = 64 * 1024


def _normal(key: str) -> str:
    return key.strip().casefold().replace("-", "_")


def is_secret_key(key: str) -> bool:
    """Whether a value under this key is a secret by name."""
    return _normal(key) in SECRET_KEYS


@lru_cache(maxsize=4096)
def near_secret_key(key: str) -> bool:
    """Whether the key may be a misspelt secret, so that its value must not be echoed."""
    normal = _normal(key)
    if normal.endswith("_file"):
        return False
    near = difflib.get_close_matches(normal, SECRET_KEYS, n=1, cutoff=0.75)
    return bool(near) or _SUSPICIOUS.search(normal) is not None


def secret_in_text(text: str) -> bool:
    """Whether a value carries a secret in itself: a URL with a password, a bearer token, a JWT."""
    return _IN_URL.search(text) is not None or _JWT.search(text) is not None


def suspicious_line(line: str) -> bool:
    """Whether a line may hold a secret. Rather hide too many lines than show one too many."""
    if _SUSPICIOUS.search(line) is not None or secret_in_text(line):
        return True
    return any(near_secret_key(key) for key in _KEY.findall(line))


def fault_of_file(path: str) -> str:
    """Why a secret file cannot be used, empty when it can. The contents are not looked at."""
    try:
        found = os.stat(path)  # noqa: PTH116 - the error's own text without a second object
    except (OSError, ValueError) as error:
        return f"the file cannot be read: {_why(error)}"
    if not stat.S_ISREG(found.st_mode):
        return "must be a regular file"
    if found.st_mode & _TOO_OPEN:
        mode = stat.S_IMODE(found.st_mode)
        return (
            "must not be readable by everybody nor writable by others, "
            f"its mode is {mode:04o}: run chmod 600 {path}"
        )
    if not os.access(path, os.R_OK):
        return "the file cannot be read: Permission denied"
    if not 0 < found.st_size <= _LARGEST:
        return f"must hold 1..{_LARGEST} bytes, it has {found.st_size}"
    return ""


def read_secret(path: str) -> SecretStr:
    """The secret in a file, without the white space around it; read anew at each call.

    Raises ConfigError when the file is missing, too open, empty or not one line of text.
    """
    rule = fault_of_file(path)
    if not rule:
        try:
            with open(path, encoding="utf-8") as file:  # noqa: PTH123 - one call, one place
                text = file.read(_LARGEST).strip()
        except (OSError, ValueError) as error:
            rule = f"the file cannot be read: {_why(error)}"
        else:
            if text and text.isprintable():
                return SecretStr(text)
            rule = "must hold one line of text"
    raise ConfigError([Problem(path, 0, 0, "", "", rule)])


def _why(error: OSError | ValueError) -> str:
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    # A decoder's own text would quote the bytes.
    return type(error).__name__
