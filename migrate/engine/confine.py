"""Starts a script in a mount namespace of its own, in which an engine is reached through the stand-in alone.

Run as a program: PLAN.json, then the script's words. Standard library only, and a file by itself. It becomes the script, so
the process, its group and its session are those that were started. What fails before that is written to the plan's `failed`.
"""

import ctypes
import json
import os
import signal
import sys
from typing import Any

_NEW_MOUNTS, _NEW_USER = 0x00020000, 0x10000000
_BIND, _RECURSIVE, _PRIVATE, _REMOUNT, _READ_ONLY = 0x1000, 0x4000, 1 << 18, 0x20, 0x1
# the same number on every architecture that has had it since Linux 5.12
_MOUNT_SETATTR = 442
_HERE, _ALL_BELOW = -100, 0x8000
_DROP_FROM_BOUNDING_SET, _AMBIENT, _CLEAR_AMBIENT = 24, 47, 4
# of root's: what would undo the mounts, and what would look into the namespaces of others
_SYS_PTRACE, _SYS_ADMIN = 19, 21

_libc = ctypes.CDLL(None, use_errno=True)


class ConfineError(Exception):
    """A step that the system didn't allow; the message names it."""


def main() -> None:
    with open(sys.argv[1]) as file:  # noqa: PTH123 -- starts sooner without pathlib
        plan: dict[str, Any] = json.load(file)
    try:
        enter(plan)
        os.chdir(plan["directory"])
        for sign in (signal.SIGPIPE, signal.SIGXFSZ):  # which Python ignores, and a script doesn't
            signal.signal(sign, signal.SIG_DFL)
        os.execvpe(sys.argv[2], sys.argv[2:], plan["environment"])  # noqa: S606 -- what it is for
    except (ConfineError, OSError) as error:
        with open(plan["failed"], "w") as file:  # noqa: PTH123
            file.write(str(error))
        sys.exit(125)


def enter(plan: dict[str, Any]) -> None:
    """Make the namespace. `keep` is a folder that stays as it is under whatever becomes read-only; `reachable` are pairs of a
    file and where it is to be found from now on, `masked` pairs of a file and what stands over it."""
    user, group = os.getuid(), os.getgid()
    _call("unshare", _libc.unshare(_NEW_MOUNTS | (_NEW_USER if user else 0)))
    if user:
        _map(0, user, 0, group)
    _mount(None, "/", _RECURSIVE | _PRIVATE)
    handles = {path: os.open(path, os.O_PATH) for path in (plan["keep"], *(p for p, _ in plan["reachable"]))}
    for path in plan["read_only"]:
        _mount(path, path, _BIND | _RECURSIVE)
        _make_read_only(path)
    _mount(f"/proc/self/fd/{handles[plan['keep']]}", plan["keep"], _BIND | _RECURSIVE)
    for path, new in plan["reachable"]:
        _mount(f"/proc/self/fd/{handles[path]}", new, _BIND)
    for path, cover in plan["masked"]:
        _mount(cover, path, _BIND)
    for handle in handles.values():
        os.close(handle)
    if user:
        # back to who started it, in a namespace that doesn't own the mounts
        _call("unshare", _libc.unshare(_NEW_USER))
        _map(user, 0, group, 0)
    else:
        _libc.prctl(_AMBIENT, _CLEAR_AMBIENT, 0, 0, 0)
        for capability in (_SYS_ADMIN, _SYS_PTRACE):
            _call("prctl", _libc.prctl(_DROP_FROM_BOUNDING_SET, capability, 0, 0, 0))


def _map(user: int, outer_user: int, group: int, outer_group: int) -> None:
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{user} {outer_user} 1"),
        ("gid_map", f"{group} {outer_group} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as file:  # noqa: PTH123
            file.write(text)


def _mount(source: str | None, target: str, flags: int) -> None:
    source_bytes = None if source is None else os.fsencode(source)
    _call(f"mount over `{target}`", _libc.mount(source_bytes, os.fsencode(target), None, ctypes.c_ulong(flags), None))


def _make_read_only(path: str) -> None:
    """With all that is mounted below; on older kernels, the mount itself."""
    attributes = (ctypes.c_uint64 * 4)(1, 0, 0, 0)  # set: read-only; clear, propagation, user namespace: nothing
    done = _libc.syscall(_MOUNT_SETATTR, _HERE, os.fsencode(path), _ALL_BELOW, attributes, ctypes.sizeof(attributes))
    if done == 0:
        return
    # a user namespace may not take away what the mount was made with
    kept = os.statvfs(path).f_flag & (os.ST_NOSUID | os.ST_NODEV | os.ST_NOEXEC)  # the same bits as mount's
    _mount(None, path, _REMOUNT | _BIND | _READ_ONLY | kept)


def _call(what: str, result: int) -> None:
    if result != 0:
        raise ConfineError(f"{what}: {os.strerror(ctypes.get_errno())}")


if __name__ == "__main__":
    main()
