"""Which model a namespace's vectors are of. One at a time: vectors of two models are never compared."""

from core.db import Connection
from core.errors import JobError


async def ensure_model(
    connection: Connection, *, namespace_id: int, provider: str, name: str, dimensions: int
) -> int:
    """The id of the model, bound to the namespace from now on.

    Raises JobError `embedding_model_mismatch` when the namespace holds vectors of another model. Call it in
    the transaction that stores the vectors.
    """
    model_id = await _ensure(connection, provider, name, dimensions)
    await bind_model(connection, namespace_id=namespace_id, model_id=model_id)
    return model_id


async def bind_model(connection: Connection, *, namespace_id: int, model_id: int) -> None:
    """Bind the namespace to a model where it has no vectors of another. Raises like `ensure_model`."""
    bound = await connection.fetchval(
        """UPDATE ai.namespaces n
           SET embedding_model_id = $2, dense_weight = NULL, calibrated_chunks = 0
           WHERE id = $1 AND embedding_model_id IS DISTINCT FROM $2 AND NOT EXISTS (
               SELECT FROM ai.embeddings e WHERE e.namespace_id = n.id AND e.model_id = n.embedding_model_id)
           RETURNING embedding_model_id""",
        namespace_id,
        model_id,
    )
    bound = bound or await connection.fetchval(
        "SELECT embedding_model_id FROM ai.namespaces WHERE id = $1", namespace_id
    )
    if bound != model_id:
        raise JobError("embedding_model_mismatch", "The namespace holds vectors of another embedding model.")


async def _ensure(connection: Connection, provider: str, name: str, dimensions: int) -> int:
    """Looks before it inserts: a conflicting insert would use up a number of a small sequence."""
    key = (provider, name, dimensions)
    find = "SELECT id FROM ai.embedding_models WHERE provider = $1 AND name = $2 AND dimensions = $3"
    found: int | None = await connection.fetchval(find, *key)
    if found is None:
        await connection.execute(
            """INSERT INTO ai.embedding_models (provider, name, dimensions) VALUES ($1, $2, $3)
               ON CONFLICT DO NOTHING""",
            *key,
        )
        found = await connection.fetchval(find, *key)
    assert found is not None, "inserted by us or by whom we waited for"
    return found
