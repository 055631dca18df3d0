"""The static phases on small trios: what is written, and what is refused with which code at which place."""

import re
import subprocess
from pathlib import Path, PurePosixPath

import pytest

from migrate.discover import Driver, DriverKind, scan
from migrate.outcome import Status
from migrate.pipeline.analysis import analyse
from migrate.pipeline.following import Inputs
from migrate.pipeline.run import Request, found_builds, migrate
from migrate.plan.model import ArtifactFact, ArtifactKey, ArtifactKind
from tests.pipeline.legacy import BUILDER, RUNTIME, SCRIPT, analysed, codes, lay, rendered, text_of


def test_the_trio_becomes_one_dockerfile(tmp_path: Path) -> None:
    analysis = analysed(tmp_path)
    assert codes(analysis) == []
    assert rendered(analysis) == {
        "Dockerfile": """\
FROM gcc:12 AS builder
WORKDIR /src
COPY main.c .
RUN cc -static -o app main.c

FROM busybox
COPY --from=builder --chown=0:0 /src/app /usr/local/bin/
CMD ["/usr/local/bin/app"]
""",
        "Dockerfile.build": None,
        "build.sh": "#!/bin/sh\ndocker build -t demo:latest .\n",
    }


SCRIPTS = {
    "container-verbs": SCRIPT.replace("docker create", "docker container create").replace(
        "docker rm", "docker container rm -f"
    ),
    "id-in-variable": """\
#!/bin/sh
docker build -t demo:build -f Dockerfile.build .
id=$(docker create demo:build)
docker cp $id:/src/app app
docker rm -v "$id"
docker build -t demo:latest .
rm app
""",
    "id-in-backticks": """\
#!/bin/sh
docker build -t demo:build -f Dockerfile.build .
id=`docker create demo:build`
docker cp ${id}:/src/app .
docker rm $id
docker build -t demo:latest .
rm -f app
""",
    "id-in-place": """\
#!/bin/sh
docker build -t demo:build -f Dockerfile.build .
docker cp $(docker create demo:build):/src/app .
docker build -t demo:latest .
rm -f app
""",
    "one-chain": """\
#!/bin/sh
docker build -t b1 -f Dockerfile.build . && docker create --name x1 b1 && docker cp x1:/src/app . && docker rm x1 && docker build -t demo:latest .
rm app
""",
    "chain-over-lines": """\
#!/bin/sh
docker build -t demo:build -f Dockerfile.build . && \\
    docker create --name x1 demo:build && \\
    docker cp x1:/src/app . && \\
    docker rm x1 && \\
    docker build -t demo:latest .
rm app
""",
    "semicolons": """\
#!/bin/sh
docker build -t demo:build -f Dockerfile.build .; docker create --name x1 demo:build
docker cp x1:/src/app .; docker rm x1; docker build -t demo:latest .; rm app
""",
    "stale-container-first": SCRIPT.replace("docker create", "docker rm -f extract || true\ndocker create"),
    "stale-container-quietly": SCRIPT.replace("docker create", "docker rm -f extract 2>/dev/null || :\ndocker create"),
    "builder-removed": SCRIPT + "docker rmi demo:build\n",
    "build-without-options-before": SCRIPT.replace("docker build -t demo:latest .", "docker build . -t demo:latest"),
    "image-word": SCRIPT.replace("docker build", "docker image build"),
    "destination-folder": """\
#!/bin/sh
mkdir -p out
docker build -t demo:build -f Dockerfile.build .
docker create --name x1 demo:build
docker cp x1:/src/app out/
docker rm x1
docker build -t demo:latest .
rm -rf out
""",
    "stale-output-first": SCRIPT.replace("docker build -t demo:build", "rm -f app\ndocker build -t demo:build"),
    "moved-on-the-way": SCRIPT.replace(
        "docker cp extract:/src/app ./app", "docker cp extract:/src/app ./tmp-app\nmv tmp-app app"
    ),
    "several-on-the-last-line": SCRIPT.replace(
        "docker build -t demo:latest .\nrm ./app\n", "docker build -t demo:latest .; rm ./app; docker rmi demo:build\n"
    ),
    "to-dev-null": SCRIPT.replace("docker rm extract", "docker rm extract >/dev/null 2>&1"),
}


@pytest.mark.parametrize("name", sorted(SCRIPTS))
def test_every_way_to_write_the_extraction_ends_in_one_build(name: str, tmp_path: Path) -> None:
    script = SCRIPTS[name]
    runtime = RUNTIME.replace("COPY app", "COPY out/app") if "out/" in script else RUNTIME
    analysis = analysed(tmp_path, {"build.sh": script, "Dockerfile": runtime})
    assert codes(analysis) == []
    last = next(piece.strip() for piece in re.split(r"&& |; |\n", script) if "demo:latest" in piece)
    assert text_of(analysis, "build.sh") == f"#!/bin/sh\n{last}\n"
    assert "COPY --from=builder --chown=0:0 /src/app /usr/local/bin/\n" in text_of(analysis, "Dockerfile")


def test_comments_go_with_what_they_speak_of(tmp_path: Path) -> None:
    script = """\
#!/bin/sh
# Builds the demo image.
set -e

# First the compiler's image,
# which is large.
docker build -t demo:build -f Dockerfile.build .
docker create --name extract demo:build   # never started
docker cp extract:/src/app ./app
docker rm -f extract

# Then the small one.
echo "building demo:latest"
docker build -t demo:latest .  # push it by hand

# Clean up.
rm ./app
"""
    assert (
        text_of(analysed(tmp_path, {"build.sh": script}), "build.sh")
        == """\
#!/bin/sh
# Builds the demo image.
set -e

# Then the small one.
echo "building demo:latest"
docker build -t demo:latest .  # push it by hand
"""
    )


def test_a_message_about_the_builder_goes_and_is_told(tmp_path: Path) -> None:
    script = SCRIPT.replace("#!/bin/sh\n", "#!/bin/sh\necho Building demo:build\n")
    analysis = analysed(tmp_path, {"build.sh": script})
    assert codes(analysis) == ["MS415"]
    assert text_of(analysis, "build.sh") == "#!/bin/sh\ndocker build -t demo:latest .\n"


def test_variables_stay_as_written(tmp_path: Path) -> None:
    script = """\
#!/bin/bash
NAME=demo
DOCKER="docker"
TAG="${1:-latest}"
BUILD="$DOCKER build"
$BUILD -t "$NAME:build" -f Dockerfile.build .
$DOCKER create --name "$NAME-extract" $NAME:build
$DOCKER cp "$NAME-extract:/src/app" .
$DOCKER rm "$NAME-extract"
$BUILD --label commit=$(git rev-parse HEAD) -t "$NAME:$TAG" .
$DOCKER push "$NAME:$TAG"
rm app
"""
    analysis = analysed(tmp_path, {"build.sh": script})
    assert codes(analysis) == []
    assert (
        text_of(analysis, "build.sh")
        == """\
#!/bin/bash
NAME=demo
DOCKER="docker"
TAG="${1:-latest}"
BUILD="$DOCKER build"
$BUILD --label commit=$(git rev-parse HEAD) -t "$NAME:$TAG" .
$DOCKER push "$NAME:$TAG"
"""
    )


def test_build_arguments_of_the_builder_reach_the_one_build(tmp_path: Path) -> None:
    script = SCRIPT.replace(
        "docker build -t demo:build",
        'docker build --build-arg VERSION="$V" --build-arg https_proxy=$https_proxy \\\n  -t demo:build',
    )
    analysis = analysed(
        tmp_path,
        {"build.sh": script, "Dockerfile.build": BUILDER.replace("WORKDIR", "ARG VERSION\nWORKDIR")},
    )
    assert codes(analysis) == []
    assert 'docker build --build-arg VERSION="$V" --build-arg https_proxy=$https_proxy -t demo:latest .\n' in text_of(
        analysis, "build.sh"
    )


def test_a_proxy_reaching_the_runtime_is_told(tmp_path: Path) -> None:
    script = SCRIPT.replace(
        "docker build -t demo:build", "docker build --build-arg http_proxy=$http_proxy -t demo:build"
    )
    analysis = analysed(tmp_path, {"build.sh": script, "Dockerfile": RUNTIME + "RUN true\n"})
    assert codes(analysis) == ["MS402"]


def test_no_cache_of_the_runtime_is_told(tmp_path: Path) -> None:
    script = SCRIPT.replace("docker build -t demo:latest", "docker build --no-cache -t demo:latest")
    assert codes(analysed(tmp_path, {"build.sh": script})) == ["MS419"]


COPIES = {
    "same-name": (
        "/src/app",
        "app",
        "COPY app /usr/local/bin/",
        "COPY --from=builder --chown=0:0 /src/app /usr/local/bin/",
    ),
    "to-workdir": ("/src/app", "app", "WORKDIR /root/\nCOPY app .", "COPY --from=builder --chown=0:0 /src/app ."),
    "renamed-by-copy": ("/src/app", "app", "COPY app /bin/demo", "COPY --from=builder --chown=0:0 /src/app /bin/demo"),
    "renamed-by-cp": (
        "/src/app",
        "demo",
        "COPY demo /usr/local/bin/",
        "COPY --from=builder --chown=0:0 /src/app /usr/local/bin/demo",
    ),
    "renamed-into-workdir": ("/src/app", "demo", "COPY demo .", "COPY --from=builder --chown=0:0 /src/app ./demo"),
    "renamed-into-known-folder": (
        "/src/app",
        "demo",
        "COPY demo /usr/local/bin",
        "COPY --from=builder --chown=0:0 /src/app /usr/local/bin/demo",
    ),
    "own-chown": (
        "/src/app",
        "app",
        "COPY --chown=1000:1000 app /a/",
        "COPY --from=builder --chown=1000:1000 /src/app /a/",
    ),
    "own-chmod": (
        "/src/app",
        "app",
        "COPY --chmod=755 app /a/",
        "COPY --from=builder --chown=0:0 --chmod=755 /src/app /a/",
    ),
    "json": ("/src/app", "app", 'COPY ["app", "/a b/"]', 'COPY --from=builder --chown=0:0 ["/src/app", "/a b/"]'),
    "dotted": ("/src/app", "app", "COPY ./app /a/", "COPY --from=builder --chown=0:0 /src/app /a/"),
    "lower-case": ("/src/app", "app", "copy app /a/", "copy --from=builder --chown=0:0 /src/app /a/"),
    "relative-in-container": ("src/app", "app", "COPY app /a/", "COPY --from=builder --chown=0:0 /src/app /a/"),
}


INTO = {
    "workdir-before": ("WORKDIR /app\nCOPY demo /app", "/app/demo", []),
    "below-workdir": ("WORKDIR /app/sub\nCOPY demo /app", "/app/demo", []),
    "relative": ("WORKDIR /app\nRUN mkdir -p bin lib\nCOPY demo bin", "bin/demo", []),
    "copied-before": ("COPY main.c /app/\nCOPY demo /app", "/app/demo", []),
    "volume": ("VOLUME /app\nCOPY demo /app", "/app", ["MS403"]),
    "file-name": ("COPY demo /app", "/app", ["MS403"]),
    "that-images-have": ("COPY demo /bin", "/bin/demo", ["MS403"]),
}


@pytest.mark.parametrize("name", sorted(INTO))
def test_a_renamed_file_lands_in_the_folder_that_the_stage_made(name: str, tmp_path: Path) -> None:
    before, destination, expected = INTO[name]
    script = SCRIPT.replace("/src/app ./app", "/src/app ./demo").replace("rm ./app", "rm demo")
    analysis = analysed(tmp_path, {"build.sh": script, "Dockerfile": f"FROM busybox\n{before}\n"})
    assert f"COPY --from=builder --chown=0:0 /src/app {destination}\n" in text_of(analysis, "Dockerfile")
    assert codes(analysis) == expected


def test_a_stage_of_nothing_has_none_of_the_usual_folders(tmp_path: Path) -> None:
    script = SCRIPT.replace("/src/app ./app", "/src/app ./demo").replace("rm ./app", "rm demo")
    analysis = analysed(tmp_path, {"build.sh": script, "Dockerfile": "FROM scratch\nCOPY demo /bin\n"})
    assert "COPY --from=builder --chown=0:0 /src/app /bin\n" in text_of(analysis, "Dockerfile")
    assert codes(analysis) == ["MS403"]


def test_an_artifact_of_unknown_kind_that_is_renamed_is_told(tmp_path: Path) -> None:
    script = SCRIPT.replace("/src/app ./app", "/data ./demo").replace("rm ./app", "rm -r demo")
    analysis = analysed(tmp_path, {"build.sh": script, "Dockerfile": "FROM busybox\nCOPY demo /a/\n"})
    assert codes(analysis) == ["MS403", "MS445"]


@pytest.mark.parametrize("name", sorted(COPIES))
def test_a_copy_lands_where_it_landed(name: str, tmp_path: Path) -> None:
    inside, host, before, after = COPIES[name]
    script = SCRIPT.replace("/src/app ./app", f"{inside} ./{host}").replace("rm ./app", f"rm ./{host}")
    if not inside.startswith("/"):
        script = script.replace("extract:/", "extract:").replace("extract:src", "extract:src")
    runtime = RUNTIME.replace("COPY app /usr/local/bin/", before)
    analysis = analysed(tmp_path, {"build.sh": script, "Dockerfile": runtime})
    assert analysis.changes, [d.message for d in analysis.diagnostics]
    assert f"\n{after}\n" in text_of(analysis, "Dockerfile")


def test_other_sources_of_the_copy_stay(tmp_path: Path) -> None:
    runtime = RUNTIME.replace("COPY app", "COPY app config.ini")
    analysis = analysed(tmp_path, {"Dockerfile": runtime, "config.ini": "x"})
    assert "COPY config.ini /usr/local/bin/\nCOPY --from=builder --chown=0:0 /src/app /usr/local/bin/\n" in text_of(
        analysis, "Dockerfile"
    )


def test_two_artifacts_in_one_copy(tmp_path: Path) -> None:
    script = SCRIPT.replace("docker rm", "docker cp extract:/src/tool .\ndocker rm").replace("rm ./app", "rm app tool")
    analysis = analysed(tmp_path, {"build.sh": script, "Dockerfile": RUNTIME.replace("COPY app", "COPY app tool")})
    assert "COPY --from=builder --chown=0:0 /src/app /src/tool /usr/local/bin/\n" in text_of(analysis, "Dockerfile")


def test_a_folder_of_artifacts_alone(tmp_path: Path) -> None:
    script = (
        SCRIPT.replace("./app\ndocker rm", "out/\ndocker rm")
        .replace("#!/bin/sh\n", "#!/bin/sh\nmkdir out\n")
        .replace("rm ./app", "rm -r out")
    )
    analysis = analysed(tmp_path, {"build.sh": script, "Dockerfile": RUNTIME.replace("COPY app", "COPY out")})
    assert "COPY --from=builder --chown=0:0 /src/app /usr/local/bin/app\n" in text_of(analysis, "Dockerfile")


def test_comments_and_blank_lines_of_both_dockerfiles_stay(tmp_path: Path) -> None:
    builder = "# the compiler\n\nFROM gcc:12\n# sources\nWORKDIR /src\nCOPY main.c .\n\nRUN cc -static \\\n    # static, for busybox\n    -o app main.c\n\n"
    runtime = '\n# small\nFROM busybox   \n\nCOPY  app  /usr/local/bin/   \n# run it\nCMD ["/usr/local/bin/app"]'
    assert text_of(analysed(tmp_path, {"Dockerfile.build": builder, "Dockerfile": runtime}), "Dockerfile") == (
        "# the compiler\n\nFROM gcc:12 AS builder\n# sources\nWORKDIR /src\nCOPY main.c .\n\nRUN cc -static \\\n"
        "    # static, for busybox\n    -o app main.c\n\n# small\nFROM busybox   \n\n"
        'COPY  --from=builder --chown=0:0 /src/app  /usr/local/bin/   \n# run it\nCMD ["/usr/local/bin/app"]\n'
    )


def test_a_stage_named_by_its_author_keeps_its_name(tmp_path: Path) -> None:
    builder = BUILDER.replace("FROM gcc:12", "FROM gcc:12 AS compile")
    text = text_of(analysed(tmp_path, {"Dockerfile.build": builder}), "Dockerfile")
    assert "FROM gcc:12 AS compile\n" in text
    assert "--from=compile" in text


def test_a_name_in_use_is_not_taken(tmp_path: Path) -> None:
    runtime = "FROM builder\nCOPY app /a/\n"
    assert "FROM gcc:12 AS build\n" in text_of(analysed(tmp_path, {"Dockerfile": runtime}), "Dockerfile")


def test_global_arguments_come_first(tmp_path: Path) -> None:
    runtime = "ARG BASE=busybox\n" + RUNTIME.replace("FROM busybox", "FROM ${BASE}")
    text = text_of(analysed(tmp_path, {"Dockerfile": runtime}), "Dockerfile")
    assert text.startswith("ARG BASE=busybox\nFROM gcc:12 AS builder\n")
    assert text.count("ARG BASE") == 1


OUT = (
    SCRIPT.replace(" ./app\ndocker", " out/\ndocker")
    .replace("#!/bin/sh\n", "#!/bin/sh\nmkdir out\n")
    .replace("rm ./app", "rm -r out")
)
REFUSED = {
    "sourced": (SCRIPT.replace("#!/bin/sh\n", "#!/bin/sh\n. ./env\n"), "MS201", ". ./env"),
    "another-engine": (SCRIPT.replace("docker rm", "docker -H tcp://x rm"), "MS203", "docker -H"),
    "another-host": (SCRIPT.replace("#!/bin/sh\n", "#!/bin/sh\nexport DOCKER_HOST=tcp://x\n"), "MS201", "DOCKER_HOST="),
    "another-path": (SCRIPT.replace("#!/bin/sh\n", "#!/bin/sh\nPATH=/usr/bin\n"), "MS201", "PATH="),
    "folder-listed": (OUT.replace("docker rm", "ls out\ndocker rm"), "MS205", "ls out"),
    "folder-entered": (
        "#!/bin/sh\nmkdir out\ncd out\ncd ..\n"
        + SCRIPT.partition("\n")[2].replace(" ./app\ndocker", " out/\ndocker").replace("rm ./app", "rm -r out"),
        "MS205",
        "cd out",
    ),
    "background": (SCRIPT.replace("docker rm extract", "docker rm extract &"), "MS423", "docker rm"),
    "option": (SCRIPT.replace("docker rm", "docker rm --nope"), "MS202", "--nope"),
    "path-unknown": (SCRIPT.replace(":/src/app", ":/src/$APP"), "MS204", "extract:/src/$APP"),
    "context-unknown": (SCRIPT.replace("demo:latest .", "demo:latest $DIR"), "MS204", "$DIR"),
    "unknown-command": (SCRIPT.replace("docker rm", "./polish.sh\ndocker rm"), "MS205", "./polish.sh"),
    "artifact-read": (SCRIPT.replace("docker rm", "ls -l app\ndocker rm"), "MS205", "ls -l app"),
    "outside": (SCRIPT.replace(" ./app\ndocker rm", " /tmp/app\ndocker rm"), "MS206", "/tmp/app"),
    "foreign-container": (SCRIPT.replace("docker create --name extract demo:build\n", ""), "MS303", "extract:/src/app"),
    "other-context": (
        SCRIPT.replace("demo:latest .", "-f Dockerfile demo:latest sub").replace("-t -f", "-f"),
        "MS203",
        "docker build",
    ),
    "containers-found": (
        SCRIPT.replace("docker rm extract", "docker rm $(docker ps -aq)"),
        "MS410",
        "docker rm",
    ),
    "images-found": (SCRIPT + "docker rmi $(docker images -q demo:build)\n", "MS408", "docker images"),
    "all-images-found": (SCRIPT + "docker rmi `docker images -qf dangling=true`\n", "MS410", "docker rmi"),
    "change-between": (SCRIPT.replace("docker create", "cp build.sh main.c\ndocker create"), "MS411", "cp build.sh"),
    "unknown-between": (SCRIPT.replace("docker create", "./prepare\ndocker create"), "MS411", "./prepare"),
    "id-used-elsewhere": (
        SCRIPT.replace("docker create", "id=$(docker create").replace(
            "demo:build\ndocker cp", "demo:build)\necho $id\ndocker cp"
        ),
        "MS410",
        "id=$(",
    ),
    "log-of-the-build": (
        SCRIPT.replace("Dockerfile.build .", "Dockerfile.build . 2>&1 | tee log"),
        "MS410",
        "docker build",
    ),
    "id-piped": (
        SCRIPT.replace("demo:build\ndocker cp", "demo:build | cut -c1-12\ndocker cp"),
        "MS410",
        "docker create",
    ),
    "last-is-a-test": (
        SCRIPT.replace("docker rm extract\n", "").replace("rm ./app", '[ -n "$LOUD" ] && echo done\ndocker rm extract'),
        "MS410",
        "[ -n",
    ),
    "last-asks": (SCRIPT.replace("rm ./app", "grep -q zz main.c\nrm ./app"), "MS410", "grep"),
    "last-in-a-function": (
        SCRIPT.replace("docker create", "out() {\ndocker create").replace(
            "docker rm extract", '[ -n "$LOUD" ] && echo done\ndocker rm extract\n}\nout'
        ),
        "MS410",
        "[ -n",
    ),
    "last-in-a-subshell": (
        SCRIPT.replace("docker create", "(\ndocker create").replace(
            "docker rm extract", "! true\ndocker rm extract\n)"
        ),
        "MS410",
        "! true",
    ),
    "committed": (SCRIPT.replace("docker rm", "docker commit extract demo:full\ndocker rm"), "MS408", "docker commit"),
    "made-an-image-of": (
        SCRIPT.replace("docker rm", "docker export extract | docker import - demo:full\ndocker rm"),
        "MS408",
        "docker import",
    ),
    "made-an-image-of-in-a-file": (
        SCRIPT.replace("docker rm", "docker export extract > x.tar\ndocker import x.tar demo:full\ndocker rm"),
        "MS408",
        "docker import",
    ),
    "builder-of-another-base": (
        SCRIPT.replace("#!/bin/sh\n", "#!/bin/sh\ndocker build -t base -f Dockerfile.base .\n").replace(
            "-t demo:latest", "-t demo:one"
        )
        + SCRIPT.replace("#!/bin/sh\n", "docker build -t base --build-arg V=2 -f Dockerfile.base .\n"),
        "MS409",
        "docker build",
    ),
    "exported": (
        SCRIPT.replace("docker create", "id=$(docker create").replace("demo:build\ndocker cp", "demo:build)\ndocker cp")
        + "export id\n./publish\n",
        "MS410",
        "id=$(",
    ),
    "status-used": (SCRIPT.replace("docker rm extract\n", "docker rm extract\n[ $? = 0 ]\n"), "MS410", "docker build"),
}


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_cannot_be_followed_is_refused_at_its_place(name: str, tmp_path: Path) -> None:
    script, code, place = REFUSED[name]
    runtime = RUNTIME.replace("COPY app", "COPY out/app") if " out/" in script else RUNTIME
    files = {"build.sh": script, "Dockerfile": runtime}
    if "Dockerfile.base" in script:
        files |= {
            "Dockerfile.base": "FROM gcc:12\nARG V=1\nRUN echo $V > /v\n",
            "Dockerfile.build": BUILDER.replace("gcc:12", "base"),
        }
    analysis = analysed(tmp_path, files)
    assert analysis.changes == ()
    hits = [d for d in analysis.diagnostics if d.rule.code == code]
    assert hits, codes(analysis)
    assert any(d.primary is not None and d.primary.span.text.startswith(place) for d in hits), [d.primary for d in hits]


DOCKERFILES_REFUSED = {
    "variable": ({"Dockerfile": RUNTIME.replace("COPY app", "COPY $WHAT")}, "MS306"),
    "hidden": ({".dockerignore": "app\n"}, "MS307"),
    "parents": ({"Dockerfile": RUNTIME.replace("COPY app", "COPY --parents app")}, "MS409"),
    "escape": ({"Dockerfile": "# escape=`\n" + RUNTIME}, "MS404"),
    "no-dockerfile": ({"Dockerfile.build": ""}, "MS112"),
    "broken-dockerfile": ({"Dockerfile": "COPY app /\n"}, "MS111"),
    "broken-script": ({"build.sh": SCRIPT + "if\n"}, "MS101"),
}


@pytest.mark.parametrize("name", sorted(DOCKERFILES_REFUSED))
def test_dockerfiles_that_cannot_be_joined_are_refused(name: str, tmp_path: Path) -> None:
    files, code = DOCKERFILES_REFUSED[name]
    analysis = analysed(tmp_path, files)
    assert analysis.changes == ()
    assert code in codes(analysis)


def test_arguments_and_environment_make_the_unknown_known(tmp_path: Path) -> None:
    script = SCRIPT.replace("Dockerfile.build", "Dockerfile.$1").replace("/src/app", "$OUT/app")
    inputs = Inputs(arguments=("build",), environment={"OUT": "/src"})
    analysis = analysed(tmp_path, {"build.sh": script}, inputs=inputs)
    assert codes(analysis) == []
    assert "/src/app /usr/local/bin/" in text_of(analysis, "Dockerfile")


def test_a_script_in_a_folder_that_goes_to_the_root(tmp_path: Path) -> None:
    script = SCRIPT.replace("#!/bin/sh\n", '#!/bin/sh\ncd "$(dirname "$0")/.."\n')
    analysis = analysed(tmp_path, {"build.sh": "", "scripts/build.sh": script})
    assert codes(analysis) == []
    assert (
        text_of(analysis, "scripts/build.sh") == '#!/bin/sh\ncd "$(dirname "$0")/.."\ndocker build -t demo:latest .\n'
    )


def test_the_working_directory_is_known(tmp_path: Path) -> None:
    script = (
        SCRIPT.replace("demo:latest .", 'demo:latest "$PWD"')
        .replace("Dockerfile.build .", 'Dockerfile.build "$(pwd)"')
        .replace(" ./app\ndocker", " `pwd`/app\ndocker")
    )
    analysis = analysed(tmp_path, {"build.sh": script})
    assert codes(analysis) == []
    assert text_of(analysis, "build.sh") == '#!/bin/sh\ndocker build -t demo:latest "$PWD"\n'


def test_a_script_in_a_folder_started_from_the_root(tmp_path: Path) -> None:
    analysis = analysed(tmp_path, {"build.sh": "", "scripts/build.sh": SCRIPT})
    assert codes(analysis) == []
    assert analysis.start.name == "./scripts/build.sh"


SAID = {
    "network": ({"build.sh": SCRIPT.replace("-t demo:build", "--network host -t demo:build")}, ["MS406"]),
    "ignore-file-written": (
        {"build.sh": SCRIPT.replace("#!/bin/sh\n", "#!/bin/sh\necho x > .dockerignore\n")},
        ["MS113"],
    ),
    "own-separator": (
        {
            "build.sh": SCRIPT.replace("#!/bin/sh\n", "#!/bin/sh\nIFS=,\nB=docker,build\n").replace(
                "docker build -t demo:build", "$B -t demo:build"
            )
        },
        [],
    ),
    "path-added-to": ({"build.sh": SCRIPT.replace("#!/bin/sh\n", '#!/bin/sh\nexport PATH="${PATH}:/go/bin"\n')}, []),
    "left-on-the-host": ({"build.sh": SCRIPT.replace("rm ./app\n", "")}, ["MS413"]),
    "add": ({"Dockerfile": RUNTIME.replace("COPY app", "ADD app")}, ["MS414"]),
    "script-in-image": ({"Dockerfile": RUNTIME + "COPY build.sh /doc/\n"}, ["MS420"]),
    "context-in-image": ({"Dockerfile": RUNTIME + "COPY *.sh /doc/\n"}, ["MS420"]),
    "removed-file-in-image": ({"Dockerfile": RUNTIME + "COPY Dockerfile.build /doc/\n"}, ["MS421"]),
    "removed-file-in-builder": ({"Dockerfile.build": BUILDER + "COPY Dockerfile.build /doc/\n"}, ["MS421"]),
}


@pytest.mark.parametrize("name", sorted(SAID))
def test_what_changes_for_somebody_is_said(name: str, tmp_path: Path) -> None:
    files, expected = SAID[name]
    assert codes(analysed(tmp_path, files)) == expected


def test_what_stands_behind_exit_is_left_alone(tmp_path: Path) -> None:
    script = SCRIPT + "exit 0\ndocker push demo:build\n"
    analysis = analysed(tmp_path, {"build.sh": script})
    assert codes(analysis) == []
    assert text_of(analysis, "build.sh") == "#!/bin/sh\ndocker build -t demo:latest .\nexit 0\ndocker push demo:build\n"


@pytest.mark.parametrize("setter", ["read TAG", "declare -u TAG=x", "typeset -i TAG=1"])
def test_a_value_that_is_not_known_is_not_guessed(setter: str, tmp_path: Path) -> None:
    script = SCRIPT.replace("#!/bin/sh\n", f"#!/bin/sh\nTAG=build\n{setter}\n").replace(
        "-f Dockerfile.build", "-f Dockerfile.$TAG"
    )
    assert codes(analysed(tmp_path, {"build.sh": script})) == ["MS204"]


def test_a_link_is_refused_where_the_engine_says_so(tmp_path: Path) -> None:
    key = ArtifactKey(builder=0, source=PurePosixPath("/src/app"))
    facts = {key: ArtifactFact(kind=ArtifactKind.LINK, root_owned=True)}
    assert codes(analysed(tmp_path, facts=facts)) == ["MS418"]


def test_what_is_all_roots_needs_no_flag(tmp_path: Path) -> None:
    key = ArtifactKey(builder=0, source=PurePosixPath("/src/app"))
    facts = {key: ArtifactFact(kind=ArtifactKind.FILE, root_owned=True)}
    assert "COPY --from=builder /src/app /usr/local/bin/\n" in text_of(analysed(tmp_path, facts=facts), "Dockerfile")


def test_what_is_taken_out_beside_the_artifact_is_told(tmp_path: Path) -> None:
    script = SCRIPT.replace("docker rm", "docker cp extract:/src/other .\ndocker rm")
    analysis = analysed(tmp_path, {"build.sh": script})
    told = [d.primary.span.text for d in analysis.diagnostics if d.rule.code == "MS413" and d.primary]
    assert told[0] == "docker cp extract:/src/other ."
    assert analysis.plan is not None


def test_a_compose_file_that_nothing_calls_is_named_where_something_is_missing(tmp_path: Path) -> None:
    composed = "services:\n  app:\n    image: docker.io/demo\n    command: cp a b\n"
    files = {"build.sh": "", "docker-compose.yml": composed}
    assert codes(analysed(tmp_path, files)) == ["MS122"]
    assert not analysed(tmp_path, files | {"app": "x"}).legacy


def test_a_script_that_the_driver_starts_changes_in_its_place(tmp_path: Path) -> None:
    analysis = analysed(tmp_path, {"build.sh": "#!/bin/sh\n./inner.sh\n", "inner.sh": SCRIPT})
    assert {c.path.name for c in analysis.changes} == {"Dockerfile", "Dockerfile.build", "inner.sh"}
    root = lay(tmp_path / "whole", {"build.sh": "#!/bin/sh\n./inner.sh\n", "inner.sh": SCRIPT})
    outcome = migrate(Request(root=root, verify=False), lambda _side, _text: None)
    assert [(str(b.driver), b.status) for b in outcome.builds] == [("inner.sh", Status.WRITTEN)]


EXTRACTS, BUILDS = (
    SCRIPT[: SCRIPT.index("docker build -t demo:latest")],
    "#!/bin/sh\n./inner.sh\ndocker build -t demo .\n",
)
CALLERS = {
    "nobody": ({}, True),
    "deploys": ({"deploy.sh": "#!/bin/sh\n./inner.sh\nscp app host:\n"}, False),
    "in-ci": ({".travis.yml": "script:\n  - sh inner.sh\n"}, False),
    "in-words": ({"README.md": "Run ./inner.sh\n", "other.sh": "#!/bin/sh\n# as ./inner.sh does\ndate\n"}, True),
    "another-name": ({"other.sh": "#!/bin/sh\n./dinner.sh\n./inner.sh.in\n"}, True),
}


@pytest.mark.parametrize("name", sorted(CALLERS))
def test_a_script_with_a_part_of_the_steps_changes_only_where_nobody_else_starts_it(name: str, tmp_path: Path) -> None:
    files, migrates = CALLERS[name]
    root = lay(tmp_path, {"build.sh": BUILDS, "inner.sh": EXTRACTS, **files})
    driver = Driver(path=PurePosixPath("build.sh"), kind=DriverKind.SCRIPT)
    analysis = analyse(scan(root), driver, Inputs())
    assert codes(analysis) == (["MS413"] if migrates else ["MS410"])
    assert (analysis.plan is not None) is migrates


def test_a_script_that_starts_the_extraction_and_builds_behind_it_is_found(tmp_path: Path) -> None:
    root = lay(tmp_path, {"build.sh": BUILDS, "inner.sh": EXTRACTS, "unrelated.sh": "#!/bin/sh\ndocker build -t x x\n"})
    outcome = migrate(Request(root=root, verify=False), lambda _side, _text: None)
    assert [(str(b.driver), b.status) for b in outcome.builds] == [("build.sh", Status.WRITTEN)]
    assert (root / "build.sh").read_text() == "#!/bin/sh\n./inner.sh\ndocker build -t demo .\n"
    assert (root / "inner.sh").read_text() == "#!/bin/sh\n"


def test_where_a_script_takes_things_out_for_another_one_it_is_that_one_s_reason_which_is_told(tmp_path: Path) -> None:
    files = {"build.sh": BUILDS, "inner.sh": EXTRACTS, "deploy.sh": "#!/bin/sh\n./inner.sh\nscp app host:\n"}
    outcome = migrate(Request(root=lay(tmp_path / "whole", files), verify=False), lambda _side, _text: None)
    assert [(str(b.driver), [d.rule.code for d in b.diagnostics]) for b in outcome.builds] == [("build.sh", ["MS410"])]
    alone = lay(tmp_path / "alone", {"build.sh": "", "inner.sh": EXTRACTS})
    outcome = migrate(Request(root=alone, verify=False), lambda _side, _text: None)
    assert [[d.rule.code for d in b.diagnostics] for b in outcome.builds] == [["MS302"]]


def test_a_script_with_all_of_the_steps_changes_for_all_who_start_it(tmp_path: Path) -> None:
    files = {"build.sh": "#!/bin/sh\n./inner.sh\n", "inner.sh": SCRIPT, "deploy.sh": "#!/bin/sh\n./inner.sh\n"}
    driver = Driver(path=PurePosixPath("build.sh"), kind=DriverKind.SCRIPT)
    assert codes(analyse(scan(lay(tmp_path, files)), driver, Inputs())) == []


def test_a_driver_that_is_not_there(tmp_path: Path) -> None:
    repository = scan(lay(tmp_path))
    driver = Driver(path=PurePosixPath("none.sh"), kind=DriverKind.SCRIPT)
    assert codes(analyse(repository, driver, Inputs())) == ["MS114"]


def test_two_scripts_for_one_dockerfile(tmp_path: Path) -> None:
    root = lay(tmp_path, {"other.sh": SCRIPT})
    outcome = migrate(Request(root=root, verify=False), lambda _side, _text: None)
    assert [sorted(d.rule.code for d in b.diagnostics) for b in outcome.builds] == [["MS121", "MS439"]] * 2
    chosen = migrate(Request(root=root, verify=False, driver=PurePosixPath("other.sh")), lambda _side, _text: None)
    assert [b.status for b in chosen.builds] == [Status.WRITTEN]


KINDS = {
    "made": ("RUN mkdir -p /data/sub", "COPY --from=builder --chown=0:0 /data /a/"),
    "copied-into": ("COPY main.c /data/", "COPY --from=builder --chown=0:0 /data /a/"),
    "worked-in": ("WORKDIR /data/sub", "COPY --from=builder --chown=0:0 /data /a/"),
    "compiled": ("RUN cc -o /data main.c", "COPY --from=builder --chown=0:0 /data /a/demo"),
}


@pytest.mark.parametrize("name", sorted(KINDS))
def test_the_builder_says_what_an_artifact_is(name: str, tmp_path: Path) -> None:
    line, expected = KINDS[name]
    files = {
        "build.sh": SCRIPT.replace("/src/app ./app", "/data ./demo").replace("rm ./app", "rm -r demo"),
        "Dockerfile": "FROM busybox\nCOPY demo /a/\n",
        "Dockerfile.build": f"FROM gcc:12\n{line}\n",
    }
    analysis = analysed(tmp_path, files)
    assert codes(analysis) == []
    assert f"\n{expected}\n" in text_of(analysis, "Dockerfile")


def test_a_source_that_ends_in_a_slash_is_a_folder(tmp_path: Path) -> None:
    script = SCRIPT.replace("/src/app ./app", "/data ./demo").replace("rm ./app", "rm -r demo")
    analysis = analysed(tmp_path, {"build.sh": script, "Dockerfile": "FROM busybox\nCOPY demo/ /a/\n"})
    assert codes(analysis) == []
    assert "COPY --from=builder --chown=0:0 /data /a/\n" in text_of(analysis, "Dockerfile")


def test_the_owner_of_a_folder_that_copy_makes_is_not_lost(tmp_path: Path) -> None:
    script = (
        SCRIPT.replace("./app\ndocker rm", "out/\ndocker rm")
        .replace("#!/bin/sh\n", "#!/bin/sh\nmkdir out\n")
        .replace("rm ./app", "rm -r out")
    )
    analysis = analysed(
        tmp_path, {"build.sh": script, "Dockerfile": RUNTIME.replace("COPY app", "COPY --chown=3:4 out")}
    )
    assert codes(analysis) == ["MS409"]


def test_a_base_named_by_a_variable_is_the_builder_too(tmp_path: Path) -> None:
    runtime = "ARG BASE=demo:build\n" + RUNTIME.replace("FROM busybox", "FROM $BASE")
    analysis = analysed(tmp_path, {"Dockerfile": runtime})
    assert codes(analysis) == []
    assert "FROM builder\nCOPY --from=builder" in text_of(analysis, "Dockerfile")


FIRST = {
    "if-sets-a-variable": ('N=build\nif [ -n "$CI" ]; then N=other; fi\n', "MS204"),
    "loop-variable": ("N=build\nfor N in a b; do echo $N; done\n", "MS112"),
    "function-sets-a-variable": ("setup() { N=other; }\nN=build\nsetup\n", "MS112"),
    "function-in-an-if": ("setup() { N=other; }\nN=build\nif true; then setup; fi\n", "MS112"),
    "function-in-an-if-of-two-ways": ('setup() { N=other; }\nN=build\nif [ -n "$X" ]; then setup; fi\n', "MS204"),
    "default-assigned": ("N=build\nif true; then echo ${N:=x}; fi\n", None),
    "default-assigned-to-a-variable-of-the-environment": ("if true; then echo ${N:=build}; fi\n", "MS204"),
    "cd-in-an-if": ('N=build\nmkdir sub\nif [ -n "$X" ]; then cd sub; fi\n', "MS204"),
    "cd-to-what-is-not-there": ("N=build\nif true; then cd sub; fi\n", None),
    "shift-in-a-loop": ("N=build\nwhile [ $# -gt 0 ]; do shift; done\n", None),
    "parameters-set-in-an-if": ("N=build\nif true; then set -- a; fi\n", None),
    "group-into-a-file": ("N=build\n{ echo x; } > Dockerfile.build\n", "MS112"),
    "loop-into-a-file": ("N=build\nfor i in 1; do echo $i; done > Dockerfile.build\n", "MS112"),
    "if-says-something": ('N=build\nif [ -n "$CI" ]; then echo in CI; set -x; fi\n', None),
    "harmless-function": ('say() { echo "$@"; }\nN=build\nsay hello\n', None),
}


@pytest.mark.parametrize("name", sorted(FIRST))
def test_what_a_construct_may_have_done_is_taken_into_account(name: str, tmp_path: Path) -> None:
    lines, expected = FIRST[name]
    script = SCRIPT.replace("#!/bin/sh\n", f"#!/bin/sh\n{lines}").replace("-f Dockerfile.build", "-f Dockerfile.$N")
    assert codes(analysed(tmp_path, {"build.sh": script})) == ([expected] if expected else [])


def test_a_command_in_front_of_the_builds_is_an_assumption(tmp_path: Path) -> None:
    analysis = analysed(tmp_path, {"build.sh": SCRIPT.replace("#!/bin/sh\n", "#!/bin/sh\n./prepare.sh\n")})
    assert codes(analysis) == ["MS422"]
    assert text_of(analysis, "build.sh") == "#!/bin/sh\n./prepare.sh\ndocker build -t demo:latest .\n"


def test_a_folder_that_others_use_too_stays(tmp_path: Path) -> None:
    script = OUT.replace("mkdir out\n", "mkdir out\necho 1 > out/version\n").replace("rm -r out", "rm -r out/app")
    analysis = analysed(tmp_path, {"build.sh": script, "Dockerfile": RUNTIME.replace("COPY app", "COPY out/app")})
    assert codes(analysis) == []
    assert (
        text_of(analysis, "build.sh") == "#!/bin/sh\nmkdir out\necho 1 > out/version\ndocker build -t demo:latest .\n"
    )


_LINES = SCRIPT.partition("\n")[2].splitlines()
_INDENTED = "".join(f"    {line}\n" for line in _LINES)

STRUCTURED = {
    "in-a-function": f'#!/bin/bash\nset -euo pipefail\n\nmain() {{\n{_INDENTED}}}\n\nmain "$@"\n',
    "in-one-branch": f'#!/bin/sh\nbuild() {{\n{_INDENTED}}}\ncase "$1" in\n    push) docker push demo:latest ;;\n    *) build ;;\nesac\n',
    "in-an-if": f'#!/bin/sh\nif [ -z "$SKIP" ]; then\n{_INDENTED}fi\n',
}


@pytest.mark.parametrize("name", STRUCTURED)
def test_an_extraction_within_a_construct_is_taken_out_of_it(name: str, tmp_path: Path) -> None:
    analysis = analysed(tmp_path, {"build.sh": STRUCTURED[name]})
    assert codes(analysis) == []
    expected = STRUCTURED[name].replace(_INDENTED, "    docker build -t demo:latest .\n")
    assert text_of(analysis, "build.sh") == expected


AROUND = {
    "guarded": (
        (
            "#!/bin/sh\ncommand -v docker >/dev/null || { echo no docker; exit 1; }\n"
            "if [ ! -f main.c ]; then echo not here; exit 1; fi\n"
        ),
        "",
    ),
    "named-by-arguments": (
        "#!/bin/bash\nset -e\nNAME=${1:-demo}\nTAG=$(git rev-parse --short HEAD)\necho $NAME:$TAG\n",
        "",
    ),
    "named-by-the-day": ("#!/bin/sh\necho begin\nDAY=$(date +%F)\n", "docker tag demo:latest demo:$DAY\n"),
    "pushed-where-asked": ("#!/bin/bash\n", 'if [ "$1" = push ]; then\n    docker push demo:latest\nfi\n'),
    "tagged-in-a-loop": (
        "#!/bin/sh\n",
        "for t in 1 1.2; do docker tag demo:latest demo:$t; docker push demo:$t; done\n",
    ),
    "from-its-own-folder": ('#!/bin/bash\ncd "$( cd "$( dirname "${BASH_SOURCE[0]}" )" && pwd )"\n', ""),
    "functions-beside": ('#!/bin/bash\nlog() { echo "[$(date)] $*"; }\nlog begin\n', "log done\n"),
    "needs-a-variable": ('#!/bin/sh\n: "${VERSION:?}"\n', "docker tag demo:latest demo:$VERSION\n"),
    "retries-the-push": ("#!/bin/sh\n", "until docker push demo:latest; do sleep 1; done\n"),
    "settings-read": ("#!/bin/sh\n. ./settings.sh\n", "docker tag demo:latest demo:$TAG\n"),
}


@pytest.mark.parametrize("name", AROUND)
def test_what_stands_around_the_extraction_stays_as_it_is(name: str, tmp_path: Path) -> None:
    before, after = AROUND[name]
    script = before + SCRIPT.partition("\n")[2] + after
    analysis = analysed(tmp_path, {"build.sh": script, "settings.sh": "TAG=3\n"})
    assert codes(analysis) == []
    assert text_of(analysis, "build.sh") == f"{before}docker build -t demo:latest .\n{after}"


_DANCE, _BUILT = _INDENTED.split("    docker build -t demo:latest .\n")
ON_SOME_WAYS = {
    "extraction-skipped": (
        f'#!/bin/sh\nif [ -z "$SKIP" ]; then\n{_DANCE}fi\ndocker build -t demo:latest .\n',
        "MS423",
        "some ways through the script",
    ),
    "build-skipped": (
        SCRIPT.replace("docker build -t demo:latest .", '[ -n "$ONLY" ] || docker build -t demo:latest .'),
        "MS423",
        "the runtime's build runs where",
    ),
    "builder-in-a-loop": (
        SCRIPT.replace("docker build -t demo:build", "for x in $ALL; do echo $x; docker build -t demo:build").replace(
            "Dockerfile.build .\n", "Dockerfile.build .; done\n"
        ),
        "MS423",
        "in the loop",
    ),
    "script-ends-between": (
        SCRIPT.replace("docker build -t demo:latest", '[ -z "$STOP" ] || exit 0\ndocker build -t demo:latest'),
        "MS423",
        "the runtime's build runs where",
    ),
    "endless": (f"#!/bin/sh\nwhile true; do\n{_INDENTED}done\n", "MS207", "1000 rounds"),
    "dockerfile-from-a-here-document": (
        f"#!/bin/sh\ncat > Dockerfile.build <<EOF\nFROM gcc:12\nEOF\n{SCRIPT.partition(chr(10))[2]}",
        "MS112",
        "is written by the script",
    ),
    "by-path": (SCRIPT.replace("docker rm", "/usr/bin/docker rm"), "MS424", "/usr/bin/docker"),
    "podman": (SCRIPT.replace("docker ", "podman "), "MS424", "podman"),
    "behind-a-function": (
        SCRIPT.replace("#!/bin/sh\n", '#!/bin/sh\nd() { docker "$@"; }\n')
        .replace("docker build -t demo:latest", "d build -t demo:latest")
        .replace("docker build -t demo:build", "docker build --no-cache -t demo:build"),
        "MS410",
        "behind a `build` that stands there",
    ),
    "other-way-needs-it": (
        f"#!/bin/sh\nif [ -f main.c ]; then\n{_INDENTED}else\n    docker build -f Dockerfile.build .\nfi\n",
        "MS410",
        "a way that is not taken here",
    ),
}


@pytest.mark.parametrize("name", ON_SOME_WAYS)
def test_what_does_not_always_run_together_is_refused(name: str, tmp_path: Path) -> None:
    script, code, said = ON_SOME_WAYS[name]
    repository = scan(lay(tmp_path, {"build.sh": script, "inner.sh": SCRIPT}))
    driver = Driver(path=PurePosixPath("build.sh"), kind=DriverKind.SCRIPT)
    analysis = analyse(repository, driver, Inputs())
    assert analysis.changes == ()
    assert code in codes(analysis)
    assert any(said in d.message for d in analysis.diagnostics), [d.message for d in analysis.diagnostics]


def test_a_script_that_its_arguments_decide_is_followed_without_any(tmp_path: Path) -> None:
    script = SCRIPT.replace(
        "docker build -t demo:build",
        '[ "$1" = x ] && exit 0\nif [ $# -gt 1 ]; then D=other; else D=Dockerfile.build; fi\ndocker build -t demo:build',
    ).replace("-f Dockerfile.build", "-f $D")
    analysis = analysed(tmp_path, {"build.sh": script})
    assert codes(analysis) == ["MS208"]
    assert "docker build -t demo:latest" in text_of(analysis, "build.sh")


OTHER_WAYS = {
    "standard-output": "docker build -t b -f Dockerfile.build .\ndocker run --rm b cat /app > app\ndocker build .\n",
    "compressed": "docker build -t b -f Dockerfile.build .\ndocker run b | xz > app.xz\ndocker build .\n",
    "mounted": 'docker build -t b -f Dockerfile.build .\ndocker run -v "$PWD/out:/out" b\ndocker build .\n',
    "stream": "docker build -t b -f Dockerfile.build .\ndocker run b | docker build -\n",
    "exported": "docker build -t b -f Dockerfile.build .\ndocker create --name x b\ndocker export x | tar x\ndocker build .\n",
    "run-and-copied": "docker build -t b -f Dockerfile.build .\ndocker run --name x b\ndocker cp x:/app .\ndocker build .\n",
    "as-a-tar": "docker build -t b -f Dockerfile.build .\ndocker create --name x b\ndocker cp x:/d - > d.tar\ndocker build .\n",
}


@pytest.mark.parametrize("name", OTHER_WAYS)
def test_every_way_out_of_a_container_is_recognised(name: str, tmp_path: Path) -> None:
    runtime = "FROM busybox\nCOPY . /x/\n"
    analysis = analysed(tmp_path, {"build.sh": f"#!/bin/sh\n{OTHER_WAYS[name]}", "Dockerfile": runtime})
    assert analysis.legacy
    if not analysis.changes:
        assert any(d.primary is not None and d.primary.span.position.line > 1 for d in analysis.diagnostics)
    else:
        assert "COPY --from=" in text_of(analysis, "Dockerfile")


NO_WAYS = {
    "tested-in-a-container": 'docker build -t a .\ndocker run --rm -v "$PWD:/src" a make test\ndocker push a\n',
    "served": "docker build -t a .\ndocker run -d -p 80:80 a\n",
    "tool-in-a-container": 'docker run -v "$PWD:/src" node npm install\ndocker build -t a .\n',
    "files-put-in": "docker build -t a .\ndocker run -d --name x a\ndocker cp conf x:/etc\n",
    "files-put-in-behind-what-is-not-followed": "eval docker run $A\ndocker cp conf x:/etc >/dev/null && docker ps\n",
    "files-of-another-store": "eval docker build $A\naws s3 cp s3://a/b . && aws s3 cp b s3://a/c --quiet\n",
}


@pytest.mark.parametrize("name", NO_WAYS)
def test_a_script_that_takes_nothing_out_is_no_legacy_build(name: str, tmp_path: Path) -> None:
    analysis = analysed(tmp_path, {"build.sh": f"#!/bin/sh\n{NO_WAYS[name]}"})
    assert not analysis.legacy


def test_a_folder_that_is_shared_counts_behind_what_is_not_followed(tmp_path: Path) -> None:
    script = (
        "#!/bin/sh\nretry docker build -t demo:build -f Dockerfile.build .\n"
        "docker run --rm -v $PWD:/out demo:build cp app /out\ndocker build -t demo .\n"
    )
    assert codes(analysed(tmp_path / "a", {"build.sh": script})) == ["MS201"]
    assert not analysed(tmp_path / "b", {"build.sh": script, "app": "x"}).legacy


def test_what_other_arguments_would_run_is_not_taken_from_under_it(tmp_path: Path) -> None:
    """Followed without arguments, the other branch still builds what the migration would remove."""
    other = "docker build -t arm -f Dockerfile.build --build-arg A=arm .\n    docker create --name y arm\n    docker cp y:/src/app .\n"
    script = SCRIPT.replace("#!/bin/sh\n", f'#!/bin/sh\nif [ "$1" = arm ]; then\n    {other}    exit\nfi\n')
    analysis = analysed(tmp_path, {"build.sh": script})
    assert analysis.changes == ()
    given = analysed(tmp_path, {"build.sh": script}, inputs=Inputs(arguments=("x86",)))
    assert given.changes == ()
    assert "MS410" in codes(given)


def test_a_runtime_named_by_what_is_not_known_keeps_its_name(tmp_path: Path) -> None:
    script = SCRIPT.replace("#!/bin/sh\n", "#!/bin/sh\nT=$(date +%s)\n").replace("demo:latest", "demo:$T")
    analysis = analysed(tmp_path, {"build.sh": script})
    assert codes(analysis) == []
    assert "docker build -t demo:$T ." in text_of(analysis, "build.sh")


LEFT = {
    "the-second": ("docker cp extract:/src/other out\n", "docker cp extract:/src/other out"),
    "moved": ("docker cp extract:/src/other out\nmv out there\n", "mv out there"),
    "changed-since": ("docker cp extract:/src/other out\nchmod +x out\n", "docker cp extract:/src/other out"),
    "printed": ("docker run --rm demo:build cat /src/other > out\n", "docker run --rm demo:build cat /src/other > out"),
    "unpacked": (
        "mkdir out\ndocker run --rm demo:build tar -c -C /src . | tar -x -C out\n",
        "tar -x -C out",
    ),
}


@pytest.mark.parametrize("name", sorted(LEFT))
def test_what_is_left_on_the_host_is_told_at_the_command_that_brought_it(name: str, tmp_path: Path) -> None:
    lines, place = LEFT[name]
    script = SCRIPT.replace("docker rm", f"{lines}docker rm")
    dockerfile = RUNTIME + f"COPY {'there' if name == 'moved' else 'out'} /other/\n"
    analysis = analysed(tmp_path, {"build.sh": script, "Dockerfile": dockerfile})
    told = [d.primary.span.text for d in analysis.diagnostics if d.rule.code == "MS413" and d.primary]
    assert told == [place], [d.message for d in analysis.diagnostics]


BETWEEN = {
    "another-file": ({}, True),
    "of-a-copied-folder": ({"Dockerfile.build": BUILDER.replace("COPY main.c", "COPY .")}, False),
    "hidden": ({"Dockerfile.build": BUILDER.replace("COPY main.c", "COPY ."), ".dockerignore": "notes\n"}, True),
    "perhaps-hidden": (
        {"Dockerfile.build": BUILDER.replace("COPY main.c", "COPY ."), ".dockerignore": "notes\n!notes/main.c\n"},
        False,
    ),
    "by-a-pattern": ({"Dockerfile.build": BUILDER.replace("COPY main.c", "COPY main.c n*")}, False),
    "by-a-variable": ({"Dockerfile.build": BUILDER.replace("COPY main.c", "ARG W\nCOPY main.c $W")}, False),
    "by-a-mount": ({"Dockerfile.build": BUILDER.replace("RUN cc", "RUN --mount=type=bind,target=/x cc")}, False),
    "by-a-trigger": ({"Dockerfile.build": BUILDER.replace("gcc:12", "node:4-onbuild")}, False),
    "on-an-image-that-only-this-host-has": ({"Dockerfile.build": BUILDER.replace("gcc:12", "gcc-with-tools")}, False),
    "by-a-class": ({"Dockerfile.build": BUILDER.replace("COPY main.c", "COPY main.c [!a]otes*")}, False),
    "on-an-image-of-ones-own": ({"Dockerfile.build": BUILDER.replace("gcc:12", "example.com/gcc")}, False),
    "by-the-container": (
        {
            "build.sh": SCRIPT.replace(
                "create --name extract demo:build", "run -v $PWD/notes:/x:ro --name extract demo:build make"
            ),
            "notes/x": "x\n",
        },
        False,
    ),
}


@pytest.mark.parametrize("name", sorted(BETWEEN))
def test_what_changes_between_the_builds_matters_where_the_builder_may_read_it(name: str, tmp_path: Path) -> None:
    files, migrates = BETWEEN[name]
    script = files.get("build.sh", SCRIPT).replace("docker rm", "mkdir -p notes\ncp main.c notes/main.c\ndocker rm")
    analysis = analysed(tmp_path, {**files, "build.sh": script})
    assert (analysis.plan is not None) is migrates, [d.message for d in analysis.diagnostics]
    if migrates:
        assert "mkdir -p notes\ncp main.c notes/main.c\ndocker build" in text_of(analysis, "build.sh")
    else:
        assert "MS411" in codes(analysis)


def test_what_stands_between_two_pairs_of_builds_stays_between_them(tmp_path: Path) -> None:
    again = SCRIPT.removeprefix("#!/bin/sh\n").replace("demo:latest .", "demo:two -f Dockerfile.two .")
    files = {"build.sh": SCRIPT + "cp build.sh main.c\n" + again, "Dockerfile.two": RUNTIME}
    analysis = analysed(tmp_path, files)
    assert text_of(analysis, "build.sh") == (
        "#!/bin/sh\ndocker build --target demo -t demo:latest .\ncp build.sh main.c\n"
        "docker build --target two -t demo:two -f Dockerfile .\n"
    )


def test_what_a_folder_of_the_script_s_own_holds_is_missed_where_the_joined_context_hides_it(tmp_path: Path) -> None:
    script = SCRIPT.replace("#!/bin/sh\n", "#!/bin/sh\nmkdir dist\ncp main.c dist/conf\n")
    files = {
        "build.sh": script.replace("/src/app ./app", "/src/app dist/app").replace(
            ":latest .", ":latest -f Dockerfile dist"
        ),
        "Dockerfile": RUNTIME + "COPY conf /etc/\n",
    }
    assert analysed(tmp_path / "seen", files).plan is not None
    assert codes(analysed(tmp_path / "hidden", {**files, ".dockerignore": "dist\n"})) == ["MS304"]


REPORT = "docker create --name other {image}\ndocker cp other:/report report\ndocker rm other\n"
EXPORTS = {
    "another-image": (REPORT.format(image="busybox"), "docker rm extract\n{}docker build -t demo:latest .\n", True),
    "behind": (REPORT.format(image="busybox"), "docker build -t demo:latest .\n{}rm ./app\n", True),
    "the-builder": (REPORT.format(image="demo:build"), "docker rm extract\n{}docker build -t demo:latest .\n", True),
    "made-lighter": (
        REPORT.format(image="busybox") + "gzip report\n",
        "docker rm extract\n{}docker build -t demo:latest",
        True,
    ),
    "its-folder": (
        REPORT.format(image="busybox").replace(" report", " out/report"),
        "mkdir out\ndocker cp extract:/src/app out/app\n{}docker build -t demo:latest -f Dockerfile out\n",
        True,
    ),
    "a-program-that-would-be-read": (
        REPORT.format(image="busybox").replace(" report", " main.c"),
        "docker rm extract\n{}docker build -t demo:latest .\n",
        False,
    ),
    "in-the-artifact": (
        REPORT.format(image="busybox").replace(" report", " app/report"),
        "docker rm extract\n{}docker build -t demo:latest .\n",
        False,
    ),
}


@pytest.mark.parametrize("name", sorted(EXPORTS))
def test_what_is_taken_out_for_the_host_alone_stays(name: str, tmp_path: Path) -> None:
    lines, around, migrates = EXPORTS[name]
    before, _, after = around.partition("{}")
    script = SCRIPT
    if name == "its-folder":
        script = script.replace("docker cp extract:/src/app ./app\n", before).replace(
            "docker build -t demo:latest .\n", after
        )
        script = script.replace("rm ./app", "rm -r out").replace(
            f"{before}docker rm extract\n", f"{before}{lines}docker rm extract\n"
        )
    else:
        script = script.replace(before + after, before + lines + after)
    assert lines in script
    analysis = analysed(tmp_path, {"build.sh": script})
    assert (analysis.plan is not None) is migrates, [d.message for d in analysis.diagnostics]
    if migrates:
        assert lines in text_of(analysis, "build.sh")
        assert "extract" not in text_of(analysis, "build.sh")
        assert ("mkdir out\n" in text_of(analysis, "build.sh")) is (name == "its-folder")


NEEDS = [
    "cp app /usr/bin/",
    "cp app dist-app",
    "cp -r . /backup",
    "tar czf app.tgz app",
    "ln -s app link",
    "install -m 755 app /usr/bin",
    "docker run --rm -v $PWD/app:/app busybox /app",
    "docker cp app other:/app",
    "docker run --rm -i busybox sh < app",
    "while read -r line; do echo $line; done < ./app",
]


@pytest.mark.parametrize("command", NEEDS)
def test_a_command_that_needs_the_artifact_on_the_host_is_refused(command: str, tmp_path: Path) -> None:
    analysis = analysed(tmp_path, {"build.sh": SCRIPT.replace("rm ./app", f"{command}\nrm ./app")})
    assert analysis.plan is None
    assert any(d.rule.code == "MS205" and d.primary and d.primary.span.text in command for d in analysis.diagnostics)


def test_a_container_that_has_a_folder_with_the_artifact_is_told(tmp_path: Path) -> None:
    script = SCRIPT.replace("rm ./app", "docker run --rm -v $PWD:/src busybox ls\nrm ./app")
    assert codes(analysed(tmp_path / "behind", {"build.sh": script})) == ["MS413"]
    script = SCRIPT + "docker run --rm -v $PWD:/src busybox ls\n"
    assert codes(analysed(tmp_path / "cleared", {"build.sh": script})) == []


@pytest.mark.parametrize(
    ("command", "place"),
    [
        ("test -f app && docker push demo:latest", "docker push demo:latest"),
        ("[ -x app ] || exit 1", "exit 1"),
        ("set -e\ntest -s app", "docker build -t demo:latest ."),
        ("if [ ! -f app ]; then date; fi", "date"),
    ],
)
def test_what_would_come_out_otherwise_without_what_goes_is_refused(command: str, place: str, tmp_path: Path) -> None:
    analysis = analysed(tmp_path, {"build.sh": SCRIPT.replace("rm ./app", f"{command}")})
    assert analysis.plan is None
    told = [d.primary.span.text for d in analysis.diagnostics if d.rule.code == "MS410" and d.primary]
    assert told == [place]


def test_what_waits_for_the_failure_of_what_goes_goes_with_it(tmp_path: Path) -> None:
    script = SCRIPT.replace("Dockerfile.build .", "Dockerfile.build . || { echo failed; exit 1; }")
    analysis = analysed(tmp_path, {"build.sh": script})
    assert text_of(analysis, "build.sh") == "#!/bin/sh\ndocker build -t demo:latest .\n"


@pytest.mark.parametrize(
    "fallback", ["exit 1", "{ echo failed; exit 1; }", "(echo failed && exit 1)", "echo failed", "true"]
)
@pytest.mark.parametrize("options", ["", "set -e\n"])
def test_what_waits_for_the_failure_of_what_stays_too_stays(fallback: str, options: str, tmp_path: Path) -> None:
    commands = " && ".join(SCRIPT.splitlines()[1:])
    script = f"#!/bin/sh\n{options}{commands} || {fallback}\ndocker push demo:latest\n"
    analysis = analysed(tmp_path, {"build.sh": script})
    left = f"#!/bin/sh\n{options}docker build -t demo:latest . || {fallback}\ndocker push demo:latest\n"
    assert text_of(analysis, "build.sh") == left


@pytest.mark.parametrize(
    ("chain", "left"),
    [
        ("A && B || echo b && C", "C"),
        ("A || echo a && B && C || echo c", "C || echo c"),
        ("echo x && A && B || echo b && C", "echo x || echo b && C"),
        ("A && B && C && rm app || echo d", "C || echo d"),
        ("A && B && C && rm app || echo d && echo e", "C || echo d && echo e"),
    ],
)
def test_a_fallback_is_there_for_all_before_it(chain: str, left: str, tmp_path: Path) -> None:
    lines = SCRIPT.splitlines()
    words = {"A": lines[1], "B": " && ".join(lines[2:5]), "C": lines[5]}
    script = re.sub(r"\b[ABC]\b", lambda m: words[m[0]], chain)
    analysis = analysed(tmp_path, {"build.sh": f"#!/bin/sh\n{script}\n"})
    assert text_of(analysis, "build.sh") == f"#!/bin/sh\n{left.replace('C', words['C'])}\n"


def test_an_archive_that_is_read_where_it_goes_with_its_reader_is_no_matter(tmp_path: Path) -> None:
    saved = "docker save demo:build > image.tar\ndocker load < image.tar\nrm image.tar\ndocker create"
    analysis = analysed(tmp_path, {"build.sh": SCRIPT.replace("docker create", saved)})
    assert text_of(analysis, "build.sh") == "#!/bin/sh\ndocker build -t demo:latest .\n"


EMPTIED = {
    "if": ("if true; then docker rm extract; fi", "if true; then :; fi"),
    "branch": (
        "if true; then\n  # away with it\n  docker rm extract\nelse\n  echo x\nfi",
        "if true; then\n  :\nelse\n  echo x\nfi",
    ),
    "loop": ("for c in extract; do docker rm $c; done; echo $c", "for c in extract; do :; done; echo $c"),
    "loop-of-a-command": ("for c in $(echo extract); do docker rm $c; done", "for c in $(echo extract); do :; done"),
    "loop-variable-exported": (
        "for C in extract; do docker rm $C; done\nexport C\nprintenv C",
        "for C in extract; do :; done\nexport C\nprintenv C",
    ),
    "case": ("case x in\ny) ;;\n*)\n  docker rm extract\n  ;;\nesac", "case x in\ny) ;;\n*)\n  :\n  ;;\nesac"),
    "subshell": ("(docker rm extract)", "(:)"),
    "function": ("clean() { docker rm extract; }\nclean", None),
    "function-called-twice": ("clean() {\n  docker rm extract\n}\nclean && echo cleaned\n", "echo cleaned"),
    "function-of-a-function": (
        "clean() {\n  # away with it\n  docker rm extract\n}\nall() {\n  clean\n  echo all\n}\nall",
        "all() {\n  echo all\n}\nall",
    ),
    "function-asked": (
        "clean() {\n  docker rm extract\n}\nif clean; then echo y; fi",
        "clean() {\n  :\n}\nif clean; then echo y; fi",
    ),
    "function-in-a-trap": (
        "clean() {\n  docker rm extract\n}\ntrap clean EXIT",
        "clean() {\n  :\n}\ntrap clean EXIT",
    ),
    "function-with-words": (
        'clean() {\n  local name=$1\n  docker rm -f "$name" || true\n}\nclean extract || exit 1\nclean "extract" && echo y',
        "echo y",
    ),
    "function-named-as-the-container": ("extract() {\n  docker rm extract\n}\nextract", None),
    "function-with-words-that-run": (
        'clean() {\n  docker rm extract\n}\nclean "$(date)"',
        'clean() {\n  :\n}\nclean "$(date)"',
    ),
    "function-behind-or": (
        "clean() {\n  docker rm extract\n}\nclean\nfalse || clean",
        "clean() {\n  :\n}\nclean\nfalse || clean",
    ),
    "variable": ("NAME=extract\ndocker rm $NAME", None),
    "variable-of-another": ("A=ext\nNAME=${A}ract\n\ndocker rm $NAME", None),
    "variable-named": ("NAME=extract\ndocker rm $NAME\nexport NAME", "NAME=extract\nexport NAME"),
    "variable-set-twice": ("NAME=extract\ndocker rm $NAME\nNAME=x", "NAME=extract\nNAME=x"),
    "variable-in-a-comment": ("\n# NAME is what it is called\nNAME=extract\ndocker rm $NAME\n", None),
    "variable-of-docker": ("DOCKER_NAME=extract\ndocker rm $DOCKER_NAME", "DOCKER_NAME=extract"),
    "variable-of-a-command": ("NAME=$(echo extract)\ndocker rm $NAME", "NAME=$(echo extract)"),
    "variables-exported": ("set -a\nNAME=extract\ndocker rm $NAME", "set -a\nNAME=extract"),
}


@pytest.mark.parametrize("name", sorted(EMPTIED))
def test_what_is_left_is_a_script(name: str, tmp_path: Path) -> None:
    """An emptied body is `:`; a function of which nothing is left goes with its calls, a plain variable with what used it."""
    removal, left = EMPTIED[name]
    analysis = analysed(tmp_path, {"build.sh": SCRIPT.replace("docker rm extract", removal)})
    assert analysis.plan is not None, analysis.diagnostics
    expected = "".join(
        f"{line}\n" for line in ("#!/bin/sh", *([left] if left else []), "docker build -t demo:latest .")
    )
    text = text_of(analysis, "build.sh")
    assert re.sub(r"\n\n+", "\n", text) == expected
    assert subprocess.run(["sh", "-n"], input=text.encode(), check=False).returncode == 0


def test_no_blank_line_comes_to_stand_first_in_a_body(tmp_path: Path) -> None:
    script = SCRIPT.replace(
        "docker build -t demo:latest .",
        "if true; then\n\t# no longer needed\n\tdocker rm -f other extract\n\n\t# pack\n\tdocker build -t demo:latest .\nfi",
    )
    analysis = analysed(tmp_path, {"build.sh": script.replace("docker rm extract\n", "").replace("other ", "")})
    assert text_of(analysis, "build.sh") == "#!/bin/sh\nif true; then\n\t# pack\n\tdocker build -t demo:latest .\nfi\n"


def test_a_loop_that_may_wait_for_what_goes_is_refused(tmp_path: Path) -> None:
    loop = "for ((n = 0; n < 1; n++)); do docker rm extract; done"
    script = SCRIPT.replace("docker rm extract", loop).replace("#!/bin/sh", "#!/bin/bash")
    assert "MS410" in codes(analysed(tmp_path, {"build.sh": script}))


DISPATCHED = """\
#!/bin/bash
set -e
compile() {
  docker build -t demo:build -f Dockerfile.build .
  docker create --name extract demo:build
  docker cp extract:/src/app ./app
  docker rm extract
}
pack() {
  docker build -t demo:latest .
  rm ./app
}
if [ $# -gt 0 ]; then "$@"; exit; fi
compile
pack
"""


@pytest.mark.parametrize("call", ['"$@"', "$1", 'eval "$*"'])
def test_a_function_that_the_caller_may_name_stays(call: str, tmp_path: Path) -> None:
    """`./build.sh compile` has to be a command still."""
    analysis = analysed(tmp_path, {"build.sh": DISPATCHED.replace('"$@"', call)})
    assert analysis.plan is not None, analysis.diagnostics
    assert "compile() {\n  :\n}\n" in text_of(analysis, "build.sh")


def test_a_variable_that_moves_to_what_stays_is_kept(tmp_path: Path) -> None:
    script = SCRIPT.replace("docker build -t demo:build", "OPT=1\ndocker build --build-arg V=$OPT -t demo:build")
    analysis = analysed(tmp_path, {"build.sh": script, "Dockerfile.build": BUILDER + "ARG V\n"})
    assert text_of(analysis, "build.sh") == "#!/bin/sh\nOPT=1\ndocker build --build-arg V=$OPT -t demo:latest .\n"


WHEREVER = {
    "folders": ('"$top/src"', '"$top/docker"', '-f "$top/docker/Dockerfile" -t demo:latest "$top"'),
    "a-variable-alone": ('"$top/src"', "$run", "-f $run/Dockerfile -t demo:latest $run/.."),
}


@pytest.mark.parametrize("name", sorted(WHEREVER))
def test_a_build_means_the_same_wherever_the_script_is_started(name: str, tmp_path: Path) -> None:
    builder, runtime, said = WHEREVER[name]
    script = (
        f'#!/bin/sh\ntop=$(cd "$(dirname "$0")" && pwd)\nrun=$top/docker\ndocker build -t demo:build {builder}\n'
        "docker create --name extract demo:build\n"
        'docker cp extract:/src/app "$top/docker/app"\ndocker rm extract\n'
        f"docker build -t demo:latest {runtime}\n"
    )
    files = {"build.sh": script, "src/Dockerfile": BUILDER, "src/main.c": "int main;\n", "docker/Dockerfile": RUNTIME}
    analysis = analysed(tmp_path, {**files, "Dockerfile": "", "Dockerfile.build": "", "main.c": ""})
    assert analysis.plan is not None, analysis.diagnostics
    assert f"\ndocker build {said}\n" in text_of(analysis, "build.sh")


NAMED = {
    "by-a-test": ({"test.sh": "#!/bin/sh\nf=Dockerfile.build\ndocker build -t test -f $f .\n"}, True, "MS439"),
    "in-ci": ({".circleci/config.yml": "run: docker build -f ./Dockerfile.build ..\n"}, True, "MS439"),
    "by-a-driver": ({"other.sh": SCRIPT.replace("docker rm", "unknown app\ndocker rm")}, True, "MS439"),
    "in-compose": (
        {"compose.dev.yml": "services: {x: {build: {context: sub, dockerfile: ../Dockerfile.build}}}\n"},
        True,
        "MS439",
    ),
    "surely": ({"test.sh": "#!/bin/sh\ndocker build -t test -f Dockerfile.build .\n"}, False, "MS455"),
    "in-prose": ({"README.md": "See Dockerfile.build.\n", ".gitattributes": "Dockerfile.build text\n"}, False, "MS454"),
    "another-one": (
        {"test.sh": "#!/bin/sh\ndocker build -t test -f old-Dockerfile.build .\n# not Dockerfile.build\n"},
        False,
        "MS454",
    ),
}


@pytest.mark.parametrize("name", sorted(NAMED))
def test_a_builder_s_dockerfile_that_another_file_names_stays(name: str, tmp_path: Path) -> None:
    files, stays, code = NAMED[name]
    driver = Driver(path=PurePosixPath("build.sh"), kind=DriverKind.SCRIPT)
    analysis = analyse(scan(lay(tmp_path, files)), driver, Inputs())
    assert code in codes(analysis)
    assert set(codes(analysis)) <= {code, "MS454"}
    assert ("Dockerfile.build" not in rendered(analysis)) is stays


MOUNTED = """\
#!/bin/sh
docker build -t demo:build -f Dockerfile.build .
docker run --rm -v $PWD:/src demo:build make
docker build -t demo:latest .
{}
rm app
"""


@pytest.mark.parametrize(
    "command", ["cp app /usr/bin/", "cp report /srv/", "./app", "docker run -v $PWD/app:/app busybox /app", "wc < app"]
)
def test_a_command_that_needs_what_a_container_left_in_a_folder_of_the_repository_is_refused(
    command: str, tmp_path: Path
) -> None:
    files = {"Dockerfile.build": "FROM gcc:12\nWORKDIR /src\n", "Dockerfile": "FROM busybox\nCOPY app /\n"}
    assert codes(analysed(tmp_path / "without", {**files, "build.sh": MOUNTED.format("date")})) == [
        "MS445",
        "MS449",
        "MS450",
        "MS452",
    ]
    analysis = analysed(tmp_path / "with", {**files, "build.sh": MOUNTED.format(command)})
    assert analysis.plan is None
    assert "MS205" in codes(analysis)


def test_an_artifact_that_lies_in_the_repository_too_is_one(tmp_path: Path) -> None:
    """A folder that holds nothing else than what the image takes: what was built once lies there."""
    script = """\
docker build -t demo:build -f Dockerfile.build .
docker run --rm -v $PWD/out:/out demo:build cp app /out/app
docker build -t demo .
"""
    files = {"build.sh": script, "Dockerfile": RUNTIME.replace("COPY app", "COPY out/app"), "out/app": "built before"}
    analysis = analysed(tmp_path, files)
    assert analysis.plan is not None, analysis.diagnostics
    assert "COPY --from=builder-run" in text_of(analysis, "Dockerfile")


@pytest.mark.parametrize("needing", ["cat out/app", "sha256sum out/app"])
def test_a_script_stays_where_one_that_starts_it_needs_what_would_go(needing: str, tmp_path: Path) -> None:
    script = SCRIPT.replace("#!/bin/sh\n", "#!/bin/sh\nmkdir -p out\n").replace("./app", "out/app")
    files = {
        "build.sh": script.replace("rm out/app\n", ""),
        "ci.sh": f"#!/bin/sh\n./build.sh\ndocker push demo:latest\n{needing}\n",
        "Dockerfile": RUNTIME.replace("COPY app", "COPY out/app"),
    }
    found = {str(a.driver.path): a for a in found_builds(scan(lay(tmp_path, files)), Inputs())}
    (told,) = [d for d in found["build.sh"].diagnostics if d.rule.code == "MS410"]
    assert (found["build.sh"].plan, told.message.partition(",")[0]) == (None, "`ci.sh` starts this")


def test_a_script_that_starts_another_and_needs_the_builder_has_a_plan_of_its_own(tmp_path: Path) -> None:
    """The builder's image is pushed there, so the two don't come to the same: a person says which one is meant."""
    files = {"ci.sh": "#!/bin/sh\n./build.sh\ndocker push demo:build\n"}
    found = found_builds(scan(lay(tmp_path, files)), Inputs())
    assert {str(a.driver.path): "MS121" in codes(a) for a in found} == {"build.sh": True, "ci.sh": True}


@pytest.mark.parametrize(
    ("making", "copying", "expected"),
    [
        ("RUN mkdir /site && echo x > /site/x\n", "out", []),  # seen, and cleared
        ("ENV D=/site\nRUN mkdir $D && echo x > $D/x\n", "out", ["MS449"]),
        ("ENV D=/site\nRUN mkdir $D && echo x > $D/x\n", "out/*", ["MS449"]),
        ("ENV D=/site\nRUN mkdir $D && echo x > $D/x\n", "out/app", ["MS449"]),
    ],
)
def test_what_a_mount_hides_of_the_image(making: str, copying: str, expected: list[str], tmp_path: Path) -> None:
    script = "docker build -t b -f Dockerfile.build .\ndocker run -v $PWD/out:/site b cp app /site/app\ndocker build -t demo .\n"
    files = {
        "build.sh": script,
        "Dockerfile.build": BUILDER + making,
        "Dockerfile": f"FROM busybox\nCOPY {copying} /srv/\n",
    }
    analysis = analysed(tmp_path, files)
    assert analysis.plan is not None, analysis.diagnostics
    assert [c for c in codes(analysis) if c == "MS449"] == expected
    assert ("rm -rf /site/*" in text_of(analysis, "Dockerfile")) is ("$D" not in making)
