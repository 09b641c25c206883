from sqlalchemy import text

from core.db import Database
from core.models.personal_data import HARMLESS, PERSONAL

COLUMNS = text(
    "SELECT table_name, column_name FROM information_schema.columns"
    " WHERE table_schema = 'crm' AND data_type IN ('text', 'character varying', 'bytea', 'jsonb', 'json')"
)


async def test_every_column_that_may_hold_personal_data_is_declared(database: Database) -> None:
    async with database.transaction() as session:
        columns = {tuple(row) for row in await session.execute(COLUMNS)}
    assert not set(PERSONAL) & HARMLESS
    assert columns == set(PERSONAL) | HARMLESS
