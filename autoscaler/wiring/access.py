"""The settings of `web:` as rules for the HTTP face."""

from __future__ import annotations

import importlib.util
import re
import ssl
from pathlib import Path

from autoscaler.settings import ConfigError, Oidc, Settings, Tls
from autoscaler.settings.problem import Fault
from autoscaler.settings.problem import Path as Place
from autoscaler.settings.web import WebToken
from autoscaler.web.access import Access, Role, Token, Tokens
from autoscaler.web.access.gate import Verifier
from autoscaler.web.access.keys import from_file, from_url

HEX = re.compile(r"[0-9a-fA-F]{64}")


def access_of(settings: Settings) -> Access:
    """Who may do what. Raises ConfigError for a hash file without a hash, a missing extra."""
    web = settings.web
    tokens = [_token(settings, index, token) for index, token in enumerate(web.tokens)]
    roles = web.tls.client_roles if web.tls is not None else {}
    return Access(
        Tokens(tokens),
        write_enabled=web.write_enabled,
        token_to_read=web.require_token_to_read,
        client_roles={name: Role(role) for name, role in roles.items()},
        verifier=None if web.oidc is None else _verifier(settings, web.oidc),
    )


def tls_of(settings: Settings) -> ssl.SSLContext | None:
    """The server's side of TLS, None for plain HTTP. Raises ConfigError."""
    tls = settings.web.tls
    if tls is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(tls.cert_file, tls.key_file, password=_no_password)
    except (OSError, ValueError) as problem:
        rule = f"must be a certificate with its key in key_file: {_why(problem)}"
        raise _wrong(settings, ("web", "tls", "cert_file"), rule, tls.cert_file) from problem
    return _with_clients(settings, tls, context)


def _with_clients(settings: Settings, tls: Tls, context: ssl.SSLContext) -> ssl.SSLContext:
    if tls.client_ca_file is None:
        return context
    try:
        context.load_verify_locations(tls.client_ca_file)
    except (OSError, ValueError) as problem:
        rule = f"must be a PEM file: {_why(problem)}"
        place = "web", "tls", "client_ca_file"
        raise _wrong(settings, place, rule, tls.client_ca_file) from problem
    # Probes and scrapers come without a certificate; one that is shown must be good.
    context.verify_mode = ssl.CERT_OPTIONAL
    return context


def _no_password() -> str:
    raise ValueError("the key must not be encrypted")


def _why(problem: Exception) -> str:
    reason = problem.reason if isinstance(problem, ssl.SSLError) else None
    strerror = problem.strerror if isinstance(problem, OSError) else None
    return reason or strerror or type(problem).__name__


def _token(settings: Settings, index: int, token: WebToken) -> Token:
    digest = token.sha256
    if digest is None:
        file = str(token.sha256_file)
        try:
            digest = Path(file).read_text(encoding="ascii")[:200].strip()
        except (OSError, ValueError):
            digest = ""
        if HEX.fullmatch(digest) is None:
            rule = "the file must hold 64 hexadecimal digits, a SHA-256"
            raise _wrong(settings, ("web", "tokens", index, "sha256_file"), rule, file)
    return Token(token.name, Role(token.role), bytes.fromhex(digest))


def _verifier(settings: Settings, oidc: Oidc) -> Verifier:
    if importlib.util.find_spec("joserfc") is None:
        rule = "needs joserfc: pip install 'foundry-autoscaler[oidc]'"
        raise _wrong(settings, ("web", "oidc"), rule, oidc.issuer)
    from autoscaler.web.access.oidc import Oidc as Verified
    from autoscaler.web.access.oidc import Trust

    trust = Trust(
        oidc.issuer,
        oidc.audience,
        oidc.algorithms,
        oidc.role_claim,
        oidc.operators,
        oidc.viewers,
        oidc.name_claim,
    )
    fetch = from_url(oidc.jwks_url) if oidc.jwks_url else from_file(Path(str(oidc.jwks_file)))
    return Verified(trust, fetch)


def _wrong(settings: Settings, place: Place, rule: str, value: str) -> ConfigError:
    return ConfigError([settings.tree.problem(Fault(place, rule, value))])
