"""Measure otpgate beside its peers in one run; see benchmarks/README.md for the bars.

Exit codes: 0 every bar holds, 1 a bar is missed, 2 no such part, 4 no bar is missed but one could not be measured.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from measuring import (
    BIN,
    ENVIRONMENT,
    EXAMPLE,
    MANIFEST,
    PEERS,
    ROOT,
    SCHEMA,
    Row,
    Unmeasurable,
    end,
    fake,
    free_port,
    say,
    start,
    uvicorn,
    wait_for,
    wrk,
)
from per_provider import providers


def prism() -> tuple[Callable[[int], list[str]] | None, str]:
    """How Prism is started with Twilio's whole document; else why it takes no part."""
    program = os.environ.get("PRISM") or shutil.which("prism")
    document = Path(os.environ.get("TWILIO_OPENAPI") or ROOT.parent / "shared/specs/twilio/twilio_api_v2010.json")
    if not program or not shutil.which(program):
        return None, "no Prism: npm install @stoplight/prism-cli@5.16.0, and set PRISM to its program"
    if not document.exists():
        return None, "no document: set TWILIO_OPENAPI to Twilio's twilio_api_v2010.json"
    return lambda port: [program, "mock", "-p", str(port), "-v", "silent", str(document)], ""


def send() -> list[Row]:
    """Throughput of one SMS against the peers."""
    servers: dict[str, Callable[[int], list[str]]] = {
        "otpgate": fake,
        "starlette": lambda port: uvicorn("starlette_app:app", port),
        "pytest-httpserver": lambda port: [sys.executable, str(PEERS / "httpserver_app.py"), str(port)],
    }
    bars = {"starlette": 0.8, "pytest-httpserver": 3.0, "prism": 10.0}
    if not shutil.which("wrk"):
        return [Row(f"send against {name}", bar, True, None, "no wrk: apt-get install wrk") for name, bar in bars.items()]
    command, reason = prism()
    if command:
        servers["prism"] = command
    ports = {name: free_port() for name in servers}
    processes = {name: start(command(ports[name])) for name, command in servers.items()}
    try:
        for name, process in processes.items():
            wait_for(name, ports[name], process)
            wrk(name, ports[name])
        rounds = [
            {name: wrk(name, ports[name]) for name in random.sample(list(servers), len(servers))} for _ in range(5)
        ]
    finally:
        for process in processes.values():
            end(process)
    say("  " + ", ".join(f"{name} {statistics.median(one[name] for one in rounds):.0f} req/s" for name in servers))
    return [
        Row(f"send against {name}", bar, True, statistics.median(one["otpgate"] / one[name] for one in rounds))
        if name in servers else Row(f"send against {name}", bar, True, None, reason)
        for name, bar in bars.items()
    ]


def first() -> list[Row]:
    """First answer of a fake against uvicorn serving bare ASGI."""
    rounds: list[dict[str, float]] = []
    for _ in range(11):
        one: dict[str, float] = {}
        for name in random.sample(["otpgate", "uvicorn"], 2):
            port = free_port()
            process = start(fake(port) if name == "otpgate" else uvicorn("bare_asgi:app", port))
            try:
                one[name] = wait_for(name, port, process)
            finally:
                end(process)
        rounds.append(one)
    say("  " + ", ".join(f"{name} {statistics.median(one[name] for one in rounds) * 1000:.0f} ms" for name in rounds[0]))
    ratio = statistics.median(one["otpgate"] / one["uvicorn"] for one in rounds[1:])  # the first round warms caches
    return [Row("first answer against bare ASGI", 1.4, False, ratio)]


def processes(commands: dict[str, list[str]], rounds: int = 15) -> list[dict[str, float]]:
    """Seconds of whole processes, shuffled in every round."""
    measured: list[dict[str, float]] = []
    for _ in range(rounds + 1):
        one: dict[str, float] = {}
        for name in random.sample(list(commands), len(commands)):
            started = time.perf_counter()
            code = subprocess.run(
                commands[name], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False, cwd=EXAMPLE, env=ENVIRONMENT
            ).returncode
            one[name] = time.perf_counter() - started
            if code:
                raise Unmeasurable(f"{name} ended with code {code}")
        measured.append(one)
    measured = measured[1:]  # the first round warms caches
    say("  " + ", ".join(f"{name} {statistics.median(one[name] for one in measured) * 1000:.0f} ms" for name in commands))
    return measured


def program(name: str) -> str:
    if not (BIN / name).exists():
        raise Unmeasurable(f"no {name}: pip install --group bench")
    return str(BIN / name)


def json_schema() -> list[str]:
    return [program("check-jsonschema"), "--schemafile", str(SCHEMA), str(MANIFEST)]


def check() -> list[Row]:
    """`otpgate check` against yamllint and check-jsonschema on the same file."""
    rounds = processes({
        "otpgate check": [program("otpgate"), "check", str(MANIFEST)],
        "yamllint": [program("yamllint"), "-d", "relaxed", str(MANIFEST)],
        "check-jsonschema": json_schema(),
    })
    return [
        Row(f"check against {peer}", bar, False, statistics.median(one["otpgate check"] / one[peer] for one in rounds))
        for peer, bar in (("yamllint", 1.0), ("check-jsonschema", 0.4))
    ]


def help_() -> list[Row]:
    """`otpgate --help` against check-jsonschema."""
    rounds = processes({"otpgate --help": [program("otpgate"), "--help"], "check-jsonschema": json_schema()})
    ratio = statistics.median(one["otpgate --help"] / one["check-jsonschema"] for one in rounds)
    return [Row("--help against check-jsonschema", 0.2, False, ratio)]


def verify() -> list[Row]:
    """The gate on the example against its own slowest scenario; only the time in which services were started is left out."""
    out = subprocess.run(
        [program("otpgate"), "verify", str(MANIFEST), "--format", "json"], capture_output=True, text=True, check=False,
        env=ENVIRONMENT,
    )
    if out.returncode:
        raise Unmeasurable(f"otpgate verify ended with code {out.returncode}: {(out.stderr.strip().splitlines() or ['?'])[0]}")
    report = json.loads(out.stdout)
    slowest = max(report["scenarios"], key=lambda result: result["seconds"])
    whole, starts = report["summary"]["seconds"], report["summary"]["phases"]["start"]
    say(f"  whole {whole:.1f} s, of which services were started {starts:.1f} s; slowest {slowest['scenario']} "
        f"{slowest['variant'] or ''} {slowest['seconds']:.1f} s; phases {report['summary']['phases']}")
    return [Row("verify against its slowest scenario", 1.5, False, (whole - starts) / slowest["seconds"])]


def containers() -> list[Row]:
    """Two fakes in containers side by side, and the gate under docker beside the one under process; seconds, images warm."""
    environment = {**ENVIRONMENT, "TESTCONTAINERS_RYUK_DISABLED": "true"}
    reports = {}
    for engine in ("process", "docker"):
        out = subprocess.run(
            [program("otpgate"), "verify", str(MANIFEST), "--engine", engine, "-v", "--format", "json"], capture_output=True,
            text=True, check=False, env=environment,
        )
        if out.returncode:
            raise Unmeasurable(f"the engine {engine} ended with code {out.returncode}: {out.stderr.strip()[:200]}")
        reports[engine] = json.loads(out.stdout)["summary"]
        ready = re.search(r"fakes of .* ready in ([0-9.]+) s", out.stderr)
    assert ready is not None
    longer = {name: one["seconds"] - one["phases"]["start"] for name, one in reports.items()}
    say(f"  phases under docker {reports['docker']['phases']}, under process {reports['process']['phases']}")
    return [
        Row("container fakes ready, seconds", 3.0, False, float(ready[1])),
        Row("docker beyond process, seconds", 10.0, False, longer["docker"] - longer["process"]),
    ]


PARTS = {"send": send, "first": first, "check": check, "help": help_, "verify": verify, "containers": containers,
         "providers": providers}
BARS = {
    "send": [("send", 0.8, True)], "first": [("first answer", 1.4, False)], "check": [("check", 1.0, False)],
    "help": [("--help", 0.2, False)], "verify": [("verify", 1.5, False)], "containers": [("containers", 3.0, False)],
    "providers": [("providers", 0.7, True)],
}


def measured(part: str) -> list[Row]:
    """The rows of a part, also where it could not be measured."""
    say(f"{part}:")
    try:
        return PARTS[part]()
    except Unmeasurable as error:
        return [Row(name, bar, at_least, None, str(error)) for name, bar, at_least in BARS[part]]


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        say(f"no part {unknown[0]!r}; choose from {', '.join(PARTS)}")
        return 2
    rows = [row for name in names or PARTS for row in measured(name)]
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    say(f"\nload average {load} on {os.cpu_count()} cores (another's load disturbs ratios as well as times)")
    for row in rows:
        say(str(row))
    verdicts = [row.verdict for row in rows]
    say(f"{verdicts.count('ok')} of {len(rows)} bars hold, {verdicts.count('MISSED')} missed, "
        f"{verdicts.count('not measured')} not measured")
    return 1 if "MISSED" in verdicts else 4 if "not measured" in verdicts else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
