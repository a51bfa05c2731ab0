"""Why: a network-isolated container that reaches the network here would fail in AWS, so the kernel cuts it off."""

import ctypes
import fcntl
import os
import socket
import struct
import sys
from pathlib import Path

CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000
SIOCSIFFLAGS = 0x8914
IFF_UP_RUNNING = 0x41


def isolate() -> str | None:
    """Give this process a network of its own with nothing but loopback; return why not, where that is not permitted.

    Sockets that are open already stay on the old network, which is how an isolated endpoint is still reached.
    """
    if not sys.platform.startswith("linux"):
        return f"{sys.platform} has no network namespaces"
    user, group = os.getuid(), os.getgid()
    flags = CLONE_NEWNET if user == 0 else CLONE_NEWNET | CLONE_NEWUSER
    libc = ctypes.CDLL(None, use_errno=True)  # os.unshare exists only from Python 3.12 on
    if libc.unshare(flags) != 0:
        return os.strerror(ctypes.get_errno())
    try:
        if user != 0:
            Path("/proc/self/setgroups").write_text("deny")
            Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
            Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
            fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", IFF_UP_RUNNING))
    except OSError as error:
        return f"incomplete, as loopback is missing: {error}"
    return None
