"""The queue's SQL. Names in braces are the constants of a `QueueTable`, never input.

Every write to a leased row says (id, lease, status): a worker whose lease was taken away touches no row.
"""

# Takes its rows from `new`, which whoever has jobs to be puts before it: (id, priority, run_at, max_attempts,
# dedupe_key).
ENQUEUE_NEW = """
INSERT INTO {hot} (id, priority, run_at, ready, scheduled, max_attempts, dedupe_key)
SELECT id, priority, coalesce(run_at, now()), coalesce(run_at <= now(), true),
       coalesce(run_at > now(), false), max_attempts, dedupe_key
FROM new"""

ENQUEUE = f"""
WITH new AS (
    SELECT * FROM unnest($1::bigint[], $2::smallint[], $3::timestamptz[], $4::smallint[], $5::text[])
                  AS item (id, priority, run_at, max_attempts, dedupe_key)
) {ENQUEUE_NEW}
ON CONFLICT (dedupe_key) WHERE dedupe_key IS NOT NULL DO NOTHING
RETURNING id"""  # noqa: S608 - both parts are constants

# MATERIALIZED and ARRAY keep the LIMIT from being run again inside a join, whatever the statistics say.
CLAIM = """
WITH next AS MATERIALIZED (
    SELECT id FROM {hot} WHERE ready
    ORDER BY priority, ready_at, id LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED
), lease AS (
    INSERT INTO {lease} (worker, expires_at, job_ids)
    SELECT $2, now() + $3::float8 * interval '1 second', array_agg(id) FROM next HAVING count(*) > 0
    RETURNING id
), claimed AS (
    UPDATE {hot} SET status = 'PROCESSING', ready = false, attempt = attempt + 1, claimed_at = now(),
                     lease_id = (SELECT id FROM lease), progress = 0
    WHERE id = ANY(ARRAY(SELECT id FROM next))
    RETURNING id, lease_id, attempt, max_attempts, stage, cancel_requested, priority, ready_at
)
SELECT c.id, c.lease_id, c.attempt, c.max_attempts, coalesce(p.kind, '') AS kind,
       coalesce(c.stage = 'rescued', false) AS suspect, c.cancel_requested
FROM claimed c LEFT JOIN {cold} p USING (id)
ORDER BY c.priority, c.ready_at, c.id"""

RENEW = """
UPDATE {lease} SET expires_at = now() + $2::float8 * interval '1 second' WHERE id = ANY($1::bigint[])
RETURNING id"""

CLOSE = "DELETE FROM {lease} WHERE id = ANY($1::bigint[])"

# $3 says whether these were the last jobs of the lease: then it goes in the same round trip.
COMPLETE = """
WITH done AS (
    UPDATE {hot} SET status = 'COMPLETED', lease_id = NULL, dedupe_key = NULL, finished_at = now(),
                     progress = 100, stage = NULL
    WHERE id = ANY($1::bigint[]) AND lease_id = $2 AND status = 'PROCESSING'
    RETURNING id
), closed AS (
    DELETE FROM {lease} WHERE id = $2 AND $3::boolean
)
SELECT id FROM done"""

FAIL = """
WITH held AS MATERIALIZED (
    SELECT id, $3::boolean AND attempt < max_attempts AND NOT cancel_requested AS again
    FROM {hot} WHERE id = $1 AND lease_id = $2 AND status = 'PROCESSING' FOR NO KEY UPDATE
), settled AS (
    UPDATE {hot} q SET lease_id = NULL, stage = NULL, scheduled = again,
        status = CASE WHEN again THEN 'PENDING' ELSE 'FAILED' END::{status},
        run_at = CASE WHEN again THEN now() + $4::float8 * interval '1 second' ELSE run_at END,
        finished_at = CASE WHEN again THEN NULL ELSE now() END,
        dedupe_key = CASE WHEN again THEN dedupe_key END
    FROM held WHERE q.id = held.id
    RETURNING q.id, q.attempt, again
), noted AS (
    INSERT INTO {attempts} (job_id, attempt, code, detail, worker)
    SELECT id, attempt, $5, $6, $7 FROM settled
)
SELECT again FROM settled"""

RELEASE = """
UPDATE {hot} SET status = 'PENDING', ready = true, lease_id = NULL, claimed_at = NULL,
                 attempt = attempt - 1, progress = 0
WHERE id = ANY($1::bigint[]) AND lease_id = $2 AND status = 'PROCESSING'
RETURNING id"""

PROGRESS = """
UPDATE {hot} SET stage = $3, progress = $4
WHERE id = $1 AND lease_id = $2 AND status = 'PROCESSING'
RETURNING cancel_requested"""

CANCEL_REQUESTED = "SELECT id FROM {hot} WHERE id = ANY($1::bigint[]) AND cancel_requested"

EXPIRED = """
SELECT id FROM {lease} WHERE expires_at < now() ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED"""

# Rows locked by a transaction that is completing them are left alone, and their lease stays with them.
RESCUE = """
WITH held AS MATERIALIZED (
    SELECT q.id, l.worker, NOT q.cancel_requested AND q.attempt < q.max_attempts AS again
    FROM {lease} l CROSS JOIN LATERAL unnest(l.job_ids) AS j (id) JOIN {hot} q ON q.id = j.id
    WHERE l.id = ANY($1::bigint[]) AND q.lease_id = l.id AND q.status = 'PROCESSING'
    FOR NO KEY UPDATE OF q SKIP LOCKED
), freed AS (
    UPDATE {hot} q SET lease_id = NULL, ready = again,
        ready_at = CASE WHEN again THEN now() ELSE ready_at END,
        status = CASE WHEN again THEN 'PENDING' ELSE 'FAILED' END::{status},
        stage = CASE WHEN again THEN 'rescued' END,
        finished_at = CASE WHEN again THEN NULL ELSE now() END,
        dedupe_key = CASE WHEN again THEN dedupe_key END
    FROM held WHERE q.id = held.id
    RETURNING q.id, q.attempt, q.cancel_requested, worker, again
), noted AS (
    INSERT INTO {attempts} (job_id, attempt, code, detail, worker)
    SELECT id, attempt, CASE WHEN cancel_requested THEN 'cancelled' ELSE 'worker_died' END, $2, worker
    FROM freed
)
SELECT id, again FROM freed"""

BURY = """
DELETE FROM {lease} l WHERE l.id = ANY($1::bigint[]) AND NOT EXISTS (
    SELECT FROM {hot} q WHERE q.id = ANY(l.job_ids) AND q.lease_id = l.id)"""

NEXT_EXPIRY = "SELECT extract(epoch FROM min(expires_at) - now())::float8 FROM {lease}"

# A second net: a claim writes row and lease together, so a held row without a lease means lost data.
ORPHANS = """
WITH orphan AS MATERIALIZED (
    SELECT q.id, NOT q.cancel_requested AND q.attempt < q.max_attempts AS again
    FROM {hot} q WHERE q.status = 'PROCESSING'
    AND NOT EXISTS (SELECT FROM {lease} l WHERE l.id = q.lease_id)
    LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED
), freed AS (
    UPDATE {hot} q SET lease_id = NULL, ready = again,
        ready_at = CASE WHEN again THEN now() ELSE ready_at END,
        status = CASE WHEN again THEN 'PENDING' ELSE 'FAILED' END::{status},
        stage = CASE WHEN again THEN 'rescued' END,
        finished_at = CASE WHEN again THEN NULL ELSE now() END,
        dedupe_key = CASE WHEN again THEN dedupe_key END
    FROM orphan WHERE q.id = orphan.id
    RETURNING q.id, q.attempt, q.cancel_requested
), noted AS (
    INSERT INTO {attempts} (job_id, attempt, code, detail)
    SELECT id, attempt, CASE WHEN cancel_requested THEN 'cancelled' ELSE 'worker_died' END, $2 FROM freed
)
SELECT id FROM freed"""

STAGE = """
WITH due AS MATERIALIZED (
    SELECT id FROM {hot} WHERE scheduled AND run_at <= now()
    ORDER BY run_at, id LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE {hot} SET scheduled = false, ready = true, ready_at = now()
WHERE id = ANY(ARRAY(SELECT id FROM due))
RETURNING id"""

CANCEL = """
WITH held AS MATERIALIZED (
    SELECT id, attempt, status FROM {hot} WHERE id = $1 FOR NO KEY UPDATE
), stopped AS (
    UPDATE {hot} q SET status = 'FAILED', ready = false, scheduled = false, finished_at = now(),
                       dedupe_key = NULL, stage = NULL, cancel_requested = true
    FROM held WHERE q.id = held.id AND held.status = 'PENDING'
), asked AS (
    UPDATE {hot} q SET cancel_requested = true
    FROM held WHERE q.id = held.id AND held.status = 'PROCESSING'
), noted AS (
    INSERT INTO {attempts} (job_id, attempt, code, detail)
    SELECT id, attempt, 'cancelled', $2 FROM held WHERE status = 'PENDING'
)
SELECT status::text FROM held"""

RETRY = """
UPDATE {hot} SET status = 'PENDING', ready = true, ready_at = now(), run_at = now(), attempt = 0,
                 progress = 0, finished_at = NULL, claimed_at = NULL, cancel_requested = false
WHERE id = ANY($1::bigint[]) AND status = 'FAILED'
RETURNING id"""

STATS = """
SELECT count(*) FILTER (WHERE ready) AS ready,
       count(*) FILTER (WHERE scheduled) AS scheduled,
       count(*) FILTER (WHERE status = 'PROCESSING') AS processing,
       count(*) FILTER (WHERE status = 'COMPLETED') AS completed,
       count(*) FILTER (WHERE status = 'FAILED') AS failed,
       (SELECT count(*) FROM {lease}) AS leases,
       coalesce(extract(epoch FROM now() - min(ready_at) FILTER (WHERE ready)), 0)::float8
           AS oldest_ready_seconds
FROM {hot}"""
