"""`python -m otpgate_fakes`: its ready line, its end, and one clear message for whatever it cannot do."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.fakes.conftest import KEY, SECRET, account

Start = Callable[..., tuple[subprocess.Popen[str], dict[str, Any]]]


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    assert process.stderr is not None
    code = process.wait(20)
    return code, process.stderr.read()


def get(url: str, path: str) -> Any:
    with requests.Session() as session:
        session.trust_env = False
        return session.get(url + path, timeout=10).json()


def test_one_ready_line_names_every_address(fakes_process: Start) -> None:
    """Control, proxy, https, authority and each provider's port, on stdout, once."""
    process, ready = fakes_process("toy", "--port-base", "0")
    assert set(ready) == {"control", "proxy", "https", "ca", "providers", "pid"}
    assert (ready["pid"], list(ready["providers"])) == (process.pid, ["toy"])
    assert "BEGIN CERTIFICATE" in Path(ready["ca"]).read_text()
    assert get(ready["control"], "/_otpgate/health")["ready"] is True


def free_base() -> int:
    """A base whose ports are all free now, below the range from which systems hand out ports."""
    for base in range(20_000 + os.getpid() % 500 * 20, 32_000, 20):
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            for port in (base, base + 1, base + 10, base + 443):
                stack.enter_context(socket.create_server(("127.0.0.1", port)))
            return base
    pytest.fail("no four free ports below 32000")


def test_ports_follow_the_base(fakes_process: Start) -> None:
    """Base, base+1 for the proxy, base+10 for the first provider, base+443 for TLS."""
    base = free_base()
    _, ready = fakes_process("toy", "--port-base", str(base))
    assert ready["control"] == f"http://127.0.0.1:{base}"
    assert (ready["proxy"], ready["https"]) == (f"http://127.0.0.1:{base + 1}", f"127.0.0.1:{base + 443}")
    assert ready["providers"] == {"toy": f"http://127.0.0.1:{base + 10}"}


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_signal_ends_it_cleanly(number: int, code: int, fakes_process: Start) -> None:
    """No traceback, nothing more on stdout, the authority's file gone, within a second or so."""
    process, ready = fakes_process("toy", "--port-base", "0")
    with requests.Session() as session:
        session.trust_env = False
        session.get(ready["providers"]["toy"] + "/status", timeout=10)
        process.send_signal(number)
        assert ended(process) == (code, "")
    assert process.stdout is not None
    assert process.stdout.read() == ""
    assert not Path(ready["ca"]).exists()


def test_an_account_file_is_enforced(fakes_process: Start, tmp_path: Path) -> None:
    """--account FILE needs no provider's name: the file says whose it is."""
    file = tmp_path / "toy.yaml"
    file.write_text(json.dumps(account(opted_out=["+12025550143"])))
    _, ready = fakes_process("--account", f"main={file}", "--port-base", "0")
    with requests.Session() as session:
        session.trust_env = False
        body = {"to": "+12025550143", "from": "+12025550187", "text": "code 1234"}
        answer = session.post(ready["providers"]["toy"] + "/send", json=body, auth=(KEY, SECRET), timeout=10)
    assert answer.json()["code"] == "opted_out"
    assert get(ready["control"], "/_otpgate/health")["gateways"] == ["main"]


def test_a_start_document_is_read_from_stdin(fakes_process: Start) -> None:
    """--config - takes the harness's document."""
    document = {"gateways": [{"name": "main", "provider": "toy"}], "listen": {"control": "127.0.0.1:0"}}
    _, ready = fakes_process("--config", "-", document=json.dumps(document))
    assert (ready["https"], ready["ca"], ready["providers"]) == (None, None, {})
    assert get(ready["control"], "/_otpgate/health")["gateways"] == ["main"]


def test_a_listening_socket_may_be_handed_over() -> None:
    """`fd:N` serves on a socket that was opened before."""
    with socket.create_server(("127.0.0.1", 0)) as raw:
        document = json.dumps({"providers": ["twilio"], "listen": {"control": f"fd:{raw.fileno()}"}})
        process = subprocess.Popen([sys.executable, "-m", "otpgate_fakes", "--config", "-"], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, text=True, pass_fds=[raw.fileno()])
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(document)
            process.stdin.close()
            ready = json.loads(process.stdout.readline())
            assert get(ready["control"], "/_otpgate/health")["ready"] is True
        finally:
            process.kill()
            process.wait(10)


@pytest.mark.skipif(sys.platform != "linux", reason="the parent's death is told by the Linux kernel")
def test_it_does_not_outlive_its_parent() -> None:
    """--die-with-parent: when the program that started it is killed, it ends."""
    script = ("import subprocess, sys; p = subprocess.Popen([sys.executable, '-m', 'otpgate_fakes', 'twilio', '--port-base', '0', "
              "'--die-with-parent'], stdout=subprocess.PIPE); print(p.stdout.readline().decode(), flush=True); p.wait()")
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    ready = json.loads(parent.stdout.readline())
    host, _, port = ready["control"].rpartition("//")[2].rpartition(":")
    with socket.create_connection((host, int(port)), timeout=10) as watched:
        parent.kill()
        parent.wait(10)
        assert watched.recv(1) == b""


def files(folder: Path) -> Iterator[tuple[str, bytes]]:
    yield "broken.yaml", b"provider: [toy\n"
    yield "binary.yaml", b"\xff\xfe\x00\x01"
    yield "unknown.yaml", b"provider: toy\nsendrs: []\n"
    yield "other.yaml", b"provider: twilio\n"
    yield "broken.json", b"{"
    yield "twice.json", b'{"gateways": [{"name": "a", "provider": "toy"}, {"name": "a", "provider": "toy"}]}'
    yield "mixed.json", b'{"gateways": [{"name": "a", "provider": "toy", "account": {"provider": "twilio"}}]}'
    yield "empty.json", b"{}"
    yield "key.json", b'{"providers": ["toy"], "colour": 1}'
    yield "where.json", b'{"providers": ["toy"], "listen": {"control": "nowhere"}}'
    yield "ca.json", b'{"providers": ["toy"], "ca_cert": "/no/such.pem", "ca_key": "/no/such.pem", "listen": {"https": "127.0.0.1:0"}}'


WRONG: list[tuple[list[str], int, list[str]]] = [
    (["twillio"], 2, ["no provider `twillio`", "did you mean `twilio`"]),
    (["--account", "missing.yaml"], 2, ["cannot read account file missing.yaml", "No such file"]),
    (["--account", "broken.yaml"], 2, ["broken.yaml:"]),
    (["--account", "binary.yaml"], 2, ["binary.yaml is not UTF-8"]),
    (["--account", "unknown.yaml"], 2, ["unknown.yaml:2", "sendrs", "senders"]),
    (["toy", "--account", "other.yaml"], 2, ["its file is of provider 'twilio', which is not played"]),
    (["--config", "missing.json"], 2, ["cannot read missing.json"]),
    (["--config", "broken.json"], 2, ["broken.json", "JSON"]),
    (["--config", "twice.json"], 2, ["two gateways are named 'a'"]),
    (["--config", "mixed.json"], 2, ["account file of gateway 'a' is of provider 'twilio'"]),
    (["--config", "empty.json"], 2, ["no provider to play"]),
    (["--config", "key.json"], 2, ["colour"]),
    (["--config", "where.json"], 2, ["'nowhere' is no address", "host:port"]),
    (["--config", "ca.json"], 2, ["cannot read /no/such.pem"]),
    (["toy", "--edge", "nonsense"], 2, ["'nonsense' is not PUBLIC=UPSTREAM", "for example"]),
    (["toy", "--port-base", "70000"], 2, ["--port-base 70000"]),
    (["toy", "--speed", "0"], 2, ["speed is 0"]),
    (["toy", "--clock", "backwards"], 2, ["invalid choice"]),
    (["toy", "--host", "203.0.113.7", "--port-base", "0"], 4, ["cannot listen on 203.0.113.7:0"]),
]


@pytest.mark.parametrize(("arguments", "code", "says"), WRONG, ids=[" ".join(one[0]) for one in WRONG])
def test_bad_input_is_one_clear_message(
    arguments: list[str], code: int, says: list[str], fakes_process: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What, where, why and what to do; the right exit code; no traceback; nothing on stdout."""
    for name, content in files(tmp_path):
        (tmp_path / name).write_bytes(content)
    monkeypatch.chdir(tmp_path)
    process, ready = fakes_process(*arguments)
    ended_with, message = ended(process)
    assert (ready, ended_with) == ({}, code), message
    assert "Traceback" not in message
    for word in says:
        assert word in message


def test_a_taken_port_is_named(fakes_process: Start) -> None:
    """Exit 4, the port, and what to do; nothing is left listening."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process, ready = fakes_process("toy", "--port-base", str(port))
        code, message = ended(process)
    assert (ready, code) == ({}, 4)
    assert f"port 127.0.0.1:{port} is taken" in message
    assert "0 for a free one" in message
