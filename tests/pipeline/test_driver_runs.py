"""The migrated driver, run by a real shell with a docker that only notes its words: it does what the legacy one did, less
the extraction."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.pipeline.legacy import SCRIPT, analysed, codes
from tests.pipeline.test_analysis import SCRIPTS

NOTING = """\
#!/bin/sh
printf '%s|' "$@" >> "$NOTES"; echo >> "$NOTES"
case "$*" in
*create*) echo 0123456789ab ;;
cp*|"container cp"*) for last; do :; done
    if [ -d "$last" ]; then touch "$last/app"; else touch "$last"; fi ;;
esac
"""
EXTRACTION = ("create|", "cp|", "rm|", "container|", "rmi|demo:build|")

DRIVERS = {
    "last-may-not-fail": SCRIPT.replace("rm ./app", 'grep -q zz main.c || [ -z "$LOUD" ] || echo loud\nrm ./app'),
    **SCRIPTS,
    "plain": SCRIPT,
    "arguments": "#!/bin/sh\nset -e\nTAG=$1\n"
    + SCRIPT.partition("\n")[2].replace("demo:latest", '"demo:$TAG"')
    + 'docker push "demo:$TAG"\n',
    "messages": SCRIPT.replace("docker rm", "echo 'taken out'\ndocker rm").replace(
        "#!/bin/sh\n", "#!/bin/sh\necho start\n"
    )
    + "echo done\n",
    "group": SCRIPT.replace("docker rm extract", "{ docker rm extract; echo removed; }"),
    "group-of-the-extraction": SCRIPT.replace("docker create", "{\n  docker create").replace(
        "docker rm extract", "  docker rm extract\n}"
    ),
    "chain-with-more": SCRIPT.replace("docker create", "echo one && docker create").replace(
        "demo:build\ndocker cp", "demo:build && echo two && docker cp"
    ),
    "chain-of-all": "#!/bin/bash\ndocker build -t demo:build -f Dockerfile.build . && docker create --name x1 demo:build && "
    "docker cp x1:/src/app . && docker rm x1 && echo next && docker build -t demo:latest . && docker push demo:latest\nrm app\n",
    "tabs": SCRIPT.replace("docker rm", "\tdocker rm").replace("\ndocker cp", "\n\tdocker cp"),
    "no-last-line-end": SCRIPT.removesuffix("\n"),
    "options-behind": SCRIPT.replace("docker build -t demo:latest .", "docker build . --label a='b c' -t demo:latest"),
    "exit-code": SCRIPT + "exit 7\n",
    "quotes": SCRIPT.replace(
        "docker build -t demo:latest .", 'docker build --label "a=b  c" --label \'d=$e\' -t "demo:latest" "."'
    ),
    "subcommand-substitution": SCRIPT.replace("-t demo:latest", '-t demo:latest --label at="$(echo now)"'),
}


def notes(folder: Path, script: str) -> tuple[int, str, list[str]]:
    """Exit code, output, and the words of every docker command, of `script` run in `folder`."""
    programs = folder.parent / "programs"
    programs.mkdir(exist_ok=True)
    (programs / "docker").write_text(NOTING)
    (programs / "docker").chmod(0o755)
    log = folder.parent / f"{folder.name}.log"
    log.write_text("")
    shell = shutil.which("bash" if script.startswith("#!/bin/bash") else "sh")
    assert shell is not None
    subprocess.run([shell, "-n"], input=script, text=True, check=True)
    environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "NOTES": str(log)}
    (folder / "build.sh").write_text(script)
    done = subprocess.run(
        [shell, "./build.sh", "v1"], check=False, capture_output=True, text=True, cwd=folder, env=environment
    )
    return done.returncode, done.stdout, log.read_text().splitlines()


@pytest.mark.parametrize("name", sorted(DRIVERS))
def test_all_but_the_extraction_is_done_as_before(name: str, tmp_path: Path) -> None:
    script = DRIVERS[name]
    files = {"build.sh": script}
    if "out/" in script:
        files["Dockerfile"] = "FROM busybox\nCOPY out/app /\n"
    analysis = analysed(tmp_path / "legacy", files)
    assert analysis.changes, codes(analysis)
    migrated = next(c.after for c in analysis.changes if c.path.name == "build.sh")
    assert migrated is not None
    shutil.copytree(tmp_path / "legacy", tmp_path / "migrated")
    code, said, did = notes(tmp_path / "legacy", script)
    new_code, new_said, new_did = notes(tmp_path / "migrated", migrated.decode())
    expected = [w for w in did if not w.startswith(EXTRACTION) and "Dockerfile.build" not in w]
    assert new_did == expected
    assert new_code == code
    assert new_said.splitlines() == [line for line in said.splitlines() if line not in ("0123456789ab",)]
    assert sorted(p.name for p in (tmp_path / "migrated").iterdir()) == sorted(
        p.name for p in (tmp_path / "legacy").iterdir()
    )
