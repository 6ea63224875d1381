"""EV: what the service is told about where it runs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from otpgate.findings import Fix, Span
from otpgate.rules.beside import unread
from otpgate.rules.environments import ELSEWHERE, SANDBOXES, TUNNELS
from otpgate.rules.registry import Fault, rule
from otpgate.rules.subjects import ServiceSubject
from otpgate.rules.switches import ON, parts
from otpgate.rules.values import url
from otpgate.rules.words import quoted

RUNTIMES = frozenset({
    "NODE_ENV", "APP_ENV", "ENV", "ENVIRONMENT", "RAILS_ENV", "RACK_ENV", "FLASK_ENV", "DJANGO_ENV", "GO_ENV", "MIX_ENV",
    "ASPNETCORE_ENVIRONMENT", "DOTNET_ENVIRONMENT", "SPRING_PROFILES_ACTIVE", "DEPLOY_ENV", "DEPLOYMENT_ENVIRONMENT", "STAGE",
    "DEPLOYMENT", "DJANGO_SETTINGS_MODULE", "DJANGO_CONFIGURATION", "SERVER_ENV", "APPLICATION_ENV", "QUARKUS_PROFILE", "MICRONAUT_ENVIRONMENTS",
})
TELLING = ("_ENV", "_ENVIRONMENT", "_PROFILE", "_STAGE")
ELSEWHERE_FILES = frozenset({"example", "sample", "dist", "staging", "stage", "dev", "development", "test", "testing", "qa", "uat", "sandbox"})
OWN = frozenset({"app", "site", "public", "external", "base", "root", "webhook", "callback", "baseurl", "api", "service", "server"})
ADDRESSES = OWN | {"url", "domain", "origin", "uri", "host", "gotrue", "zitadel", "otp", "sms", "auth"}
DEBUGGING = frozenset({"DEBUG", "APP_DEBUG", "FLASK_DEBUG", "DJANGO_DEBUG", "RAILS_DEBUG", "WERKZEUG_DEBUG"})


@rule("EV010", "runtime-of-another-environment", scope="service", severity="warning", profiles=("production",))
def runtime_of_another_environment(service: ServiceSubject) -> Iterator[Fault]:
    """The service is told that it runs in development, test or staging.

    Why: frameworks choose mail and SMS sinks, test credentials and verbose logs by this word.

    Bad:
    ```env
    NODE_ENV=development
    ```
    or
    ```env
    DJANGO_SETTINGS_MODULE=acme.settings.dev
    ```
    or
    ```env
    DEBUG=True
    ```
    or
    ```yaml
    service: {environment: [deploy/production.env, deploy/.env.example]}
    ```
    ```file deploy/.env.example
    LOG_FORMAT=json
    ```

    Good:
    ```env
    NODE_ENV=production
    ```

    Fix: deploy the production word, or set `profile` to what this deployment is.

    Sources: the frameworks' documentation.
    """
    for file in service.manifest.environment_files:
        path = file.partition("#")[0]
        hit = next((word for word in re.split(r"[._-]", path.rpartition("/")[2].lower()) if word in ELSEWHERE_FILES), None)
        if hit:
            yield Fault(message=f"the environment is read from {quoted(path)}, a file of {quoted(hit)} by its name; the manifest says"
                        " production.", at=Span(file=path, key=hit), fix=Fix("name the file that production runs with"), discriminator=path)
    for name, entry in service.manifest.environment.items():
        words = set(re.split(r"[,.:;\s]+", entry.value.strip().lower()))
        hit = next(iter(sorted(words & (SANDBOXES | {"local", "stage", "qa", "uat"}))), None)
        if hit and (name in RUNTIMES or (len(words) == 1 and name.upper().endswith(TELLING))):
            yield Fault(message=f"`{name}` says {quoted(hit)}, the manifest says production.", at=entry.span,
                        fix=Fix("deploy the production word", "production" if len(words) == 1 else None))
        elif name in DEBUGGING and words & ON:
            yield Fault(message=f"`{name}` is on: frameworks then show settings, texts and codes in pages and logs.", at=entry.span,
                        fix=Fix("switch it off", "false"))


@rule("EV011", "own-address-elsewhere", scope="service", severity="warning", confidence="medium", profiles=("production",))
def own_address_elsewhere(service: ServiceSubject) -> Iterator[Fault]:
    """A deployed address of the service itself is a laptop's, a tunnel's or another deployment's.

    Why: callbacks, links and the text's domain are made of it; receipts go to nobody, and signatures are checked against another URL.

    Bad:
    ```env
    APP_URL=http://localhost:3000
    ```
    or
    ```env
    PUBLIC_BASE_URL=https://staging.otp.example.com
    ```

    Good:
    ```env
    APP_URL=https://otp.example.com
    ```

    Fix: deploy the public address.

    Sources: collected misconfigurations, class environment mix-up.
    """
    for name, entry in unread(service):
        known, text = frozenset(parts(name)), entry.value.strip()
        if not known & OWN or not known & {"url", "domain", "origin", "uri", "baseurl"} or not known <= OWN | ADDRESSES or known <= {"api", "service", "url", "server"}:
            continue
        host = url(text if "://" in text else f"https://{text}").host if "://" in text or "domain" in known else ""
        tunnel = next((one for one in TUNNELS if host == one or host.endswith("." + one)), None)
        if host and (tunnel or host in {"localhost", "127.0.0.1", "0.0.0.0"} or re.search(ELSEWHERE, host.rpartition(".")[0])):
            yield Fault(message=f"`{name}` is {quoted(text)}: the service takes {host} for its own address.", at=entry.span,
                        fix=Fix("deploy the public address"))
