"""What stands at a path, less the compiles that have no part in it.

A compiler writes the file that it is told to and reads its sources (`provenance.compilers`): what another compile ahead of it or
behind it made is no matter, unless it speaks of it. That it is so is an assumption, told wherever it is made.
"""

import shlex
from dataclasses import replace

from migrate.proof import commands
from migrate.proof.expressions import At, Exec, Files
from migrate.provenance.compilers import Compile, covers, depends, read_compiles


def separated(content: At) -> tuple[At, tuple[Exec, ...]]:
    """The same with only the compiles that it needs, of those that end what made it; and those that were left out."""
    found: list[tuple[Exec, Compile]] = []
    files: Files = content.files
    while isinstance(files, Exec) and (compiles := _compiles(files)):
        found += reversed(compiles)
        files = files.files
    kept: list[tuple[Exec, Compile]] = []
    dropped: list[Exec] = []
    for node, compiled in found:
        makes = any(covers(o, content.path) for o in compiled.outputs)
        if makes or any(depends(later, compiled) for _, later in kept):
            kept.append((node, compiled))
        else:
            dropped.append(node)
    for node, _ in reversed(kept):
        files = replace(node, files=files)
    return replace(content, files=files), tuple(dropped)


def _compiles(node: Exec) -> list[tuple[Exec, Compile]]:
    """A RUN that does nothing but compile, as one node for each compile, in order; none for any other."""
    command = node.command
    if node.container or node.volumes or command.documents or any("type=cache" not in m.text for m in node.mounts):
        return []
    if command.script and not commands.is_posix(command.shell):
        return []
    text = command.script or shlex.join(command.words)
    compiles = read_compiles(text, node.directory) or ()
    if len(compiles) == 1:
        return [(node, compiles[0])]
    shell = command.shell or commands.SHELL
    return [(replace(node, command=commands.of_script(c.span.text, shell, command.span)), c) for c in compiles]
