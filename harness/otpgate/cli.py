"""The command line. Each command lives in `otpgate.commands.<name>` and is imported only when it runs."""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import os
import sys

# A command lives for a moment: walking its young objects, those of its imports above all, costs more than it frees.
gc.set_threshold(100_000, 50, 50)

from typing import Any, NoReturn  # noqa: E402

import click  # noqa: E402

from otpgate import __version__  # noqa: E402
from otpgate.errors import INTERNAL, INTERRUPTED, USAGE, OtpgateError  # noqa: E402

COMMANDS = {
    "check": "Static rules only; no network, no service.",
    "clean": "Remove what killed runs of the docker engine left.",
    "config": "Print each value of the manifest and where it comes from.",
    "contract": "Pact files from observed traffic: record, verify, publish.",
    "explain": "What a rule means, why it hurts, and how to fix it.",
    "init": "Write a first manifest and account files from what is found.",
    "providers": "The providers otpgate knows.",
    "rules": "The catalogue of rules.",
    "run": "Run any program with its SMS traffic caught by the fakes.",
    "scenarios": "The catalogue of scenarios.",
    "serve": "Fakes, inbox page and admin API for local work.",
    "verify": "The gate: rules, fakes, the real service, every scenario.",
}
STARTING = {"contract", "run", "serve", "verify"}  # these leave processes behind unless they are ended in order


class Lazy(click.Group):
    """A group that knows its commands' names and one-line helps without importing any of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        if cmd_name in STARTING:
            _end_what_was_started()
        module = importlib.import_module(f"otpgate.commands.{cmd_name}")
        command: click.Command = module.command
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(args[0], COMMANDS, 1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise click.UsageError(f"No command {args[0]!r}.{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(sorted(COMMANDS.items()))


@click.command(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, "--version", "-V", prog_name="otpgate", message="%(prog)s %(version)s")
def app() -> None:
    """Find the SMS gateway setting that would leave users without codes, before it is deployed.

    Exit codes: 0 clean, 1 findings, 2 usage or manifest error, 3 internal error, 4 environment not usable,
    5 nothing was selected or loaded, 130 interrupted.
    """


def _end_what_was_started() -> None:
    """SIGTERM ends a command as Ctrl-C does, so that nothing it started is left behind."""
    import signal

    def terminated(signum: int, frame: Any) -> None:
        raise KeyboardInterrupt

    with contextlib.suppress(ValueError):  # not the main thread: the embedding program owns the signals
        signal.signal(signal.SIGTERM, terminated)


def main(argv: list[str] | None = None) -> None:
    """Run the command line and exit; every error is one clear message, never a traceback."""
    code = run(argv)
    if argv is not None or STARTING.intersection(sys.argv[1:2]):
        sys.exit(code)
    _leave(code)


def _leave(code: int) -> NoReturn:
    """Exit at once: taking every module apart would only cost time, and nothing here was started that has to end."""
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        pass
    except (OSError, ValueError):
        code = code or INTERNAL  # what was said did not arrive whole
    os._exit(code)


def run(argv: list[str] | None = None) -> int:
    """Run the command line; the exit code."""
    try:
        result = app.main(args=argv, prog_name="otpgate", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.UsageError as error:
        error.show()
        return USAGE
    except (click.exceptions.Abort, KeyboardInterrupt):
        print("otpgate: interrupted", file=sys.stderr)
        return INTERRUPTED
    except OtpgateError as error:
        print(f"otpgate: {error}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except Exception as error:
        return _internal(error)


def _internal(error: Exception) -> int:
    import traceback

    if os.environ.get("OTPGATE_TRACEBACK"):
        traceback.print_exc()
    frame = traceback.extract_tb(error.__traceback__)[-1]
    print(
        f"otpgate: internal error: {type(error).__name__}: {error}\n"
        f"  where: {frame.name} ({os.path.basename(frame.filename)}:{frame.lineno})\n"
        "  why:   a fault of otpgate itself, not of your files\n"
        "  do:    report it; OTPGATE_TRACEBACK=1 prints the whole trace",
        file=sys.stderr,
    )
    return INTERNAL


if __name__ == "__main__":
    main()
