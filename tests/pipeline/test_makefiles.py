"""Makefiles as drivers through the static phases: which targets are taken, what is left of the text, what is told."""

from pathlib import Path

from migrate.discover import find_drivers, scan
from migrate.pipeline.analysis import Analysis, analyse
from migrate.pipeline.following import Inputs
from tests.pipeline.legacy import BUILDER, RUNTIME, analysed, codes, lay, rendered

MAKEFILE = """\
NAME = demo
TAG ?= latest

.PHONY: image builder

image: builder
	docker build -t $(NAME):$(TAG) .
	rm app

builder: Dockerfile.build
	docker build -t $(NAME):build -f $< .
	# take the program out
	docker create --name extract $(NAME):build
	docker cp extract:/src/app ./app
	docker rm extract
"""


def of(root: Path, makefile: str, files: dict[str, str] | None = None) -> Analysis:
    return analysed(root, {"build.sh": "", "Makefile": makefile, **(files or {})})


def test_the_trio_with_a_makefile(tmp_path: Path) -> None:
    analysis = of(tmp_path, MAKEFILE)
    assert codes(analysis) == []
    assert analysis.start.name == "make image"
    files = rendered(analysis)
    assert files["Dockerfile.build"] is None
    assert files["Makefile"] == (
        "NAME = demo\nTAG ?= latest\n\n.PHONY: image builder\n\n"
        "image: builder\n\tdocker build -t $(NAME):$(TAG) .\n\nbuilder:\n"
    )


def test_calls_that_need_each_other(tmp_path: Path) -> None:
    makefile = """\
image: app
	docker build -t demo .

extract:
	docker build -t demo:build -f Dockerfile.build .
	docker run --rm demo:build cat /src/app > app
"""
    analysis = of(tmp_path, makefile)
    assert analysis.start.name == "make extract && make image"
    assert rendered(analysis)["Makefile"] == "image:\n\tdocker build -t demo .\n\nextract:\n"


def test_one_shell_line_with_everything(tmp_path: Path) -> None:
    makefile = """\
image:
	@echo start; \\
	docker build -t demo:build -f Dockerfile.build .; \\
	id=$$(docker create demo:build); \\
	docker cp $$id:/src/app app; \\
	docker build -t demo .; \\
	docker rm $$id; \\
	rm app
"""
    files = rendered(of(tmp_path, makefile))
    assert files["Makefile"] == "image:\n\t@echo start; \\\n\tdocker build -t demo .\n"


EXTRACT = """\
define EXTRACT
docker create --name extract demo:build
docker cp extract:/src/app ./app
docker rm extract
endef
image:
	docker build -t demo:build -f Dockerfile.build .
	$(EXTRACT)
	docker build -t demo .
	rm app
"""


def test_a_canned_recipe_goes_as_a_whole(tmp_path: Path) -> None:
    text = rendered(of(tmp_path, EXTRACT))["Makefile"] or ""
    assert text.endswith("endef\nimage:\n\tdocker build -t demo .\n")


def test_a_part_of_what_a_variable_brings_in_is_not_taken_out(tmp_path: Path) -> None:
    analysis = of(tmp_path, EXTRACT.replace("docker rm extract", "docker push demo:other"))
    assert analysis.plan is None
    assert codes(analysis) == ["MS410"]


def test_what_lands_in_no_image_is_refused(tmp_path: Path) -> None:
    assert "MS302" in codes(of(tmp_path, "all:\n\tdocker create --name x y\n\tdocker cp x:/a .\n"))


def test_other_targets_are_told(tmp_path: Path) -> None:
    makefile = MAKEFILE + "\nshell:\n\tdocker run -it $(NAME):build sh\n\nclean:\n\tdocker rmi $(NAME):build\n"
    analysis = of(tmp_path, makefile)
    told = [(d.rule.code, d.primary.span.text) for d in analysis.diagnostics if d.primary is not None]
    assert told == [
        ("MS447", "docker run -it $(NAME):build sh"),
        ("MS447", "docker rmi $(NAME):build"),
    ]


def test_a_target_that_builds_something_else_behind_the_extraction(tmp_path: Path) -> None:
    makefile = MAKEFILE + "\nother: builder\n\tdocker build -t other -f Dockerfile.other .\n"
    apart = of(tmp_path / "apart", makefile, {"Dockerfile.other": "FROM busybox\nCOPY main.c /\n"})
    assert codes(apart) == []
    taking = of(tmp_path / "taking", makefile, {"Dockerfile.other": "FROM busybox\nCOPY app /\n"})
    assert taking.start.name == "make image && make other"


def test_a_dockerfile_that_another_target_builds_from_stays(tmp_path: Path) -> None:
    analysis = of(tmp_path, MAKEFILE + "\nagain:\n\tdocker build -t other -f Dockerfile.build .\n")
    assert codes(analysis) == ["MS439"]
    files = rendered(analysis)
    assert "Dockerfile.build" not in files
    assert "builder: Dockerfile.build\n" in (files["Makefile"] or "")


def test_an_environment_that_decides_is_told(tmp_path: Path) -> None:
    makefile = MAKEFILE.replace("-f $<", "-f $(FILE)").replace("TAG ?=", "FILE ?= Dockerfile.build\nTAG ?=")
    analysis = of(tmp_path, makefile)
    assert codes(analysis) == ["MS209"]
    assert analysis.plan is not None


def test_a_script_that_a_makefile_calls(tmp_path: Path) -> None:
    script = "#!/bin/sh\ndocker create --name extract demo:build\ndocker cp extract:/src/app ./app\ndocker rm extract\n"
    makefile = """\
image:
	docker build -t demo:build -f Dockerfile.build .
	./extract.sh
	docker build -t demo .
	rm app
"""
    files = {"extract.sh": script, "Makefile": makefile, "build.sh": ""}
    repository = scan(lay(tmp_path, files))
    driver = next(d for d in find_drivers(repository) if d.path.name == "Makefile")
    analysis = analyse(repository, driver, Inputs())
    assert analysis.plan is not None
    assert rendered(analysis)["extract.sh"] == "#!/bin/sh\n"
    assert rendered(analysis)["Makefile"] == "image:\n\t./extract.sh\n\tdocker build -t demo .\n"


def test_a_rule_that_make_would_fill_by_itself_is_not_emptied(tmp_path: Path) -> None:
    """`builder:` without a recipe, beside `builder.sh`: make would write a file of that name."""
    makefile = MAKEFILE.replace(".PHONY: image builder\n", "")
    assert codes(of(tmp_path / "without", makefile)) == []
    analysis = of(tmp_path / "with", makefile, {"builder.sh": "echo hi\n"})
    assert (analysis.plan, codes(analysis)) == (None, ["MS410"])


def test_an_argument_that_means_something_else_where_it_goes(tmp_path: Path) -> None:
    """`V` is set for the target of the builder alone."""
    makefile = MAKEFILE.replace("builder: Docker", "builder: V = 4\nbuilder: Docker").replace(
        "docker build -t $(NAME):build", "docker build --build-arg V=$(V) -t $(NAME):build"
    )
    builder = "FROM gcc:12\nARG V\nWORKDIR /src\nCOPY main.c .\nRUN cc -DV=$V -static -o app main.c\n"
    analysis = of(tmp_path / "apart", makefile, {"Dockerfile.build": builder})
    assert (analysis.plan, codes(analysis)) == (None, ["MS410"])
    everywhere = makefile.replace("builder: V = 4\n", "").replace("NAME = demo\n", "NAME = demo\nV = 4\n")
    moved = rendered(of(tmp_path / "everywhere", everywhere, {"Dockerfile.build": builder}))["Makefile"] or ""
    assert "docker build --build-arg V=$(V) -t $(NAME):$(TAG) ." in moved


def test_two_images_of_one_file_target(tmp_path: Path) -> None:
    makefile = """\
all: one two
one: app
	docker build -t one .
two: app
	docker build -t two -f Dockerfile.two .
app:
	docker build -t demo:build -f Dockerfile.build .
	docker create --name x demo:build
	docker cp x:/src/app app
	docker rm x
"""
    analysis = of(tmp_path, makefile, {"Dockerfile.two": "FROM alpine\nCOPY app /\n"})
    files = rendered(analysis)
    assert files["Makefile"] == (
        "all: one two\none:\n\tdocker build --target one -t one .\n"
        "two:\n\tdocker build --target two -t two -f Dockerfile .\n"
    )
    assert (files["Dockerfile.build"], files["Dockerfile.two"]) == (None, None)
    assert codes(analysis) == ["MS413"]


def test_a_target_that_needs_the_artifact_on_the_host_is_refused(tmp_path: Path) -> None:
    for use in ("cp app /usr/local/bin/", "./app --version", "cat app"):
        analysis = of(tmp_path / use.split()[0].strip("./"), MAKEFILE + f"\ninstall: builder\n\t{use}\n")
        assert analysis.plan is None, use
        assert "MS410" in codes(analysis)


def test_what_make_alone_makes_stays_the_same_target(tmp_path: Path) -> None:
    makefile = """\
app:
	docker build -t demo:build -f Dockerfile.build .
	docker create --name x demo:build
	docker cp x:/src/app app
	docker rm x
image: app
	docker build -t demo .
"""
    assert rendered(of(tmp_path, makefile))["Makefile"] == "app:\nimage:\n\tdocker build -t demo .\n"


def test_where_a_container_is_refused_the_reason_is_told_and_not_that_nothing_is_taken(tmp_path: Path) -> None:
    makefile = """\
image:
	docker build -t demo .
dev:
	docker run --rm -u $$(id -u) -v $(PWD):/src demo:build make debug
app:
	docker run --rm -u $$(id -u) -v $(PWD):/src demo:build make
builder:
	docker build -t demo:build -f Dockerfile.build .
"""
    analysis = of(tmp_path, makefile, {"Dockerfile.build": "FROM gcc\nWORKDIR /src\n"})
    assert codes(analysis) == ["MS204"]
    assert analysis.start.name.endswith("make image")


TWO = """\
.PHONY: binaries plugin tools
binaries:
	docker build -t demo:build -f Dockerfile.build .
	docker create --name x demo:build
	docker cp x:/src/bin .
	docker rm x
plugin: binaries
	docker build -t demo:plugin .
	mkdir -p rootfs
	docker create --name y demo:plugin
	docker export y | tar -x -C rootfs
	docker rm y
tools: binaries
	docker build -t demo:tools -f Dockerfile.tools .
"""


def test_calls_that_are_there_for_one_image_each_are_followed_each_in_a_checkout_of_its_own(tmp_path: Path) -> None:
    """One behind the other, the second extraction would land in what the first one left."""
    files = {"Dockerfile": "FROM busybox\nCOPY bin/one /\n", "Dockerfile.tools": "FROM busybox\nCOPY bin/two /\n"}
    builder = {"Dockerfile.build": "FROM gcc:12\nWORKDIR /src\nCOPY . .\nRUN make\n"}
    analysis = of(tmp_path, TWO, {**files, **builder})
    assert analysis.start.name == "make plugin && make tools"
    text = rendered(analysis)
    assert text["Makefile"] == (
        ".PHONY: binaries plugin tools\nbinaries:\n"
        "plugin: binaries\n\tdocker build --target demo-plugin -t demo:plugin .\n\tmkdir -p rootfs\n"
        "\tdocker create --name y demo:plugin\n\tdocker export y | tar -x -C rootfs\n\tdocker rm y\n"
        "tools: binaries\n\tdocker build --target tools -t demo:tools -f Dockerfile .\n"
    )
    assert text["Dockerfile.tools"] is None
    assert codes(analysis) == ["MS413", "MS445", "MS452"]


PACKAGES = """\
FILES = app-1.0.rpm src/app-1.0.src.rpm

product:
	mkdir product
{other}
package:
	docker build -t demo:build -f Dockerfile.build .
	id=$$(docker run -d demo:build sleep 180); \\
	dir=/src; \\
	for file in ${{FILES}}; do \\
		name=$$(basename $$file); \\
		docker cp $${{id}}:$${{dir}}/$${{file}} product/$${{name}}; \\
	done; \\
	docker rm -f $${{id}}
	mv product/app-1.0.src.rpm product/sources.rpm

image:
	docker build -t demo .
"""


def test_a_loop_over_files_goes_with_what_only_it_uses(tmp_path: Path) -> None:
    files = {"Dockerfile": "FROM busybox\nCOPY product/app-1.0.rpm /\n"}
    analysis = of(tmp_path / "alone", PACKAGES.format(other=""), files)
    assert analysis.start.name == "make product && make package && make image"
    assert rendered(analysis)["Makefile"] == (
        "FILES = app-1.0.rpm src/app-1.0.src.rpm\n\nproduct:\n\npackage:\n\nimage:\n\tdocker build -t demo .\n"
    )
    told = [d.primary.span.text for d in analysis.diagnostics if d.rule.code == "MS413" and d.primary]
    assert [t.split(" ")[0] for t in sorted(told)] == ["docker", "mv"]


def test_a_folder_that_another_target_fills_is_still_made(tmp_path: Path) -> None:
    other = """
others:
	docker build -t demo:others -f Dockerfile.others .
	docker create --name others demo:others
	docker cp others:/src/other.deb product/
	docker rm others
all: product package others image
"""
    files = {"Dockerfile": "FROM busybox\nCOPY product/app-1.0.rpm /\n", "Dockerfile.others": "FROM busybox\n"}
    analysis = of(tmp_path, PACKAGES.format(other=other), files)
    assert analysis.plan is not None, [d.message for d in analysis.diagnostics]
    assert "\nproduct:\n\tmkdir product\n" in (rendered(analysis)["Makefile"] or "")


def test_the_reason_that_stays_whatever_the_environment_holds_is_told(tmp_path: Path) -> None:
    makefile = MAKEFILE.replace("TAG ?= latest", "TAG ?= latest\nOUT ?= src").replace(
        "extract:/src/", "extract:/$(OUT)/"
    )
    assert "MS209" in codes(of(tmp_path / "without", makefile))
    looked_at = makefile.replace(
        "\tdocker build -t $(NAME):$(TAG)", "\t./app --version\n\tdocker build -t $(NAME):$(TAG)"
    )
    assert "MS205" in codes(of(tmp_path / "run", looked_at))


def test_a_target_that_composes_behind_what_goes_is_told(tmp_path: Path) -> None:
    makefile = MAKEFILE.replace("./app", "dist/app").replace("\tdocker create", "\tmkdir -p dist\n\tdocker create")
    makefile = makefile.replace("-t $(NAME):$(TAG) .", "-t $(NAME):$(TAG) -f Dockerfile dist").replace("rm app", "date")
    makefile += "\nup: image\n\tdocker-compose up -d\n"
    composed = 'services:\n  web:\n    image: demo\n    build: {{context: "{}", dockerfile: "{}"}}\n'
    for name, built, expected in (
        ("images", None, set()),
        ("own", ("./web", "Dockerfile"), set()),
        ("made", ("dist", "../Dockerfile"), set()),
        ("unread", (".", "$ {"), {"MS447"}),
    ):
        text = composed.format(*built) if built else "services:\n  web:\n    image: demo\n"
        files = {"docker-compose.yml": text, "web/Dockerfile": "FROM busybox\n", "build.sh": "", "Makefile": makefile}
        repository = scan(lay(tmp_path / name, files))
        driver = next(d for d in find_drivers(repository) if d.path.name == "Makefile")
        analysis = analyse(repository, driver, Inputs())
        assert {"MS410", "MS447"} & set(codes(analysis)) == expected, name
        assert analysis.plan is not None, name
        composed_anew = rendered(analysis).get("docker-compose.yml")
        assert (composed_anew is not None) is (name == "made")
        assert composed_anew is None or "{context: ., dockerfile: Dockerfile}" in composed_anew


def test_a_target_that_would_come_out_otherwise_is_refused(tmp_path: Path) -> None:
    analysis = of(tmp_path, MAKEFILE + "\ncheck: builder\n\ttest -s app && docker images\n")
    assert analysis.plan is None
    (found,) = [d for d in analysis.diagnostics if d.rule.code == "MS410"]
    assert "(target `check`)" in found.message


def test_a_target_that_builds_from_a_file_that_is_not_there_is_only_told(tmp_path: Path) -> None:
    """It fails before as after; with the file, it would be looked at."""
    makefile = """\
build: Dockerfile.build
	docker build -t demo:build -f $< .
	docker run --rm -v `pwd`:/src demo:build make
image: build
	docker build -t demo .
more: build Dockerfile.more
	docker build -t demo:more -f Dockerfile.more .
	docker run --rm demo:more
"""
    files = {"Dockerfile.build": "FROM gcc:12\nWORKDIR /src\n"}
    analysis = of(tmp_path / "missing", makefile, files)
    assert analysis.plan is not None, [d.message for d in analysis.diagnostics]
    assert "MS447" in codes(analysis)
    more = {"Dockerfile.more": "FROM busybox\nCOPY app /more\n"}
    both = of(tmp_path / "there", makefile, {**files, **more})
    assert both.plan is not None
    assert both.start.name == "make image && make more"


def test_a_variable_that_a_make_in_between_was_given_is_not_read_where_it_is_not_set(tmp_path: Path) -> None:
    """The value that stands in the other image's build is none that this one was given."""
    makefile = (
        "one:\n\t$(MAKE) out\n\tdocker build -t demo:one .\n"
        "two:\n\t$(MAKE) out MODE=2\n\tdocker build -t demo:two -f Dockerfile.two .\n"
        "out:\n\tdocker build -t demo:build --build-arg MODE=$(MODE) -f Dockerfile.build .\n"
        "\tdocker create --name x demo:build\n\tdocker cp x:/src/app app\n\tdocker rm x\n"
    )
    files = {
        "Makefile": makefile,
        "build.sh": "",
        "Dockerfile.build": BUILDER.replace("RUN", "ARG MODE\nRUN echo $MODE &&"),
        "Dockerfile.two": RUNTIME,
    }
    assert analysed(tmp_path, files).changes == ()
