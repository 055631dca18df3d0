"""What an engine said of the pairs, as `pairs.json` holds it. To write it anew: `python -m tests.proof.records FIRST LAST SECONDS`.

An entry whose pair is still the same one is kept. After each pair the file is written, so that a run may be broken off.
"""

import json
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from migrate.image import FileType
from migrate.plan.model import ArtifactFact, ArtifactKind
from tests.engine.private import PrivateEngine
from tests.engine.standins import ALPINE, BUSYBOX, load
from tests.proof.judge import BUILDERS, Judged, Said, judge, without_cache
from tests.proof.pairs import pair

RECORDS = Path(__file__).with_name("pairs.json")
SHOWN = 12
"""So many differences of a pair are written down."""
KINDS = {FileType.DIRECTORY: ArtifactKind.DIRECTORY, FileType.SYMLINK: ArtifactKind.LINK}


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One pair under one builder. `facts` are what an engine says of the artifacts in the legacy builder's image."""

    said: Said
    why: tuple[str, ...]
    facts: Mapping[str, ArtifactFact]


def read() -> dict[int, tuple[str, dict[str, Record]]]:
    """By seed: the digest of the pair, and a record a builder."""
    held = json.loads(RECORDS.read_text())
    return {int(seed): (e["pair"], {b: _record(e[b]) for b in BUILDERS}) for seed, e in held.items()}


def _record(entry: Mapping[str, Any]) -> Record:
    facts = {
        path: ArtifactFact(kind=ArtifactKind[kind], root_owned=root, mode=int(mode, 8))
        for path, (kind, mode, root) in entry.get("facts", {}).items()
    }
    return Record(said=Said(entry["said"]), why=tuple(entry.get("why", ())), facts=facts)


def _entry(judged: Judged) -> dict[str, object]:
    entry: dict[str, object] = {"said": judged.said.value}
    if judged.why:
        more = [f"and {len(judged.why) - SHOWN} more"] if len(judged.why) > SHOWN else []
        entry["why"] = [*(w[-300:] for w in judged.why[:SHOWN]), *more]
    if judged.facts:
        kinds = {p: KINDS.get(f.type, ArtifactKind.FILE).name for p, f in judged.facts.items()}
        entry["facts"] = {p: [kinds[p], f"{f.mode:o}", f.root_owned] for p, f in judged.facts.items()}
    return entry


def main(first: int, last: int, seconds: float) -> None:
    held = json.loads(RECORDS.read_text()) if RECORDS.exists() else {}
    end = time.monotonic() + seconds
    with PrivateEngine() as engine, tempfile.TemporaryDirectory() as made:
        load(engine, BUSYBOX, ALPINE)
        environment = without_cache(engine, Path(made))
        for seed in range(first, last):
            one = pair(seed)
            if held.get(str(seed), {}).get("pair") == one.digest:
                continue
            if time.monotonic() > end:
                break
            said = {b: judge(one, b, environment, Path(made) / f"{seed}-{b}") for b in BUILDERS}
            held[str(seed)] = {"pair": one.digest, **{b: _entry(j) for b, j in said.items()}}
            print(seed, one.intent, *(f"{b}: {j.said.value}" for b, j in said.items()), sep=" | ", flush=True)
            lines = [f"{json.dumps(k)}: {json.dumps(held[k])}" for k in sorted(held, key=int)]
            RECORDS.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
