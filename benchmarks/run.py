"""Measure otpgate beside its peers in one run; see benchmarks/README.md for the bars."""

from __future__ import annotations

import base64
import json
import os
import random
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


def say(text: str) -> None:
    print(text, flush=True)


def verdict(name: str, value: float, bar: float, *, at_least: bool) -> bool:
    """Print one ratio against its bar."""
    holds = value >= bar if at_least else value <= bar
    sign = ">=" if at_least else "<="
    say(f"  {'ok  ' if holds else 'MISS'}  {name}: {value:.2f}x ({sign} {bar}x)")
    return holds


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def pinned(core: int, command: list[str]) -> list[str]:
    return ["taskset", "-c", str(core), *command] if shutil.which("taskset") and (os.cpu_count() or 1) > 1 else command


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


def wait_for(port: int, process: subprocess.Popen[bytes], seconds: float = 30.0) -> float:
    """Seconds until the first answer."""
    started = time.perf_counter()
    while time.perf_counter() - started < seconds:
        if process.poll() is not None:
            raise SystemExit(f"a server died at once: {process.args}")
        try:
            post(port)
        except OSError:
            time.sleep(0.002)
        else:
            return time.perf_counter() - started
    raise SystemExit(f"no answer within {seconds} s: {process.args}")


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


def wrk(port: int, seconds: int = 2) -> float:
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
        raise SystemExit(f"a server refused requests under load:\n{out}")
    return float(next(line.split(":")[1] for line in out.splitlines() if line.startswith("Requests/sec")))


def send() -> bool:
    """Throughput of one SMS against the peers."""
    if not shutil.which("wrk"):
        raise SystemExit("send needs wrk: apt-get install wrk")
    servers: dict[str, Callable[[int], list[str]]] = {
        "otpgate": fake,
        "starlette": lambda port: uvicorn("starlette_app:app", port),
        "pytest-httpserver": lambda port: [sys.executable, str(PEERS / "httpserver_app.py"), str(port)],
    }
    prism = os.environ.get("PRISM") or shutil.which("prism")
    document = Path(os.environ.get("TWILIO_OPENAPI", ROOT.parent / "shared/specs/twilio/twilio_api_v2010.json"))
    if prism and document.exists():
        servers["prism"] = lambda port: [prism, "mock", "-p", str(port), "-v", "silent", str(document)]
    else:
        say("  prism does not take part: set PRISM and TWILIO_OPENAPI")
    ports = {name: free_port() for name in servers}
    environment = os.environ | {"PYTHONPATH": str(PEERS)}
    processes = {
        name: subprocess.Popen(pinned(0, command(ports[name])), env=environment, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
        for name, command in servers.items()
    }
    try:
        for name, process in processes.items():
            wait_for(ports[name], process)
            wrk(ports[name], 2)
        rounds: list[dict[str, float]] = []
        for _ in range(5):
            order = random.sample(list(servers), len(servers))
            rounds.append({name: wrk(ports[name]) for name in order})
    finally:
        for process in processes.values():
            process.kill()
            process.wait()
    for name in servers:
        say(f"  {name}: {statistics.median(r[name] for r in rounds):.0f} req/s")
    ratio = {name: statistics.median(r["otpgate"] / r[name] for r in rounds) for name in servers}
    holds = [verdict("against starlette", ratio["starlette"], 0.8, at_least=True),
             verdict("against pytest-httpserver", ratio["pytest-httpserver"], 3, at_least=True)]
    if "prism" in ratio:
        holds.append(verdict("against prism", ratio["prism"], 10, at_least=True))
    return all(holds)


def first() -> bool:
    """First answer of a fake against uvicorn serving bare ASGI."""
    times: dict[str, list[float]] = {"otpgate": [], "uvicorn": []}
    for _ in range(7):
        for name in random.sample(list(times), 2):
            port = free_port()
            command = fake(port) if name == "otpgate" else uvicorn("bare_asgi:app", port)
            process = subprocess.Popen(pinned(0, command), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                times[name].append(wait_for(port, process))
            finally:
                process.kill()
                process.wait()
    median = {name: statistics.median(values) for name, values in times.items()}
    say("  " + ", ".join(f"{name} {value * 1000:.0f} ms" for name, value in median.items()))
    return verdict("first answer against bare ASGI", median["otpgate"] / median["uvicorn"], 1.4, at_least=False)


def processes(commands: dict[str, list[str]], rounds: int = 15) -> dict[str, float]:
    """Median seconds of whole processes, shuffled in every round."""
    times: dict[str, list[float]] = {name: [] for name in commands}
    for number in range(rounds + 1):
        for name in random.sample(list(commands), len(commands)):
            started = time.perf_counter()
            subprocess.run(commands[name], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False, cwd=EXAMPLE)
            if number:  # the first round warms caches
                times[name].append(time.perf_counter() - started)
    median = {name: statistics.median(values) for name, values in times.items()}
    say("  " + ", ".join(f"{name} {value * 1000:.0f} ms" for name, value in median.items()))
    return median


def check() -> bool:
    """`otpgate check` against yamllint and check-jsonschema on the same file."""
    median = processes({
        "otpgate check": [str(BIN / "otpgate"), "check", str(MANIFEST)],
        "yamllint": [str(BIN / "yamllint"), "-d", "relaxed", str(MANIFEST)],
        "check-jsonschema": [str(BIN / "check-jsonschema"), "--schemafile", str(SCHEMA), str(MANIFEST)],
    })
    own = median["otpgate check"]
    lint = verdict("check against yamllint", own / median["yamllint"], 1.0, at_least=False)
    return verdict("check against check-jsonschema", own / median["check-jsonschema"], 0.4, at_least=False) and lint


def help_() -> bool:
    """`otpgate --help` against check-jsonschema."""
    median = processes({
        "otpgate --help": [str(BIN / "otpgate"), "--help"],
        "check-jsonschema": [str(BIN / "check-jsonschema"), "--schemafile", str(SCHEMA), str(MANIFEST)],
    })
    return verdict("--help against check-jsonschema", median["otpgate --help"] / median["check-jsonschema"], 0.2, at_least=False)


def verify() -> bool:
    """The gate on the example against its own slowest scenario."""
    out = subprocess.run(
        [str(BIN / "otpgate"), "verify", str(MANIFEST), "--format", "json"], capture_output=True, text=True, check=False
    )
    report = json.loads(out.stdout)
    slowest = max(report["scenarios"], key=lambda result: result["seconds"])
    phases = report["summary"]["phases"]
    whole = report["summary"]["seconds"]
    own = whole - phases.get("service_start", 0.0)
    say(f"  whole {whole:.1f} s, service start {phases.get('service_start', 0.0):.1f} s, "
        f"slowest {slowest['scenario']} {slowest['variant'] or ''} {slowest['seconds']:.1f} s; phases {phases}")
    return verdict("verify against its slowest scenario", own / slowest["seconds"], 1.5, at_least=False)


PARTS = {"send": send, "first": first, "check": check, "help": help_, "verify": verify}


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        say(f"no part {unknown[0]!r}; choose from {', '.join(PARTS)}")
        return 2
    results = []
    for name in names or PARTS:
        say(f"{name}:")
        results.append(PARTS[name]())
    say(f"{sum(results)} of {len(results)} parts hold their bars")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
