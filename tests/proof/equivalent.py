"""Mutants that make the same images as the migration they come from, and why: of these alone the proof may say that it holds.

The reasons are docker's rules; `test_mutants_engine` holds them to an engine. What comes out the same by what a command happens to
do (`touch` of a file that nobody copies) stands in no entry: the proof doesn't look into what a RUN does.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from tests.proof.dockerfile_mutants import Role
from tests.proof.mutants import Mutant

_OF_A_CONTAINER = frozenset({"CMD", "ENTRYPOINT", "EXPOSE", "HEALTHCHECK", "LABEL", "MAINTAINER", "STOPSIGNAL"})
"""Instructions that say how containers are started, and nothing to what follows in the build."""
_COMMAND_KINDS = frozenset(
    {"dropped", "command-word", "command-word-dropped", "command-words-swapped", "command-form", "command-as-text"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why mutants for which `holds` are equivalent."""

    why: str
    holds: Callable[[Mutant], bool]


def _kinds(why: str, *kinds: str) -> Reason:
    return Reason(why=why, holds=lambda m: m.kind in kinds)


def _at(why: str, kinds: tuple[str, ...], places: str) -> Reason:
    wanted = frozenset(places.split())
    return Reason(why=why, holds=lambda m: m.kind in kinds and m.id.rpartition("/")[0] in wanted)


def _named(why: str, ids: str) -> Reason:
    wanted = frozenset(ids.split())
    return Reason(why=why, holds=lambda m: m.id in wanted)


def _said_of_containers(mutant: Mutant) -> bool:
    keyword = mutant.detail if mutant.kind == "added-behind" else mutant.keyword
    return keyword in _OF_A_CONTAINER and mutant.kind in (_COMMAND_KINDS | {"added-behind"})


def _swapped(mutant: Mutant) -> bool:
    """Of one that containers are started by, and another one; a label's value may name a variable."""
    pair = {mutant.keyword, mutant.detail}
    named = "LABEL" in pair and pair & {"ARG", "ENV"}
    return mutant.kind == "swapped" and bool(pair & _OF_A_CONTAINER) and len(pair) == 2 and not named


_AT = (
    (
        "neither of the two sees what the other one does",
        ("swapped",),
        """
        build-arg-clash/Dockerfile:6
        built-twice/Dockerfile:3
        built-twice/Dockerfile:4
        built-twice/Dockerfile:12
        built-twice/Dockerfile:13
        built-twice/Dockerfile:20
        built-twice/Dockerfile:21
        chown-user/Dockerfile:9
        chown-user/Dockerfile:10
        compose-args/service/Dockerfile:2
        compose-args/service/Dockerfile:3
        compose-args/service/Dockerfile:8
        context-mixed/Dockerfile:6
        entrypoint-emits/Dockerfile:2
        entrypoint-emits/Dockerfile:3
        entrypoint-emits/Dockerfile:10
        entrypoint-emits/Dockerfile:11
        export-untar/Dockerfile:6
        foreign-image/Dockerfile:2
        foreign-image/Dockerfile:3
        glob/Dockerfile.run:3
        href-counter/Dockerfile:4
        import/Dockerfile:2
        make-goals/Dockerfile:11
        many-containers/Dockerfile:9
        many-cps/Dockerfile:12
        many-cps/Dockerfile:13
        many-runtimes/Dockerfile.server:17
        multi-stage-builder/Dockerfile:2
        other-user/Dockerfile:5
        other-user/Dockerfile:21
        runtime-from-builder/Dockerfile:2
        secret-arg/Dockerfile:2
        secret-arg/Dockerfile:3
        stdout-filter/Dockerfile:14
        two-contexts/docker/Dockerfile:6
        two-contexts/docker/Dockerfile:7
        variable-paths/Dockerfile:2
        variable-paths/Dockerfile:8
        variable-paths/Dockerfile:9
        variable-paths/Dockerfile:11
        variable-paths/Dockerfile:12
        """,
    ),
    (
        "the container saw the whole folder that was mounted, and nothing comes of a file more or less of these",
        ("ignored-less",),
        "mount-src/.dockerignore:1 mount-src/.dockerignore:2",
    ),
    (
        "it is a folder that is copied, or copied into, with a slash or a dot behind it or without",
        ("source-slash", "source-dot", "destination-slash"),
        """
        built-twice/Dockerfile:5
        built-twice/Dockerfile:14
        chown-user/Dockerfile:2
        chown-user/Dockerfile:9
        context-mixed/Dockerfile:2
        context-mixed/Dockerfile:6
        context-mixed/Dockerfile:7
        cp-of-create/Dockerfile:6
        cp-to-stdout/image/Dockerfile:16
        entrypoint-emits/Dockerfile:4
        export-untar/Dockerfile:6
        glob/Dockerfile.run:4
        make-goals/Dockerfile:11
        many-builders/Dockerfile:2
        many-builders/Dockerfile:7
        many-builders/Dockerfile:12
        many-containers/Dockerfile:6
        many-cps/Dockerfile:2
        many-cps/Dockerfile:13
        mount-hides/Dockerfile:3
        mount-hides/Dockerfile:9
        mount-option/Dockerfile:8
        mount-out/Dockerfile:3
        mount-out/Dockerfile:19
        mount-src/Dockerfile:6
        mount-src/Dockerfile:11
        other-user/Dockerfile:21
        pipe-of-names/Dockerfile:3
        pipe-to-build-many/Dockerfile.build:3
        run-wait/Dockerfile:3
        stdout-filter/Dockerfile:14
        stdout-tar/Dockerfile:11
        stdout-targz/Dockerfile:13
        stdout-untar/Dockerfile:11
        two-contexts/docker/Dockerfile:2
        """,
    ),
)
"""Reason, kinds, and the instructions at which it holds."""
_NAMED = {
    "the file was hidden already": """
        mount-src/.dockerignore:6/hidden-NOTES.md
        mount-src/Dockerfile.dockerignore:6/hidden-from-one-NOTES.md
    """,
    "the build gives this argument a value, or nothing asks for it": """
        build-arg-clash/Dockerfile:2/arg-default
        build-arg-clash/Dockerfile:4/arg-default
        build-arg-clash/Dockerfile:11/arg-default
        built-twice/Dockerfile:2/arg-default
        built-twice/Dockerfile:11/arg-default
        compose-args/service/Dockerfile:2/arg-default
        compose-args/service/Dockerfile:3/arg-default
        make-script/Dockerfile:7/arg-default
        secret-arg/Dockerfile:2/arg-default
        variable-paths/Dockerfile:8/arg-default
        build-arg-clash/Dockerfile:2/arg-default-dropped
        build-arg-clash/Dockerfile:4/arg-default-dropped
        built-twice/Dockerfile:2/arg-default-dropped
        built-twice/Dockerfile:11/arg-default-dropped
        compose-args/service/Dockerfile:3/arg-default-dropped
        variable-paths/Dockerfile:8/arg-default-dropped
        variable-paths/Dockerfile:8/dropped
    """,
    "it is the image that the variable names": """
        build-arg-clash/Dockerfile:3/base-outside
    """,
    "the current folder is the root": """
        build-output/Dockerfile:7/destination-unrooted
        many-containers/Dockerfile:6/destination-unrooted
        per-arch/Dockerfile.amd64:7/destination-unrooted
        pipe-of-names/Dockerfile:9/destination-unrooted
        pipe-to-build/Dockerfile:10/destination-unrooted
        run-cp/Dockerfile:12/destination-unrooted
        export-untar/Dockerfile:6/destination-parent
        stdout-filter/Dockerfile:14/destination-parent
        stdout-filter/Dockerfile:16/workdir-unrooted
    """,
    "nothing that is built depends on this line": """
        build-output/build.sh:3/line-dropped
        compose-args/release.sh:5/line-dropped
        compose-run/build.sh:3/line-dropped
        href-counter/build.sh:5/line-dropped
        seed-trio/build.sh:3/line-dropped
        variable-paths/build.sh:4/line-dropped
    """,
    "the folder is the one that the variable names, where the script is started": """
        two-contexts/docker/build.sh:6/context-up
    """,
    "the variable becomes what it was": """
        built-twice/Dockerfile:4/dropped
        built-twice/Dockerfile:13/dropped
    """,
    "nothing of what is copied is written below the volume": """
        mount-out/Dockerfile:12/dropped
        other-user/Dockerfile:6/dropped
        mount-out/Dockerfile:12/other-volume
        other-user/Dockerfile:6/other-volume
    """,
    "a stage made from the one ahead of it can go on with it": """
        multi-stage-builder/Dockerfile:12/dropped
    """,
    "the stage above says what is started": """
        runtime-from-builder/Dockerfile:6/dropped
        multi-stage-builder/Dockerfile:10/added-behind-CMD
        runtime-from-builder/Dockerfile:6/added-behind-CMD
        runtime-from-builder/Dockerfile:6/command-word
        runtime-from-builder/Dockerfile:6/command-as-text
    """,
    "neither of the two stages takes anything from the other one": """
        built-twice/Dockerfile:1/stages-swapped
        many-builders/Dockerfile:1/stages-swapped
        many-runtimes/Dockerfile.server:11/stages-swapped
        multi-stage-builder/Dockerfile:5/stages-swapped
        other-user/Dockerfile:9/stages-swapped
        pipe-to-build-many/Dockerfile.build:10/stages-swapped
    """,
    "the value is the default, or nothing asks for it": """
        built-twice/make-image.sh:4/build-arg-dropped-CATALOGUE_LOCALE
        variable-paths/build.sh:6/build-arg-dropped-FROM_DIR
        built-twice/make-image.sh:4/build-arg-name-CATALOGUE_LOCALE
        variable-paths/build.sh:6/build-arg-name-FROM_DIR
        variable-paths/build.sh:6/other-build-arg-FROM_DIR
    """,
    "only the last WORKDIR's spelling is told of an image": """
        chown-user/Dockerfile:7/workdir-slash
        chown-user/Dockerfile:8/workdir-slash
    """,
    "another USER follows before anything runs": """
        entrypoint-emits/Dockerfile:9/added-ahead-USER
        stdout-filter/Dockerfile:13/added-ahead-USER
    """,
    "the commands that follow look at no variable": """
        glob/Dockerfile.run:11/added-ahead-ARG
        multi-stage-builder/Dockerfile:9/added-ahead-ARG
        run-wait/Dockerfile:10/added-ahead-ARG
        cp-to-stdout/image/Dockerfile:5/added-behind-ENV
        cp-to-stdout/image/Dockerfile:5/added-behind-ARG
        host-chmod/Dockerfile:3/added-behind-ENV
        make-goals/Dockerfile:5/added-behind-ENV
        make-goals/Dockerfile:5/added-behind-ARG
        stdout-targz/Dockerfile:4/added-behind-ENV
    """,
    "the context is the file's folder where none is given": """
        compose-args/compose.yaml:8/compose-context-dropped
    """,
    "nothing builds this service": """
        compose-args/compose.yaml:16/compose-image-changed
        compose-args/compose.yaml:16/compose-image-dropped
    """,
    "a file goes under its own name into a folder that is there": """
        compose-run/Dockerfile:3/destination-parent
        foreign-image/Dockerfile:3/destination-parent
        make-goals/Dockerfile:3/destination-parent
        many-cps/Dockerfile:14/destination-parent
        other-user/Dockerfile:22/destination-parent
        save-load/Dockerfile:2/destination-parent
        stdout-file/Dockerfile:9/destination-parent
    """,
    "done again, the command comes to the same": """
        compose-run/Dockerfile:8/run-command-twice-0
        cp-to-stdout/image/Dockerfile:12/run-command-twice-0
        host-chmod/Dockerfile:6/run-command-twice-0
        host-chmod/Dockerfile:6/run-command-twice-1
        host-gzip/Dockerfile:6/run-command-twice-0
        host-gzip/Dockerfile:6/run-command-twice-1
        make-goals/Dockerfile:8/run-command-twice-0
        make-goals/Dockerfile:8/run-command-twice-2
        make-goals/Dockerfile:8/run-command-twice-3
        mount-option/Dockerfile:9/run-command-twice-0
        mount-out/Dockerfile:16/run-command-twice-0
        mount-out/Dockerfile:16/run-command-twice-2
        mount-out/Dockerfile:16/run-command-twice-3
        other-user/Dockerfile:12/run-command-twice-0
        other-user/Dockerfile:12/run-command-twice-2
        other-user/Dockerfile:16/run-command-twice-0
        other-user/Dockerfile:16/run-command-twice-1
        pipe-to-build-many/Dockerfile.build:8/run-command-twice-0
        pipe-to-build-many/Dockerfile.build:8/run-command-twice-2
        pipe-to-build-many/Dockerfile.build:8/run-command-twice-3
        pipe-to-build-many/Dockerfile.build:15/run-command-twice-0
        pipe-to-build-many/Dockerfile.build:15/run-command-twice-2
        pipe-to-build-many/Dockerfile.build:15/run-command-twice-3
        run-detached/Dockerfile:6/run-command-twice-0
        stdout-file/Dockerfile:6/run-command-twice-0
        stdout-targz/Dockerfile:9/run-command-twice-0
        stdout-targz/Dockerfile:9/run-command-twice-2
        stdout-targz/Dockerfile:9/run-command-twice-3
        glob/Dockerfile.run:12/twice
        host-chmod/Dockerfile:6/twice
        make-goals/Dockerfile:8/twice
        multi-stage-builder/Dockerfile:10/twice
        other-user/Dockerfile:12/twice
        other-user/Dockerfile:16/twice
        other-user/Dockerfile:18/twice
        run-detached/Dockerfile:6/twice
        run-wait/Dockerfile:2/twice
        run-wait/Dockerfile:11/twice
        stdout-file/Dockerfile:6/twice
        stdout-targz/Dockerfile:9/twice
        stdout-targz/Dockerfile:12/twice
    """,
    "an ignore file keeps it from the build, or no build asks for it": """
        context-mixed/assets-src/README.md:1/other-file-changed
        context-mixed/web/old.tmp:1/other-file-changed
        context-mixed/tests/smoke.txt:1/other-file-changed
        per-arch/Dockerfile.armhf:1/other-file-changed
        per-arch/Dockerfile.build.armhf:1/other-file-changed
        two-contexts/src/plain.txt.orig:1/other-file-changed
        references/.gitignore:1/other-file-changed
        references/CHANGELOG.md:1/other-file-changed
        references/.dockerignore:1/ignored-less
    """,
    "the folder is there already": """
        copy-tar-run/Dockerfile:10/destination-slash
        cp-to-stdout/image/Dockerfile:17/destination-slash
        glob/Dockerfile.run:13/destination-slash
        multi-stage-builder/Dockerfile:13/destination-slash
        run-wait/Dockerfile:12/destination-slash
        variable-paths/Dockerfile:12/destination-slash
        variable-paths/Dockerfile:13/destination-slash
    """,
    "a path is cleaned before it is looked for": """
        many-cps/Dockerfile:12/source-slash
        many-cps/Dockerfile:12/source-dot
        many-cps/Dockerfile:14/source-slash
        many-cps/Dockerfile:14/source-dot
    """,
    "what is made beside it, nobody copies": """
        cp-to-stdout/image/Dockerfile:12/run-more
        host-chmod/Dockerfile:6/run-more
        host-gzip/Dockerfile:6/run-more
        other-user/Dockerfile:12/run-more
        host-gzip/Dockerfile:6/added-behind-WORKDIR
        make-goals/Dockerfile:8/added-behind-RUN
        other-user/Dockerfile:12/added-behind-RUN
        stdout-file/Dockerfile:6/added-behind-WORKDIR
    """,
    "the root is the context's, or the stage's, own folder": """
        export-untar/Dockerfile:6/source-parent
    """,
    "nothing is pulled for a stage made from nothing, or from another stage": """
        export-untar/Dockerfile:5/base-platform
        local-base/Dockerfile:10/base-platform
        per-arch/Dockerfile.amd64:6/base-platform
        pipe-of-names/Dockerfile:8/base-platform
        pipe-to-build/Dockerfile:9/base-platform
        run-cp/Dockerfile:11/base-platform
        stdout-filter/Dockerfile:13/base-platform
    """,
    "nothing that is built depends on this variable": """
        gitlab-job/.gitlab-ci.yml:5/variable-BUILDER
        jenkins-pipeline/Jenkinsfile:6/variable-BUILDER
        make-goals/Makefile:6/variable-RUN
        make-script/Makefile:6/variable-VERSION
        variable-paths/build.sh:4/variable-out
    """,
    "the folder's parent is there, and the folder is not": """
        host-chmod/Dockerfile:6/run-word-dropped-1
        host-gzip/Dockerfile:6/run-word-dropped-1
        make-goals/Dockerfile:8/run-word-dropped-1
        make-goals/Dockerfile:8/run-word-dropped-14
        other-user/Dockerfile:16/run-word-dropped-1
        pipe-to-build-many/Dockerfile.build:8/run-word-dropped-1
        pipe-to-build-many/Dockerfile.build:8/run-word-dropped-11
        pipe-to-build-many/Dockerfile.build:15/run-word-dropped-1
        pipe-to-build-many/Dockerfile.build:15/run-word-dropped-11
        stdout-file/Dockerfile:6/run-word-dropped-1
        stdout-targz/Dockerfile:9/run-word-dropped-1
        stdout-targz/Dockerfile:9/run-word-dropped-11
    """,
    "neither of the two commands sees what the other one does": """
        make-goals/Dockerfile:8/run-commands-swapped-1
        mount-out/Dockerfile:16/run-commands-swapped-1
        pipe-to-build-many/Dockerfile.build:8/run-commands-swapped-1
        pipe-to-build-many/Dockerfile.build:15/run-commands-swapped-1
        stdout-targz/Dockerfile:9/run-commands-swapped-1
    """,
    "it is the last stage": """
        many-runtimes/build.sh:5/target-dropped
        pipe-to-build-many/build.sh:5/target-dropped
    """,
    "`cp` makes the folder that it fills": """
        mount-out/Dockerfile:16/run-word-12
    """,
    "no COPY takes this file, or another ignore file keeps it out": """
        two-contexts/src/.dockerignore:1/ignored-less
        two-contexts/src/.dockerignore:2/ignored-less
        two-contexts/src/.dockerignore:3/ignored-less
        two-contexts/.dockerignore:1/ignored-less
    """,
    "root is number 0": """
        other-user/Dockerfile:11/other-user-0-0
        other-user/Dockerfile:15/other-user-0-0
    """,
    "the stage makes again all that is copied from it": """
        pipe-to-build-many/Dockerfile.build:14/base-stage-builder-context
    """,
    "it is the file that is taken where none is named": """
        run-wait/build.sh:8/file-dropped
    """,
}
"""Mutants one by one, by reason."""


def _rest_of_stage(mutant: Mutant) -> str:
    """The mutated Dockerfile from the changed line to the end of the stage."""
    rest = "\n".join(mutant.after.split("\n")[mutant.line :])
    return rest.partition("\nFROM ")[0]


REASONS = (
    _kinds("a stage's number is as good as its name", "from-number"),
    _kinds("a source begins at the root of the stage or the context, with a slash or without", "source-unrooted"),
    _kinds("the shell form stands for the words `/bin/sh -c` and the text", "run-form", "command-form"),
    _kinds("a port is one of TCP where it doesn't say so", "port-tcp"),
    _kinds("it is the same folder", "context-slash", "context-here"),
    _kinds("it is the same file", "file-added", "file-dotted"),
    _kinds("the cache gives what the instruction would give", "no-cache"),
    _kinds("the second build makes what the first one made", "build-twice"),
    _kinds("no stage declares this build argument", "arg-added"),
    _kinds("what still reads as a Dockerfile then has no backslash that means anything", "other-escape"),
    _kinds("none of the samples' files is an archive or a URL", "copy-or-add"),
    Reason(
        why="a user's number alone is the group's, too",
        holds=lambda m: m.kind == "other-owner" and m.detail == "0" and "`--chown=0:0`" in m.what,
    ),
    Reason(
        why="what comes from the context is root's",
        holds=lambda m: m.kind == "context-owner" and m.detail == "0",
    ),
    Reason(
        why="an instruction that is there twice says what it said once",
        holds=lambda m: m.kind == "twice" and m.keyword != "RUN" and not re.search(r"`WORKDIR [^/$]", m.what),
    ),
    Reason(
        why="how containers of a stage are started, nobody asks who copies files from it",
        holds=lambda m: m.role in (Role.COPIED, Role.BASE) and _said_of_containers(m),
    ),
    Reason(
        why="nothing follows in this stage, and none is made from it",
        holds=lambda m: (
            m.role is Role.COPIED
            and m.kind == "added-behind"
            and m.detail in ("ARG", "ENV", "ONBUILD", "SHELL", "USER")
        ),
    ),
    Reason(
        why="an ARG holds for what follows in its stage",
        holds=lambda m: m.role is Role.IMAGE and m.kind == "added-behind" and m.detail == "ARG",
    ),
    Reason(
        why="what follows in the stage runs nothing, and doesn't name it",
        holds=lambda m: (
            m.role is Role.IMAGE and m.kind == "added-ahead" and m.detail == "ARG" and "\nRUN " not in _rest_of_stage(m)
        ),
    ),
    Reason(
        why="nothing is written below this folder, and a stage that is copied from needs no mount",
        holds=lambda m: m.role in (Role.COPIED, Role.BASE) and m.kind == "added-behind" and m.detail == "VOLUME",
    ),
    Reason(
        why="the folder is the same; only of an image that is made is it told how it was spelt",
        holds=lambda m: m.role in (Role.COPIED, Role.BASE) and m.kind == "workdir-slash",
    ),
    Reason(
        why="neither of the two sees what the other one does",
        holds=_swapped,
    ),
    Reason(
        why="the current folder is a folder, with a slash or without",
        holds=lambda m: m.kind == "destination-slash" and re.search(r"`\./?` becomes", m.what) is not None,
    ),
    Reason(
        why="no command of a script that goes well fails",
        holds=lambda m: m.kind == "line-dropped" and m.what.startswith("`set -"),
    ),
    *(_at(why, kinds, places) for why, kinds, places in _AT),
    *(_named(why, ids) for why, ids in _NAMED.items()),
)


WITH_BUILDKIT = frozenset(
    {
        "glob/Dockerfile.run:13/source-dot",
        "glob/Dockerfile.run:13/source-slash",
        "many-runtimes/Dockerfile.server:3/destination-slash",
        "multi-stage-builder/Dockerfile:12/base-platform",
        "runtime-from-builder/Dockerfile:8/base-platform",
    }
)
"""Those that only BuildKit builds; the classic builder refuses them. The samples are proved for BuildKit."""


def named_mutants() -> frozenset[str]:
    """Those that a reason names one by one."""
    return frozenset(" ".join(_NAMED.values()).split())


def named_places() -> frozenset[str]:
    """Instructions that a reason names."""
    return frozenset(" ".join(places for _, _, places in _AT).split())


def why_equivalent(mutant: Mutant) -> str | None:
    """The reason, None where the proof has to tell the two apart."""
    if mutant.id in WITH_BUILDKIT:
        return "BuildKit cleans a path, pulls nothing that is there, and takes a folder for one"
    return next((r.why for r in REASONS if r.holds(mutant)), None)
