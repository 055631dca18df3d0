"""What a docker command wrote to its standard output, as a file or as the folder that the tar holds."""

import posixpath
import shlex
from dataclasses import replace
from pathlib import PurePosixPath

from migrate import rules
from migrate.provenance.around import Around, around
from migrate.provenance.commands import (
    Command,
    Packed,
    composed,
    compresses,
    packs,
    prepared,
    unpack_option,
)
from migrate.provenance.images import ARTIFACTS, Images, hint
from migrate.provenance.model import Image, Line, MadeStage, PassedArgument, Place, Step, Tree
from migrate.source import Span
from migrate.trace.events import ContainerRun, ContainerUse, Event, Extraction, Trace
from migrate.trace.paths import in_container
from migrate.trace.values import Filter, Stream


class Streams:
    """Places for streams; what keeps one from being given is reported to `images`."""

    def __init__(self, trace: Trace, images: Images) -> None:
        self._trace = trace
        self._images = images

    def event(self, stream: Stream) -> Event:
        return self._trace.steps[stream.step].event

    def file(self, stream: Stream, name: str) -> Place | None:
        """A file `name` that holds what was written, in a stage that writes it again."""
        event, filters = self.event(stream), self._filters(stream.filters)
        self._images.used.add(event.span)
        if filters is None:
            return None
        path = ARTIFACTS / name
        if isinstance(event, Extraction):
            image = self._extracted(event)
            if image is None:
                return None
            source = in_container(event.source)
            inside = source if event.source.endswith("/.") else source.parent
            member = "." if event.source.endswith("/.") else shlex.quote(source.name)
            command = Command(text=f"tar -cf - -C {shlex.quote(str(inside))} {member}", words=None)
            return self._written(image, Around(steps=(), before=""), command, filters, path, event.span)
        source_of = self._source(event)
        if source_of is None:
            return None
        image, around, command, span = source_of
        return self._written(image, around, command, filters, path, span)

    def _written(
        self, image: Image, around: Around, command: Command, filters: str, path: PurePosixPath, span: Span
    ) -> Place:
        opened = self._images.opened(image, around.steps)
        before = [p for p in (opened.before, around.before, command.grouped()) if p]
        line = Line(text=f"RUN {' && '.join(before)}{filters} > {shlex.quote(str(path))}")
        steps = (*around.steps, *opened.steps, line)
        stage = MadeStage(base=image, steps=steps, hint=path.name.partition(".")[0], span=span)
        return Place(image=stage, path=path)

    def folder(self, stream: Stream, name: str) -> Place | None:
        """The folder that holds what the tar holds."""
        tree = self.tree(stream, name)
        return self.whole(tree) if tree is not None else None

    def whole(self, tree: Tree) -> Place:
        """The folder of a tree; what is assumed of its making is reported."""
        if tree.unpacked is not None:
            message = "what this container packs is unpacked in a stage by its own `tar`, which must restore all owners"
            self._images.report(rules.UNPACKED_IN_STAGE, message, tree.unpacked)
        return tree.place

    def tree(self, stream: Stream, name: str) -> Tree | None:
        """What the tar holds. Packing and unpacking on the way cancel each other."""
        for each in stream.filters:
            words = [w.text or "" for w in each.words]
            if not compresses(words):
                message = f"what `{each.span.text}` does to the stream is not planned"
                self._images.report(rules.COMMAND_TOUCHES_ARTIFACT, message, each.span)
                return None
        event = self.event(stream)
        self._images.used.add(event.span)
        if isinstance(event, Extraction):
            return self._copied_tree(event, name)
        if isinstance(event, ContainerUse) and event.verb == "export":
            number = event.numbers[0]
            image = self._images.container(number) if number is not None else None
            return _all_of(Place(image=image, path=PurePosixPath("/"))) if image is not None else None
        found = self._source(event)
        if found is None:
            return None
        image, around, command, span = found
        directory = next(
            (
                s.text.split(maxsplit=1)[1]
                for s in around.steps
                if isinstance(s, Line) and s.text.startswith("WORKDIR ")
            ),
            self._images.directory(image),
        )
        packed = packs(command, directory)
        if packed is not None:
            bare = all(map(_makes_no_file, around.steps))
            inside = image if bare else MadeStage(base=image, steps=around.steps, hint=name, span=span)
            place = Place(image=inside, path=in_container(packed.directory))
            if not packed.members:
                return _all_of(place)
            unpacked = self._unpacked(image, around, command, name, span)
            return Tree(place=unpacked, packed=place, members=_paths(packed), unpacked=span)
        step = prepared(command, directory)
        if step is not None:
            return self._prepared(image, around, step, name, span)
        return Tree(place=self._unpacked(image, around, command, name, span), unpacked=span)

    def _prepared(self, image: Image, around: Around, step: tuple[str, Packed], name: str, span: Span) -> Tree:
        """What is done before the packing in one RUN, what is packed gathered by the next."""
        text, packed = step
        first = f"RUN {around.before} && ( {text} )" if around.before else f"RUN {text}"
        steps = (*around.steps, Line(text=first))
        directory = in_container(packed.directory)
        place = Place(image=MadeStage(base=image, steps=steps, hint="run", span=span), path=directory)
        if not packed.members:
            return _all_of(place)
        folder = ARTIFACTS / (name or "tree")
        members = shlex.join(packed.members)
        gather = (
            f"RUN mkdir -p {folder} && cd {shlex.quote(str(directory))} && tar -cf - {members} | tar -xf - -C {folder}"
        )
        root: tuple[Step, ...] = (Line(text="USER root"),) if self._images.user(image, steps) is not None else ()
        stage = MadeStage(base=image, steps=(*steps, *root, Line(text=gather)), hint=name, span=span)
        return Tree(place=Place(image=stage, path=folder), packed=place, members=_paths(packed))

    def _unpacked(self, image: Image, around: Around, command: Command, name: str, span: Span) -> Place:
        folder = ARTIFACTS / (name or "tree")
        packed = f"{folder}.tar"
        option = unpack_option(command.text)
        unpack = f"mkdir -p {folder} && tar -x{option}f {packed} -C {folder} && rm {packed}"
        opened = self._images.opened(image, around.steps)
        parts = [p for p in (opened.before, around.before, f"{command.grouped()} > {packed}") if p]
        if self._images.user(image, around.steps) is None:
            run: tuple[Step, ...] = (Line(text=f"RUN {' && '.join((*parts, unpack))}"),)
        else:
            run = (Line(text=f"RUN {' && '.join(parts)}"), Line(text="USER root"), Line(text=f"RUN {unpack}"))
        stage = MadeStage(base=image, steps=(*around.steps, *opened.steps, *run), hint=name, span=span)
        return Place(image=stage, path=folder)

    def _copied_tree(self, event: Extraction, name: str) -> Tree | None:
        """`docker cp c:/path - | …`: the names begin with the base name (semantics.md, section 2)."""
        image = self._extracted(event)
        if image is None:
            return None
        source = in_container(event.source)
        if event.source.endswith("/."):
            return _all_of(self._images.place(image, source))
        folder = ARTIFACTS / (name or "tree")
        place = self._images.place(image, source)
        text = f"RUN mkdir -p {folder} && cp -a {shlex.quote(str(place.path))} {folder}/{shlex.quote(source.name)}"
        steps = (*self._images.as_root(image), Line(text=text))
        made = Place(image=MadeStage(base=image, steps=steps, hint=name, span=event.span), path=folder)
        above = Place(image=place.image, path=place.path.parent)
        return Tree(place=made, packed=above, members=(PurePosixPath(source.name),))

    def _extracted(self, event: Extraction) -> Image | None:
        number = event.container_number
        return self._images.container(number) if number is not None else None

    def _source(self, event: Event) -> tuple[Image, Around, Command, Span] | None:
        """Image, surroundings and command of what wrote the stream."""
        match event:
            case ContainerRun(container=container):
                base = self._images.base(container.number)
                if base is None:
                    self._images.report_image(container, event.span)
                    return None
                surroundings = around(self._images, container, base, event.workspace, event.span)
                command = self._images.main_command(container, base, event.span)
                if surroundings is None or not isinstance(command, Command):
                    if surroundings is not None and command is None:
                        message = f"what the container `{hint(container)}` prints is the base image's, and not known"
                        self._images.report(rules.SHAPE_NOT_PLANNED, message, event.span)
                    return None
                if any(o.name == "tty" for o in container.options):
                    message = "a file that a container prints to a terminal has other line ends: a build has none"
                    self._images.report(rules.NO_PLACE_IN_BUILD, message, event.span)
                    return None
                if event.stdin is not None:
                    message = "a container that reads its standard input is not planned"
                    self._images.report(rules.SHAPE_NOT_PLANNED, message, event.span)
                    return None
                return base, surroundings, command, event.span
            case ContainerUse(verb="exec", numbers=(number,)) if number is not None:
                image = self._images.container(number)
                texts = [a.text for a in event.arguments]
                words = tuple(t for t in texts if t is not None)
                command = composed(None, "", words)
                if (
                    image is None
                    or command is None
                    or len(words) != len(texts)
                    or not self._images.plain_exec(event, prints=True)
                ):
                    return None
                return image, Around(steps=(), before=""), command, event.span
            case _:
                self._images.report(rules.SHAPE_NOT_PLANNED, "what this command prints is not planned", event.span)
                return None

    def _filters(self, filters: tuple[Filter, ...]) -> str | None:
        """The commands that the stream went through, as a shell pipeline behind it."""
        text = ""
        for each in filters:
            words = [w.text for w in each.words]
            if any(w is None for w in words):
                self._images.report(rules.VALUE_UNKNOWN, f"`{each.span.text}` is not all known", each.span)
                return None
            text += " | " + shlex.join([w or "" for w in words])
            message = f"`{words[0]}` of the host is run in a stage"
            self._images.report(rules.HOST_COMMAND_IN_STAGE, message, each.span)
        return text


def _makes_no_file(step: Step) -> bool:
    return isinstance(step, PassedArgument) or (isinstance(step, Line) and step.text.startswith(("ENV ", "USER ")))


def _all_of(place: Place) -> Tree:
    return Tree(place=place, packed=place)


def _paths(packed: Packed) -> tuple[PurePosixPath, ...]:
    return tuple(PurePosixPath(posixpath.normpath(m)) for m in packed.members)


def without_filters(stream: Stream) -> Stream:
    return replace(stream, filters=())
