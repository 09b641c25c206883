"""`cogep ask`: a question, its answer, and where the answer comes from."""

from typing import Annotated, Any

import typer
from rich.text import Text

from ops.cli.api import agent_api
from ops.cli.say import out
from ops.settings import OpsSettings


def ask(
    question: Annotated[str, typer.Argument(metavar="PERGUNTA", help="Entre aspas.")],
    namespace: Annotated[str, typer.Option(help="Onde procurar.")] = "default",
) -> None:
    """Responde a partir dos documentos, com as fontes numeradas."""
    with agent_api(OpsSettings()) as api:
        answer = api.post("/chat", {"question": question, "namespace": namespace})
    out.print(Text(answer["answer"]))
    citations = answer.get("citations") or []
    if citations:
        out.print(Text("\nFontes", style="bold"))
    for citation in citations:
        _show(citation)


def _show(citation: dict[str, Any]) -> None:
    title, source = citation.get("document_title"), citation.get("source")
    named = " — ".join(dict.fromkeys(part for part in (title, source) if part))
    out.print(Text.assemble((f"[{citation['number']}] ", "bold cyan"), named))
    if quote := citation.get("quote"):
        out.print(Text(f"    “{' '.join(quote.split())}”", style="dim"))
