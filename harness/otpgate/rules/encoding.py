"""EN: numbers in the form the provider takes, texts in the alphabet and size that was meant."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from otpgate.config.model import Setting
from otpgate.findings import Fix
from otpgate.rules.registry import Fault, rule
from otpgate.rules.subjects import GatewaySubject, ServiceSubject
from otpgate.rules.templates import own_text
from otpgate.rules.values import is_on, number, sound
from otpgate.rules.wording import display, rendered
from otpgate.rules.words import label, listed, quoted
from otpgate_contracts.text import Foreign, alphabet, foreign_characters, segments, transliterate

SPOKEN = {"e164": "with + and country", "e164_without_plus": "country and number without +", "national": "national"}


@rule("EN001", "number-form")
def number_form(gateway: GatewaySubject) -> Iterator[Fault]:
    """Recipient numbers go out in a form the provider does not take.

    Why: without the country the number is invalid, or valid somewhere else: codes reach strangers or nobody. Digits
    without + work by luck in one country.

    Bad:
    ```yaml
    gateways: {primary: {number_form: e164_without_plus}}
    ```
    or
    ```yaml
    gateways: {primary: {number_form: national}}
    ```

    Good:
    ```yaml
    gateways: {primary: {number_form: e164}}
    ```

    Fix: store and send numbers in E.164, in the provider's spelling.

    Sources: ITU-T E.164; the provider pack, `numbers`.
    """
    setting, country = gateway.present("number_form"), gateway.present("default_country")
    if gateway.pack is None:
        return
    wanted = gateway.pack.provider.numbers
    main = wanted.of_product.get(gateway.product, wanted.form)
    alone = gateway.product in (*wanted.strict, *wanted.of_product)
    takes = {main, *(() if alone else wanted.tolerates)}
    form = setting.text if setting else None
    if setting is not None and form == "national" and country is None:
        yield Fault(
            message=f"{label(setting)} is national, and no `default_country` says which country the numbers belong to.",
            at=setting, fix=Fix("send numbers in E.164, or name `default_country`"),
        )
    elif setting is not None and form not in takes and form != "national":
        yield Fault(
            message=f"`{gateway.name}` sends numbers as {form} ({SPOKEN.get(form or '', form)}), but {gateway.title} takes"
            f" {main} ({SPOKEN.get(main, '')}).",
            at=setting, fix=Fix(f"send numbers as {main}", replacement=main),
        )
    elif setting is not None and form == "national" and "national" not in takes and country is None:
        yield Fault(message=f"{gateway.title} takes no national numbers.", at=setting, fix=Fix(f"send numbers as {main}"))
    yield from _prefixed(gateway)
    if country is not None and form == "national" and gateway.countries:
        foreign = tuple(c for c in gateway.countries if c != country.text.upper())
        if foreign:
            yield Fault(
                message=f"{label(country)} is {country.text}, but `{gateway.name}` also serves {listed(foreign)}: their numbers"
                f" would be read as numbers of {country.text}.",
                at=country, countries=foreign, fix=Fix("send numbers in E.164"),
            )


def _prefixed(gateway: GatewaySubject) -> Iterator[Fault]:
    """A country code the provider puts before national numbers, and that no served country has; 0 stands for none."""
    setting = gateway.present("country_code")
    code = setting.text.lstrip("+0") if setting is not None and sound(setting) else ""
    rows = [row for iso in gateway.countries if (row := gateway.service.country(iso)) is not None]
    dialled = {row.dial.lstrip("+").replace(" ", "").replace("-", "") for row in rows}
    if setting is not None and code.isdigit() and dialled and not any(dial.startswith(code) for dial in dialled):
        yield Fault(message=f"{label(setting)} is {quoted(setting.text)}, but `{gateway.name}` serves {listed(gateway.countries)}, whose code"
                    f" is {listed(sorted(dialled), word='or')}: numbers without their country become numbers of somebody else.", at=setting,
                    fix=Fix("deploy the code of the country that is served", next(iter(dialled)) if len(dialled) == 1 else None))


@rule("EN002", "template-not-gsm7", scope="service", severity="warning")
def template_not_gsm7(service: ServiceSubject) -> Iterator[Fault]:
    """A few characters outside the GSM alphabet turn the whole text into UCS-2.

    Why: one curly quote, dash or accent cuts the room from 160 to 70 characters, so the text splits, costs more, and
    arrives in pieces. Texts in another script are not meant here, and letters a language needs are a note while the text stays whole.

    Bad:
    ```yaml
    otp: {template: "{code} is your Acme code – don’t share it."}
    ```
    or
    ```yaml
    otp: {template: "🔐 {code} is your Acme code."}
    ```

    Good:
    ```yaml
    otp: {template: "{code} is your Acme code - don't share it."}
    ```

    Fix: use the characters the message names.

    Sources: 3GPP TS 23.038, section 6.2.1.
    """
    if service.gateways and not any(own_text(gateway) for gateway in service.gateways):
        return
    for locale, setting in service.templates.items():
        text = rendered(service, setting.text) if setting.present else ""
        foreign = foreign_characters(setting.text) if alphabet(text) == "UCS2" else []
        if not foreign or len(foreign) > 8 or any(not _replaceable(char) for _, char, _ in _rows(foreign)):
            continue
        shown = listed((f"{quoted(char)} at position {index + 1}" + (f" (use {quoted(other)})" if other else "")
                        for index, char, other in _rows(foreign)), limit=4)
        better = transliterate(setting.text)
        count = segments(text)
        yield Fault(
            message=f"{label(setting)}{display(locale)} holds {shown}, outside the GSM alphabet: the whole text becomes UCS-2,"
            f" {count.segments} segment{'s' if count.segments > 1 else ''} of {count.per_segment} characters.",
            at=setting, fix=Fix("replace the characters", replacement=better if alphabet(better) == "GSM7" else None),
            severity="note" if count.segments == 1 and all(char.isalpha() for _, char, _ in _rows(foreign)) else None,
        )


def _rows(foreign: list[Foreign]) -> list[tuple[int, str, str | None]]:
    return [(item.index, item.char, item.suggestion) for item in foreign]


def _replaceable(character: str) -> bool:
    """Punctuation, spaces, Latin letters, symbols and emoji; anything else is a script that was meant."""
    return ord(character) < 0x250 or 0x2000 <= ord(character) <= 0x206F or unicodedata.category(character) in {"So", "Sm", "Sc", "Mn", "Sk"}


@rule("EN003", "too-many-segments", scope="service", severity="warning")
def too_many_segments(service: ServiceSubject) -> Iterator[Fault]:
    """The text takes more segments than allowed, at its longest.

    Why: parts arrive late, out of order or not at all; every part is paid for.

    Bad:
    ```yaml
    otp: {template: "{code} is your Acme verification code. It is valid for five minutes. Never share this code with anybody, not even with somebody who says that they work for Acme. If you did not ask for it, ignore it."}
    ```

    Good:
    ```yaml
    otp: {template: "{code} is your Acme code. Valid for 5 minutes. Do not share it."}
    ```

    Fix: shorten the text, or raise `otp.max_segments` on purpose.

    Sources: 3GPP TS 23.040, section 9.2.3.24.1.
    """
    if service.gateways and not any(own_text(gateway) for gateway in service.gateways):
        return
    limit = number(service.otp_value("max_segments"))
    for locale, setting in service.templates.items():
        if not setting.present:
            continue
        count = segments(rendered(service, setting.text))
        allowed = limit if limit is not None else (2 if count.encoding == "UCS2" else 1)
        if count.segments > allowed:
            yield Fault(
                message=f"{label(setting)}{display(locale)} takes {count.segments} segments ({count.units} units of {count.encoding},"
                f" {count.per_segment} in each); {allowed:g} {'are' if allowed > 1 else 'is'} allowed.",
                at=setting, fix=Fix("shorten the text"), severity="error" if limit is not None else None,
            )


@rule("EN004", "text-type-damages-text")
def text_type_damages_text(gateway: GatewaySubject) -> Iterator[Fault]:
    """The message type cannot carry the characters of the text.

    Why: the provider sends what the type can hold; every other character arrives as a question mark.

    Bad:
    ```yaml
    gateways: {fallback: {unicode: false}}
    otp: {template: "{code} — ваш код Acme"}
    ```

    Good:
    ```yaml
    gateways: {fallback: {unicode: true}}
    otp: {template: "{code} — ваш код Acme"}
    ```

    Fix: send the text as Unicode, or keep to the GSM alphabet.

    Sources: the provider pack, `encoding`.
    """
    encoding = gateway.pack.provider.encoding if gateway.pack is not None else {}
    if encoding.get("default") != "damage" or gateway.product != "sms":
        return
    name, carries = encoding.get("setting", "unicode"), encoding.get("carries", "").split()
    switch = gateway.present(name)
    if switch is not None and (
        switch.text.lower() in carries if carries else is_on(switch.value) and switch.text.lower() != "text"
    ):
        return
    cure = f"{name}: {carries[-1] if carries else 'true'}"
    for locale, setting in gateway.service.templates.items():
        foreign = foreign_characters(rendered(gateway.service, setting.text)) if setting.present else []
        if foreign:
            at: Setting = switch or setting
            yield Fault(
                message=f"`{gateway.name}` sends {'as plain text' if switch else 'with the default type, plain text'}, which cannot"
                f" carry {listed(dict.fromkeys(quoted(char) for _, char, _ in _rows(foreign)), limit=3)} of the"
                f" template{display(locale)}: they arrive as question marks.",
                at=at, fix=Fix(f"set `{cure}`, or keep to the GSM alphabet"), confidence="high" if switch else "medium",
                related=(("the text stands here", setting),), discriminator="" if switch else gateway.name,
            )
            return


@rule("EN005", "smart-encoding-relied-on", severity="warning")
def smart_encoding_relied_on(gateway: GatewaySubject) -> Iterator[Fault]:
    """The text needs the provider's character replacement to stay in the GSM alphabet.

    Why: the replacement holds for this gateway only, does not cover every character, and can change without notice;
    through the fallback the same text splits.

    Bad:
    ```yaml
    gateways: {primary: {smart_encoded: true}}
    otp: {template: "{code} is your Acme code – don’t share it."}
    ```

    Good:
    ```yaml
    gateways: {primary: {smart_encoded: true}}
    ```

    Fix: write the text in the GSM alphabet itself.

    Sources: the provider pack, `encoding.smart_setting`; 3GPP TS 23.038.
    """
    name = gateway.pack.provider.encoding.get("smart_setting") if gateway.pack else None
    setting = gateway.present(name) if name else None
    if setting is None or not is_on(setting.value):
        return
    for locale, template in gateway.service.templates.items():
        if template.present and alphabet(template.text) == "UCS2" and alphabet(transliterate(template.text)) == "GSM7":
            yield Fault(
                message=f"{label(setting)} is on, and the template{display(locale)} needs it: without the replacement the text is"
                " UCS-2.",
                at=setting, related=(("the text stands here", template),), fix=Fix("write the text in the GSM alphabet"),
            )
            return
