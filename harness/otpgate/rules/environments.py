"""EV: nothing of a test, trial, mock or staging set-up in what is deployed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from otpgate.config.model import Entry
from otpgate.findings import Fix, Severity
from otpgate.rules.policy import fixed_codes
from otpgate.rules.registry import Fault, rule
from otpgate.rules.subjects import GatewaySubject, ServiceSubject
from otpgate.rules.switches import SINKS, parts, suspicion
from otpgate.rules.values import is_on, sound, url
from otpgate.rules.words import label, quoted

SANDBOXES = frozenset({"sandbox", "test", "testing", "staging", "dev", "development", "demo", "simulator"})
ELSEWHERE = r"(?:^|[.-])(?:staging|stage|stg|dev|develop|test|testing|qa|uat|sandbox|demo|preview|local)\d?(?:[.-]|$)"
TUNNELS = (
    "ngrok.io", "ngrok.app", "ngrok-free.app", "ngrok.dev", "trycloudflare.com", "loca.lt", "localtunnel.me", "serveo.net",
    "webhook.site", "requestbin.com", "pipedream.net", "hookdeck.com", "lhr.life", "localhost.run", "beeceptor.com",
)


def graded(gateway: GatewaySubject | ServiceSubject) -> Severity:
    """An error in production, a warning before it."""
    return "error" if gateway.manifest.profile == "production" else "warning"


def magic(gateway: GatewaySubject, where: str, text: str) -> str | None:
    """What a value means to the provider's test mode; None for an ordinary one. A catch-all row is no magic value."""
    for value in gateway.pack.provider.test_values if gateway.pack else ():
        if value.pattern.strip("^$") not in {".*", ".+", ""} and value.where == where and re.search(value.pattern, text):
            return value.meaning or value.effect
    return None


@rule("EV001", "test-credentials", profiles=("production", "staging"))
def test_credentials(gateway: GatewaySubject) -> Iterator[Fault]:
    """The provider's test credentials are deployed.

    Why: the provider answers as if it had sent the message. Nothing is sent, no receipt comes, and every log is green.

    Bad:
    ```account primary
    account: {kind: test}
    ```

    Good:
    ```account primary
    account: {kind: full}
    ```

    Fix: deploy the live credentials.

    Sources: the provider pack, `test_values`; account state, `account.kind`.
    """
    scheme = gateway.scheme
    principal = gateway.present(scheme.principal) if scheme else None
    rows = [row for row in gateway.account.credentials or () if principal is not None and row.id == principal.text]
    if gateway.account.account.kind == "test" or any(row.kind == "test" for row in rows):
        yield Fault(
            message=f"`{gateway.name}` uses the test credentials of {gateway.title}: sends are answered with success, and nothing is"
            " sent.",
            at=principal or gateway.gateway.span, severity=graded(gateway), fix=Fix("deploy the live credentials"),
            related=(("the account's kind stands here", gateway.account_span("account.kind", "account", "credentials")),),
        )
        return
    for name in scheme.settings if scheme else ():
        setting = gateway.present(name)
        meaning = magic(gateway, "credential", setting.text) if setting else None
        if setting is not None and meaning:
            yield Fault(message=f"{label(setting)}, the `{name}` of `{gateway.name}`, is a test value of {gateway.title} ({meaning}).",
                        at=setting, severity=graded(gateway), fix=Fix("deploy the live credentials"))


@rule("EV002", "trial-account", profiles=("production", "staging"))
def trial_account(gateway: GatewaySubject) -> Iterator[Fault]:
    """The account is a trial or sandbox.

    Why: only recipients that were verified by hand get a code, with the provider's own words around it; developers are
    on that list, users are not.

    Bad:
    ```account primary
    account: {kind: trial}
    verified_recipients: ["+12025550101"]
    ```

    Good:
    ```account primary
    account: {kind: full}
    ```

    Fix: upgrade the account, or deploy the credentials of the full one.

    Sources: account state, `account.kind` and `verified_recipients`.
    """
    kind = gateway.account.account.kind
    if kind in {"trial", "sandbox"}:
        known = gateway.account.verified_recipients
        count = f"only {len(known)} verified recipient{'s' if len(known) != 1 else ''}" if known is not None else "only verified recipients"
        yield Fault(
            message=f"the account of `{gateway.name}` is a {kind} account: {count} can get a code.",
            at=gateway.account_span("account.kind", "account"), severity=graded(gateway),
            fix=Fix("upgrade the account, or deploy the credentials of the full one"),
        )


@rule("EV003", "magic-sender", profiles=("production", "staging"))
def magic_sender(gateway: GatewaySubject) -> Iterator[Fault]:
    """The sender is a magic test number of the provider.

    Why: with live credentials every send is refused; with test credentials every send is answered with success and
    nothing leaves.

    Bad:
    ```env
    PRIMARY_FROM=+15005550006
    ```

    Good:
    ```env
    PRIMARY_FROM=+12025550143
    ```

    Fix: deploy a sender of the account.

    Sources: the provider pack, `test_values`.
    """
    for use in gateway.sender_uses:
        meaning = magic(gateway, "sender", use.text) or magic(gateway, "recipient", use.text)
        if meaning:
            yield Fault(message=f"{label(use.setting)} is {quoted(use.text)}, a test number of {gateway.title} ({meaning}): it sends"
                        " nothing.", at=use.setting, countries=use.countries or None, severity=graded(gateway),
                        fix=Fix("deploy a sender of the account"))


@rule("EV005", "mock-switched-on", scope="service", profiles=("production", "staging"))
def mock_switched_on(service: ServiceSubject) -> Iterator[Fault]:
    """The service only pretends to send.

    Why: no gateway is ever called; the code lands in a log, where others can read it.

    Bad:
    ```env
    SMS_MOCK=console
    ```
    or
    ```env
    SMS_MOCK=true
    ```

    Good:
    ```env
    SMS_MOCK=false
    ```

    Fix: switch it off.

    Sources: the manifest reference, `otp.mock`.
    """
    setting = service.otp("mock")
    if setting is not None and is_on(setting.value):
        sink = "" if isinstance(setting.value, bool) else f" (to {quoted(setting.text)})"
        yield Fault(message=f"{label(setting)} is on: the service pretends to send{sink}, and no gateway is called.", at=setting,
                    severity=graded(service), fix=Fix("switch it off", replacement="false" if isinstance(setting.value, bool) else None))


@rule("EV006", "static-codes", scope="service", profiles=("production",))
def static_codes(service: ServiceSubject) -> Iterator[Fault]:
    """Fixed codes are accepted in production.

    Why: whoever knows one gets into every account it holds for; they end up in repositories and chats.

    Bad:
    ```env
    OTP_TEST_CODES=123456
    ```

    Good:
    ```env
    OTP_TEST_CODES=
    ```

    Fix: deploy an empty list.

    Sources: OWASP ASVS V2; NIST SP 800-63B, 5.1.3.
    """
    setting = service.otp("static_codes")
    if setting is None:
        return
    codes, numbers = fixed_codes(setting.value)
    if codes or numbers:
        count = max(len(codes), 1)
        reach = f"for {len(numbers)} number{'s' if len(numbers) != 1 else ''}" if numbers else "for every number"
        yield Fault(message=f"{label(setting)} holds {count} fixed code{'s' if count > 1 else ''}, accepted {reach}.", at=setting,
                    severity="error", fix=Fix("deploy an empty list"))


@rule("EV007", "elsewhere-in-production", scope="service", profiles=("production",))
def elsewhere_in_production(service: ServiceSubject) -> Iterator[Fault]:
    """A staging host or a tunnel stands in the production configuration.

    Why: receipts and links go to another deployment, or to a laptop that is closed.

    Bad:
    ```env
    PUBLIC_URL=https://staging.otp.example.com
    ```
    or
    ```env
    PUBLIC_URL=https://3f1c-203-0-113-7.ngrok-free.app
    ```

    Good:
    ```env
    PUBLIC_URL=https://otp.example.com
    ```

    Fix: deploy the production value.

    Sources: collected misconfigurations, class environment mix-up.
    """
    public = service.manifest.public_url
    callbacks = [setting for gateway in service.gateways if (setting := gateway.present("status_callback"))]
    told: set[tuple[str, int]] = set()
    for setting in ([public] if public is not None and public.present else []) + callbacks:
        host = url(setting.text).host
        tunnel = next((name for name in TUNNELS if host == name or host.endswith("." + name)), None)
        if not sound(setting) or not host or (setting.span.file, setting.span.line) in told:
            continue
        if tunnel or re.search(ELSEWHERE, host.rpartition(".")[0]):
            told.add((setting.span.file, setting.span.line))
            what = f"a tunnel ({tunnel})" if tunnel else "another deployment by its name"
            yield Fault(message=f"{label(setting)} points at {quoted(host)}, {what}, in a production configuration.", at=setting,
                        severity="error" if tunnel else "warning", fix=Fix("deploy the production value"))
    for gateway in service.gateways:
        setting_ = gateway.setting("provider")
        if not gateway.gateway.provider and setting_ is not None and set(parts(setting_.text)) & SINKS:
            yield Fault(message=f"{label(setting_)} is {quoted(setting_.text)}: `{gateway.name}` prints or drops the code and sends"
                        " nothing.", at=setting_, countries=tuple(c for route in gateway.led() for c in route.countries),
                        fix=Fix("deploy the provider"))


def called(gateway: GatewaySubject) -> frozenset[str]:
    """The one-word names of a gateway's provider, as they stand in names of variables."""
    names = {gateway.gateway.provider, *(gateway.pack.provider.aliases if gateway.pack else ())}
    return frozenset(name.lower() for name in names if name)


@rule("EV008", "sandbox-environment", profiles=("production",))
def sandbox_environment(gateway: GatewaySubject) -> Iterator[Fault]:
    """A setting selects the provider's sandbox or test environment.

    Why: the sandbox answers like the live system and delivers to a simulator.

    Bad:
    ```account primary
    account: {kind: ~}
    verified_recipients: ["+12025550101"]
    ```

    Good:
    ```account primary
    account: {kind: full}
    verified_recipients: ["+12025550101"]
    ```

    Fix: select the live environment.

    Sources: the provider pack, `settings` and `hosts`.
    """
    for name, setting in gateway.gateway.settings.items():
        selects = setting.present and (name in {"environment", "mode", "username"} or name.endswith("_environment"))
        if selects and setting.text.strip().lower() in SANDBOXES:
            yield Fault(message=f"{label(setting)} selects {quoted(setting.text)} of {gateway.title}: it delivers nothing.",
                        at=setting, fix=Fix("select the live environment"))
    kind, known = gateway.account.account.kind, gateway.account.verified_recipients
    if known and kind not in {"trial", "sandbox", "test", "full"}:
        yield Fault(message=f"the account of `{gateway.name}` lists {len(known)} verified recipients and does not say that it is a full"
                    " account: perhaps only they can get a code.", at=gateway.account_span("verified_recipients"), severity="warning",
                    confidence="low", fix=Fix("write `account.kind` into the account file"))


@rule("EV009", "test-switch-deployed", scope="service", profiles=("production", "staging"), confidence="medium")
def test_switch_deployed(service: ServiceSubject) -> Iterator[Fault]:
    """A deployed variable reads like a switch for tests, and is on.

    The manifest does not mention it, but the service may.

    Why: bypass numbers, master codes and dry runs survive from development to production; whoever knows them gets in,
    or nobody gets a code.

    Bad:
    ```env
    SMS_DRY_RUN=true
    ```
    or
    ```env
    OTP_MASTER_CODE=000000
    ```
    or
    ```env
    SMS_DRIVER=log
    ```
    or
    ```env
    SEND_SMS=false
    ```
    or
    ```env
    SMS_REDIRECT_TO=+12025550100
    ```
    or
    ```env
    SMS_BASE_URL=http://wiremock:8080
    ```

    Good:
    ```env
    SMS_DRY_RUN=false
    ```

    Fix: remove the variable, or bind it to `otp.mock` or `otp.static_codes` so that it is judged.

    Sources: collected misconfigurations, class environment mix-up.
    """
    bound = {entry.name for setting in service.all_settings for entry in setting.entries}
    providers = frozenset(name for gateway in service.gateways for name in called(gateway))
    for name, entry in service.manifest.environment.items():
        found = None if name in bound else suspicion(name, entry, providers)
        if found is None:
            continue
        yield Fault(message=f"`{name}` {found.why}, and nothing in the manifest says what it does.", at=entry.span,
                    severity="warning" if found.mild else graded(service),
                    fix=Fix("remove it, or bind it to `otp.mock` or `otp.static_codes`"))
    start = service.manifest.start
    where = start.span if start is not None else None
    for name, value in start.environment.items() if start is not None and where is not None else ():
        found = suspicion(name, Entry(name=name, value=value, span=where or service.manifest.span, loader="yaml"), providers)
        if found is not None:
            yield Fault(message=f"`{name}` under `service.start.environment` {found.why}: what is verified is not what is deployed.",
                        at=where or service.manifest.span, severity="warning", fix=Fix("remove it"), discriminator=name)
