"""What a call of a described gateway carries: who calls, whom it is for, what it says."""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import TYPE_CHECKING, Any

from otpgate_contracts import numbering, placeholders
from otpgate_contracts.describing import setting_of
from otpgate_contracts.description import Field, text_of
from otpgate_fakes.core.fake import Claim, Operation, Refused, Request, Send
from otpgate_fakes.http.example import description_of

if TYPE_CHECKING:
    from otpgate_contracts.model import Pack
    from otpgate_fakes.core.account import Account
    from otpgate_fakes.core.context import Context

OPTIONAL = frozenset({"callback", "sender"})
"""What a send may leave out; core says whether a sender is needed."""


class Calls:
    """Reads the calls of one gateway."""

    def __init__(self, pack: Pack) -> None:
        self.pack = pack
        self.about = description_of(pack)
        self.readers = {
            one: placeholders.reader(one.template) for one in self.about.fields if one.placeholders and isinstance(one.template, str)
        }
        self.constants = {setting_of(one): one for one in self.about.constants}
        self.needs_sender = pack.provider.needs_sender

    # --- who calls

    def claim(self, request: Request, operation: Operation) -> Claim:
        """The credential on the wire, whole or in part; a gateway without one takes anybody."""
        schemes = self.pack.provider.credentials
        if not schemes:
            return Claim(principal="anybody")
        scheme = schemes[0]
        shown = self.shown(request)
        if any(shown.get(name) is None for name in scheme.settings):
            return Claim(principal=None, scheme=scheme.id)
        further = {name: value for name, value in shown.items() if name not in (scheme.principal, scheme.secret)}
        secret = shown[scheme.secret] if scheme.secret else None

        def check(account: Account) -> str | None:
            for name, value in further.items():
                deployed = account.configured(name)
                if deployed is not None and not hmac.compare_digest(deployed.encode(), (value or "").encode()):
                    return "credentials_wrong" if value else "credentials_missing"
            return None

        return Claim(principal=shown[scheme.principal], secret=secret, scheme=scheme.id, check=check if further else None)

    def shown(self, request: Request) -> dict[str, str | None]:
        """What the call says for each setting that authenticates."""
        found = {name: self.value(one, request) for name, one in self.constants.items()}
        if self.about.auth == "basic":
            found |= dict(zip(("auth.basic.username", "auth.basic.password"), basic(request.headers.get("authorization", "")), strict=True))
        elif self.about.auth == "bearer":
            kind, _, token = request.headers.get("authorization", "").partition(" ")
            found["auth.bearer"] = token.strip() if kind.lower() == "bearer" and token.strip() else None
        for one in self.about.credentials if self.about.auth in ("header", "query") else ():
            place: Any = self.about.auth
            found[one.setting] = self.value(Field(place, one.name, one.value, one.setting), request)
        return found

    # --- what it says

    def value(self, one: Field, request: Request) -> str | None:
        """A field as text; None where the call has none."""
        if one.place == "path":
            return request.path_params.get(one.name)
        if one.place == "header":
            return request.headers.get(one.name.lower())
        if one.place == "json":
            value = placeholders.at(request.json, placeholders.way_of(one.name))
            return None if value is None or isinstance(value, (dict, list)) else text_of(value)
        pairs = request.query if one.place == "query" else request.form or []
        return next((value for name, value in pairs if name == one.name), None)

    def read(self, request: Request) -> dict[str, str]:
        """What stands for each placeholder, as far as it can be read."""
        found: dict[str, str] = {}
        for one, reader in self.readers.items():
            value = self.value(one, request)
            found = {**(reader.read(value) or {} if value is not None else {}), **found}
        return found

    def recipient(self, request: Request) -> str | None:
        """The recipient in E.164, whatever else is wrong with the call."""
        return e164(self.read(request).get("to", ""), None)

    def send(self, request: Request, context: Context) -> Send:
        """One message; Refused where the call is not as described."""
        self.check(request)
        said = self.read(request)
        code, text = said.get("code"), said.get("text")
        country = context.setting("default_country")
        to = said.get("to", "").strip()
        return Send(
            to=to, recipient=e164(to, str(country) if country else None), sender=said.get("sender") or None,
            text=text if text is not None else code or "", callback=said.get("callback") or None,
            extra={"code": code} if code is not None else {},
        )

    def check(self, request: Request) -> None:
        """Refuse a call in which a described field is missing, or a fixed one has another value."""
        if (self.about.body == "json" and request.json is None) or (self.about.body == "form" and request.form is None):
            raise Refused(reason="parameter_malformed", detail={"parameter": "body"})
        for one in self.about.fields:
            value = self.value(one, request)
            if one.credential or one.template is None:
                continue
            if not one.placeholders:
                if (value != text_of(one.template) and one.place != "header") or value is None:
                    raise Refused(reason="parameter_malformed", detail={"parameter": one.name})
            elif value is None and not set(one.placeholders) <= OPTIONAL:
                missing = "recipient_missing" if "to" in one.placeholders else "text_missing"
                raise Refused(reason=missing, detail={"parameter": one.name})
            elif value is not None and self.readers[one].read(value) is None:
                raise Refused(reason="parameter_malformed", detail={"parameter": one.name})


def basic(header: str) -> tuple[str | None, str | None]:
    """User and password of a Basic header."""
    kind, _, value = header.partition(" ")
    if kind.lower() != "basic":
        return None, None
    try:
        user, colon, password = base64.b64decode(value.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None, None
    return (user, password) if colon else (None, None)


def e164(number: str, country: str | None) -> str | None:
    """A number as the network knows it: with + or without, or with 00 in front; a national one where its country is known."""
    bare = number.strip()
    if country is not None and not bare.startswith(("+", "00")):
        found = numbering.parse(bare, country)
        if found is not None:
            return found.e164
    digits = bare.removeprefix("+") if bare.startswith("+") else bare.removeprefix("00")
    return f"+{digits}" if digits.isascii() and digits.isdigit() and 7 <= len(digits) <= 15 and digits[0] != "0" else None
