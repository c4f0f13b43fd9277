"""What all command lines share: errors in one line, values as users type them, commands that other packages bring."""

import io
import os
import sys
from collections.abc import Sequence
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

import click

from cosmos_search.cli.advice import ADVICE, Advice, add_advice
from cosmos_search.cli.terminal import escape, open_streams, say, settle_streams
from cosmos_search.retrieval.query import QueryError
from indexer.errors import CosmosSearchError, UsageError
from indexer.files import expand_home

__all__ = ["TEXT", "Command", "Commands", "OpenCommands", "UserPath", "as_words"]

NOWHERE = "The current directory is not there any more; change to another one, or give full paths."
INTERRUPTED = 130  # the exit code that shells know for Ctrl-C
GROUP = "cosmos_search.commands"  # entry points: so the packages above are found without being imported


class UserPath(click.Path):
    """A path as it is typed: `~` is the user's home, also behind `--index=`; an empty one is a mistake."""

    def __init__(self, *, file_okay: bool = True) -> None:
        super().__init__(path_type=Path, file_okay=file_okay)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not str(value).strip():
            self.fail("The path is empty.", param, ctx)
        try:
            path = expand_home(value)
        except UsageError as error:
            self.fail(str(error), param, ctx)
        if not path.is_absolute() and _is_nowhere():
            self.fail(NOWHERE, param, ctx)
        return super().convert(path, param, ctx)


class _Text(click.types.StringParamType):
    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not str(value).strip():
            self.fail("The value is empty; leave the option out instead.", param, ctx)
        return super().convert(value, param, ctx)


TEXT = _Text()


def as_words(text: str) -> str:
    """What was typed as UTF-8, also where the locale has but ASCII and Python keeps the bytes as lone surrogates."""
    try:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # other surrogates
        return text


class _Mistake(click.ClickException):
    """An error of ours, ready to be shown."""

    def __init__(self, error: CosmosSearchError, advice: Advice) -> None:
        super().__init__(escape(add_advice(error, advice), keep="\n" if isinstance(error, QueryError) else ""))


class _WrongCall(_Mistake):
    exit_code = 2


class Command(click.Command):
    def invoke(self, ctx: click.Context) -> Any:
        if _is_nowhere():  # torch's libraries end the process there; each path that was typed is a full one by now
            os.chdir(os.sep)
        return super().invoke(ctx)


class Commands(click.Group):
    """Shows the errors that a user can mend as one line: exit code 2 for a wrong call, 1 otherwise."""

    command_class = Command
    advice = ADVICE

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except CosmosSearchError as error:
            raise (_WrongCall if isinstance(error, UsageError) else _Mistake)(error, self.advice) from error

    def main(  # type: ignore[override]  # click's is overloaded
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """As of click, but nothing that is shown can command the terminal, and no stream that fails ends in a trace."""
        if not standalone_mode:
            return super().main(args, prog_name, standalone_mode=False, **extra)
        open_streams()
        code = 1
        try:
            done = super().main(args, prog_name, standalone_mode=False, **extra)
            code = done if isinstance(done, int) else 0
        except click.ClickException as error:
            code = error.exit_code
            say(_shown(error), err=True)
        except click.Abort:  # of Ctrl-C
            code = INTERRUPTED
            say("Aborted!", err=True)
        except OSError as error:
            say(f"Error: {escape(_reason(error))}", err=True)
        finally:
            settle_streams()
        return sys.exit(code)


class OpenCommands(Commands):
    """Its own commands, and those of installed packages' entry points, imported when they are called or listed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *_plugged()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        own = super().get_command(ctx, cmd_name)
        if own is None and (found := _plugged().get(cmd_name)) is not None:
            command: click.Command = found.load()
            return command
        return own


def _plugged() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP)}


def _shown(error: click.ClickException) -> str:
    """As click shows it. Its own messages quote what was typed, so they are made one line; its help has many."""
    written = io.StringIO()
    error.show(file=written)
    message, text = error.format_message(), written.getvalue().rstrip("\n")
    is_whole = isinstance(error, _Mistake) or text == message  # the latter is the help of a group
    return text if is_whole else text.replace(message, escape(message))


def _reason(error: OSError) -> str:
    """ "No space left on device", with the file if it is about one."""
    if isinstance(error, FileNotFoundError) and not error.filename and _is_nowhere():
        return NOWHERE
    reason = error.strerror or str(error)
    return f"{reason}: {os.fsdecode(error.filename)}" if isinstance(error.filename, str | bytes) else reason


def _is_nowhere() -> bool:
    """Whether the current directory was deleted."""
    try:
        os.getcwd()  # noqa: PTH109
    except FileNotFoundError:
        return True
    return False
