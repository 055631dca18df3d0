"""Ways that artifacts travel, and rules that change what is written: small trios, the texts that matter of what they become."""

from pathlib import Path, PurePosixPath

import pytest

from migrate.outcome import Status
from migrate.pipeline.run import Request, migrate
from migrate.plan.model import ArtifactFact, ArtifactKey, ArtifactKind
from tests.pipeline.legacy import BUILDER, MAIN, RUNTIME, SCRIPT, analysed, codes, text_of

DANCE = SCRIPT.partition("\n")[2].partition("docker build -t demo:latest")[0]
MADE_WHEN_RUN = SCRIPT.replace("docker create", "docker run").replace("extract demo:build", "extract demo:build make")
FOLDER = SCRIPT.replace("extract:/src/app ./app", "extract:/src ./out").replace("rm ./app", "rm -r ./out")

PLANNED = {
    "builder-pulled": (
        {"build.sh": SCRIPT.replace("docker create", "docker pull demo:build\ndocker create")},
        ["FROM gcc:12 AS builder\n", "FROM busybox AS demo\n"],
        ["docker build --target builder -t demo:build -f Dockerfile .\ndocker pull", "docker build --target demo -t"],
        [],
    ),
    "builder-pushed": (
        {"build.sh": SCRIPT + "docker push demo:build\n"},
        ["FROM gcc:12 AS builder\n"],
        ["docker build --target builder -t demo:build -f Dockerfile .\n", "docker push demo:build"],
        [],
    ),
    "builder-run": (
        {"build.sh": SCRIPT + "docker run demo:build\n"},
        ["FROM gcc:12 AS builder\n"],
        ["--target builder -t demo:build", "docker run demo:build"],
        [],
    ),
    "looked-at-before": (
        {"build.sh": SCRIPT.replace("docker rm", "docker exec extract ls\ndocker rm")},
        ["COPY --from=builder --chown=0:0 /src/app"],
        ["#!/bin/sh\ndocker build -t demo:latest .\n"],
        [],
    ),
    "from-an-image-of-nobody": (
        {"build.sh": SCRIPT.replace("--name extract demo:build", "--name extract golang")},
        ["FROM busybox\nCOPY --from=golang --chown=0:0 /src/app"],
        ["docker build -t demo:build -f Dockerfile.build ."],
        ["MS445"],
    ),
    "platform": (
        {"build.sh": SCRIPT.replace("-t demo:build", "--platform linux/arm64 -t demo:build")},
        ["FROM --platform=linux/arm64 gcc:12 AS builder"],
        ["docker build -t demo:latest ."],
        [],
    ),
    "cp-to-standard-output": (
        {"build.sh": SCRIPT.replace("extract:/src/app ./app", "extract:/src/app - > app")},
        ["tar -cf - -C /src app > /artifacts/app\n", "COPY --from=app --chown=0:0 /artifacts/app"],
        ["#!/bin/sh\ndocker build -t demo:latest .\n"],
        [],
    ),
    "strip": (
        {"build.sh": SCRIPT.replace("docker rm", "strip app\ndocker rm")},
        ["cp -a /src/app /artifacts/app && strip /artifacts/app"],
        ["#!/bin/sh\ndocker build -t demo:latest .\n"],
        ["MS428"],
    ),
    "find-and-remove": (
        {
            "build.sh": FOLDER.replace("docker rm", 'find ./out -name "*.a" -exec rm -f {} \\;\ndocker rm'),
            "Dockerfile": RUNTIME.replace("COPY app", "COPY out"),
        },
        ["cp -a /src /artifacts/out && find /artifacts/out -name '*.a' -exec rm -f '{}' ';'"],
        ["#!/bin/sh\ndocker build -t demo:latest .\n"],
        ["MS428", "MS445"],
    ),
    "everything": (
        {"Dockerfile": RUNTIME.replace("COPY app", "COPY .")},
        ["COPY . /usr/local/bin/\nCOPY --from=builder --chown=0:0 /src/app /usr/local/bin/app\n"],
        [],
        ["MS420"],
    ),
    "pattern": (
        {"Dockerfile": RUNTIME.replace("COPY app", "COPY a*")},
        ["COPY --from=builder --chown=0:0 /src/app"],
        [],
        [],
    ),
    "pattern-in-a-folder": (
        {"build.sh": FOLDER, "Dockerfile": RUNTIME.replace("COPY app", "COPY out/a*")},
        ["COPY --from=builder --chown=0:0 /src/a* /usr/local/bin/"],
        [],
        [],
    ),
    "add-archive": (
        {"build.sh": SCRIPT.replace("app", "app.tar"), "Dockerfile": RUNTIME.replace("COPY app", "ADD app.tar")},
        ["tar -xf /src/app.tar -C /artifacts/app", "COPY --from=app /artifacts/app/ /usr/local/bin/"],
        [],
        ["MS442", "MS445"],
    ),
    "from-builder": (
        {"Dockerfile": RUNTIME.replace("FROM busybox", "FROM demo:build")},
        ["FROM builder\nCOPY --from=builder"],
        [],
        [],
    ),
    "argument-both": (
        {
            "build.sh": SCRIPT.replace("-t demo:build", "--build-arg V=1 -t demo:build"),
            "Dockerfile.build": BUILDER.replace("WORKDIR", "ARG V\nWORKDIR"),
            "Dockerfile": RUNTIME.replace("COPY", "ARG V=2\nCOPY"),
        },
        ["ARG BUILDER_V\nENV V=$BUILDER_V\n", "ARG V=2\n"],
        ["docker build --build-arg BUILDER_V=1 -t demo:latest ."],
        ["MS432"],
    ),
    "global-both": (
        {"Dockerfile.build": "ARG B=1\n" + BUILDER.replace("gcc", "$B"), "Dockerfile": "ARG B=2\n" + RUNTIME},
        ["ARG BUILDER_B=1\nARG B=2\nFROM $BUILDER_B:12 AS builder\n"],
        [],
        ["MS432"],
    ),
    "stage-number": (
        {"Dockerfile": "FROM busybox\nRUN true\n" + RUNTIME + "COPY --from=0 /a /b\n"},
        ["FROM busybox AS runtime-0\n", "COPY --from=runtime-0 /a /b\n"],
        [],
        [],
    ),
    "stage-twice": (
        {
            "Dockerfile.build": BUILDER.replace("gcc:12", "gcc:12 AS x"),
            "Dockerfile": RUNTIME.replace("busybox", "busybox AS x"),
        },
        ["FROM gcc:12 AS builder\n", "FROM busybox AS runtime-x\n"],
        [],
        [],
    ),
    "own-ignore-file": ({"Dockerfile.build.dockerignore": "x\n"}, ["COPY --from=builder"], [], ["MS434"]),
    "blank-in-name": (
        {"build.sh": SCRIPT.replace("extract:/src/app ./app", "'extract:/src/my app' ./app")},
        ['COPY --from=builder --chown=0:0 ["/src/my app", "/usr/local/bin/app"]\n'],
        [],
        ["MS403", "MS445"],
    ),
    "builder-s-file-asked-for": (
        {"build.sh": f"#!/bin/sh\nif [ -f Dockerfile.build ]; then\n{SCRIPT.partition(chr(10))[2]}fi\n"},
        ["COPY --from=builder"],
        ["if [ -f Dockerfile.build ]; then\ndocker build -t demo:latest .\nfi\n"],
        ["MS439"],
    ),
    "secret": (
        {"build.sh": SCRIPT.replace("-t demo:build", "--build-arg NPM_TOKEN=$T -t demo:build")},
        ["COPY --from=builder"],
        ["docker build --build-arg NPM_TOKEN=$T -t demo:latest ."],
        ["MS429"],
    ),
    "given-to-the-container": (
        {"build.sh": MADE_WHEN_RUN.replace("docker run", "docker run -e V=$V")},
        ["FROM builder AS extract\nARG V\nRUN make\n", "COPY --from=extract"],
        ["docker build --build-arg V=$V -t demo:latest ."],
        ["MS450"],
    ),
    "cache": (
        {"build.sh": MADE_WHEN_RUN.replace("docker run", 'docker run -v "$HOME/.m2:/root/.m2"')},
        ["FROM builder AS extract\nRUN make\n"],
        [],
        ["MS427", "MS450"],
    ),
    "base-of-its-own-command": (
        {
            "build.sh": SCRIPT.replace("docker create", "docker run"),
            "Dockerfile.build": BUILDER.replace("gcc:12", "example/gcc"),
        },
        ["COPY --from=builder"],
        [],
        ["MS425"],
    ),
    "background": (
        {
            "build.sh": SCRIPT.replace("docker create", "docker run -d").replace(
                "extract demo:build", "extract demo:build serve"
            )
        },
        ["COPY --from=builder --chown=0:0 /src/app"],
        [],
        ["MS446"],
    ),
    "by-another-user": (
        {
            "build.sh": SCRIPT.replace(
                "docker create --name extract demo:build\n", "docker run --rm demo:build cat app > app\n"
            )
            .replace("docker cp extract:/src/app ./app\n", "")
            .replace("docker rm extract\n", ""),
            "Dockerfile.build": BUILDER + "USER 1000\n",
        },
        [
            "FROM builder AS app\nUSER root\nRUN mkdir -p /artifacts && chmod 777 /artifacts\nUSER 1000\nRUN cat app",
        ],
        [],
        ["MS450"],
    ),
    "a-mounted-folder-whose-name-begins-another-one": (
        {
            "build.sh": SCRIPT.replace(
                "docker create --name extract demo:build\n", "docker run -v $PWD/out:/o demo:build cp /out/app /o/app\n"
            )
            .replace("docker cp extract:/src/app ./app\n", "")
            .replace("docker rm extract\n", "")
            .replace("rm ./app\n", ""),
            "Dockerfile.build": BUILDER + "RUN mkdir /out && cp app /out/app\n",
            "Dockerfile": RUNTIME.replace("COPY app", "COPY out/app"),
        },
        ["FROM builder AS builder-run\nRUN mkdir -p /o && cp /out/app /o/app\n"],
        [],
        ["MS413", "MS445", "MS449", "MS450"],
    ),
    "a-mounted-folder-of-another-user": (
        {
            "build.sh": SCRIPT.replace(
                "docker create --name extract demo:build\n",
                "docker run -u 33 -v $PWD/out:/out demo:build cp app /out/app\n",
            )
            .replace("docker cp extract:/src/app ./app\n", "")
            .replace("docker rm extract\n", "")
            .replace("rm ./app\n", ""),
            "Dockerfile": RUNTIME.replace("COPY app", "COPY out/app"),
        },
        ["FROM builder AS builder-run\nUSER root\nRUN mkdir -p /out && chmod 777 /out\nUSER 33\nRUN cp app /out/app\n"],
        [],
        ["MS413", "MS445", "MS449", "MS450"],
    ),
    "volume-that-is-missing": (
        {"build.sh": MADE_WHEN_RUN.replace("/src/app", "/data/app"), "Dockerfile.build": BUILDER + "VOLUME /data\n"},
        [
            "RUN mkdir -p /data && make && mkdir -p /artifacts/data && cp -a /data/. /artifacts/data/\n",
            "COPY --from=extract --chown=0:0 /artifacts/data/app",
        ],
        [],
        ["MS445", "MS450"],
    ),
    "packed-of-two-folders": (
        {
            "build.sh": SCRIPT.replace(
                "docker create --name extract demo:build\n",
                "docker run --rm demo:build tar -C / -cz src etc > app.tgz\n",
            )
            .replace("docker cp extract:/src/app ./app\n", "")
            .replace("docker rm extract\n", "")
            .replace("./app", "app.tgz"),
            "Dockerfile": RUNTIME.replace("COPY app", "ADD app.tgz"),
        },
        ["tar -C / -cz src etc > /artifacts/app.tar && mkdir -p /artifacts/app && tar -xzf /artifacts/app.tar"],
        [],
        ["MS442"],
    ),
    "env-before-a-command": (
        {"build.sh": MADE_WHEN_RUN.replace("demo:build make", "demo:build env A=1 make")},
        ["FROM builder AS extract\nRUN env A=1 make\n"],
        [],
        ["MS450"],
    ),
    "hidden-below": (
        {"build.sh": SCRIPT.replace("/src/app ./app", "/data ./app"), ".dockerignore": "**/*.o\n"},
        ["COPY --from=builder --chown=0:0 /data"],
        [],
        ["MS403", "MS431", "MS445"],
    ),
    "argument-in-a-path": (
        {"Dockerfile": RUNTIME.replace("COPY app", "ARG WHAT=app\nCOPY $WHAT")},
        ["ARG WHAT=app\nCOPY --from=builder --chown=0:0 /src/$WHAT /usr/local/bin/\n"],
        [],
        ["MS437"],
    ),
    "extracted-when-missing": (
        {"build.sh": f"#!/bin/sh\nif [ ! -f app ]; then\necho making\n{DANCE}fi\ndocker build -t demo:latest .\n"},
        ["COPY --from=builder"],
        ["if [ ! -f app ]; then\necho making\nfi\ndocker build -t demo:latest .\n"],
        ["MS413", "MS430"],
    ),
}


@pytest.mark.parametrize("name", sorted(PLANNED))
def test_what_is_peculiar_is_planned(name: str, tmp_path: Path) -> None:
    """The texts that matter of the one Dockerfile and of the driver, and what is said."""
    files, dockerfile, driver, expected = PLANNED[name]
    analysis = analysed(tmp_path, files)
    assert analysis.changes, [d.message for d in analysis.diagnostics]
    for text in dockerfile:
        assert text in text_of(analysis, "Dockerfile")
    for text in driver:
        assert text in text_of(analysis, "build.sh")
    assert codes(analysis) == expected


def test_a_folder_that_lay_in_the_copied_one_keeps_its_mode_or_is_refused(tmp_path: Path) -> None:
    """What an engine says of it decides; without one it is assumed (docs/landing.md)."""
    script = SCRIPT.replace("docker create", "mkdir out\ndocker create").replace("/src/app ./app", "/data ./out")
    files = {"build.sh": script.replace("rm ./app", "rm -r out"), "Dockerfile": RUNTIME.replace("COPY app", "COPY out")}
    assert codes(analysed(tmp_path / "without", files)) == ["MS443", "MS445"]
    key = ArtifactKey(builder=0, source=PurePosixPath("/data"))
    for mode, expected in ((0o755, []), (0o700, ["MS444"])):
        facts = {key: ArtifactFact(kind=ArtifactKind.DIRECTORY, root_owned=True, mode=mode)}
        assert codes(analysed(tmp_path / f"{mode:o}", files, facts=facts)) == expected


def test_two_contexts_become_one(tmp_path: Path) -> None:
    """The runtime's sources are led to their folder, and the driver says the Dockerfile and the wider context."""
    files = {
        "build.sh": SCRIPT.replace("./app\ndocker rm", "./sub/app\ndocker rm").replace(
            "demo:latest .", "demo:latest sub"
        ),
        "Dockerfile": "",
        "sub/Dockerfile": RUNTIME + 'COPY conf ./more* /etc/\nCOPY ["conf", "/etc/other"]\n',
        "sub/conf": "x\n",
    }
    analysis = analysed(tmp_path, files)
    assert codes(analysis) == ["MS413", "MS435"]
    text = text_of(analysis, "sub/Dockerfile")
    assert 'COPY sub/conf sub/more* /etc/\nCOPY ["sub/conf", "/etc/other"]\n' in text
    assert "docker build -f sub/Dockerfile -t demo:latest .\n" in text_of(analysis, "build.sh")


NO_PLACE = {
    "privileged": ("--privileged", "--privileged"),
    "socket": ("-v /var/run/docker.sock:/var/run/docker.sock", "docker run"),
    "network": ("--network db", "--network"),
    "outside": ("-v /srv/data:/data", "docker run"),
    "volume": ("-v data:/data", "docker run"),
    "device": ("--device /dev/kvm", "--device"),
}


@pytest.mark.parametrize("name", sorted(NO_PLACE))
def test_what_has_no_place_in_a_build_is_refused_at_its_line(name: str, tmp_path: Path) -> None:
    options, place = NO_PLACE[name]
    analysis = analysed(tmp_path, {"build.sh": MADE_WHEN_RUN.replace("docker run", f"docker run {options}")})
    assert analysis.changes == ()
    hits = [d for d in analysis.diagnostics if d.rule.code == "MS426"]
    assert hits, codes(analysis)
    assert any(d.primary is not None and d.primary.span.text.startswith(place) for d in hits)


@pytest.mark.parametrize("options", ["-u $(id -u):$(id -g)", '-w "$PLACE"'])
def test_a_user_or_a_folder_that_only_the_start_decides_is_named(options: str, tmp_path: Path) -> None:
    analysis = analysed(tmp_path, {"build.sh": MADE_WHEN_RUN.replace("docker run", f"docker run {options}")})
    assert [d.rule.code for d in analysis.diagnostics] == ["MS204"]
    assert "that this container runs" in analysis.diagnostics[0].message


def test_an_image_that_the_environment_names_can_be_given(tmp_path: Path) -> None:
    script = MADE_WHEN_RUN.replace("docker build", '[ -n "$TOOLS" ] || { TOOLS=demo:build; docker build', 1)
    script = script.replace("Dockerfile.build .", "Dockerfile.build .; }").replace(
        "extract demo:build", 'extract "$TOOLS"'
    )
    analysis = analysed(tmp_path, {"build.sh": script})
    assert [(d.rule.code, d.help is not None) for d in analysis.diagnostics] == [("MS204", True)]
    assert "variable `TOOLS`" in analysis.diagnostics[0].message


STREAMED = """\
#!/bin/sh
docker build -t demo:build -f Dockerfile.build .
docker run --rm demo:build | docker build -t demo:latest -
"""


def test_a_streamed_context_needs_an_engine_where_owners_depend_on_it(tmp_path: Path) -> None:
    """BuildKit keeps the owners of a tar on standard input, the classic builder doesn't: not written unless it was built."""
    files = {
        "build.sh": STREAMED,
        "Dockerfile.build": "FROM busybox\nWORKDIR /out\nCOPY main.c Dockerfile ./\nCMD tar -cf - .\n",
        "Dockerfile": "FROM busybox\nCOPY main.c /\n",
    }
    analysis = analysed(tmp_path, files)
    assert "COPY --from=builder /out/main.c /\n" in text_of(analysis, "Dockerfile.build")
    assert "docker build -f Dockerfile.build -t demo:latest .\n" in text_of(analysis, "build.sh")
    assert "MS433" in codes(analysis)
    outcome = migrate(Request(root=tmp_path, verify=False), lambda _side, _line: None)
    assert [b.status for b in outcome.builds] == [Status.REFUSED]
    assert "MS440" in {d.rule.code for d in outcome.builds[0].diagnostics}


def test_a_streamed_context_of_a_script_takes_the_one_file_of_that_name(tmp_path: Path) -> None:
    files = {
        "build.sh": STREAMED.replace("-t demo:latest -", "-t demo:latest -f img/Dockerfile -"),
        "Dockerfile.build": 'FROM busybox\nCOPY . /src/\nENTRYPOINT ["sh", "/src/pack"]\n',
        "Dockerfile": "",
        "img/Dockerfile": "FROM busybox\nCOPY app /\n",
        "pack": "tar cf - .\n",
    }
    analysis = analysed(tmp_path, files)
    assert {"MS433", "MS438", "MS442"} <= set(codes(analysis))
    assert "FROM busybox\nCOPY --from=builder-context /artifacts/context/app /\n" in text_of(
        analysis, "Dockerfile.build"
    )


def test_a_container_that_saw_more_than_the_build_is_told(tmp_path: Path) -> None:
    run = 'docker run --rm -v "$PWD:/w" -w /w demo:build make\n'
    script = f"#!/bin/sh\ndocker build -t demo:build -f Dockerfile.build .\n{run}docker build -t demo:latest .\n"
    analysis = analysed(tmp_path, {"build.sh": script, ".dockerignore": "*.md\n", "notes.md": "x\n"})
    assert "MS436" in codes(analysis)
    assert "FROM builder AS builder-run\nCOPY . /w/\nWORKDIR /w\nRUN make\n" in text_of(analysis, "Dockerfile")


def test_a_mount_hides_what_the_image_has_there(tmp_path: Path) -> None:
    """The builder's own files below the mounted folder were not to be seen by the container."""
    run = 'docker run --rm -v "$PWD:/src" demo:build make\n'
    script = f"#!/bin/sh\ndocker build -t demo:build -f Dockerfile.build .\n{run}docker build -t demo:latest .\n"
    text = text_of(analysed(tmp_path, {"build.sh": script}), "Dockerfile")
    assert "FROM builder AS builder-run\nRUN rm -rf /src/* /src/.[!.]*\nCOPY . /src/\nRUN make\n" in text


def test_what_the_script_writes_into_a_mounted_folder_is_still_written(tmp_path: Path) -> None:
    """It comes back out of the container, and is no artifact: the build copies it in."""
    run = 'docker run --rm -v "$PWD:/w" -w /w demo:build make\n'
    script = f"#!/bin/sh\ngit describe > VERSION\n{DANCE.splitlines()[0]}\n{run}docker build -t demo:latest .\nrm app\n"
    analysis = analysed(tmp_path, {"build.sh": script, "Dockerfile": RUNTIME.replace("COPY app", "COPY app VERSION")})
    assert text_of(analysis, "build.sh") == "#!/bin/sh\ngit describe > VERSION\ndocker build -t demo:latest .\n"
    assert "COPY . /w/\n" in text_of(analysis, "Dockerfile")


def test_what_was_changed_before_it_was_mounted_is_refused(tmp_path: Path) -> None:
    run = 'strip app\ndocker run --rm -v "$PWD:/w" demo:build make\ndocker rm extract'
    analysis = analysed(tmp_path, {"build.sh": SCRIPT.replace("docker rm extract", run)})
    assert analysis.changes == ()
    assert "MS205" in codes(analysis)


def test_two_contexts_that_one_ignore_file_cannot_serve_are_refused(tmp_path: Path) -> None:
    """The runtime's context hides what the builder's COPY needs, and a file of both would come or go."""
    files = {
        "build.sh": SCRIPT.replace("-f Dockerfile.build .", "-f src/Dockerfile src"),
        "Dockerfile.build": "",
        "src/Dockerfile": BUILDER,
        "src/main.c": MAIN,
        ".dockerignore": "src\n",
    }
    analysis = analysed(tmp_path, files)
    assert analysis.changes == ()
    assert "MS304" in codes(analysis)


REFUSED = {
    "added-to": (SCRIPT.replace("docker rm", "echo x >> app\ndocker rm"), RUNTIME, "MS205"),
    "archive-changed": (
        SCRIPT.replace("app", "app.tar").replace("docker rm", "strip app.tar\ndocker rm"),
        RUNTIME.replace("COPY app", "ADD app.tar"),
        "MS417",
    ),
    "brackets-in-name": (SCRIPT.replace("extract:/src/app ./app", "'extract:/src/a[b]' ./app"), RUNTIME, "MS416"),
    "option-of-one-build": (SCRIPT.replace("-t demo:build", "--squash -t demo:build"), RUNTIME, "MS407"),
    "argument-from-the-environment": (
        SCRIPT.replace("-t demo:build", "--build-arg V -t demo:build"),
        RUNTIME.replace("COPY", "ARG V=2\nCOPY"),
        "MS401",
    ),
    "renamed-in-what-stays": (
        SCRIPT.replace("-t demo:build", "--build-arg V=1 -t demo:build") + "docker push demo:build\n",
        RUNTIME.replace("COPY", "ARG V=2\nCOPY"),
        "MS401",
    ),
    "container-asked-for": (
        SCRIPT.replace("docker rm", "docker inspect extract\ndocker rm"),
        RUNTIME,
        "MS410",
    ),
    "output-elsewhere": (
        SCRIPT.replace("-t demo:build", "--output $WHERE -t demo:build"),
        RUNTIME,
        "MS203",
    ),
    "fed-by-a-here-document": (
        MADE_WHEN_RUN.replace("docker run", "docker run -i").replace(
            "demo:build make", "demo:build sh <<EOF\nmake\nEOF"
        ),
        RUNTIME,
        "MS409",
    ),
    "typed-into": (
        MADE_WHEN_RUN.replace("docker run", "docker run -it").replace("demo:build make", "demo:build bash"),
        RUNTIME,
        "MS426",
    ),
    "needed-after-the-build": (SCRIPT.replace("rm ./app", "scp ./app host:"), RUNTIME, "MS205"),
    "folder-of-two-origins": (
        SCRIPT.replace("docker rm", "mkdir -p out/empty\nmv app out/app\ndocker rm").replace("rm ./app", "rm -r out"),
        RUNTIME.replace("COPY app", "COPY out"),
        "MS301",
    ),
}


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_cannot_be_said_in_a_dockerfile_is_refused(name: str, tmp_path: Path) -> None:
    script, runtime, code = REFUSED[name]
    analysis = analysed(tmp_path, {"build.sh": script, "Dockerfile": runtime})
    assert analysis.changes == ()
    assert code in codes(analysis)


WORDS = {
    "the-end-of-both": ("app-1.2.tgz", "my-app-${V}.tgz", "/src/app-${V}.tgz"),
    "as-it-is": ("app-1.2.tgz", "app-1.2.tgz", "/src/app-1.2.tgz"),
    "another-end": ("app-1.2.tgz", "${V}.tar", "/src/app-1.2.tgz"),
    "one-of-two": ("app-1.2.tgz", "${D}/app-$V.tgz", "/src/app-$V.tgz"),
    "with-a-modifier": ("app-1.2.tgz", "app-${V:-3}.tgz", "/src/app-1.2.tgz"),
    "empty": ("app-1.2.tgz", "app-1.2.tgz${E}", "/src/app-1.2.tgz"),
}


@pytest.mark.parametrize("name", sorted(WORDS))
def test_a_path_keeps_the_author_s_variables_as_far_as_it_ends_as_his_word_does(name: str, tmp_path: Path) -> None:
    inside, word, expected = WORDS[name]
    host = (
        word.replace("${V:-3}", "1.2")
        .replace("${V}", "1.2")
        .replace("$V", "1.2")
        .replace("${D}", "dist")
        .replace("${E}", "")
    )
    files = {
        "build.sh": SCRIPT.replace("/src/app ./app", f"/src/{inside} {host}")
        .replace("docker create", "mkdir -p dist\ndocker create")
        .replace("demo:latest", "demo:latest --build-arg V=1.2"),
        "Dockerfile": f"FROM busybox\nARG V\nARG D=dist\nARG E=\nCOPY {word} /srv/app.tgz\n",
    }
    assert f"COPY --from=builder --chown=0:0 {expected} /srv/app.tgz\n" in text_of(
        analysed(tmp_path, files), "Dockerfile"
    )


def test_an_owner_that_add_gives_to_no_packed_file_is_refused(tmp_path: Path) -> None:
    files = {
        "build.sh": SCRIPT.replace("app", "app.tar"),
        "Dockerfile.build": BUILDER + "RUN tar -cf app.tar app\n",
        "Dockerfile": RUNTIME.replace("COPY app", "ADD --chown=3:4 app.tar"),
    }
    analysis = analysed(tmp_path, files)
    assert (analysis.plan, [c for c in codes(analysis) if c == "MS409"]) == (None, ["MS409"])


def test_a_runtime_that_another_image_starts_from_is_still_made(tmp_path: Path) -> None:
    files = {
        "build.sh": SCRIPT.replace("rm ./app", "docker build -t demo:debug -f Dockerfile.debug .\nrm ./app"),
        "Dockerfile.debug": "FROM demo:latest\nRUN touch /debug\n",
    }
    assert "-t demo:latest" in text_of(analysed(tmp_path, files), "build.sh")
