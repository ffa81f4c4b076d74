from __future__ import annotations

import contextlib
import shutil
import sqlite3
import subprocess
import sys

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from portravox.service.errors import QueueDamaged, QueueUnavailable
from portravox.service.tasks.migrate import HEAD, MIGRATIONS, migrate


@pytest.fixture
def file(tmp_path):
    return tmp_path / "tasks.db"


@pytest.fixture
def more_migrations(tmp_path):
    """A later version's: takes the statements of its step, gives the folder."""

    def make(*statements: str):
        folder = tmp_path / "migrations"
        shutil.copytree(MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
        (folder / "versions" / "r9999_later.py").write_text(
            "from alembic import op\n"
            "revision = '9999'\n"
            f"down_revision = {HEAD!r}\n"
            "def upgrade():\n"
            f"    for statement in {statements!r}:\n"
            "        op.execute(statement)\n"
        )
        return folder

    return make


def ask(file, question):
    with contextlib.closing(sqlite3.connect(file)) as db:
        return db.execute(question).fetchall()


def names(file) -> set[str]:
    return {name for (name,) in ask(file, "SELECT name FROM sqlite_schema")}


def add_task(file, task_id="t", **more: int):
    names, values = "".join(f", {name}" for name in more), "".join(f", {n}" for n in more.values())
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as db:
        db.execute(
            "INSERT INTO tasks (task_id, key_id, key_group, request_id, model, image_url,"
            f" audio_url, parameters, resolve_oss, state, submitted_at{names})"
            f" VALUES (?, 'k', 'g', 'r', 'm', 'i', 'a', '{{}}', 0, 'PENDING', 1.0{values})",
            (task_id,),
        )


def test_the_head_is_the_newest_step():
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


def test_a_new_file_gets_every_step_once(file):
    migrate(file)
    made = names(file)
    assert {"tasks", "tallies", "deliveries", "delivery_attempts"} <= made
    migrate(file)
    assert names(file) == made
    assert ask(file, "SELECT version_num FROM alembic_version") == [(HEAD,)]


def test_a_file_that_is_up_to_date_is_opened_without_alembic(file):
    migrate(file)
    code = (
        "import sys; from pathlib import Path; from portravox.service.tasks.migrate import migrate;"
        "migrate(Path(sys.argv[1])); assert 'alembic' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, str(file)], check=True)


def test_an_older_file_keeps_its_tasks(file, more_migrations):
    migrate(file)
    add_task(file)
    later = more_migrations("ALTER TABLE tasks ADD COLUMN later TEXT")
    migrate(file, migrations=later, head="9999")
    assert ask(file, "SELECT task_id, later FROM tasks") == [("t", None)]
    assert ask(file, "SELECT version_num FROM alembic_version") == [("9999",)]


def test_a_step_that_fails_leaves_the_file_as_it_was(file, more_migrations):
    migrate(file)
    before = names(file)
    broken = more_migrations("CREATE TABLE more (a)", "nonsense")
    with pytest.raises(QueueUnavailable, match="nonsense"):
        migrate(file, migrations=broken, head="9999")
    assert names(file) == before
    assert ask(file, "SELECT version_num FROM alembic_version") == [(HEAD,)]


def test_a_file_of_a_later_version_is_refused_untouched(file, more_migrations):
    migrate(file, migrations=more_migrations("CREATE TABLE more (a)"), head="9999")
    content = file.read_bytes()
    with pytest.raises(QueueUnavailable, match="later version"):
        migrate(file)
    assert file.read_bytes() == content


def test_a_file_of_before_webhooks_gets_their_tables(file):
    migrate(file, head="0001")
    add_task(file)
    assert "deliveries" not in names(file)
    migrate(file)
    assert ask(file, "SELECT count(*) FROM deliveries") == [(0,)]
    assert ask(file, "SELECT task_id FROM tasks") == [("t",)]


def test_a_file_of_before_explanations_has_room_for_them(file):
    migrate(file, head="0003")
    add_task(file)
    migrate(file)
    assert ask(file, "SELECT task_id, explanation FROM tasks") == [("t", None)]


def test_a_file_of_before_text_was_counted_gets_its_sums(file):
    migrate(file, head="0002")
    add_task(file)
    migrate(file)
    # The model, two addresses and the parameters: m, i, a, {}
    assert ask(file, "SELECT text_bytes FROM tasks") == [(5,)]
    assert ask(file, "SELECT key_id, pending, text_bytes FROM tallies") == [("k", 1, 5)]
    add_task(file, "u", text_bytes=7)
    assert ask(file, "SELECT pending, text_bytes FROM tallies") == [(2, 12)]
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as db:
        db.execute("DELETE FROM tasks WHERE task_id = 't'")
    assert ask(file, "SELECT pending, text_bytes FROM tallies") == [(1, 7)]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("DELETE FROM alembic_version", "names none"),
        ("INSERT INTO alembic_version VALUES ('0001')", f"names {HEAD}, 0001"),
    ],
)
def test_a_file_that_does_not_name_its_version_is_told_with_a_way_out(file, change, told):
    migrate(file)
    add_task(file)
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as db:
        db.execute(change)
    with pytest.raises(QueueDamaged, match=told) as error:
        migrate(file)
    assert "portravox restore" in error.value.hint
    assert ask(file, "SELECT task_id FROM tasks") == [("t",)]
