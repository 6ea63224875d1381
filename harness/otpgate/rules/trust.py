"""TL: is the provider's certificate checked, everywhere?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from otpgate.findings import Fix
from otpgate.rules.registry import Fault, rule
from otpgate.rules.subjects import GatewaySubject, ServiceSubject
from otpgate.rules.switches import NO, ON, parts
from otpgate.rules.values import ONE_MACHINE, is_on, sound
from otpgate.rules.words import label, quoted

DEBUGGING_PROXY = r"mitmproxy|charles|fiddler|burp"

# Words of variables by which a client stops checking certificates.
TRUST = frozenset({"ssl", "tls", "https", "pythonhttpsverify", "cert", "certs", "certificate", "certificates", "verifypeer", "verifyhost", "unauthorized"})
CLIENTS = frozenset({"curl", "curlopt", "guzzle", "requests", "httpx", "axios", "urllib", "httpclient", "faraday"})
CHECKS = frozenset({"verify", "verification", "validate", "validation", "check", "strict", "reject", "verifypeer", "verifyhost", "pythonhttpsverify"})
AVOIDS = frozenset({"insecure", "skip", "disable", "disabled", "ignore", "bypass", "no", "without", "unverified"})
OTHER_PEERS = frozenset({
    "git", "pip", "npm", "yarn", "svn", "hg", "db", "database", "redis", "postgres", "postgresql", "pg", "mysql", "mariadb", "mongo", "mongodb", "kafka",
    "rabbitmq", "amqp", "elastic", "elasticsearch", "opensearch", "smtp", "mail", "email", "ldap", "imap", "vault", "consul", "etcd", "minio", "docker",
    "memcached", "cassandra", "mqtt", "nats", "sentry", "clickhouse", "grpc", "kube", "kubernetes", "webhook", "signature", "mtls", "ws",
})
# In the options of a runtime: its own switches against trust, a protocol nobody offers any more, or a trust store of one machine.
OPTIONS = r"--tls-max-v1\.[01]\b|-D(?:https\.protocols|jdk\.tls\.client\.protocols)=(?:SSLv3|TLSv1(?:\.[01])?)(?:,(?:SSLv3|TLSv1(?:\.[01])?))*(?![\w.,])|disableHostnameVerification(?:=true)?\b|-Djavax\.net\.ssl\.trustStore=(?:/tmp/|/home/|/Users/)\S*|trust_?all\w*=true"


EMPTY_BUNDLES = frozenset({"REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"})
OUTDATED = r"sslv?[23](?:\.0)?|tlsv?[-_ .]?1(?:[._][01])?|1[._][01]"


@rule("TL001", "tls-not-verified")
def tls_not_verified(gateway: GatewaySubject) -> Iterator[Fault]:
    """The provider's certificate is not checked.

    Why: anybody on the way can read the codes and the credentials; the setting usually outlives the day it helped.

    Bad:
    ```yaml
    gateways: {primary: {verify_tls: false}}
    ```

    Good:
    ```yaml
    gateways: {primary: {verify_tls: true}}
    ```

    Fix: switch verification on; trust a private authority through `ca_bundle`.

    Sources: RFC 9325, section 4; RFC 9110, section 4.3.4.
    """
    setting = gateway.present("verify_tls")
    if setting is not None and not is_on(setting.value):
        yield Fault(message=f"{label(setting)} switches the certificate check of `{gateway.name}` off.", at=setting,
                    severity="warning" if gateway.manifest.profile == "test" else None,
                    fix=Fix("switch it on", replacement="true"))


@rule("TL002", "ca-bundle-out-of-place", severity="warning", confidence="medium")
def ca_bundle_out_of_place(gateway: GatewaySubject) -> Iterator[Fault]:
    """The CA bundle lies where no deployment has it.

    Why: the file of a developer's machine is missing in production, and every call ends in a TLS error.

    Bad:
    ```yaml
    gateways: {primary: {ca_bundle: /home/dev/certs/ca.pem}}
    ```

    Good:
    ```yaml
    gateways: {primary: {ca_bundle: /etc/ssl/certs/ca-certificates.crt}}
    ```

    Fix: ship the bundle with the service, or use the system's.

    Sources: the manifest reference, `ca_bundle`.
    """
    setting = gateway.present("ca_bundle")
    if setting is None or gateway.manifest.profile == "test":
        return
    if not sound(setting) or re.match(ONE_MACHINE, setting.text):
        yield Fault(message=f"{label(setting)} is {quoted(setting.text)}, a place of one machine.", at=setting,
                    fix=Fix("ship the bundle with the service"))


@rule("TL005", "trust-store-out-of-place", scope="service", severity="warning", confidence="medium", profiles=("production", "staging"))
def trust_store_out_of_place(service: ServiceSubject) -> Iterator[Fault]:
    """A deployed variable names a CA bundle where no deployment has it.

    Why: the runtime reads it for every call; a file of one machine is missing elsewhere, and the certificate of a debugging proxy
    lets that proxy read the codes.

    Bad:
    ```env
    REQUESTS_CA_BUNDLE=/Users/dev/.mitmproxy/ca.pem
    ```

    Good:
    ```env
    REQUESTS_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt
    ```

    Fix: remove the variable, or ship the bundle with the service.

    Sources: the runtimes' documentation of these variables.
    """
    for name, entry in service.manifest.environment.items():
        proxied = name.upper().endswith("_PROXY") and re.search(DEBUGGING_PROXY, entry.value.lower())
        if proxied:
            yield Fault(message=f"`{name}` is {quoted(entry.value.strip())}, a debugging proxy: it reads every code.", at=entry.span,
                        fix=Fix("remove it"))
        words = frozenset(parts(name))
        ours = words & {"ca", "cert", "certs", "certificate", "cacert", "truststore"} and words & {"sms", "otp", "gateway", "provider"}
        bundle = name in {"SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS"} or name.endswith("_CA_BUNDLE") or bool(ours)
        if bundle and re.search(ONE_MACHINE + "|" + DEBUGGING_PROXY, entry.value.strip()):
            yield Fault(message=f"`{name}` is {quoted(entry.value.strip())}, a place of one machine or a debugging proxy.", at=entry.span,
                        fix=Fix("remove it, or ship the bundle with the service"))


@rule("TL003", "plain-http")
def plain_http(gateway: GatewaySubject) -> Iterator[Fault]:
    """Calls to the provider are not encrypted.

    Why: codes and credentials travel in the clear; providers refuse or redirect plain http.

    Bad:
    ```yaml
    gateways: {primary: {base_url: "http://sms.example.com"}}
    ```
    or
    ```yaml
    gateways: {own: {provider: http, request: {url: "http://sms.acme.example/send", form: {to: "{to}", text: "{text}"}}, auth: {bearer: "${PRIMARY_TOKEN}"}, success: {match: OK}}}
    ```

    Good:
    ```yaml
    gateways: {primary: {timeout: 5s}}
    ```

    Fix: use https.

    Sources: the provider pack, `hosts`.
    """
    for name in ("base_url", "request.url"):
        setting = gateway.present(name)
        if setting is not None and setting.text.lower().startswith("http:") and gateway.manifest.profile != "test":
            yield Fault(message=f"{label(setting)} is plain http: codes and credentials of `{gateway.name}` travel in the clear.",
                        at=setting, fix=Fix("use https", replacement="https" + setting.text[4:]))


@rule("TL004", "tls-switched-off-by-environment", scope="service")
def tls_switched_off_by_environment(service: ServiceSubject) -> Iterator[Fault]:
    """A deployed variable switches certificate checks off for the whole process, or keeps it at a protocol nobody offers any more.

    Why: it holds for every call the service makes, the one with the code included.

    Bad:
    ```env
    NODE_TLS_REJECT_UNAUTHORIZED=0
    ```
    or
    ```env
    SMS_TRUST_ALL_CERTIFICATES=true
    ```
    or
    ```env
    JAVA_TOOL_OPTIONS=-Xmx512m -Dhttps.protocols=TLSv1,TLSv1.1
    ```
    or
    ```env
    SMS_TLS_MAX_VERSION=1.1
    ```

    Good:
    ```env
    NODE_EXTRA_CA_CERTS=/etc/ssl/private-ca.pem
    ```

    Fix: remove the variable; trust a private authority by its certificate.

    Sources: Node.js command-line documentation; PEP 493.
    """
    for name, entry in service.manifest.environment.items():
        if any(entry in setting.entries for setting in service.all_settings):
            continue
        told = re.search(OPTIONS, entry.value) if name.endswith(("_OPTS", "_OPTIONS")) else None
        words, value = frozenset(parts(name)), entry.value.strip().lower()
        if told is not None:
            yield Fault(message=f"`{name}` holds {quoted(told.group(0))}: the runtime trusts whom no deployment should trust.", at=entry.span,
                        fix=Fix("remove it"))
        elif name in EMPTY_BUNDLES and not value:
            yield Fault(message=f"`{name}` is empty: older clients that read it check no certificate then.", at=entry.span, severity="warning",
                        confidence="medium", fix=Fix("remove it"))
        elif words & {"tls", "ssl"} and words & {"version", "protocol", "protocols", "max"} and not words & OTHER_PEERS and re.fullmatch(OUTDATED, value):
            yield Fault(message=f"`{name}` is {quoted(entry.value.strip())}: providers take TLS 1.2 and newer, and end every other handshake.",
                        at=entry.span, severity="warning" if "min" in words else None, fix=Fix("allow TLS 1.2 and newer", "1.2"))
        elif distrusts(words, value):
            yield Fault(message=f"`{name}` switches certificate checks off for the whole service.", at=entry.span,
                        severity="warning" if service.manifest.profile == "test" else None, fix=Fix("remove it"))


def distrusts(words: frozenset[str], value: str) -> bool:
    """Whether a variable of these words switches certificate checks of the service's own calls off."""
    trust = bool(words & TRUST) or {"insecure", "skip", "verify"} <= words
    if {"trust", "all"} <= words and trust and not words & OTHER_PEERS:
        return value in ON
    if words & OTHER_PEERS or not (trust or words & CLIENTS):
        return False
    if words & AVOIDS:
        return value in ON and (trust or "insecure" in words)
    return bool(words & CHECKS) and value in NO | {"none", "verify_none"}
