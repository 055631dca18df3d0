"""How artifacts get out of containers, in the words that people use. Input: a trace; output: names, each once."""

from migrate.trace.events import (
    Compose,
    ContainerRun,
    ContainerUse,
    Extraction,
    ImageBuild,
    ImageUse,
    Trace,
)
from migrate.trace.values import Stream
from migrate.trace.workspace import Altered, Changed, Node, Streamed


def mechanisms(trace: Trace) -> tuple[str, ...]:
    """In the order in which the script comes to them."""
    found: dict[str, None] = {}
    runs = {e.container.number for e in trace.events if isinstance(e, ContainerRun)}
    for event in trace.events:
        match event:
            case Extraction(landed=None):
                found["docker cp to standard output"] = None
            case Extraction(container_number=number):
                found["docker run + cp" if number in runs else "docker create + cp"] = None
            case ContainerRun(container=container) if any(
                m.host is not None and not m.read_only for m in container.mounts
            ):
                found["bind mount"] = None
            case ContainerUse(verb="export" | "commit" as verb):
                found[f"docker {verb}"] = None
            case ImageUse(verb="load" | "import" as verb):
                found[f"docker {verb}"] = None
            case ImageBuild(streamed=Stream()):
                found["docker run | docker build -"] = None
            case ImageBuild(workspace=workspace):
                if any(_streamed(workspace.overlay[p]) for p in workspace.carried):
                    found["standard output"] = None
            case Compose(verb="run"):
                found["docker-compose run"] = None
            case _:
                pass
    return tuple(found)


def _streamed(node: Node | object) -> bool:
    match node:
        case Streamed():
            return True
        case Altered(base=base) | Changed(base=base):
            return any(map(_streamed, base))
        case _:
            return False
