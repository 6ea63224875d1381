"""A provider that is a folder of the user's own: read from beside the manifest, judged, played; its faults told at their lines."""

from __future__ import annotations

import hmac
import json
from datetime import date
from pathlib import Path

import msgspec
import pytest

from otpgate import rules
from otpgate.config import manifest as manifests
from otpgate.errors import ManifestError
from otpgate.gate import packs_of
from otpgate.rules.walker import walk
from otpgate.scenarios.lanes import fakes
from otpgate_contracts.admin import FakeGateway
from otpgate_fakes.core.errors import Problem
from otpgate_fakes.loading import load
from tests.providers.http.bench import Bench
from tests.providers.http.own import MANIFEST, project, shown

SECRET = "kT4wPz9QmX2vLc7B"


def findings(manifest: Path) -> set[tuple[str, str]]:
    loaded = manifests.load(manifest, {})
    walked = walk(loaded, packs_of(loaded), rules=rules.load(), today=date(2026, 11, 1))
    return {(one.rule, one.gateway or "") for one in walked.findings if one.severity == "error"}


def told(manifest: Path) -> str:
    with pytest.raises(ManifestError) as refused:
        manifests.load(manifest, {})
    return str(refused.value)


def test_the_page_shows_a_whole_pack() -> None:
    """Nothing is missing on the page that a folder needs."""
    assert {name.rpartition("/")[2] for name in shown()} == {
        "provider.yaml", "errors.yaml", "senders.yaml", "openapi.yaml", "fake.py", "signing.py",
    }


def test_the_folder_is_a_provider_like_any_other(tmp_path: Path) -> None:
    """Its own settings are known, its id stands for it, and a healthy manifest is silent."""
    manifest = project(tmp_path)
    gateway = manifests.load(manifest, {}).gateways["bulk"]
    assert (gateway.provider, gateway.text("client")) == ("acme", "4711")
    assert findings(manifest) == set()


def test_its_settings_are_judged(tmp_path: Path) -> None:
    """An empty secret is found by the rule every provider has."""
    manifest = project(tmp_path)
    (tmp_path / "production.env").write_text("ACME_CLIENT=4711\nACME_SECRET=\n")
    assert ("CR001", "bulk") in findings(manifest)


FAULTS = [
    ({"manifest": MANIFEST.replace("gateways/acme", "gateways/acne")}, ["there is no folder gateways/acne", "otpgate.yaml:8"]),
    ({"fake_py": ""}, ["has no fake.py", "otpgate.yaml:8"]),
    ({"errors_yaml": "- {code: E1, title: x, trigger: credentials_wrung}\n"}, ["credentials_wrung", "gateways/acme/errors.yaml:1"]),
    ({"senders_yaml": "kinds: [\n"}, ["gateways/acme/senders.yaml:"]),
    ({"openapi_yaml": "- a list\n"}, ["not a mapping", "gateways/acme/openapi.yaml:1"]),
    ({"provider_yaml": shown()["gateways/acme/provider.yaml"].replace("id: acme", "id: twilio")}, ["calls itself `twilio`", "gateways/acme/provider.yaml:1"]),
    ({"provider_yaml": shown()["gateways/acme/provider.yaml"].replace("lifecycle:", "livecycle:")}, ["livecycle", "lifecycle", "provider.yaml:13"]),
    ({"manifest": MANIFEST.replace("    client:", "    clint:")}, ["unknown key `clint`", "did you mean `client`", "otpgate.yaml:9"]),
]


@pytest.mark.parametrize(("changed", "words"), FAULTS, ids=[words[0] for _, words in FAULTS])
def test_a_fault_is_told_at_its_line(changed: dict[str, str], words: list[str], tmp_path: Path) -> None:
    """What is wrong with the folder, or with the manifest's word for it, has a file, a line and a way out."""
    text = told(project(tmp_path, **changed))
    assert all(word in text for word in words), text


def test_a_deployed_folder_that_is_not_there_is_a_finding(tmp_path: Path) -> None:
    """The deployment chooses the provider: what it chooses wrong is told where it is deployed."""
    manifest = project(tmp_path, manifest=MANIFEST.replace("./gateways/acme", "${SMS_GATEWAY}"))
    with (tmp_path / "production.env").open("a") as file:
        file.write("SMS_GATEWAY=./gateways/gone\n")
    assert ("VR001", "bulk") in findings(manifest)


def test_a_broken_fake_is_told_with_its_line(tmp_path: Path) -> None:
    """A module that does not load is the user's to mend, and no traceback."""
    project(tmp_path, fake_py="import json\n\nFAKE = json.nothing\n")
    with pytest.raises(Problem, match=r"gateways/acme/fake\.py:3: AttributeError"):
        load("acme", (), [FakeGateway(name="bulk", provider="acme", pack=str(tmp_path / "gateways/acme"))])


def test_a_module_without_a_fake_is_told(tmp_path: Path) -> None:
    """What a module has to export is said."""
    project(tmp_path, fake_py="NOTHING = 1\n")
    with pytest.raises(Problem, match="offers no fake"):
        load("acme", (), [FakeGateway(name="bulk", provider="acme", pack=str(tmp_path / "gateways/acme"))])


def test_the_files_of_a_folder_can_be_handed_over(tmp_path: Path) -> None:
    """A process that does not see the folder plays it from its files."""
    project(tmp_path)
    folder = tmp_path / "gateways/acme"
    files = {path.name: path.read_text() for path in folder.iterdir() if path.is_file()}
    fake, pack = load("acme", (), [FakeGateway(name="bulk", provider="acme", pack="/nowhere/acme", files=files)])
    assert (fake.provider, pack.id, pack.folder != str(folder)) == ("acme", "acme", True)


def test_a_name_that_leaves_the_folder_is_refused() -> None:
    """Files that are handed over stay in the folder made for them."""
    with pytest.raises(Problem, match="is named"):
        load("acme", (), [FakeGateway(name="bulk", provider="acme", pack="/nowhere/acme", files={"../fake.py": ""})])


def test_the_folder_is_played(tmp_path: Path) -> None:
    """A signed call is taken and its code is in the inbox; another secret is refused with the folder's own error."""
    manifest = manifests.load(project(tmp_path), {})
    bench = Bench(*msgspec.to_builtins(fakes(manifest, packs_of(manifest), 1).gateways))
    body = json.dumps({"to": "+12025550142", "from": "+12025550143", "text": "271828 is your Acme code."}).encode()
    answers = [
        bench.call("POST", "https://sms.acme.example/send", body, {
            "X-Acme-Client": "4711", "X-Acme-Signature": hmac.digest(secret.encode(), body, "sha256").hex(), "Content-Type": "application/json",
        })
        for secret in (SECRET, "another")
    ]
    assert answers == [(202, json.dumps({"id": bench.messages[0].provider_id})), (401, '{"error": "E1"}')]
    assert (bench.messages[0].provider, bench.messages[0].gateway, bench.messages[0].code) == ("acme", "bulk", "271828")
