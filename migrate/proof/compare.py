"""Two expressions of one image → nothing, what they are equal under, or the first pair of nodes that differ.

Nodes with one digest are equal. Where two differ, and only in what one of the rules below says, they are equal under that rule's
assumption: it is told, at its place.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from migrate import rules
from migrate.diagnostics import Diagnostic, Rule, at
from migrate.dockerfile.scope import PROXY_ARGUMENTS
from migrate.image import USUAL_FOLDERS
from migrate.plan.model import ArtifactKind
from migrate.proof import words
from migrate.proof.apart import separated
from migrate.proof.contents import as_folder, joined, put, settled
from migrate.proof.expressions import (
    Assembled,
    At,
    Base,
    Changed,
    Command,
    Config,
    Content,
    Emptied,
    Exec,
    Expression,
    Fetched,
    File,
    Files,
    Folders,
    Hidden,
    ImageExpression,
    Landing,
    Matching,
    Member,
    Mounted,
    Packed,
    Put,
    Repacked,
    Scratch,
    Stdout,
    Tree,
    Unpacked,
)
from migrate.proof.kinds import Facts, inside, kind_of
from migrate.proof.model import Difference
from migrate.proof.symbols import known, shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What is known beside the two expressions: `facts` of an engine, `options` those of any legacy build, `changed` the files
    that the migration changes, removes or creates, `created` these last, `arguments` the
    names that ARGs of the legacy side declare, `new_arguments` those that only the new side's do. With `apart`, compiles may be
    told apart."""

    facts: Facts
    options: frozenset[str]
    changed: frozenset[str]
    created: frozenset[str]
    arguments: frozenset[str]
    new_arguments: frozenset[str]
    apart: bool = False

    def renames(self, name: str) -> bool:
        """Whether an ARG is one of the legacy side's under another name."""
        return name in self.new_arguments and any(name.endswith(f"_{other}") for other in self.arguments)


@dataclass(slots=True)
class Comparison:
    """Compares images of one migration; `assumed` are the assumptions met."""

    ground: Ground
    assumed: dict[Diagnostic, None] = field(default_factory=dict)
    _equal: set[tuple[bytes, bytes]] = field(default_factory=set)
    _inside: int = 0

    def images(self, legacy: ImageExpression, migrated: ImageExpression) -> Difference | None:
        """None where they are equal, under what is `assumed` then."""
        return self._files(legacy.files, migrated.files) or self._config(legacy.config, migrated.config)

    def _assume(self, rule: Rule, message: str, node: Expression) -> None:
        if node.span is None:
            raise ValueError(f"a node without a place: {node}")
        self.assumed[at(rule, message, node.span)] = None

    # config

    def _config(self, legacy: Config, migrated: Config) -> Difference | None:
        if legacy.digest == migrated.digest:
            return None
        one = {s.name: s for s in legacy.settings}
        other = {s.name: s for s in migrated.settings}
        for name in sorted({*one, *other}):
            mine, theirs = one.get(name), other.get(name)
            if mine is None or theirs is None or mine.value != theirs.value:
                return _differ("the image's config", mine, theirs)
        return self._files(legacy.base, migrated.base)

    # files, from the base up

    def _files(self, legacy: Files, migrated: Files) -> Difference | None:
        if legacy.digest == migrated.digest or (legacy.digest, migrated.digest) in self._equal:
            return None
        theirs = _chain(migrated)
        mine = self._without_mounts(_chain(legacy), theirs)
        if isinstance(mine, Difference):
            return mine
        i = j = 0
        while i < len(mine) and j < len(theirs):
            one, other = mine[i], theirs[j]
            if _is_there(one, mine[:i], other):
                i += 1
                continue
            if not isinstance(one, Folders) and _of_volumes(other, theirs[j + 1 :], mine[i:]) == ():
                j += 1
                continue
            own = _of_volumes(other, theirs[j + 1 :], mine[i:])
            other = replace(other, paths=own) if own and isinstance(other, Folders) else other
            found = self._step(one, other)
            if found is not None:
                return found
            i, j = i + 1, j + 1
        if i < len(mine):
            return _differ("", mine[i], None)
        if j < len(theirs):
            return _differ("", None, theirs[j])
        self._equal.add((legacy.digest, migrated.digest))
        return None

    def _without_mounts(self, mine: list[Files], theirs: Sequence[Files]) -> list[Files] | Difference:
        """The legacy side's nodes as a build has them, which hides nothing: what was copied before a mount and what the mount
        shows come one after the other."""
        cleared = {t.path for t in theirs if isinstance(t, Emptied)}
        found: list[Files] = []
        shown_before: Put | None = None
        for index, node in enumerate(mine):
            if isinstance(node, Emptied) and node.mounted and node.path not in cleared:
                above = mine[index + 1]
                hidden = self._unhidden(node, above)
                if hidden is not None:
                    return hidden
                shown_before = above if isinstance(above, Put) and _held_already(node, above, theirs) else None
            elif node is shown_before:
                continue
            elif isinstance(node, Put) and found and isinstance(found[-1], Put):
                joint = put(found[-1], node.landings, node.span)
                found[-1] = joint
            else:
                found.append(node)
        return found

    def _unhidden(self, emptied: Emptied, above: Files) -> Difference | None:
        """A mount hides what the image has there, and COPY doesn't."""
        made = _made_below(emptied.files, emptied.path, above)
        if made is not None:
            what = words.located("is made there", made.span)
            message = f"the mount at `{emptied.path}` hides what {what}, and the new one doesn't"
            return Difference(message=message, legacy=emptied)
        message = f"the image is taken to have nothing at `{emptied.path}`, which the mounted folder would have hidden"
        self._assume(rules.MOUNT_ASSUMED_EMPTY, message, emptied)
        return None

    def _step(self, legacy: Files, migrated: Files) -> Difference | None:
        """Two nodes, what is below them left aside."""
        match legacy, migrated:
            case (Scratch(), Scratch()):
                return None
            case (Base(), Base()):
                return None if legacy.digest == migrated.digest else _differ("", legacy, migrated)
            case (Folders(), Folders()):
                owners = legacy.owner in ("mounted", migrated.owner)
                same = legacy.paths == migrated.paths and owners
                return None if same else _differ("", legacy, migrated)
            case (Emptied(), Emptied()):
                return None if legacy.path == migrated.path else _differ("", legacy, migrated)
            case (Put(), Put()):
                return self._put(legacy, migrated)
            case (Exec(), Exec()):
                return self._exec(legacy, migrated)
            case _:
                return _differ("", legacy, migrated)

    # commands

    def _exec(self, legacy: Exec, migrated: Exec) -> Difference | None:
        if legacy.command.digest != migrated.command.digest:
            one, other = words.apart(legacy.command, migrated.command)
            message = words.located(f"legacy runs `{one}", legacy.span) + words.located(
                f"; the new one `{other}", migrated.span
            )
            return Difference(message=message, legacy=legacy, migrated=migrated)
        command = words.said(legacy.command)
        for what, mine, theirs in (
            ("in the folder", legacy.directory, migrated.directory),
            ("as the user", legacy.user, migrated.user),
        ):
            if mine != theirs:
                message = f"legacy runs `{command}` {what} `{shown(mine)}`, the new one {what} `{shown(theirs)}`"
                return Difference(message=message, legacy=legacy, migrated=migrated)
        if legacy.volumes != migrated.volumes and not legacy.container:
            return _differ("VOLUME", legacy, migrated)
        return (
            self._environment(legacy, migrated)
            or self._options(legacy, migrated)
            or self._mounts(legacy.mounts, migrated.mounts, legacy, migrated)
        )

    def _environment(self, legacy: Exec, migrated: Exec) -> Difference | None:
        mine, theirs = dict(legacy.environment), dict(migrated.environment)
        command = words.said(legacy.command)
        for name in sorted({*mine, *theirs}):
            if name in mine and name in theirs and mine[name] == theirs[name]:
                continue
            if name in mine and not (name in PROXY_ARGUMENTS and name in theirs and known(mine[name])):
                other = f"as `{shown(theirs[name])}`" if name in theirs else "not at all"
                message = f"legacy's `{command}` sees `{shown(name)}` as `{shown(mine[name])}`, the new one's {other}"
                return Difference(message=message, legacy=legacy, migrated=migrated)
            found = self._extra(name, theirs, legacy, migrated)
            if found is not None:
                return found
        return None

    def _extra(self, name: str, theirs: Mapping[str, str], legacy: Exec, migrated: Exec) -> Difference | None:
        """A variable that only the new side's command sees."""
        command = words.said(legacy.command)
        if name in PROXY_ARGUMENTS:
            self._assume(
                rules.PROXY_ARGUMENT_SHARED,
                f"`{command}` now sees `{name}` too, and is taken to make the same",
                legacy,
            )
        elif name.endswith("?") and (name[:-1] in self.ground.arguments or self.ground.renames(name[:-1])):
            message = (
                f"BuildKit lets `{command}` see `{name[:-1]}`, an ARG of the stage below: it is taken to make the same"
            )
            self._assume(rules.ARGUMENT_HANDED_ON, message, legacy)
        elif self.ground.renames(name):
            self._assume(
                rules.ARGUMENT_RENAMED, f"`{command}` now sees `{name}` too, and is taken to make the same", legacy
            )
        else:
            message = f"the new one's `{command}` sees `{shown(name)}` as `{shown(theirs[name])}`, legacy's doesn't"
            return Difference(message=message, legacy=legacy, migrated=migrated)
        return None

    def _options(self, legacy: Exec, migrated: Exec) -> Difference | None:
        mine, theirs = Counter(legacy.options), Counter(migrated.options)
        lost = mine - theirs
        if lost:
            message = f"legacy runs `{words.said(legacy.command)}` with `--{shown(min(lost))}`, the new one doesn't"
            return Difference(message=message, legacy=legacy, migrated=migrated)
        for option in sorted(theirs - mine):
            if option not in self.ground.options:
                message = f"the new one runs `{words.said(legacy.command)}` with `--{shown(option)}`, legacy doesn't"
                return Difference(message=message, legacy=legacy, migrated=migrated)
            message = (
                f"`--{shown(option)}` now holds for `{words.said(legacy.command)}` too, and is taken to change nothing"
            )
            self._assume(rules.OPTION_MERGED, message, legacy)
        return None

    def _mounts(
        self, mine: tuple[Mounted, ...], theirs: tuple[Mounted, ...], legacy: Exec, migrated: Exec
    ) -> Difference | None:
        if len(mine) != len(theirs) or any(a.text != b.text for a, b in zip(mine, theirs, strict=True)):
            return _differ("RUN --mount", legacy, migrated)
        for one, other in zip(mine, theirs, strict=True):
            if one.shown is not None and other.shown is not None:
                found = self._content(one.shown, other.shown)
                if found is not None:
                    return found
            elif one.shown is not other.shown:
                return _differ("RUN --mount", legacy, migrated)
        return None

    # COPY

    def _put(self, legacy: Put, migrated: Put) -> Difference | None:
        same = {m.digest for m in legacy.landings} & {m.digest for m in migrated.landings}
        mine = [m for m in legacy.landings if m.digest not in same]
        theirs = [m for m in migrated.landings if m.digest not in same]
        if [m.digest for m in legacy.landings if m.digest in same] != [
            m.digest for m in migrated.landings if m.digest in same
        ]:
            return _differ("another order", legacy, migrated)
        pairs, alone_mine, alone_theirs = _paired(mine, theirs)
        for one, other in pairs:
            found = self._landing(one, other)
            if found is not None:
                return found
        if alone_mine or alone_theirs:
            return _differ("", next(iter(alone_mine), None), next(iter(alone_theirs), None))
        return None

    def _landing(self, legacy: Landing, migrated: Landing) -> Difference | None:
        if legacy.digest == migrated.digest:
            return None
        whole = legacy.contents or migrated.contents
        found = self._content(legacy.content, migrated.content, whole=whole, landing=legacy)
        if found is not None:
            # what is taken says more together with where it goes; what is behind it says more by itself
            near = {legacy.content.digest, as_folder(legacy.content).digest}
            taken = found.legacy is not None and found.legacy.digest in near
            return _differ("", legacy, migrated) if taken else found
        # it is the same thing: what is known of it on one side holds on the other
        written, migrated = migrated, settled(replace(migrated, content=legacy.content), self.ground.facts)
        flags = tuple(f for f in legacy.flags if f != "unpacks" or f in migrated.flags)
        if legacy.owner != migrated.owner or legacy.mode != migrated.mode or flags != migrated.flags:
            return _differ("", legacy, written)
        if not self._lands_alike(legacy, migrated):
            return _differ("", legacy, written)
        if flags != legacy.flags:
            message = f"{words.content(legacy.content)} is taken for a file that `ADD` does not unpack"
            self._assume(rules.ADD_ASSUMED_PLAIN, message, legacy)
        for name in legacy.assumed:
            if name not in migrated.assumed:
                message = f"`{name}` is taken from ARG: with the classic builder an ENV of the base image would win"
                self._assume(rules.ARGUMENT_ASSUMED, message, legacy)
        return None

    def _lands_alike(self, legacy: Landing, migrated: Landing) -> bool:
        """Whether two landings of one thing end at the same place."""
        end, other = legacy.destination, migrated.destination
        if _position(legacy) == _position(migrated):
            return True
        kind = kind_of(legacy.content, self.ground.facts)
        what = words.content(legacy.content)
        if end == other and legacy.contents and not migrated.exact:
            return True
        if end == other and legacy.exact and migrated.within is not True:
            if kind is not ArtifactKind.FILE:
                self._assume(
                    rules.FOLDER_MODE_ASSUMED, f"{what} is taken to have the mode 755, should it be a folder", legacy
                )
            return True
        if (
            end in USUAL_FOLDERS
            and legacy.within is None
            and other == joined(end, legacy.name)
            and not migrated.contents
        ):
            message = f"`{end}` is taken for a directory that the base image has"
            self._assume(rules.KIND_ASSUMED, message, legacy)
            return True
        named = joined(end, legacy.name) if legacy.within and legacy.name else end
        if named == other and migrated.within is None and not legacy.contents and not migrated.contents:
            if legacy.within:
                message = f"{what} is taken for a file: the script gives it another name, `{legacy.name}`"
            else:
                message = (
                    f"`{shown(end)}` is taken for the name of the file, not for a directory that the base image has"
                )
            self._assume(rules.KIND_ASSUMED, message, legacy)
            return True
        return False

    # contents

    def _content(
        self, legacy: Content, migrated: Content, *, whole: bool = False, landing: Landing | None = None
    ) -> Difference | None:
        """With `whole`, what a folder holds is meant; `landing` is the COPY that takes it."""
        if legacy.digest == migrated.digest:
            return None
        if isinstance(legacy, Fetched) and not isinstance(migrated, Fetched):
            if not whole:
                self._assume(
                    rules.LINK_ASSUMED_ABSENT,
                    f"{words.content(legacy)} is taken not to be a symbolic link",
                    landing or legacy,
                )
            return self._content(legacy.content, migrated, whole=whole, landing=landing)
        if isinstance(migrated, Repacked) and not isinstance(legacy, Repacked):
            message = (
                f"{words.content(legacy)} is packed and unpacked by the image's `tar`: it is taken to come out the same"
            )
            self._assume(rules.UNPACKED_IN_STAGE, message, landing or legacy)
            return self._content(legacy, migrated.content, whole=whole, landing=landing)
        if isinstance(legacy, Hidden) and not isinstance(migrated, Hidden):
            if legacy.surely:
                message = f"legacy has it without what `{legacy.pattern}` hides, the new one has all of it"
                return Difference(message=message, legacy=legacy, migrated=migrated)
            what = words.content(legacy.content)
            message = f"the ignore pattern `{legacy.pattern}` could hide a part of {what}: it is taken not to"
            self._assume(rules.IGNORE_BELOW_ARTIFACT, message, landing or legacy)
            return self._content(legacy.content, migrated, whole=whole, landing=landing)
        return self._inner(as_folder(legacy) if whole else legacy, migrated, landing=landing)

    def _inner(self, legacy: Content, migrated: Content, *, landing: Landing | None) -> Difference | None:
        """Two contents of one kind, less what holds them."""
        match legacy, migrated:
            case (At(), At()) if legacy.path == migrated.path:
                if _lost(migrated) and not _lost(legacy):
                    return _differ("VOLUME", legacy, migrated)
                return (
                    self._apart(legacy, migrated)
                    if self.ground.apart
                    else self._of_another(legacy.files, migrated.files)
                )
            case (Stdout(), Stdout()):
                return self._of_another(legacy.command, migrated.command)
            case (File(), File()) if (
                legacy.path == migrated.path and legacy.path in self.ground.changed and not legacy.version
            ):
                message = f"`{legacy.path}` is copied, which the migration changes"
                self._assume(rules.CHANGED_FILE_COPIED, message, landing or legacy)
                return None
            case (Tree(), Tree()):
                return self._trees(legacy, migrated, landing=landing)
            case (Assembled(), Assembled()) if [n for n, _ in legacy.entries] == [n for n, _ in migrated.entries]:
                pairs = zip(legacy.entries, migrated.entries, strict=True)
                return next((d for (_, a), (_, b) in pairs if (d := self._content(a, b)) is not None), None)
            case _:
                return self._wrapped(legacy, migrated)

    def _apart(self, legacy: At, migrated: At) -> Difference | None:
        """Two artifacts, each with the compiles alone that have a part in it."""
        mine, dropped = separated(legacy)
        theirs, others = separated(migrated)
        found = self._of_another(mine.files, theirs.files)
        if found is None:
            for each in (*dropped, *others):
                message = f"`{words.said(each.command)}` is taken to have no part in `{shown(legacy.path)}`"
                self._assume(rules.COMPILES_APART, message, each)
        return found

    def _wrapped(self, legacy: Content, migrated: Content) -> Difference | None:
        """Two contents that say the same of another one."""
        match legacy, migrated:
            case (Matching(), Matching()) if legacy.pattern == migrated.pattern:
                return self._content(legacy.content, migrated.content, whole=True)
            case (Member(), Member()) if legacy.path == migrated.path:
                return self._content(legacy.content, migrated.content, whole=True)
            case (Changed(), Changed()) if legacy.words == migrated.words:
                return self._content(legacy.content, migrated.content)
            case (Packed(), Packed()):
                return self._content(legacy.content, migrated.content)
            case (Unpacked(), Unpacked()):
                return self._content(legacy.content, migrated.content)
            case (Fetched(), Fetched()):
                return self._content(legacy.content, migrated.content)
            case (Repacked(), Repacked()):
                return self._content(legacy.content, migrated.content)
            case _:
                return _differ("", legacy, migrated)

    def _of_another(self, legacy: Files, migrated: Files) -> Difference | None:
        """The files of an image that another one takes from."""
        self._inside += 1
        found = self._files(legacy, migrated)
        self._inside -= 1
        return found

    def _trees(self, legacy: Tree, migrated: Tree, *, landing: Landing | None) -> Difference | None:
        """What a build context holds in a folder. The migration itself changes files there, and a mount shows what an ignore file
        hides."""
        mine, theirs = dict(legacy.entries), dict(migrated.entries)
        changed: list[str] = []
        unseen: list[str] = []
        for name in sorted({*mine, *theirs}):
            one, other = mine.get(name), theirs.get(name)
            path = (one or other or "").partition(" as ")[0]
            if one == other:
                continue
            if path in self.ground.changed and (one == path or (one is None and path in self.ground.created)):
                changed.append(path)
            elif landing is not None and landing.mounted and other is None:
                unseen.append(path)
            else:
                which = "legacy" if other is None else "the new one" if one is None else None
                message = (
                    f"only {which} has `{name}` there"
                    if which
                    else f"`{name}` is {one} in legacy, {other} in the new one"
                )
                return Difference(message=message, legacy=landing or legacy, migrated=migrated)
        if changed and not self._inside:
            message = f"the image holds {_first_of(changed)}, which the migration changes"
            self._assume(rules.CHANGED_FILE_COPIED, message, landing or legacy)
        elif changed:
            message = f"the build context holds {_first_of(changed)}, which the migration changes: nothing is taken to come of it"
            self._assume(rules.CONTEXT_FILE_CHANGED, message, landing or legacy)
        if unseen:
            message = (
                f"the container saw {_first_of(unseen)}, which the build context lacks: nothing is taken to come of it"
            )
            self._assume(rules.MOUNT_PARTLY_HIDDEN, message, landing or legacy)
        return None


def _first_of(paths: Sequence[str]) -> str:
    return f"`{paths[0]}`" + (f" and {len(paths) - 1} more files" if len(paths) > 1 else "")


def _position(landing: Landing) -> tuple[str, str, bool | None, bool, bool]:
    return landing.destination, landing.name, landing.within, landing.contents, landing.exact


def _below(files: Files) -> Files | None:
    return None if isinstance(files, Base | Scratch) else files.files


def _chain(files: Files) -> list[Files]:
    """From the base up."""
    found: list[Files] = []
    at_files: Files | None = files
    while at_files is not None:
        found.append(at_files)
        at_files = _below(at_files)
    return found[::-1]


def _is_there(node: Files, before: Sequence[Files], other: Files) -> bool:
    """Whether a folder that docker makes for a mount stands there anyhow: the image's own was cleared for it."""
    if not isinstance(node, Folders) or node.owner != "mounted" or isinstance(other, Folders):
        return False
    cleared = {b.path for b in before if isinstance(b, Emptied)}
    return set(node.paths) <= cleared


def _of_volumes(node: Files, after: Sequence[Files], legacy: Sequence[Files]) -> tuple[str, ...] | None:
    """The folders of a node that are no volumes of the image whose container is run by the command behind it: a container has
    those, an image needn't. None where it is about no container."""
    ran = next((n for n in legacy if isinstance(n, Exec)), None)
    runs = next((n for n in after if isinstance(n, Exec)), None)
    if not isinstance(node, Folders) or ran is None or runs is None or not ran.container:
        return None
    return tuple(p for p in node.paths if p not in runs.volumes)


def _held_already(emptied: Emptied, above: Put, theirs: Sequence[Files]) -> bool:
    """Whether the mount shows what the image holds there from before, so that the new side doesn't copy it again."""
    again = {(each.content.digest, each.destination) for each in above.landings}
    held = {
        (each.content.digest, each.destination)
        for node in _chain(emptied.files)
        if isinstance(node, Put)
        for each in node.landings
    }
    places = Counter(each.destination for node in theirs if isinstance(node, Put) for each in node.landings)
    return again <= held and all(places[destination] < 2 for _, destination in again)


def _made_below(files: Files, path: str, above: Files) -> Expression | None:
    """What the instructions of an image surely put below `path`, but for what is put there again."""
    again = {(e.content.digest, e.destination) for e in (above.landings if isinstance(above, Put) else ())}
    at_files: Files | None = files
    while at_files is not None:
        match at_files:
            case Put(landings=landings):
                for each in landings:
                    if (each.content.digest, each.destination) in again:
                        continue
                    if inside(each.destination, path) or (each.destination == path and (each.contents or each.within)):
                        return each
            case Exec(directory=directory, command=Command()) if directory == path or inside(directory, path):
                return at_files
            case Emptied(path=emptied) if emptied == path:
                return None
            case _:
                pass
        at_files = _below(at_files)
    return None


def _same_places(one: Put, other: Put) -> bool:
    return {e.destination for e in one.landings} == {e.destination for e in other.landings}


def _lost(content: At) -> bool:
    """Whether a builder may have lost it: a command wrote it under a volume, and nothing put it aside."""
    if content.saved:
        return False
    at_files: Files | None = content.files
    while at_files is not None:
        if isinstance(at_files, Exec) and any(content.path == v or inside(content.path, v) for v in at_files.volumes):
            return True
        at_files = _below(at_files)
    return False


def _paired(
    mine: Sequence[Landing], theirs: Sequence[Landing]
) -> tuple[list[tuple[Landing, Landing]], list[Landing], list[Landing]]:
    """Those that end at the same place, then those that hold the same, then in order."""
    waiting = list(theirs)
    pairs: list[tuple[Landing, Landing]] = []
    rest = list(mine)
    keys: tuple[Callable[[Landing], object], ...] = (
        lambda each: (_end(each), as_folder(each.content).digest),
        _end,
        lambda each: as_folder(each.content).digest,
        lambda _each: None,
    )
    for key in keys:
        for one in list(rest):
            other = next((w for w in waiting if key(w) == key(one)), None)
            if other is not None:
                pairs.append((one, other))
                rest.remove(one)
                waiting.remove(other)
    return pairs, rest, waiting


def _end(landing: Landing) -> str:
    return joined(landing.destination, landing.name) if landing.within and landing.name else landing.destination


def _differ(what: str, legacy: Expression | None, migrated: Expression | None) -> Difference:
    about = f"{what}: " if what else ""
    one = (
        words.located(f"legacy {words.step(legacy)}", legacy.span)
        if legacy is not None
        else "legacy has nothing of the kind"
    )
    other = words.located(words.step(migrated), migrated.span) if migrated is not None else "has nothing of the kind"
    return Difference(message=f"{about}{one}; the new one {other}", legacy=legacy, migrated=migrated)
