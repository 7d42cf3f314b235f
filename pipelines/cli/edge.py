"""The edge of the program: shared options, and the one place where an error becomes a line and an exit code.

Exit codes: 0 done; 1 the data or a check failed; 2 wrong usage or configuration. Not here: what a command does.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipelines.home import Home
    from pipelines.settings import Settings

F = TypeVar("F", bound="Callable[..., Any]")

DATA_FAILED = 1
WRONG_USAGE = 2
STOPPED = 130
DEFAULT_HOME = Path("wardflow-home")


class CheckFailed(click.ClickException):
    """The data or a check failed: one line, exit code 1."""

    exit_code = DATA_FAILED


class WrongUse(click.ClickException):
    """Wrong usage or configuration: one line, exit code 2."""

    exit_code = WRONG_USAGE


@dataclass
class Call:
    """What the options that every command has say; a command's own win over the program's."""

    home_option: Path | None = None
    debug: bool = False
    role_option: str | None = None
    _settings: Settings | None = field(default=None, repr=False)

    @property
    def home_path(self) -> Path:
        """`--home`, else WARDFLOW_HOME, else ./wardflow-home."""
        return self.home_option or Path(os.environ.get("WARDFLOW_HOME") or DEFAULT_HOME)

    def home(self) -> Home:
        """The home, which must exist.

        Raises:
            WrongUse: there is no wardflow.toml in it.
        """
        from pipelines.home import Home

        if not (self.home_path / "wardflow.toml").is_file():
            raise WrongUse(
                f"{self.home_path} is no Wardflow home: it has no wardflow.toml. "
                f"Make one with `wardflow init --home {self.home_path}`, or name yours with --home or WARDFLOW_HOME."
            )
        return Home(self.home_path)

    def settings(self) -> Settings:
        """The home's settings: environment over wardflow.toml, read once."""
        if self._settings is None:
            from pipelines.settings import load

            self._settings = load(self.home())
        return self._settings


def call_of(context: click.Context | None = None) -> Call:
    """The options of the running command."""
    return (context or click.get_current_context()).ensure_object(Call)


def _set_home(context: click.Context, _parameter: click.Parameter, value: Path | None) -> None:
    if value is not None:
        call_of(context).home_option = value


def _set_debug(context: click.Context, _parameter: click.Parameter, value: bool) -> None:  # noqa: FBT001 -- click's callback signature
    if value:
        call_of(context).debug = True


def home_options(command: F) -> F:
    """`--home` and `--debug`, on the program and on every command."""
    command = click.option(
        "--debug", is_flag=True, expose_value=False, callback=_set_debug, help="Show the traceback of an error."
    )(command)
    return click.option(
        "--home",
        type=click.Path(path_type=Path, file_okay=False),
        metavar="DIR",
        expose_value=False,
        callback=_set_home,
        help="Everything of one hospital.  [env: WARDFLOW_HOME; default: ./wardflow-home]",
    )(command)


def format_option(command: F) -> F:
    """`--format json` prints one JSON document and nothing else."""
    return click.option(
        "--format",
        "as_format",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        help="Text for people, or one JSON document.",
    )(command)


class Program(click.Group):
    """The command group that turns every error into one line on standard error and an exit code."""

    def main(self, *args: Any, **kwargs: Any) -> NoReturn:  # noqa: ANN401 -- click's own signature
        """Run a command line and leave the process with its exit code."""
        kwargs.pop("standalone_mode", None)
        given = kwargs.get("args") or (args[0] if args else None)
        debug = "--debug" in (sys.argv[1:] if given is None else given)
        try:
            code = super().main(*args, standalone_mode=False, **kwargs)
        except click.exceptions.NoArgsIsHelpError as error:
            click.echo(error.format_message(), err=True)
            code = WRONG_USAGE
        except (click.exceptions.Abort, KeyboardInterrupt):
            _say("Stopped by the keyboard. What was finished is kept; run the same command again to go on.")
            code = STOPPED
        except BrokenPipeError:  # `wardflow kpi list | head`: the reader has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            code = DATA_FAILED
        except Exception as error:  # the edge: a person sees one line, and --debug the rest
            if debug:
                raise
            _say(one_line(error))
            code = exit_code_of(error)
        sys.exit(code if isinstance(code, int) else 0)


def _say(line: str) -> None:
    click.echo(f"wardflow: {line}", err=True)


def one_line(error: Exception) -> str:
    """The error as one line: its value, rule and cure.

    Of another library's error only the kind is said, because its message can hold a value of the data.
    """
    if isinstance(error, click.UsageError):
        hint = f" See `{error.ctx.command_path} --help`." if error.ctx else ""
        return " ".join(error.format_message().split()) + hint
    if isinstance(error, click.ClickException):
        return " ".join(error.format_message().split())
    if _is_ours(error):
        return " ".join(str(error).split())
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror}. Check that the path exists and that you may use it."
    return f"{type(error).__module__}.{type(error).__qualname__} where none was expected. Run again with --debug to see where."


def exit_code_of(error: Exception) -> int:
    """2 for wrong usage or configuration, else 1. Errors of the pipeline say which; a mistyped name is wrong usage."""
    from models import errors

    names = (
        errors.UnknownKpi,
        errors.UnknownDimension,
        errors.UnknownRole,
        errors.UnknownTable,
        errors.BadJournalEntry,
    )
    if isinstance(error, names):
        return WRONG_USAGE
    return int(getattr(error, "exit_code", DATA_FAILED))


def _is_ours(error: Exception) -> bool:
    return type(error).__module__.partition(".")[0] in {"models", "data_quality", "sample_data", "pipelines"}
