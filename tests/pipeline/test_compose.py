"""Compose files beside a driver, through the static phases: as the builder's build, as the runtime's, and as what runs the builder."""

import re
from pathlib import Path

import pytest

from migrate.discover import find_drivers, scan
from migrate.pipeline.analysis import Analysis, analyse
from migrate.pipeline.following import Inputs
from migrate.pipeline.run import found_builds
from tests.pipeline.legacy import BUILDER, analysed, codes, lay, rendered, text_of

COPYING = BUILDER + 'CMD ["cp", "app", "/out/app"]\n'
TWO = """\
version: '2'

services:
  # makes the program
  builder:
    build:
      context: .
      dockerfile: Dockerfile.build
    volumes:
      - ./out:/out

  app:
    build: .
    image: demo
"""
RUNTIME = 'FROM busybox\nCOPY out/app /usr/local/bin/app\nCMD ["app"]\n'
RUN = """\
#!/bin/sh
set -e
docker-compose build builder
docker-compose run --rm builder
docker-compose build app
"""


def two(tmp_path: Path, script: str = RUN, compose: str = TWO, **more: str) -> Analysis:
    files = {"Dockerfile.build": COPYING, "Dockerfile": RUNTIME, "build.sh": script, "docker-compose.yml": compose}
    return analysed(tmp_path, files | {k.replace("__", "."): v for k, v in more.items()})


def test_both_are_built_by_compose(tmp_path: Path) -> None:
    analysis = two(tmp_path)
    assert codes(analysis) == ["MS413", "MS445", "MS449", "MS450"]
    assert text_of(analysis, "build.sh") == "#!/bin/sh\nset -e\ndocker-compose build app\n"
    assert text_of(analysis, "docker-compose.yml") == (
        "version: '2'\n\nservices:\n  app:\n    build: .\n    image: demo\n"
    )
    assert rendered(analysis)["Dockerfile.build"] is None
    assert "RUN mkdir -p /out && cp app /out/app" in text_of(analysis, "Dockerfile")


@pytest.mark.parametrize(
    ("script", "left"),
    [
        ("docker-compose run --rm builder\ndocker-compose up -d app\n", "docker-compose up -d app\n"),
        ("docker-compose up builder\ndocker-compose build app\n", "docker-compose build app\n"),
        (
            "docker-compose up builder\ndocker-compose rm -f builder\ndocker-compose up -d --build app\n",
            "docker-compose up -d --build app\n",
        ),
        ("docker compose run builder\ndocker compose build app\n", "docker compose build app\n"),
        ("docker-compose run builder\ndocker build -t demo .\n", "docker build -t demo .\n"),
        (
            "docker-compose -f docker-compose.yml run builder\ndocker-compose -f ./docker-compose.yml build app\n",
            "docker-compose -f ./docker-compose.yml build app\n",
        ),
        (
            "docker-compose run builder sh -c 'cp app /out/app'\ndocker-compose build app\n",
            "docker-compose build app\n",
        ),
    ],
)
def test_the_calls_that_only_concern_the_builder_go(script: str, left: str, tmp_path: Path) -> None:
    analysis = two(tmp_path, "#!/bin/sh\n" + script)
    assert analysis.plan is not None, analysis.diagnostics
    assert text_of(analysis, "build.sh") == "#!/bin/sh\n" + left
    assert "builder" not in text_of(analysis, "docker-compose.yml")


def test_a_container_of_the_services_image_is_copied_out_of(tmp_path: Path) -> None:
    script = """\
#!/bin/sh
docker-compose build builder
docker create --name x demo-builder
docker cp x:/src/app ./app
docker rm x
docker-compose build app
"""
    compose = TWO.replace("  builder:\n", "  builder:\n    image: demo-builder\n")
    analysis = analysed(tmp_path, {"build.sh": script, "docker-compose.yml": compose})
    assert text_of(analysis, "build.sh") == "#!/bin/sh\ndocker-compose build app\n"
    assert "COPY --from=builder --chown=0:0 /src/app" in text_of(analysis, "Dockerfile")


@pytest.mark.parametrize("separator", ["_", "-"])
def test_the_services_image_has_a_name_that_compose_makes_up(separator: str, tmp_path: Path) -> None:
    folder = tmp_path / "My Project"
    script = f"""\
docker-compose build builder
id=$(docker create myproject{separator}builder)
docker cp $id:/src/app ./app
docker rm $id
docker-compose build app
"""
    analysis = analysed(folder, {"build.sh": script, "docker-compose.yml": TWO})
    assert text_of(analysis, "build.sh") == "docker-compose build app\n"


@pytest.mark.parametrize(
    "taking", ["docker cp $(docker-compose ps -q builder):/src/app app", "docker compose cp builder:/src/app app"]
)
def test_a_services_container_is_copied_out_of(taking: str, tmp_path: Path) -> None:
    call = "docker compose" if "compose cp" in taking else "docker-compose"
    script = f"{call} up -d builder\n{taking}\n{call} rm -fs builder\n{call} build app\n"
    compose = TWO.replace("    volumes:\n      - ./out:/out\n", "")
    analysis = analysed(tmp_path, {"build.sh": script, "docker-compose.yml": compose})
    assert analysis.plan is not None, analysis.diagnostics
    assert text_of(analysis, "build.sh") == f"{call} build app\n"


def test_what_a_call_gives_a_container_stands_over_what_its_service_gives(tmp_path: Path) -> None:
    given = "environment:\n      MODE: file\n      LEVEL: '1'\n    user: '33'\n    working_dir: /srv"
    script = """\
docker-compose run -e MODE=call -u 5 -w /tmp -v $PWD/out:/out builder sh -c 'echo $MODE > /out/app'
docker-compose build app
"""
    analysis = two(tmp_path, script, TWO.replace("volumes:\n      - ./out:/out", given))
    dockerfile = text_of(analysis, "Dockerfile")
    assert "ENV LEVEL=1\nENV MODE=call\n" in dockerfile
    assert "USER 5\n" in dockerfile
    assert "WORKDIR /tmp\n" in dockerfile
    assert "COPY --from=builder-run --chown=0:0 /out/app /usr/local/bin/app" in dockerfile
    assert "file" not in dockerfile


def test_an_entrypoint_of_the_call_is_split_into_words(tmp_path: Path) -> None:
    script = 'docker-compose run --entrypoint "sh -ec" builder "cp app /out/app"\ndocker-compose build app\n'
    assert "RUN mkdir -p /out && sh -ec 'cp app /out/app'\n" in text_of(two(tmp_path, script), "Dockerfile")


@pytest.mark.parametrize(
    "taking",
    [
        "docker-compose build builder\ndocker-compose run -T --rm builder cat /src/app > app\n",
        "docker compose run --rm builder cat /src/app > app\n",
        "docker-compose up -d builder\ndocker-compose exec -T builder cat app > app\ndocker-compose rm -fs builder\n",
    ],
)
def test_what_a_service_prints_is_taken(taking: str, tmp_path: Path) -> None:
    call = "docker compose" if "docker compose" in taking else "docker-compose"
    compose = TWO.replace("    volumes:\n      - ./out:/out\n", "    command: sleep 100\n")
    analysis = analysed(tmp_path, {"build.sh": f"{taking}{call} build app\n", "docker-compose.yml": compose})
    assert analysis.plan is not None, analysis.diagnostics
    assert text_of(analysis, "build.sh") == f"{call} build app\n"
    assert re.search(r"RUN .*cat (?:/src/)?app > /artifacts/app", text_of(analysis, "Dockerfile"))


# a builder of the script's, a runtime of the compose file's

ARGUED = "FROM gcc:12\nARG MODE\nARG LEVEL=1\nWORKDIR /src\nCOPY main.c .\nRUN cc -static -o app main.c\n"


def test_build_arguments_come_into_the_compose_file(tmp_path: Path) -> None:
    script = """\
docker build -t b -f Dockerfile.build --build-arg MODE='a b' --build-arg LEVEL=2 .
docker create --name x b
docker cp x:/src/app ./app
docker rm x
docker-compose build
"""
    compose = "services:\n    app:\n        build: .\n        image: demo\n"
    analysis = analysed(tmp_path, {"build.sh": script, "Dockerfile.build": ARGUED, "docker-compose.yml": compose})
    assert text_of(analysis, "docker-compose.yml") == (
        "services:\n    app:\n        build:\n            context: .\n            args:\n"
        '                MODE: "a b"\n                LEVEL: "2"\n        image: demo\n'
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("args:\n        A: one\n", "args:\n        A: one\n        MODE: fast\n"),
        ("args:\n      - A=one\n      # last\n", "args:\n      - A=one\n      - MODE=fast\n      # last\n"),
        (
            "# first\n      labels:\n        a: b\n",
            "# first\n      labels:\n        a: b\n      args:\n        MODE: fast\n",
        ),
    ],
)
def test_arguments_come_behind_those_that_are_there(before: str, after: str, tmp_path: Path) -> None:
    script = """\
docker build -t b -f Dockerfile.build --build-arg MODE=fast .
docker create --name x b
docker cp x:/src/app ./app
docker rm x
docker-compose build
"""
    compose = f"services:\n  app:\n    build:\n      context: .\n      {before}    image: demo\n"
    runtime = "FROM busybox\nARG A\nCOPY app /app\n"
    analysis = analysed(
        tmp_path,
        {"build.sh": script, "Dockerfile.build": ARGUED, "Dockerfile": runtime, "docker-compose.yml": compose},
    )
    assert after in text_of(analysis, "docker-compose.yml")


def test_a_value_that_only_the_script_knows_is_not_given_to_compose(tmp_path: Path) -> None:
    script = """\
docker build -t b -f Dockerfile.build --build-arg MODE=$(date +%s) .
docker create --name x b
docker cp x:/src/app ./app
docker rm x
docker-compose build
"""
    compose = "services:\n  app:\n    build: .\n    image: demo\n"
    analysis = analysed(tmp_path, {"build.sh": script, "Dockerfile.build": ARGUED, "docker-compose.yml": compose})
    assert analysis.plan is None
    assert codes(analysis) == ["MS401"]


def test_arguments_go_from_service_to_service_as_they_are_written(tmp_path: Path) -> None:
    compose = TWO.replace(
        "      dockerfile: Dockerfile.build\n",
        "      dockerfile: Dockerfile.build\n      args:\n        - MODE=${MODE:-fast} $$x\n",
    )
    analysis = two(tmp_path, compose=compose, Dockerfile__build=ARGUED + 'CMD ["cp", "app", "/out/app"]\n')
    assert '      args:\n        MODE: "${MODE:-fast} $$x"\n' in text_of(analysis, "docker-compose.yml")


def test_arguments_go_from_a_service_to_a_command_by_their_value(tmp_path: Path) -> None:
    compose = TWO.replace(
        "      dockerfile: Dockerfile.build\n", "      dockerfile: Dockerfile.build\n      args:\n        MODE: a b\n"
    )
    script = "docker-compose run builder\ndocker build -t demo .\n"
    analysis = two(tmp_path, script, compose, Dockerfile__build=ARGUED + 'CMD ["cp", "app", "/out/app"]\n')
    assert text_of(analysis, "build.sh") == "docker build --build-arg 'MODE=a b' -t demo .\n"


def test_the_context_changes_with_the_dockerfile(tmp_path: Path) -> None:
    script = """\
#!/bin/sh
docker build -t b -f Dockerfile.build .
docker create --name x b
docker cp x:/src/app image/app
docker rm x
docker-compose build
"""
    files = {"build.sh": script, "Dockerfile": "", "image/Dockerfile": "FROM busybox\nCOPY app /app\n"}
    for short, long in (
        ("build: ./image", "build:\n      context: .\n      dockerfile: image/Dockerfile"),
        ("build: {context: image}", None),
        ("build:\n      context: image", "build:\n      context: .\n      dockerfile: image/Dockerfile"),
    ):
        compose = f"services:\n  app:\n    {short}\n    image: demo\n"
        analysis = analysed(tmp_path, {**files, "docker-compose.yml": compose})
        if long is None:
            assert "MS410" in codes(analysis)
        else:
            assert text_of(analysis, "docker-compose.yml") == f"services:\n  app:\n    {long}\n    image: demo\n"


def test_a_folder_that_is_the_same_stays_as_it_is_written(tmp_path: Path) -> None:
    own = "  app:\n    build:\n      context: ${FOLDER}\n      dockerfile: $NAME\n    image: demo\n"
    compose = TWO.partition("  app:")[0] + own
    analysis = two(tmp_path, compose=compose, **{".env": "FOLDER=.\nNAME=Dockerfile\n"})
    assert text_of(analysis, "docker-compose.yml") == "version: '2'\n\nservices:\n" + own


@pytest.mark.parametrize("assigned", ["DC = docker-compose", "DC ?= docker-compose", "export DC := docker-compose"])
def test_a_makefile_calls_compose_by_a_variable_of_any_name(assigned: str, tmp_path: Path) -> None:
    rules = "all:\n\t$(DC) run --rm builder\n\t$(DC) build app\n"
    analysis = two(tmp_path, "", Makefile=f"{assigned}\n{rules}")
    assert text_of(analysis, "Makefile") == f"{assigned}\nall:\n\t$(DC) build app\n"


def test_the_first_format_has_its_dockerfile_beside_the_build(tmp_path: Path) -> None:
    compose = "builder:\n  build: .\n  dockerfile: Dockerfile.build\n  volumes:\n    - ./out:/out\napp:\n  build: .\n  image: demo\n"
    analysis = two(tmp_path, compose=compose)
    assert text_of(analysis, "docker-compose.yml") == "app:\n  build: .\n  image: demo\n"


# a script that extracts, and a compose file that builds

EXTRACT = """\
#!/bin/bash
docker build -t b -f Dockerfile.build .
docker create --name x b
docker cp x:/src/app ./app
docker rm -f x
"""


def test_the_compose_file_is_built_behind_a_script_that_only_extracts(tmp_path: Path) -> None:
    compose = "services:\n  db:\n    image: postgres\n  app:\n    build:\n      context: .\n"
    analysis = analysed(tmp_path, {"build.sh": EXTRACT, "docker-compose.yml": compose})
    assert analysis.plan is not None, analysis.diagnostics
    assert analysis.start.name == "./build.sh && docker-compose build"
    assert text_of(analysis, "build.sh") == "#!/bin/bash\n"
    assert "docker-compose.yml" not in rendered(analysis)


def test_the_compose_file_may_lie_elsewhere(tmp_path: Path) -> None:
    compose = "services:\n  app:\n    build: ./backend\n"
    lay(tmp_path, {"Dockerfile": "", "Dockerfile.build": "", "build.sh": "", "main.c": ""})
    for name, text in {
        "build.sh": EXTRACT,
        "Dockerfile.build": BUILDER,
        "Dockerfile": "FROM busybox\nCOPY app /app\n",
    }.items():
        (tmp_path / "backend").mkdir(exist_ok=True)
        (tmp_path / "backend" / name).write_text(text)
    (tmp_path / "backend/main.c").write_text("int main(void) { return 0; }\n")
    (tmp_path / "docker-compose.yml").write_text(compose)
    repository = scan(tmp_path)
    (driver,) = find_drivers(repository)
    analysis = analyse(repository, driver, Inputs())
    assert analysis.plan is not None, analysis.diagnostics
    assert analysis.start.name == "bash ./build.sh && docker-compose -f ../docker-compose.yml build"


# `.env`


def test_the_file_that_the_environment_file_names_is_read(tmp_path: Path) -> None:
    files = {".env": "COMPOSE_FILE=docker/build.yml\n", "docker/build.yml": TWO.replace("context: .", "context: ..")}
    files["docker/build.yml"] = (
        files["docker/build.yml"].replace("build: .\n", "build: ..\n").replace("./out", "../out")
    )
    analysis = two(tmp_path, compose="services: {app: {image: other}}\n", **files)
    assert text_of(analysis, "docker/build.yml").endswith("services:\n  app:\n    build: ..\n    image: demo\n")


@pytest.mark.parametrize(
    ("environment", "call"),
    [
        ({".env": "MODE=$OTHER\n"}, "docker-compose"),
        ({".env": 'MODE="a\\tb"\n'}, "docker-compose"),
        ({"sub/.env": "MODE=one\n", ".env": "MODE=two\n"}, "cd sub; docker-compose"),
        ({"sub/.env": "MODE=one\n"}, "cd sub; docker-compose -f ../docker-compose.yml"),
    ],
)
def test_what_depends_on_how_an_environment_file_is_read_is_refused(
    environment: dict[str, str], call: str, tmp_path: Path
) -> None:
    compose = TWO.replace("Dockerfile.build\n", "Dockerfile.build\n      args:\n        MODE: $MODE\n")
    script = f"(echo; {call} run builder)\ndocker-compose build app\n"
    analysis = two(tmp_path, script, compose, **{"sub/x": "x", **environment})
    assert analysis.plan is None
    assert any("`.env`" in d.message for d in analysis.diagnostics)
    unused = {n: t.replace("MODE", "OTHER_MODE") for n, t in environment.items()}
    assert two(tmp_path / "unused", script, compose, **{"sub/x": "x", **unused}).plan is not None


def test_a_script_that_is_there_for_the_host_is_not_followed_with_compose(tmp_path: Path) -> None:
    """The image takes the whole folder, as it is."""
    files = {"Dockerfile": "FROM busybox\nCOPY . /all\n", "build.sh": EXTRACT}
    analysis = analysed(tmp_path, files | {"docker-compose.yml": "services:\n  app:\n    build: .\n"})
    assert analysis.plan is None
    assert analysis.start.name == "./build.sh"


OTHERS_NEED_IT = {
    "a service has it": ("    volumes: [./app:/opt/app]\n", {}),
    "a service has it, said at length": ("    volumes:\n      - {type: bind, source: ./app, target: /opt/app}\n", {}),
    "a service has its folder": ("    volumes: ['.:/code']\n", {}),
    "a service has a folder that isn't known": ("    volumes: ['$HERE:/code']\n", {}),
    "another service has it": ("  other:\n    image: busybox\n    volumes: ['./app:/app']\n", {}),
    "another file's service has it": (
        "",
        {"docker-compose.dev.yml": "services:\n  app:\n    image: demo\n    volumes: ['.:/code']\n"},
    ),
    "it stands in the repository": ("", {"app": "as it was made the last time\n"}),
    "no COPY names it": ("", {"Dockerfile": "FROM busybox\nCOPY . /code\n"}),
    "a pattern takes all": ("", {"Dockerfile": "FROM busybox\nCOPY * /code\n"}),
}


@pytest.mark.parametrize("name", OTHERS_NEED_IT)
def test_a_script_that_may_extract_for_someone_else_is_not_taken_to_do_it_for_compose(
    name: str, tmp_path: Path
) -> None:
    added, files = OTHERS_NEED_IT[name]
    compose = "services:\n  app:\n    build: .\n" + added
    repository = scan(lay(tmp_path, {"build.sh": EXTRACT, "docker-compose.yml": compose, **files}))
    (driver,) = (d for d in find_drivers(repository) if d.path.name == "build.sh")
    analysis = analyse(repository, driver, Inputs())
    assert (analysis.plan, codes(analysis)) == (None, ["MS302"])


@pytest.mark.parametrize("copied", ["ap[p]", "./app", "*pp", "/app"])
def test_a_copy_names_it_in_its_own_way(copied: str, tmp_path: Path) -> None:
    files = {"build.sh": EXTRACT, "Dockerfile": f"FROM busybox\nCOPY {copied} /bin/\n"}
    analysis = analysed(tmp_path, {**files, "docker-compose.yml": "services:\n  app:\n    build: .\n"})
    assert analysis.plan is not None, analysis.diagnostics


# what stays, and what is refused


NAMED = TWO.replace("  builder:\n", "  builder:\n    image: me/builder\n")


@pytest.mark.parametrize(
    ("files", "at"),
    [
        ({"docker-compose.yml": TWO + "    depends_on: [builder]\n"}, "docker-compose.yml"),
        ({"docker-compose.yml": TWO + "    links:\n      - builder:b\n"}, "docker-compose.yml"),
        ({"docker-compose.yml": TWO + "    volumes_from: [builder]\n"}, "docker-compose.yml"),
        ({"test.sh": "docker-compose run builder make test\n"}, "test.sh"),
        ({"test.sh": 'dc() { docker-compose -p t "$@"; }\ndc run builder make test\n'}, "test.sh"),
        ({"docker-compose.ci.yml": "services:\n  builder:\n    environment: {CI: 'true'}\n"}, "docker-compose.ci.yml"),
        ({"Makefile": "COMPOSE = docker-compose\ntest:\n\t$(COMPOSE) run builder make test\n"}, "Makefile"),
        ({"test.sh": "docker-compose run --rm \\\n  builder make test\n"}, "test.sh"),
        ({"dc": '#!/bin/sh\nexec docker-compose "$@"\n', "test.sh": "./dc run builder make test\n"}, "test.sh"),
        ({"rules.mk": "DC := docker-compose\n", "Makefile": "test:\n\t$(DC) run builder test\n"}, "Makefile"),
        ({"test.sh": "SERVICE=builder\ndocker-compose run $SERVICE make test\n"}, "test.sh"),
        ({"test.py": "call(['docker-compose', 'run',\n  'builder'])\n"}, "test.py"),
        ({"dev.yml": "version: '2'\nservices:\n  builder:\n    environment: {CI: 'true'}\n"}, "dev.yml"),
        ({"docker-compose.yml": NAMED + "  test:\n    image: me/builder\n"}, "docker-compose.yml"),
        ({"docker-compose.yml": NAMED, "Dockerfile.test": "FROM me/builder:latest\n"}, "Dockerfile.test"),
        ({"docker-compose.yml": NAMED, "push.sh": "docker push me/builder\n"}, "push.sh"),
    ],
)
def test_a_service_that_something_else_names_stays_with_its_dockerfile(
    files: dict[str, str], at: str, tmp_path: Path
) -> None:
    lay(
        tmp_path,
        {"Dockerfile.build": COPYING, "Dockerfile": RUNTIME, "build.sh": RUN, "docker-compose.yml": TWO, **files},
    )
    repository = scan(tmp_path)
    driver = next(d for d in find_drivers(repository) if d.path.name == "build.sh")
    analysis = analyse(repository, driver, Inputs())
    assert analysis.plan is not None, analysis.diagnostics
    assert "MS439" in codes(analysis)
    assert any(at in d.message or (d.primary and d.primary.span.file.path.name == at) for d in analysis.diagnostics)
    assert "Dockerfile.build" not in rendered(analysis)
    assert "docker-compose.yml" not in rendered(analysis)


def test_a_dockerfile_that_a_service_builds_stays(tmp_path: Path) -> None:
    """The driver knows nothing of the compose file, and another service shares what would change."""
    compose = "services:\n  dev: &dev\n    build: {context: ., dockerfile: Dockerfile.build}\n  test: *dev\n"
    analysis = analysed(tmp_path, {"docker-compose.yml": compose})
    assert "MS439" in codes(analysis)
    assert "Dockerfile.build" not in rendered(analysis)


def test_a_file_of_which_nothing_is_left_goes(tmp_path: Path) -> None:
    build = TWO.partition("\n  app:")[0] + "\n"
    script = "docker-compose -f build.yml run --rm builder\ndocker-compose -f build.yml down\ndocker build -t demo .\n"
    files = {"Dockerfile.build": COPYING, "Dockerfile": RUNTIME, "build.sh": script, "build.yml": build}
    analysis = analysed(tmp_path, files)
    assert analysis.plan is not None, analysis.diagnostics
    assert rendered(analysis)["build.yml"] is None
    assert text_of(analysis, "build.sh") == "docker build -t demo .\n"


def test_what_another_service_prints_stays(tmp_path: Path) -> None:
    printing = "docker-compose exec -T db pg_dump > dump\n"
    analysis = two(tmp_path, printing + RUN, TWO + "  db:\n    image: postgres\n")
    assert analysis.plan is not None, analysis.diagnostics
    assert text_of(analysis, "build.sh") == printing + "#!/bin/sh\nset -e\ndocker-compose build app\n"


@pytest.mark.parametrize(
    ("name", "text"),
    [("clean.sh", "docker-compose -f build.yml down\n"), (".env", "COMPOSE_FILE=docker-compose.yml:build.yml\n")],
)
def test_a_file_that_something_else_names_stays(name: str, text: str, tmp_path: Path) -> None:
    build = TWO.partition("\n  app:")[0] + "\n"
    script = "docker-compose -f build.yml run --rm builder\ndocker build -t demo .\n"
    files = {"Dockerfile.build": COPYING, "Dockerfile": RUNTIME, "build.sh": script, "build.yml": build, name: text}
    analysis = analysed(tmp_path, files)
    assert text_of(analysis, "build.sh") == "docker build -t demo .\n"
    assert "build.yml" not in rendered(analysis)
    assert "MS439" in codes(analysis)


@pytest.mark.parametrize(
    "service",
    [
        "include: [other.yml]\nservices:\n  dev:\n    build: {context: ., dockerfile: Dockerfile.build}\n",
        "services:\n  dev:\n    build: {context: '${FOLDER}', dockerfile: Dockerfile.build}\n",
    ],
)
def test_a_dockerfile_that_an_unread_service_names_stays(service: str, tmp_path: Path) -> None:
    analysis = two(tmp_path, **{"docker-compose.ci.yml": service})
    assert "MS439" in codes(analysis)
    assert "Dockerfile.build" not in rendered(analysis)


def test_another_service_of_a_dockerfile_that_changes_is_told(tmp_path: Path) -> None:
    """It is built by someone else, who would build something else."""
    worker = "  worker:\n    build: ./image\n"
    moved = TWO.replace("./out", "./image/out").replace("build: .\n", "build: ./image\n") + worker
    files = {"Dockerfile.build": COPYING, "build.sh": RUN, "docker-compose.yml": moved, "image/Dockerfile": RUNTIME}
    given = TWO.replace("Dockerfile.build\n", "Dockerfile.build\n      args: {MODE: fast}\n")
    for number, (more, what) in enumerate(
        (
            (files | {"Dockerfile": ""}, "the context `.`"),
            (
                {**files, "Dockerfile": RUNTIME, "Dockerfile.build": ARGUED + 'CMD ["cp", "app", "/out/app"]\n'}
                | {"docker-compose.yml": given + worker.replace("/image", "")},
                "the builder's build arguments",
            ),
        )
    ):
        analysis = analysed(tmp_path / str(number), more)
        assert analysis.plan is None
        (told,) = [d for d in analysis.diagnostics if d.rule.code == "MS410"]
        assert "the service `worker` is built from" in told.message
        assert told.message.endswith(f"would have to be built with {what}")


def test_services_that_others_name_in_odd_ways_are_read(tmp_path: Path) -> None:
    odd = "  x:\n    image: y\n    depends_on: [{a: b}]\n    volumes_from: [[a]]\n    links: {a: {b: c}}\n"
    assert two(tmp_path, compose=TWO + odd).plan is not None


def test_down_stays_where_other_services_are_left(tmp_path: Path) -> None:
    script = RUN.replace("docker-compose build app\n", "docker-compose down\ndocker-compose build app\n")
    analysis = two(tmp_path, script)
    assert text_of(analysis, "build.sh") == "#!/bin/sh\nset -e\ndocker-compose down\ndocker-compose build app\n"


def test_up_without_names_still_starts_the_builders_service(tmp_path: Path) -> None:
    """Its image is needed there, and is built by the call that would go."""
    analysis = two(tmp_path, "docker-compose run --rm builder\ndocker-compose up -d\n", TWO.replace("'2'", "'2.4'"))
    (told,) = [d for d in analysis.diagnostics if d.rule.code == "MS410"]
    assert "also builds an image that something else needs" in told.message
    assert told.primary is not None
    assert told.primary.span.text == "docker-compose run --rm builder"


def test_a_builder_that_is_still_run_is_built_by_its_stage(tmp_path: Path) -> None:
    script = (
        "docker-compose build builder\ndocker-compose run builder\ndocker-compose build app\ndocker run -it tools sh\n"
    )
    named = TWO.replace("  builder:\n", "  builder:\n    image: tools\n")
    analysis = two(tmp_path, script, named.replace("'2'", "'2.4'"))
    assert analysis.plan is not None, analysis.diagnostics
    assert text_of(analysis, "build.sh") == (
        "docker-compose build builder\ndocker-compose build app\ndocker run -it tools sh\n"
    )
    assert "      dockerfile: Dockerfile\n      target: builder\n    volumes:" in text_of(
        analysis, "docker-compose.yml"
    )
    refused = two(tmp_path / "old", script, named)
    (told,) = [d for d in refused.diagnostics if d.rule.code == "MS410"]
    assert "has no `target`" in told.message
    assert (
        "the service `builder` is built by `context: .`, `dockerfile: Dockerfile`, `target: builder`" in told.notes[0]
    )


def test_named_services_go_from_the_command(tmp_path: Path) -> None:
    script = "docker-compose build builder other\ndocker-compose run builder\ndocker-compose build app\n"
    compose = TWO + "  other:\n    build: ./other\n"
    analysis = two(tmp_path, script, compose, **{"other/Dockerfile": "FROM busybox\n"})
    assert text_of(analysis, "build.sh") == "docker-compose build other\ndocker-compose build app\n"


def test_waiting_for_a_service_goes_with_it(tmp_path: Path) -> None:
    script = "docker compose up -d builder\ndocker compose wait builder\ndocker compose logs builder\ndocker compose build app\n"
    analysis = two(tmp_path, script)
    assert text_of(analysis, "build.sh") == "docker compose build app\n"
    assert "RUN mkdir -p /out && cp app /out/app" in text_of(analysis, "Dockerfile")


def test_a_call_that_concerns_several_services_by_a_variable_stays(tmp_path: Path) -> None:
    loop = RUN + "docker-compose up -d app\nfor s in builder app; do\n  docker-compose rm -f $s\n  echo $s\ndone\n"
    function = 'dc() {\n  echo "$@"\n  docker-compose "$@"\n}\ndc run builder\ndocker-compose build app\ndc up -d app\n'
    for number, script in enumerate((loop.replace("run --rm", "up"), function)):
        analysis = two(tmp_path / str(number), script)
        assert analysis.plan is None
        assert any("also concerns services that stay" in d.message for d in analysis.diagnostics)


DEVELOPING = {
    "an application": ("docker-compose up -d --build web\ndocker-compose up -d --build api\n", ".:/app"),
    "an application's data": ("docker-compose up -d web\ndocker-compose build api\n", "./data:/data"),
    "tests": ("docker-compose run --rm web npm test\ndocker-compose build api\n", ".:/app"),
    "tests in the container": (
        "docker-compose up -d web\ndocker-compose exec web npm test\ndocker-compose build api\n",
        ".:/app",
    ),
}


@pytest.mark.parametrize(("script", "mount"), DEVELOPING.values(), ids=DEVELOPING.keys())
def test_services_that_only_see_the_repository_are_no_legacy_build(script: str, mount: str, tmp_path: Path) -> None:
    compose = f"services:\n  web:\n    build: .\n    volumes:\n      - {mount}\n  api:\n    build: api\n"
    files = {"Dockerfile": "FROM node\nCOPY main.c .\n", "api/Dockerfile": "FROM node\nCOPY x .\n", "api/x": "x"}
    files |= {"Dockerfile.build": "", "build.sh": script, "docker-compose.yml": compose}
    assert not analysed(tmp_path, files).legacy
    plain = "docker build -t web .\ndocker run -d -v $PWD:/app web\ndocker build -t api api\n"
    assert not analysed(tmp_path / "plain", files | {"build.sh": plain}).legacy


WEB = "services:\n  web:\n    build: .\n"


@pytest.mark.parametrize(
    ("script", "compose"),
    [
        ("mvn package\ndocker-compose --env-file prod.env up -d\n", WEB),
        ("docker-compose -f $1 up -d\ndocker-compose run web migrate\n", WEB),
        ("docker-compose -f missing.yml up -d\n", WEB),
        ("docker-compose cp a b\ndocker-compose up\n", "services: {}\n"),
        ("docker-compose exec -T db pg_dump > dump.sql\ndocker-compose up -d --build\n", WEB + "  db:\n    image: x\n"),
        ("", WEB + "    command: npm run dev\n    volumes: ['/var/run/docker.sock:/var/run/docker.sock']\n"),
        ("", WEB + "    command: npm run dev # docker\n    volumes:\n      - .:/app\n"),
    ],
)
def test_what_is_made_on_the_host_is_no_legacy_build(script: str, compose: str, tmp_path: Path) -> None:
    files = {"Dockerfile": "FROM java\nCOPY target/app.jar /app.jar\n", "Dockerfile.build": ""}
    lay(tmp_path, files | {"build.sh": script, "docker-compose.yml": compose})
    assert found_builds(scan(tmp_path), Inputs()) == []


def test_a_service_that_is_up_is_started_again(tmp_path: Path) -> None:
    script = "docker-compose up builder\ndocker-compose up builder\ndocker-compose build app\n"
    assert text_of(two(tmp_path, script), "build.sh") == ("docker-compose build app\n")


def test_another_compose_file_of_the_project_has_the_same_container(tmp_path: Path) -> None:
    """Compose tells projects apart by their names, and would take the one image for the other's."""
    script = "docker-compose up builder\ndocker-compose -f other.yml up builder\ndocker-compose build app\n"
    other = {"other.yml": TWO.replace("Dockerfile.build", "Dockerfile.other"), "Dockerfile.other": COPYING}
    analysis = two(tmp_path, script, **other)
    assert analysis.plan is None
    assert any("another compose file of this project" in d.message for d in analysis.diagnostics)


REFUSED = {
    "a volume that is a folder": (
        RUN,
        TWO.replace("./out:/out", "made:/out")
        + "volumes:\n  made:\n    driver_opts: {type: none, o: bind, device: $PWD/out}\n",
    ),
    "a service that runs beside it": (
        "docker-compose up -d db\n" + RUN,
        TWO + "  db:\n    image: postgres\n",
    ),
    "the host's network": (
        RUN,
        "builder:\n  build: .\n  dockerfile: Dockerfile.build\n  net: host\n  volumes: ['./out:/out']\napp:\n  build: .\n",
    ),
    "hosts of its own": (RUN, TWO.replace("    volumes:", "    extra_hosts: ['repo:10.0.0.1']\n    volumes:")),
    "what a terminal makes of it": (
        "mkdir out\ndocker-compose build builder\ndocker-compose run builder cat app > out/app\ndocker-compose build app\n",
        TWO.replace("    volumes:\n      - ./out:/out\n", ""),
    ),
    "what is printed among builds": (
        "mkdir -p out\ndocker-compose run -T builder cat app > out/app\ndocker-compose build app\n",
        TWO.replace("    volumes:\n      - ./out:/out\n", ""),
    ),
    "a service that nobody waits for": (
        "docker-compose up -d builder\ndocker-compose logs -f builder\ndocker-compose build app\n",
        TWO,
    ),
    "a service that is started again": (
        "docker-compose up -d builder\ndocker-compose restart builder\ndocker-compose build app\n",
        TWO,
    ),
    "a container that is no longer made": (
        "docker-compose up builder\ndocker-compose top builder\ndocker-compose build app\n",
        TWO,
    ),
    "an argument that changes meanwhile": (
        "docker-compose run builder\nexport MODE=fast\ndocker-compose build app\n",
        TWO.replace("Dockerfile.build\n", "Dockerfile.build\n      args: [MODE]\n"),
    ),
    "a version that knows no target": (
        "docker-compose run builder\ndocker-compose build app\ndocker-compose build again\n",
        TWO + "  again:\n    build: {context: ., dockerfile: Dockerfile.again}\n    image: again\n",
    ),
    "a network to another service": (RUN, TWO.replace("    volumes:", "    depends_on: [app]\n    volumes:")),
    "privileges": (RUN, TWO.replace("    volumes:", "    privileged: true\n    volumes:")),
    "variables of a file": (RUN, TWO.replace("    volumes:", "    env_file: x.env\n    volumes:")),
    "a key that is not read": (RUN, TWO.replace("    volumes:", "    configs: [x]\n    volumes:")),
    "an octal number": (RUN, TWO.replace("    volumes:", "    environment: {MODE: 0644}\n    volumes:")),
    "a broken file": (RUN, TWO + "  : [\n"),
    "a folder that only the environment knows": (RUN, TWO.replace("context: .", "context: ${SOURCE}")),
    "no such service": (RUN.replace("build app", "build web"), TWO),
    "no such file": ("docker-compose -f other.yml run builder\n" + RUN, TWO),
    "a profile": ("docker-compose --profile x run builder\ndocker-compose build app\n", TWO),
    "an anchor that goes": (
        RUN,
        TWO.replace("    volumes:\n      - ./out:/out", "    volumes: &shared\n      - ./out:/out")
        + "  other:\n    image: x\n    volumes: *shared\n",
    ),
    "an option that no service has": (
        "docker build --no-cache -t b -f Dockerfile.build .\ndocker run -v $PWD/out:/out b\ndocker-compose build app\n",
        "services:\n  app:\n    build: .\n    image: demo\n",
    ),
    "several documents": (RUN, TWO + "---\nservices:\n  builder:\n    command: other\n"),
    "a service that is written twice": (RUN, TWO + "  builder:\n    build: .\n"),
    "a tag of compose": (RUN, TWO.replace("    volumes:", "    command: !reset null\n    volumes:")),
    "exec of nothing": ("docker-compose exec\n" + RUN, TWO),
    "two mounts at one place": (RUN.replace("--rm", "-v $PWD/other:/out"), TWO),
    "two mounts at one place, of which one is the call's": (
        RUN.replace("--rm", "-v $(pwd)/out:/out"),
        TWO.replace("./out:/out", "./other:/out"),
    ),
    "a relative mount of the call": (RUN.replace("--rm", "-v ./out:/out"), TWO),
    "podman": (RUN.replace("docker-compose", "podman-compose"), TWO),
}


@pytest.mark.parametrize(("script", "compose"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_not_certain_is_refused(script: str, compose: str, tmp_path: Path) -> None:
    more = {"x__env": "A=b\n", "Dockerfile__again": "FROM busybox\nCOPY out/app /app\n"}
    analysis = two(tmp_path, script, compose, **more)
    assert analysis.legacy
    assert analysis.plan is None
    assert any(d.primary is not None for d in analysis.diagnostics)


def test_both_files_that_compose_may_read_are_there(tmp_path: Path) -> None:
    analysis = two(tmp_path, compose__yaml=TWO)
    assert analysis.plan is None
    assert any("both there" in d.message for d in analysis.diagnostics)
