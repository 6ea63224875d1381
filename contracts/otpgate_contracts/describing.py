"""The pack of one described gateway, made from its description and the pack of its kind.

The description is the only source of its hosts, fields, credentials, answers and receipts; what nobody can know
(limits, the order of refusals, the words of errors) is that of the kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from otpgate_contracts import answers, loading, placeholders
from otpgate_contracts import description as descriptions
from otpgate_contracts.admin import FakeGateway
from otpgate_contracts.description import Description, Field
from otpgate_contracts.model import (
    Confusable,
    CredentialScheme,
    Host,
    Lifecycle,
    Pack,
    Provider,
    SettingSpec,
    State,
    Webhook,
)

SOURCE = "the manifest"
SEND, RECEIPT = "send", "receive_receipt"
WHOLE_HEADER = (Confusable(pattern="^(Bearer|Basic|Token) ", means="a whole Authorization header", source="RFC 6750, 2.1"),)


def pack_for(gateway: FakeGateway) -> Pack:
    """The pack a start document's gateway is played from: named by id, by its folder, or made of its description."""
    if gateway.pack is None:
        return loading.pack(gateway.provider)
    found = loading.pack(gateway.pack)
    return described(found, gateway.provider, gateway.description) if found.provider.described and gateway.description else found


def described(kind: Pack, id: str, tree: Mapping[str, Any]) -> Pack:
    """The pack of one gateway, under an id of its own."""
    about = answers.judged(descriptions.read(tree))
    provider = _provider(kind.provider, id, about)
    return replace(
        kind, provider=provider, description=about, document=document(about),
        errors=tuple(
            replace(row, settings=tuple(dict.fromkeys(name for one in row.settings for name in _causes(one, provider)))) for row in kind.errors
            if (row.phase != "async" or (about.receipt is not None and about.receipt.failed))
            and (row.phase != "body" or about.match is not None)
        ),
    )


def _provider(kind: Provider, id: str, about: Description) -> Provider:
    schemes, specs = _credentials(about)
    lifecycle = _lifecycle(kind.lifecycle, about)
    return replace(
        kind, id=id, title=f"the gateway at {about.host}" if about.host else kind.title,
        hosts=(Host(name=about.host, port=about.port, source=SOURCE),) if about.host else (),
        settings=(*(_narrowed(spec, about) for spec in kind.settings if "." not in spec.name), *specs),
        credentials=schemes, lifecycle=lifecycle, webhooks=_webhooks(kind.webhooks[0], about),
        failing_2xx=about.match is not None, accepts_async=about.receipt is not None, needs_sender="sender" in about.carried,
        described=True,
    )


def _narrowed(spec: SettingSpec, about: Description) -> SettingSpec:
    """A common setting with its place in this request."""
    placeholder = {"sender": "sender", "status_callback": "callback"}.get(spec.name)
    if placeholder is None:
        return spec
    return replace(spec, wire=tuple(f"{one.place}:{one.name}" for one in about.fields if placeholder in one.placeholders))


def _causes(setting: str, provider: Provider) -> tuple[str, ...]:
    """The settings behind one that an error names: `auth` is what authenticates here, secrets first."""
    if setting != "auth":
        return (setting,)
    return tuple(name for scheme in provider.credentials for name in dict.fromkeys((scheme.secret, *scheme.settings)) if name)


# --- credentials


def _credentials(about: Description) -> tuple[tuple[CredentialScheme, ...], tuple[SettingSpec, ...]]:
    """The schemes of the description, and a setting for each value that authenticates."""
    specs, schemes = [SettingSpec(name="request.url", kind="url", title="the URL of a send", source=SOURCE)], []
    if about.auth and about.credentials:
        specs += [
            SettingSpec(
                name=one.setting, kind="secret" if one.secret else "id", required=True, title=f"`{one.name}` of every call",
                wire=(f"{'query' if about.auth == 'query' else 'header'}:{one.name}",), source=SOURCE,
                confusable=WHOLE_HEADER if about.auth == "bearer" else (),
            )
            for one in about.credentials
        ]
        schemes.append(_scheme("auth", about.auth, [(one.setting, one.secret) for one in about.credentials]))
    constants = [(one, setting_of(one)) for one in about.constants]
    if constants:
        specs += [
            SettingSpec(
                name=name, kind="secret" if one.credential == "secret" else "id", title=f"`{one.name}` of every call",
                wire=(f"{one.place}:{one.name}",), source=SOURCE,
            )
            for one, name in constants
        ]
        how = {"query": "query", "header": "header"}.get(constants[0][0].place, "body")
        if not schemes:
            schemes.append(_scheme("fields", how, [(name, one.credential == "secret") for one, name in constants]))
    return tuple(schemes), tuple(specs)


def setting_of(one: Field) -> str:
    """The name of the setting a constant of the request is; one inside the URL has a name of its own."""
    return f"{one.setting}?{one.name}" if one.setting == "request.url" else one.setting


def _scheme(id: str, how: str, parts: list[tuple[str, bool]]) -> CredentialScheme:
    principal = next((name for name, secret in parts if not secret), parts[0][0])
    secret = next((name for name, secret in parts if secret), None)
    return CredentialScheme(
        id=id, settings=tuple(name for name, _ in parts), principal=principal, secret=secret, how=how, source=SOURCE,  # type: ignore[arg-type]
    )


# --- receipts


def _lifecycle(kind: Lifecycle, about: Description) -> Lifecycle:
    """The words of the receipts as states; without receipts the kind's own."""
    if about.receipt is None or not about.receipt.delivered:
        return kind
    good, bad = about.receipt.delivered, tuple(word for word in about.receipt.failed if word not in about.receipt.delivered)
    initial = next(word for word in ("accepted", "taken", "submitted to the gateway") if word not in {*good, *bad})
    states = [State(name=initial, meaning="accepted", source=SOURCE)]
    states += [State(name=word, meaning="delivered", final=True, source=SOURCE) for word in good]
    states += [State(name=word, meaning="undelivered", final=True, source=SOURCE) for word in dict.fromkeys(bad)]
    paths: dict[str, tuple[str, ...]] = {"delivered": (good[0],)}
    for outcome in ("undelivered", "failed", "expired", "rejected"):
        close = next((word for word in bad if outcome[:6] in word.casefold()), next(iter(bad), None))
        if close is not None:
            paths[outcome] = (close,)
    return Lifecycle(states=tuple(states), initial=initial, paths=paths, source=SOURCE)


def _webhooks(kind: Webhook, about: Description) -> tuple[Webhook, ...]:
    if about.receipt is None:
        return ()
    return (replace(
        kind, methods=(about.receipt.method,), formats=(about.receipt.format,), message_id_field=about.receipt.id,
        status_field=about.receipt.status, source=SOURCE,
    ),)


# --- the OpenAPI document


def document(about: Description) -> dict[str, Any]:
    """What a send and a receipt look like, for the judge of the wire."""
    if not about.host:
        return {"openapi": "3.1.0", "paths": {}}
    operation: dict[str, Any] = {
        "operationId": SEND, "parameters": [_parameter(one) for one in about.fields if one.place in ("path", "query", "header")],
        "responses": {"default": {"description": "whatever the gateway answers", "content": {"application/json": {}, "text/plain": {}}}},
    }
    names = {one["name"] for one in operation["parameters"]}
    operation["parameters"] += [
        {"name": one.name, "in": about.auth, "required": False, "schema": {"type": "string"}}
        for one in about.credentials if about.auth in ("query", "header") and one.name not in names
    ]
    operation["parameters"].sort(key=lambda one: (one["in"], one["name"]))
    fields = [one for one in about.fields if one.place == about.body]
    if about.body == "form":
        operation["requestBody"] = {"required": True, "content": {"application/x-www-form-urlencoded": {"schema": {
            "type": "object", "properties": {one.name: _schema(one) for one in fields},
            "required": sorted(one.name for one in fields if _needed(one)),
        }}}}
    elif about.body == "json":
        tree: Any = None
        for one in fields:
            tree = placeholders.put(tree, placeholders.way_of(one.name), one)
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": _shape(tree)}}}
    made: dict[str, Any] = {
        "openapi": "3.1.0", "info": {"title": about.host, "version": "1"}, "servers": [{"url": f"{about.scheme}://{about.host}"}],
        "paths": {about.path: {about.method.lower(): operation}},
    }
    if about.receipt is not None:
        made["webhooks"] = {"receipt": {about.receipt.method.lower(): _receipt(about)}}
    return made


def _receipt(about: Description) -> dict[str, Any]:
    receipt = about.receipt
    assert receipt is not None
    told: dict[str, Any] = {"operationId": RECEIPT, "responses": {"2XX": {"description": "taken"}}}
    words = {"type": "string", "enum": [*dict.fromkeys((*receipt.delivered, *receipt.failed))]}
    schemas = {receipt.id: {"type": "string"}, receipt.status: words if words["enum"] else {"type": "string"}}
    if receipt.format == "query":
        told["parameters"] = [{"name": name, "in": "query", "required": True, "schema": schema} for name, schema in schemas.items()]
        return told
    tree: Any = None
    for name in schemas:
        tree = placeholders.put(tree, placeholders.way_of(name) if receipt.format == "json" else (name,), Field("json", name, "{text}", ""))
    kind = "application/json" if receipt.format == "json" else "application/x-www-form-urlencoded"
    told["requestBody"] = {"required": True, "content": {kind: {"schema": {**_shape(tree, schemas), "additionalProperties": True}}}}
    return told


def _parameter(one: Field) -> dict[str, Any]:
    return {"name": one.name, "in": one.place, "required": one.place == "path" or _needed(one), "schema": _schema(one)}


def _needed(one: Field) -> bool:
    """Whether a send cannot do without a field: a credential that is missing is no fault of form."""
    return not one.credential and not (one.placeholders and set(one.placeholders) <= {"callback"}) and one.template is not None


def _schema(one: Field) -> dict[str, Any]:
    if isinstance(one.template, str) and (one.placeholders or one.credential):
        return {"type": "string"}
    if one.place != "json":
        return {"type": "string", "enum": [descriptions.text_of(one.template)]}
    return {"type": ["string", "number"]} if one.credential else {"enum": [one.template]}


def _shape(tree: Any, leaves: Mapping[str, dict[str, Any]] | None = None) -> dict[str, Any]:
    """The JSON Schema of a body whose leaves are fields; `leaves` says what some of them are."""
    if isinstance(tree, Field):
        if leaves and tree.name in leaves:
            return leaves[tree.name]
        return {"type": ["string", "number"]} if tree.placeholders else _schema(tree)
    if isinstance(tree, list):
        return {"type": "array", "prefixItems": [_shape(one, leaves) for one in tree], "minItems": len(tree)}
    if not isinstance(tree, dict):
        return {}
    return {
        "type": "object", "properties": {name: _shape(one, leaves) for name, one in tree.items()},
        "required": sorted(name for name, one in tree.items() if not isinstance(one, Field) or _needed(one)), "additionalProperties": False,
    }
