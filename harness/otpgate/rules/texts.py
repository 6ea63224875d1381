"""TP: what a loader, a page or a copy did to the text, and what the text says about the code."""

from __future__ import annotations

import re
from collections.abc import Iterator

from otpgate.config.templates import placeholders
from otpgate.findings import Fix
from otpgate.rules.beside import unread
from otpgate.rules.registry import Fault, rule
from otpgate.rules.subjects import GatewaySubject, ServiceSubject
from otpgate.rules.switches import parts
from otpgate.rules.values import number, sound, url
from otpgate.rules.wording import display, fixed
from otpgate.rules.words import duration, label, listed, quoted

# How text looks after UTF-8 was read as Latin-1.
MOJIBAKE = r"[ÂÃ][\u0080-\u00bf]|â€[™œ\u009d“”¦\u0093\u0094]|ï»¿|ðŸ|\ufffd"
STAND_IN = (
    r"[\[<](?:your |the |my )?(?:app|company|brand|service|product|site|business|website|organi[sz]ation)(?:[ _-]?name)?[\]>]|"
    r"\b(?:YOUR|MY)[ _-](?:APP|COMPANY|BRAND|SERVICE|PRODUCT|SITE|BUSINESS)(?:[ _-]?NAME)?\b|\blorem ipsum\b|\b(?:TODO|FIXME|CHANGEME)\b|"
    r"\b(?:example|sample|test|demo)[ _-](?:app|company|message|sms|text)\b|\b(?:my|your)app\b"
)
STAND_IN_MARKS = ("[", "<", "lorem", "todo", "fixme", "changeme", "example", "sample", "test", "demo")
STAND_IN_NOUNS = ("app", "company", "brand", "service", "product", "site", "business")
"""One of either is in whatever the expression above finds; looking for them costs less than compiling it."""
OTHER_TEXTS = frozenset({"email", "mail", "subject", "voice", "call", "push", "error", "success", "invalid", "expired", "failed", "help", "footer", "welcome",
                         "title", "hint", "button", "label", "page", "ui", "name", "id", "dir", "path", "limit"})
UNIT = {"second": 1, "sec": 1, "minute": 60, "min": 60, "hour": 3600, "hr": 3600}


@rule("TP009", "text-damaged", scope="service", severity="warning")
def text_damaged(service: ServiceSubject) -> Iterator[Fault]:
    r"""The text arrives with characters nobody meant.

    Quotes that the loader keeps, `\n` as two characters, `&amp;` of a web page, letters read in the wrong encoding, the stand-in of a
    sample.

    Why: users see it in every message, take it for fraud, and phones no longer find the code; registered texts no longer match.

    Bad:
    ```env
    OTP_TEMPLATE='{code} is your Acme code.\nDo not share it.'
    ```
    or
    ```env
    OTP_TEMPLATE="{code} is your code for Smith &amp; Sons."
    ```
    or
    ```env
    OTP_TEMPLATE="{code} is your [App Name] code."
    ```

    Good:
    ```env
    OTP_TEMPLATE="{code} is your code for Smith & Sons."
    ```

    Fix: deploy the text as users shall read it.

    Sources: the dotenv, Docker and systemd documentation differ in quotes and escapes.
    """
    for locale, setting in service.templates.items():
        text = fixed(service, setting.text) if setting.present else ""
        whole = setting.text
        for why, found in (
            ("the characters {}, which its loader does not turn into what they stand for", "\\" in text and re.search(r"\\(?:[nrt]|u[0-9a-fA-F]{4})", text)),
            ("{}, which is markup", "&" in text and re.search(r"&(?:amp|lt|gt|quot|nbsp|apos|#\d+|#x[0-9a-f]+);", text)),
            ("{}, letters read in the wrong encoding", not text.isascii() and re.search(MOJIBAKE, text)),
            ("the stand-in {} of a sample", _stand_in(whole)),
            ("the quotes around it, which its loader keeps", re.match(r"""(["']).*\1$""", whole, re.DOTALL)),
        ):
            if found:
                yield Fault(message=f"{label(setting)}{display(locale)} holds {why.format(quoted(found.group(0)))}: users read it like that.",
                            at=setting, fix=Fix("deploy the text as users shall read it"))
                break


def _stand_in(text: str) -> re.Match[str] | None:
    small = text.lower()
    marked = any(mark in small for mark in (*STAND_IN_MARKS, *STAND_IN_NOUNS))
    return re.search(STAND_IN, text, re.IGNORECASE) if marked else None


@rule("TP010", "text-contradicts-policy", scope="service", severity="warning")
def text_contradicts_policy(service: ServiceSubject) -> Iterator[Fault]:
    """The text promises another lifetime or length than the code has.

    Why: users trust the text: they type a dead code again and again, or wait for digits that never come.

    Bad:
    ```env
    OTP_TEMPLATE="{code} is your Acme code. It expires in 10 minutes."
    ```
    or
    ```env
    OTP_TEMPLATE="Your 4-digit Acme code is {code}."
    ```

    Good:
    ```env
    OTP_TEMPLATE="{code} is your 6-digit Acme code. It expires in 5 minutes."
    ```

    Fix: write the policy's own figures into the text, or leave them out.

    Sources: collected misconfigurations, class template.
    """
    lifetime, digits = service.otp_seconds("lifetime"), number(service.otp_value("digits"))
    for locale, setting in service.templates.items():
        text = fixed(service, setting.text) if setting.present else ""
        told = re.search(r"\b(\d{1,3}) ?(second|sec|minute|min|hour|hr)s?\b", text, re.IGNORECASE)
        promised = int(told[1]) * UNIT[told[2].lower()] if told else None
        length = re.search(r"\b(\d{1,2})[ -]digits?\b", text, re.IGNORECASE)
        if told is not None and promised and lifetime and promised > lifetime * 1.01:
            yield Fault(message=f"{label(setting)}{display(locale)} says {quoted(told.group(0))}, the code is valid for"
                        f" {duration(lifetime)}.", at=setting, fix=Fix("write the lifetime of the code"), discriminator="lifetime")
        if length and digits and int(length[1]) != digits:
            yield Fault(message=f"{label(setting)}{display(locale)} says {quoted(length.group(0))}, codes have {digits:g} digits.",
                        at=setting, fix=Fix("write the length of the code"), discriminator="digits")


@rule("TP012", "second-number-in-text", scope="service", severity="warning", confidence="medium")
def second_number_in_text(service: ServiceSubject) -> Iterator[Fault]:
    """The text holds another number that looks like a code.

    Why: phones offer the first such number for filling in, and users type it.

    Bad:
    ```env
    OTP_TEMPLATE="Order 482913: {code} is your Acme code."
    ```

    Good:
    ```env
    OTP_TEMPLATE="{code} is your Acme code."
    ```

    Fix: leave the other number out.

    Sources: Apple, About the Security Code AutoFill heuristics; Android, SMS User Consent.
    """
    for locale, setting in service.templates.items():
        found = re.search(r"(?<![\w+.-])\d{5,8}(?![\w.-]*\w)", fixed(service, setting.text)) if setting.present else None
        if found:
            yield Fault(message=f"{label(setting)}{display(locale)} holds {quoted(found.group(0))}, which phones and users take for the code.",
                        at=setting, fix=Fix("leave the other number out"))


@rule("TP013", "text-of-another-deployment", scope="service", severity="warning", profiles=("production",))
def text_of_another_deployment(service: ServiceSubject) -> Iterator[Fault]:
    """The text names another site or deployment than the one it is sent for.

    The line `@domain #code` binds a code to a site, and stands last; a mark of staging is for testers.

    Why: browsers offer the code on the site the line names, and on no other; users take a mark of tests for fraud.

    Bad:
    ```yaml
    otp: {template: "{code} is your Acme code.\\n\\n@localhost #{code}"}
    ```
    or
    ```yaml
    otp: {template: "{code} is your Acme code.\\n\\n@acme-login.example.net #{code}"}
    ```
    or
    ```env
    OTP_TEMPLATE="STAGING: {code} is your Acme code."
    ```

    Good:
    ```yaml
    otp: {template: "{code} is your Acme code.\\n\\n@example.com #{code}"}
    ```

    Fix: write the domain of the page where users type the code, on the last line; leave marks of other deployments out.

    Sources: WICG, Delivering origin-bound one-time codes over SMS; collected misconfigurations, class template.
    """
    public = service.manifest.public_url
    home = url(public.text).host if public is not None and public.present else ""
    for locale, setting in service.templates.items():
        text = setting.text.replace("\\n", "\n") if setting.present else ""
        mark = re.search(r"\b(?:STAGING|UAT|SANDBOX)\b|[\[(](?:test|dev|qa|demo|staging|uat)[\])]", fixed(service, text))
        if mark:
            yield Fault(message=f"{label(setting)}{display(locale)} holds {quoted(mark.group(0))}, the mark of another deployment.", at=setting,
                        fix=Fix("leave it out"), discriminator="mark")
        bound = re.search(r"(?:^|(?<=\s))@([\w.:/-]+) #", text, re.MULTILINE)
        host = bound[1].lower().rstrip("/").rpartition("/")[2] if bound else ""
        if bound is None or service.otp("autofill") is not None:
            continue
        if "/" in bound[1] or text.rstrip().rpartition("\n")[2] != text[bound.start():].rstrip():
            why = "a URL, and a bare domain is wanted" if "/" in bound[1] else "which has to be the last line, alone"
            yield Fault(message=f"{label(setting)}{display(locale)} holds {quoted(bound.group(0).strip())}, {why}: browsers do not see it.",
                        at=setting, fix=Fix("end the text with `@domain #code`"), discriminator="form")
        elif "." not in host or (home and _site(host) != _site(home)):
            yield Fault(message=f"{label(setting)}{display(locale)} binds its code to {quoted(host)}"
                        + (f", and the service is at {quoted(home)}" if home else "") + ": browsers offer it on that site alone.", at=setting,
                        confidence="medium", fix=Fix("name the domain where users type the code"), discriminator="domain")


def _site(host: str) -> str:
    """The part of a host that is registered: two labels, three below a short second one such as `co.uk`."""
    labels = host.partition(":")[0].split(".")
    return ".".join(labels[-3:] if len(labels) > 2 and len(labels[-2]) <= 3 and len(labels[-1]) == 2 else labels[-2:])


@rule("TP018", "registered-text-without-code")
def registered_text_without_code(gateway: GatewaySubject) -> Iterator[Fault]:
    """The registered text that the gateway names has no place for a code.

    Why: the provider fills in what the template has; this one has nothing to fill in, so users get a text without a code.

    Bad:
    ```yaml
    gateways: {fallback: {template_id: "1107"}}
    ```
    ```account fallback
    templates: [{id: "1107", text: "Your Acme code is on its way.", status: approved}]
    ```

    Good:
    ```yaml
    gateways: {fallback: {template_id: "1107"}}
    ```
    ```account fallback
    templates: [{id: "1107", text: "{#var#} is your Acme code.", status: approved}]
    ```

    Fix: register a text with a variable for the code, and name that one.

    Sources: account state, `templates`.
    """
    rows = {row.id: row for row in gateway.account.templates or () if row.text}
    for name, setting in gateway.gateway.settings.items():
        for part in setting.items.values() if isinstance(setting.value, dict) else (setting,):
            row = rows.get(part.text) if part.present and name not in {"sender", "entity_id"} else None
            if row is not None and row.text and not re.search(r"[{}#%$<>\[\]]", row.text):
                yield Fault(message=f"{label(part)} names the text {quoted(row.text)}, which has no place for a code.", at=part,
                            fix=Fix("name a text with a variable for the code"), discriminator=part.path)


@rule("TP019", "registered-text-unknown")
def registered_text_unknown(gateway: GatewaySubject) -> Iterator[Fault]:
    """An id that names a text at the provider is none of the account's texts.

    Why: the provider answers that there is no such text, often inside a success, and sends nothing.

    Bad:
    ```yaml
    gateways:
      fallback: ~
      primary: ~
      flow: {provider: msg91, auth_key: "${KEY}", sender: ACMEIN, flow_id: "${FLOW}", account: accounts/fallback.yaml}
    routes: [{countries: [GB], gateways: [flow]}]
    failover: ~
    objectives: {failover_within: ~}
    ```
    ```env
    KEY=123456AbCdEfGhIjKlMn5f1a2b3cP1
    FLOW=6930040e475ae21f4f0c2000
    ```
    ```account fallback
    provider: msg91
    account: {id: ~}
    credentials: ~
    senders: ~
    callbacks: ~
    templates: [{id: 6930040e475ae21f4f0c2ef9, text: "##code## is your Acme code.", status: approved}]
    ```

    Good:
    ```yaml
    gateways:
      fallback: ~
      primary: ~
      flow: {provider: msg91, auth_key: "${KEY}", sender: ACMEIN, flow_id: "${FLOW}", account: accounts/fallback.yaml}
    routes: [{countries: [GB], gateways: [flow]}]
    failover: ~
    objectives: {failover_within: ~}
    ```
    ```env
    KEY=123456AbCdEfGhIjKlMn5f1a2b3cP1
    FLOW=6930040e475ae21f4f0c2ef9
    ```
    ```account fallback
    provider: msg91
    account: {id: ~}
    credentials: ~
    senders: ~
    callbacks: ~
    templates: [{id: 6930040e475ae21f4f0c2ef9, text: "{code} is your Acme code.", status: approved}]
    ```

    Fix: deploy the id of one of the account's texts.

    Sources: account state, `templates`; the provider pack, `settings`.
    """
    ids = [row.id for row in gateway.account.templates or ()]
    for setting, spec in gateway.specified:
        if gateway.product not in spec.names_text or not sound(setting):
            continue
        form = spec.pattern or f"^.{{{len(setting.text)}}}$"
        alike = [one for one in ids if re.search(form, one)]
        row = next((row for row in gateway.account.templates or () if row.id == setting.text), None)
        if alike and row is None and re.search(form, setting.text):
            yield Fault(message=f"{label(setting)}, the `{spec.name}` of `{gateway.name}`, is {quoted(setting.text)}, no text of the account"
                        f" (it has {listed(alike)}).", at=setting, fix=Fix("deploy the id of one of its texts", alike[0] if len(alike) == 1 else None))
        elif row is not None and row.status not in {None, "approved"}:
            yield Fault(message=f"{label(setting)} names the text {quoted(row.id)}, which is {row.status}.", at=setting,
                        fix=Fix("wait for its approval, or deploy an approved one"))


@rule("TP011", "template-of-another-sender", severity="error")
def template_of_another_sender(gateway: GatewaySubject) -> Iterator[Fault]:
    """The registered template is bound to another sender than the configured one.

    Why: registries bind a text to its header; from any other sender the operators drop it after the provider accepted it.

    Bad:
    ```yaml
    gateways: {fallback: {template_id: "1107"}}
    ```
    ```account fallback
    templates: [{id: "1107", text: "{#var#} is your Acme code.", sender: ACMEOT, status: approved}]
    ```

    Good:
    ```yaml
    gateways: {fallback: {template_id: "1107"}}
    ```
    ```account fallback
    templates: [{id: "1107", text: "{#var#} is your Acme code.", sender: ACME, status: approved}]
    ```

    Fix: send from the sender of the template, or register the text for this sender.

    Sources: TRAI DLT scrubbing rules; account state, `templates.sender`.
    """
    wanted = gateway.present("template_id")
    if wanted is None or isinstance(wanted.value, dict):
        return
    row = next((row for row in gateway.account.templates or () if row.id == wanted.text), None)
    told = gateway.account.senders is not None
    uses = [use for use in gateway.sound_senders if use.kind == "alphanumeric" and not (told and gateway.owned_sender(use.text) is None)]
    if row is None or not row.sender or not uses or any(use.text == row.sender for use in uses):
        return
    yield Fault(message=f"{label(uses[0].setting)} is {quoted(uses[0].text)}, but the template {quoted(row.id)} is registered for"
                f" {quoted(row.sender)}.", at=uses[0].setting, countries=uses[0].countries or None,
                fix=Fix("send from the sender of the template", row.sender),
                related=(("the template stands here", gateway.account_span("templates")),))


@rule("TP021", "text-of-the-environment", scope="service", severity="warning", confidence="medium", profiles=("production", "staging"))
def text_of_the_environment(service: ServiceSubject) -> Iterator[Fault]:
    """A deployed text for codes that no setting mentions has no place for the code.

    Why: it is the text of another language or of another flow, and its users get a message without a code.

    Bad:
    ```env
    OTP_TEMPLATE_DE=Hier ist Ihr Acme Code.
    ```

    Good:
    ```env
    OTP_TEMPLATE_DE={code} ist Ihr Acme Code.
    ```

    Fix: write the placeholder of the code into it, and name it under `otp.template`.

    Sources: collected misconfigurations, class template and content.
    """
    for name, entry in unread(service):
        known, text = frozenset(parts(name)), entry.value.strip()
        if not {"template", "text", "body"} & known or not {"otp", "passcode", "verification", "2fa", "mfa"} & known or known & OTHER_TEXTS:
            continue
        if len(text.split()) >= 3 and "://" not in text and "<" not in text and not placeholders(text):
            yield Fault(message=f"`{name}` is {quoted(text)}, a text without a place for the code.", at=entry.span,
                        fix=Fix("write the placeholder of the code into it"))
