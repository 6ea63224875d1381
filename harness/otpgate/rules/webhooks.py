"""WH: can receipts reach the service, from the provider and from nobody else?"""

from __future__ import annotations

from collections.abc import Iterator

from otpgate.config.model import Setting
from otpgate.findings import Fix
from otpgate.rules.registry import Fault, Missing, rule
from otpgate.rules.subjects import GatewaySubject
from otpgate.rules.values import is_on, sound, url
from otpgate.rules.words import label, listed, quoted


def callback(gateway: GatewaySubject) -> str | None:
    """Who configures the callback: `message`, `pool`, `account`, `unknown`, or None for nobody."""
    if gateway.present("status_callback"):
        return "message"
    row = gateway.pool_row()
    if row is not None and row.status_callback:
        return "pool"
    hook = gateway.webhook
    if hook is not None and hook.default_from_account:
        if gateway.account.callbacks.status or gateway.account.callbacks.status_sha256:
            return "account"
        if gateway.gateway.account is None:
            return "unknown"
    if gateway.pool is not None and gateway.account.senders is None:
        return "unknown"
    return None


def receipts_off(gateway: GatewaySubject) -> Setting | None:
    """The setting that switches receipts off, where one does: `receipts`, or one the provider needs and that is empty or off."""
    setting = gateway.present("receipts")
    if setting is not None and not is_on(setting.value):
        return setting
    for name in gateway.webhook.needs if gateway.webhook is not None else ():
        needed, spec = gateway.setting(name), gateway.spec(name)
        if needed is None or needed.undefined:
            continue
        if not needed.present or needed.value is False or (spec is not None and spec.values and not is_on(needed.value)):
            return needed
    return None


def asked(setting: Setting) -> Fix:
    """How receipts are asked for again."""
    return Fix("ask for receipts", replacement="true") if setting.key == "receipts" else Fix(f"send a `{setting.key}` with every message")


@rule("WH001", "callback-url-invalid")
def callback_url_invalid(gateway: GatewaySubject) -> Iterator[Fault]:
    """The provider cannot call the callback URL.

    Why: the send is refused, or it works and no receipt ever comes: failures stay unseen.

    Bad:
    ```yaml
    gateways: {primary: {status_callback: /webhooks/primary}}
    ```
    or
    ```yaml
    gateways: {primary: {status_callback: "https://otp_service.example.com/webhooks/primary"}}
    ```
    or
    ```yaml
    gateways: {primary: {status_callback: "http://localhost:8000/webhooks/primary"}}
    ```

    Good:
    ```yaml
    gateways: {primary: {status_callback: "https://otp.example.com/webhooks/primary"}}
    ```

    Fix: give the public https URL of the service.

    Sources: the provider pack, `webhooks`; RFC 1123 section 2.1 for host names.
    """
    setting = gateway.present("status_callback")
    if setting is None or not sound(setting) or gateway.webhook is None:
        return
    target = url(setting.text)
    limit = gateway.webhook.max_url_length
    local = gateway.manifest.profile == "test"
    if target.fault and not (local and target.scheme and "points at" in target.fault):
        yield Fault(
            message=f"{label(setting)} is {quoted(setting.text)}: it {target.fault}, so {gateway.title} cannot deliver receipts of"
            f" `{gateway.name}`.",
            at=setting, fix=Fix("give the public https URL of the service"),
        )
    elif limit and len(setting.text) > limit:
        yield Fault(message=f"{label(setting)} has {len(setting.text)} characters; {gateway.title} takes callback URLs of at most"
                    f" {limit}.", at=setting, fix=Fix("shorten the path"))
    elif gateway.webhook.ports and target.port is not None and target.port not in gateway.webhook.ports:
        yield Fault(message=f"{label(setting)} names the port {target.port}; {gateway.title} calls {listed(map(str, gateway.webhook.ports))} only.",
                    at=setting, fix=Fix("let the edge listen on the usual port, and leave it out"))
    elif target.scheme == "http" and not local:
        yield Fault(message=f"{label(setting)} is plain http: receipts can be read and forged on the way.", at=setting,
                    severity="warning", fix=Fix("use https", replacement="https" + setting.text[4:]))
    elif "//" in target.path:
        yield Fault(message=f"{label(setting)} is {quoted(setting.text)}: its path holds an empty part, which many routers answer"
                    " with 404.", at=setting, severity="warning", fix=Fix("write one slash"))
    elif target.credentials:
        yield Fault(message=f"{label(setting)} holds a user name and password: they end up in logs, and the signature is made"
                    " over a URL that proxies rewrite.", at=setting, severity="warning", fix=Fix("verify the signature instead"))


@rule("WH002", "callback-missing", severity="warning")
def callback_missing(gateway: GatewaySubject) -> Iterator[Fault | Missing]:
    """Messages are accepted first and judged later, and nobody is told.

    Why: the provider's answer says only that it took the message. Without a callback for the message, the pool or the
    account, a message that fails afterwards looks delivered for ever.

    Bad:
    ```yaml
    gateways: {primary: {status_callback: ~}}
    failover: {when: [error, timeout], receipt_timeout: ~}
    ```

    Good:
    ```yaml
    gateways: {primary: {status_callback: "https://otp.example.com/webhooks/primary"}}
    ```

    Fix: set `status_callback`, or the callback of the pool or account.

    Sources: the provider pack, `accepts_async` and `webhooks`.
    """
    if gateway.pack is None or gateway.webhook is None or not gateway.pack.provider.accepts_async:
        return
    setting, spec = gateway.setting("status_callback"), gateway.spec("status_callback")
    if spec is not None and gateway.product not in spec.products:  # its webhooks stand on what the provider's console holds
        return
    if gateway.relies_on_receipts or receipts_off(gateway) or (setting is not None and setting.undefined):
        return
    source = callback(gateway)
    if source == "unknown":
        yield Missing(what=f"callbacks of the account of `{gateway.name}`")
    elif source is None:
        yield Fault(
            message=f"`{gateway.name}` has no status callback: {gateway.title} accepts a message first and reports its failure"
            " later, to nobody.",
            at=setting if setting is not None and not setting.undefined else gateway.gateway.span,
            fix=Fix("set `status_callback` to the public URL of the service's webhook"),
        )


@rule("WH003", "receipts-switched-off", severity="warning")
def receipts_switched_off(gateway: GatewaySubject) -> Iterator[Fault]:
    """The service tells the provider to send no receipts.

    Why: what happens after acceptance is unknown, whatever callback is configured.

    Bad:
    ```yaml
    gateways: {fallback: {receipts: false}}
    failover: {when: [error, timeout], receipt_timeout: ~}
    ```

    Good:
    ```yaml
    gateways: {fallback: {receipts: true}}
    ```

    Fix: ask for receipts.

    Sources: the provider pack, `webhooks`.
    """
    setting = receipts_off(gateway)
    if setting is not None and gateway.webhook is not None and not gateway.relies_on_receipts:
        yield Fault(message=f"{label(setting)} switches receipts of `{gateway.name}` off: failures after acceptance stay unseen.",
                    at=setting, fix=asked(setting))


@rule("WH005", "callback-host-differs")
def callback_host_differs(gateway: GatewaySubject) -> Iterator[Fault]:
    """Receipts go to another host than the service's public URL.

    Why: the old host, the staging one, a tunnel: receipts arrive where nobody knows the message, or nowhere.

    Bad:
    ```yaml
    gateways: {primary: {status_callback: "https://otp-staging.example.com/webhooks/primary"}}
    ```
    or
    ```yaml
    gateways: {primary: {sender: ~, status_callback: ~, messaging_service_sid: MG3d1f0a9c8b7e6d5c4b3a29180716f5e4}}
    ```
    ```account primary
    senders:
      - {number: "+12025550143", kind: long_code, sms: true, registration: {scheme: 10dlc, status: approved}}
      - {pool: MG3d1f0a9c8b7e6d5c4b3a29180716f5e4, members: ["+12025550143"], status_callback: "https://old.example.com/hook"}
    ```

    Good:
    ```yaml
    gateways: {primary: {status_callback: "${PUBLIC_URL}/webhooks/primary"}}
    ```

    Fix: build the callback from the public URL.

    Sources: the manifest reference, `service.public_url`.
    """
    public = gateway.manifest.public_url
    if public is None or not sound(public) or gateway.webhook is None:
        return
    home = url(public.text)
    setting = gateway.present("status_callback")
    if setting is not None and sound(setting):
        target = url(setting.text)
        if target.fault is None and home.host and target.host != home.host:
            yield Fault(
                message=f"{label(setting)} sends receipts to {quoted(target.host)}, but the service is reached at"
                f" {quoted(home.host)} ({label(public)}).",
                at=setting, related=(("the public URL stands here", public),),
                fix=Fix("build the callback from the public URL", replacement=setting.text.replace(target.host, home.host, 1)),
            )
        return
    row = gateway.pool_row()
    if row is not None and row.status_callback and home.host:
        target = url(row.status_callback)
        if target.fault or target.host != home.host:
            why = target.fault or f"sends receipts to {quoted(target.host)}"
            yield Fault(
                message=f"the callback of the pool {quoted(row.value)} {why}, but the service is reached at {quoted(home.host)}"
                f" ({label(public)}).",
                at=gateway.sender_span(row, "status_callback"), related=(("the public URL stands here", public),),
                fix=Fix("change the callback of the pool"), discriminator="pool",
            )
        return
    account = gateway.account.callbacks.status
    if account and gateway.webhook.default_from_account:
        target = url(account)
        if target.host and home.host and target.host != home.host:
            yield Fault(
                message=f"the account of `{gateway.name}` sends receipts to {quoted(target.host)}, but the service is reached at"
                f" {quoted(home.host)} ({label(public)}).",
                at=gateway.account_span("callbacks.status", "callbacks"), related=(("the public URL stands here", public),),
                fix=Fix("change the callback of the account"),
            )


@rule("WH006", "account-callback-differs", severity="warning")
def account_callback_differs(gateway: GatewaySubject) -> Iterator[Fault]:
    """The account's callback is not the configured one.

    Why: messages sent without their own callback report to the account's; what was changed in the console and what is
    deployed disagree.

    Bad:
    ```account primary
    callbacks: {status: "https://otp.example.com/old/hook"}
    ```

    Good:
    ```account primary
    callbacks: {status: "https://otp.example.com/webhooks/primary"}
    ```

    Fix: make the two agree.

    Sources: account state, `callbacks.status`.
    """
    setting = gateway.present("status_callback")
    row = gateway.pool_row()
    account = gateway.account.callbacks.status or (row.status_callback if row else None)
    if setting is None or not account or not sound(setting) or "${" in account:
        return
    if setting.text.rstrip("/") != account.rstrip("/"):
        yield Fault(
            message=f"{label(setting)} is {quoted(setting.text)}, the account of `{gateway.name}` has {quoted(account)}.",
            at=setting, related=(("the account's callback stands here", gateway.account_span("callbacks.status", "senders")),),
            fix=Fix("make the two agree"),
        )


@rule("WH007", "callback-method-mismatch")
def callback_method_mismatch(gateway: GatewaySubject) -> Iterator[Fault]:
    """The account sends receipts with a method the provider or the service does not have.

    Why: a handler made for POST answers GET with 404 or 405, and the receipt is lost or repeated for a day.

    Bad:
    ```account fallback
    callbacks: {method: PUT}
    ```

    Good:
    ```account fallback
    callbacks: {method: POST}
    ```

    Fix: choose the method the service's handler takes.

    Sources: the provider pack, `webhooks.methods`.
    """
    method, hook = gateway.account.callbacks.method, gateway.webhook
    if method and hook is not None and method.upper() not in hook.methods:
        yield Fault(
            message=f"the account of `{gateway.name}` sends receipts with {quoted(method)}; {gateway.title} has"
            f" {listed(hook.methods)}.",
            at=gateway.account_span("callbacks.method", "callbacks"), fix=Fix(f"choose {listed(hook.methods, word='or')}"),
        )


@rule("WH009", "receipts-of-another-product")
def receipts_of_another_product(gateway: GatewaySubject) -> Iterator[Fault]:
    """The account reports messages of one product to the webhook of another.

    Why: the console has one switch that says which API an account's messages and receipts belong to; with the wrong
    one messages are accepted and no receipt arrives where the service listens.

    Bad:
    ```yaml
    gateways: {fallback: {product: messages, status_callback: ~}}
    failover: {when: [error, timeout], receipt_timeout: ~}
    ```
    ```account fallback
    settings: {sms_setting: sms}
    ```

    Good:
    ```yaml
    gateways: {fallback: {product: messages}}
    ```
    ```account fallback
    settings: {sms_setting: messages}
    ```

    Fix: set the account's default to the product in use, or give each message its own callback.

    Sources: account state, `settings`; the provider pack, `products`.
    """
    products = gateway.pack.provider.products if gateway.pack else {}
    for name, value in gateway.account.settings.items():
        if name.endswith("_setting") and str(value) in products and str(value) != gateway.product:
            own = gateway.present("status_callback") is not None
            yield Fault(
                message=f"the account of `{gateway.name}` has {quoted(str(value))} as its {quoted(name)}, but `{gateway.name}` uses"
                f" {quoted(gateway.product)}: receipts go where that product's are expected.",
                at=gateway.account_span(f"settings.{name}", "settings"), severity="warning" if own else None,
                fix=Fix(f"set it to {gateway.product}", gateway.product),
            )


@rule("WH008", "failover-waits-for-no-receipt")
def failover_waits_for_no_receipt(gateway: GatewaySubject) -> Iterator[Fault | Missing]:
    """Failover waits for receipts that never come.

    `failover.when` names `undelivered`, but this gateway reports nothing.

    Why: the switch to the next gateway either never happens, or happens for every code that was delivered.

    Bad:
    ```yaml
    gateways: {primary: {status_callback: ~}}
    ```
    or
    ```yaml
    gateways: {fallback: {receipts: false}}
    ```

    Good:
    ```yaml
    gateways: {primary: {status_callback: "https://otp.example.com/webhooks/primary"}}
    ```

    Fix: configure the callback and ask for receipts, or take `undelivered` out of `failover.when`.

    Sources: the provider pack, `webhooks`.
    """
    if gateway.pack is None or not gateway.relies_on_receipts:
        return
    setting = gateway.setting("status_callback")
    if setting is not None and setting.undefined:
        return
    failover = gateway.manifest.failover
    related = (("failover counts on receipts here", failover.span),) if failover else ()
    off = receipts_off(gateway)
    if gateway.webhook is None:
        yield Fault(message=f"failover waits for receipts of `{gateway.name}`, but {gateway.title} sends none for"
                    f" `{gateway.product}`.", at=gateway.gateway.span, severity="warning", related=related,
                    fix=Fix("fail over on `error` and `timeout` only, or use a product with receipts"))
    elif off is not None:
        yield Fault(message=f"failover waits for receipts of `{gateway.name}`, but {label(off)} switches them off.", at=off,
                    related=related, fix=asked(off))
    elif callback(gateway) == "unknown":
        yield Missing(what=f"callbacks of the account of `{gateway.name}`")
    elif callback(gateway) is None:
        yield Fault(
            message=f"failover waits for receipts of `{gateway.name}`, but no callback is configured for the message, the pool or"
            " the account: none will come.",
            at=setting if setting is not None else gateway.gateway.span, related=related,
            fix=Fix("set `status_callback` to the public URL of the service's webhook"),
        )
