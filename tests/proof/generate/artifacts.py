"""What travels from the builder to the runtime image: how it is made, taken out and copied, and the right translation of that.

The translation follows docker's rules as measured (`docs/landing.md`), not the tool's planner: `docker cp` and COPY give all to
root, keep modes, nest a folder in one that is there, and name what lands after the host's file.
"""

import posixpath
import random
from dataclasses import dataclass

from tests.proof.generate.stage import Grower
from tests.proof.generate.text import Step, step

SHELF = "dist"
"""The folder of the host that several artifacts may share."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """`inner` are the files of a folder; `roots` says that no owner but root is in it; `open` that a folder's mode is 0755."""

    place: str
    inner: tuple[str, ...] = ()
    roots: bool = True
    open: bool = True

    @property
    def name(self) -> str:
        return posixpath.basename(self.place)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """An artifact on the host."""

    artifact: Artifact
    host: str
    commands: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """One COPY of the legacy runtime, and what it becomes."""

    legacy: Step
    migrated: tuple[Step, ...]
    lands: tuple[str, ...]
    peculiar: str = ""


def make(grower: Grower, r: random.Random) -> list[Artifact]:
    """The last steps of a builder."""
    if grower.plain_user and r.random() < 0.6:
        grower.put(step("USER", r.choice(["root", "0", "0:0"])))
    roots = not grower.plain_user
    folder = r.choice(["/out", "/out", "/build/out", posixpath.join(grower.scope.cwd, "made")]) if roots else "/tmp/out"
    grower.put(step("RUN", f"mkdir -p {folder}"))
    grower.world.folder(folder)
    found: list[Artifact] = []
    for name in r.sample(["tool", "site", "serve.sh", "lib"], r.choice([1, 1, 2, 3])):
        make_one = _folder if name in ("site", "lib") else _file
        found.append(make_one(grower, r, f"{folder}/{name}", roots))
    files = [a for a in found if not a.inner]
    if files and r.random() < 0.2:
        grower.put(step("RUN", f"ln -s {files[0].name} {folder}/latest"))
        found.append(Artifact(place=f"{folder}/latest", roots=files[0].roots))
    if r.random() < 0.3:
        grower.put(step("RUN", f"echo left > {folder}/left.txt"))
    return found


def _file(grower: Grower, r: random.Random, place: str, roots: bool) -> Artifact:
    source = r.choice(grower.world.readable(grower.plain_user))
    texts = [
        f"echo {place} {r.choice(['x', 'y', 'z'])}",
        f'echo "{grower.variable()}"',
        f"cat {source}",
        f"sed s/o/0/ {source}",
    ]
    commands = [f"{r.choice(texts)} > {grower.spell(place)}"]
    if r.random() < 0.6:
        commands.append(f"chmod {r.choice(['755', '755', '640', '600', '4755', 'a+x'])} {grower.spell(place)}")
    owner = r.choice(["", "1000:1000", "1000:1000", "nobody", "0:100"]) if roots else ""
    if owner:
        commands.insert(r.choice([1, len(commands)]), f"chown {owner} {grower.spell(place)}")
    grower.put(step("RUN", *commands))
    return Artifact(place=place, roots=roots and not owner)


def _folder(grower: Grower, r: random.Random, place: str, roots: bool) -> Artifact:
    inner = ("one.txt", "two.txt", "sub/three.txt", "sub/deeper/four")[: r.choice([1, 2, 3, 4])]
    commands = [f"mkdir -p {place}/sub/deeper" if "sub/three.txt" in inner else f"mkdir {place}"]
    commands += [f"echo {r.choice(['a', 'b'])} {name} > {place}/{name}" for name in inner]
    if r.random() < 0.3:
        commands.append(f"ln -s {r.choice(['one.txt', 'none', '/etc/passwd'])} {place}/link")
    open_ = True
    if r.random() < 0.5:
        mode = r.choice(["700", "2775", "1777", "750"])
        open_ = False
        commands.append(f"chmod {mode} {place}")
        if "sub/three.txt" in inner and r.random() < 0.5:
            commands.append(f"chmod {mode} {place}/sub")
    if r.random() < 0.3:
        commands.append(f"chmod {r.choice(['600', '755', '4711'])} {place}/one.txt")
    owner = r.choice(["", "1000:1000", "nobody:nogroup"]) if roots else ""
    if owner:
        commands.append(f"chown {r.choice(['-R ', '-R ', ''])}{owner} {r.choice([place, f'{place}/one.txt'])}")
    grower.put(step("RUN", *commands))
    return Artifact(place=place, inner=inner, roots=roots and not owner, open=open_)


def take(r: random.Random, found: list[Artifact], container: str) -> list[Taken]:
    """What the script does between `docker create` and `docker rm`. A link goes with what it leads to, under its name."""
    keep = ("tool", "serve.sh", "latest") if any(a.name == "latest" for a in found) else ()
    taken = []
    shelf = r.random() < 0.35
    for artifact in found:
        source = f"{container}:{artifact.place if r.random() < 0.85 else artifact.place.lstrip('/')}"
        name = artifact.name
        new = name if name in keep else r.choice([name, name, f"host-{name}"])
        prelude: list[str] = []
        if shelf:
            prelude.append(f"mkdir -p {SHELF}")
            host = f"{SHELF}/{new}"
            to = host if new != name or r.random() < 0.4 else r.choice([SHELF, f"{SHELF}/", f"./{SHELF}"])
        else:
            host = new
            to = host if new != name or r.random() < 0.5 else r.choice([".", "./", f"./{name}"])
        if artifact.inner and to.rstrip("/").endswith(new) and r.random() < 0.4:
            source += "/."
            if r.random() < 0.6:
                prelude.append(f"mkdir -p {host}")
        commands = [*prelude, f"docker cp {source} {to}"]
        if name not in keep and not shelf and r.random() < 0.08:
            commands.append(f"mv {host} moved-{name}")
            host = f"moved-{name}"
        taken.append(Taken(artifact=artifact, host=host, commands=tuple(commands)))
    return taken


def copies(r: random.Random, grower: Grower, taken: list[Taken], *, buildkit: bool, mixed: str) -> list[Copied]:
    """How the runtime takes the artifacts; `grower` stands where the COPY will be. `mixed` is a file of the repository."""
    shelved = [t for t in taken if t.host.startswith(f"{SHELF}/")]
    if shelved and r.random() < 0.5:
        return [_whole_shelf(r, grower, shelved)]
    return [_one(r, grower, t, buildkit=buildkit, mixed=mixed) for t in taken]


def _flags(r: random.Random, artifact: Artifact, buildkit: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Those of the legacy COPY, and of its translation."""
    own = r.choice(["", "", "", "--chown=1000:1000", "--chown=nobody:nogroup", "--chown=0:100"])
    mode = r.choice(["--chmod=0750", "--chmod=644"]) if buildkit and r.random() < 0.1 else ""
    kept = own or ("" if artifact.roots and r.random() < 0.6 else "--chown=0:0")
    return (own, mode), (kept, mode)


def _from(source: str, to: str, flags: tuple[str, ...]) -> Step:
    return step("COPY", source, to, flags=("--from=builder", *flags))


def _one(r: random.Random, grower: Grower, taken: Taken, *, buildkit: bool, mixed: str) -> Copied:
    artifact, host = taken.artifact, taken.host
    name = posixpath.basename(host)
    legacy_flags, flags = _flags(r, artifact, buildkit)
    place = r.choice(
        [
            "/usr/local/bin",
            "/srv",
            "/opt/kit",
            f"/srv/{name}.d",
            grower.scope.cwd.rstrip("/") or "/data",
            "/etc/new/way",
        ]
    )
    spelled = grower.spell(place)
    word = "ADD" if r.random() < 0.1 else "COPY"
    written = r.choice([host, host, f"./{host}", f"/{host}"])
    if artifact.inner:
        roll = r.random()
        if roll < 0.2:
            inner = r.choice(artifact.inner)
            to = f"{place}/{posixpath.basename(inner)}"
            return Copied(
                legacy=step(word, f"{written}/{inner}", f"{spelled}/", flags=legacy_flags),
                migrated=(_from(f"{artifact.place}/{inner}", f"{spelled}/", flags),),
                lands=(to,),
            )
        if roll < 0.35:
            return Copied(
                legacy=step(word, f"{written}/*.txt", f"{spelled}/", flags=legacy_flags),
                migrated=(_from(f"{artifact.place}/*.txt", f"{spelled}/", flags),),
                lands=tuple(f"{place}/{n}" for n in artifact.inner if n.endswith(".txt") and "/" not in n),
            )
        end = r.choice(["", "/", f"/{name}", f"/{name}/"])
        lands = tuple(f"{place}{end.rstrip('/')}/{n}" for n in artifact.inner)
        return Copied(
            legacy=step(word, r.choice([written, f"{written}/"]), f"{spelled}{end}", flags=legacy_flags),
            migrated=(_from(r.choice([artifact.place, f"{artifact.place}/"]), f"{spelled}{end}", flags),),
            lands=lands,
        )
    roll = r.random()
    if roll < 0.2 and name == artifact.name and place in (grower.scope.cwd, "/data"):
        to = "." if grower.scope.cwd == place else f"{place}/"
        return Copied(
            legacy=step(word, written, to, flags=legacy_flags),
            migrated=(_from(artifact.place, r.choice([to, f"{place}/{name}"]), flags),),
            lands=(f"{place}/{name}",),
        )
    if roll < 0.35 and mixed:
        return Copied(
            legacy=step("COPY", mixed, written, f"{spelled}/", flags=legacy_flags),
            migrated=(
                step("COPY", mixed, f"{spelled}/", flags=legacy_flags),
                _from(artifact.place, f"{spelled}/{name}", flags),
            ),
            lands=(f"{place}/{posixpath.basename(mixed)}", f"{place}/{name}"),
        )
    if roll < 0.6:
        other = grower.new("made")
        return Copied(
            legacy=step(word, written, f"{spelled}/{other}", flags=legacy_flags),
            migrated=(_from(artifact.place, f"{spelled}/{other}", flags),),
            lands=(f"{place}/{other}",),
        )
    same = name == artifact.name and r.random() < 0.5
    return Copied(
        legacy=step(word, written, f"{spelled}/", flags=legacy_flags),
        migrated=(_from(artifact.place, f"{spelled}/" if same else f"{spelled}/{name}", flags),),
        lands=(f"{place}/{name}",),
    )


def _whole_shelf(r: random.Random, grower: Grower, shelved: list[Taken]) -> Copied:
    """The folder with all that lies in it: a folder in it keeps its mode, where `COPY --from` of that folder alone makes one of 0755.
    A pattern that matches a folder takes what is in it, and a link that is named is followed."""
    place = r.choice(["/srv/all", "/opt/kit", "/data"])
    spelled = grower.spell(place)
    linked = any(t.artifact.name == "latest" for t in shelved)
    pattern = r.random() < 0.3 and not linked
    steps, lands = [], []
    for t in shelved:
        name = posixpath.basename(t.host)
        flags = ("" if t.artifact.roots and r.random() < 0.5 else "--chown=0:0",)
        if t.artifact.inner:
            end = "" if pattern else f"/{name}"
            steps.append(_from(t.artifact.place, f"{spelled}{end}/", flags))
            lands += [f"{place}{end}/{n}" for n in t.artifact.inner]
        else:
            steps.append(_from(t.artifact.place, f"{spelled}/{name}", flags))
            lands.append(f"{place}/{name}")
    closed = any(t.artifact.inner and not t.artifact.open for t in shelved) and not pattern
    peculiar = "mode of a folder that lay in the copied one" if closed else ""
    if linked:
        peculiar = "a link that lay in the copied folder"
    return Copied(
        legacy=step("COPY", f"{SHELF}/*" if pattern else r.choice([SHELF, f"{SHELF}/"]), f"{spelled}/"),
        migrated=tuple(steps),
        lands=tuple(lands),
        peculiar=peculiar,
    )
