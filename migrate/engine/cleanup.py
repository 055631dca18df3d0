"""Takes away all that a run made, and nothing else: its processes, containers, tags, images and its scratch folder.

Used by the run itself when it ends, whatever ends it, and for the journal's entries of runs that were killed. What is the
run's is known by its names; which images are, by their ancestry and by what was on the engine before it began.
"""

import json
import os
import re
import shutil
import signal
import stat
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from migrate.engine import journal
from migrate.engine.client import EngineClient, ListedImage, resolved
from migrate.engine.journal import Entry, JournalError
from migrate.engine.policy import CONNECTION

STEPS = "steps"
"""In a side's folder: what it printed of the ids of images between two steps, a line each."""
_QUIET_SECONDS = 0.5
"""An engine whose client was killed ends what it is at within 0.25 s (20.10, both builders, measured), and may make a container
or a tag until then."""
_STEP_SECONDS = 2.0
"""The classic builder takes the container of a step that was cancelled away by itself, up to a second later (measured). It has no
name of ours, and could be another's: it is waited for, not removed."""
_TRY_SECONDS = 10.0
_PAUSE_SECONDS = 0.1
_ID = re.compile(r"(?:sha256:)?[0-9a-f]{64}|[0-9a-f]{12}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaned:
    """What was taken away, counted; `left` says what could not be, and why. `processes` are those of the run's script that went
    on without it."""

    processes: int = 0
    containers: int = 0
    tags: int = 0
    images: int = 0
    folders: int = 0
    left: tuple[str, ...] = ()


def new_entry(client: EngineClient, environment: Mapping[str, str], prefix: str, folder: Path) -> Entry:
    """The entry of a run of this process that begins now, with what is on the engine. Raises EngineUnavailable."""
    # as what it comes to now: a context may be another one by the time this is read
    named = resolved(environment)
    connection = {n: named.get(n) for n in CONNECTION}
    return Entry(
        prefix=prefix,
        folder=str(folder),
        connection=connection,
        engine=client.identity(),
        pid=os.getpid(),
        started=journal.process_start(os.getpid()),
        boot=journal.boot_id(),
        time=time.time(),
        # what another run has made so far is among them, and goes with that one's entry, which stays while this run is at work
        there=tuple(sorted(i.image_id for i in client.images())),
    )


def take_away(entry: Entry, kept: Path, client: EngineClient | None, *, settle: bool) -> Cleaned:
    """Take away all that the run of `entry` made, and the entry, from the journal's folder `kept`; where something is left, the
    entry stays. `client` is None where the run's engine can't be reached: then what is not on the engine goes. With `settle`
    the engine may still be at something, and is given time. Raises EngineUnavailable where it goes away meanwhile, after what is
    not on it is gone."""
    folder = Path(entry.folder)
    processes = _stop_processes(folder)
    entry = replace(entry, made=tuple(sorted({*entry.made, *_noted(folder)})))
    _note(kept, entry)
    cleaned = Cleaned()
    try:
        if client is not None:
            cleaned, entry = _names(entry, kept, client, settle=settle or processes > 0)
    finally:
        folders, left = _remove_folder(folder)
    images = _images(entry, kept, client) if client is not None and not cleaned.left else 0
    return replace(cleaned, processes=processes, folders=folders, images=images, left=(*cleaned.left, *left))


def _names(entry: Entry, kept: Path, client: EngineClient, *, settle: bool) -> tuple[Cleaned, Entry]:
    """Containers and tags, again and again until none comes any more; the entry, with the images that were made."""
    began = time.monotonic()
    quiet = began + (_QUIET_SECONDS if settle else 0)
    containers: set[str] = set()
    tags: set[str] = set()
    while True:
        refused = []
        found = client.containers(entry.prefix)
        for container in found:
            why = client.remove_container(container)
            refused += [f"container {container[:12]}: {why}"] if why else []
        listed = client.images()
        made = _made(entry, listed)
        if made - set(entry.made):
            # noted ahead of taking the tags away: afterwards nobody would know whose they are
            entry = replace(entry, made=tuple(sorted({*entry.made, *made})))
            _note(kept, entry)
        own = [(t, i) for i in listed for t in i.tags if t.startswith(f"{entry.prefix}/")]
        alone = not _others(entry, kept)
        for tag, image in own:
            last = all(t.startswith(f"{entry.prefix}/") for t in image.tags)
            stays = last and (image.image_id in entry.there or not alone)
            why = client.move_tag_off(tag) if stays else client.remove_image(tag)
            refused += [f"tag {tag}: {why}"] if why else []
        containers.update(found)
        tags.update(t for t, _ in own)
        now = time.monotonic()
        if found or own:
            quiet = max(quiet, now + (_QUIET_SECONDS if settle else 0))
        elif now >= quiet and not (
            settle and now - began < _STEP_SECONDS and client.containers("", since=int(entry.time))
        ):
            return Cleaned(containers=len(containers), tags=len(tags)), entry
        if now - began > _TRY_SECONDS:
            left = tuple(refused) or (f"new containers or tags of {entry.prefix} keep coming",)
            return Cleaned(containers=len(containers), tags=len(tags), left=left), entry
        if refused or settle:
            time.sleep(_PAUSE_SECONDS)


def _note(kept: Path, entry: Entry) -> None:
    """A disk that is full keeps nothing from being taken away."""
    with suppress(JournalError):
        journal.write(kept, entry)


def _images(entry: Entry, kept: Path, client: EngineClient) -> int:
    """Images without a name, once no other run is at work on the engine: a build of it may be about to use one. So the last
    one takes them away for all. Returns how many."""
    with journal.locked(kept):
        entry = replace(entry, closed=True)
        _note(kept, entry)
        if _others(entry, kept):
            return 0
        closed = [e for e in journal.read(kept)[0] if e.closed and _same_engine(e, entry)]
    count = _remove_images(closed, client)
    for each in closed:
        if not os.path.lexists(each.folder):
            journal.remove(kept, each)
    return count


def _remove_images(entries: Iterable[Entry], client: EngineClient) -> int:
    """Those without a tag, the last of a line first, which goes from one run's to another's. One that others use is refused by
    the engine, and is theirs now."""
    listed = {i.image_id: i for i in client.images()}
    mine = {i for e in entries for i in _made(e, listed.values())}

    def depth(image_id: str) -> int:
        parent = listed[image_id].parent
        return 1 + depth(parent) if parent in mine and parent in listed else 0

    untagged = [i for i in mine if i in listed and not listed[i].tags]
    return sum(client.remove_image(i) is None for i in sorted(untagged, key=depth, reverse=True))


def _made(entry: Entry, listed: Iterable[ListedImage]) -> set[str]:
    """Ids of the images that the run made: those with its names or of its notes, and what the classic builder made them from,
    less what was there before."""
    images = {i.image_id: i for i in listed}
    there = set(entry.there)
    noted = {n.removeprefix("sha256:") for n in entry.made}
    short = {n for n in noted if len(n) < 64}
    made: set[str] = set()
    waiting = [
        i.image_id
        for i in images.values()
        if any(t.startswith(f"{entry.prefix}/") for t in i.tags)
        or (digest := i.image_id.removeprefix("sha256:")) in noted
        or digest[:12] in short
    ]
    while waiting:
        image_id = waiting.pop()
        if image_id in images and image_id not in made and image_id not in there:
            made.add(image_id)
            waiting.append(images[image_id].parent)
    return made


def _others(entry: Entry, kept: Path) -> list[Entry]:
    """Runs that are at work on the same engine."""
    found, _ = journal.read(kept)
    return [e for e in found if e.prefix != entry.prefix and not e.closed and _same_engine(e, entry) and e.alive]


def _same_engine(one: Entry, other: Entry) -> bool:
    # podman calls itself something else each time
    return one.engine == other.engine or one.connection == other.connection


def _noted(folder: Path) -> set[str]:
    """Ids of images from what the stand-ins and the builds of a run wrote down; the last line may be cut off."""
    noted: set[str] = set()
    for log in folder.glob("*/log.jsonl"):
        for line in _lines(log):
            with suppress(ValueError, TypeError, KeyError, AttributeError):
                noted.update(str(i["id"]) for i in json.loads(line)["images"])
    for steps in folder.glob(f"*/{STEPS}"):
        noted.update(_lines(steps))
    return {n for n in noted if _ID.fullmatch(n)}


def _lines(path: Path) -> list[str]:
    try:
        # a script could put anything there
        return path.read_text(errors="replace").splitlines() if path.is_file() else []
    except OSError:
        return []


def _stop_processes(folder: Path) -> int:
    """End what a run's script left running: those are told by the run's folder on their PATH, or in it, which nobody else has.
    Without /proc none is found."""
    mark = os.fsencode(folder)
    stopped: set[int] = set()
    end = time.monotonic() + _TRY_SECONDS
    while time.monotonic() < end:
        running = [p for p in _processes() if _belongs(p, mark)]
        if not running:
            break
        for pid in running:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
                stopped.add(pid)
        if not stopped.issuperset(running):
            break
        time.sleep(_PAUSE_SECONDS / 10)
    return len(stopped)


def _processes() -> list[int]:
    try:
        return [int(n) for n in os.listdir("/proc") if n.isdigit() and int(n) != os.getpid()]  # noqa: PTH208 -- names alone
    except OSError:
        return []


def _belongs(pid: int, mark: bytes) -> bool:
    """A process that has ended has neither."""
    proc = Path("/proc", str(pid))
    with suppress(OSError):
        directory = os.fsencode(proc.joinpath("cwd").readlink())
        if directory == mark or directory.startswith(mark + b"/"):
            return True
    with suppress(OSError):
        variables = proc.joinpath("environ").read_bytes().split(b"\0")
        return any(v.startswith(b"PATH=" + mark + b"/") for v in variables)
    return False


def _remove_folder(folder: Path) -> tuple[int, list[str]]:
    """With what was made unwritable in it. What a container made there as root, another user can't remove: it is told."""
    if not os.path.lexists(folder):
        return 0, []
    shutil.rmtree(folder, ignore_errors=True)
    if os.path.lexists(folder):
        if not folder.is_symlink():
            with suppress(OSError):
                folder.chmod(0o700)
        for directory, names, _ in os.walk(folder):
            for path in (directory, *(os.path.join(directory, n) for n in names)):  # noqa: PTH118 -- bytes that are no text
                with suppress(OSError):
                    if stat.S_ISDIR(os.lstat(path).st_mode):
                        os.chmod(path, 0o700)  # noqa: PTH101 -- as above
        shutil.rmtree(folder, ignore_errors=True)
    if os.path.lexists(folder):
        return 0, [f"folder {folder}: it holds files of another user, such as a container makes; remove it as root"]
    return 1, []
