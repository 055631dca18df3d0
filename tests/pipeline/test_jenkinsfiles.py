"""Jenkinsfiles as drivers through the static phases: what their pipelines run, what is left of their text, what is told."""

import re
from pathlib import Path, PurePosixPath

import pytest

from migrate.discover import scan
from migrate.drivers.groovy import GroovyError, read_groovy, walk
from migrate.drivers.script import Start, command_text, jobs_of
from migrate.outcome import Status
from migrate.pipeline.analysis import Analysis
from migrate.pipeline.following import Inputs
from migrate.pipeline.run import Request, found_builds, migrate
from migrate.source import SourceFile
from tests.pipeline.legacy import BUILDER, analysed, codes, lay, rendered

BUILD = "docker build -t demo:build -f Dockerfile.build ."
CREATE = "docker create --name extract demo:build"
COPY = "docker cp extract:/src/app ./app"
REMOVE = "docker rm extract"
IMAGE = "docker build -t demo:latest ."
STEPS = [BUILD, CREATE, COPY, REMOVE, IMAGE, "rm ./app"]
EACH = "\n".join(f"sh '{s}'" for s in STEPS)
TOGETHER = "sh '''\n" + "\n".join(STEPS) + "\n'''"


def declarative(steps: str, around: str = "", stage: str = "") -> str:
    return f"pipeline {{\nagent any\n{around}\nstages {{\nstage('all') {{\n{stage}\nsteps {{\n{steps}\n}}\n}}\n}}\n}}\n"


def of(root: Path, text: str, files: dict[str, str] | None = None) -> Analysis:
    return analysed(root, {"build.sh": "", "Jenkinsfile": text, **(files or {})})


def left(analysis: Analysis) -> str:
    """What is left of the pipeline, a line for each that has docker or a step in it."""
    assert analysis.plan is not None, analysis.diagnostics
    lines = [line.strip() for line in (rendered(analysis)["Jenkinsfile"] or "").splitlines()]
    return "\n".join(line for line in lines if re.search(r"docker|\bsh\b|rm ", line))


def commands(text: str) -> str:
    source = SourceFile(path=PurePosixPath("Jenkinsfile"), text=text)
    return command_text(source, Start(directory=PurePosixPath(), name="job pipeline", job="pipeline"))


SHAPES = {
    "a step each": (declarative(EACH), f"sh '{IMAGE}'"),
    "one step": (declarative(TOGETHER), f"sh '''\n{IMAGE}"),
    "scripted": (f"node('x') {{\nstage('a') {{\n{EACH}\n}}\n}}\n", f"sh '{IMAGE}'"),
    "scripted, stages without blocks": (f'node {{\nstage "a"\n{EACH}\n}}\n', f"sh '{IMAGE}'"),
    "brackets": (declarative("\n".join(f'sh(script: "{s}")' for s in STEPS)), f'sh(script: "{IMAGE}")'),
    "named": (
        declarative("\n".join(f"sh label: 'x', script: '{s}'" for s in STEPS)),
        f"sh label: 'x', script: '{IMAGE}'",
    ),
    "one line": (declarative(f"sh '{' && '.join(STEPS)}'"), f"sh '{IMAGE}'"),
    "statements of one line": (declarative(f'sh "{"; ".join(STEPS)}"'), f'sh "{IMAGE}"'),
    "double quotes, three times": (declarative(TOGETHER.replace("'''", '"""')), f'sh """\n{IMAGE}'),
    "blocks around": (
        declarative(f"script {{\ntimestamps {{\nwithCredentials([x]) {{\necho 'x'\n{EACH}\n}}\n}}\n}}"),
        f"sh '{IMAGE}'",
    ),
    "side by side": (
        f"node {{\nparallel a: {{\necho 'x'\n{EACH}\n}},\nb: {{\nsh 'true'\n}}\n}}\n",
        f"sh '{IMAGE}'\nsh 'true'",
    ),
    "in the end": (
        declarative("\n".join(EACH.split("\n")[:-1]), around="post {\nalways {\necho 'x'\nsh 'rm ./app'\n}\n}"),
        f"sh '{IMAGE}'",
    ),
    "the workspace": (
        declarative(
            f'dir("${{WORKSPACE}}") {{\nsh "echo x"\nsh "{BUILD[:-1]}${{env.WORKSPACE}}"\n}}\n'
            f"sh 'docker run --rm -v $WORKSPACE:/out demo:build cp /src/app /out/app'\nsh '{IMAGE}'\nsh 'rm app'"
        ),
        f"sh \"echo x\"\nsh '{IMAGE}'",
    ),
    "comments": (
        declarative(EACH.replace("sh 'docker cp", "// sh 'docker run'\n/* sh 'x' } */ sh 'docker cp")),
        f"// sh 'docker run'\n/* sh 'x' }} */\nsh '{IMAGE}'",
    ),
    "with bash": (declarative(TOGETHER.replace("'''\n", "'''#!/bin/bash -ex\n", 1)), f"sh '''#!/bin/bash -ex\n{IMAGE}"),
}


MOUNTED = {"MS449", "MS450", "MS452"}


@pytest.mark.parametrize("name", SHAPES)
def test_the_steps_lose_the_extraction(name: str, tmp_path: Path) -> None:
    text, kept = SHAPES[name]
    analysis = of(tmp_path, text)
    assert (left(analysis), set(codes(analysis)) - {"MS445"}) == (kept, MOUNTED if name == "the workspace" else set())


REFUSED = {
    "a stage on a condition": (declarative(EACH, stage="when { branch 'x' }"), "on a condition"),
    "a branch": (f"node {{\nif (x) {{\n{EACH}\n}}\n}}\n", "on a condition"),
    "a branch without brackets": (f"node {{\nif (x)\n{EACH}\n}}\n", "on a condition"),
    "the other branch without brackets": (f"node {{\nif (x) {{\n}} else\nsh '{BUILD}'\n{EACH}\n}}\n", "on a condition"),
    "a choice": (f"node {{\nx ? sh('{BUILD}') : null\n{EACH}\n}}\n", "on a condition"),
    "a loop": (f"node {{\nfor (x in y) {{\n{EACH}\n}}\n}}\n", "on a condition"),
    "each of a list": (f"node {{\n[1, 2].each {{ x ->\n{EACH}\n}}\n}}\n", "on a condition"),
    "a function": (f"def all() {{\n{EACH}\n}}\nnode {{ all() }}\n", "on a condition"),
    "what may fail": (f"node {{\ntry {{\n{EACH}\n}} catch (e) {{ echo 'x' }}\n}}\n", "on a condition"),
    "once more": (declarative(f"retry(3) {{\n{EACH}\n}}"), "on a condition"),
    "a status that is asked for": (
        declarative(EACH.replace(f"sh '{REMOVE}'", f"sh(script: '{REMOVE}', returnStatus: true)")),
        "on a condition",
    ),
    "where something fails": (
        declarative(EACH, around=f"post {{\nfailure {{\nsh '{REMOVE}'\n}}\n}}"),
        "on a condition",
    ),
    "the plugin's build": (f"node {{\n{EACH}\ndef i = docker.build('x')\ni.push()\n}}\n", "`docker.build`"),
    "the plugin's image": (
        declarative(f"{EACH}\nscript {{ docker.image('x').inside {{ sh 'y' }} }}"),
        "`docker.image`",
    ),
    "an agent's Dockerfile": (declarative(EACH, around="agent { dockerfile true }"), "image of this agent"),
    "a file that is written": (declarative(f"writeFile file: 'x', text: 'y'\n{EACH}"), "`writeFile`"),
    "commands in a variable": (f"node {{\n{EACH}\ndef c = 'docker ps'\nsh c\n}}\n", "are not known"),
    "commands put together": (declarative(f"{EACH}\nsh 'docker ' + x"), "are not known"),
    "another shell": (declarative(f"{EACH}\nbat 'docker ps'"), "`bat`"),
    "another program": (declarative(f"{EACH}\nsh '''#!/usr/bin/env python\nimport docker\n'''"), "no shell"),
    "a section that holds no steps": (
        declarative(EACH, around="environment {\nID = sh(script: 'docker ps -q', returnStdout: true)\n}"),
        "this section",
    ),
    "a list of variables": (declarative(f"withEnv(list) {{\necho 'x'\n{EACH}\n}}"), "set here"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_followed(name: str, tmp_path: Path) -> None:
    text, message = REFUSED[name]
    analysis = of(tmp_path, text)
    assert (analysis.plan, codes(analysis)) == (None, ["MS201"])
    assert any(message in d.message for d in analysis.diagnostics), analysis.diagnostics


BATCH = TOGETHER.replace("sh '''", "bat '''")
UNREAD = {
    "batch": declarative(BATCH),
    "a function": "def run(c) {\nsh c\n}\nnode {\n" + EACH.replace("sh '", "run '") + "\n}\n",
    "a list": "node {\n[" + ", ".join(f"'{s}'" for s in STEPS) + "].each { sh it }\n}\n",
    "Groovy's own": "node {\n" + "\n".join(f"'{s}'.execute()" for s in STEPS) + "\n}\n",
    "the plugin": "node {\ndocker.build('demo:build', '-f Dockerfile.build .').inside {\nsh 'cp /src/app app'\n}\n"
    "docker.build('demo')\n}\n",
    "the plugin's image of the shell's": f"node {{\nsh '{BUILD}'\ndocker.image('demo:build').inside {{\nsh 'cp /src/app .'\n}}\n"
    "docker.build('demo')\n}\n",
}


@pytest.mark.parametrize("name", UNREAD)
def test_a_pipeline_that_is_not_followed_and_seems_to_drive_a_build_is_told(name: str, tmp_path: Path) -> None:
    repository = scan(lay(tmp_path / "a", {"build.sh": "", "Jenkinsfile": UNREAD[name]}))
    (analysis,) = found_builds(repository, Inputs())
    assert (analysis.plan, codes(analysis)) == (None, ["MS122"])
    whole = lay(tmp_path / "b", {"build.sh": "", "Jenkinsfile": UNREAD[name], "app": "x"})
    assert found_builds(scan(whole), Inputs()) == []


ORDINARY = {
    "a tool's container": "sh 'docker build -t a .'\nsh 'docker run -v $PWD:/x maven mvn package'\nsh 'docker build -t b .'",
    "the plugin alone": "script {\ndef i = docker.build('a')\ni.inside {\nsh 'make test'\n}\ni.push()\n}",
    "a tool's image": "script {\ndocker.image('maven').inside {\nsh 'mvn package'\n}\ndocker.build('a')\n}",
    "files put in": "script {\nif (x) {\nsh 'docker build -t a .'\nsh 'docker cp a.html web:/x'\nsh 'docker build -t b .'\n}\n}",
    "another store": "script {\nif (x) {\nsh 'docker build -t a .'\nsh 'aws s3 cp a s3://b/'\nsh 'docker run a'\n}\n}",
}


@pytest.mark.parametrize("name", ORDINARY)
def test_ordinary_pipelines_are_no_legacy_build(name: str, tmp_path: Path) -> None:
    files = {"build.sh": "", "Dockerfile.build": "", "Jenkinsfile": declarative(ORDINARY[name])}
    assert found_builds(scan(lay(tmp_path, files)), Inputs()) == []


def test_the_folder_in_which_a_step_runs_by_its_function(tmp_path: Path) -> None:
    share = 'sh "docker run --rm -v ${pwd()}:/out demo:build cp /src/app /out/app"'
    analysis = of(tmp_path, declarative(f"sh '{BUILD}'\n{share}\nsh '{IMAGE}'"))
    assert left(analysis) == f"sh '{IMAGE}'"
    assert re.findall("^docker .*$", commands(declarative("dir('a/b') {\n" + share + "\n}")), re.MULTILINE) == [
        "docker run --rm -v ${WORKSPACE}/a/b:/out demo:build cp /src/app /out/app"
    ]


def test_steps_without_docker_on_a_condition_are_no_matter(tmp_path: Path) -> None:
    text = f"node {{\nif (x) {{\nsh 'echo x'\n}} else {{\nsh 'echo y'\n}}\n{EACH}\n}}\n"
    assert left(of(tmp_path, text)) == f"sh 'echo x'\nsh 'echo y'\nsh '{IMAGE}'"


@pytest.mark.parametrize(
    "text",
    [
        declarative(
            "\n".join(f"sh '{s}'" for s in STEPS[:4]),
            around="post {\nsuccess {\n" + "\n".join(EACH.split("\n")[4:]) + "\n}\n}",
        ),
        declarative(EACH.replace(f"sh '{COPY}'", f"script {{\nx = sh(script: '{COPY}', returnStdout: true)\n}}")),
    ],
)
def test_a_block_or_a_step_is_never_left_empty(text: str, tmp_path: Path) -> None:
    analysis = of(tmp_path, text)
    assert (analysis.plan, codes(analysis)) == (None, ["MS410"])
    assert any(f"`{COPY}` goes" in n for d in analysis.diagnostics for n in d.notes)


def test_each_step_is_a_shell_of_its_own() -> None:
    text = """\
node {
  withEnv(['TAG=7', "NAME=x-${env.BUILD_NUMBER}"]) {
    dir('a') {
      sh 'cd b; TAG=no'
      dir("c") { sh "docker build -t $NAME:\\$TAG ." }
    }
  }
}
"""
    ran = commands(text)
    assert re.findall(r"^(?:#!|cd|export|docker|set|\(|\)).*$", ran, re.MULTILINE) == [
        "#!/bin/sh",
        "set -e",
        "(",
        'export WORKSPACE="$PWD"',
        'export TAG="7"',
        'export NAME="x-env-build-number"',
        'cd "a"',
        "cd b; TAG=no",
        ")",
        "(",
        'export WORKSPACE="$PWD"',
        'export TAG="7"',
        'export NAME="x-env-build-number"',
        'cd "a/c"',
        "docker build -t x-env-build-number:$TAG .",
        ")",
    ]


def test_what_is_inserted() -> None:
    """The same text is the same unknown, as long as nothing that it names changes in between."""
    text = """\
def tag = 'a'
def other
pipeline {
  environment { A = 'x'; B = "${A}/y"; C = credentials('z') }
  stages { stage('s') { steps { script {
    sh "1 ${A} ${env.B} $C ${tag} ${other} ${params.P} \\${A}"
    other = 'b'
    sh "2 ${other} ${f(tag)} ${x ? "}" : '{'} ${params.P}"
  } } } }
}
"""
    ran = commands(text)
    assert re.findall(r"^[12] .*$", ran, re.MULTILINE) == [
        "1 x x/y env-c tag other-of-6-35 params-p ${A}",
        "2 other-of-8-11 f-tag-of-8-20 x-of-8-30 params-p",
    ]


def test_what_is_put_into_the_environment_on_the_way_is_not_known() -> None:
    text = "node {\nsh 'one'\nenv.TAG = 'a'\nsh 'two'\nenv.ONCE = 'b'\nsh \"$env.ONCE\"\n}\n"
    ran = commands(text)
    assert re.findall(r"export TAG=.*", ran) == [
        'export TAG="env-tag"',
        'export TAG="env-tag"',
        'export TAG="env-tag"',
    ]
    changing = text.replace("sh 'one'", 'sh "one ${env.TAG}"')
    assert re.findall(r"export TAG=.*", commands(changing)) == [
        'export TAG="env-tag-at-line-2"',
        'export TAG="env-tag-at-line-4"',
        'export TAG="env-tag-at-line-6"',
    ]


@pytest.mark.parametrize("change", ["c.tag = 'y'", "c['tag'] = 'y'", "c.put('tag', 'y')"])
def test_what_hangs_on_a_name_that_is_altered(change: str) -> None:
    text = 'def c = [tag: "x"]\nnode {\nsh "1 ${c.tag}"\nCHANGE\nsh "2 ${c.tag} $c.tag"\n}\n'
    assert re.findall(r"^[12] .*$", commands(text.replace("CHANGE", change)), re.MULTILINE) == [
        "1 c-tag-of-3-7",
        "2 c-tag-of-5-7 c-tag-of-5-16",
    ]
    assert re.findall(r"^[12] .*$", commands(text.replace("CHANGE", "")), re.MULTILINE) == ["1 c-tag", "2 c-tag c-tag"]


def test_line_ends_of_windows(tmp_path: Path) -> None:
    analysis = of(tmp_path, declarative(TOGETHER).replace("\n", "\r\n"))
    assert left(analysis) == f"sh '''\n{IMAGE}"
    assert "\r\n" in (rendered(analysis)["Jenkinsfile"] or "")


def test_a_tag_that_changes_is_not_the_same(tmp_path: Path) -> None:
    steps = EACH.replace("'", '"').replace("demo:build", "demo:${tag}")
    same = of(tmp_path / "a", f"def tag = 'x'\nnode {{\n{steps}\n}}\n")
    assert same.plan is not None
    changing = steps.replace('sh "docker create', 'tag = "y"\nsh "docker create')
    assert of(tmp_path / "b", f"def tag = 'x'\nnode {{\n{changing}\n}}\n").plan is None


@pytest.mark.parametrize(
    "step",
    [
        "archiveArtifacts 'app'",
        "stash name: 'x', includes: 'a*'",
        "readFile(file: './app')",
        "archiveArtifacts '**/*'",
        "archiveArtifacts artifacts: 'x, **/app'",
        "archiveArtifacts 'app/**'",
        "archiveArtifacts 'app/x.txt'",
        "archiveArtifacts 'app/**/*.x'",
        'archiveArtifacts "${X}pp"',
        'upload("${env.WORKSPACE}/app")',
        "dir('a') {\ndir('..') {\narchiveArtifacts 'app'\n}\n}",
        "dir(X) {\narchiveArtifacts 'app'\n}",
    ],
)
def test_a_file_that_another_step_names_is_not_taken_away(step: str, tmp_path: Path) -> None:
    analysis = of(tmp_path, declarative(EACH.replace("sh 'rm", f"{step}\nsh 'rm")))
    assert (analysis.plan, codes(analysis)) == (None, ["MS410"])


@pytest.mark.parametrize(
    "step",
    [
        "archiveArtifacts 'b/**'",
        "junit '**/*.xml'",
        'archiveArtifacts "${X}"',
        "dir('a') {\narchiveArtifacts 'app'\n}",
        'upload("${X}/app")',
        "archiveArtifacts 'x*'",
    ],
)
def test_a_step_that_names_something_else(step: str, tmp_path: Path) -> None:
    assert of(tmp_path, declarative(EACH.replace("sh 'rm", f"{step}\nsh 'rm"))).plan is not None


@pytest.mark.parametrize("end", ["sh 'x\n}\n", "", "sh $/x/$\n}\n", "}\n)\n", "/* x\n}\n", 'sh "${x"\n}\n'])
def test_text_that_can_not_be_taken_apart(end: str, tmp_path: Path) -> None:
    analysis = of(tmp_path / "a", f"node {{\n{EACH}\n{end}")
    assert (analysis.plan, codes(analysis)) == (None, ["MS122"])
    assert not of(tmp_path / "b", f"node {{\nsh 'docker run x'\n{end}").legacy


STATEMENTS = {
    "a = 1; b(2)\nc d": ["a", "b", "c"],
    "a(1,\n 2)\nb": ["a", "b"],
    "a b,\n c\nd": ["a", "d"],
    "a = b +\n c\nd++\ne": ["a", "d", "e"],
    "a\n .b()\nc": ["a.b", "c"],
    "if (a)\n b c\nd": ["if", "d"],
    "if (a) {\n} else\n b\nc": ["if", "c"],
    "import a.*\nb { c }": ["import", "b", "c"],
    "a /* b\n */ c // d\ne": ["a", "e"],
    "a = b / c; d / e": ["a", "d"],
    "a =~ /b{'/; c": ["a", "c"],
    "a '''{\n''' \nb \"\"\"${c.d { '}' }}\"\"\"\ne": ["a", "b", "e"],
    "#!groovy\n@A('b') _\nc": ["", "c"],
}


@pytest.mark.parametrize("text", STATEMENTS)
def test_statements_are_told_apart(text: str) -> None:
    read = read_groovy(SourceFile(path=PurePosixPath("Jenkinsfile"), text=text))
    assert [s.head for s in walk(read)] == STATEMENTS[text]


def test_depth_is_bounded() -> None:
    source = SourceFile(path=PurePosixPath("Jenkinsfile"), text="a {\n" * 5000)
    with pytest.raises(GroovyError):
        jobs_of(source)


def test_a_pipeline_that_calls_the_script_leaves_it_to_the_script(tmp_path: Path) -> None:
    root = lay(tmp_path, {"Jenkinsfile": declarative("sh './build.sh'\nsh 'docker save demo > image.tar'")})
    outcome = migrate(Request(root=root, verify=False), lambda _side, _text: None)
    assert [(str(b.driver), b.status) for b in outcome.builds] == [("build.sh", Status.WRITTEN)]


def test_a_folder_around_the_steps(tmp_path: Path) -> None:
    files = {"Dockerfile.build": "", "sub/Dockerfile.build": BUILDER, "sub/Dockerfile": "FROM busybox\nCOPY app /app\n"}
    analysis = of(tmp_path, declarative(f"dir('sub') {{\n{EACH}\n}}"), {**files, "Dockerfile": "", "sub/main.c": "x"})
    assert left(analysis) == f"sh '{IMAGE}'"
