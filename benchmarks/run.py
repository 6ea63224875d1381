"""Measure otpgate beside its peers in one run; see benchmarks/README.md for the bars.

Exit codes: 0 every bar holds, 1 a bar is missed, 2 no such part, 4 no bar is missed but one could not be measured.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import random
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
ROOT = HERE.parent
PEERS = HERE / "peers"
EXAMPLE = ROOT / "examples/otp_service"
MANIFEST = EXAMPLE / "otpgate.yaml"
BIN = Path(sys.executable).parent
SCHEMA = ROOT / "contracts/otpgate_contracts/schema/manifest.schema.json"
sys.path.insert(0, str(PEERS))

from same_answer import PATH, SID, TOKEN  # noqa: E402

BASIC = base64.b64encode(f"{SID}:{TOKEN}".encode()).decode()
BODY = (
    "To=%2B14155552671&From=%2B15005550006&Body=Your+Example+code+is+493817.+It+expires+in+10+minutes."
    "&StatusCallback=http%3A%2F%2F127.0.0.1%3A9%2Fdlr"
)
# Peers are installed with their bytecode; ours must be allowed to keep its own. The example's `python` is this one.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
ENVIRONMENT["PATH"] = f"{BIN}{os.pathsep}{ENVIRONMENT.get('PATH', '')}"
START_SECONDS = 60.0


class Row(NamedTuple):
    """One ratio and its bar; `value` None with the reason why it could not be measured."""

    name: str
    bar: float
    at_least: bool
    value: float | None
    reason: str = ""

    @property
    def verdict(self) -> str:
        if self.value is None:
            return "not measured"
        holds = self.value >= self.bar if self.at_least else self.value <= self.bar
        return "ok" if holds else "MISSED"

    def __str__(self) -> str:
        bar = f"{'>=' if self.at_least else '<='} {self.bar:g}x"
        value = self.reason if self.value is None else f"{self.value:.2f}x"
        return f"{self.verdict:<12}  {self.name:<40}  {bar:<9}  {value}"


class Unmeasurable(Exception):
    """A peer or a tool is missing, or did not do its part."""


def say(text: str) -> None:
    print(text, flush=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def pinned(core: int, command: list[str]) -> list[str]:
    return ["taskset", "-c", str(core), *command] if shutil.which("taskset") and (os.cpu_count() or 1) > 1 else command


def start(command: list[str], core: int = 0) -> subprocess.Popen[bytes]:
    environment = ENVIRONMENT | {"PYTHONPATH": os.pathsep.join(filter(None, [str(PEERS), ENVIRONMENT.get("PYTHONPATH", "")]))}
    return subprocess.Popen(pinned(core, command), env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def post(port: int) -> int:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{PATH}", BODY.encode(),
        {"Authorization": f"Basic {BASIC}", "Content-Type": "application/x-www-form-urlencoded"},
    )
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def wait_for(name: str, port: int, process: subprocess.Popen[bytes]) -> float:
    """Seconds until the first answer."""
    started = time.perf_counter()
    while time.perf_counter() - started < START_SECONDS:
        if process.poll() is not None:
            raise Unmeasurable(f"{name} ended at once with code {process.returncode}")
        try:
            post(port)
        except (OSError, http.client.HTTPException):
            time.sleep(0.002)
        else:
            return time.perf_counter() - started
    raise Unmeasurable(f"{name} gave no answer within {START_SECONDS:.0f} s")


def fake(port: int) -> list[str]:
    config = {
        "providers": ["twilio"], "clock": "manual",
        "listen": {"control": "127.0.0.1:0", "providers": {"twilio": f"127.0.0.1:{port}"}},
    }
    path = Path(tempfile.gettempdir()) / f"otpgate-bench-{port}.json"
    path.write_text(json.dumps(config))
    return [sys.executable, "-m", "otpgate_fakes", "--config", str(path)]


def uvicorn(app: str, port: int) -> list[str]:
    return [sys.executable, "-m", "uvicorn", app, "--app-dir", str(PEERS), "--port", str(port), "--no-access-log",
            "--log-level", "error"]


def wrk(name: str, port: int, seconds: int = 2) -> float:
    """Requests per second at 16 connections."""
    script = Path(tempfile.gettempdir()) / "otpgate-bench.lua"
    script.write_text(
        f'wrk.method="POST"\nwrk.path="{PATH}"\nwrk.body="{BODY}"\n'
        'wrk.headers["Content-Type"]="application/x-www-form-urlencoded"\n'
        f'wrk.headers["Authorization"]="Basic {BASIC}"\n'
    )
    command = ["wrk", "-t1", "-c16", f"-d{seconds}s", "-s", str(script), f"http://127.0.0.1:{port}/"]
    out = subprocess.run(pinned(1, command), capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in out:
        raise Unmeasurable(f"{name} refused requests under load")
    return float(next(line.split(":")[1] for line in out.splitlines() if line.startswith("Requests/sec")))


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


PARTS = {"send": send, "first": first, "check": check, "help": help_, "verify": verify, "containers": containers}
BARS = {
    "send": [("send", 0.8, True)], "first": [("first answer", 1.4, False)], "check": [("check", 1.0, False)],
    "help": [("--help", 0.2, False)], "verify": [("verify", 1.5, False)], "containers": [("containers", 3.0, False)],
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
