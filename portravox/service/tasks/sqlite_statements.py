"""Every statement that the queue and the outbox run on SQLite, by name.

Flow      tasks.sqlite, tasks.sqlite_outbox -> tasks.sqlite_statements

What decides when to run which stands in the two modules; another database brings a file of
statements like this one. Parameters are named, so that a statement can be read by itself. The
tables are made by migrations/.
"""

from __future__ import annotations

# The queue: adding

TASK_OF_REPEATED = (
    "SELECT * FROM tasks WHERE key_id = :key_id AND idempotency_key = :idempotency_key"
)

HELD_BY_ALL = """
SELECT total(pending) AS pending, total(canceled) AS canceled,
    total(succeeded + failed + canceled) AS ended, total(text_bytes) AS text_bytes
FROM tallies
"""

HELD_BY_KEY = """
SELECT pending, canceled, succeeded + failed + canceled AS ended, text_bytes
FROM tallies WHERE key_id = :key_id
"""

ADD_TASK = """
INSERT INTO tasks (
    task_id, key_id, key_group, request_id, idempotency_key, model, image_url, audio_url,
    parameters, resolve_oss, state, submitted_at, text_bytes
) VALUES (
    :task_id, :key_id, :key_group, :request_id, :idempotency_key, :model, :image_url, :audio_url,
    :parameters, :resolve_oss, 'PENDING', :submitted_at, :text_bytes
)
"""

# The queue: reading

TASKS_OF_IDS = """
SELECT * FROM tasks WHERE task_id IN (SELECT value FROM json_each(:task_ids))
"""

TASK_OF_GROUP = "SELECT * FROM tasks WHERE task_id = :task_id AND key_group = :key_group"

COUNT_TASKS = "SELECT count(*) FROM tasks WHERE "
"""Goes on with conditions."""

LIST_TASKS = "SELECT * FROM tasks WHERE "
"""Goes on with conditions, then PAGE_OF_TASKS."""

PAGE_OF_TASKS = " ORDER BY submitted_at DESC, seq DESC LIMIT :limit OFFSET :skipped"

TASK_CONDITIONS = {
    "key_group": "key_group = :key_group",
    "task_id": "task_id = :task_id",
    "model": "model = :model",
    "state": "state = :state",
    "key_id": "key_id = :key_id",
    "submitted_from": "submitted_at >= :submitted_from",
    "submitted_to": "submitted_at <= :submitted_to",
}

TURNS = (
    "SELECT key_id, pending, running FROM tallies WHERE pending > 0 ORDER BY running, turn, key_id"
)
"""Whose turn it is: claims follow this order, and positions are told from it."""

AHEAD_OF_TASK = """
SELECT key_id, (
    SELECT count(*) FROM tasks AS other
    WHERE other.key_id = own.key_id AND other.state = 'PENDING' AND other.seq < own.seq
) AS ahead
FROM tasks AS own WHERE task_id = :task_id AND state = 'PENDING'
"""

COUNTS = """
SELECT total(pending), total(running), total(succeeded), total(failed), total(canceled)
FROM tallies
"""

RENDERED_S = """
SELECT total(duration_s) FROM tasks
WHERE key_id = :key_id AND state = 'SUCCEEDED' AND ended_at >= :since
"""

SPOKEN_CHARACTERS = """
SELECT coalesce(sum(length(json_extract(parameters, '$.text')) * max(attempt, 1)), 0) FROM tasks
WHERE key_group = :key_group AND submitted_at >= :since AND key_id = :key_id
    AND parameters LIKE '%"text":%' AND (attempt > 0 OR state <> 'CANCELED')
"""

# The queue: attempts

CLAIM_FIRST_OF_KEY = """
UPDATE tasks SET state = 'RUNNING', attempt = attempt + 1, scheduled_at = :now, worker = :worker,
    lease_until = :lease_until
WHERE seq = (
    SELECT seq FROM tasks WHERE key_id = :key_id AND state = 'PENDING' ORDER BY seq LIMIT 1
)
RETURNING *
"""

TAKE_TURN = "UPDATE tallies SET turn = 1 + (SELECT max(turn) FROM tallies) WHERE key_id = :key_id"

PROLONG_LEASE = """
UPDATE tasks SET lease_until = :lease_until, stage = :stage, done = :done
WHERE task_id = :task_id AND attempt = :attempt AND state = 'RUNNING' AND NOT cancel_requested
"""

RUNNING_ATTEMPT = """
SELECT seq, cancel_requested, attempt - releases AS tries FROM tasks
WHERE task_id = :task_id AND attempt = :attempt AND state = 'RUNNING'
"""

EXPIRED_ATTEMPTS = """
SELECT seq, task_id, cancel_requested, attempt - releases AS tries FROM tasks
WHERE state = 'RUNNING' AND lease_until <= :now
"""

PUT_BACK = """
UPDATE tasks SET state = 'PENDING', releases = releases + :releases, scheduled_at = NULL,
    worker = NULL, lease_until = NULL, stage = NULL, done = 0.0
WHERE seq = :seq
"""

# The queue: ends

STATE_OF_TASK = "SELECT seq, state FROM tasks WHERE task_id = :task_id AND key_group = :key_group"

REQUEST_CANCEL = "UPDATE tasks SET cancel_requested = 1 WHERE seq = :seq"

END_TASK = """
UPDATE tasks SET state = :state, ended_at = :now, lease_until = NULL, cancel_requested = 0,
    stage = NULL, done = iif(:state = 'SUCCEEDED', 1.0, done), code = :code, message = :message,
    explanation = :explanation,    video_name = :video_name, duration_s = :duration_s
WHERE seq = :seq
"""

KEYS_THAT_WAIT = "SELECT key_id FROM tallies WHERE pending > 0"

FIRST_OF_KEY = """
SELECT seq, task_id, submitted_at FROM tasks
WHERE key_id = :key_id AND state = 'PENDING' ORDER BY seq LIMIT :limit
"""

FORGET_ENDED = """
DELETE FROM tasks
WHERE seq IN (SELECT seq FROM tasks WHERE ended_at < :before ORDER BY ended_at LIMIT :limit)
RETURNING *
"""

FORGET_IDLE_KEYS = "DELETE FROM tallies WHERE pending + running + succeeded + failed + canceled = 0"

# The outbox

REGISTER_NOTICE = """
INSERT INTO deliveries (delivery_id, task_id, key_id, key_group, url, format, by_operator)
VALUES (:delivery_id, :task_id, :key_id, :key_group, :url, :format, :by_operator)
"""

DUE_NOTICES = """
SELECT seq FROM (
    SELECT seq, next_at, row_number() OVER (PARTITION BY tenant ORDER BY next_at, seq) AS place
    FROM (
        SELECT seq, next_at, iif(by_operator, :operator, key_id) AS tenant
        FROM deliveries WHERE state = 'DUE' AND next_at <= :now
    ) WHERE tenant NOT IN (SELECT value FROM json_each(:busy))
) WHERE place <= :per_tenant ORDER BY next_at, seq LIMIT :limit
"""

BEGIN_DELIVERY = """
UPDATE deliveries SET tries = tries + 1, next_at = :lease_until
WHERE seq = :seq AND state = 'DUE' AND next_at <= :now RETURNING *
"""

TASK_OF_NOTICE = "SELECT * FROM tasks WHERE task_id = :task_id"

END_DELIVERY = """
UPDATE deliveries SET state = :state, next_at = :next_at, ended_at = :ended_at
WHERE delivery_id = :delivery_id AND tries = :tries AND state = 'DUE'
"""

KEEP_ATTEMPT = """
INSERT INTO delivery_attempts (delivery_id, number, at, status)
VALUES (:delivery_id, :number, :at, :status)
"""

_SHOWN_NOTICES = """
FROM deliveries
WHERE key_group = :key_group AND NOT by_operator AND (:task_id IS NULL OR task_id = :task_id)
"""

COUNT_NOTICES = f"SELECT count(*) {_SHOWN_NOTICES}"

LIST_NOTICES = f"SELECT * {_SHOWN_NOTICES} ORDER BY seq DESC LIMIT :limit OFFSET :skipped"

ATTEMPTS_OF_NOTICES = """
SELECT delivery_id, at, status FROM delivery_attempts
WHERE delivery_id IN (SELECT value FROM json_each(:delivery_ids)) ORDER BY delivery_id, number
"""
