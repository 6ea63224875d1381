"""`otpgate run` and `otpgate serve`, as processes of their own with unmodified SDKs and production host names."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from otpgate.engines import namespaces
from tests.providers.conftest import npm_install

__all__ = ["npm_install"]

NODE = Path(__file__).parents[2] / "providers" / "twilio" / "node"
ACCOUNT = "AC" + "5" * 32
TOKEN = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
CODE = "482913"
CLI = (sys.executable, "-m", "otpgate")

TWILIO = f"""
from twilio.rest import Client
message = Client("{ACCOUNT}", "{TOKEN}").messages.create(
    to="+12025550143", from_="+12025550187", body="Your code is {CODE}")
print(message.status)
"""
VONAGE = f"""
from vonage import Auth, Vonage
from vonage_sms import SmsMessage
client = Vonage(Auth(api_key="abcd1234", api_secret="Abcdef0123456789"))
answer = client.sms.send(SmsMessage(to="447700900123", from_="ACME", text="Your code is {CODE}"))
print(answer.messages[0].status)
"""
NPM_TWILIO = f"""
const client = require("twilio")("{ACCOUNT}", "{TOKEN}");
client.messages.create({{to: "+12025550143", from: "+12025550187", body: "Your code is {CODE}"}})
  .then((message) => console.log(message.status), (error) => {{ console.error(error); process.exit(9); }});
"""

JAVA = f"""
import java.net.URI;
import java.net.http.*;
import java.util.Base64;

public class Send {{
    public static void main(String[] arguments) throws Exception {{
        var login = Base64.getEncoder().encodeToString("{ACCOUNT}:{TOKEN}".getBytes());
        var request = HttpRequest.newBuilder(URI.create("https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Messages.json"))
            .header("Authorization", "Basic " + login)
            .header("Content-Type", "application/x-www-form-urlencoded")
            .POST(HttpRequest.BodyPublishers.ofString("To=%2B12025550143&From=%2B12025550187&Body=Your+code+is+{CODE}"))
            .build();
        System.out.println(HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString()).statusCode());
    }}
}}
"""


def otpgate(*arguments: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*CLI, *arguments], cwd=folder, capture_output=True, text=True, timeout=100, check=False,
        env={**os.environ, **environment},
    )


@pytest.fixture
def python_sdk(tmp_path: Path) -> Callable[[str], list[str]]:
    def script(text: str) -> list[str]:
        (tmp_path / "send.py").write_text(text)
        return [sys.executable, "send.py"]

    return script


@pytest.mark.fence
@pytest.mark.parametrize(("script", "provider", "to"), [
    (TWILIO, "twilio", "+12025550143"), (VONAGE, "vonage", "+447700900123"),
], ids=["twilio", "vonage"])
@pytest.mark.parametrize("options", [(), ("--unfenced",)], ids=["fenced", "unfenced"])
def test_a_python_sdk_is_caught(
    fence: None, tmp_path: Path, python_sdk, script: str, provider: str, to: str, options: tuple[str, ...]
) -> None:
    """The unmodified SDK at production host names: the message is captured, nothing else changes."""
    done = otpgate("run", *options, "--report", "caught.json", "--", *python_sdk(script), folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() in {"queued", "0"}
    caught = json.loads((tmp_path / "caught.json").read_text())
    assert [(message["provider"], message["to"]) for message in caught["messages"]] == [(provider, to)]
    assert caught["fenced"] is not bool(options)
    assert caught["refused"] == []


@pytest.mark.fence
@pytest.mark.node
@pytest.mark.slow
def test_an_npm_sdk_is_caught(fence: None, tmp_path: Path, npm_install) -> None:
    """The unmodified npm package, likewise."""
    (tmp_path / "send.js").write_text(NPM_TWILIO)
    modules = npm_install(NODE) / "node_modules"
    done = otpgate("run", "--report", "caught.json", "--", "node", "send.js", folder=tmp_path, NODE_PATH=str(modules))
    assert done.returncode == 0, done.stderr
    caught = json.loads((tmp_path / "caught.json").read_text())
    assert [message["to"] for message in caught["messages"]] == ["+12025550143"]


@pytest.mark.fence
@pytest.mark.slow
@pytest.mark.skipif(shutil.which("java") is None, reason="needs a Java runtime")
def test_a_jvm_trusts_the_fakes(fence: None, tmp_path: Path) -> None:
    """A Java client, which reads none of the bundles, is caught through its own trust store."""
    (tmp_path / "Send.java").write_text(JAVA)
    done = otpgate("run", "--report", "caught.json", "--", "java", "Send.java", folder=tmp_path)
    assert done.stdout == "201\n", done.stderr
    assert len(json.loads((tmp_path / "caught.json").read_text())["messages"]) == 1


@pytest.mark.fence
def test_what_was_captured_is_printed(fence: None, tmp_path: Path, python_sdk) -> None:
    """Without a report the messages are told on standard error, and standard output is the program's own."""
    done = otpgate("run", "--", *python_sdk(TWILIO), folder=tmp_path)
    assert done.stdout == "queued\n"
    assert "1 message captured" in done.stderr
    assert f"Your code is {CODE}" in done.stderr


@pytest.mark.fence
def test_a_report_holds_no_code(fence: None, tmp_path: Path, python_sdk) -> None:
    """What is written down is redacted."""
    otpgate("run", "--report", "caught.json", "--", *python_sdk(TWILIO), folder=tmp_path)
    text = (tmp_path / "caught.json").read_text()
    assert CODE not in text
    assert "Your code is ******" in text


@pytest.mark.fence
def test_an_account_is_enforced(fence: None, tmp_path: Path, python_sdk) -> None:
    """With --account the fake refuses what the provider would, and the refusal is told."""
    (tmp_path / "twilio.yaml").write_text(
        f'provider: twilio\naccount: {{id: {ACCOUNT}}}\ncredentials: [{{id: {ACCOUNT}, secret: "${{TOKEN}}"}}]\n'
    )
    command = ("run", "--account", "twilio.yaml", "--", *python_sdk(TWILIO))
    right = otpgate(*command, folder=tmp_path, TOKEN=TOKEN)
    wrong = otpgate(*command, folder=tmp_path, TOKEN="f" * 32)
    assert right.returncode == 0, right.stderr
    assert wrong.returncode == 1
    assert "20003" in wrong.stderr
    assert "refused: POST https://api.twilio.com/" in wrong.stderr


@pytest.mark.fence
@pytest.mark.parametrize("options", [(), ("--unfenced",)], ids=["fenced", "unfenced"])
def test_a_program_keeps_its_surroundings(fence: None, tmp_path: Path, options: tuple[str, ...]) -> None:
    """Working folder, arguments, standard input, variables, user and exit code are the caller's."""
    script = 'cat; pwd; id -u; echo "$MINE $1"; test -n "$OTPGATE_CONTROL" && test -n "$OTPGATE_BASE_TWILIO"; exit 7'
    done = subprocess.run(
        [*CLI, "run", *options, "--", "sh", "-c", script, "sh", "--report"], cwd=tmp_path, input="typed\n",
        capture_output=True, text=True, timeout=60, check=False, env={**os.environ, "MINE": "kept"},
    )
    assert done.stdout == f"typed\n{tmp_path}\n{os.geteuid()}\nkept --report\n"
    assert done.returncode == 7


@pytest.mark.fence
@pytest.mark.parametrize("options", [(), ("--unfenced",)], ids=["fenced", "unfenced"])
def test_a_client_that_ignores_proxies_can_use_the_base(fence: None, tmp_path: Path, options: tuple[str, ...]) -> None:
    """OTPGATE_CONTROL and OTPGATE_BASE_<PROVIDER> are plain http addresses that answer."""
    script = (
        "import os, urllib.request as u\n"
        "o = u.build_opener(u.ProxyHandler({}))\n"
        "print(o.open(os.environ['OTPGATE_CONTROL'] + '/_otpgate/health').status)\n"
        "print(os.environ['OTPGATE_BASE_VONAGE'])\n"
    )
    done = otpgate("run", *options, "--", sys.executable, "-c", script, folder=tmp_path)
    assert done.stdout.splitlines()[0] == "200", done.stderr
    assert done.stdout.splitlines()[1].startswith("http://127.0.0.1:")


@pytest.mark.fence
def test_a_call_to_a_stranger_is_told(fence: None, tmp_path: Path) -> None:
    """A host no provider owns is refused and named."""
    script = "import urllib.request\ntry: urllib.request.urlopen('https://elsewhere.example.net/', timeout=5)\nexcept OSError: pass"
    done = otpgate("run", "--", sys.executable, "-c", script, folder=tmp_path)
    assert "elsewhere.example.net" in done.stderr


@pytest.mark.fence
@pytest.mark.parametrize(("arguments", "words"), [
    (("--", "no-such-program-of-ours"), ("command not found: no-such-program-of-ours", "PATH=")),
    (("--", "./missing"), ("command not found: ./missing", "no such file")),
    (("--account", "none.yaml", "--", "true"), ("none.yaml", "--account")),
    (("--edge", "nonsense", "--", "true"), ("'nonsense' is no edge", "PUBLIC=UPSTREAM")),
    (("--allow", "api.twilio.com", "--", "true"), ("api.twilio.com", "a host of a provider")),
    (("--report", "no/such/folder.json", "--", "true"), ("no/such/folder.json", "cannot be written")),
    ((), ("COMMAND",)),
])
def test_bad_usage_is_one_message(
    fence: None, tmp_path: Path, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    """Exit code 2, what is wrong, no traceback."""
    done = otpgate("run", *arguments, folder=tmp_path)
    assert done.returncode == 2
    assert all(word in done.stderr for word in words), done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.fence
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_run_can_be_interrupted(fence: None, tmp_path: Path, number: signal.Signals) -> None:
    """Ctrl-C and SIGTERM end the program too; exit code 130."""
    process = subprocess.Popen(
        [*CLI, "run", "--", "sh", "-c", "echo up; exec sleep 1000"], cwd=tmp_path, stdout=subprocess.PIPE, text=True,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    process.send_signal(number)
    out, error = process.communicate(timeout=30)
    assert process.returncode == 130, error
    assert out == ""
    assert "Traceback" not in error


def _refuse_namespaces() -> None:
    """A kernel that gives no further namespaces, as a hardened one does."""
    user, group = os.geteuid(), os.getegid()
    namespaces.unshare(namespaces.CLONE_NEWUSER)
    namespaces.map_one_user("self", user, group)
    Path("/proc/sys/user/max_user_namespaces").write_text("0")


@pytest.mark.fence
def test_run_without_a_fence_warns_and_works_by_proxies(fence: None, tmp_path: Path, python_sdk) -> None:
    """Where the kernel refuses namespaces: a warning with its reason, and the message is caught all the same."""
    done = subprocess.run(
        [*CLI, "run", "--", *python_sdk(TWILIO)], cwd=tmp_path, capture_output=True, text=True, timeout=60,
        check=False, preexec_fn=_refuse_namespaces,
    )
    assert done.returncode == 0, done.stderr
    assert "warning: no fence" in done.stderr
    assert "unshare: No space left on device" in done.stderr
    assert "1 message captured" in done.stderr


class Serving:
    """`otpgate serve` in a process of its own, ready."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [*CLI, "serve", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.ready = json.loads(self.process.stdout.readline())

    def end(self, number: signal.Signals) -> tuple[int, str]:
        self.process.send_signal(number)
        _, error = self.process.communicate(timeout=30)
        return self.process.returncode, error


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_serve_prints_one_line_and_serves_until_interrupted(number: signal.Signals) -> None:
    """The ready line has the documented keys; the inbox answers; ending is clean and leaves no listener."""
    serving = Serving("twilio", "vonage", "--port-base", "0")
    assert {"control", "proxy", "https", "ca", "providers"} <= set(serving.ready)
    assert set(serving.ready["providers"]) == {"twilio", "vonage"}
    assert urllib.request.urlopen(serving.ready["control"] + "/", timeout=10).status == 200
    code, error = serving.end(number)
    assert code == 130
    assert serving.ready["control"] in error
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(serving.ready["control"] + "/", timeout=10)


def test_serve_leaves_no_fakes_behind_when_it_is_killed() -> None:
    """kill -9 of the command ends the fakes too."""
    serving = Serving("--port-base", "0")
    fakes = os.pidfd_open(serving.ready["pid"])
    serving.end(signal.SIGKILL)
    ended, _, _ = select.select([fakes], [], [], 10)
    os.close(fakes)
    assert ended


def test_a_port_that_is_taken_is_named() -> None:
    """Exit code 4 and the port."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run([*CLI, "serve", "--port-base", str(port)], capture_output=True, text=True, check=False)
    assert done.returncode == 4
    assert str(port) in done.stderr
    assert "taken" in done.stderr


def test_a_provider_that_is_not_known_is_told() -> None:
    """Exit code 2 and the nearest name."""
    done = subprocess.run([*CLI, "serve", "twillio"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "twilio" in done.stderr.replace("twillio", "")
