"""The HTTP face's section: where it listens, who may read and who may change."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from autoscaler.settings.shape import FileName, Shape, Texts, is_loopback, pattern_schema

_LISTEN = re.compile(r"(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+):([0-9]{1,5})")
_ADDRESS = re.compile(r"(https?)://(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+)(:[0-9]{1,5})?(/[^\s?#]*)?")
_KINDS = ("DNS:", "URI:", "email:")
_HIGHEST_PORT = 65_535
_URL = "^https?://"

RoleName = Literal["viewer", "operator"]
PersonName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._@:+-]{0,63}$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F]{64}$")]
Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"]


def _listen(value: str) -> str:
    found = _LISTEN.fullmatch(value)
    if found is None or int(found[1]) > _HIGHEST_PORT:
        raise ValueError("must be host:port, such as 127.0.0.1:9464 or [::1]:9464")
    return value


def _page(value: str) -> str:
    if _ADDRESS.fullmatch(value) is None:
        raise ValueError("must be http(s)://host, with a path where there is one")
    return value.rstrip("/")


PageUrl = Annotated[str, AfterValidator(_page), pattern_schema("^https?://")]


def _https(value: str) -> str:
    found = re.fullmatch(
        r"(https?)://(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+)(:[0-9]{1,5})?(/[^\s?#]*)?", value
    )
    if found is None:
        raise ValueError("must be https://host[:port]/path")
    if found[1] != "https" and not is_loopback(found[2].strip("[]")):
        raise ValueError("must begin with https:// (http:// only for a loopback address)")
    return value


class WebToken(Shape):
    """A bearer token; `autoscaler token new` makes one. Only its hash stands here."""

    name: PersonName
    """Whose it is: the audit trail names it."""
    role: RoleName
    """viewer reads, operator also changes."""
    sha256: Sha256 | None = None
    """The token's SHA-256, hexadecimal."""
    sha256_file: FileName | None = None
    """File with the SHA-256, instead."""

    @model_validator(mode="after")
    def _one_hash(self) -> Self:
        if (self.sha256 is None) is (self.sha256_file is None):
            raise ValueError("must have either sha256 or sha256_file")
        return self


class Tls(Shape):
    """HTTPS, and client certificates for those who have one."""

    cert_file: FileName
    """PEM file with the server's certificate and its chain."""
    key_file: FileName
    """PEM file with its private key."""
    client_ca_file: FileName | None = None
    """PEM file of the CA whose client certificates are accepted; none is needed to read."""
    client_roles: dict[str, RoleName] = Field(default_factory=dict)
    """Roles by subject alternative name, such as "DNS:ops.acme.example"."""

    @model_validator(mode="after")
    def _with_ca(self) -> Self:
        if self.client_roles and self.client_ca_file is None:
            raise ValueError("client_roles needs client_ca_file: who would have checked them?")
        wrong = next(
            (n for n in self.client_roles if not n.startswith(("DNS:", "URI:", "email:"))), None
        )
        if wrong is not None:
            raise ValueError(f"client_roles: {wrong!r} must begin with DNS:, URI: or email:")
        return self


class Oidc(Shape):
    """Access tokens of an identity provider; needs the `oidc` extra."""

    issuer: str = Field(min_length=1, max_length=500)
    """The claim `iss`, exactly."""
    audience: str = Field(min_length=1, max_length=500)
    """What the claim `aud` must hold."""
    jwks_file: FileName | None = None
    """File with the provider's key set."""
    jwks_url: Annotated[str, AfterValidator(_https), pattern_schema(_URL)] | None = None
    """Its address instead; https, fetched at most once a minute."""
    algorithms: Annotated[tuple[Algorithm, ...], Field(strict=False, min_length=1)] = (
        "RS256",
        "ES256",
    )
    """Signatures that are accepted."""
    role_claim: str = Field(default="roles", min_length=1, max_length=100)
    """The claim that tells the role: text or a list of text."""
    operators: Texts = ()
    """Its values that make an operator."""
    viewers: Texts = ()
    """Its values that make a viewer."""
    name_claim: str = Field(default="sub", min_length=1, max_length=100)
    """The claim that the audit trail names."""

    @model_validator(mode="after")
    def _one_key_set(self) -> Self:
        if (self.jwks_file is None) is (self.jwks_url is None):
            raise ValueError("must have either jwks_file or jwks_url")
        if not self.operators and not self.viewers:
            raise ValueError("must name operators or viewers: nobody would be let in")
        return self


class Web(Shape):
    """The HTTP face: /metrics, health, the API and the pages."""

    listen: Annotated[str, AfterValidator(_listen), pattern_schema(f"^{_LISTEN.pattern}$")] = (
        "127.0.0.1:9464"
    )
    """host:port to listen on; loopback by default. Port 0 takes any free one."""
    allowed_hosts: Texts = ()
    """Names under which it may be asked, besides loopback names and its own address."""
    public_url: PageUrl | None = None
    """Where people reach the page, for links in notifications: https://host/path."""
    detail: Literal["full", "basic", "auto"] = "auto"
    """Per-deployment metrics: full, basic, or auto (basic above 500 deployments)."""
    write_enabled: bool = False
    """Whether operators may pause and override by the API; it needs someone with that role."""
    require_token_to_read: bool = False
    """Whether reading the API needs a token too; probes and /metrics never do."""
    tokens: tuple[WebToken, ...] = Field(default=(), strict=False)
    """Bearer tokens."""
    tls: Tls | None = None
    """HTTPS; plain HTTP when left out."""
    oidc: Oidc | None = None
    """Tokens of an identity provider."""

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        names = [token.name for token in self.tokens]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"tokens: the name {twice!r} is there twice")
        roles = {token.role for token in self.tokens}
        roles |= set(self.tls.client_roles.values()) if self.tls else set()
        roles |= {"operator"} if self.oidc and self.oidc.operators else set()
        roles |= {"viewer"} if self.oidc and self.oidc.viewers else set()
        if self.write_enabled and "operator" not in roles:
            raise ValueError("write_enabled needs someone with the role operator")
        if self.require_token_to_read and not roles:
            raise ValueError("require_token_to_read needs a token, client_roles or oidc")
        return self

    @property
    def host(self) -> str:
        """The host to bind, without brackets."""
        return self.listen.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """The port to bind."""
        return int(self.listen.rpartition(":")[2])
