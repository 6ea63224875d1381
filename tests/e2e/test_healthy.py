"""A healthy service is green in everything, whatever the number of lanes and the order."""

from __future__ import annotations

from pathlib import Path

import pytest
from e2e.small import SERVICES, Small

pytestmark = [pytest.mark.slow, pytest.mark.fence]

COLOURED = ("failover/no_receipt", "failover/server_error", "failover/rate_limited", "bad-recipient", "delivers")
STATEFUL = ("failover", "bad-recipient", "no-storm", "delivers")


def test_a_healthy_service_passes_everything(tmp_path: Path) -> None:
    """Every scenario of every route and gateway is decided and green."""
    found = Small(tmp_path).verify()
    assert (found.code, found.failing(), found.names) == (0, [], set())


def test_a_service_with_a_circuit_breaker_is_not_coloured(tmp_path: Path) -> None:
    """One failure opens the breaker for everybody, and still each scenario sees its own gateway fail."""
    found = Small(tmp_path, BREAKER="1").verify(scenarios=STATEFUL)
    assert (found.code, found.failing()) == (0, [])


def test_a_limit_across_users_colours_no_verdict(tmp_path: Path) -> None:
    """A service that takes six requests and no more: who was turned away is played again, alone."""
    found = Small(tmp_path, LIMIT="6").verify(scenarios=("delivers", "receipts", "refuses-wrong-code"))
    assert (found.code, found.failing()) == (0, [])
    assert any("limits requests" in note for note in found.report["notes"])


@pytest.fixture(scope="module")
def coloured(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str | None, str | None, str | None], str]:
    """The verdicts on a breaker and a defect together, with every lane at once."""
    service = Small(tmp_path_factory.mktemp("coloured"), "ignores_silence", BREAKER="1")
    service.promise_little()
    return service.verify(scenarios=COLOURED).verdicts


@pytest.mark.parametrize("options", [("--jobs", "3"), ("--jobs", "5", "--seed", "12")])
def test_verdicts_depend_on_neither_lanes_nor_order(
    tmp_path: Path, options: tuple[str, ...], coloured: dict[tuple[str, str | None, str | None, str | None], str]
) -> None:
    """A breaker and a defect together: the same verdicts for any --jobs and --seed."""
    service = Small(tmp_path, "ignores_silence", BREAKER="1")
    service.promise_little()
    assert service.verify(*options, scenarios=COLOURED).verdicts == coloured
    assert "failed" in coloured.values()


def test_a_sign_in_by_forms_with_csrf_tokens_is_walked_through(tmp_path: Path) -> None:
    """Pages, hidden tokens and a session cookie lead to a code and back."""
    service = Small(tmp_path)
    api = (SERVICES / "manifest.yaml").read_text().partition("  api:\n")[2].partition("gateways:")[0]
    service.replace("manifest.yaml", api, (SERVICES / "forms.yaml").read_text())
    found = service.verify(scenarios=("delivers", "refuses-wrong-code"))
    assert (found.code, found.failing()) == (0, [])


def test_an_unfenced_run_gives_the_same_verdicts(tmp_path: Path) -> None:
    """Proxy variables and twins of the secrets instead of a fence; the service sees the same gateways."""
    found = Small(tmp_path).verify("--unfenced", scenarios=("delivers", "receipts", "failover/server_error"))
    assert (found.code, found.failing()) == (0, [])


def test_nothing_selected_is_never_green(tmp_path: Path) -> None:
    """A scenario that applies to nothing leaves exit code 5."""
    options = ("--gateway", "primary", "--country", "US")
    assert Small(tmp_path).verify(*options, scenarios=("failover/failing_2xx",)).code == 5
