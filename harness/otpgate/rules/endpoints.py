"""EP: do calls go to the provider, to the right host and region?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from otpgate.findings import Fix
from otpgate.rules.registry import Fault, rule
from otpgate.rules.subjects import GatewaySubject
from otpgate.rules.values import sound, unreachable, url
from otpgate.rules.words import label, listed, nearest, quoted
from otpgate_contracts import loading
from otpgate_contracts.model import Host


@rule("EP001", "region-mismatch")
def region_mismatch(gateway: GatewaySubject) -> Iterator[Fault]:
    """Calls go to one region, the account or sender lives in another.

    Why: credentials, senders and registrations hold per region; from the wrong one a right secret is refused, or the
    message is accepted and dropped.

    Bad:
    ```yaml
    gateways: {primary: {region: ie1, edge: dublin}}
    ```
    ```account primary
    account: {region: us1}
    ```

    Good:
    ```account primary
    account: {region: us1}
    ```

    Fix: deploy the region of the account, or a credential of the region that is called.

    Sources: the provider pack, `regions`; account state, `account.region`.
    """
    region, source = gateway.called_region or (None, None)
    known = [one.id for one in gateway.pack.provider.regions] if gateway.pack else []
    if region is None or (known and region not in known):
        return
    setting = gateway.present("region")
    principal = gateway.present(gateway.scheme.principal) if gateway.scheme else None
    at = source or principal or gateway.gateway.span
    rows = [row for row in gateway.account.credentials or () if principal is not None and row.id == principal.text]
    lives = next((row.region for row in rows if row.region), None) or gateway.account.account.region
    called = quoted(region) if source else f"{quoted(region)} (the default)"
    # A host or a tier of another region than the account's is told by EP002 and EP010.
    told = source is not setting and lives == gateway.account.account.region
    if lives and lives != region and not told:
        yield Fault(
            message=f"`{gateway.name}` calls the region {called}, but its account lives in {quoted(lives)}:"
            " the credential does not count there.",
            at=at, fix=Fix(f"set `region` to {lives}", replacement=lives if setting else None),
            related=(("the account's region stands here", gateway.account_span("account.region", "account")),),
        )
    for use in gateway.sound_senders:
        row = gateway.owned_sender(use.text)
        if row is not None and row.region and row.region != region and row.region != lives:
            yield Fault(
                message=f"`{gateway.name}` calls the region {called}, but the sender {quoted(use.text)} is registered in"
                f" {quoted(row.region)}.",
                at=at, countries=use.countries, fix=Fix(f"call {row.region}, or register the sender in {region}"),
                discriminator="sender", related=((f"the sender {use.text} is configured here", use.setting),),
            )


@rule("EP006", "region-of-the-environment", severity="warning", confidence="medium")
def region_of_the_environment(gateway: GatewaySubject) -> Iterator[Fault]:
    """A deployed variable that SDKs read moves calls to another region, and the manifest does not mention it.

    Why: the SDK takes it without a word, so credentials that are right for one region are refused in the other.

    Bad:
    ```env
    TWILIO_REGION=au1
    ```

    Good:
    ```env
    TWILIO_REGION=us1
    ```

    Fix: remove the variable, or bind it to `region`.

    Sources: the provider pack, `settings.env` and `regions`.
    """
    spec, lives = gateway.spec("region"), gateway.account.account.region
    home = lives or gateway.effective_region
    if spec is None or gateway.setting("region") is not None or gateway.pack is None or home is None:
        return
    known = {region.id for region in gateway.pack.provider.regions}
    for name in spec.env:
        entry = gateway.manifest.environment.get(name)
        if entry is not None and entry.value.strip() in known - {home}:
            yield Fault(
                message=f"`{name}` is {quoted(entry.value.strip())}; the SDK of {gateway.title} reads it, but "
                + (f"the account of `{gateway.name}` lives in" if lives else "without it calls go to") + f" {quoted(home)}.",
                at=entry.span, severity="error" if lives else None, fix=Fix("remove the variable, or bind it to `region`"),
            )


NOBODY = r"^(?:localhost$|127\.|0\.0\.0\.0$|::1$)|(?:^|[.-])(?:[a-z]*sim|simulator|mock|stub|fake|sandbox)(?:[.-]|$)"


@rule("EP002", "base-url-wrong")
def base_url_wrong(gateway: GatewaySubject) -> Iterator[Fault]:
    """The base URL is not the provider's live API.

    Why: a sandbox, a stub of the last test run, another company's host, a path written twice or left out: the send goes
    nowhere, often with a friendly answer.

    Bad:
    ```yaml
    gateways: {primary: {base_url: "https://localhost:8080"}}
    ```
    or
    ```yaml
    gateways: {primary: {base_url: "https://sms-stub.example.net"}}
    ```
    or
    ```yaml
    gateways: {primary: {base_url: "https://verify.twilio.com"}}
    ```
    or
    ```yaml
    gateways: {primary: {base_url: "https://api.sydney.au1.twilio.com"}}
    ```
    or
    ```yaml
    gateways: {own: {provider: http, request: {url: "https://10.0.3.7/send", form: {to: "{to}", text: "{text}"}}, auth: {bearer: "${PRIMARY_TOKEN}"}, success: {match: OK}}}
    ```

    Good:
    ```yaml
    gateways: {primary: {timeout: 5s}}
    ```

    Fix: remove `base_url`, or name the provider's live host.

    Sources: the provider pack, `hosts`.
    """
    own = gateway.present("request.url")
    inside = unreachable(url(own.text).host) if own is not None and sound(own) and gateway.manifest.profile != "test" else None
    if own is not None and inside and url(own.text).host:
        yield Fault(message=f"{label(own)} {inside}: `{gateway.name}` would not reach its gateway from where it is deployed.", at=own,
                    severity="warning", fix=Fix("name the gateway's public host"))
    peer = gateway.present("host")
    if peer is not None and sound(peer) and gateway.manifest.profile != "test" and re.search(NOBODY, peer.text.lower()):
        yield Fault(message=f"{label(peer)} is {quoted(peer.text)}, the machine itself or a simulator: `{gateway.name}` reaches no phone through it.",
                    at=peer, fix=Fix("name the host of the provider"))
    setting = gateway.present("base_url")
    if setting is None or gateway.pack is None or not sound(setting):
        return
    target = url(setting.text if "://" in setting.text else f"https://{setting.text}")
    host = gateway_host(gateway, target.host)
    inside = unreachable(target.host)
    if inside:
        if gateway.manifest.profile != "test":
            yield Fault(message=f"{label(setting)} {inside}: `{gateway.name}` would not reach {gateway.title}.", at=setting,
                        fix=Fix("remove the setting: the SDK knows the live host"))
        return
    if host is None:
        known = [h.name for h in gateway.pack.provider.hosts if h.kind == "live" and gateway.product in h.product]
        yield Fault(
            message=f"{label(setting)} names {quoted(target.host)}, which is no host of {gateway.title}"
            + (f" (it answers on {listed(dict.fromkeys(known))})" if known else "") + ".",
            at=setting, confidence="medium", fix=Fix("remove the setting, or name the provider's host",
                                                     replacement=_closest(target.host, known, setting.text)),
        )
        return
    if host.kind == "sandbox" and gateway.manifest.profile == "production":
        yield Fault(message=f"{label(setting)} names {quoted(target.host)}, a sandbox"
                    f"{f' ({host.purpose})' if host.purpose else ''}: it delivers nothing.", at=setting,
                    fix=Fix("name the live host"))
    if host.kind == "legacy" and host.purpose:
        yield Fault(message=f"{label(setting)} names {quoted(target.host)} ({host.purpose}).", at=setting, severity="warning",
                    confidence="medium", fix=Fix("name the live host"), discriminator="legacy")
    live = {known.product for known in gateway.pack.provider.hosts if known.kind == "live"}
    named = {known.product for known in gateway.pack.provider.hosts if _is_host(known, target.host)}
    if gateway.product in live and gateway.product not in named:
        yield Fault(message=f"{label(setting)} names {quoted(target.host)}, which serves {listed(sorted(named))}, not {gateway.product}.",
                    at=setting, fix=Fix("name the host of the product, or remove the setting"), discriminator="product")
    region, lives = gateway.text("region"), gateway.account.account.region
    called = host.region or _region_in(host, target.host)
    if called and (region or lives) and called != (region or lives):
        said = f"`region` is {region}" if region else f"the account lives in {lives}"
        yield Fault(message=f"{label(setting)} names a host of {called}, but {said}.", at=setting,
                    fix=Fix("make the two agree"), discriminator="region")
    spec = gateway.spec("base_url")
    form = spec.pattern if spec is not None else None
    if form and re.search(form, setting.text):
        return
    if form and spec is not None and spec.example:
        path = url(spec.example).path
        yield Fault(message=f"{label(setting)} is {quoted(setting.text)}: clients of {gateway.title} put their paths behind it as it"
                    f" stands, so it has to be {quoted(spec.example)}, or another host of its with {path or 'no path'}.", at=setting,
                    fix=Fix(f"end it in {path}", replacement=f"https://{target.host}{path}"), discriminator="form")
        return
    doubled = target.path.strip("/")
    if doubled and any(path.strip("/").startswith(doubled.split("/")[0]) for path in loading.openapi(gateway.pack)["paths"]):
        yield Fault(message=f"{label(setting)} ends in the path /{doubled}, which the client adds itself: it would stand"
                    " twice.", at=setting, confidence="medium", severity="warning", fix=Fix("stop after the host"))
    if not doubled and form:
        yield Fault(message=f"{label(setting)} is {quoted(setting.text)}: clients of {gateway.title} put their paths behind it as it"
                    " stands, so it has to be https, the host and nothing else.", at=setting,
                    fix=Fix("https and the host, no slash at the end", replacement=f"https://{target.host}"), discriminator="form")


def gateway_host(gateway: GatewaySubject, name: str) -> Host | None:
    """The provider's host of that name; `{region}` and `{edge}` in a pack stand for one label."""
    return next((host for host in (gateway.pack.provider.hosts if gateway.pack else ()) if _is_host(host, name)), None)


def _is_host(host: Host, name: str) -> bool:
    return re.fullmatch(re.sub(r"\\\{\w+\\\}", "[a-z0-9-]+", re.escape(host.name)), name) is not None


def _region_in(host: Host, name: str) -> str | None:
    """The region that a name with a `{region}` part carries."""
    pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[a-z0-9-]+)", re.escape(host.name))
    found = re.fullmatch(pattern, name)
    return found.groupdict().get("region") if found else None


def _closest(host: str, known: list[str], text: str) -> str | None:
    close = nearest(host, known)
    return text.replace(host, close) if close and host else None


@rule("EP005", "allow-list-private", severity="warning")
def allow_list_private(gateway: GatewaySubject) -> Iterator[Fault]:
    """The provider's list of allowed callers holds private addresses only.

    Why: the provider sees the public address behind which the service calls; an inside address never matches, and
    every call is refused.

    Bad:
    ```account primary
    ip_allowlist: ["10.0.3.7"]
    ```

    Good:
    ```account primary
    ip_allowlist: ["8.8.8.8"]
    ```

    Fix: list the public egress addresses.

    Sources: RFC 1918; account state, `ip_allowlist`.
    """
    listed_ = gateway.account.ip_allowlist
    if listed_ and all(unreachable(address.partition("/")[0]) for address in listed_):
        yield Fault(message=f"the account of `{gateway.name}` admits {listed(listed_)} only, which are private addresses: calls come"
                    " from a public one.", at=gateway.account_span("ip_allowlist"), fix=Fix("list the public egress addresses"))


@rule("EP003", "edge-and-region", severity="warning")
def edge_and_region(gateway: GatewaySubject) -> Iterator[Fault]:
    """Region and edge do not belong together.

    Why: the host name is built from both; a pair that does not exist is no host, and a region without its edge is a
    deprecated form.

    Bad:
    ```yaml
    gateways: {primary: {region: ie1, edge: sydney}}
    ```

    Good:
    ```yaml
    gateways: {primary: {region: us1, edge: ashburn}}
    ```

    Fix: name both, of the same place.

    Sources: the provider pack, `regions`.
    """
    regions = {region.id: region for region in gateway.pack.provider.regions} if gateway.pack else {}
    setting, edge = gateway.present("region"), gateway.present("edge")
    region = regions.get(setting.text) if setting else None
    if setting is None or region is None or not region.edges:
        return
    if edge is None and not region.default:
        yield Fault(message=f"{label(setting)} sets the region {region.id} without an `edge`.", at=setting,
                    fix=Fix(f"add `edge: {region.edges[0]}`"))
    elif edge is not None and edge.text not in region.edges and any(edge.text in other.edges for other in regions.values()):
        yield Fault(message=f"{label(edge)} is {quoted(edge.text)}, which is not an edge of {region.id}"
                    f" ({listed(region.edges)}).", at=edge, fix=Fix(f"set the edge to {region.edges[0]}",
                                                                   replacement=region.edges[0]))


@rule("EP004", "region-unknown")
def region_unknown(gateway: GatewaySubject) -> Iterator[Fault]:
    """The region does not exist, or does not have the product.

    Why: the host name is built from it, and no such host answers, or one that sends no texts.

    Bad:
    ```yaml
    gateways: {primary: {region: eu1}}
    ```

    Good:
    ```yaml
    gateways: {primary: {region: us1}}
    ```

    Fix: name a region of the provider.

    Sources: the provider pack, `regions`.
    """
    setting = gateway.present("region")
    known = [region.id for region in gateway.pack.provider.regions if gateway.product not in region.without] if gateway.pack else []
    if setting is None or not known or not sound(setting) or setting.text in known:
        return
    close = nearest(setting.text, known)
    if gateway.pack is not None and any(region.id == setting.text for region in gateway.pack.provider.regions):
        yield Fault(message=f"{label(setting)} is {quoted(setting.text)}, where {gateway.title} has no {gateway.product}.", at=setting,
                    fix=Fix("name a region that has the product", replacement=close))
        return
    yield Fault(message=f"{label(setting)} is {quoted(setting.text)}: {gateway.title} has the regions {listed(known)}.",
                at=setting, fix=Fix(f"name one of {listed(known, word='or')}", replacement=close))
