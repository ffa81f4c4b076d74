"""Every statement that the queue and the outbox run on PostgreSQL, by name.

Flow      tasks.postgres, tasks.postgres_outbox -> tasks.postgres_statements

The same as for SQLite (`tasks.sqlite_statements`), but that what is decided between two statements
there is decided inside of one here: each change is sent in one piece. The tables are made by
postgres_migrations/.
"""

from __future__ import annotations

# The queue: adding

TASK_OF_REPEATED = """
SELECT * FROM tasks WHERE key_id = %(key_id)s AND idempotency_key = %(idempotency_key)s
"""

ADD_TASK = """
WITH everyone AS (
    SELECT coalesce(sum(pending), 0)::bigint AS pending,
        coalesce(sum(canceled), 0)::bigint AS canceled,
        coalesce(sum(succeeded + failed + canceled), 0)::bigint AS ended,
        coalesce(sum(text_bytes), 0)::bigint AS text_bytes
    FROM tallies
), own AS (
    SELECT coalesce(sum(pending), 0)::bigint AS pending,
        coalesce(sum(canceled), 0)::bigint AS canceled,
        coalesce(sum(succeeded + failed + canceled), 0)::bigint AS ended,
        coalesce(sum(text_bytes), 0)::bigint AS text_bytes
    FROM tallies WHERE key_id = %(key_id)s
), quantities AS (
    SELECT 1 AS more, own.pending AS mine, everyone.pending AS held,
        %(cap_pending)s::bigint AS cap FROM own, everyone
    UNION ALL
    SELECT 1, own.canceled, everyone.canceled, %(cap_canceled)s FROM own, everyone
    UNION ALL
    SELECT 1, own.ended, everyone.ended, %(cap_ended)s FROM own, everyone
    UNION ALL
    SELECT %(text_bytes)s, own.text_bytes, everyone.text_bytes, %(cap_text_bytes)s
    FROM own, everyone
), added AS (
    INSERT INTO tasks (
        task_id, key_id, key_group, request_id, idempotency_key, model, image_url, audio_url,
        parameters, resolve_oss, engine, state, submitted_at, text_bytes
    )
    SELECT %(task_id)s, %(key_id)s, %(key_group)s, %(request_id)s, %(idempotency_key)s, %(model)s,
        %(image_url)s, %(audio_url)s, %(parameters)s, %(resolve_oss)s, %(engine)s, 'PENDING',
        %(submitted_at)s, %(text_bytes)s
    FROM own
    WHERE (%(max_pending)s::bigint IS NULL OR own.pending < %(max_pending)s)
        AND NOT EXISTS (
            SELECT FROM quantities
            WHERE held + more > cap
                OR (mine > 0 AND mine + more > %(share)s::float8 * (cap - (held - mine)))
        )
        AND NOT EXISTS (
            SELECT FROM tasks
            WHERE key_id = %(key_id)s AND idempotency_key = %(idempotency_key)s
        )
    RETURNING task_id
), told AS (
    INSERT INTO deliveries (delivery_id, task_id, key_id, key_group, url, format, by_operator)
    SELECT hook.delivery_id, added.task_id, %(key_id)s, %(key_group)s, hook.url, hook.format,
        hook.by_operator
    FROM added, unnest(
        %(delivery_ids)s::text[], %(urls)s::text[], %(formats)s::text[], %(by_operator)s::bool[]
    ) AS hook (delivery_id, url, format, by_operator)
)
SELECT EXISTS (SELECT FROM added) AS is_added,
    own.pending, own.canceled, own.ended, own.text_bytes,
    everyone.pending AS all_pending, everyone.canceled AS all_canceled,
    everyone.ended AS all_ended, everyone.text_bytes AS all_text_bytes
FROM own, everyone
"""
"""Decides as `tasks.room` does, which says afterwards why there was no room."""

# The queue: reading

TASKS_OF_IDS = "SELECT * FROM tasks WHERE task_id = ANY(%(task_ids)s)"

TASK_OF_GROUP = "SELECT * FROM tasks WHERE task_id = %(task_id)s AND key_group = %(key_group)s"

COUNT_TASKS = "SELECT count(*) AS total FROM tasks WHERE "
"""Goes on with conditions."""

LIST_TASKS = "SELECT * FROM tasks WHERE "
"""Goes on with conditions, then PAGE_OF_TASKS."""

PAGE_OF_TASKS = " ORDER BY submitted_at DESC, seq DESC LIMIT %(limit)s OFFSET %(skipped)s"

TASK_CONDITIONS = {
    "key_group": "key_group = %(key_group)s",
    "task_id": "task_id = %(task_id)s",
    "model": "model = %(model)s",
    "state": "state = %(state)s",
    "key_id": "key_id = %(key_id)s",
    "submitted_from": "submitted_at >= %(submitted_from)s",
    "submitted_to": "submitted_at <= %(submitted_to)s",
}

TURNS = """
SELECT key_id, pending, running FROM tallies WHERE pending > 0 ORDER BY running, turn, key_id
"""
"""Whose turn it is: claims follow this order, and positions are told from it."""

AHEAD_OF_TASK = """
SELECT key_id, (
    SELECT count(*) FROM tasks AS other
    WHERE other.key_id = own.key_id AND other.state = 'PENDING' AND other.seq < own.seq
) AS ahead
FROM tasks AS own WHERE task_id = %(task_id)s AND state = 'PENDING'
"""

COUNTS = """
SELECT coalesce(sum(pending), 0)::bigint AS "PENDING",
    coalesce(sum(running), 0)::bigint AS "RUNNING",
    coalesce(sum(succeeded), 0)::bigint AS "SUCCEEDED",
    coalesce(sum(failed), 0)::bigint AS "FAILED",
    coalesce(sum(canceled), 0)::bigint AS "CANCELED"
FROM tallies
"""

LATEST_ATTEMPTS = """
SELECT avg(ended_at - scheduled_at)::float8 AS mean_s,
    (SELECT coalesce(sum(running), 0)::bigint FROM tallies) AS running
FROM (
    SELECT ended_at, scheduled_at FROM tasks
    WHERE ended_at IS NOT NULL AND state = 'SUCCEEDED' ORDER BY ended_at DESC LIMIT %(limit)s
) AS latest
"""

RENDERED_S = """
SELECT coalesce(sum(duration_s), 0.0)::float8 AS rendered_s FROM tasks
WHERE key_id = %(key_id)s AND state = 'SUCCEEDED' AND ended_at >= %(since)s
"""

SPOKEN_CHARACTERS = """
SELECT coalesce(sum(length(parameters::json ->> 'text') * greatest(attempt, 1)), 0)::bigint
    AS characters
FROM tasks
WHERE key_group = %(key_group)s AND submitted_at >= %(since)s AND key_id = %(key_id)s
    AND position('"text":' IN parameters) > 0 AND (attempt > 0 OR state <> 'CANCELED')
"""

# The queue: attempts

KEYS_THAT_WAIT = "SELECT key_id FROM tallies WHERE pending > 0"

CLAIM_NEXT = """
WITH whose AS (
    SELECT key_id
    FROM tallies JOIN unnest(%(keys)s::text[], %(max_running)s::int[])
        AS allowed (key_id, max_running) USING (key_id)
    WHERE pending > 0 AND (max_running IS NULL OR running < max_running)
        AND EXISTS (
            SELECT FROM tasks
            WHERE engine = ANY(%(engines)s) AND tasks.key_id = tallies.key_id AND state = 'PENDING'
        )
    ORDER BY running, turn, key_id LIMIT 1
), claimed AS (
    UPDATE tasks SET state = 'RUNNING', attempt = attempt + 1, scheduled_at = %(now)s,
        worker = %(worker)s, lease_until = %(lease_until)s
    WHERE seq = (
        SELECT min(first.seq) FROM unnest(%(engines)s::text[]) AS offered (engine), LATERAL (
            SELECT seq FROM tasks
            WHERE tasks.engine = offered.engine AND key_id = (SELECT key_id FROM whose)
                AND state = 'PENDING'
            ORDER BY seq LIMIT 1
        ) AS first
    )
    RETURNING *
), turn_taken AS (
    UPDATE tallies SET turn = 1 + (SELECT max(turn) FROM tallies)
    WHERE key_id = (SELECT key_id FROM claimed)
)
SELECT * FROM claimed
"""
"""The first task of the key whose turn it is, of those that the engines at hand draw."""

PROLONG_LEASE = """
UPDATE tasks SET lease_until = %(lease_until)s, stage = %(stage)s, done = %(done)s
WHERE task_id = %(task_id)s AND attempt = %(attempt)s AND state = 'RUNNING'
    AND NOT cancel_requested
RETURNING seq
"""
"""One row, and no tally: no lock is needed for it."""

_SETTLE = """
    UPDATE tasks SET
        state = next.state,
        releases = releases + (next.state = 'PENDING' AND %(released)s)::int,
        scheduled_at = CASE WHEN next.state <> 'PENDING' THEN scheduled_at END,
        worker = CASE WHEN next.state <> 'PENDING' THEN worker END,
        ended_at = CASE WHEN next.state <> 'PENDING' THEN %(now)s::float8 END,
        lease_until = NULL, cancel_requested = false, stage = NULL,
        done = CASE next.state WHEN 'SUCCEEDED' THEN 1.0 WHEN 'PENDING' THEN 0.0 ELSE done END,
        code = CASE WHEN next.state = 'FAILED' THEN %(code)s::text END,
        message = CASE WHEN next.state = 'FAILED' THEN %(message)s::text END,
        explanation = CASE WHEN next.state = 'FAILED' THEN %(explanation)s::text END,
        video_name = CASE WHEN next.state = 'SUCCEEDED' THEN %(video_name)s::text END,
        duration_s = CASE WHEN next.state = 'SUCCEEDED' THEN %(duration_s)s::float8 END
    FROM next WHERE tasks.seq = next.seq
"""
"""Ends the tasks in `next`, or lets them wait again in their old place."""

FINISH_ATTEMPT = f"""
WITH next AS (
    SELECT seq, cancel_requested, CASE
        WHEN cancel_requested THEN 'CANCELED'
        WHEN %(released)s OR (%(retry)s AND attempt - releases < %(max_tries)s) THEN 'PENDING'
        ELSE %(state)s END AS state
    FROM tasks
    WHERE task_id = %(task_id)s AND attempt = %(attempt)s AND state = 'RUNNING'
), settled AS ({_SETTLE})
SELECT NOT cancel_requested AS is_taken FROM next
"""

IS_PUBLISHED = """
SELECT EXISTS (
    SELECT FROM tasks
    WHERE task_id = %(task_id)s AND attempt = %(attempt)s AND video_name = %(video_name)s
) AS is_published
"""

REQUEUE_EXPIRED = f"""
WITH next AS (
    SELECT seq, CASE
        WHEN cancel_requested THEN 'CANCELED'
        WHEN attempt - releases < %(max_tries)s THEN 'PENDING'
        ELSE 'FAILED' END AS state
    FROM tasks WHERE state = 'RUNNING' AND lease_until <= %(before)s
)
{_SETTLE} AND tasks.state = 'RUNNING' AND tasks.lease_until <= %(before)s
RETURNING tasks.task_id
"""
"""Looks at the lease again, since a heartbeat may have prolonged it meanwhile."""

EXPIRE_LEASES_OF = """
UPDATE tasks SET lease_until = %(now)s
WHERE state = 'RUNNING' AND worker = ANY(%(workers)s) RETURNING task_id
"""

# The queue: ends

CANCEL_TASK = f"""
WITH found AS (
    SELECT seq, state FROM tasks WHERE task_id = %(task_id)s AND key_group = %(key_group)s
), next AS (
    SELECT seq, 'CANCELED' AS state FROM found WHERE state = 'PENDING'
), settled AS ({_SETTLE}), asked AS (
    UPDATE tasks SET cancel_requested = true FROM found
    WHERE tasks.seq = found.seq AND found.state = 'RUNNING' AND %(force)s
)
SELECT state FROM found
"""

END_OVERDUE = f"""
WITH next AS (
    SELECT seq, 'FAILED' AS state FROM tasks
    WHERE state = 'PENDING' AND submitted_at < %(before)s ORDER BY submitted_at LIMIT %(limit)s
)
{_SETTLE} RETURNING tasks.task_id
"""

FORGET_ENDED = """
DELETE FROM tasks
WHERE seq IN (SELECT seq FROM tasks WHERE ended_at < %(before)s ORDER BY ended_at LIMIT %(limit)s)
RETURNING *
"""

FORGET_IDLE_KEYS = "DELETE FROM tallies WHERE pending + running + succeeded + failed + canceled = 0"

# The outbox

_DUE = """
    SELECT seq, next_at FROM (
        SELECT seq, next_at, row_number() OVER (PARTITION BY tenant ORDER BY next_at, seq) AS place
        FROM (
            SELECT seq, next_at, CASE WHEN by_operator THEN %(operator)s::text ELSE key_id END
                AS tenant
            FROM deliveries WHERE state = 'DUE' AND next_at <= %(now)s
        ) AS due WHERE tenant <> ALL (%(busy)s::text[])
    ) AS placed WHERE place <= %(per_tenant)s ORDER BY next_at, seq LIMIT %(limit)s
"""

ARE_DUE = """
SELECT EXISTS (SELECT FROM deliveries WHERE state = 'DUE' AND next_at <= %(now)s) AS are_due
"""

BEGIN_DELIVERIES = f"""
WITH due AS ({_DUE}), begun AS (
    UPDATE deliveries SET tries = tries + 1, next_at = %(lease_until)s
    FROM due WHERE deliveries.seq = due.seq RETURNING deliveries.*
)
SELECT begun.* FROM begun JOIN due USING (seq) ORDER BY due.next_at, seq
"""

RECORD_ATTEMPT = """
WITH ended AS (
    UPDATE deliveries SET state = %(state)s, next_at = %(next_at)s, ended_at = %(ended_at)s
    WHERE delivery_id = %(delivery_id)s AND tries = %(tries)s AND state = 'DUE'
    RETURNING delivery_id
)
INSERT INTO delivery_attempts (delivery_id, number, at, status)
SELECT delivery_id, %(tries)s, %(at)s, %(status)s FROM ended RETURNING number
"""

_SHOWN_NOTICES = """
FROM deliveries
WHERE key_group = %(key_group)s AND NOT by_operator
    AND (%(task_id)s::text IS NULL OR task_id = %(task_id)s)
"""

COUNT_NOTICES = f"SELECT count(*) AS total {_SHOWN_NOTICES}"

LIST_NOTICES = f"SELECT * {_SHOWN_NOTICES} ORDER BY seq DESC LIMIT %(limit)s OFFSET %(skipped)s"

ATTEMPTS_OF_NOTICES = """
SELECT delivery_id, at, status FROM delivery_attempts
WHERE delivery_id = ANY(%(delivery_ids)s) ORDER BY delivery_id, number
"""
