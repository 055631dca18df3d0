"""Build contexts that a container writes to standard output: which Dockerfile is in them, who owns their files, and what of the
driver goes."""

from pathlib import Path

import pytest

from migrate.diagnostics import has_errors
from migrate.outcome import BuildOutcome, Status
from migrate.pipeline.run import Request, migrate
from tests.pipeline.legacy import analysed, codes, lay, text_of

STREAMED = """\
#!/bin/sh
docker build -t demo:build -f Dockerfile.build .
docker run --rm demo:build | docker build -t demo:latest -
"""
FILES = {
    "build.sh": STREAMED,
    "Dockerfile": "FROM busybox\nCOPY app /\n",
    "Dockerfile.run": "FROM alpine\nCOPY app /\n",
    "docker/Dockerfile": "FROM debian\nCOPY app /\n",
    "docker/app": "",
    "app": "#!/bin/sh\n",
}
SOURCES = "FROM gcc:12\nCOPY . /src/\nWORKDIR /out\n"
PACKS = "CMD tar -cf - .\n"


def built_from(root: Path, files: dict[str, str]) -> str | None:
    """The base image of the runtime's stage: which of the Dockerfiles it is; None where that is refused."""
    analysis = analysed(root, FILES | files)
    if not analysis.changes:
        assert "MS112" in codes(analysis)
        return None
    return text_of(analysis, "Dockerfile.build").rpartition("FROM ")[2].split()[0]


FOUND = {
    "cp": ("RUN cp /src/docker/Dockerfile .\n", "debian"),
    "cp-to-a-name": ("RUN cp -f /src/Dockerfile.run /out/Dockerfile\n", "alpine"),
    "cp-twice": ("RUN cp /src/Dockerfile.run new && cp new Dockerfile\n", "alpine"),
    "cp-behind-another": ("RUN cp /src/Dockerfile.run Dockerfile\nRUN cp /src/docker/Dockerfile .\n", "debian"),
    "cp-of-several": ("RUN cp /src/app /src/docker/Dockerfile /out/\n", "debian"),
    "cp-in-a-chain": ("RUN cd /src && make; cp docker/Dockerfile ../out\n", "debian"),
    "cp-of-a-pattern": ("RUN cp /src/docker/* .\n", "debian"),
    "cp-of-contents": ("RUN cp -r /src/docker/. .\n", "debian"),
    "cp-of-a-folder": ("RUN cp -r /src/docker /out\nWORKDIR /out/docker\n", "debian"),
    "cp-of-a-folder-beside": ("COPY Dockerfile .\nRUN cp -r /src/docker .\n", "busybox"),
    "cp-in-words": ('RUN ["cp", "/src/docker/Dockerfile", "/out/"]\n', "debian"),
    "mv": ("RUN mv /src/Dockerfile.run Dockerfile\n", "alpine"),
    "moved-away": ("COPY Dockerfile .\nRUN mv Dockerfile old\n", None),
    "copy-of-a-folder": ("COPY docker .\n", "debian"),
    "copy-of-a-pattern": ("COPY docker/Docker* ./\n", "debian"),
    "copy-over-another": ("RUN cp /src/docker/Dockerfile .\nCOPY Dockerfile.run Dockerfile\n", "alpine"),
    "copy-of-a-variable": ("COPY $FILE /out/Dockerfile\n", None),
    "other-commands": ("COPY Dockerfile .\nRUN apt-get update && go build -o /out/app ./... && ls *\n", "busybox"),
    "changed": ("COPY Dockerfile .\nRUN sed -i s/app/main/ Dockerfile\n", None),
    "changed-in-front": ("RUN sed -i s/app/main/ /src/Dockerfile.run && cp /src/Dockerfile.run Dockerfile\n", None),
    "written": ("RUN echo FROM scratch > Dockerfile\n", None),
    "written-by-copy": ("COPY <<Dockerfile .\nFROM scratch\nDockerfile\n", None),
    "removed": ("COPY Dockerfile .\nRUN rm -rf /out/*\n", None),
    "linked": ("RUN ln -s /src/Dockerfile Dockerfile\n", None),
    "on-a-condition": ("COPY Dockerfile .\nRUN test -f app || cp /src/docker/Dockerfile .\n", None),
    "from-nowhere": ("RUN cp /src/docker/Dockerfile elsewhere\n", None),
    "folder-not-known": ("RUN cd $SOMEWHERE && cp Dockerfile /out/\n", None),
}


@pytest.mark.parametrize("name", sorted(FOUND))
def test_the_dockerfile_in_the_tar_is_followed_back_to_the_repository(name: str, tmp_path: Path) -> None:
    lines, expected = FOUND[name]
    assert built_from(tmp_path, {"Dockerfile.build": SOURCES + lines + PACKS}) == expected


def test_the_dockerfile_is_followed_through_stages(tmp_path: Path) -> None:
    first = "FROM gcc:12 AS first\nCOPY docker /x/\nFROM {base}\nWORKDIR /out\n"
    copied = first.format(base="gcc:12") + "COPY --from=first /x/ .\n" + PACKS
    assert built_from(tmp_path / "copied", {"Dockerfile.build": copied}) == "debian"
    below = first.format(base="first") + "RUN cp /x/Dockerfile .\n" + PACKS
    assert built_from(tmp_path / "below", {"Dockerfile.build": below}) == "debian"
    files = {
        "Dockerfile.build": "FROM gcc:12 AS first\nCOPY docker /out/\nWORKDIR /out\n" + PACKS + "FROM scratch\n",
        "build.sh": STREAMED.replace("-t demo:build", "--target first -t demo:build"),
    }
    assert built_from(tmp_path / "target", files) == "debian"


def test_the_dockerfile_is_followed_into_a_base_that_the_script_builds(tmp_path: Path) -> None:
    files = {
        "Dockerfile.base": SOURCES + "RUN cp /src/docker/Dockerfile .\n",
        "Dockerfile.build": "FROM demo:base\nWORKDIR /out\nCOPY app .\n" + PACKS,
        "build.sh": STREAMED.replace("#!/bin/sh\n", "#!/bin/sh\ndocker build -t demo:base -f Dockerfile.base .\n"),
    }
    analysis = analysed(tmp_path, FILES | files)
    assert text_of(analysis, "Dockerfile.base").rpartition("FROM ")[2].startswith("debian")


def test_a_dockerfile_that_the_ignore_file_hides_is_not_in_the_tar(tmp_path: Path) -> None:
    files = {"Dockerfile.build": SOURCES + "RUN cp /src/docker/Dockerfile .\n" + PACKS, ".dockerignore": "docker\n"}
    assert built_from(tmp_path, files) is None


def test_the_command_of_the_container_may_bring_the_dockerfile(tmp_path: Path) -> None:
    packs = "CMD cp /src/docker/Dockerfile . && tar -cf - .\n"
    assert built_from(tmp_path / "cmd", {"Dockerfile.build": SOURCES + packs}) == "debian"
    mounted = STREAMED.replace("--rm demo:build", '--rm -v "$PWD/docker":/ctx demo:build tar -cf - -C /ctx .')
    assert built_from(tmp_path / "mounted", {"Dockerfile.build": SOURCES, "build.sh": mounted}) == "debian"


def test_a_dockerfile_that_unknown_commands_may_have_changed_is_assumed(tmp_path: Path) -> None:
    files = FILES | {"Dockerfile.build": SOURCES + "COPY Dockerfile .\nRUN make\n" + PACKS}
    assert "MS438" in codes(
        analysed(
            tmp_path, files | {"build.sh": STREAMED.replace("docker build -t demo:l", "docker buildx build -t demo:l")}
        )
    )
    outcome = written(tmp_path)
    assert outcome.status is Status.REFUSED
    assert any(d.rule.code == "MS440" and "assumed" in d.message for d in outcome.diagnostics)


MEMBERS = SOURCES + "COPY Dockerfile app ./\nCMD tar -cf - -C /out Dockerfile app\n"


def test_what_is_packed_by_name_is_copied_from_where_it_was(tmp_path: Path) -> None:
    analysis = analysed(tmp_path, FILES | {"Dockerfile.build": MEMBERS})
    text = text_of(analysis, "Dockerfile.build")
    assert text.endswith("FROM busybox\nCOPY --from=builder /out/app /\n")
    assert "MS442" not in codes(analysis)


def test_what_a_container_is_told_needs_no_stage_where_it_only_packs(tmp_path: Path) -> None:
    told = STREAMED.replace("--rm demo:build", "--rm -u 0 -e A=1 -e B=$B demo:build")
    analysis = analysed(tmp_path, FILES | {"Dockerfile.build": MEMBERS, "build.sh": told})
    assert text_of(analysis, "Dockerfile.build").endswith("FROM busybox\nCOPY --from=builder /out/app /\n")
    assert text_of(analysis, "build.sh") == f"#!/bin/sh\n{BUILD}\n"


def test_all_of_a_tar_of_names_is_unpacked_in_a_stage(tmp_path: Path) -> None:
    files = FILES | {"Dockerfile.build": MEMBERS, "Dockerfile": "FROM busybox\nCOPY . /\n"}
    analysis = analysed(tmp_path, files)
    assert "COPY --from=builder-context /artifacts/context/ /\n" in text_of(analysis, "Dockerfile.build")
    assert "MS442" in codes(analysis)


def test_a_dockerfile_that_is_not_packed_is_not_found(tmp_path: Path) -> None:
    assert built_from(tmp_path, {"Dockerfile.build": MEMBERS.replace("/out Dockerfile", "/out")}) is None


PACKED_OTHERWISE = (
    "tar --exclude=.git -cf - .",
    "tar -cf - --transform=s/out/in/ Dockerfile app",
    "tar -cf - Dockerfile -C /other app",
    "tar -cf - Dockerfile app -C /other",
)


@pytest.mark.parametrize("command", PACKED_OTHERWISE)
def test_a_tar_that_is_not_just_a_folder_or_names_in_one_is_unpacked_in_a_stage(command: str, tmp_path: Path) -> None:
    files = FILES | {"Dockerfile.build": SOURCES + f"CMD {command}\n", "docker/Dockerfile": "", "Dockerfile.run": ""}
    analysis = analysed(tmp_path, files)
    assert "MS442" in codes(analysis)
    assert f"( {command} )" in text_of(analysis, "Dockerfile.build") or f"{command} > " in text_of(
        analysis, "Dockerfile.build"
    )


# owners


def written(root: Path, **environment: str) -> BuildOutcome:
    (outcome,) = migrate(Request(root=root, verify=False, environment=environment), lambda _side, _line: None).builds
    return outcome


BUILDERS = {
    "buildx": (STREAMED.replace("docker build -t demo:l", "docker buildx build --load -t demo:l"), {}, None),
    "asked-for": (STREAMED.replace("docker build -t demo:l", "DOCKER_BUILDKIT=1 docker build -t demo:l"), {}, ""),
    "exported": (STREAMED.replace("bin/sh\n", "bin/sh\nexport DOCKER_BUILDKIT=0\n"), {}, "--chown=0:0 "),
    "classic": (
        STREAMED.replace("docker build -t demo:l", "DOCKER_BUILDKIT=0 docker build -t demo:l"),
        {},
        "--chown=0:0 ",
    ),
    "told": (STREAMED, {"DOCKER_BUILDKIT": "1"}, ""),
    "told-classic": (STREAMED, {"DOCKER_BUILDKIT": "0"}, "--chown=0:0 "),
    "not-exported": (STREAMED.replace("bin/sh\n", "bin/sh\nDOCKER_BUILDKIT=1\n"), {}, None),
    "not-for-this-one": (
        STREAMED.replace("docker build -t demo:b", "DOCKER_BUILDKIT=1 docker build -t demo:b"),
        {},
        None,
    ),
    "behind-sudo": (
        STREAMED.replace("bin/sh\n", "bin/sh\nexport DOCKER_BUILDKIT=1\n").replace("| docker", "| sudo docker"),
        {},
        None,
    ),
    "not-said": (STREAMED, {}, None),
}


@pytest.mark.parametrize("name", sorted(BUILDERS))
def test_owners_are_decided_where_the_builder_is_known(name: str, tmp_path: Path) -> None:
    """BuildKit keeps the owners of a tar on standard input, the classic builder doesn't (semantics of the two, measured)."""
    script, environment, flag = BUILDERS[name]
    lay(tmp_path, FILES | {"Dockerfile.build": MEMBERS, "build.sh": script})
    outcome = written(tmp_path, **environment)
    if flag is None:
        assert outcome.status is Status.REFUSED
        assert any(d.rule.code == "MS440" and "builder" in d.message for d in outcome.diagnostics)
    else:
        assert outcome.status is Status.WRITTEN
        assert f"COPY --from=builder {flag}/out/app /\n" in (tmp_path / "Dockerfile.build").read_text()


# the driver

SAVED = "#!/bin/sh\ndocker build -t demo:build -f Dockerfile.build .\ndocker run --rm demo:build > ctx.tar\n"
BUILD = "docker build -f Dockerfile.build -t demo:latest ."
HANDED_ON = {
    "redirection": ("docker build -t demo:latest - < ctx.tar\nrm ctx.tar\n", f"{BUILD}\n"),
    "redirection-first": ("< ctx.tar docker build -t demo:latest -\n", f"{BUILD}\n"),
    "redirections": ("docker build -t demo:latest - <ctx.tar > log\n", f"{BUILD} > log\n"),
    "cat": ("cat ctx.tar | docker build -t demo:latest - && rm ctx.tar\n", f"{BUILD}\n"),
    "cat-of-a-redirection": ("cat < ctx.tar | docker build -t demo:latest -\n", f"{BUILD}\n"),
    "cat-and-gzip": ("cat ctx.tar | gzip -c | cat - | docker build -t demo:latest -\n", f"{BUILD}\n"),
    "gzip-of-a-redirection": ("gzip -c < ctx.tar | docker build -t demo:latest -\n", f"{BUILD}\n"),
    "cat-into-a-file": ("cat ctx.tar > two.tar\ndocker build -t demo:latest - < two.tar\n", f"{BUILD}\n"),
    "around": ("{ docker build -t demo:latest -; } < ctx.tar\n", None),
    "tee": ("cat ctx.tar | tee copy | docker build -t demo:latest -\n", None),
    "used-again": ("cat ctx.tar | docker build -t demo:latest -\ncat ctx.tar | wc -c\n", None),
    "two-files": ("cat ctx.tar other.tar | docker build -t demo:latest -\n", None),
}


@pytest.mark.parametrize("name", sorted(HANDED_ON))
def test_what_hands_the_tar_on_goes_with_it(name: str, tmp_path: Path) -> None:
    lines, expected = HANDED_ON[name]
    analysis = analysed(tmp_path, FILES | {"Dockerfile.build": MEMBERS, "build.sh": SAVED + lines})
    if expected is None:
        assert analysis.changes == ()
        assert has_errors(analysis.diagnostics)
    else:
        assert text_of(analysis, "build.sh") == f"#!/bin/sh\n{expected}"


def test_cat_of_an_image_that_stays_is_left_alone(tmp_path: Path) -> None:
    more = "docker save demo:latest | cat | docker load\ndocker save demo:latest | gzip | docker load\n"
    analysis = analysed(tmp_path, FILES | {"Dockerfile.build": MEMBERS, "build.sh": STREAMED + more})
    assert text_of(analysis, "build.sh") == f"#!/bin/sh\n{BUILD}\n{more}"


def test_the_builder_made_once_more_is_no_image_of_its_own(tmp_path: Path) -> None:
    """`make image` that makes the builder again: its `COPY . .` would take the tar along, for an image that nobody uses."""
    again = "docker build -t demo:build -f Dockerfile.build .\n"
    files = FILES | {"Dockerfile.build": MEMBERS}
    script = SAVED + again + "cat ctx.tar | docker build -t demo:latest -\nrm ctx.tar\n"
    analysis = analysed(tmp_path / "unused", files | {"build.sh": script})
    assert text_of(analysis, "build.sh") == f"#!/bin/sh\n{BUILD}\n"
    used = script + "docker push demo:build\n"
    assert "docker push" in text_of(analysed(tmp_path / "used", files | {"build.sh": used}), "build.sh")
    other = again.replace("-t demo", "--build-arg A=1 -t demo").join(script.rsplit(again, 1))
    assert "--build-arg A=1 -t demo:build" in text_of(
        analysed(tmp_path / "other", files | {"build.sh": other}), "build.sh"
    )
