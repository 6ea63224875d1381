"""Every other kind of environment file, as its own loader reads it."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from otpgate.config import environment
from otpgate.config.model import Entry
from otpgate.errors import ManifestError
from otpgate.findings import Span

Write = Callable[..., Path]


def read(folder: Path, file: str, loader: str | None = None, process: dict[str, str] | None = None) -> dict[str, Entry]:
    return environment.load([environment.Named(file, loader, Span("otpgate.yaml", 3, 5))], folder, (process or {}).get).entries


def values(entries: dict[str, Entry]) -> dict[str, str]:
    return {name: entry.value for name, entry in entries.items()}


DOCKER = b'# note\nA="quoted"\nB=x # kept\nC=trailing \nD=\n  E=indented\nF=a=b\r\nINHERITED\nMISSING\n'


def test_docker_keeps_quotes_comments_and_spaces(project: Write) -> None:
    """`docker run --env-file` takes everything after `=` as it is."""
    found = read(project({"f.env": DOCKER}), "f.env", "docker", {"INHERITED": "i"})
    assert values(found) == {"A": '"quoted"', "B": "x # kept", "C": "trailing ", "D": "", "E": "indented", "F": "a=b", "INHERITED": "i"}
    assert {name: found[name].remarks for name in "ABC"} == {
        "A": ("quotes_kept",), "B": ("inline_comment_kept",), "C": ("trailing_space",),
    }


def test_the_same_line_means_another_value_to_dotenv(project: Write) -> None:
    """The healthy twin: the loader decides what a line means."""
    assert values(read(project({"f.env": b'A="quoted"\nB=x # kept\n'}), "f.env", "dotenv")) == {"A": "quoted", "B": "x"}


@pytest.mark.parametrize(("line", "name"), [("export A=b", "A"), ("A B=c", "B")])
def test_docker_refuses_names_with_spaces(project: Write, line: str, name: str) -> None:
    """Docker stops at such a line; its entry is marked, for a rule to say so."""
    found = read(project({"f.env": f"OK=1\n{line}\n"}), "f.env", "docker")
    marked = [entry for entry in found.values() if "name_refused" in entry.remarks]
    assert [(entry.name, entry.span.line) for entry in marked] == [(name, 2)]


@pytest.mark.parametrize("line", ["=x", "two words"])
def test_docker_refuses_lines_without_a_name(project: Write, line: str) -> None:
    """Docker stops at such a line; so does the manifest, with its place."""
    with pytest.raises(ManifestError) as caught:
        read(project({"f.env": f"OK=1\n{line}\n"}), "f.env", "docker")
    assert str(caught.value.where).startswith("f.env:2:")


SYSTEMD = """; note
# note
A="x y" \n
B=a b # kept
C=one\\
two
D='single $X'\x20
E="esc \\" \\$ \\n"
F=back\\ slash
1BAD=x
G="a"'b'
"""


def test_systemd_environment_files(project: Write) -> None:
    """Comments are whole lines, quotes join, a backslash at the end continues, and nothing is expanded."""
    found = read(project({"f": SYSTEMD}), "f")
    assert values(found) == {
        "A": "x y", "B": "a b # kept", "C": "onetwo", "D": "single $X", "E": 'esc " $ \\n', "F": "back slash", "G": "ab",
    }
    assert found["A"].loader == "systemd"
    assert found["B"].remarks == ("inline_comment_kept",)


def test_a_systemd_unit_brings_its_environment(project: Write) -> None:
    """`Environment=` assignments, and the files of `EnvironmentFile=` beside it; a missing one with `-` is passed over."""
    unit = '[Service]\nEnvironment="A=x y" B=2\nEnvironment=C=%%h\nEnvironmentFile=-missing.env\nEnvironmentFile=more.env\nExecStart=/x\n'
    found = read(project({"otp.service": unit, "more.env": "B=3\nD='4'\n"}), "otp.service")
    assert values(found) == {"A": "x y", "B": "3", "C": "%h", "D": "4"}
    assert str(found["D"].span) == "more.env:2:3"


SHELL_LINES = [
    "A=b", "A='b c'", 'A="b $B"', "A=b; C=d", "export A=b C=d", "A=a'b'\"c\"", "A=\"x\\\"y\"", "A=b # note", "A=${B:-x}", "A=${X:-y}",
    "A=${X-}z", "A=${B:+set}", "A=a\\ b", "A='x\ny'", "A=\"one\\\ntwo\"", "readonly A=r", "A=$B$B", "A='$B'", "A=\"\\$B\"", "A=~x#y", "A=",
    "A=1 true\nC=2",
]


@pytest.mark.parametrize("line", SHELL_LINES)
def test_shell_files_are_read_as_a_shell_reads_them(project: Write, line: str) -> None:
    """The same values as `sh` has after sourcing the file."""
    folder = project({"env.sh": f"B=bee\n{line}\n"})
    shown = subprocess.run(
        ["sh", "-c", f"unset A C X; . {shlex.quote(str(folder / 'env.sh'))}; printf '%s\\037%s' \"${{A-unset}}\" \"${{C-unset}}\""],
        capture_output=True, text=True, check=True, env={"PATH": "/usr/bin:/bin"},
    ).stdout.split("\x1f")
    found = values(read(folder, "env.sh"))
    assert [found.get("A", "unset"), found.get("C", "unset")] == shown


def test_a_command_substitution_is_remarked_not_run(project: Write) -> None:
    """Nothing of a file under test is ever executed."""
    folder = project({"env.sh": "A=$(touch ran)\nB=`touch ran`\n"})
    found = read(folder, "env.sh")
    assert "command_substitution" in found["A"].remarks
    assert "command_substitution" in found["B"].remarks
    assert not (folder / "ran").exists()


def test_carriage_returns_stay_in_a_shell_file(project: Write) -> None:
    """A shell keeps the carriage return of a file saved on Windows: the value has it, and a remark says so."""
    found = read(project({"env.sh": b"A=b\r\n"}), "env.sh")
    assert (found["A"].value, found["A"].remarks) == ("b\r", ("carriage_return",))


COMPOSE = """services:
  web:
    image: web
    env_file:
      - one.env
      - {path: two.env, required: false}
      - {path: raw.env, format: raw}
    environment:
      A: ${FROM_DOTENV}
      B: ${NOWHERE:-fallback}
      C: $$kept
      D: 012
      E:
      F: ${NOWHERE}
      G: "${FROM_PROCESS:+set}-${FROM_PROCESS}"
  job:
    environment:
      - LISTED=a=b
      - FROM_PROCESS
"""


def test_compose_environment_wins_over_env_files(project: Write) -> None:
    """Interpolation reads the process and `.env`; `environment` wins; source texts stay; what is one reference has its place in `.env`."""
    folder = project({"compose.yaml": COMPOSE, ".env": "FROM_DOTENV=dot\n", "one.env": "A=file\nONE='1'\n", "raw.env": "RAW='q' # x\n"})
    found = read(folder, "compose.yaml#web", None, {"FROM_PROCESS": "p", "E": "inherited"})
    assert values(found) == {
        "A": "dot", "ONE": "1", "RAW": "'q' # x", "B": "fallback", "C": "$kept", "D": "012", "E": "inherited", "F": "", "G": "set-p",
    }
    assert (str(found["A"].span), found["A"].span.key) == (".env:1:13", "A")
    assert found["B"].span.file == found["G"].span.file == "compose.yaml"
    assert str(found["ONE"].span) == "one.env:2:5"
    assert found["F"].remarks == ("undefined_expansion",)


ENV_FILE = """B=bee
SINGLE='${B}-$B'
DOUBLE="${B}-$B-\\$B"
PLAIN=$B-${NOWHERE:-fallback} # note
ESCAPED="one\\ntwo"
"""


def test_env_files_of_compose_expand_as_compose_does(project: Write) -> None:
    """Unlike python-dotenv: single quotes are literal, and `$NAME` needs no braces."""
    folder = project({"compose.yaml": "services: {web: {env_file: f.env, environment: {}}}\n", "f.env": ENV_FILE})
    assert values(read(folder, "compose.yaml#web")) == {
        "B": "bee", "SINGLE": "${B}-$B", "DOUBLE": "bee-bee-$B", "PLAIN": "bee-fallback", "ESCAPED": "one\ntwo",
    }
    assert values(read(folder, "f.env"))["SINGLE"] == "bee-$B"


def test_compose_list_form_points_at_the_value(project: Write) -> None:
    """`- NAME=value`: the place is that of the value; a bare name is inherited."""
    found = read(project({"compose.yaml": COMPOSE}), "compose.yaml#job", None, {"FROM_PROCESS": "p"})
    assert values(found) == {"LISTED": "a=b", "FROM_PROCESS": "p"}
    assert (found["LISTED"].span.line, found["LISTED"].span.column) == (18, 16)


@pytest.mark.parametrize(
    ("file", "text", "hint"),
    [
        ("compose.yaml#wbe", COMPOSE, "compose.yaml#web"), ("compose.yaml", COMPOSE, "compose.yaml#web"),
        ("compose.yaml#web", "services: {web: {environment: {A: '${B:?set B}'}}}", "B"),
        ("compose.yaml#web", "services: {web: {environment: {A: [1]}}}", "quoted"),
        ("compose.yaml#a", "services: {a: {extends: {service: b}, environment: {}}, b: {extends: {service: a}}}", "extends"),
    ],
)
def test_compose_faults_say_what_to_do(project: Write, file: str, text: str, hint: str) -> None:
    """An unknown service, none named, a required variable, a list as value, a circle of `extends`."""
    with pytest.raises(ManifestError) as caught:
        read(project({"compose.yaml": text}), file)
    assert hint in caught.value.do


KUBERNETES = """apiVersion: apps/v1
kind: Deployment
metadata: {name: otp}
spec:
  template:
    spec:
      containers:
        - name: otp
          envFrom:
            - {configMapRef: {name: settings}, prefix: P_}
            - {secretRef: {name: tokens}}
            - {secretRef: {name: absent, optional: true}}
          env:
            - {name: URL, value: "https://$(P_HOST)/$(NOT_KNOWN)/$$(P_HOST)"}
            - {name: TOKEN, valueFrom: {secretKeyRef: {name: tokens, key: token}}}
            - {name: POD, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
        - name: side
          env: [{name: SIDE, value: "1"}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data:
  HOST: otp.example.com
"""
SECRET = """apiVersion: v1
kind: Secret
metadata: {name: tokens}
data: {token: c2VjcmV0Cg==, both: b25l}
stringData: {both: two}
"""


def test_kubernetes_resolves_maps_and_secrets_beside_it(project: Write) -> None:
    """envFrom, env, references and base64, with the place of the key that holds the value."""
    found = read(project({"k8s/app.yaml": KUBERNETES, "k8s/secret.yaml": SECRET, "k8s/broken.yaml": "a: ["}), "k8s/app.yaml#Deployment/otp")
    assert values(found) == {
        "P_HOST": "otp.example.com", "token": "secret\n", "both": "two", "TOKEN": "secret\n",
        "URL": "https://otp.example.com/$(NOT_KNOWN)/$(P_HOST)",
    }
    assert str(found["TOKEN"].span) == "k8s/secret.yaml:4:15"
    assert found["TOKEN"].secret_store
    assert not found["P_HOST"].secret_store
    assert "trailing_newline" in found["TOKEN"].remarks


def test_kubernetes_names_a_container(project: Write) -> None:
    """The first container is meant unless a third part names another."""
    assert values(read(project({"app.yaml": KUBERNETES}), "app.yaml#Deployment/otp/side")) == {"SIDE": "1"}


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        ("Pod", "spec: {containers: [{name: c, env: [{name: A, value: b}]}]}"),
        ("StatefulSet", "spec: {template: {spec: {containers: [{name: c, env: [{name: A, value: b}]}]}}}"),
        ("CronJob", "spec: {jobTemplate: {spec: {template: {spec: {containers: [{name: c, env: [{name: A, value: b}]}]}}}}}"),
    ],
)
def test_every_kind_of_workload_has_its_pod(project: Write, kind: str, spec: str) -> None:
    """The environment stands at another depth in each."""
    text = f"apiVersion: v1\nkind: {kind}\nmetadata: {{name: x}}\n{spec}\n"
    assert values(read(project({"k.yaml": text}), f"k.yaml#{kind}/x")) == {"A": "b"}
    assert values(read(project({"k.yaml": text}), "k.yaml")) == {"A": "b"}


@pytest.mark.parametrize(
    ("file", "files", "part"),
    [
        ("app.yaml#Deployment/otpp", {"app.yaml": KUBERNETES}, "app.yaml#Deployment/otp"),
        ("app.yaml#Deployment/otp/no", {"app.yaml": KUBERNETES}, "name one of them"),
    ],
)
def test_kubernetes_faults_say_what_to_do(project: Write, file: str, files: dict[str, str], part: str) -> None:
    """An unknown workload, an unknown container, a near miss."""
    with pytest.raises(ManifestError) as caught:
        read(project(files), file)
    assert part in caught.value.do


@pytest.mark.parametrize(
    ("secret", "name", "remark"),
    [
        (SECRET.replace("name: tokens", "name: token"), "TOKEN", "store_missing"), (SECRET.replace("token:", "tokn:"), "TOKEN", "store_missing"),
        (SECRET.replace("b25l", "not base64"), "both", None), (SECRET.replace("c2VjcmV0Cg==", "not base64"), "TOKEN", "not_base64"),
    ],
)
def test_kubernetes_faults_of_stores_are_remarked(project: Write, secret: str, name: str, remark: str | None) -> None:
    """A misspelt Secret, a key it lacks, and plain text under `data` are faults of the deployment, not of the manifest."""
    found = read(project({"app.yaml": KUBERNETES, "s.yaml": secret}), "app.yaml#Deployment/otp")
    assert remark is None or remark in found[name].remarks


def test_kubernetes_secret_of_the_cluster_is_unknown(project: Write) -> None:
    """A Secret that no file holds leaves its names undefined, so that another source can give them."""
    assert "TOKEN" not in read(project({"app.yaml": KUBERNETES}), "app.yaml#Deployment/otp")


def test_numbers_a_tool_rewrites_are_remarked(project: Write) -> None:
    """Helm writes long numbers with an exponent, Compose drops a leading plus; short and quoted ones are kept."""
    helm = read(project({"values.yaml": "image: {tag: a}\nreplicaCount: 1\nenv: {A: 12025550143, B: '12025550143', C: 300}\n"}), "values.yaml")
    assert [name for name, entry in helm.items() if "not_text" in entry.remarks] == ["A"]
    compose = read(project({"compose.yaml": "services: {a: {environment: {A: +12025550143, B: '+12025550143', C: 300}}}\n"}), "compose.yaml")
    assert [name for name, entry in compose.items() if "not_text" in entry.remarks] == ["A"]


HELM = """replicaCount: 2
image: {repository: otp}
api:
  env: {LOG: info, CODE: 007}
  extraEnv: [{name: LISTED, value: "x"}]
  secrets: {TOKEN: t}
"""


def test_helm_values_are_collected_from_their_blocks(project: Write) -> None:
    """Environment blocks are found at any depth; a block of secrets is marked as a store of secrets."""
    found = read(project({"values.yaml": HELM}), "values.yaml")
    assert values(found) == {"LOG": "info", "CODE": "007", "LISTED": "x", "TOKEN": "t"}
    assert [name for name, entry in found.items() if entry.secret_store] == ["TOKEN"]


def test_a_nested_file_without_a_block_is_refused(project: Write) -> None:
    """Guessing which of its keys are variables would be worse than asking."""
    with pytest.raises(ManifestError, match="no environment block"):
        read(project({"values.yaml": "a: {b: 1}\nc: [1]\n"}), "values.yaml")


@pytest.mark.parametrize(
    ("file", "text", "loader", "place"),
    [
        ("f.yaml", "# c\nA: NO\nB: +1202\n", "yaml", "f.yaml:2:4"), ("f.json", '{"A": "NO",\n "B": "+1202"}', "json", "f.json:1:7"),
        ("f.toml", 'A = "NO"\nB = "+1202"\n', "toml", "f.toml:1:5"), ("plain", '{"A": "NO", "B": "+1202"}', "json", "plain:1:7"),
        ("plain", "---\nA: NO\nB: '+1202'\n", "yaml", "plain:2:4"), ("plain", "A=NO\nB=+1202\n", "dotenv", "plain:1:3"),
    ],
)
def test_flat_files_are_recognised_by_content(project: Write, file: str, text: str, loader: str, place: str) -> None:
    """Names and values, each with its place, whatever the file is called."""
    found = read(project({file: text}), file)
    assert values(found) == {"A": "NO", "B": "+1202"}
    assert (found["A"].loader, str(found["A"].span)) == (loader, place)


def test_a_part_of_a_nested_file_can_be_named(project: Write) -> None:
    """`settings.toml#app.env` reads that table only."""
    assert values(read(project({"s.toml": "[app.env]\nA = 1\n[other]\nB = 2\n"}), "s.toml#app.env")) == {"A": "1"}


@pytest.mark.parametrize(
    ("file", "content", "what"),
    [
        ("f.env", b"\x00\x01", "cannot read"), ("f.env", b"A=\xff", "cannot read"), ("missing.env", None, "cannot read"),
        ("f.env", b"just words\nand more\n", "no NAME=value line"), ("f.yaml", b"- 1\n- 2\n", "no environment block"),
    ],
)
def test_a_file_that_is_no_environment_is_refused(project: Write, file: str, content: bytes | None, what: str) -> None:
    """The message names the file, why, and what to do; its place is where the manifest names it, or in the file."""
    with pytest.raises(ManifestError, match=what) as caught:
        read(project({file: content} if content is not None else {}), file)
    assert caught.value.why
    assert caught.value.do
    assert str(caught.value.where) == "otpgate.yaml:3:5"


def test_an_empty_file_is_an_empty_environment(project: Write) -> None:
    """Comments alone are no mistake."""
    assert read(project({"f.env": "# nothing yet\n\n"}), "f.env") == {}


def test_later_files_win_and_what_lost_is_kept(project: Write) -> None:
    """The entry that lost is kept; a name twice in one file is remarked as a duplicate."""
    folder = project({"one.env": "A=1\nB=1\nB=2\n", "two.env": "A=3\n"})
    named = [environment.Named(file, None, Span("m")) for file in ("one.env", "two.env")]
    found = environment.load(named, folder, lambda _: None)
    assert values(found.entries) == {"A": "3", "B": "2"}
    assert sorted((entry.name, entry.value) for entry in found.shadowed) == [("A", "1"), ("B", "1")]
    assert found.entries["B"].remarks == ("duplicate",)
    assert found.entries["A"].remarks == ()
    assert found.files == ("one.env", "two.env")
