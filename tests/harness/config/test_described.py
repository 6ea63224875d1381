"""Gateways described in the manifest: what cannot be read is told at its line, secrets are known as such, ids are words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from otpgate.config import manifest as manifests
from otpgate.config.model import Manifest
from otpgate.config.redaction import secret_entries, secret_paths
from otpgate.errors import ManifestError
from otpgate.gate import packs_of
from otpgate.scenarios.lanes import fakes

OWN: dict[str, Any] = {
    "provider": "http",
    "request": {"method": "POST", "url": "https://sms.acme.example/send", "json": {"to": "{to}", "text": "{text}"}},
    "success": {"status": 200, "match": {"status": "OK"}}, "message_id": "id", "auth": {"bearer": "${TOKEN}"},
}
DEPLOYED = {"TOKEN": "tk_9f8e7d6c5b4a39281706"}


def loaded(folder: Path, *gateways: dict[str, Any], deployed: dict[str, str] | None = None) -> Manifest:
    """A manifest of these gateways, one value a line."""
    (folder / "prod.env").write_text("".join(f"{name}={value}\n" for name, value in {**DEPLOYED, **(deployed or {})}.items()))
    document = {"service": {"environment": ["prod.env"]}, "gateways": {f"own{n or ''}": one for n, one in enumerate(gateways)}}
    (folder / "otpgate.yaml").write_text(yaml.safe_dump(document, sort_keys=False, default_flow_style=False))
    return manifests.load(folder / "otpgate.yaml", {})


def over(**changed: Any) -> dict[str, Any]:
    return {**OWN, **changed}


def request(**changed: Any) -> dict[str, Any]:
    return over(request={name: value for name, value in {**OWN["request"], **changed}.items() if value is not None})


WRONG: list[tuple[str, dict[str, Any], str, str]] = [
    ("method", request(method="PSOT"), "method: PSOT", "did you mean `POST`"),
    ("delete", request(method="DELETE"), "method: DELETE", "one of GET, POST"),
    ("no url", request(url=None), "request:", "has no URL"),
    ("relative url", request(url="/send"), "url: /send", "absolute"),
    ("other scheme", request(url="smpp://sms.acme.example"), "url: smpp", "absolute"),
    ("host placeholder", request(url="https://{to}.acme.example/"), "url: https", "the host is a placeholder"),
    ("bad port", request(url="https://sms.acme.example:99999/"), "url: https", "no URL"),
    ("two in a part", request(url="https://sms.acme.example/{to}-{text}"), "url: https", "two placeholders"),
    ("unknown key", request(heders={"A": "b"}), "heders:", "did you mean `headers`"),
    ("key of success", over(success={"statuses": 200}), "statuses:", "did you mean `status`"),
    ("two bodies", request(form={"to": "{to}"}), "json:", "two bodies"),
    ("request is text", over(request="https://sms.acme.example"), "request: https", "a map is expected"),
    ("headers is a list", request(headers=["X-A"]), "headers:", "names and their values"),
    ("unquoted placeholder", request(json={"to": {"to": None}, "text": "{text}"}), "to:", "quote it"),
    ("unquoted in a form", request(json=None, form={"to": {"to": None}, "text": "{text}"}), "to:", "quote it"),
    ("failing status", over(success={"status": 404}), "status: 404", "no status of a success"),
    ("status word", over(success={"status": "fine"}), "status: fine", "no status of a success"),
    ("bad pattern", over(success={"match": "OK("}), "match: OK(", "no regular expression"),
    ("pattern list", over(success={"match": ["OK"]}), "match:", "a pattern over the body"),
    ("bad id", over(message_id={"regexp": "x"}), "regexp:", "did you mean `regex`"),
    ("two ids", over(message_id={"regex": "x", "header": "y"}), "message_id:", "found in one place"),
    ("bad id pattern", over(message_id={"regex": "("}), "regex:", "no regular expression"),
    ("receipt method", over(receipt={"method": "PUT", "id": "i", "status": "s", "delivered": "1", "failed": "2"}), "method: PUT", "GET or POST"),
    ("receipt format", over(receipt={"id": "i", "status": "s", "delivered": "1", "failed": "2", "format": "xml"}), "format: xml", "form or json"),
    ("receipt key", over(receipt={"ident": "i"}), "ident:", "unknown key"),
    ("two auths", over(auth={"bearer": "x", "header": {"A": "b"}}), "auth:", "ways to authenticate"),
    ("unknown auth", over(auth={"oauth": "x"}), "oauth:", "unknown key"),
    ("basic keys", over(auth={"basic": {"user": "x", "password": "y"}}), "user:", "its keys are username, password"),
    ("bearer map", over(auth={"bearer": {"token": "x"}}), "bearer:", "one value"),
    ("nested header", over(auth={"header": {"A": {"b": "c"}}}), "A:", "one value"),
]


@pytest.mark.parametrize(("gateway", "line", "words"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_what_cannot_be_read_is_told_at_its_line(tmp_path: Path, gateway: dict[str, Any], line: str, words: str) -> None:
    """The key, why, and what to write instead; the place is the key's own or its value's."""
    with pytest.raises(ManifestError) as refused:
        loaded(tmp_path, gateway)
    error = refused.value
    assert words in str(error), str(error)
    lines = (tmp_path / "otpgate.yaml").read_text().splitlines()
    place = int(str(error.where).split(":")[1])
    assert line in lines[place - 1] or line in lines[place - 2], (lines[place - 2:place], str(error))


def test_without_a_request_the_gateway_is_named(tmp_path: Path) -> None:
    """A gateway that says nothing of itself is a gateway without a required setting, which a rule tells."""
    manifest = loaded(tmp_path, {"provider": "http", "sender": "ACME"})
    assert manifest.gateways["own"].pack is not None
    assert manifest.gateways["own"].settings.keys() == {"provider", "sender"}


def test_a_deployed_fault_is_no_fault_of_the_manifest(tmp_path: Path) -> None:
    """A URL, a method and a pattern that are deployed wrong leave a gateway that rules can judge."""
    gateway = over(request={**OWN["request"], "url": "${URL}", "method": "${METHOD}"}, success={"match": "${MATCH}"})
    manifest = loaded(tmp_path, gateway, deployed={"URL": "sms.acme.example", "METHOD": "SEND", "MATCH": "OK("})
    pack = manifest.gateways["own"].pack
    assert pack is not None
    assert pack.description is not None
    assert {flaw.path for flaw in pack.description.flaws} == {"request.url", "request.method", "success.match"}


def test_a_whole_map_may_be_deployed(tmp_path: Path) -> None:
    """A reference that stands alone may be the JSON of a map."""
    manifest = loaded(tmp_path, over(request="${SMS}"), deployed={"SMS": '{"url": "https://sms.acme.example/x", "form": {"to": "{to}", "t": "{text}"}}'})
    pack = manifest.gateways["own"].pack
    assert pack is not None
    assert [host.name for host in pack.provider.hosts] == ["sms.acme.example"]


def test_what_authenticates_is_a_setting_of_its_own(tmp_path: Path) -> None:
    """Each value has a name, the place where it is deployed, and is known to be secret."""
    gateway = over(
        auth={"basic": {"username": "${USER}", "password": "${PASSWORD}"}},
        request={**OWN["request"], "headers": {"X-Api-Key": "${KEY}"}, "url": "https://sms.acme.example/send?token=${TOKEN}"},
    )
    manifest = loaded(tmp_path, gateway, deployed={"USER": "acme", "PASSWORD": "pw-1234567890", "KEY": "key-1234567890"})
    settings = manifest.gateways["own"].settings
    assert "auth" not in settings
    assert {name: settings[name].span.key for name in settings if settings[name].entries and "." in name and name != "request.url"} == {
        "auth.basic.username": "USER", "auth.basic.password": "PASSWORD", "request.headers.X-Api-Key": "KEY", "request.url?token": "TOKEN",
    }
    assert {"gateways.own.auth.basic.password", "gateways.own.request.headers.X-Api-Key"} <= secret_paths(manifest)
    assert "gateways.own.request.url" in secret_paths(manifest)
    assert {"PASSWORD", "KEY", "TOKEN"} <= secret_entries(manifest)


def test_one_gateway_is_called_http_and_several_by_their_names(tmp_path: Path) -> None:
    """Ids are words that nobody else has; equal descriptions share one."""
    assert [one.provider for one in loaded(tmp_path, OWN).gateways.values()] == ["http"]
    other = request(url="https://bulk.other.example/send")
    same = over(auth={"bearer": "${OTHER}"})
    manifest = loaded(tmp_path, OWN, other, same, deployed={"OTHER": "tk_another_one_1234"})
    assert [one.provider for one in manifest.gateways.values()] == ["http-own", "http-own1", "http-own"]
    assert packs_of(manifest).keys() == {"http-own", "http-own1"}


def test_the_fakes_are_handed_the_description(tmp_path: Path) -> None:
    """The maps as they are deployed, and the secrets by their names."""
    (given,) = fakes(loaded(tmp_path, OWN), packs_of(loaded(tmp_path, OWN)), 1).gateways
    assert (given.provider, given.pack, given.secrets) == ("http", "http", {"auth.bearer": DEPLOYED["TOKEN"]})
    assert given.description["request"] == OWN["request"]
    assert given.description["auth"] == {"bearer": DEPLOYED["TOKEN"]}
