"""`cogep people`: who may log in, straight in the database. The first admin is made here."""

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from core.access import PersonRole
from ops.cli.say import err, out
from ops.settings import OpsSettings

if TYPE_CHECKING:
    from core.people import Changes

app = typer.Typer(help="Cria, lista e administra as pessoas que entram no sistema.", no_args_is_help=True)

Email = Annotated[str, typer.Argument(metavar="E-MAIL", help="O e-mail da pessoa.")]
Generate = Annotated[bool, typer.Option("--generate", help="Gera a senha e a mostra uma única vez.")]


@app.command()
def create(
    email: Email,
    name: Annotated[str, typer.Option(help="O nome da pessoa.")],
    role: Annotated[PersonRole, typer.Option(help="O que a pessoa pode.")],
    generate: Generate = False,
) -> None:
    """Cria uma pessoa; a senha é perguntada ou gerada."""
    from ops.people import create_person
    from ops.up import reach_database

    with reach_database(OpsSettings()) as url:
        password = _password(generate)
        asyncio.run(create_person(url, name=name, email=email, role=role, password=password))
    _show(password if generate else None)
    out.print("Criada.")


@app.command("list")
def list_() -> None:
    """Lista as pessoas, as mais novas primeiro."""
    from ops.people import list_people
    from ops.up import reach_database

    with reach_database(OpsSettings()) as url:
        found = asyncio.run(list_people(url))
    table = Table("E-mail", "Nome", "Papel", "Criada", "Última entrada", "Situação")
    for person in found:
        seen = _day(person["last_login_at"]) or "nunca"
        state = "ativa" if person["active"] else "desativada"
        cells = person["email"], person["name"], person["role"], _day(person["created_at"]), seen, state
        table.add_row(*(Text(cell) for cell in cells))
    out.print(table)


@app.command()
def role(
    email: Email, role: Annotated[PersonRole, typer.Argument(metavar="PAPEL", help="O novo papel.")]
) -> None:
    """Muda o papel de uma pessoa; vale na hora."""
    from core.people import Changes

    _change(email, Changes(role=role), "Papel mudado.")


@app.command()
def deactivate(email: Email) -> None:
    """Tira uma pessoa do sistema na hora."""
    from core.people import Changes

    _change(email, Changes(active=False), "Desativada.")


@app.command()
def activate(email: Email) -> None:
    """Deixa uma pessoa desativada entrar de novo."""
    from core.people import Changes

    _change(email, Changes(active=True), "Ativada.")


@app.command()
def password(email: Email, generate: Generate = False) -> None:
    """Troca a senha de uma pessoa e encerra as sessões dela."""
    from ops.people import reset_password
    from ops.up import reach_database

    with reach_database(OpsSettings()) as url:
        chosen = _password(generate)
        asyncio.run(reset_password(url, email, chosen))
    _show(chosen if generate else None)
    out.print("Senha trocada.")


def _change(email: str, changes: "Changes", done: str) -> None:
    from ops.people import change_person
    from ops.up import reach_database

    with reach_database(OpsSettings()) as url:
        asyncio.run(change_person(url, email, changes))
    out.print(done)


def _password(generate: bool) -> str:
    from core import passwords

    if generate:
        return passwords.generate()
    given: str = typer.prompt("Senha", hide_input=True, confirmation_prompt="De novo")
    if not passwords.LEAST_LENGTH <= len(given) <= passwords.MOST_LENGTH:
        raise typer.BadParameter(
            f"A senha tem de {passwords.LEAST_LENGTH} a {passwords.MOST_LENGTH} caracteres."
        )
    return passwords.normalised(given)


def _show(password: str | None) -> None:
    if password is not None:
        err.print("Guarde a senha: ela não será mostrada de novo.")
        out.print(password, markup=False)


def _day(moment: datetime | None) -> str:
    return moment.astimezone().strftime("%d/%m/%Y %H:%M") if moment else ""
