"""Shared by all command lines: groups of commands that print an error as one line, and the types of arguments."""

import io
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cosmos_search.cli.style import choose_style
from cosmos_search.cli.terminal import escape, flush_streams, open_streams, say
from cosmos_search.places import parse_place
from cosmos_search.retrieval.errors import QueryError
from indexer.errors import CosmosSearchError, UsageError
from indexer.files import expand_home
from indexer.places import ServerPlace

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = [
    "INTERRUPTED",
    "TEXT",
    "Command",
    "Commands",
    "ExtensibleCommands",
    "UserPath",
    "UserPlace",
    "decode_argument",
]

NO_WORKING_DIRECTORY = "The current directory is not there any more; change to another one, or give full paths."
INTERRUPTED = 130  # the usual exit code after Ctrl-C
PIPE_CLOSED = 141  # the usual one of programs whose reader has ended, such as `head`: 128 + SIGPIPE
ENTRY_POINTS = "cosmos_search.commands"  # entry points of commands in the packages above, which are not imported here


class UserPath(click.Path):
    """A path. `~` is the user's home, also in `--index=~/x`. An empty path is an error."""

    def __init__(self, *, file_okay: bool = True) -> None:
        super().__init__(path_type=Path, file_okay=file_okay)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not str(value).strip():
            self.fail("The path is empty.", param, ctx)
        try:
            path = expand_home(value)
        except UsageError as error:
            self.fail(str(error), param, ctx)
        if not path.is_absolute() and not _has_working_directory():
            self.fail(NO_WORKING_DIRECTORY, param, ctx)
        return super().convert(path, param, ctx)


class UserPlace(UserPath):
    """The place of an index: a directory, or the URL of a database."""

    def __init__(self) -> None:
        super().__init__(file_okay=False)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            place = parse_place(value) if str(value).strip() else value
        except UsageError as error:
            self.fail(str(error), param, ctx)
        return place if isinstance(place, ServerPlace) else super().convert(value, param, ctx)


class _Text(click.types.StringParamType):
    """A text. An empty one is an error."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not str(value).strip():
            self.fail("The value is empty; leave the option out instead.", param, ctx)
        return super().convert(value, param, ctx)


TEXT = _Text()


def decode_argument(text: str) -> str:
    """The text of an argument, decoded as UTF-8. In an ASCII locale Python passes its bytes as lone surrogates."""
    try:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # other surrogates
        return text


class _UserError(click.ClickException):
    """An error of this project as an exception of click, which prints it."""

    def __init__(self, error: CosmosSearchError, text: str) -> None:
        """text: the error's sentence with advice."""
        super().__init__(_mark_position(error) if isinstance(error, QueryError) else escape(text))


class _WrongCallError(_UserError):
    exit_code = 2


class Command(click.Command):
    def invoke(self, ctx: click.Context) -> Any:
        if not _has_working_directory():  # torch ends the process there; the paths in the arguments are absolute by now
            os.chdir(os.sep)
        return super().invoke(ctx)


class Commands(click.Group):
    """A group that prints the errors that a user can fix as one line. Exit code: 2 for wrong arguments, else 1."""

    command_class = Command

    def explain(self, error: CosmosSearchError) -> str:
        """The error's sentence, and what helps. Its table imports all error classes, so only an error imports it."""
        from cosmos_search.cli.advice import add_advice

        return add_advice(error)

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        with _end_with_reader():  # it prints the help
            return super().make_context(*args, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            with _end_with_reader():
                return super().invoke(ctx)
        except CosmosSearchError as error:
            raise (_WrongCallError if isinstance(error, UsageError) else _UserError)(
                error, self.explain(error)
            ) from error

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click's, with the command that was probably meant."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from difflib import get_close_matches

            similar = get_close_matches(args[0], self.list_commands(ctx), 1)
            if not similar:
                raise
            raise click.UsageError(f"{error.message.rstrip('.')}; did you mean {similar[0]}?", ctx) from error

    def main(  # type: ignore[override]  # click's is overloaded
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Like click's, but control characters are escaped, and errors of the standard streams give no traceback."""
        if not standalone_mode:
            return super().main(args, prog_name, standalone_mode=False, **extra)
        open_streams()
        code = 1
        try:
            done = super().main(args, prog_name, standalone_mode=False, **extra)
            code = done if isinstance(done, int) else 0
        except click.ClickException as error:
            code = error.exit_code
            _say_error(_format_error(error))
        except click.Abort:  # of Ctrl-C
            code = INTERRUPTED
            say("Aborted!", err=True)
        except OSError as error:
            _say_error(f"Error: {escape(_format_os_error(error))}")
        finally:
            flush_streams()
        return sys.exit(code)


class ExtensibleCommands(Commands):
    """A group whose commands are imported when they are used. They can also be entry points of installed packages."""

    def __init__(self, *args: Any, modules: Mapping[str, str], **options: Any) -> None:
        """modules: the module of each command, where it has its own name."""
        super().__init__(*args, **options)
        self.modules = modules

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*self.modules, *_find_entry_points()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in self.modules:
            found: Any = getattr(import_module(self.modules[cmd_name]), cmd_name)
        else:
            point = _find_entry_points().get(cmd_name)
            found = None if point is None else point.load()
        assert found is None or isinstance(found, click.Command), found
        return found


@contextmanager
def _end_with_reader() -> Iterator[None]:
    """End quietly where the reader of the output has closed the pipe. Otherwise click would, with the exit code 1."""
    try:
        yield
    except BrokenPipeError as error:
        raise click.exceptions.Exit(PIPE_CLOSED) from error


def _find_entry_points() -> dict[str, "EntryPoint"]:
    from importlib.metadata import entry_points  # takes 10 ms, and the commands of this package need none

    return {point.name: point for point in entry_points(group=ENTRY_POINTS)}


def _mark_position(error: QueryError) -> str:
    """The sentence, the part of the query with the error, and a mark below it."""
    from wcwidth import wcswidth  # takes 20 ms, so it is imported only for such an error

    line, position = error.excerpt()
    indent = " " * max(0, wcswidth(line[:position]))
    return f"{escape(str(error))}:\n  {escape(line)}\n  {indent}^"


def _format_error(error: click.ClickException) -> str:
    """The output of click's own `show`, with its message escaped: it quotes arguments, but help texts have lines."""
    output = io.StringIO()
    error.show(file=output)
    message, text = error.format_message(), output.getvalue().rstrip("\n")
    is_escaped = isinstance(error, _UserError) or text == message  # the latter is the help of a group
    if isinstance(error, click.MissingParameter):  # lists choices, one a line
        return text.replace(message, re.sub(r"\s+", " ", message))
    return text if is_escaped else text.replace(message, escape(message))


def _say_error(text: str) -> None:
    """Write an error; the word that begins it is red on a terminal."""
    red = choose_style(sys.stderr).red("Error:")
    say(re.sub("^Error:", lambda _: red, escape(text, keep="\n"), count=1, flags=re.MULTILINE), err=True, styled=True)


def _format_os_error(error: OSError) -> str:
    """ "No space left on device", with the file if it is about one."""
    if isinstance(error, FileNotFoundError) and not error.filename and not _has_working_directory():
        return NO_WORKING_DIRECTORY
    reason = error.strerror or str(error)
    return f"{reason}: {os.fsdecode(error.filename)}" if isinstance(error.filename, str | bytes) else reason


def _has_working_directory() -> bool:
    """False if the current directory was deleted."""
    try:
        os.getcwd()  # noqa: PTH109
    except FileNotFoundError:
        return False
    return True
