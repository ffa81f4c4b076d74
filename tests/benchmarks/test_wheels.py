from benchmarks.wheels import SYSTEMS, wanted_at

LOCK = """\
colorama==0.4.6 ; sys_platform == 'win32' \\
    --hash=sha256:aa \\
    --hash=sha256:bb
    # via typer
numpy==2.3.0 \\
    --hash=sha256:cc
tomli==2.0.0 ; python_version < '3.12' \\
    --hash=sha256:dd
uvloop==0.23.0 ; sys_platform != 'win32' \\
    --hash=sha256:ee
"""


def test_a_lock_is_read_as_the_named_system_would() -> None:
    windows = list(wanted_at(LOCK, SYSTEMS["Windows x86-64"].environment("3.14")))
    assert windows == [
        "colorama==0.4.6 --hash=sha256:aa --hash=sha256:bb",
        "numpy==2.3.0 --hash=sha256:cc",
    ]
    linux = list(wanted_at(LOCK, SYSTEMS["Linux arm64"].environment("3.11")))
    assert [entry.split()[0] for entry in linux] == [
        "numpy==2.3.0",
        "tomli==2.0.0",
        "uvloop==0.23.0",
    ]
