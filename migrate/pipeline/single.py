"""`--single`: a Dockerfile of one stage becomes two, its program alone on a base of its own.

The image is built as it stands, its program and what that needs are looked for in it, and the new image is built and held to the
old one by the commands that `--smoke` names: the two differ on purpose, so nothing else can be said of them.
"""

import os
import shlex
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import PurePosixPath

from migrate import rules
from migrate.compare.config import compare_config
from migrate.compare.verdict import Verdict
from migrate.diagnostics import Diagnostic, Label, Rule, at
from migrate.discover import EntryKind, Repository
from migrate.dockerfile.instructions import Dockerfile
from migrate.dockerfile.reader import read_dockerfile
from migrate.drivers.script import Start
from migrate.engine.builder import NoClientError, choose
from migrate.engine.client import EngineClient, EngineUnavailable, connect
from migrate.engine.judged import Block, judged_text
from migrate.engine.looking import ImageFiles
from migrate.engine.sandbox import BuiltImage, JudgedText, Run, ScratchError, SideRequest, SideRun
from migrate.engine.snapshot import read_image
from migrate.engine.steps import Report
from migrate.image import ImageReference, ImageSnapshot
from migrate.outcome import BuildOutcome, SmokeCheck, Status, Verification
from migrate.pipeline.comparing import ImageJudge, ImagePair
from migrate.pipeline.findings import failed_side, smoke_difference
from migrate.pipeline.following import Inputs
from migrate.pipeline.needs import NotAloneError, look
from migrate.pipeline.refining import build_start, is_dockerfile
from migrate.pipeline.smoke import Smoke
from migrate.pipeline.verification import VerifyOptions
from migrate.plan.single import Taken, single
from migrate.source import FileChange, SourceFile, Span, encode


class _StoppedError(Exception):
    def __init__(self, status: Status, *diagnostics: Diagnostic) -> None:
        super().__init__(status.value)
        self.status = status
        self.diagnostics = diagnostics


def split_single(
    repository: Repository, base: str, inputs: Inputs, options: VerifyOptions, report: Report
) -> BuildOutcome:
    """The one Dockerfile of one stage: planned where both images do what `--smoke` says alike. Nothing is written."""
    path = PurePosixPath("Dockerfile")
    try:
        dockerfile = _dockerfile(repository)
        path = dockerfile.source.path
        if not options.smoke:
            message = "the new image differs from the old one on purpose, and nothing says what they have to do alike"
            help_ = (
                "give `--smoke 'COMMAND'`, the words behind the image's ENTRYPOINT, or `--smoke ''` for its own command"
            )
            raise _StoppedError(Status.REFUSED, replace(_at(rules.SINGLE_UNSMOKED, message, dockerfile), help=help_))
        return _Single(repository, dockerfile, base, inputs, options, report).outcome()
    except _StoppedError as stopped:
        return BuildOutcome(
            driver=path,
            status=stopped.status,
            changes=(),
            diagnostics=stopped.diagnostics,
            started="one stage to two",
        )
    except NotAloneError as stopped:
        found = replace(_at(stopped.rule, stopped.message, dockerfile), help=stopped.help)
        return BuildOutcome(
            driver=path, status=Status.REFUSED, changes=(), diagnostics=(found,), started="one stage to two"
        )
    except EngineUnavailable as gone:
        reason = f"{gone.message}; {gone.help}"
    except ScratchError as failed:
        reason = str(failed)
    except NoClientError as missing:
        reason = f"{missing}; install docker's client"
    return BuildOutcome(driver=path, status=Status.NO_ENGINE, changes=(), diagnostics=(), not_verified=reason)


def _dockerfile(repository: Repository) -> Dockerfile:
    """The one at the root, else the only one."""
    paths = [
        p
        for p, kind in repository.entries.items()
        if kind is EntryKind.FILE and is_dockerfile(p) and not repository.hides(p)
    ]
    root = PurePosixPath("Dockerfile")
    if root not in paths and len(paths) != 1:
        message = (
            "there is no Dockerfile" if not paths else f"there are several Dockerfiles: {', '.join(map(str, paths))}"
        )
        help_ = "give the folder of the one that is meant" if paths else None
        raise _StoppedError(Status.REFUSED, Diagnostic(rule=rules.SINGLE_UNFIT, message=message, help=help_))
    source = repository.source(root if root in paths else paths[0])
    if source is None:
        raise _StoppedError(Status.REFUSED, Diagnostic(rule=rules.SINGLE_UNFIT, message=f"`{root}` can't be read"))
    dockerfile, found = read_dockerfile(source)
    if dockerfile is None:
        raise _StoppedError(Status.REFUSED, *found)
    if len(dockerfile.stages) > 1:
        message = "this Dockerfile has several stages already"
        raise _StoppedError(Status.REFUSED, at(rules.SINGLE_UNFIT, message, dockerfile.stages[1].instruction.span))
    if dockerfile.stages[0].image.text == "scratch":
        message = "this image is made from scratch: there is nothing that a second stage could leave out"
        raise _StoppedError(Status.REFUSED, at(rules.SINGLE_UNFIT, message, dockerfile.stages[0].instruction.span))
    return dockerfile


def _at(rule: Rule, message: str, dockerfile: Dockerfile) -> Diagnostic:
    """At what says which program runs."""
    return at(rule, message, _place(dockerfile))


def _place(dockerfile: Dockerfile) -> Span:
    says = [i for i in dockerfile.stages[0].instructions if i.keyword in ("ENTRYPOINT", "CMD")]
    return (says[-1] if says else dockerfile.stages[0].instruction).span


class _Single:
    def __init__(
        self,
        repository: Repository,
        dockerfile: Dockerfile,
        base: str,
        inputs: Inputs,
        options: VerifyOptions,
        report: Report,
    ) -> None:
        self._repository = repository
        self._dockerfile = dockerfile
        self._base = base
        self._inputs = inputs
        self._options = options
        self._report = report
        self._start = build_start(repository, dockerfile)

    def outcome(self) -> BuildOutcome:
        with closing(connect(os.environ)) as client:
            tool = choose(os.environ)
            engine = f"docker {client.version()}, {tool.kind.value}"
            self._report("engine", engine)
            with Run(client, tool, os.environ, self._report) as run:
                before = self._side(run, "before", rules.LEGACY_BUILD_FAILS)
                image = _the_image(before)
                snapshot = _snapshot(client, image)
                with client.container(image.image_id, run.container_name("look")) as container:
                    found = look(ImageFiles(client, container), self._dockerfile, snapshot.config, self._base)
                made = single(self._dockerfile, self._base, found.taken, snapshot.config, found.names_read)
                source = self._dockerfile.source
                change = FileChange(path=source.path, before=encode(source.text), after=encode(made.text))
                after = self._side(run, "after", rules.MIGRATED_BUILD_FAILS, change)
                new = _the_image(after)
                smaller = _snapshot(client, new)
                pair = ImagePair(reference=_reference(image), legacy=image, migrated=new)
                smokes = self._smokes(client, run, pair)
        deltas = [str(d).removeprefix("config ") for d in compare_config(snapshot.config, smaller.config)]
        left_out = (*found.left_out, *made.left_out)
        verification = Verification(
            engine=engine,
            checks=(),
            smokes=smokes,
            independent=False,
            builder_size=None,
            legacy_seconds=before.seconds,
            migrated_seconds=after.seconds,
            sides=("before", "after"),
            sizes=(snapshot.size, smaller.size),
        )
        different = tuple(
            smoke_difference(s, _place(self._dockerfile)) for s in smokes if s.comparison.verdict is Verdict.DIFFERENT
        )
        return BuildOutcome(
            driver=source.path,
            status=Status.DIFFERENT if different else Status.PLANNED,
            changes=() if different else (change,),
            diagnostics=(*_told(found.taken, left_out, deltas, self._dockerfile), *different),
            started="one stage to two",
            verification=verification,
        )

    def _smokes(self, client: EngineClient, run: Run, pair: ImagePair) -> tuple[SmokeCheck, ...]:
        judge = ImageJudge(
            client, run, lambda: None, self._report, strict=self._options.strict, disabled=self._options.disabled
        )
        smoke = Smoke(client, run, self._options.smoke_seconds, self._report)
        normalising = None if self._options.strict else judge.normalising()
        return tuple(smoke.check(pair, words, normalising) for words in self._options.smoke)

    def _side(self, run: Run, side: str, rule: Rule, *changes: FileChange) -> SideRun:
        start: Start = self._start
        path = self._dockerfile.source.path
        text = changes[0].after if changes else encode(self._dockerfile.source.text)
        self._report(side, f"runs {start.name}")
        request = SideRequest(
            side=side,
            root=self._repository.root,
            driver=path,
            directory=start.directory,
            name=start.name,
            arguments=self._inputs.arguments,
            commands="".join(_shell(words) for words in start.commands),
            environment=self._inputs.environment,
            time_limit=self._options.time_limit,
            changes=changes,
            cached=() if changes or self._options.independent else (path,),
            judged={path: _judged(run, path, text or b"")} if changes and not self._options.independent else {},
        )
        done = run.side(request, self._report)
        self._report(side, f"ended after {done.seconds:.1f} s")
        called = "unchanged" if side == "before" else "changed"
        if found := failed_side(done, called, rule, _place(self._dockerfile), "build"):
            raise _StoppedError(Status.BUILD_FAILED, *found)
        return done


def _shell(words: tuple[str, ...]) -> str:
    return shlex.join(words) + "\n"


def _judged(run: Run, path: PurePosixPath, text: bytes) -> JudgedText:
    """With the first stage from the cache: it has just been built."""
    dockerfile, _ = read_dockerfile(SourceFile(path=path, text=text.decode("utf-8", "surrogateescape")))
    if dockerfile is None or dockerfile.stages[0].name is None:
        raise ValueError("the first stage was given a name")
    name = dockerfile.stages[0].name.text
    image = run.image_name(name)
    judged = judged_text(dockerfile, [Block(first=0, last=0, name=name, image=image)])
    return JudgedText(new=text, judged=encode(judged), stages={name: image})


def _the_image(run: SideRun) -> BuiltImage:
    return run.images[-1]


def _reference(image: BuiltImage) -> ImageReference:
    if image.reference is None:
        raise ValueError("it is built under a name")
    return image.reference


def _snapshot(client: EngineClient, image: BuiltImage) -> ImageSnapshot:
    found = read_image(client, image.image_id)
    if found is None:
        raise EngineUnavailable(
            f"image {image.image_id[:19]} is gone", "let nothing remove images while ms-migrate runs"
        )
    return found


def _told(
    taken: tuple[Taken, ...], left_out: tuple[str, ...], deltas: list[str], dockerfile: Dockerfile
) -> Iterator[Diagnostic]:
    place = Label(span=_place(dockerfile))
    copied = "\n".join(f"{t.path}: {t.why}" for t in taken)
    message = f"the new image has {len(taken)} path{'s' if len(taken) > 1 else ''} of the old one"
    yield Diagnostic(rule=rules.SINGLE_COPIED, message=message, primary=place, notes=(copied,))
    if left_out or deltas:
        notes = [*left_out, *(f"its config differs: {d}" for d in deltas)]
        message = "what the new image doesn't have is taken not to be needed"
        yield Diagnostic(rule=rules.SINGLE_LEFT_OUT, message=message, primary=place, notes=("\n".join(notes),))
