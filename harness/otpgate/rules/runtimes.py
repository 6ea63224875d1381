"""EV: what the service is told about where it runs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from otpgate.findings import Fix, Span
from otpgate.rules.environments import SANDBOXES
from otpgate.rules.registry import Fault, rule
from otpgate.rules.subjects import ServiceSubject
from otpgate.rules.switches import ON
from otpgate.rules.words import quoted

RUNTIMES = frozenset({
    "NODE_ENV", "APP_ENV", "ENV", "ENVIRONMENT", "RAILS_ENV", "RACK_ENV", "FLASK_ENV", "DJANGO_ENV", "GO_ENV", "MIX_ENV",
    "ASPNETCORE_ENVIRONMENT", "DOTNET_ENVIRONMENT", "SPRING_PROFILES_ACTIVE", "DEPLOY_ENV", "DEPLOYMENT_ENVIRONMENT", "STAGE",
    "DJANGO_SETTINGS_MODULE", "DJANGO_CONFIGURATION", "SERVER_ENV", "APPLICATION_ENV", "QUARKUS_PROFILE", "MICRONAUT_ENVIRONMENTS",
})
TELLING = ("_ENV", "_ENVIRONMENT", "_PROFILE", "_STAGE")
ELSEWHERE_FILES = frozenset({"example", "sample", "dist", "staging", "stage", "dev", "development", "test", "testing", "qa", "uat", "sandbox"})
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
