"""The commands, and the one place where an error becomes a sentence and an exit code."""

import sys

import typer

from ops.cli import audit, channels, consents, conversations, imports, keys, lifecycle, people
from ops.cli.ask import ask
from ops.cli.explain import explain
from ops.cli.ingest import ingest
from ops.cli.queue import queue, retry
from ops.cli.say import complain
from ops.cli.status import status

app = typer.Typer(
    name="cogep",
    help="COGEP Assist: documentos entram, respostas com fontes saem.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (lifecycle.up, lifecycle.stop, status, ingest, ask, queue, retry, lifecycle.migrate):
    app.command()(command)
app.command(hidden=True)(lifecycle.revision)
app.add_typer(keys.app, name="keys")
app.add_typer(audit.app, name="audit")
app.add_typer(consents.app, name="consents")
app.add_typer(people.app, name="people")
app.add_typer(channels.app, name="channels")
app.add_typer(conversations.app, name="conversations")
app.add_typer(imports.app, name="imports")


def main() -> None:
    """Entry point of the console script."""
    try:
        app()
    except Exception as error:
        sentence = explain(error)
        if sentence is None:
            raise
        complain(sentence)
    sys.exit(1)
