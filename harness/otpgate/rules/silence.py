"""SV: would anybody notice?"""

from __future__ import annotations

from collections.abc import Iterator

from otpgate.findings import Fix
from otpgate.rules.registry import Fault, rule
from otpgate.rules.subjects import GatewaySubject
from otpgate.rules.webhooks import callback, receipts_off


@rule("SV001", "failure-unseen", severity="warning")
def failure_unseen(gateway: GatewaySubject) -> Iterator[Fault]:
    """The provider reports failures inside successful answers, and nothing listens.

    Why: HTTP 200 stands for "read me", not for "sent". Code that looks at the status alone reports success, and
    without receipts nothing ever contradicts it.

    Bad:
    ```yaml
    gateways: {fallback: {status_callback: ~}}
    failover: {when: [timeout], receipt_timeout: ~}
    ```

    Good:
    ```yaml
    failover: {when: [error, timeout, undelivered], receipt_timeout: 8s}
    ```

    Fix: read the status in the body, fail over on `error`, and configure receipts.

    Sources: the provider pack, `failing_2xx`; 55 % of the collected misconfigurations are silent.
    """
    if gateway.pack is None or not gateway.pack.provider.failing_2xx or gateway.manifest.failover is None:
        return
    when = gateway.service.when
    if "error" in when or ("undelivered" in when and callback(gateway) not in {None}):
        return
    if callback(gateway) in {"message", "pool", "account", "unknown"} and receipts_off(gateway) is None:
        return
    yield Fault(
        message=f"{gateway.title} reports refusals inside a successful answer, `failover.when` does not name `error`, and"
        f" `{gateway.name}` has no receipts: nothing would tell that codes are not sent.",
        at=gateway.manifest.failover.span, discriminator=gateway.name,
        fix=Fix("add `error` to `failover.when` and read the status in the body"),
    )


@rule("SV002", "receipts-for-pool-missing", severity="warning")
def receipts_for_pool_missing(gateway: GatewaySubject) -> Iterator[Fault]:
    """Messages go through a pool, and no callback tells what became of them.

    Why: through a pool even an opted-out recipient or a missing sender is accepted first and fails later; without a
    callback the failure never surfaces.

    Bad:
    ```yaml
    gateways: {primary: {sender: ~, status_callback: ~, messaging_service_sid: MG3d1f0a9c8b7e6d5c4b3a29180716f5e4}}
    failover: {when: [error, timeout], receipt_timeout: ~}
    ```
    ```account primary
    senders:
      - {number: "+12025550143", kind: long_code, sms: true, registration: {scheme: 10dlc, status: approved}}
      - {pool: MG3d1f0a9c8b7e6d5c4b3a29180716f5e4, members: ["+12025550143"]}
    ```

    Good:
    ```yaml
    gateways: {primary: {sender: ~, messaging_service_sid: MG3d1f0a9c8b7e6d5c4b3a29180716f5e4}}
    ```
    ```account primary
    senders:
      - {number: "+12025550143", kind: long_code, sms: true, registration: {scheme: 10dlc, status: approved}}
      - {pool: MG3d1f0a9c8b7e6d5c4b3a29180716f5e4, members: ["+12025550143"]}
    ```

    Fix: set `status_callback`, or the callback of the pool.

    Sources: the provider pack, `lifecycle.initial_with_pool`.
    """
    pool = gateway.pool
    if pool is None or gateway.pack is None or gateway.pack.provider.lifecycle.initial_with_pool is None:
        return
    setting = gateway.setting("status_callback")
    if callback(gateway) is None and not (setting is not None and setting.undefined) and not gateway.relies_on_receipts:
        yield Fault(
            message=f"`{gateway.name}` sends through the pool of `{pool.path}` and has no callback: {gateway.title} accepts every"
            " message first, so opted-out recipients and dead senders stay unseen.",
            at=pool, fix=Fix("set `status_callback`, or the callback of the pool"),
        )
