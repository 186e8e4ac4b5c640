"""System calls that a submission has no use for, as a filter of the operating system's own (seccomp).

Namespaces and mounts keep a submission in its place. What they do not cover is refused here: memory that no process is
charged for (`memfd_create`, System V segments), keyrings and sockets that belong to no namespace, new namespaces in
which a submission would be its own root, and the parts of the operating system with the worst record.
"""

import platform
import struct
from collections.abc import Iterator
from dataclasses import dataclass

# Numbers on x86_64 and on aarch64.
REFUSED = {"unshare": (272, 97), "setns": (308, 268), "mount": (165, 40), "umount2": (166, 39), "pivot_root":
    (155, 41), "chroot": (161, 51), "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev":
    (311, 271), "keyctl": (250, 219), "add_key": (248, 217), "request_key": (249, 218), "bpf": (321, 280),
    "perf_event_open": (298, 241), "userfaultfd": (323, 282), "memfd_create": (319, 279), "shmget": (29, 194),
    "msgget": (68, 186), "semget": (64, 190), "init_module": (175, 105), "finit_module": (313, 273),
    "delete_module": (176, 106), "kexec_load": (246, 104), "open_by_handle_at": (304, 265), "name_to_handle_at":
    (303, 264), "kcmp": (312, 272), "quotactl": (179, 60), "acct": (163, 89), "swapon": (167, 224), "reboot":
    (169, 142), "syslog": (103, 116), "fanotify_init": (300, 262)}  # fmt: skip
EVERYWHERE = {"io_uring_setup": 425, "open_tree": 428, "move_mount": 429, "fsopen": 430, "fsmount": 432,
              "mount_setattr": 442, "memfd_secret": 447}  # fmt: skip
CLONE3 = 435
NEW_USER = 0x10000000
OTHER_ABI = 0x40000000
FAMILIES = (1, 2, 10, 16)  # unix, IPv4, IPv6, netlink: each of them is empty in a network namespace of one's own
LOAD, EQUAL, AT_LEAST, HAS_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, REFUSE, UNKNOWN = 0x7FFF0000, 0x00050001, 0x00050026  # the call works; fails with EPERM; fails with ENOSYS
NUMBER, ARCHITECTURE, FIRST_ARGUMENT = 0, 4, 16

Instruction = tuple[int, int, int, int]


@dataclass(frozen=True)
class Machine:
    """Numbers of the calls on one kind of processor."""

    audit: int
    refused: tuple[int, ...]
    clone: int
    socket: int


MACHINES = {
    "x86_64": Machine(0xC000003E, tuple(pair[0] for pair in REFUSED.values()), 56, 41),
    "aarch64": Machine(0xC00000B7, tuple(pair[1] for pair in REFUSED.values()), 220, 198),
}


def program(machine: str | None = None) -> bytes:
    """Filter as the operating system takes it; empty on a kind of processor that is not known here.

    Parameters
    ----------
    machine : str, optional
        As `platform.machine` names it; this one where left out.
    """
    known = MACHINES.get(machine or platform.machine())
    return b"" if known is None else b"".join(struct.pack("HBBI", *step) for step in instructions(known))


def instructions(machine: Machine) -> Iterator[Instruction]:
    """Steps of the filter: operation, steps to skip where it holds and where not, and the number it is about."""
    yield from [(LOAD, 0, 0, ARCHITECTURE), (EQUAL, 1, 0, machine.audit), (RETURN, 0, 0, REFUSE)]
    yield from [(LOAD, 0, 0, NUMBER), (AT_LEAST, 0, 1, OTHER_ABI), (RETURN, 0, 0, REFUSE)]
    for number in (*machine.refused, *EVERYWHERE.values()):
        yield from [(EQUAL, 0, 1, number), (RETURN, 0, 0, REFUSE)]
    yield from [(EQUAL, 0, 1, CLONE3), (RETURN, 0, 0, UNKNOWN)]
    yield from [(EQUAL, 0, 4, machine.clone), (LOAD, 0, 0, FIRST_ARGUMENT)]
    yield from [(HAS_BIT, 0, 1, NEW_USER), (RETURN, 0, 0, REFUSE), (RETURN, 0, 0, ALLOW)]
    yield from _sockets(machine)
    yield (RETURN, 0, 0, ALLOW)


def _sockets(machine: Machine) -> Iterator[Instruction]:
    """Allow sockets of the usual families only."""
    count = len(FAMILIES)
    yield from [(EQUAL, 0, count + 3, machine.socket), (LOAD, 0, 0, FIRST_ARGUMENT)]
    yield from ((EQUAL, count - index, 0, family) for index, family in enumerate(FAMILIES))
    yield from [(RETURN, 0, 0, REFUSE), (RETURN, 0, 0, ALLOW)]
