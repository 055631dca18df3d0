"""The npm that stands in where none is installed, against the real one where there is one."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import migrate
from migrate.engine import npm_standin

START = "import sys; sys.path.insert(0, {!r}); from {} import main; main()"
SCRIPTS = {
    "prea": "echo before",
    "a": 'echo "$npm_lifecycle_event $npm_package_name $npm_package_version $npm_package_config_port $PWD $INIT_CWD $0"',
    "posta": "echo behind",
    "words": "printf '<%s>'",
    "fails": "exit 3",
    "prefailing": "exit 4",
    "failing": "echo no",
    "test": "echo tested",
    "empty": "",
}
CALLS = {
    "its hooks": ("run", "a"),
    "a name of npm's": ("test",),
    "run-script": ("run-script", "test"),
    "arguments": ("run", "words", "a", "--", "b c", "-d", "--", "$e", "it's"),
    "another folder": ("--prefix", "..", "run", "a"),
    "another folder, short": ("-C", "..", "run", "a"),
    "a script that fails": ("run", "fails"),
    "a hook that fails": ("run", "failing"),
    "no such script": ("run", "none"),
    "no such script, which is no matter": ("run", "--if-present", "none"),
    "a script, if it is there": ("run", "--if-present", "test"),
    "an empty script": ("run", "empty"),
}


@pytest.mark.parametrize("name", CALLS)
def test_scripts_run_as_npm_runs_them(name: str, tmp_path: Path) -> None:
    package = {"name": "demo", "version": "1.2.3", "config": {"port": "80"}, "scripts": SCRIPTS}
    (tmp_path / "package.json").write_text(json.dumps(package))
    (tmp_path / "sub").mkdir()
    code, output = ran([*program(), "-s", *CALLS[name]], tmp_path / "sub")
    if name == "its hooks":
        assert output == f"before\na demo 1.2.3 80 {tmp_path} {tmp_path / 'sub'} sh\nbehind\n"
    npm = shutil.which("npm")
    if npm is not None:
        assert ran([npm, "-s", *CALLS[name]], tmp_path / "sub") == (code, output)


def test_what_runs_no_script_is_refused(tmp_path: Path) -> None:
    assert ran([*program(), "install"], tmp_path) == (127, "")


def program() -> list[str]:
    package = str(Path(migrate.__file__).parent.parent)
    return [sys.executable, "-I", "-S", "-c", START.format(package, npm_standin.__name__)]


def ran(words: list[str], folder: Path) -> tuple[int, str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "npm_config_update_notifier": "false"}
    done = subprocess.run(words, cwd=folder, env=environment, check=False, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout
