"""``kit judge``: a local model judges transcripts, and people judge the judge."""

from __future__ import annotations

import click

from kit.cli.judging import gold, run
from kit.cli.raters import agree, calibrate, sample, stability


class _RunUnlessNamed(click.Group):
    """``kit judge DIR`` is ``kit judge run DIR``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            args = ["run", *args]
        return super().parse_args(ctx, args)


@click.group(name="judge", cls=_RunUnlessNamed)
def command() -> None:
    """Judge transcripts with a local model; hold it against people, gold and itself."""


for each in (run, gold, sample, calibrate, agree, stability):
    command.add_command(each)
