"""TP and EP: calls that are written in the configuration: do path, method, content type and body fit the provider?"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from typing import Any

from otpgate.config.model import Entry
from otpgate.findings import Fix
from otpgate.rules.described import description
from otpgate.rules.endpoints import gateway_host
from otpgate.rules.registry import Fault, rule
from otpgate.rules.subjects import GatewaySubject
from otpgate.rules.values import url
from otpgate.rules.words import listed, nearest, quoted
from otpgate_contracts import loading

WRITING = ("post", "put")
BODIES = {"json": "json", "form": "x-www-form-urlencoded"}


def call_urls(gateway: GatewaySubject) -> Iterator[tuple[str, Entry, str]]:
    """Deployed variables that hold a whole URL of the gateway's provider, with its path."""
    bound = {entry.name for setting in gateway.gateway.settings.values() if setting.key in {"base_url", "status_callback"} for entry in setting.entries}
    for name, entry in gateway.manifest.environment.items():
        text = entry.value.strip()
        if name not in bound and text.startswith(("http://", "https://")):
            target = url(text)
            if target.path.strip("/") and gateway_host(gateway, target.host) is not None:
                yield name, entry, target.path


def _served(document: Mapping[str, Any], path: str) -> Mapping[str, Any] | None:
    """The row of the OpenAPI document that a path fits."""
    for template, row in document["paths"].items():
        form = re.sub(r"\\\{[^{}]+\\\}", "[^/]+", re.escape(template))
        if re.fullmatch(form + "/?", path) or re.fullmatch(form, path + "/"):
            return dict(row)
    return None


@rule("EP011", "call-path-misspelt")
def call_path_misspelt(gateway: GatewaySubject) -> Iterator[Fault]:
    """A deployed URL of the provider has a path that is nearly one of its API.

    Why: the provider answers 404 to every send, with a page or an error that reads like a missing resource.

    Bad:
    ```env
    COURIER_URL=https://api.twilio.com/2010-04-01/Accounts/AC3d1f0a9c8b7e6d5c4b3a29180716f5e4/Message.json
    ```

    Good:
    ```env
    COURIER_URL=https://api.twilio.com/2010-04-01/Accounts/AC3d1f0a9c8b7e6d5c4b3a29180716f5e4/Messages.json
    ```

    Fix: write the path of the provider's document.

    Sources: the provider pack, `openapi.yaml`.
    """
    if gateway.pack is None or description(gateway) is not None:
        return
    for name, entry, path in call_urls(gateway):
        document = loading.openapi(gateway.pack)
        if _served(document, path) is not None:
            continue
        segments = path.strip("/").split("/")
        for template in document["paths"]:
            wanted = template.strip("/").split("/")
            odd = [(one, two) for one, two in zip(segments, wanted, strict=False) if one != two and not two.startswith("{")]
            if len(segments) == len(wanted) and len(odd) == 1 and nearest(odd[0][0], [odd[0][1]]):
                yield Fault(message=f"`{name}` ends in {quoted(odd[0][0])}, and {gateway.title} has {quoted(odd[0][1])} there.", at=entry.span,
                            fix=Fix(f"write {odd[0][1]}", replacement=entry.value.strip().replace(odd[0][0], odd[0][1])))
                break


@rule("TP020", "payload-form-unfit")
def payload_form_unfit(gateway: GatewaySubject) -> Iterator[Fault]:
    """A call that is written in the configuration has a method, a content type or a body its gateway does not take.

    Why: the gateway finds no number and no text in what it gets, and refuses every send; some answer 200 to it.

    Bad:
    ```env
    COURIER_SMS_URL=https://api.twilio.com/2010-04-01/Accounts/AC3d1f0a9c8b7e6d5c4b3a29180716f5e4/Messages.json
    COURIER_SMS_HEADERS_CONTENT_TYPE=application/json
    ```
    or
    ```env
    COURIER_SMS_URL=https://api.twilio.com/2010-04-01/Accounts/AC3d1f0a9c8b7e6d5c4b3a29180716f5e4/Messages.json
    COURIER_SMS_BODY=base64://ZnVuY3Rpb24oY3R4KSB7IHRvOiBjdHguUmVjaXBpZW50LCB0ZXh0OiBjdHguQm9keSB9
    ```
    or
    ```yaml
    gateways: {own: {provider: http, request: {url: "https://sms.acme.example/send", headers: {Content-Type: application/json}, form: {to: "{to}", text: "{text}"}}, auth: {bearer: "${PRIMARY_TOKEN}"}, success: {match: OK}}}
    ```

    Good:
    ```env
    COURIER_SMS_URL=https://api.twilio.com/2010-04-01/Accounts/AC3d1f0a9c8b7e6d5c4b3a29180716f5e4/Messages.json
    COURIER_SMS_HEADERS_CONTENT_TYPE=application/x-www-form-urlencoded
    COURIER_SMS_BODY=base64://ZnVuY3Rpb24oY3R4KSB7IFRvOiBjdHguUmVjaXBpZW50LCBGcm9tOiAiKzEyMDI1NTUwMTQzIiwgQm9keTogY3R4LkJvZHkgfQ==
    ```

    Fix: write the call as the gateway's document has it.

    Sources: the provider pack, `openapi.yaml`; the manifest reference, `request`; Ory Kratos, `courier.channels`.
    """
    about = description(gateway)
    if about is not None:
        yield from _header_against_body(gateway, about.body)
        return
    if gateway.pack is None:
        return
    deployed = gateway.manifest.environment
    for name, _, path in call_urls(gateway):
        stem = re.sub(r"_?(?:URL|URI|ENDPOINT)$", "", name)
        row = _served(loading.openapi(gateway.pack), path) if stem != name else None
        writes = {method: row[method] for method in WRITING if row and method in row}
        if not writes:
            continue
        taken = {kind for one in writes.values() for kind in one.get("requestBody", {}).get("content", {})}
        for other, entry in deployed.items():
            value = entry.value.strip()
            if not other.startswith(f"{stem}_") or not value:
                continue
            if other.endswith("_METHOD") and value.lower() in {"get", "post", "put", "patch", "delete"} and value.lower() not in writes:
                yield Fault(message=f"`{other}` is {quoted(value)}, and {gateway.title} takes messages there by {listed([one.upper() for one in writes])}.",
                            at=entry.span, fix=Fix("name the method of a send", replacement=next(iter(writes)).upper()))
            elif other.endswith("CONTENT_TYPE") and taken and "/" in value and value.partition(";")[0].strip().lower() not in taken:
                yield Fault(message=f"`{other}` is {quoted(value)}, and {gateway.title} reads {listed(sorted(taken))} there.", at=entry.span,
                            fix=Fix("name a type the provider reads", replacement=min(taken)))
            elif other.endswith("_BODY") and (absent := _absent(gateway, writes, value)):
                yield Fault(message=f"`{other}` writes no {listed(absent)}, which {gateway.title} needs in every send.", at=entry.span,
                            fix=Fix(f"add {listed(absent)}"))


def _header_against_body(gateway: GatewaySubject, body: str) -> Iterator[Fault]:
    headers = gateway.gateway.setting_at("request.headers")
    for name, setting in (headers.items if headers is not None else {}).items():
        kind = setting.text.partition(";")[0].strip().lower() if setting.present else ""
        if name.lower() == "content-type" and body and kind and BODIES[body] not in kind:
            yield Fault(message=f"`{setting.path}` is {quoted(setting.text)}, and the body of `{gateway.name}` is written as {body}.", at=setting,
                        fix=Fix("make header and body agree"))


def _absent(gateway: GatewaySubject, writes: Mapping[str, Any], value: str) -> list[str]:
    """Fields without which the provider refuses the send, and that a body template of the configuration does not name."""
    text = value
    if value.startswith("base64://"):
        try:
            text = base64.b64decode(value.removeprefix("base64://"), validate=True).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError):
            return []
    elif not value.lstrip().startswith(("{", "function")):
        return []
    components = loading.openapi(gateway.pack).get("components", {}).get("schemas", {}) if gateway.pack else {}
    wanted: list[set[str]] = []
    for one in writes.values():
        for content in one.get("requestBody", {}).get("content", {}).values():
            schema = content.get("schema", {})
            schema = components.get(schema["$ref"].rpartition("/")[2], {}) if "$ref" in schema else schema
            wanted.append(set(schema.get("required") or ()))
    lacking = [sorted(name for name in names if not re.search(rf"\b{re.escape(name)}\b", text)) for names in wanted]
    return min(lacking, key=len) if lacking else []
