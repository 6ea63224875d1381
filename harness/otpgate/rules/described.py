"""TP, SV, EP, EX, CR, SN, WH: does the description of a gateway that nobody else knows hold together?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from otpgate.config.model import Setting
from otpgate.findings import Fix, Span
from otpgate.rules.registry import Fault, rule
from otpgate.rules.subjects import GatewaySubject
from otpgate.rules.words import label, listed, quoted

if TYPE_CHECKING:
    from otpgate_contracts.description import Description


def description(gateway: GatewaySubject) -> Description | None:
    """What the gateway says of itself; None where its provider is known."""
    return gateway.pack.description if gateway.pack is not None else None


def at(gateway: GatewaySubject, path: str) -> Setting | Span:
    return gateway.gateway.setting_at(path) or gateway.gateway.span


def flawed(gateway: GatewaySubject, *kinds: str) -> Iterator[Fault]:
    """One fault for each flaw of these kinds."""
    about = description(gateway)
    for flaw in about.flaws if about is not None else ():
        place = at(gateway, flaw.path)
        if flaw.kind in kinds and not (isinstance(place, Setting) and place.undefined):
            yield Fault(
                message=f"`gateways.{gateway.name}.{flaw.path}`: {flaw.message}.", at=place, discriminator=flaw.path + flaw.message,
                fix=Fix(flaw.hint or "correct the description"),
            )


@rule("TP014", "request-unmapped")
def request_unmapped(gateway: GatewaySubject) -> Iterator[Fault]:
    """Nothing in the described request carries the destination, or the text.

    The map is empty, a partial update erased it, or the placeholder was never written.

    Why: the gateway gets a request without a number or without a code; many answer 200 to that as well.

    Bad:
    ```yaml
    gateways: {own: {provider: http, request: {method: POST, url: "https://sms.acme.example/send", json: {}}, success: {match: OK}}}
    ```
    or
    ```yaml
    gateways: {own: {provider: http, request: {url: "https://sms.acme.example/send", form: {to: "{to}", type: otp}}, success: {match: OK}}}
    ```

    Good:
    ```yaml
    gateways: {own: {provider: http, request: {url: "https://sms.acme.example/send", form: {to: "{to}", text: "{text}"}}, auth: {bearer: "${PRIMARY_TOKEN}"}, success: {match: OK}}}
    ```

    Fix: add a field with {to}, and one with {text} or {code}.

    Sources: the manifest reference, `request`; authentik issue 5629; Auth0, custom SMS gateway.
    """
    yield from flawed(gateway, "unmapped")


@rule("TP015", "request-placeholder-unknown")
def request_placeholder_unknown(gateway: GatewaySubject) -> Iterator[Fault]:
    """The described request holds a placeholder that nothing fills.

    Why: it is sent as it stands: the gateway is asked to text `{phone}`, or users read `{message}`.

    Bad:
    ```yaml
    gateways: {own: {provider: http, request: {url: "https://sms.acme.example/send", form: {to: "{to}", phone: "{phone}", text: "{text}"}}, auth: {bearer: "${PRIMARY_TOKEN}"}, success: {match: OK}}}
    ```
    or
    ```yaml
    gateways: {own: {provider: http, request: {url: "https://sms.acme.example/send", form: {to: "{to}", text: "{{text}}"}}, auth: {bearer: "${PRIMARY_TOKEN}"}, success: {match: OK}}}
    ```

    Good:
    ```yaml
    gateways: {own: {provider: http, request: {url: "https://sms.acme.example/send", form: {to: "{to}", text: "{text}"}}, auth: {bearer: "${PRIMARY_TOKEN}"}, success: {match: OK}}}
    ```

    Fix: use {to}, {sender}, {text}, {code} or {callback}.

    Sources: the manifest reference, `request`.
    """
    yield from flawed(gateway, "unknown_placeholder")


@rule("TP016", "payload-broken")
def payload_broken(gateway: GatewaySubject) -> Iterator[Fault]:
    """The described payload is no JSON, or puts quotes of its own around a placeholder.

    Why: an encoding switch or a careless template doubles the quotes: the gateway answers 400, or the number it gets has quotes in it.

    Bad:
    ```yaml
    gateways: {own: {provider: http, request: {url: "https://sms.acme.example/send", json: '{"to": "{to}", "text": ""{text}""}'}, auth: {bearer: "${PRIMARY_TOKEN}"}, success: {match: OK}}}
    ```
    or
    ```yaml
    gateways: {own: {provider: http, request: {url: "https://sms.acme.example/send", form: {to: '"{to}"', text: "{text}"}}, auth: {bearer: "${PRIMARY_TOKEN}"}, success: {match: OK}}}
    ```

    Good:
    ```yaml
    gateways: {own: {provider: http, request: {url: "https://sms.acme.example/send", json: '{"to": "{to}", "text": "{text}"}'}, auth: {bearer: "${PRIMARY_TOKEN}"}, success: {match: OK}}}
    ```

    Fix: quote every placeholder once.

    Sources: WSO2 product-is issue 15807; RFC 8259.
    """
    yield from flawed(gateway, "not_json", "quoted_placeholder")


@rule("TP017", "description-unusable")
def description_unusable(gateway: GatewaySubject) -> Iterator[Fault]:
    """A deployed part of a gateway's description cannot be read.

    Why: what is deployed there is no URL, method, status or pattern, so no request leaves the service, or no answer is understood.

    Bad:
    ```env
    OWN_URL=sms.acme.example/send
    ```
    ```yaml
    gateways: {own: {provider: http, request: {url: "${OWN_URL}", form: {to: "{to}", text: "{text}"}}, auth: {bearer: "${PRIMARY_TOKEN}"}, success: {match: OK}}}
    ```

    Good:
    ```env
    OWN_URL=https://sms.acme.example/send
    ```
    ```yaml
    gateways: {own: {provider: http, request: {url: "${OWN_URL}", form: {to: "{to}", text: "{text}"}}, auth: {bearer: "${PRIMARY_TOKEN}"}, success: {match: OK}}}
    ```

    Fix: deploy what the key takes.

    Sources: the manifest reference, `request` and `success`.
    """
    yield from flawed(gateway, "shape")
    about = description(gateway)
    if about is not None and about.host and not about.answerable:
        yield Fault(
            message=f"no answer could satisfy `success` and `message_id` of `{gateway.name}` together: every send counts as failed.",
            at=at(gateway, "success.match"), discriminator="answer", fix=Fix("make the pattern and the place of the id fit one answer"),
        )


@rule("EP008", "body-with-get")
def body_with_get(gateway: GatewaySubject) -> Iterator[Fault]:
    """The described request is a GET with a body.

    Why: clients drop such a body and servers and proxies ignore it: the gateway sees a request without number and text.

    Bad:
    ```yaml
    gateways: {own: {provider: http, request: {method: GET, url: "https://sms.acme.example/send", form: {to: "{to}", text: "{text}"}}, auth: {bearer: "${PRIMARY_TOKEN}"}, success: {match: OK}}}
    ```

    Good:
    ```yaml
    gateways: {own: {provider: http, request: {method: GET, url: "https://sms.acme.example/send", query: {to: "{to}", text: "{text}"}}, auth: {bearer: "${PRIMARY_TOKEN}"}, success: {match: OK}}}
    ```

    Fix: use POST, or move the fields to `query`.

    Sources: RFC 9110, 9.3.1.
    """
    yield from flawed(gateway, "body_with_get")


@rule("SV003", "success-unconditional", severity="warning")
def success_unconditional(gateway: GatewaySubject) -> Iterator[Fault]:
    """Any 2xx answer of a described gateway counts as sent.

    Why: gateways of this kind answer 200 with the error in the body; without a condition on the body the service reports success, and
    nothing contradicts it.

    Bad:
    ```yaml
    gateways: {own: {provider: http, request: {url: "https://sms.acme.example/send", form: {to: "{to}", text: "{text}"}}, auth: {bearer: "${PRIMARY_TOKEN}"}, success: {status: 200}}}
    ```
    or
    ```yaml
    gateways: {own: {provider: http, request: {url: "https://sms.acme.example/send", form: {to: "{to}", text: "{text}"}}, auth: {bearer: "${PRIMARY_TOKEN}"}, success: {match: ".*"}}}
    ```

    Good:
    ```yaml
    gateways: {own: {provider: http, request: {url: "https://sms.acme.example/send", form: {to: "{to}", text: "{text}"}}, auth: {bearer: "${PRIMARY_TOKEN}"}, success: {status: 200, match: "^OK"}}}
    ```

    Fix: say with `success.match` what the body of a success holds, or with `message_id` where its id stands.

    Sources: 55 % of the collected misconfigurations are silent; the manifest reference, `success`.
    """
    about = description(gateway)
    if about is None or not about.fields or not about.unconditional:
        return
    if about.match is None and about.message_id is not None:
        return
    why = "has no `success.match`" if about.match is None else f"has the `success.match` {quoted(str(about.match))}, which any body fits"
    yield Fault(
        message=f"`{gateway.name}` {why}: an error inside a 200 is taken for a message that was sent.",
        at=at(gateway, "success.match"), fix=Fix("say what the body of a success holds, as in match: {status: OK}"),
    )


@rule("EX005", "secret-in-query", severity="warning")
def secret_in_query(gateway: GatewaySubject) -> Iterator[Fault]:
    """A described gateway is called with its secret in the URL.

    Why: URLs stand in the log of every proxy and server on the way, and of the service itself.

    Bad:
    ```yaml
    gateways: {own: {provider: http, request: {url: "https://sms.acme.example/send?user=acme&password=${PRIMARY_TOKEN}&to={to}&text={text}"}, success: {match: OK}}}
    ```
    or
    ```yaml
    gateways: {own: {provider: http, request: {url: "https://sms.acme.example/send", form: {to: "{to}", text: "{text}"}}, auth: {query: {api_key: "${PRIMARY_TOKEN}"}}, success: {match: OK}}}
    ```

    Good:
    ```yaml
    gateways: {own: {provider: http, request: {url: "https://sms.acme.example/send", form: {to: "{to}", text: "{text}"}}, auth: {header: {X-Api-Key: "${PRIMARY_TOKEN}"}}, success: {match: OK}}}
    ```

    Fix: send it in a header or in the body, where the gateway takes it there; otherwise keep URLs out of the logs.

    Sources: OWASP, Information exposure through query strings in URL; RFC 9110, 17.9.
    """
    about = description(gateway)
    if about is None:
        return
    for name, setting in gateway.gateway.settings.items():
        spec = gateway.spec(name)
        if setting.present and spec is not None and spec.kind == "secret" and any(wire.startswith("query:") for wire in spec.wire):
            parameter = spec.wire[0].partition(":")[2]
            yield Fault(
                message=f"{label(setting)} travels in the URL, as the parameter `{parameter}` of every call of `{gateway.name}`: every proxy logs it.",
                at=setting, fix=Fix("send it in a header or in the body"), discriminator=name,
            )
    if "@" in about.url.partition("://")[2].partition("/")[0]:
        yield Fault(
            message=f"the URL of `{gateway.name}` holds a user and a password before its host: they end up in logs, and some clients drop them.",
            at=at(gateway, "request.url"), fix=Fix("use auth: {basic: {username, password}}"), discriminator="userinfo",
        )


@rule("CR020", "request-unauthenticated", confidence="medium")
def request_unauthenticated(gateway: GatewaySubject) -> Iterator[Fault]:
    """A described gateway is called without any credential.

    Why: a header is named and holds no secret, or nothing authenticates at all: the gateway refuses every call, or anybody may send.

    Bad:
    ```yaml
    gateways: {own: {provider: http, request: {url: "https://sms.acme.example/send", form: {to: "{to}", text: "{text}"}}, success: {match: OK}}}
    ```
    or
    ```yaml
    gateways: {own: {provider: http, request: {url: "https://sms.acme.example/send", form: {to: "{to}", text: "{text}"}}, auth: {header: {}}, success: {match: OK}}}
    ```

    Good:
    ```yaml
    gateways: {own: {provider: http, request: {url: "https://sms.acme.example/send", form: {to: "{to}", text: "{text}"}}, auth: {header: {X-Api-Key: "${PRIMARY_TOKEN}"}}, success: {match: OK}}}
    ```

    Fix: describe `auth`, or the field of the request that holds the secret.

    Sources: Frappe issue 23786 (a header that is not passed on); the manifest reference, `auth`.
    """
    about = description(gateway)
    if about is None or not about.fields or gateway.manifest.profile == "test":
        return
    if any(scheme.secret for scheme in gateway.schemes):
        return
    named = f"`auth.{about.auth}` names no secret" if about.auth else "nothing in `auth` or `request` holds a secret"
    yield Fault(
        message=f"{named}, so calls of `{gateway.name}` carry no credential.", at=at(gateway, "auth"),
        fix=Fix("describe `auth`, as in {header: {X-Api-Key: ${NAME}}}"),
    )


@rule("SN014", "sender-not-carried", severity="warning")
def sender_not_carried(gateway: GatewaySubject) -> Iterator[Fault]:
    """A described gateway has a sender that its request does not carry.

    Why: the gateway then uses a sender of its own, which users do not know and some countries do not take.

    Bad:
    ```yaml
    gateways: {own: {provider: http, sender: "+12025550143", request: {url: "https://sms.acme.example/send", form: {to: "{to}", text: "{text}"}}, auth: {bearer: "${PRIMARY_TOKEN}"}, success: {match: OK}}}
    ```

    Good:
    ```yaml
    gateways: {own: {provider: http, sender: "+12025550143", request: {url: "https://sms.acme.example/send", form: {to: "{to}", from: "{sender}", text: "{text}"}}, auth: {bearer: "${PRIMARY_TOKEN}"}, success: {match: OK}}}
    ```

    Fix: add a field with {sender}, or remove `sender`.

    Sources: the manifest reference, `request`.
    """
    about, setting = description(gateway), gateway.present("sender")
    if about is None or setting is None or "sender" in about.carried or not about.fields:
        return
    fixed = {str(one.template) for one in about.fields}
    if any(one.text in fixed for one in gateway.gateway.senders().values()):
        return
    yield Fault(
        message=f"`{gateway.name}` has the sender {quoted(setting.text)}, and no field of its request carries {{sender}}.", at=setting,
        fix=Fix("add a field with {sender}, or remove `sender`"),
    )


@rule("WH013", "receipt-description-unfit")
def receipt_description_unfit(gateway: GatewaySubject) -> Iterator[Fault]:
    """The described receipts cannot be told apart, or matched with their message.

    Why: without an id a receipt belongs to no message; without words for failure, or with one word for both, an undelivered code looks
    delivered and nothing fails over.

    Bad:
    ```yaml
    gateways: {own: {provider: http, status_callback: "https://otp.example.com/hooks/own", request: {url: "https://sms.acme.example/send", form: {to: "{to}", text: "{text}"}}, auth: {bearer: "${PRIMARY_TOKEN}"}, success: {match: OK}, message_id: id, receipt: {status: st, delivered: "1", failed: ["2"]}}}
    ```
    or
    ```yaml
    gateways: {own: {provider: http, status_callback: "https://otp.example.com/hooks/own", request: {url: "https://sms.acme.example/send", form: {to: "{to}", text: "{text}"}}, auth: {bearer: "${PRIMARY_TOKEN}"}, success: {match: OK}, message_id: id, receipt: {id: id, status: st, delivered: ["1", "2"], failed: ["2"]}}}
    ```
    or
    ```yaml
    gateways: {own: {provider: http, status_callback: "https://otp.example.com/hooks/own", request: {url: "https://sms.acme.example/send", form: {to: "{to}", text: "{text}"}}, auth: {bearer: "${PRIMARY_TOKEN}"}, success: {match: OK}, receipt: {id: id, status: st, delivered: "1", failed: ["2"]}}}
    ```

    Good:
    ```yaml
    gateways: {own: {provider: http, status_callback: "https://otp.example.com/hooks/own", request: {url: "https://sms.acme.example/send", form: {to: "{to}", text: "{text}"}}, auth: {bearer: "${PRIMARY_TOKEN}"}, success: {match: OK}, message_id: id, receipt: {id: id, status: st, delivered: "1", failed: ["2"]}}}
    ```

    Fix: name the fields of id and status, and words for delivered and failed that differ.

    Sources: the manifest reference, `receipt`.
    """
    about = description(gateway)
    receipt = about.receipt if about is not None else None
    if about is None or receipt is None:
        return
    absent = [name for name in ("id", "status", "delivered", "failed") if not getattr(receipt, name)]
    if absent:
        yield Fault(
            message=f"the receipts of `{gateway.name}` are described without {listed(f'`{name}`' for name in absent)}.",
            at=at(gateway, f"receipt.{absent[0]}"), fix=Fix(f"add {listed(absent)} to `receipt`"), discriminator="absent",
        )
    both = [word for word in receipt.failed if word in receipt.delivered]
    if both:
        yield Fault(
            message=f"{listed(map(quoted, both))} stands for both delivered and failed in the receipts of `{gateway.name}`.",
            at=at(gateway, "receipt.failed"), fix=Fix("keep it in one of the two"), discriminator="both",
        )
    if about.message_id is None:
        yield Fault(
            message=f"receipts of `{gateway.name}` name a message by its id, and no `message_id` says where the answer holds it.",
            at=at(gateway, "receipt.id"), fix=Fix("add `message_id`"), discriminator="message_id",
        )
