"""OP: is the one-time-passcode policy one that users can follow and attackers cannot?"""

from __future__ import annotations

from collections.abc import Iterator

from otpgate.findings import Fix
from otpgate.rules.registry import Fault, rule
from otpgate.rules.subjects import ServiceSubject
from otpgate.rules.values import is_on, number
from otpgate.rules.verifying import short_lived, verifies
from otpgate.rules.words import duration, label, listed, quoted


@rule("OP001", "lifetime-unfit", scope="service")
def lifetime_unfit(service: ServiceSubject) -> Iterator[Fault]:
    """The code expires before it can arrive, or lives far too long.

    Why: a late message is normal on some networks; a code that is dead on arrival sends users in circles. One that
    lives for hours can be guessed and stolen at leisure.

    Bad:
    ```yaml
    otp: {lifetime: 8s}
    gateways: {primary: {validity_period: ~}}
    ```
    or
    ```yaml
    otp: {lifetime: 300000}
    ```

    Good:
    ```yaml
    otp: {lifetime: 5m}
    ```

    Fix: between one and ten minutes.

    Sources: NIST SP 800-63B, 5.1.3.2 (ten minutes at most).
    """
    yield from short_lived(service)  # codes a provider makes, by its default or as told
    setting, value = service.otp("lifetime"), service.otp_seconds("lifetime")
    if setting is None or value is None:
        return
    within = max(service.objective_seconds("delivered_within") or 0, service.objective_seconds("failover_within") or 0)
    if value <= within:
        yield Fault(message=f"{label(setting)} lets a code live for {duration(value)}, but it may take {duration(within)} to arrive.",
                    at=setting, fix=Fix("a few minutes"))
    elif value < 60:
        yield Fault(message=f"{label(setting)} lets a code live for {duration(value)}; messages of a minute and more are normal on some"
                    " networks.", at=setting, severity="error" if value < 20 else "warning", fix=Fix("a few minutes"))
    elif value > 3600:
        hint = f": were {value:g} milliseconds meant? that is {duration(value / 1000)}" if 30 <= value / 1000 <= 3600 else ""
        yield Fault(message=f"{label(setting)} lets a code live for {duration(value)}{hint}.", at=setting, fix=Fix("at most ten minutes",
                    replacement=f"{value / 1000:g}s" if hint else None))
    elif value > 900:
        yield Fault(message=f"{label(setting)} lets a code live for {duration(value)}; ten minutes is the accepted limit.", at=setting,
                    severity="warning", fix=Fix("at most ten minutes"))


@rule("OP002", "digits-unfit", scope="service")
def digits_unfit(service: ServiceSubject) -> Iterator[Fault]:
    """The code is too short to be safe, or too long to be typed.

    Why: four digits are guessed in a few hundred accounts; more than ten are refused by providers that check codes.

    Bad:
    ```yaml
    otp: {digits: 3}
    ```
    or
    ```yaml
    otp: {digits: 12}
    ```

    Good:
    ```yaml
    otp: {digits: 6}
    ```

    Fix: six digits.

    Sources: NIST SP 800-63B, 5.1.3.2 (at least 20 bits, six digits).
    """
    setting = service.otp("digits")
    count = number(setting.value) if setting else None
    if setting is None or count is None:
        return
    if count < 6:
        yield Fault(message=f"{label(setting)} makes codes of {count:g} digits: one guess in {10 ** max(int(count), 0):,} is right.", at=setting,
                    severity="error" if count < 4 else "warning", fix=Fix("six digits", replacement="6"))
    elif count > 10:
        yield Fault(message=f"{label(setting)} makes codes of {count:g} digits: nobody types them, and providers refuse them.",
                    at=setting, fix=Fix("six digits", replacement="6"))
    elif count > 8:
        yield Fault(message=f"{label(setting)} makes codes of {count:g} digits, which users mistype.", at=setting, severity="note",
                    fix=Fix("six digits", replacement="6"))


@rule("OP003", "guesses-unbounded", scope="service")
def guesses_unbounded(service: ServiceSubject) -> Iterator[Fault]:
    """An attacker may guess too often.

    Why: attempts times resends against the size of the code is the chance to get in without the phone.

    Bad:
    ```yaml
    otp: {max_attempts: 0}
    ```
    or
    ```yaml
    otp: {digits: 4, max_attempts: 20}
    ```

    Good:
    ```yaml
    otp: {digits: 6, max_attempts: 5}
    ```

    Fix: five attempts for one code, then a new code and a pause.

    Sources: NIST SP 800-63B, 5.2.2; OWASP ASVS V2.
    """
    setting = service.otp("max_attempts")
    tries, digits = number(setting.value) if setting else None, number(service.otp_value("digits"))
    if setting is None or tries is None:
        return
    codes = 1 + (number(service.otp_value("resend_limit")) or 0)
    if tries <= 0:
        yield Fault(message=f"{label(setting)} is {setting.text}: guesses are not bounded, or the right code is refused too.", at=setting,
                    fix=Fix("five attempts", replacement="5"))
        return
    chance = tries * codes / 10 ** min(digits or 6, 100)
    if chance > 1e-3 or tries > 100:
        yield Fault(message=f"{label(setting)} allows {tries:g} guesses for each of {codes:g} codes: one attack in"
                    f" {max(1, round(1 / chance)):,} gets in.", at=setting, fix=Fix("five attempts and six digits"))
    elif tries > 10:
        yield Fault(message=f"{label(setting)} allows {tries:g} guesses for one code.", at=setting, severity="warning",
                    fix=Fix("five attempts", replacement="5"))


@rule("OP004", "resend-unfit", scope="service", severity="warning")
def resend_unfit(service: ServiceSubject) -> Iterator[Fault]:
    """Users may ask again too early, or only when it is too late.

    Why: a second code that overtakes the first makes the one that arrives invalid; a button that appears after the
    code has expired helps nobody.

    Bad:
    ```yaml
    otp: {resend_after: 10m}
    ```
    or
    ```yaml
    otp: {resend_after: 6s}
    ```

    Good:
    ```yaml
    otp: {resend_after: 30s}
    ```

    Fix: longer than delivery takes, much shorter than the lifetime.

    Sources: OWASP Cheat Sheet, multifactor authentication.
    """
    setting, value = service.otp("resend_after"), service.otp_seconds("resend_after")
    lifetime, within = service.otp_seconds("lifetime"), service.objective_seconds("delivered_within")
    if setting is None or value is None:
        return
    if lifetime is not None and value >= lifetime:
        yield Fault(message=f"{label(setting)} lets users ask again after {duration(value)}, when the code has been dead since"
                    f" {duration(lifetime)}.", at=setting, fix=Fix("half a minute", replacement="30s"))
    elif within is not None and 5 <= value < within:
        yield Fault(message=f"{label(setting)} lets users ask again after {duration(value)}, but a code may take {duration(within)}: the"
                    " first to arrive is then invalid.", at=setting, fix=Fix("longer than delivery takes"))


@rule("OP006", "static-code-unusable", scope="service", severity="warning")
def static_code_unusable(service: ServiceSubject) -> Iterator[Fault]:
    """A fixed code can never verify, or verifies for everybody.

    Why: reviewers of app stores are locked out by a code of the wrong length; a code without numbers opens every
    account.

    Bad:
    ```yaml
    profile: staging
    otp: {digits: 6, static_codes: {codes: ["1234"], numbers: ["+12025550101"]}}
    ```

    Good:
    ```yaml
    profile: staging
    otp: {digits: 6, static_codes: {codes: ["493817"], numbers: ["+12025550101"]}}
    ```

    Fix: codes of the right length, bound to numbers, outside production.

    Sources: OWASP ASVS V2.
    """
    setting = service.otp("static_codes")
    digits = number(service.otp_value("digits"))
    if setting is None or service.production:
        return
    codes, numbers = fixed_codes(setting.value)
    wrong = [code for code in codes if digits and len(code) != digits]
    if wrong:
        yield Fault(message=f"{label(setting)} holds a code of {len(wrong[0])} characters; codes have {digits:g}, so it never verifies.",
                    at=setting, fix=Fix("use a code of the right length"))
    elif codes and not numbers and service.manifest.profile == "staging":
        yield Fault(message=f"{label(setting)} holds for every number: it opens every account of this deployment.", at=setting,
                    fix=Fix("bind the codes to test numbers"))


def fixed_codes(value: object) -> tuple[list[str], list[str]]:
    """Codes and numbers of `otp.static_codes`, in any of its forms."""
    if isinstance(value, dict):
        if "codes" in value or "numbers" in value:
            return fixed_codes(value.get("codes"))[0], fixed_codes(value.get("numbers"))[0]
        return [str(code) for code in value.values()], [str(number_) for number_ in value]
    if isinstance(value, list | tuple):
        return [str(item) for item in value if str(item).strip()], []
    text = "" if value is None or isinstance(value, bool) else str(value).strip()
    parts = [part.strip() for part in text.replace(";", ",").split(",") if part.strip()]
    return [part.rpartition("=")[2].rpartition(":")[2] for part in parts], [part.partition("=")[0] for part in parts if "=" in part]


@rule("OP007", "issuer-and-verifier-mixed", scope="service")
def issuer_and_verifier_mixed(service: ServiceSubject) -> Iterator[Fault]:
    """Who makes the code and who checks it do not fit the gateways.

    Why: a code the provider made cannot be checked by the service, nor the other way round; every right code is wrong.

    Bad:
    ```yaml
    otp: {issued_by: provider, verified_by: service}
    ```
    or
    ```yaml
    otp: {issued_by: service, verified_by: provider}
    ```
    or
    ```yaml
    gateways: {primary: {product: verify, sender: ~, custom_code: true, verify_service_sid: VA3d1f0a9c8b7e6d5c4b3a29180716f5e4}}
    otp: {issued_by: provider, verified_by: provider}
    routes: [{countries: [US, CA], gateways: [primary]}]
    ```

    Good:
    ```yaml
    otp: {issued_by: service, verified_by: service}
    ```

    Fix: let one side do both, and use the product that goes with it.

    Sources: the manifest reference, `otp.issued_by`.
    """
    issued, verified = service.otp("issued_by"), service.otp("verified_by")
    maker, checker = service.issued_by, str(service.otp_value("verified_by", service.issued_by))
    at = issued or verified
    verify = verifies(service)
    if at is not None and maker == "provider" and checker == "service":
        yield Fault(message="the provider makes the code and the service checks it: it cannot know which code is right.",
                    at=verified or at, fix=Fix("set `verified_by: provider`", replacement="provider" if verified else None))
        return
    plain = [gateway for gateway in service.gateways if gateway.product != "verify" and gateway.countries]
    if at is not None and maker == "provider" and plain:
        names = listed(f"`{gateway.name}`" for gateway in plain)
        yield Fault(message=f"the provider makes the code, but {names} only "
                    f"{'sends' if len(plain) == 1 else 'send'} messages ({quoted(plain[0].product)}).",
                    at=plain[0].setting("product") or plain[0].gateway.span,
                    countries=tuple(c for g in plain for route in g.led() for c in route.countries),
                    fix=Fix("use the provider's verify product there, or let the service make the code"))
    elif maker == "provider":
        for gateway in verify:
            own = gateway.present("custom_code")
            if own is not None and is_on(own.value):
                yield Fault(message=f"{label(own)} has the service send codes of its own, but `issued_by` says that the provider makes them.",
                            at=own, fix=Fix("remove it, or set `otp.issued_by: service`"), discriminator=gateway.name)
    elif maker == "service" and checker == "provider" and plain and not verify:
        yield Fault(message="the service makes the code and the provider is asked whether it is right: it never saw it as a code.",
                    at=verified or service.manifest.span, fix=Fix("set `verified_by: service`", replacement="service" if verified else None))
    elif maker == "service":
        for gateway in verify:
            if not is_on(gateway.value("custom_code")) and (at is not None or gateway.countries):
                other = "and checks another one" if checker == "service" else "another one, which the provider does not know"
                yield Fault(message=f"`{gateway.name}` uses the provider's verify product, which makes its own code; the service makes {other}.",
                            at=gateway.setting("product") or gateway.gateway.span, countries=tuple(c for route in gateway.led() for c in route.countries), discriminator=gateway.name,
                            fix=Fix("set `otp.issued_by` and `verified_by` to provider, or send the service's code as a custom code"))


@rule("OP009", "right-and-wrong-answer-alike", scope="service")
def right_and_wrong_answer_alike(service: ServiceSubject) -> Iterator[Fault]:
    """A status code means both that a code is right and that it is wrong.

    Why: whoever reads the answer lets everybody in, or nobody.

    Bad:
    ```yaml
    service: {api: {verify_code: {method: POST, path: /otp/verify, json: {phone: "{phone}", code: "{code}"}, accepted: [200], refused: [200, 400]}}}
    ```

    Good:
    ```yaml
    service: {api: {verify_code: {method: POST, path: /otp/verify, json: {phone: "{phone}", code: "{code}"}, accepted: [200], refused: [400, 401]}}}
    ```

    Fix: name the statuses apart.

    Sources: the manifest reference, `service.api`.
    """
    api = service.manifest.api
    for step in api.verify_code if api else ():
        both = sorted(set(step.accepted) & set(step.refused))
        if both and api is not None:
            yield Fault(message=f"`verify_code` answers {listed(map(str, both))} for a right code and for a wrong one.", at=api.span,
                        fix=Fix("name the statuses apart"))
