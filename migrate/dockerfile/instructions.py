"""A Dockerfile as data: stages of instructions, each piece with its span. What one means is for others to say."""

from dataclasses import dataclass

from migrate.source import SourceFile, Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """`--name=value` before an instruction's arguments; `value` is None for a bare `--name`."""

    span: Span
    name: str
    value: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Argument:
    """One word of an instruction, before variables are expanded.

    In the shell form `text` is as written, quotes and backslashes included; in the JSON form it is the decoded string
    and `span` covers the quoted element.
    """

    span: Span
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HereDocument:
    """`<<NAME` in RUN, COPY or ADD; `expands` is false where NAME was quoted, `body` is as written between the lines
    (with `<<-`, leading tabs are gone). `span` runs from the first line of the body to the end of the closing line."""

    span: Span
    name: str
    expands: bool
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """One instruction. `span` runs from the keyword to the end of its last line, line end excluded, here-documents
    included.

    `keyword` is upper case. `text` is what follows keyword and flags, with continuations joined and comment lines
    inside it left out, as BuildKit's parser gives it. `arguments` are its words: for RUN, CMD, ENTRYPOINT, SHELL,
    HEALTHCHECK and ONBUILD in shell form there is one argument, the whole text; a HEALTHCHECK in JSON form has `CMD`
    ahead of its elements. ENV and LABEL in the old form (`ENV key a b`) have two, ARG has `name` or `name=default`.
    FROM has the image, or the image, `AS` and the name. COPY and ADD have the sources, `<<NAME` among them, and the
    destination.
    """

    span: Span
    keyword: str
    flags: tuple[Flag, ...]
    arguments: tuple[Argument, ...]
    json: bool
    text: str
    here_documents: tuple[HereDocument, ...] = ()

    def flag(self, name: str) -> Flag | None:
        """The last flag of that name."""
        return next((f for f in reversed(self.flags) if f.name == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """FROM and what follows it. `name` is as written; docker compares it in lower case. `span` runs from FROM to the
    end of the last instruction."""

    index: int
    span: Span
    instruction: Instruction
    image: Argument
    name: Argument | None
    instructions: tuple[Instruction, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Directive:
    """`# syntax=…`, `# escape=…`, `# check=…` at the top of the file; `name` is lower case."""

    span: Span
    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dockerfile:
    """`global_arguments` are the ARG instructions before the first FROM."""

    source: SourceFile
    directives: tuple[Directive, ...]
    escape: str
    global_arguments: tuple[Instruction, ...]
    stages: tuple[Stage, ...]

    @property
    def instructions(self) -> tuple[Instruction, ...]:
        """All of them, in order."""
        return (*self.global_arguments, *(i for s in self.stages for i in (s.instruction, *s.instructions)))
