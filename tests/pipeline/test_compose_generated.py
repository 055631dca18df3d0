"""Generated compose files through a migration: YAML of its own (not ours) must read the same of everything that stays."""

import random
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.pipeline.legacy import BUILDER, analysed, text_of

COUNT = 60
COPYING = BUILDER.replace("WORKDIR", "ARG MODE\nARG LEVEL\nWORKDIR") + 'CMD ["cp", "app", "/out/app"]\n'
RUNTIME = 'FROM busybox\nCOPY out/app /usr/local/bin/app\nCMD ["app"]\n'
SCRIPT = "#!/bin/sh\nset -e\ndocker-compose run --rm builder\ndocker-compose build app\n"
OTHERS = (
    "db:\n  image: postgres\n  environment:\n    A: 'b # c'\n    URL: postgres://x:y@z/w\n",
    "cache: {image: redis, ports: ['6379:6379']}\n",
    "worker:\n  image: demo\n  command: |\n    one\n\n    two\n  depends_on: [app]\n",
    "'quoted name':\n  image: \"x\"\n  labels:\n  - a=b\n  - c=d\n",
    'web:\n  image: nginx\n  volumes:\n    - data:/data\n\n  # about the ports\n  ports:\n    - "80:80" # all of them\n',
)
COMMENTS = ("# a comment\n", "\n", "\n\n", "# one\n# two\n\n", "", "", "")


def indented(text: str, by: int) -> str:
    return "".join(" " * by + line if line.strip() else line for line in text.splitlines(keepends=True))


def builder(r: random.Random, step: int) -> str:
    pad = " " * step
    arguments = r.choice(
        (
            "",
            f"{pad}args:\n{pad * 2}MODE: fast\n",
            f"{pad}args:\n{pad}- MODE=${{TAG:-x}} $$y\n",
            f"{pad}args: {{LEVEL: '1'}}\n",
        )
    )
    build = indented(f"build:\n{pad}context: .\n{pad}dockerfile: Dockerfile.build\n{arguments}", step)
    mounts = r.choice(
        ("volumes:\n- ./out:/out\n", "volumes: ['./out:/out']\n", f"volumes:\n{pad}# here\n{pad}- ./out:/out\n")
    )
    return r.choice(("builder", "'builder'", '"builder"')) + ":\n" + build + indented(mounts, step)


def app(r: random.Random, step: int) -> str:
    pad = " " * step
    build = r.choice(
        (
            "build: .\n",
            "build: '.'\n",
            "build: . # here\n",
            "build: ./\n",
            f"build:\n{pad}context: .\n",
            f"build:\n{pad}context: . # here\n\n{pad}# of its own\n{pad}args:\n{pad * 2}OWN: 'a b'\n\n",
            f"build:\n{pad}args:\n{pad}- OWN=1 # here\n{pad}# all of them\n{pad}context: .\n",
            f"build: &build\n{pad}context: .\n",
        )
    )
    return "app:\n" + indented(build + "image: demo\n" + r.choice(("", "restart: always\n", "ports: ['1:1']\n")), step)


def generated(r: random.Random) -> str:
    step = r.choice((2, 2, 4))
    services = [builder(r, step), app(r, step), *r.sample(OTHERS, r.randint(0, 3))]
    r.shuffle(services)
    body = "".join(r.choice(COMMENTS) + service for service in services)
    text = r.choice(("", "version: '2.4'\n", '# top\nversion: "3.8"\n\n')) + "services:\n" + indented(body, step)
    text += r.choice(("", "\nvolumes:\n  data: {}\n", "# end\n", "x-more: 1\n"))
    text = text if r.random() < 0.8 else text.rstrip("\n")
    return text if r.random() < 0.8 else text.replace("\n", "\r\n")


@pytest.mark.parametrize("seed", range(COUNT))
def test_everything_else_stays_as_it_was(seed: int, tmp_path: Path) -> None:
    r = random.Random(seed)  # noqa: S311
    text = generated(r)
    files = {"Dockerfile.build": COPYING, "Dockerfile": RUNTIME, "build.sh": SCRIPT, "docker-compose.yml": text}
    analysis = analysed(tmp_path, files)
    assert analysis.plan is not None, (text, analysis.diagnostics)
    after = text_of(analysis, "docker-compose.yml")
    before, now = yaml.safe_load(text), yaml.safe_load(after)
    gone = before["services"].pop("builder")
    told, own = now["services"]["app"].pop("build"), before["services"]["app"].pop("build")
    assert now == before, after
    assert arguments(told) == arguments(own) | arguments(gone["build"]), after
    assert (told if isinstance(told, str) else told["context"]).rstrip("/") == "."
    assert {"\r\n" in text} == {"\r\n" in after}
    assert "\n" not in after.replace("\r\n", "") or "\r\n" not in text
    lines = [line.rstrip("\r\n") for line in text.splitlines()]
    added = [line for line in after.splitlines() if line not in lines]
    assert all(
        "args" in line or "context" in line or "=" in line or ": " in line or line.endswith(":") for line in added
    )
    assert "\n\n\n" not in after.replace("\r\n", "\n") or "\n\n\n" in text.replace("\r\n", "\n")


def arguments(build: Any) -> dict[str, str]:
    given = build.get("args", {}) if isinstance(build, dict) else {}
    return dict(a.split("=", 1) for a in given) if isinstance(given, list) else given
