"""Random instructions for one stage, over busybox. What a stage holds is followed just well enough that most builds succeed."""

import io
import posixpath
import random
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.proof.generate.text import Scope, Step, step

NOBODY = ("1000", "1000:1000", "nobody", "65534:65534", "1000:100")
OWNERS = (*("1000:1000", "1000", "0:0", "0:100", "nobody:nogroup", "65534:0", "root:root") * 2, "nobody")
FILE_MODES = ("600", "640", "700", "755", "4755", "u+x", "go-r", "2755", "1644")
FOLDER_MODES = ("700", "750", "1777", "2775", "777", "go-rx")
PLACES = ("/srv", "/opt/kit", "/data", "/etc/kit", "/var/lib/kit", "/usr/local/bin")
NAMES = ("MODE", "LEVEL", "VERSION", "KIND")
PREDEFINED = "no_proxy"
"""A build argument that every RUN sees, without an ARG."""
WORDS = ("fast", "slow", "1.2", "alpha", "x-y", "a_b", "7")
IGNORES: Mapping[str, frozenset[str]] = {
    "*.md": frozenset({"notes.md"}),
    "data/deep": frozenset({"data/deep/three"}),
    "**/*.ini": frozenset({"conf/c.ini"}),
    "conf/[ab].cfg": frozenset({"conf/a.cfg", "conf/b.cfg"}),
    "data/*\n!data/two.txt": frozenset({"data/one.txt", "data/deep/three", "data/link"}),
    "static": frozenset({"static/index.html"}),
}
"""Lines of an ignore file, and what they hide of the repository."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A file of a repository; with `link` a symbolic link, whose target is the text."""

    text: str
    mode: int = 0o644
    link: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What a COPY may name: `lands` are the paths below its destination."""

    written: str
    lands: tuple[str, ...]
    file: bool


def repository(r: random.Random) -> dict[str, Held]:
    """The files of a repository that its builds copy."""

    def held(name: str, mode: int = 0o644) -> Held:
        return Held(text=f"{name} {r.choice(WORDS)}\n", mode=r.choice([mode, mode, mode, 0o600, 0o755]))

    names = ("app.conf", "notes.md", "data/one.txt", "data/two.txt", "data/deep/three")
    files = {n: held(n) for n in (*names, "static/index.html", "conf/a.cfg", "conf/b.cfg", "conf/c.ini")}
    files["run.sh"] = Held(text=f"#!/bin/sh\necho {r.choice(WORDS)}\n", mode=0o755)
    files["kit.tar"] = Held(text=packed())
    if r.random() < 0.4:
        files["data/link"] = Held(text=r.choice(["one.txt", "deep", "none"]), link=True)
    return files


def packed() -> str:
    """A tar, which ADD unpacks and COPY doesn't, as text: nothing but ASCII is in it."""
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, owner, mode in (("kit/a", 1000, 0o640), ("kit/b", 0, 0o755)):
            member = tarfile.TarInfo(name)
            member.size, member.uid, member.gid, member.mode, member.mtime = 2, owner, owner, mode, 1_000_000_000
            tar.addfile(member, io.BytesIO(b"x\n"))
    return held.getvalue().decode("ascii")


def sources(files: Mapping[str, Held], hidden: frozenset[str]) -> list[Source]:
    """Every way in which the context's files are named."""
    seen = [f for f in files if f not in hidden]
    found = []
    for path in ("app.conf", "notes.md", "run.sh", "data/one.txt", "data/two.txt", "conf/c.ini"):
        if path in seen:
            spelled = (path, f"./{path}", f"/{path}")
            found += [Source(written=s, lands=(posixpath.basename(path),), file=True) for s in spelled]
    for folder in ("data", "conf", "static", "data/deep"):
        below = tuple(f.removeprefix(f"{folder}/") for f in seen if f.startswith(f"{folder}/"))
        if below:
            found += [
                Source(written=s, lands=below, file=False) for s in (folder, f"{folder}/", f"./{folder}", f"{folder}/.")
            ]
    found += [Source(written="kit.tar", lands=(), file=False)] * 2
    found.append(Source(written="build.sh", lands=("build.sh",), file=True))  # which the two sides have otherwise
    globs = {
        "conf/*.cfg": ("conf/a.cfg", "conf/b.cfg"),
        "conf/[a-b].cfg": ("conf/a.cfg", "conf/b.cfg"),
        "data/t*.txt": ("data/two.txt",),
        "*.conf": ("app.conf",),
        "conf/?.*": ("conf/a.cfg", "conf/b.cfg", "conf/c.ini"),
    }
    for glob, matched in globs.items():
        left = tuple(posixpath.basename(m) for m in matched if m in seen)
        if left:
            found.append(Source(written=glob, lands=left, file=False))
    return found


@dataclass(slots=True, kw_only=True)
class World:
    """What is known of a stage's file system. `hidden` can't be read by everyone; what RUN writes under a volume may be lost."""

    files: list[str] = field(default_factory=lambda: ["/etc/passwd"])
    folders: list[str] = field(default_factory=lambda: ["/tmp", "/etc", "/home"])
    hidden: set[str] = field(default_factory=set)
    volumes: list[str] = field(default_factory=list)

    def add(self, path: str) -> None:
        if not any(below(path, v) for v in self.volumes) and path not in self.files:
            self.files.append(path)

    def forget(self, path: str) -> None:
        self.files = [f for f in self.files if not below(f, path)]
        self.folders = [f for f in self.folders if not below(f, path)]

    def folder(self, path: str) -> None:
        """It is there, and so is all above it."""
        while path != "/" and path not in self.folders:
            self.folders.append(path)
            path = posixpath.dirname(path)

    def readable(self, by_all: bool) -> list[str]:
        kept = [f for f in self.files if not (by_all and any(below(f, h) for h in self.hidden))]
        return kept if by_all else self.files


def below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder.rstrip('/')}/")


class Grower:
    """Writes the steps of one stage. `taken` are the build arguments that are given to it."""

    def __init__(
        self,
        r: random.Random,
        chosen: list[Source],
        taken: Mapping[str, str],
        heads: Mapping[str, str],
        *,
        buildkit: bool,
        numbers: str,
    ) -> None:
        self.r = r
        self.scope = Scope()
        self.world = World()
        self.steps: list[Step] = []
        self.triggers: list[Step] = []
        self.sources, self._taken, self._heads, self._buildkit = chosen, taken, heads, buildkit
        self._numbers, self._made = numbers, 0

    def new(self, stem: str = "f") -> str:
        """A name that nothing has yet."""
        self._made += 1
        return f"{stem}{self._numbers}{self._made}"

    @property
    def plain_user(self) -> bool:
        return self.scope.user.partition(":")[0] not in ("", "root", "0")

    def put(self, *new: Step) -> None:
        for s in new:
            self.steps.append(s)
            self.scope.follow(s, self._taken, self._heads)

    def spell(self, path: str) -> str:
        """A path as it may be written here: absolute, relative or by a variable."""
        found = [path, path, path]
        if self.scope.cwd != "/" and path.startswith(f"{self.scope.cwd}/"):
            found += [path.removeprefix(f"{self.scope.cwd}/")] * 2
        for name, value in self.scope.values.items():
            if value.startswith("/") and below(path, value):
                found += [f"${{{name}}}{path.removeprefix(value)}"] * 2
        return self.r.choice(found)

    def place(self) -> str:
        """Where something is put, be it there or not."""
        return self.r.choice([*PLACES, *self.world.folders[1:]])

    def variable(self) -> str:
        known = [n for n in self.scope.values if n not in ("DIR", "PATH")]
        name = self.r.choice([*known, *known, *NAMES, *(n for n in self._taken if n == PREDEFINED)])
        return self.r.choice([f"${name}", f"${{{name}}}", f"${{{name}:-none}}", f"${{{name}:+set}}"])

    def grow(self, count: int, kinds: tuple[str, ...]) -> None:
        for _ in range(count):
            getattr(self, f"_{self.r.choice(kinds)}")()

    def _workdir(self) -> None:
        written = self.r.choice(["/srv/kit", "/opt/kit", "inner", "inner/deep", "/data/", "/srv//kit/.", "..", "$DIR"])
        if written == "$DIR" and "DIR" not in self.scope.values:
            written = "/var/lib/kit"
        self.put(step("WORKDIR", written))
        self.world.folder(self.scope.cwd)

    def _env(self) -> None:
        r = self.r
        if "DIR" not in self.scope.env and r.random() < 0.4:
            self.put(step("ENV", f"DIR={r.choice(PLACES[:4])}"))
            return
        if r.random() < 0.1:
            self.put(step("ENV", "PATH=/opt/kit/bin:$PATH"))
            return
        value = r.choice([*WORDS, '"two words"', f"{self.variable()}-x", "''", f'"{self.variable()} and more"'])
        pairs = [f"{r.choice(NAMES)}={value}"]
        if r.random() < 0.3:
            pairs.append(f"EXTRA={r.choice(WORDS)}{self.variable()}")
        self.put(step("ENV", *pairs))

    def _arg(self) -> None:
        r = self.r
        name = r.choice(
            [*(n for n in self._taken if n != PREDEFINED), *NAMES, *(n for n in self._heads if r.random() < 0.5)]
        )
        name = "TARGETOS" if r.random() < 0.04 else name
        self.put(step("ARG", r.choice([name, f"{name}={r.choice(WORDS)}"])))

    def _user(self) -> None:
        self.put(step("USER", self.r.choice([*NOBODY, "root", "0", "0:0"])))

    def _copy(self) -> None:
        r = self.r
        if r.random() < 0.04:
            to = f"{self.place()}/{self.new()}"
            self.world.folder(posixpath.dirname(to))
            self.put(step("COPY", "/etc/apk/world", to, flags=("--from=alpine",)))
            return
        picked = [r.choice(self.sources)]
        while r.random() < 0.2 and len(picked) < 3:
            picked.append(r.choice(self.sources))
        archive = any(p.written == "kit.tar" for p in picked)
        word = "ADD" if r.random() < (0.7 if archive else 0.15) else "COPY"
        chown = f"--chown={r.choice(OWNERS)}" if r.random() < 0.25 else ""
        chmod = f"--chmod={r.choice(['600', '755', '0640'])}" if self._buildkit and r.random() < 0.06 else ""
        names = [n for p in picked for n in p.lands]
        if len(names) == 1 and picked[0].file and r.random() < 0.5:
            to = f"{self.place()}/{r.choice([self.new(), self.new(), 'main.conf'])}"
            self.world.folder(posixpath.dirname(to))
            self.world.add(to)
            written, made = self.spell(to), [to]
        else:
            place = r.choice([self.place(), self.place(), self.scope.cwd.rstrip("/") or "/srv", f"{self.place()}/sub"])
            written = f"{self.spell(place)}/"
            if self.scope.path(".") == place:
                written = r.choice([written, "./", "." if len(picked) == 1 and picked[0].file else "./"])
            elif not any(p.file for p in picked) and len(picked) == 1 and "*" not in picked[0].written:
                written = r.choice([written, written.rstrip("/")])
            if archive or "[" in picked[0].written or "?" in picked[0].written:
                written = f"{written.rstrip('/')}/"
            self.world.folder(place)
            made = [posixpath.normpath(f"{place}/{n}") for n in names if n != "link"]
            for path in made:
                self.world.folder(posixpath.dirname(path))
                self.world.add(path)
        self.world.hidden.update(made)  # some of the repository's files are their owner's alone
        exec_form = r.random() < 0.1
        self.put(step(word, *(p.written for p in picked), written, flags=(chown, chmod), exec_form=exec_form))

    def _run(self) -> None:
        commands: list[str] = []
        while not commands or (self.r.random() < 0.35 and len(commands) < 4):
            commands += self._commands()
        self.put(step("RUN", *commands))

    def _commands(self) -> list[str]:
        """What one command line does; with another user, only what needs no right."""
        writing = [self._write, self._write, self._shown, self._who, self._derive, self._loop, self._umask, self._there]
        changing = [self._mkdir, self._append, self._duplicate, self._own, self._own, self._mode, self._mode]
        rare = [self._link, self._remove, self._move, self._enter]
        return self.r.choice(writing if self.plain_user else [*writing, *changing, *rare])()

    def _target(self) -> str:
        """A file that isn't there yet, in a folder where the user may write."""
        path = f"{'/tmp' if self.plain_user else self.r.choice(self.world.folders)}/{self.new()}"
        self.world.add(path)
        return path

    def _readable(self) -> str:
        return self.r.choice(self.world.readable(self.plain_user)[-8:] or ["/etc/passwd"])

    def _write(self) -> list[str]:
        word = self.r.choice([*WORDS, "'far  apart'"])
        return [f"echo {word} > {self.spell(self._target())}"]

    def _shown(self) -> list[str]:
        return [f'echo "{self.variable()} {self.variable()}" > {self.spell(self._target())}']

    def _who(self) -> list[str]:
        what = self.r.choice(["id -u", "pwd", "echo $HOME", "echo $0", "umask", "ls -ld .", "id -G", "echo $PATH"])
        if what == "ls -ld .":
            what = "stat -c '%U:%G %a' ."
        return [f"{what} > {self.spell(self._target())}"]

    def _derive(self) -> list[str]:
        source = self.spell(self._readable())
        to = self.spell(self._target())
        return [
            self.r.choice(
                [f"cat {source} > {to}", f"sed s/a/b/ {source} > {to}", f"wc -c < {source} > {to}", f"cp {source} {to}"]
            )
        ]

    def _loop(self) -> list[str]:
        to = self._target()
        return [f"for i in {self.r.choice(['a b', '1 2 3'])}; do echo $i >> {to}; done"]

    def _umask(self) -> list[str]:
        to = self._target()
        self.world.hidden.add(to)
        return [f"(umask {self.r.choice(['027', '077'])}; echo {self.r.choice(WORDS)} > {to})"]

    def _there(self) -> list[str]:
        if self.r.random() < 0.5:
            return [f"if [ -e /nowhere ]; then echo there > /tmp/{self.new()}; fi"]
        return [f"if [ -e {self._readable()} ]; then echo there > {self.spell(self._target())}; fi"]

    def _mkdir(self) -> list[str]:
        path = f"{self.place()}/{self.new('d')}"
        self.world.folder(path)
        mode = self.r.choice(["", "", "", "-m 700 ", "-m 1777 "])
        if "700" in mode:
            self.world.hidden.add(path)
        return [f"mkdir -p {mode}{self.spell(path)}"]

    def _append(self) -> list[str]:
        return [f"echo {self.r.choice(WORDS)} >> {self.spell(self._known())}"]

    def _known(self) -> str:
        """A file that the stage itself has made, or a new one."""
        known = [f for f in self.world.files if f != "/etc/passwd"]
        if known:
            return self.r.choice(known[-6:])
        path = f"/tmp/{self.new()}"
        self.world.add(path)
        self.put(step("RUN", f"echo first > {path}"))
        return path

    def _duplicate(self) -> list[str]:
        kept = self.r.choice(["", "-p ", "-a "])
        return [f"cp {kept}{self.spell(self._known())} {self.spell(self._target())}"]

    def _own(self) -> list[str]:
        folders = [f for f in self.world.folders if below(f, "/srv") or f.startswith("/opt/kit") or below(f, "/data")]
        if folders and self.r.random() < 0.4:
            return [f"chown -R {self.r.choice(OWNERS)} {self.spell(self.r.choice(folders))}"]
        return [f"chown {self.r.choice(OWNERS)} {self.spell(self._known())}"]

    def _mode(self) -> list[str]:
        folders = [f for f in self.world.folders if any(below(f, p) and f != "/usr/local/bin" for p in PLACES)]
        if folders and self.r.random() < 0.4:
            path = self.r.choice(folders)
            self.world.hidden.add(path)
            return [f"chmod {self.r.choice(FOLDER_MODES)} {self.spell(path)}"]
        path = self._known()
        self.world.hidden.add(path)
        return [f"chmod {self.r.choice(FILE_MODES)} {self.spell(path)}"]

    def _link(self) -> list[str]:
        known = self._known()
        to = self._target()
        how = self.r.choice(["ln -s", "ln -s", "ln", "ln -sf"])
        return [f"{how} {known} {self.spell(to)}"]

    def _remove(self) -> list[str]:
        path = self._known()
        self.world.forget(path)
        return [f"rm {self.r.choice(['', '-f '])}{self.spell(path)}"]

    def _move(self) -> list[str]:
        path = self._known()
        to = self._target()
        written = self.spell(path)
        self.world.forget(path)
        return [f"mv {written} {self.spell(to)}"]

    def _enter(self) -> list[str]:
        folder = self.r.choice(self.world.folders)
        name = self.new()
        self.world.add(f"{folder}/{name}")
        return [f"(cd {self.spell(folder)} && pwd > {name})"]

    def _volume(self) -> None:
        known = [f for f in self.world.folders if f not in ("/tmp", "/etc", "/home", "/usr/local/bin", "/usr", "/var")]
        path = self.r.choice(known or ["/home"])
        self.world.volumes.append(path)
        self.put(step("VOLUME", path, exec_form=self.r.random() < 0.4))

    def _expose(self) -> None:
        self.put(step("EXPOSE", *self.r.sample(["80", "8080/tcp", "53/udp", "9000-9001"], self.r.choice([1, 1, 2]))))

    def _label(self) -> None:
        r = self.r
        if r.random() < 0.1:
            self.put(step("ENV", "PATH=/opt/kit/bin:$PATH"))
            return
        value = r.choice([*WORDS, '"two words"', f'"{self.variable()}"', self.variable()])
        pairs = [f"{r.choice(['org.kit.name', 'kit', 'of'])}={value}"]
        self.put(step("LABEL", *pairs, *(["second=2"] if r.random() < 0.3 else [])))

    def _cmd(self) -> None:
        self.put(self._command("CMD"))

    def _entrypoint(self) -> None:
        self.put(self._command("ENTRYPOINT"))

    def _command(self, word: str) -> Step:
        r = self.r
        if r.random() < 0.06:
            return step(word, exec_form=True)
        if r.random() < 0.5:
            return step(word, r.choice(["run --fast", f"echo {self.variable()}", "exec cat /etc/passwd"]))
        return step(
            word, *r.choice([("run",), ("run", "--fast"), ("echo", "$MODE"), ("sh", "-c", "a b")]), exec_form=True
        )

    def _shell(self) -> None:
        words = self.r.choice([("/bin/sh", "-ec"), ("/bin/busybox", "sh", "-c"), ("/bin/sh", "-c"), ("/bin/ash", "-c")])
        self.put(step("SHELL", *words, exec_form=True))

    def _healthcheck(self) -> None:
        self.put(
            self.r.choice(
                [
                    step("HEALTHCHECK", "CMD", "true"),
                    step("HEALTHCHECK", "CMD", '["true", "x"]', flags=("--interval=5s", "--retries=2")),
                    step("HEALTHCHECK", "NONE"),
                    step("HEALTHCHECK", "CMD", "cat /etc/passwd", flags=("--timeout=3s",)),
                ]
            )
        )

    def _stopsignal(self) -> None:
        self.put(step("STOPSIGNAL", self.r.choice(["SIGTERM", "9", "SIGINT", "15"])))

    def _onbuild(self) -> None:
        """A trigger that any child can carry out."""
        number = self.new("on")
        made = self.r.choice(
            [
                step("RUN", f'echo "$MODE $PWD" > /etc/{number}'),
                step("COPY", self.r.choice([s.written for s in self.sources if s.file]), f"/etc/{number}"),
                step("ENV", f"ON{number}=1"),
                step("LABEL", f"{number}=$VERSION"),
                step("WORKDIR", "/srv/on"),
                step("ARG", "VERSION=on"),
                step("USER", "root"),
            ]
        )
        waiting = Step(word=made.word, args=made.args, flags=made.flags, onbuild=True)
        self.triggers.append(made)
        self.put(waiting)

    def inherit(self, other: "Grower") -> None:
        """Begin where a local base ended: its triggers come first, and only its ARGs are gone."""
        self.scope = Scope(
            cwd=other.scope.cwd, user=other.scope.user, shell=other.scope.shell, env=dict(other.scope.env)
        )
        held = other.world
        self.world = World(
            files=list(held.files), folders=list(held.folders), hidden=set(held.hidden), volumes=list(held.volumes)
        )
        for trigger in other.triggers:
            self.scope.follow(trigger, self._taken, self._heads)
            if trigger.word == "WORKDIR":
                self.world.folder(self.scope.cwd)


BUILDING = tuple("workdir workdir env env arg arg copy copy copy run run run run user shell".split())
RUNNING = tuple(
    "workdir workdir env env env arg arg copy copy copy run run run run user volume expose label label cmd entrypoint shell healthcheck stopsignal".split()
)
BASING = tuple("workdir env env run run copy label cmd entrypoint onbuild onbuild onbuild user volume expose".split())
