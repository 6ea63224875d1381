"""Credentials for calls that are played again: made up in the shape the pack gives them, known to the fake as well."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

from msgspec import Struct

from otpgate.contracts.volatile import MARK, canonical
from otpgate_contracts.model import CredentialScheme, Pack

SECRET_KINDS = ("secret", "key")
MADE_UP = "otpgate-made-up-secret-1"
CODE = "000000"
"""In place of what was never recorded and is no credential: a code the service made itself."""

REBUILT = ("basic", "bearer", "body", "query")
"""Wire forms that can be written from the pack alone. A signed call, or a header with words of its own, cannot."""



class Credentials(Struct, frozen=True, kw_only=True):
    """What authenticates the calls of one gateway. `values` holds every setting, secret ones among them."""

    pack: Pack
    scheme: CredentialScheme | None
    values: dict[str, str]

    @property
    def secrets(self) -> dict[str, str]:
        """The secret settings, for the fake."""
        hidden = {spec.name for spec in self.pack.provider.settings if spec.kind in SECRET_KINDS} | {"callback_secret"}
        return {name: value for name, value in self.values.items() if name in hidden}

    @property
    def principal(self) -> str:
        return self.values.get(self.scheme.principal, "") if self.scheme is not None else ""

    @property
    def secret(self) -> str:
        return self.values.get(self.scheme.secret or "", "") if self.scheme is not None else ""

    def headers(self) -> dict[str, str]:
        """Header fields that carry the credential, where it travels in one."""
        if self.scheme is None:
            return {}
        if self.scheme.how == "basic":
            pair = f"{self.principal}:{self.secret}".encode()
            return {"Authorization": "Basic " + base64.b64encode(pair).decode()}
        if self.scheme.how == "bearer":
            return {"Authorization": f"Bearer {self.secret or self.principal}"}
        return {}

    def fields(self) -> dict[str, str]:
        """Parameters that carry the credential, where it travels among those of the call."""
        if self.scheme is None or self.scheme.how not in ("body", "query"):
            return {}
        return {self._wire(name) or name: self.values[name] for name in self.scheme.settings if name in self.values}

    def _wire(self, name: str) -> str | None:
        spec = self.pack.setting(name)
        return spec.wire[0] if spec is not None and spec.wire else None

    def put_into(self, request: dict[str, Any]) -> dict[str, Any]:
        """A pact's request with the placeholders of its credentials filled."""
        made = dict(request)
        headers = {name: values for name, values in dict(made.get("headers") or {}).items()
                   if not any(MARK in str(value) for value in (values if isinstance(values, list) else [values]))}
        made["headers"] = {**headers, **{name: [value] for name, value in self.headers().items()}}
        rules = dict(made.get("matchingRules") or {})
        rules.pop("header", None)
        made["matchingRules"] = rules
        body = made.get("body")
        if isinstance(body, dict) and MARK in str(body.get("content")):
            made["body"] = {**body, "content": filled(body["content"], self.values, self.fields())}
        if isinstance(made.get("query"), dict):
            known = {**self.values, **self.fields()}
            made["query"] = {
                name: [known.get(name, CODE) if MARK in value else value for value in values]
                for name, values in made["query"].items()
            }
        return made


def filled(content: Any, *known: Mapping[str, str]) -> Any:
    """A body with its placeholders filled by the name of the field they stand in."""
    if isinstance(content, dict):
        return {name: next((one[name] for one in known if name in one), CODE) if value == MARK else filled(value, *known)
                for name, value in content.items()}
    if isinstance(content, list):
        return [filled(one, *known) for one in content]
    if isinstance(content, str) and "=" in content:
        pairs = parse_qsl(content, keep_blank_values=True)
        return urlencode([
            (name, next((one[name] for one in known if name in one), CODE) if value == MARK else value) for name, value in pairs
        ])
    return content


def made_up(pack: Pack, product: str = "sms", settings: Mapping[str, Any] | None = None, used: str | None = None) -> Credentials:
    """Credentials in the shape of the pack's own examples. `settings` are known plain ones, `used` the header's scheme."""
    values = {
        spec.name: canonical(spec.example, {}).example if spec.kind == "id" else spec.example
        for spec in pack.provider.settings if spec.example and (spec.kind in SECRET_KINDS or spec.kind == "id")
    }
    values |= {spec.name: MADE_UP for spec in pack.provider.settings if spec.kind == "secret" and spec.name not in values}
    values |= {name: str(value) for name, value in (settings or {}).items() if value is not None}
    own = [scheme for scheme in pack.provider.credentials if product in scheme.products and scheme.how in REBUILT]
    scheme = next((one for one in own if used is None or one.how == used), None) or next(iter(own), None)
    return Credentials(pack=pack, scheme=scheme, values=values)
