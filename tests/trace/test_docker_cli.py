"""Docker's command line: arity, joined short options, groups, options behind operands."""

import pytest

from migrate.trace.docker_cli import CommandLineError, DockerCommand, parse


def read(text: str) -> DockerCommand:
    parsed = parse(text.split())
    assert isinstance(parsed, DockerCommand), parsed
    return parsed


@pytest.mark.parametrize(
    ("text", "verb", "operands"),
    [
        ("build .", "build", ["."]),
        ("image build -t a .", "build", ["."]),
        ("buildx build --load -t a .", "build", ["."]),
        ("builder build .", "build", ["."]),
        ("build . -t a -f b", "build", ["."]),
        ("build -ta -fb .", "build", ["."]),
        ("build -t=a .", "build", ["."]),
        ("build -", "build", ["-"]),
        ("build --no-cache=false -q .", "build", ["."]),
        ("-H tcp://x:1 build .", "build", ["."]),
        ("--host=tcp://x:1 --tls build .", "build", ["."]),
        ("container create --name x image true", "create", ["image", "true"]),
        ("create -v a:b image sh -c x", "create", ["image", "sh", "-c", "x"]),
        ("create -- image -x", "create", ["image", "-x"]),
        ("run -it --rm image -t x", "run", ["image", "-t", "x"]),
        ("run -ditp 80:80 image", "run", ["image"]),
        ("cp -aL a:/b c", "cp", ["a:/b", "c"]),
        ("container cp a:/b -", "cp", ["a:/b", "-"]),
        ("rm -fv a b", "rm", ["a", "b"]),
        ("rm a -f", "rm", ["a"]),
        ("image rm a", "rmi", ["a"]),
        ("container ls -aq", "ps", []),
        ("network create x", "network create", ["x"]),
        ("stack deploy -c f x", "stack deploy", ["-c", "f", "x"]),
        ("", "", []),
    ],
)
def test_reads(text: str, verb: str, operands: list[str]) -> None:
    command = read(text)
    assert (command.verb, [o.text for o in command.operands]) == (verb, operands)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("build --nope .", "option `--nope` is not known"),
        ("build -z .", "option `-z` is not known"),
        ("build . -t", "option `-t` lacks its value"),
        ("build . --tag", "option `--tag` lacks its value"),
        ("cp -x a:b c", "option `-x` is not known"),
        ("--nope build .", "option `--nope` is not known"),
    ],
)
def test_refuses(text: str, reason: str) -> None:
    parsed = parse(text.split())
    assert isinstance(parsed, CommandLineError)
    assert parsed.reason == reason
    assert text.split()[parsed.word].startswith("-")


def test_options_keep_their_words_and_values() -> None:
    command = read("build --build-arg A=1 -tx --file=F --no-cache --no-cache=false .")
    assert command.values("build-arg") == ("A=1",)
    assert (command.last("tag"), command.last("file")) == ("x", "F")
    assert not command.flag("no-cache")
    assert [(o.name, o.word, o.value_word) for o in command.options][:3] == [
        ("build-arg", 1, 2),
        ("tag", 3, 3),
        ("file", 4, 4),
    ]
