"""A package.json's scripts as drivers through the static phases: which are taken, what is left of their text, what is told."""

import json
from pathlib import Path, PurePosixPath

import pytest

from migrate.drivers.package import read_package
from migrate.outcome import Status
from migrate.pipeline.analysis import Analysis
from migrate.pipeline.following import Inputs
from migrate.pipeline.run import Request, migrate
from migrate.source import SourceFile
from tests.pipeline.legacy import BUILDER, RUNTIME, SCRIPT, analysed, codes, lay, rendered

BUILD = "docker build -t demo:build -f Dockerfile.build ."
TAKE = "id=$(docker create demo:build) && docker cp $id:/src/app ./app && docker rm $id"
IMAGE = "docker build -t demo:latest ."


def package(scripts: dict[str, str], **others: object) -> str:
    return json.dumps({"name": "demo", "version": "1.2.3", **others, "scripts": scripts}, indent="\t") + "\n"


def of(root: Path, scripts: dict[str, str], files: dict[str, str] | None = None, *targets: str) -> Analysis:
    everything = {"build.sh": "", "package.json": package(scripts), **(files or {})}
    return analysed(root, everything, inputs=Inputs(targets=targets))


def scripts_of(analysis: Analysis, path: str = "package.json") -> dict[str, str]:
    assert analysis.plan is not None, analysis.diagnostics
    found = json.loads(rendered(analysis)[path] or "")["scripts"]
    assert isinstance(found, dict)
    return found


SHAPES = {
    "one script": ({"image": f"{BUILD} && {TAKE} && {IMAGE} && rm app"}, "npm run image", {"image": IMAGE}),
    "statements": ({"image": f"{BUILD}; {TAKE}; {IMAGE}; rm app"}, "npm run image", {"image": IMAGE}),
    "lines": (
        {"image": f"echo start\n{BUILD}\n\t{TAKE}\n{IMAGE}\nrm app"},
        "npm run image",
        {"image": f"echo start\n{IMAGE}"},
    ),
    "a script before it": (
        {"preimage": f"echo first; {BUILD}", "image": f"{TAKE} && {IMAGE} && rm app"},
        "npm run image",
        {"preimage": "echo first", "image": IMAGE},
    ),
    "a script behind it": (
        {"image": f"{BUILD} && {TAKE} && {IMAGE}", "postimage": "echo done; rm app"},
        "npm run image",
        {"image": IMAGE, "postimage": "echo done"},
    ),
    "scripts that call others": (
        {"a": f"echo a && {BUILD}", "b": f"npm run a && {TAKE} && echo b", "c": f"npm run b && {IMAGE}; rm app"},
        "npm run c",
        {"a": "echo a", "b": "npm run a && echo b", "c": f"npm run b && {IMAGE}"},
    ),
    "yarn": (
        {"a": f"echo a && {BUILD}", "test": f"yarn -s a && {TAKE} && echo b", "c": f"yarn run test && {IMAGE}; rm app"},
        "npm run c",
        {"a": "echo a", "test": "yarn -s a && echo b", "c": f"yarn run test && {IMAGE}"},
    ),
    "several by npm-run-all": (
        {"a": f"echo a && {BUILD}", "b": f"{TAKE} && echo b", "c": f"run-s a b && {IMAGE}; rm app"},
        "npm run c",
        {"a": "echo a", "b": "echo b", "c": f"run-s a b && {IMAGE}"},
    ),
    "quotes": (
        {"image": BUILD.replace("demo:build", '"demo:build"') + f' && {TAKE} && echo "a \'b\'" && {IMAGE} && rm "app"'},
        "npm run image",
        {"image": f"echo \"a 'b'\" && {IMAGE}"},
    ),
    "calls that nobody joins": (
        {"builder": f"echo a; {BUILD}", "take": f"echo b; {TAKE}", "image": f"{IMAGE}; rm app"},
        "npm run builder && npm run take && npm run image",
        {"builder": "echo a", "take": "echo b", "image": IMAGE},
    ),
}


@pytest.mark.parametrize("name", SHAPES)
def test_scripts_lose_the_extraction(name: str, tmp_path: Path) -> None:
    scripts, start, left = SHAPES[name]
    analysis = of(tmp_path, scripts)
    assert scripts_of(analysis) == left
    assert (codes(analysis), analysis.start.name) == ([], start)


def test_what_npm_sets_is_known(tmp_path: Path) -> None:
    scripts = {
        "image": f"{BUILD} && {TAKE} && docker build -t $npm_package_name:$npm_package_version-$npm_lifecycle_event . && rm app"
    }
    analysis = of(tmp_path, scripts)
    assert analysis.plan is not None
    assert [str(t) for b in analysis.plan.builds for t in b.tags] == ["demo:build", "demo:1.2.3-image"]


def test_scripts_run_in_the_folder_of_the_file(tmp_path: Path) -> None:
    scripts = {"image": f"{BUILD} && {TAKE} && cd .. && {IMAGE.replace(' .', ' web')} && rm web/app"}
    files = {
        "Dockerfile.build": "",
        "Dockerfile": "",
        "main.c": "",
        "package.json": "",
        "web/main.c": "int main;",
        "web/Dockerfile.build": BUILDER,
        "web/Dockerfile": RUNTIME,
        "web/package.json": package(scripts),
    }
    analysis = of(tmp_path, {}, files)
    assert scripts_of(analysis, "web/package.json")["image"] == "cd .. && docker build -t demo:latest web"


def test_arguments_stand_behind_the_text(tmp_path: Path) -> None:
    scripts = {"dock": "docker build -t", "image": f"{BUILD} && {TAKE} && npm run -s dock -- demo:latest . && rm app"}
    analysis = of(tmp_path, scripts)
    assert scripts_of(analysis)["image"] == "npm run -s dock -- demo:latest ."


def test_a_script_is_named(tmp_path: Path) -> None:
    scripts = {"one": f"{BUILD}; {TAKE}; {IMAGE}; rm app", "two": f"{BUILD}; {TAKE}; docker build -t other .; rm app"}
    assert scripts_of(of(tmp_path / "a", scripts, None, "two")) == {**scripts, "two": "docker build -t other ."}
    analysis = of(tmp_path / "b", scripts)
    assert (analysis.start.name, codes(analysis)) == ("npm run one && npm run two", [])
    assert scripts_of(analysis) == {
        "one": "docker build --target demo -t demo:latest .",
        "two": "docker build --target other -t other .",
    }


def test_a_script_is_never_left_empty(tmp_path: Path) -> None:
    analysis = of(tmp_path, {"a": BUILD, "b": f"npm run a && {TAKE} && {IMAGE}; rm app"})
    assert (analysis.plan, codes(analysis)) == (None, ["MS410"])
    (told,) = analysis.diagnostics
    assert f"package.json:5:9: `{BUILD}` goes" in told.notes[0]


REFUSED = {
    "a shell of its own": ({".npmrc": "script-shell=bash\n"}, {}, "changes how scripts are run"),
    "yarn 2": ({".yarnrc.yml": "a: b\n"}, {"c": f"yarn a && {TAKE} && {IMAGE}"}, "by a shell of its own"),
    "side by side": ({}, {"c": f"run-p a && {TAKE} && {IMAGE}"}, "`run-p` runs"),
    "by a pattern": ({}, {"c": f"run-s a* && {TAKE} && {IMAGE}"}, "`run-s` runs"),
    "of a workspace": ({}, {"c": f"npm run -w x a && {TAKE} && {IMAGE}"}, "`npm -w` is not followed"),
    "of a name that isn't known": ({}, {"c": f"npm run $A && {TAKE} && {IMAGE}"}, "which script runs here"),
    "with words that aren't known": ({}, {"c": f"npm run a -- $A && {TAKE} && {IMAGE}"}, "is given here"),
    "around an installation": (
        {},
        {"postinstall": "docker pull x", "c": f"npm ci && npm run a; {TAKE}; {IMAGE}"},
        "around an installation",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_followed(name: str, tmp_path: Path) -> None:
    files, scripts, message = REFUSED[name]
    analysis = of(tmp_path, {"a": BUILD, "c": f"npm run a && {TAKE} && {IMAGE}", **scripts}, files, "c")
    assert (analysis.plan, codes(analysis)) == (None, ["MS201"])
    assert any(message in d.message for d in analysis.diagnostics), analysis.diagnostics


ORDINARY = {
    "an image is saved": {"build": IMAGE, "save": "docker save demo:latest | gzip > demo.tgz"},
    "an image is saved to a file": {"build": IMAGE, "save": "docker save -o demo.tar demo:latest"},
    "files are put in": {"dev": "concurrently 'docker-compose up' 'npm:watch'", "seed": "docker cp a.sql db:/a.sql"},
    "files of another store": {"dev": "run-p docker:*", "docker:up": "docker ps", "get": "aws s3 cp s3://a/b ."},
    "started": {"build": IMAGE, "start": "docker run -p 80:80 demo:latest", "up": "docker-compose up --build"},
}


@pytest.mark.parametrize("name", ORDINARY)
def test_ordinary_scripts_are_no_legacy_build(name: str, tmp_path: Path) -> None:
    files = {"Dockerfile": "FROM node\nCOPY . .\n", "Dockerfile.build": ""}
    assert not of(tmp_path, ORDINARY[name], files).legacy


def test_a_folder_that_is_shared_counts_behind_what_is_not_followed(tmp_path: Path) -> None:
    share = "docker run --rm -v $PWD:/out demo:build cp app /out"
    analysis = of(tmp_path, {"image": f"cross-env A=b {BUILD} && {share} && {IMAGE}"})
    assert (analysis.plan, codes(analysis)) == (None, ["MS201"])


@pytest.mark.parametrize(
    "others", [{"files": ["app"]}, {"files": ["lib", "a*"]}, {"bin": {"demo": "./app"}}, {"main": "app/index"}]
)
def test_a_file_of_the_package_is_not_taken_away(others: dict[str, object], tmp_path: Path) -> None:
    scripts = {"image": f"{BUILD} && {TAKE} && {IMAGE}", "prepare": "npm run image"}
    kept = of(tmp_path / "a", {}, {"package.json": package(scripts, **others)}, "image")
    assert (kept.plan, codes(kept)) == (None, ["MS410", "MS413"])
    removed = {**scripts, "image": f"{scripts['image']} && rm app"}
    assert of(tmp_path / "b", {}, {"package.json": package(removed, **others)}, "image").plan is not None


def test_text_that_is_no_json(tmp_path: Path) -> None:
    text = package({"image": f"{BUILD} && {TAKE} && {IMAGE}"}).replace("{", "{ // no comment", 1)
    analysis = of(tmp_path, {}, {"package.json": text})
    (told,) = analysis.diagnostics
    assert (told.rule.code, told.primary and str(told.primary.span)) == ("MS122", "package.json:1:3")


def test_each_escape_is_a_stretch_of_its_own() -> None:
    text = '{"scripts": {"a": "x \\"y\\" \\ud83d\\ude00z\\n"}}'
    (script,) = read_package(SourceFile(path=PurePosixPath("package.json"), text=text)).scripts
    assert script.text == 'x "y" \U0001f600z\n'
    assert [(t, p.text, e) for t, p, e in script.pieces] == [
        ("x ", "x ", True),
        ('"', '\\"', False),
        ("y", "y", True),
        ('"', '\\"', False),
        (" ", " ", True),
        ("\U0001f600", "\\ud83d\\ude00", False),
        ("z", "z", True),
        ("\n", "\\n", False),
    ]


@pytest.mark.parametrize("name", ["shell", "run"])
def test_what_another_script_needs_is_told(name: str, tmp_path: Path) -> None:
    scripts = {"image": f"{BUILD} && {TAKE} && {IMAGE} && rm app", name: "docker run -it demo:build sh"}
    analysis = of(tmp_path, scripts)
    assert (analysis.plan is not None, codes(analysis)) == (True, ["MS447"])


@pytest.mark.parametrize("call", ["npm run image", "npm --prefix . run image", "yarn image", "cd sub; npm run image"])
def test_another_driver_that_calls_a_script(call: str, tmp_path: Path) -> None:
    scripts = {"image": f"echo image && {BUILD} && {TAKE} && {IMAGE} && rm app"}
    root = lay(
        tmp_path, {"build.sh": f"#!/bin/sh\n# docker cp\n{call}\n", "package.json": package(scripts), "sub/x": "x"}
    )
    outcome = migrate(Request(root=root, verify=False), lambda _side, _text: None)
    assert [(str(b.driver), b.status) for b in outcome.builds] == [("package.json", Status.WRITTEN)]


def test_a_script_that_only_starts_another_driver_leaves_it_to_that(tmp_path: Path) -> None:
    root = lay(
        tmp_path, {"package.json": package({"docker": "./build.sh", "x": "docker save a > b"}), "build.sh": SCRIPT}
    )
    outcome = migrate(Request(root=root, verify=False), lambda _side, _text: None)
    assert [(str(b.driver), b.status) for b in outcome.builds] == [("build.sh", Status.WRITTEN)]
