"""Contradictions inside a pack that its types cannot see: undefined states, unknown triggers, dangling names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from otpgate_contracts.account import REASONS
from otpgate_contracts.faults import nearest
from otpgate_contracts.model import Lifecycle, Pack
from otpgate_contracts.signing import names

FOLDER_DECIDES = ("input", "fault", "resource")
OUTCOMES = ("delivered", "undelivered", "failed", "expired", "rejected", "unknown")
FAMILIES = frozenset((
    "CR", "EP", "SN", "DP", "RC", "TP", "EN", "WH", "TL", "TO", "RQ", "FO", "OP", "EV", "SV", "VR", "FL", "EX",
))
COMMON_SETTINGS = frozenset((
    "provider", "product", "account", "sender", "status_callback", "callback_secret", "base_url", "timeout", "attempts",
    "retry_on", "verify_tls", "proxy", "validity_period", "receipts", "number_form", "default_country", "ca_bundle",
    "template_id", "entity_id", "sdk",
))
MANIFEST_SECTIONS = ("account.", "otp.", "objectives.", "failover.", "routes", "service.", "profile")
_RULE = re.compile(r"([A-Z]{2})[0-9]{3}\Z")


class Problem(Struct, frozen=True):
    """One contradiction: `path` is a key path in `file`, such as `lifecycle.paths.delivered[1]`."""

    file: str
    path: str
    message: str
    hint: str = ""


def problems(pack: Pack, rules: frozenset[str] = frozenset()) -> Iterator[Problem]:
    """Every contradiction of a pack. `rules`: the known rule ids, empty = any well-formed id."""
    yield from _provider(pack, rules)
    yield from _states(pack)
    yield from _errors(pack, rules)
    yield from _senders(pack)


def _provider(pack: Pack, rules: frozenset[str]) -> Iterator[Problem]:
    file, provider = "provider.yaml", pack.provider
    settings = {spec.name for spec in provider.settings} | COMMON_SETTINGS
    for i, reason in enumerate(provider.refuses_in_order):
        if reason not in REASONS and reason not in FOLDER_DECIDES:
            yield Problem(file, f"refuses_in_order[{i}]", f"unknown reason `{reason}`", _did_you_mean(reason, REASONS))
    for i, spec in enumerate(provider.settings):
        at = f"settings[{i}]"
        yield from _pattern(file, f"{at}.pattern", spec.pattern)
        if spec.kind == "enum" and not spec.values:
            yield Problem(file, at, f"setting `{spec.name}` is an enum without `values`")
        if spec.pattern and spec.example and not re.search(spec.pattern, spec.example):
            yield Problem(file, f"{at}.example", f"the example of `{spec.name}` does not fit its own pattern")
        yield from _products(pack, f"{at}.products", spec.products)
        for j, other in enumerate(spec.confusable):
            yield from _pattern(file, f"{at}.confusable[{j}].pattern", other.pattern)
            yield from _setting(file, f"{at}.confusable[{j}].belongs_to", other.belongs_to, settings)
    for i, scheme in enumerate(provider.credentials):
        yield from _pattern(file, f"credentials[{i}].only", scheme.only)
        for j, name in enumerate(scheme.settings):
            yield from _setting(file, f"credentials[{i}].settings[{j}]", name, settings)
        yield from _setting(file, f"credentials[{i}].principal", scheme.principal, settings)
        yield from _setting(file, f"credentials[{i}].secret", scheme.secret, settings)
        yield from _products(pack, f"credentials[{i}].products", scheme.products)
    schemes = None if Path(pack.folder, "signing.py").is_file() else names()
    for i, webhook in enumerate(provider.webhooks):
        if webhook.signature is not None and schemes is not None and webhook.signature not in schemes:
            hint = f"known: {', '.join(schemes)}; a pack may bring its own in signing.py"
            yield Problem(file, f"webhooks[{i}].signature", f"unknown signature scheme `{webhook.signature}`", hint)
        for j, name in enumerate(webhook.signature_settings):
            yield from _setting(file, f"webhooks[{i}].signature_settings[{j}]", name, settings)
        for j, name in enumerate(webhook.needs):
            yield from _setting(file, f"webhooks[{i}].needs[{j}]", name, settings)
    for i, value in enumerate(provider.test_values):
        yield from _pattern(file, f"test_values[{i}].pattern", value.pattern)
        if value.effect not in ("", "passes") and value.effect not in REASONS and not pack.error(value.effect):
            yield Problem(file, f"test_values[{i}].effect", f"`{value.effect}` is no code of errors.yaml")
    for i, sdk in enumerate(provider.sdks):
        for j, trap in enumerate(sdk.traps):
            yield from _rule(file, f"sdks[{i}].traps[{j}].rule", trap.rule, rules)
    regions = {region.id for region in provider.regions}
    for i, host in enumerate(provider.hosts):
        if host.region and regions and host.region not in regions:
            yield Problem(file, f"hosts[{i}].region", f"undefined region `{host.region}`", _did_you_mean(host.region, regions))


def _states(pack: Pack) -> Iterator[Problem]:
    cycles = [("lifecycle", pack.provider.lifecycle)]
    cycles += [(f"lifecycles.{name}", cycle) for name, cycle in pack.provider.lifecycles.items()]
    for path, cycle in cycles:
        yield from _lifecycle(path, cycle)


def _lifecycle(path: str, cycle: Lifecycle) -> Iterator[Problem]:
    file, states = "provider.yaml", {state.name: state for state in cycle.states}
    named = [(f"{path}.initial", cycle.initial), (f"{path}.initial_with_pool", cycle.initial_with_pool)]
    for key, walks in (("paths", cycle.paths), ("paths_with_pool", cycle.paths_with_pool)):
        for outcome, walk in walks.items():
            if outcome not in OUTCOMES:
                yield Problem(file, f"{path}.{key}.{outcome}", f"unknown outcome `{outcome}`", f"one of {', '.join(OUTCOMES)}")
            named += [(f"{path}.{key}.{outcome}[{i}]", name) for i, name in enumerate(walk)]
    for place, name in named:
        if name is not None and name not in states:
            yield Problem(file, place, f"undefined state `{name}`", _did_you_mean(name, states))


def _errors(pack: Pack, rules: frozenset[str]) -> Iterator[Problem]:
    file, seen = "errors.yaml", set()
    settings = {spec.name for spec in pack.provider.settings} | COMMON_SETTINGS
    states = {state.name for state in pack.provider.lifecycle.states}
    for cycle in pack.provider.lifecycles.values():
        states |= {state.name for state in cycle.states}
    for i, row in enumerate(pack.errors):
        if row.trigger not in REASONS and row.trigger not in FOLDER_DECIDES:
            hint = _did_you_mean(row.trigger, (*REASONS, *FOLDER_DECIDES))
            yield Problem(file, f"[{i}].trigger", f"error {row.code}: unknown trigger `{row.trigger}`", hint)
        if row.rule is not None:
            yield from _rule(file, f"[{i}].rule", row.rule, rules)
        for reason, rule in row.also.items():
            if reason not in REASONS:
                hint = _did_you_mean(reason, REASONS)
                yield Problem(file, f"[{i}].also.{reason}", f"error {row.code}: unknown reason `{reason}`", hint)
            if rule:
                yield from _rule(file, f"[{i}].also.{reason}", rule, rules)
        for j, name in enumerate(row.settings):
            if not name.startswith(MANIFEST_SECTIONS):
                yield from _setting(file, f"[{i}].settings[{j}]", name, settings)
        if row.state is not None and row.state not in states:
            hint = _did_you_mean(row.state, states)
            yield Problem(file, f"[{i}].state", f"error {row.code}: undefined state `{row.state}`", hint)
        if not any(row.product == name or row.product.startswith(f"{name}_") for name in pack.provider.products):
            yield Problem(file, f"[{i}].product", f"error {row.code}: undefined product `{row.product}`")
        key = (row.code, row.product, row.phase, row.trigger, row.http)
        if key in seen:
            yield Problem(file, f"[{i}]", f"error {row.code} is given twice for product `{row.product}`")
        seen.add(key)


def _senders(pack: Pack) -> Iterator[Problem]:
    for i, kind in enumerate(pack.senders.kinds):
        yield from _pattern("senders.yaml", f"kinds[{i}].pattern", kind.pattern)
        yield from _pattern("senders.yaml", f"kinds[{i}].wire_pattern", kind.wire_pattern)
    for i, rule in enumerate(pack.senders.rules):
        for j, country in enumerate(rule.countries):
            if country != "*" and not re.fullmatch("[A-Z]{2}", country):
                yield Problem("senders.yaml", f"rules[{i}].countries[{j}]", f"`{country}` is no ISO country code")


def _rule(file: str, path: str, rule: str, known: frozenset[str]) -> Iterator[Problem]:
    match = _RULE.match(rule)
    if not match or match[1] not in FAMILIES or (known and rule not in known):
        yield Problem(file, path, f"unknown rule `{rule}`", _did_you_mean(rule, known))


def _pattern(file: str, path: str, pattern: str | None) -> Iterator[Problem]:
    try:
        re.compile(pattern or "")
    except re.error as error:
        yield Problem(file, path, f"not a regular expression: {error}")


def _setting(file: str, path: str, name: str | None, known: set[str] | frozenset[str]) -> Iterator[Problem]:
    if name is not None and name not in known:
        yield Problem(file, path, f"undefined setting `{name}`", _did_you_mean(name, known))


def _products(pack: Pack, path: str, products: tuple[str, ...]) -> Iterator[Problem]:
    for name in products:
        if name not in pack.provider.products:
            hint = _did_you_mean(name, pack.provider.products)
            yield Problem("provider.yaml", path, f"undefined product `{name}`", hint)


def _did_you_mean(word: str, words: object) -> str:
    close = nearest(word, words)  # type: ignore[arg-type]
    return f"did you mean `{close}`?" if close else ""
