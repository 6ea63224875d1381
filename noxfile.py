"""The project's sessions; `nox -l` lists them with their first lines."""

from __future__ import annotations

import os
from pathlib import Path

import nox

nox.options.sessions = ["tests"]
nox.options.reuse_existing_virtualenvs = True
nox.options.default_venv_backend = "virtualenv"

PROJECT = nox.project.load_toml("pyproject.toml")
EXAMPLE = Path("examples/otp_service")
QUIET = {"PACT_DO_NOT_TRACK": "true", "TESTCONTAINERS_RYUK_DISABLED": "true"}


def group(name: str) -> list[str]:
    """The requirements of a dependency group in pyproject.toml."""
    return [str(requirement) for requirement in PROJECT["dependency-groups"][name]]


@nox.session
def verify(session: nox.Session) -> None:
    """Run the gate on the example service: healthy, so it must be green."""
    session.install("-e", ".", "-r", str(EXAMPLE / "requirements.txt"))
    session.run("otpgate", "verify", str(EXAMPLE / "otpgate.yaml"), *session.posargs, env=QUIET)


@nox.session
def outage(session: nox.Session) -> None:
    """Run the gate on the example's outage: it must be red and name the setting."""
    session.install("-e", ".", "-r", str(EXAMPLE / "requirements.txt"))
    session.run("otpgate", "verify", str(EXAMPLE / "outage.yaml"), *session.posargs, env=QUIET, success_codes=[1])
    session.run("python", "tests/e2e/outage_named.py", str(EXAMPLE / "outage.yaml"), env=QUIET)


@nox.session
def tests(session: nox.Session) -> None:
    """Run the test suite, but for the gates."""
    run_tests(session, "not gate")


@nox.session
def gates(session: nox.Session) -> None:
    """Run the gate on services of every provider and product, healthy and with the traps of each."""
    run_tests(session, "gate")


def run_tests(session: nox.Session, marked: str) -> None:
    session.install("-e", ".", *group("test"), "-r", str(EXAMPLE / "requirements.txt"))
    workers = session.env.get("OTPGATE_TEST_WORKERS") or os.environ.get("OTPGATE_TEST_WORKERS")
    workers = workers or str(2 * (os.cpu_count() or 1))  # the long tests wait more than they compute
    session.run("pytest", "-m", marked, "-n", workers, "--dist", "worksteal", *session.posargs, env=QUIET)


@nox.session
def contracts(session: nox.Session) -> None:
    """Hold every fake to its pacts and its OpenAPI document, and see that planted deviations are noticed."""
    session.install("-e", ".", *group("test"), "-r", str(EXAMPLE / "requirements.txt"))
    workers = str((os.cpu_count() or 1) + 1)
    arguments = ("-p", "no:schemathesis", "-n", workers, "--dist", "worksteal")
    session.run("pytest", "tests/contract_suite", *arguments, *session.posargs, env=QUIET)


@nox.session
def containers(session: nox.Session) -> None:
    """Run the container tests, and the gate on the example's image; starts an engine and builds images where there are none."""
    session.install("-e", ".[docker]", *group("test"), "-r", str(EXAMPLE / "requirements.txt"))
    env = {**QUIET, "OTPGATE_FAKES_IMAGE": "otpgate/fakes:dev"}
    session.run("python", ".ci/containers.py", "engine", "images")
    session.run("pytest", "tests/containers", "-p", "no:schemathesis", *session.posargs, env=env)
    session.run("otpgate", "verify", str(EXAMPLE / "otpgate.yaml"), "--engine", "docker", env=env)
    session.run("otpgate", "verify", str(EXAMPLE / "outage.yaml"), "--engine", "docker", env=env, success_codes=[1])
    session.run("python", ".ci/containers.py", "empty")


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and common faults with ruff."""
    session.install(*group("lint"))
    session.run("ruff", "check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Check types with mypy, strictly, in the three packages."""
    session.install("-e", ".[docker]", *group("types"))
    for package in ("otpgate_contracts", "otpgate_fakes", "otpgate"):
        session.run("mypy", "-p", package)


@nox.session
def docs(session: nox.Session) -> None:
    """Write the generated pages anew; with `-- --check` only say whether they are stale."""
    session.install("-e", ".")
    session.run("python", "-m", "otpgate.pages", *(session.posargs or ["--write"]))


@nox.session
def bench(session: nox.Session) -> None:
    """Measure against named peers in the same run, as ratios."""
    session.install("-e", ".", *group("bench"), *group("test"), "-r", str(EXAMPLE / "requirements.txt"))
    session.run("python", "benchmarks/run.py", *session.posargs, env=QUIET)
