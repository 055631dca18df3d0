"""Options in, exit code out. What a command does is `pipeline`'s, how it is shown `report`'s.

Exit codes: 0 done · 1 a build is not migrated, images differ, or `--check` found one · 2 usage · 3 environment (engine
unreachable, a build fails, nothing found) · 4 internal error · 130 interrupted.
"""

import os
import shlex
import signal
import sys
import traceback
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from migrate import __version__

if TYPE_CHECKING:
    from migrate.pipeline.run import Request
    from migrate.pipeline.verification import VerifyOptions

_COMMANDS = ("migrate", "audit", "verify")

app = typer.Typer(
    name="ms-migrate",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Migrate the builder pattern (Dockerfile.build, build.sh, Dockerfile) to one multi-stage Dockerfile, and verify that "
    "the image stays the same. `ms-migrate PATH` is short for `ms-migrate migrate PATH`.",
)


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    if version:
        print(f"ms-migrate {__version__}")
        raise typer.Exit


_SMOKE_SECONDS = 30
Driver = Annotated[
    str | None,
    typer.Option(
        "--driver", metavar="FILE", help="The file that builds it, relative to PATH: a script, Makefile, CI file …"
    ),
]
Env = Annotated[
    list[str] | None,
    typer.Option("--env", metavar="NAME=VALUE", help="A variable that the script is given; may be repeated."),
]
Arg = Annotated[
    list[str] | None,
    typer.Option("--arg", metavar="VALUE", help="An argument that the script or make is given; may be repeated."),
]
Target = Annotated[
    list[str] | None,
    typer.Option(
        "--target",
        metavar="NAME",
        help="The Makefile's target, the package.json's script or the CI file's job that makes the images; may be repeated.",
    ),
]
TimeLimit = Annotated[
    int, typer.Option("--time-limit", metavar="SECONDS", help="How long each side's build may take.", min=1)
]
Independent = Annotated[
    bool,
    typer.Option("--independent", help="Build both sides without the engine's cache, the builder's stages twice."),
]
Strict = Annotated[
    bool, typer.Option("--strict", help="Allow for nothing: neither normalisers nor what differs in each build.")
]
Without = Annotated[
    list[str] | None,
    typer.Option("--without", metavar="NORMALISER", help="A normaliser that is not used; may be repeated."),
]
SmokeCommand = Annotated[
    list[str] | None,
    typer.Option(
        "--smoke",
        metavar="CMD",
        help="Words that both images run behind their ENTRYPOINT ('': their own CMD): exit status and output have to be the "
        "same; may be repeated.",
    ),
]
SmokeLimit = Annotated[
    int | None,
    typer.Option(
        "--smoke-limit", metavar="SECONDS", help=f"How long each `--smoke` may run ({_SMOKE_SECONDS}).", min=1
    ),
]


_OF_BUILDING = ("split", "single", "time_limit", "independent", "strict", "without", "smoke", "smoke_limit")


@app.command("migrate")
def migrate_command(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(help="The repository, or a folder of it.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Write nothing; print the change as a unified diff on standard output.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing, build nothing; exit 1 if a legacy build is there.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option("--output", metavar="DIR", help="Write the migrated tree there and leave PATH alone.")
    ] = None,
    no_verify: Annotated[
        bool, typer.Option("--no-verify", help="Build nothing: write what was planned, unverified.")
    ] = False,
    driver: Driver = None,
    env: Env = None,
    arg: Arg = None,
    target: Target = None,
    time_limit: TimeLimit = 3600,
    independent: Independent = False,
    strict: Strict = False,
    without: Without = None,
    smoke: SmokeCommand = None,
    smoke_limit: SmokeLimit = None,
    split: Annotated[
        bool,
        typer.Option("--split", help="Divide builders whose compiles run one after the other, where it is quicker."),
    ] = False,
    bake: Annotated[
        bool, typer.Option("--bake", help="Write a docker-bake.hcl too, where several images are built.")
    ] = False,
    single: Annotated[
        bool,
        typer.Option(
            "--single",
            help="Give a Dockerfile of one stage a second one with its program alone, held to it by `--smoke`.",
        ),
    ] = False,
    base: Annotated[
        str | None, typer.Option("--base", metavar="IMAGE", help="With `--single`: the second stage's base (scratch).")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Write also over files with changes that are not committed.")
    ] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Take back the last migration of PATH.")] = False,
) -> None:
    """Find legacy builds under PATH, plan them, build both versions, compare, and write the migration."""
    from migrate.pipeline.run import Mode, Request, undo_migration  # the house is only entered to work
    from migrate.report.outcome import print_undone

    _require_folder(path)
    modes = [
        name
        for name, given in (("--dry-run", dry_run), ("--check", check), ("--undo", undo), ("--output", output))
        if given
    ]
    if len(modes) > 1:
        raise typer.BadParameter(f"{modes[0]} and {modes[1]} exclude each other")
    if output is not None and output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise typer.BadParameter(f"`{output}` is there and not an empty folder", param_hint="--output")
    if output is not None and output.resolve().is_relative_to(path.resolve()):
        raise typer.BadParameter(f"`{output}` lies in PATH", param_hint="--output")
    still = next((m for m, given in (("--no-verify", no_verify), ("--check", check), ("--undo", undo)) if given), None)
    needless = [n for n in _given(context) if n in _OF_BUILDING]
    if still is not None and needless:
        raise typer.BadParameter(f"{_option(needless[0])} says how to build, and {still} builds nothing")
    if base is not None and not single:
        raise typer.BadParameter("it is the base of what --single makes", param_hint="--base")
    needless = [n for n in _given(context) if n in ("split", "bake", "driver", "target", "arg", "env")]
    if single and needless:
        raise typer.BadParameter(f"{_option(needless[0])} is about drivers or several stages", param_hint="--single")
    if force and modes:
        raise typer.BadParameter(f"{modes[0]} writes over nothing that it could be needed for", param_hint="--force")
    if undo:
        raise typer.Exit(print_undone(path, undo_migration(path.absolute())))
    _run(
        Request(
            root=path.absolute(),
            mode=Mode.DRY_RUN if dry_run else Mode.CHECK if check else Mode.WRITE,
            output=output,
            verify=not no_verify,
            force=force,
            split=split,
            bake=bake,
            base=(base or "scratch") if single else None,
            driver=PurePosixPath(driver) if driver else None,
            environment=_pairs(env or []),
            arguments=tuple(arg or ()),
            targets=tuple(target or ()),
            options=_options(time_limit, independent, strict, without, smoke, smoke_limit),
        )
    )


@app.command("verify")
def verify_command(
    context: typer.Context,
    path: Annotated[Path | None, typer.Argument(help="The repository, or a folder of it.")] = None,
    driver: Driver = None,
    env: Env = None,
    arg: Arg = None,
    target: Target = None,
    time_limit: TimeLimit = 3600,
    independent: Independent = False,
    strict: Strict = False,
    without: Without = None,
    smoke: SmokeCommand = None,
    smoke_limit: SmokeLimit = None,
    against: Annotated[
        str | None,
        typer.Option(
            "--against",
            metavar="REV",
            help="The migration is made already: build the legacy side from this commit, tag or branch of the git history.",
        ),
    ] = None,
    clean: Annotated[
        bool, typer.Option("--clean", help="Take away what is left of verifications that were killed, on every engine.")
    ] = False,
) -> None:
    """Build what PATH's legacy build makes, and what its migration would, and compare the images. Nothing is written."""
    from migrate.pipeline.run import Mode, Request  # the house is only entered to work
    from migrate.revision import RevisionError, find_revision

    if clean:
        if _given(context) != ["clean"]:
            raise typer.BadParameter("it is about every verification: give it alone", param_hint="--clean")
        _clean_up()
    if path is None:
        raise typer.BadParameter("say which repository", param_hint="PATH")
    _require_folder(path)
    if against is not None and independent:
        raise typer.BadParameter("with --against neither side uses the cache anyway", param_hint="--independent")
    try:
        revision = find_revision(path, against) if against is not None else None
    except RevisionError as error:
        raise typer.BadParameter(str(error), param_hint="--against") from error
    _run(
        Request(
            root=path.absolute(),
            mode=Mode.VERIFY,
            against=revision,
            driver=PurePosixPath(driver) if driver else None,
            environment=_pairs(env or []),
            arguments=tuple(arg or ()),
            targets=tuple(target or ()),
            options=_options(time_limit, independent, strict, without, smoke, smoke_limit),
        )
    )


def _given(context: typer.Context) -> list[str]:
    """The parameters that stand on the command line."""
    return [n for n in context.params if (s := context.get_parameter_source(n)) is not None and s.name == "COMMANDLINE"]


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _require_folder(path: Path) -> None:
    if not path.is_dir():
        raise typer.BadParameter(f"`{path}` is not a directory", param_hint="PATH")


def _options(
    time_limit: int,
    independent: bool,
    strict: bool,
    without: list[str] | None,
    smoke: list[str] | None,
    smoke_limit: int | None,
) -> "VerifyOptions":
    from migrate.compare.normalise import NAMES
    from migrate.pipeline.verification import VerifyOptions

    unknown = next((n for n in without or () if n not in NAMES), None)
    if unknown is not None:
        raise typer.BadParameter(f"`{unknown}` is none of {', '.join(NAMES)}", param_hint="--without")
    if smoke_limit is not None and not smoke:
        raise typer.BadParameter("there is no --smoke that it could limit", param_hint="--smoke-limit")
    if strict and without:
        raise typer.BadParameter("with --strict none is used", param_hint="--without")
    try:
        commands = tuple(tuple(shlex.split(text)) for text in smoke or ())
    except ValueError as error:
        raise typer.BadParameter(f"{error}", param_hint="--smoke") from error
    return VerifyOptions(
        time_limit=time_limit,
        independent=independent,
        strict=strict,
        disabled=frozenset(without or ()),
        smoke=commands,
        smoke_seconds=_SMOKE_SECONDS if smoke_limit is None else smoke_limit,
    )


def _run(request: "Request") -> NoReturn:
    """Carry a request out and show what it came to."""
    from migrate.outcome import exit_code
    from migrate.pipeline.run import Mode, migrate
    from migrate.report.outcome import print_outcome
    from migrate.report.progress import Progress

    _end_in_order()
    try:
        with Progress(sys.stderr) as progress:
            outcome = migrate(request, progress)
    except KeyboardInterrupt:
        print("ms-migrate: interrupted; nothing was written", file=sys.stderr)
        raise typer.Exit(130) from None
    print_outcome(outcome, diff=request.mode is Mode.DRY_RUN)
    raise typer.Exit(exit_code(outcome, check=request.mode is Mode.CHECK))


def _clean_up() -> NoReturn:
    from migrate.pipeline.cleaning import clean
    from migrate.report.cleaning import print_cleaned
    from migrate.report.progress import Progress

    _end_in_order()
    try:
        with Progress(sys.stderr) as progress:
            cleaned = clean(os.environ, progress)
        raise typer.Exit(print_cleaned(cleaned))
    except KeyboardInterrupt:
        print("ms-migrate: interrupted; `ms-migrate verify --clean` takes away what is left", file=sys.stderr)
        raise typer.Exit(130) from None


def _end_in_order() -> None:
    """Who asks the process to end wants the engine cleared up all the same; who has it ignore a closed terminal, that."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)


class Format(StrEnum):
    TABLE = "table"
    JSON = "json"


@app.command("audit")
def audit_command(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Repositories, each a folder.")],
    output_format: Annotated[Format, typer.Option("--format", help="How the report is written.")] = Format.TABLE,
) -> None:
    """Tell for many repositories which legacy builds they hold and whether they migrate. Nothing is started or written."""
    from migrate.audit.run import audit  # the house is only entered to work
    from migrate.report.audit_json import audit_json
    from migrate.report.audit_table import print_audit
    from migrate.report.terminal import visible

    outcome = audit(paths, lambda line: print(f"audit: {visible(line)}", file=sys.stderr))
    if output_format is Format.JSON:
        print(audit_json(outcome))
    else:
        print_audit(outcome, sys.stdout)
    raise typer.Exit(outcome.exit_code)


def _pairs(given: list[str]) -> dict[str, str]:
    pairs = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise typer.BadParameter(f"`{text}` is not NAME=VALUE", param_hint="--env")
        pairs[name] = value
    return pairs


def main() -> None:
    """The command `ms-migrate`: the one place where an error that nobody foresaw becomes a report to paste."""
    arguments = sys.argv[1:]
    first = next((a for a in arguments if not a.startswith("-")), None)
    if first is not None and first not in _COMMANDS and "--version" not in arguments:
        arguments.insert(0, "migrate")
    options: dict[str, Any] = {"args": arguments, "prog_name": "ms-migrate", "standalone_mode": True}
    try:
        app(**options)
    except Exception:  # noqa: BLE001 -- the boundary
        print(
            f"ms-migrate {__version__}: internal error; nothing more was written. Please report what follows:",
            file=sys.stderr,
        )
        traceback.print_exc()
        sys.exit(4)
