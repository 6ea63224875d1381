"""Account files as the manifest names them: read, checked against the gateway, secrets resolved."""

from __future__ import annotations

from msgspec.structs import replace

from otpgate.config import documents
from otpgate.config.nodes import Node
from otpgate.config.references import Resolver
from otpgate.errors import ManifestError
from otpgate.findings import Span
from otpgate_contracts.account import AccountState
from otpgate_contracts.loading_account import AccountError, load_account


def read(
    resolver: Resolver, path: str, node: Node, provider: str
) -> tuple[AccountState, str, dict[str, Span]]:
    """State, file as shown, places of its keys. ManifestError when it is missing, malformed or of another provider."""
    if node.kind != "scalar":
        raise ManifestError(
            f"`{path}` is a {node.kind}", where=node.span, why="it names the file with the account's state",
            do="write a path, as in accounts/primary.yaml",
        )
    resolved = resolver.resolve(node)
    if resolved.undefined:
        raise ManifestError(
            f"`{path}` names no file", where=node.span, why=f"nothing defines {', '.join(resolved.undefined)}",
            do="write the path out, or define the name",
        )
    target = resolver.folder / resolved.text
    file = documents.relative(target, resolver.folder)
    text = documents.read(target, file, node.span)
    try:
        state, places = load_account(text, file)
    except AccountError as error:
        raise ManifestError(
            f"{file} is no account file: {error.message}", where=Span(file, error.line, error.column),
            why=f"`{path}` names it as the account's state", do=error.hint or "correct it at this place",
        ) from None
    spans = {key: Span(file, line, column, line, column, key) for key, (line, column) in places.items()}
    if provider and state.provider != provider:
        raise ManifestError(
            f"{file} is an account of {state.provider}", where=spans.get("provider", Span(file)),
            why=f"`{path.removesuffix('.account')}` is a gateway of {provider}", do=f"name the account file of {provider}",
        )
    return _with_secrets(resolver, state, spans, Span(file)), file, spans


def _with_secrets(resolver: Resolver, state: AccountState, spans: dict[str, Span], file: Span) -> AccountState:
    """`${NAME}` in secrets is looked up; an undefined one leaves the secret unknown."""

    def known(text: str | None, key: str) -> str | None:
        if text is None or "$" not in text:
            return text
        found = resolver.resolve(Node(kind="scalar", span=spans.get(key, file), value=text, text=text))
        return None if found.undefined else found.text

    credentials = state.credentials and tuple(
        replace(one, secret=known(one.secret, f"credentials[{index}].secret"))
        for index, one in enumerate(state.credentials)
    )
    callbacks = replace(state.callbacks, secret=known(state.callbacks.secret, "callbacks.secret"))
    return replace(state, credentials=credentials, callbacks=callbacks)
