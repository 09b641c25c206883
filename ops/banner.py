"""What `cogep up` says once the product answers."""

from ops.settings import OpsSettings


def banner(settings: OpsSettings, *, first_time: bool) -> str:
    """Where things are and what to try next, in Portuguese: it is for the person at the terminal."""
    key = settings.admin_key_file
    made = "criada agora, só esta vez" if first_time else "a mesma de antes"
    return f"""
  COGEP Assist está no ar.

    Ingestão     {settings.ingestion_base}/docs
    Agente       {settings.agent_base}/docs
    Chave admin  {key}  ({made}; só você pode ler)
                 curl -H "Authorization: Bearer $(cat {key})" {settings.ingestion_base}/ingest/stats
    Dados        {settings.data}

  Experimente, em outro terminal:

    .venv/bin/cogep ingest examples/
    .venv/bin/cogep ask "Qual o horário de atendimento?"

  Ctrl-C para encerrar.
"""
