"""Options of docker's commands and whether they take a value: data, from `docker COMMAND --help` of 20.10 and 28.2
and, for builds, from buildx's reference. `long/s` gives the short spelling."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionTable:
    """`flags` take no value, `valued` one; `short` maps letters to long names."""

    flags: frozenset[str]
    valued: frozenset[str]
    short: Mapping[str, str]


def option_table(*, flags: str, valued: str) -> OptionTable:
    pairs = [name.partition("/") for name in f"{flags} {valued}".split()]
    return OptionTable(
        flags=frozenset(name.partition("/")[0] for name in flags.split()),
        valued=frozenset(name.partition("/")[0] for name in valued.split()),
        short={letter: name for name, _, letter in pairs if letter},
    )


GLOBAL = option_table(
    flags="debug/D tls tlsverify version/v",
    valued="config context/c host/H log-level/l tlscacert tlscert tlskey",
)

COMMANDS: Mapping[str, OptionTable] = {
    "build": option_table(
        flags="check compress debug/D disable-content-trust force-rm load no-cache pull push quiet/q rm squash",
        valued="add-host allow annotation attest build-arg build-context builder cache-from cache-to call cgroup-parent "
        " cpu-period cpu-quota cpu-shares/c cpuset-cpus cpuset-mems file/f iidfile isolation label "
        "memory-swap memory/m metadata-file network no-cache-filter output/o platform progress provenance "
        "sbom secret security-opt shm-size ssh tag/t target ulimit",
    ),
    "create": option_table(
        flags=(
            "disable-content-trust help init interactive/i no-healthcheck oom-kill-disable privileged publish-all/P "
            "quiet/q read-only rm tty/t use-api-socket"
        ),
        valued=(
            "add-host annotation attach/a blkio-weight blkio-weight-device cap-add cap-drop cgroup-parent cgroupns "
            "cidfile cpu-count cpu-percent cpu-period cpu-quota cpu-rt-period cpu-rt-runtime cpu-shares/c cpus "
            "cpuset-cpus cpuset-mems device device-cgroup-rule device-read-bps device-read-iops device-write-bps "
            "device-write-iops dns dns-option dns-search domainname entrypoint env/e env-file expose gpus group-add "
            "health-cmd health-interval health-retries health-start-interval health-start-period health-timeout "
            "hostname/h io-maxbandwidth io-maxiops ip ip6 ipc isolation kernel-memory label/l label-file link "
            "link-local-ip log-driver log-opt mac-address memory/m memory-reservation memory-swap memory-swappiness "
            "mount name net net-alias network network-alias oom-score-adj pid pids-limit platform publish/p pull restart runtime "
            "security-opt shm-size stop-signal stop-timeout storage-opt sysctl tmpfs ulimit user/u userns uts volume/v "
            "volume-driver volumes-from workdir/w"
        ),
    ),
    "run": option_table(
        flags=(
            "detach/d disable-content-trust help init interactive/i no-healthcheck oom-kill-disable privileged "
            "publish-all/P quiet/q read-only rm sig-proxy tty/t use-api-socket"
        ),
        valued=(
            "add-host annotation attach/a blkio-weight blkio-weight-device cap-add cap-drop cgroup-parent cgroupns "
            "cidfile cpu-count cpu-percent cpu-period cpu-quota cpu-rt-period cpu-rt-runtime cpu-shares/c cpus "
            "cpuset-cpus cpuset-mems detach-keys device device-cgroup-rule device-read-bps device-read-iops "
            "device-write-bps device-write-iops dns dns-option dns-search domainname entrypoint env/e env-file expose "
            "gpus group-add health-cmd health-interval health-retries health-start-interval health-start-period "
            "health-timeout hostname/h io-maxbandwidth io-maxiops ip ip6 ipc isolation kernel-memory label/l label-file "
            "link link-local-ip log-driver log-opt mac-address memory/m memory-reservation memory-swap "
            "memory-swappiness mount name net net-alias network network-alias oom-score-adj pid pids-limit platform "
            "publish/p pull restart runtime security-opt shm-size stop-signal stop-timeout storage-opt sysctl tmpfs ulimit "
            "user/u userns uts volume/v volume-driver volumes-from workdir/w"
        ),
    ),
    "cp": option_table(
        flags="archive/a follow-link/L quiet/q",
        valued="",
    ),
    "rm": option_table(
        flags="force/f link/l volumes/v",
        valued="",
    ),
    "start": option_table(
        flags="attach/a interactive/i",
        valued="checkpoint checkpoint-dir detach-keys",
    ),
    "stop": option_table(
        flags="",
        valued="signal/s time/t timeout/t",
    ),
    "wait": option_table(
        flags="",
        valued="",
    ),
    "exec": option_table(
        flags="detach/d interactive/i privileged tty/t",
        valued="detach-keys env-file env/e user/u workdir/w",
    ),
    "export": option_table(
        flags="",
        valued="output/o",
    ),
    "save": option_table(
        flags="",
        valued="output/o platform",
    ),
    "load": option_table(
        flags="quiet/q",
        valued="input/i platform",
    ),
    "import": option_table(
        flags="",
        valued="change/c message/m platform",
    ),
    "commit": option_table(
        flags="pause/p",
        valued="author/a change/c message/m",
    ),
    "tag": option_table(
        flags="",
        valued="",
    ),
    "push": option_table(
        flags="all-tags/a disable-content-trust quiet/q",
        valued="platform",
    ),
    "pull": option_table(
        flags="all-tags/a disable-content-trust quiet/q",
        valued="platform",
    ),
    "rmi": option_table(
        flags="force/f no-prune",
        valued="platform",
    ),
    "images": option_table(
        flags="all/a digests no-trunc quiet/q tree",
        valued="filter/f format",
    ),
    "ps": option_table(
        flags="all/a latest/l no-trunc quiet/q size/s",
        valued="filter/f format last/n",
    ),
    "inspect": option_table(
        flags="size/s",
        valued="format/f type",
    ),
    "login": option_table(
        flags="password-stdin",
        valued="password/p username/u",
    ),
    "logout": option_table(
        flags="",
        valued="",
    ),
    "kill": option_table(
        flags="",
        valued="signal/s",
    ),
    "logs": option_table(
        flags="details follow/f timestamps/t",
        valued="since tail/n until",
    ),
    "attach": option_table(
        flags="no-stdin sig-proxy",
        valued="detach-keys",
    ),
    "diff": option_table(
        flags="",
        valued="",
    ),
    "events": option_table(
        flags="",
        valued="filter/f format since until",
    ),
    "history": option_table(
        flags="human/H no-trunc quiet/q",
        valued="format platform",
    ),
    "info": option_table(
        flags="",
        valued="format/f",
    ),
    "pause": option_table(
        flags="",
        valued="",
    ),
    "port": option_table(
        flags="",
        valued="",
    ),
    "rename": option_table(
        flags="",
        valued="",
    ),
    "restart": option_table(
        flags="",
        valued="signal/s time timeout/t",
    ),
    "search": option_table(
        flags="no-trunc",
        valued="filter/f format limit",
    ),
    "stats": option_table(
        flags="all/a no-stream no-trunc",
        valued="format",
    ),
    "top": option_table(
        flags="",
        valued="",
    ),
    "unpause": option_table(
        flags="",
        valued="",
    ),
    "update": option_table(
        flags="",
        valued=(
            "blkio-weight cpu-period cpu-quota cpu-rt-period cpu-rt-runtime cpu-shares/c cpus cpuset-cpus cpuset-mems "
            "kernel-memory memory/m memory-reservation memory-swap pids-limit restart"
        ),
    ),
    "version": option_table(
        flags="",
        valued="format/f kubeconfig",
    ),
    "container prune": option_table(
        flags="force/f",
        valued="filter",
    ),
    "image prune": option_table(
        flags="all/a force/f",
        valued="filter",
    ),
    "system prune": option_table(
        flags="all/a force/f volumes",
        valued="filter",
    ),
}
