"""Words of a query that begin with a hyphen, as in `search a cat -people`: they are told apart from options."""

import re
from collections.abc import Iterator, Sequence

import click

from cosmos_search.cli.group import Command

__all__ = ["QueryCommand"]

SHORT_OPTIONS = re.compile(r"-[0h]*(n=?[+-]?\d*)?")  # -h, -0, -n, -n5, -0n5


class QueryCommand(Command):
    """A command with a query. An argument with one hyphen is a part of it, unless it is one of the short options."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, list(self._mark_words(args, ctx)))

    def _mark_words(self, args: Sequence[str], ctx: click.Context) -> Iterator[str]:
        """The arguments, each word with a blank before its hyphen, so that click does not take it for an option."""
        options = [parameter for parameter in self.get_params(ctx) if isinstance(parameter, click.Option)]
        names = {name: option for option in options for name in option.opts}
        takes_next = False  # the last argument was an option whose value is the next
        for number, arg in enumerate(args):
            if arg == "--" and not takes_next:
                yield from args[number:]
                return
            if takes_next or arg.startswith("--") or not arg.startswith("-") or SHORT_OPTIONS.fullmatch(arg):
                option = None if takes_next else names.get(arg)
                takes_next = option is not None and not option.is_flag and option.nargs == 1
                yield arg
            elif f"-{arg.partition('=')[0]}" in names:
                raise click.UsageError(
                    f"{arg!r} has one hyphen; for the option write -{arg}, for the word {f'- {arg[1:]}'!r}."
                )
            else:
                yield f" {arg}"
                takes_next = False
