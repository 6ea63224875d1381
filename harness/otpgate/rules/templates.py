"""TP: does the text carry the code, and is it the text that was registered?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from otpgate.config.model import Setting
from otpgate.findings import Fix, Span
from otpgate.rules.registry import Fault, Missing, rule
from otpgate.rules.subjects import GatewaySubject, ServiceSubject
from otpgate.rules.values import unresolved
from otpgate.rules.wording import display, fields, fixed, has_code, literals, rendered
from otpgate.rules.words import label, listed, nearest, quoted
from otpgate_contracts.account import Template


def own_text(gateway: GatewaySubject) -> bool:
    """True where the service makes the text, and not the provider."""
    return gateway.product != "verify"


@rule("TP001", "template-without-code", scope="service")
def template_without_code(service: ServiceSubject) -> Iterator[Fault | Missing]:
    """The text has no place for the code, or is empty.

    Why: the message arrives without a code, or is refused for having no text. A template key that was renamed and an
    upgrade that changed the placeholder's form both look like this.

    Bad:
    ```env
    OTP_TEMPLATE=Your Acme sign-in code is ready.
    ```
    or
    ```env
    OTP_TEMPLATE=
    ```

    Good:
    ```env
    OTP_TEMPLATE="{code} is your Acme code."
    ```

    Fix: put the placeholder of the code into the text; name an unusual one in `otp.placeholder`.

    Sources: the manifest reference, `otp.template`.
    """
    if service.gateways and not any(own_text(gateway) for gateway in service.gateways):
        return
    if "template" not in service.manifest.otp:
        yield Missing(what="otp.template")
        return
    for locale, setting in service.templates.items():
        text = setting.text if setting.present else ""
        if not text.strip():
            yield Fault(message=f"{label(setting)}{display(locale)} is empty: the message would have no text and no code.",
                        at=setting, fix=Fix('deploy a text such as "{code} is your code."'))
        elif not has_code(service, text):
            own = service.otp("placeholder")
            others = [field.text for field in fields(service, text)]
            seen = f"; it holds {listed(quoted(field) for field in others[:3])}" if others else ""
            wanted = own.text if own else "{code}"
            yield Fault(
                message=f"{label(setting)}{display(locale)} has no place for the code ({quoted(wanted)}){seen}: users get a text"
                " without a code.",
                at=setting, fix=Fix(f"put {wanted} into the text"),
            )


@rule("TP002", "template-differs-from-registered")
def template_differs_from_registered(gateway: GatewaySubject) -> Iterator[Fault | Missing]:
    """The text is not the registered one.

    Outside the variable parts every byte counts: a comma, a space, a capital letter.

    Why: operators compare the text with the registered template and drop what differs, after the provider accepted it.

    Bad:
    ```account fallback
    templates: [{id: "1107", text: "{#var#} is your Acme code. Do not share it.", status: approved}]
    ```

    Good:
    ```account fallback
    templates: [{id: "1107", text: "{#var#} is your Acme code.", status: approved}]
    ```

    Fix: deploy the registered text, or have the new one approved first.

    Sources: TRAI DLT scrubbing rules; account state, `templates`.
    """
    registered = gateway.account.templates
    if registered is None or not own_text(gateway):
        return
    wanted = gateway.text("template_id")
    rows = [row for row in registered if row.text and (wanted is None or row.id == wanted)]
    for locale, setting in gateway.service.templates.items():
        if not setting.present or not rows:
            continue
        mine = literals(gateway.service, setting.text)
        fitting = [row for row in rows if row.locale in {None, locale} or not locale] or rows
        if any(literals(gateway.service, row.text or "") == mine for row in fitting):
            continue
        row = fitting[0]
        yield Fault(
            message=f"{label(setting)}{display(locale)} is not the text registered as {quoted(row.id)} on the account of"
            f" `{gateway.name}`: {_difference(mine, literals(gateway.service, row.text or ''))}.",
            at=setting, fix=Fix("deploy the registered text, or register this one"),
            related=(("the registered text stands here", _template_span(gateway, row)),),
            discriminator=gateway.name,
        )


def _difference(mine: list[str], theirs: list[str]) -> str:
    for ours, registered in zip(mine, theirs, strict=False):
        if ours == registered:
            continue
        at = next((i for i, (a, b) in enumerate(zip(ours, registered, strict=False)) if a != b), min(len(ours), len(registered)))
        return f"it has {quoted(ours[at:at + 20])} where {quoted(registered[at:at + 20])} is registered"
    return f"it has {len(mine) - 1} variable parts, the registered one {len(theirs) - 1}"


def _template_span(gateway: GatewaySubject, row: Template) -> Span:
    index = next((i for i, other in enumerate(gateway.account.templates or ()) if other is row), 0)
    return gateway.account_span(f"templates[{index}].text", f"templates[{index}]", "templates")


@rule("TP003", "text-too-long")
def text_too_long(gateway: GatewaySubject) -> Iterator[Fault]:
    """The text is longer than the provider takes.

    Why: the send is refused.

    Bad:
    ```yaml
    gateways: {fallback: {timeout: 5s}}
    otp: {max_segments: 40}
    ```
    ```env
    OTP_TEMPLATE="{code} LONG*1700"
    ```

    Good:
    ```env
    OTP_TEMPLATE="{code} is your Acme code."
    ```

    Fix: shorten the text.

    Sources: the provider pack, `limits.text_max`.
    """
    if gateway.pack is None or not own_text(gateway):
        return
    limits = gateway.pack.provider.limits
    for locale, setting in gateway.service.templates.items():
        text = rendered(gateway.service, setting.text) if setting.present else ""
        length = len(text.encode()) if limits.text_unit == "bytes" else len(text)
        if length > limits.text_max:
            yield Fault(
                message=f"{label(setting)}{display(locale)} comes to {length} {limits.text_unit}; {gateway.title} takes"
                f" {limits.text_max}.",
                at=setting, fix=Fix("shorten the text"), discriminator=gateway.name,
            )


@rule("TP004", "autofill-format", scope="service")
def autofill_format(service: ServiceSubject) -> Iterator[Fault]:
    """The text does not have the form that lets the phone fill in the code.

    Android wants the application's hash of 11 characters in at most 140 bytes; browsers want `@domain #code` as the
    last line.

    Why: the message arrives, and the app waits for a code it never sees; some apps offer no field to type it.

    Bad:
    ```yaml
    otp: {autofill: {android_hash: FA+9qCX9VSu}}
    ```
    or
    ```yaml
    otp: {autofill: {domain: example.com}, template: "{code} is your code. @example.com #{code}"}
    ```

    Good:
    ```yaml
    otp: {autofill: {android_hash: FA+9qCX9VSu}, template: "{code} is your Acme code.\\nFA+9qCX9VSu"}
    ```
    or
    ```yaml
    otp: {autofill: {domain: example.com}, template: "{code} is your code.\\n\\n@example.com #{code}"}
    ```

    Fix: end the text with the hash; put `@domain #code` on a line of its own, last.

    Sources: Android SMS Retriever API; WICG, Delivering origin-bound one-time codes over SMS.
    """
    setting = service.manifest.otp.get("autofill")
    parts = setting.items if setting is not None else {}
    android, domain = _part(parts, "android_hash"), _part(parts, "domain")
    for locale, template in service.templates.items():
        if not template.present:
            continue
        text = template.text.replace("\\n", "\n")
        for reason in _autofill_faults(service, text, android, domain):
            yield Fault(message=f"{label(template)}{display(locale)} {reason}.", at=template,
                        fix=Fix("bring the text into the form the phone expects"), discriminator=reason[:20])
    if android and (len(android) != 11 or not re.fullmatch(r"[A-Za-z0-9+/]{11}", android)) and setting is not None:
        yield Fault(message=f"`otp.autofill.android_hash` is {quoted(android)}: an Android app hash has exactly 11 characters.",
                    at=parts["android_hash"], fix=Fix("take the hash of the release signing key"), discriminator="hash")


def _part(parts: dict[str, Setting], name: str) -> str | None:
    return parts[name].text.strip() if name in parts and parts[name].present else None


def _autofill_faults(service: ServiceSubject, text: str, android: str | None, domain: str | None) -> Iterator[str]:
    lines = text.rstrip().splitlines() or [""]
    marked = text.startswith("<#>")
    if android or marked:
        size = len(rendered(service, text).encode())
        tokens = text.split()
        if android and android not in tokens:
            yield f"does not hold the app hash {android} as a word of its own, so Android does not hand it to the app"
        elif android and tokens[-1] != android and not (domain and lines[-1].startswith("@")):
            yield f"has text after the app hash {android}, which must stand at the end"
        elif marked and not android and not re.fullmatch(r"[A-Za-z0-9+/]{11}", tokens[-1]):
            yield "starts with <#> but does not end with an app hash of 11 characters, so Android does not hand it to the app"
        if size > 140:
            yield f"comes to {size} bytes; Android hands over messages of at most 140"
    if domain:
        last = (rendered(service, text).rstrip().splitlines() or [""])[-1].strip()
        if not re.fullmatch(r"@" + re.escape(domain) + r" #8+(?: @\S+)?", last):
            yield f"does not end with the line `@{domain} #` and the code, so browsers do not offer to fill it in"


@rule("TP005", "template-unresolved", scope="service")
def template_unresolved(service: ServiceSubject) -> Iterator[Fault]:
    """The text holds a reference nobody resolved.

    Why: users read `${BRAND}` in place of a name; some providers refuse the braces.

    Bad:
    ```env
    OTP_TEMPLATE='${BRAND}: your code is {code}'
    ```

    Good:
    ```env
    OTP_TEMPLATE="Acme: your code is {code}"
    ```

    Fix: resolve the reference where the text is deployed.

    Sources: the loaders differ in what they expand; single quotes stop expansion.
    """
    for locale, setting in service.templates.items():
        if not setting.present:
            continue
        left = unresolved(_bare_references(service, setting.text))
        if any("undefined_expansion" in entry.remarks for entry in setting.entries):
            yield Fault(message=f"{label(setting)}{display(locale)} holds a `$` reference that nothing defines: its loader leaves a gap"
                        f" ({quoted(setting.text)}).", at=setting, fix=Fix("write the value itself"))
        elif left:
            yield Fault(message=f"{label(setting)}{display(locale)} holds the unresolved reference {quoted(left)}.", at=setting,
                        fix=Fix("write the value itself"))


def _bare_references(service: ServiceSubject, text: str) -> str:
    """The text without the fields that a template engine fills; references of deployments stay."""
    deployed = [field for field in fields(service, text) if not field.code and re.fullmatch(r"\$\{?[A-Z][A-Z0-9_]+\}?", field.text)]
    return " ".join(field.text for field in deployed) or fixed(service, text)


@rule("TP006", "link-in-text", scope="service", severity="warning", confidence="medium")
def link_in_text(service: ServiceSubject) -> Iterator[Fault]:
    """The text holds a link or markup.

    Why: operators filter links in application traffic, in some countries always; markup is shown as it is.

    Bad:
    ```env
    OTP_TEMPLATE="{code} is your code. Help: https://acme.example/otp"
    ```

    Good:
    ```env
    OTP_TEMPLATE="{code} is your Acme code."
    ```

    Fix: leave the link out; the line `@domain #code` is no link.

    Sources: the country table of the contracts (MY, PH, JP); CTIA Messaging Principles 5.3.
    """
    for locale, setting in service.templates.items():
        text = setting.text if setting.present else ""
        found = re.search(r"https?://\S+|(?<!@)\bwww\.\S+|\b(?:bit\.ly|t\.co|tinyurl\.com|goo\.gl)/\S+|</?(?:b|br|p|a|strong|i)\b[^>]*>", text)
        if found:
            yield Fault(message=f"{label(setting)}{display(locale)} holds {quoted(found.group(0), 40)}, which operators filter out"
                        " of one-time codes.", at=setting, fix=Fix("leave it out"))


@rule("TP007", "template-not-approved")
def template_not_approved(gateway: GatewaySubject) -> Iterator[Fault]:
    """The registered template is unknown to the account, or not approved.

    Why: the provider or the operators refuse what refers to it.

    Bad:
    ```yaml
    gateways: {fallback: {template_id: "1107"}}
    ```
    ```account fallback
    templates: [{id: "1107", text: "{#var#} is your Acme code.", status: rejected}]
    ```
    or
    ```yaml
    gateways: {fallback: {template_id: "1108"}}
    ```
    ```account fallback
    templates: [{id: "1107", text: "{#var#} is your Acme code.", status: approved}]
    ```

    Good:
    ```yaml
    gateways: {fallback: {template_id: "1107"}}
    ```
    ```account fallback
    templates: [{id: "1107", text: "{#var#} is your Acme code.", status: approved}]
    ```

    Fix: deploy the id of an approved template.

    Sources: account state, `templates`.
    """
    setting = gateway.present("template_id")
    rows = gateway.account.templates
    if setting is None or rows is None:
        return
    entity = gateway.text("entity_id")
    for part in setting.items.values() if isinstance(setting.value, dict) else (setting,):
        row = next((row for row in rows if row.id == part.text), None)
        if row is None:
            close = nearest(part.text, [row.id for row in rows])
            yield Fault(
                message=f"{label(part)} is {quoted(part.text)}, a template the account of `{gateway.name}` does not have"
                f" (it has {listed(quoted(row.id) for row in rows) or 'none'}).",
                at=part, fix=Fix("deploy the id of a registered template", rows[0].id if len(rows) == 1 else close),
            )
        elif row.status not in {None, "approved"}:
            yield Fault(message=f"{label(part)} names the template {quoted(row.id)}, which is {row.status}.", at=part,
                        related=(("the template stands here", _template_span(gateway, row)),), fix=Fix("wait for its approval, or"
                        " deploy an approved one"))
        elif entity and row.entity_id and row.entity_id != entity:
            at = gateway.present("entity_id")
            yield Fault(message=f"`entity_id` of `{gateway.name}` is {quoted(entity)}, but the template {quoted(row.id)} belongs to"
                        f" {quoted(row.entity_id)}.", at=at or part, fix=Fix("deploy the entity of the template", row.entity_id))


@rule("TP008", "template-missing-locale", scope="service", severity="warning")
def template_missing_locale(service: ServiceSubject) -> Iterator[Fault]:
    """One of the locales has no text, or another field than the others.

    Why: users of that language get an empty message, or none, and nobody in the team reads it.

    Bad:
    ```yaml
    otp: {template: {en: "{code} is your Acme code.", de: "Ihr Acme-Code lautet {kode_nr}."}}
    ```

    Good:
    ```yaml
    otp: {template: {en: "{code} is your Acme code.", de: "{code} ist Ihr Acme-Code."}}
    ```

    Fix: use the same fields in every language.

    Sources: the manifest reference, `otp.template`.
    """
    texts = {locale: setting for locale, setting in service.templates.items() if locale and setting.present}
    if len(texts) < 2:
        return
    used = {
        locale: frozenset(field.text for field in fields(service, setting.text) if not field.code and field.name)
        for locale, setting in texts.items()
    }
    common = frozenset.intersection(*used.values())
    for locale, names in used.items():
        extra = names - common
        if extra and all(not (other & extra) for name, other in used.items() if name != locale):
            yield Fault(message=f"{label(texts[locale])} ({locale}) uses {listed(quoted(name) for name in sorted(extra))}, which no"
                        " other language does.", at=texts[locale], fix=Fix("use the same fields in every language"))
