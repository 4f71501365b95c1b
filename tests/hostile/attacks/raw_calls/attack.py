import ctypes
import errno
import platform

_X86 = {"socket": 41, "fork": 57, "vfork": 58, "execve": 59, "shmget": 29, "msgget": 68, "semget": 64, "ptrace": 101, "setuid": 105, "mknod": 133,
        "personality": 135, "pivot_root": 155, "chroot": 161, "mount": 165, "swapon": 167, "init_module": 175, "mq_open": 240, "add_key": 248,
        "keyctl": 250, "unshare": 272, "perf_event_open": 298, "name_to_handle_at": 303, "open_by_handle_at": 304, "setns": 308,
        "process_vm_readv": 310, "process_vm_writev": 311, "bpf": 321, "execveat": 322, "userfaultfd": 323, "memfd_create": 319,
        "io_uring_setup": 425, "pidfd_send_signal": 424, "pidfd_open": 434, "clone3": 435, "pidfd_getfd": 438, "process_madvise": 440,
        "memfd_secret": 447, "kcmp": 312, "syslog": 103, "iopl": 172, "modify_ldt": 154, "fanotify_init": 300, "seccomp": 317, "nothing": 9999}
_ARM = {"socket": 198, "execve": 221, "shmget": 194, "msgget": 186, "semget": 190, "ptrace": 117, "setuid": 146, "mknodat": 33, "personality": 92,
        "pivot_root": 41, "chroot": 51, "mount": 40, "add_key": 217, "keyctl": 219, "unshare": 97, "perf_event_open": 241, "setns": 268,
        "process_vm_readv": 270, "bpf": 280, "execveat": 281, "userfaultfd": 282, "memfd_create": 279, "io_uring_setup": 425, "pidfd_open": 434,
        "clone3": 435, "seccomp": 277, "nothing": 9999}
def attack():
    table = {"x86_64": _X86, "aarch64": _ARM}.get(platform.machine(), {})
    libc = ctypes.CDLL(None, use_errno=True)
    breaches = []
    for name, number in table.items():
        if name in ("fork", "vfork"):
            continue  # a second of us would run on from here; `fork` tries these
        ctypes.set_errno(0)
        libc.syscall(ctypes.c_long(number), *[ctypes.c_long(-1 if name == "personality" else 0)] * 6)
        if ctypes.get_errno() not in (errno.EPERM, errno.ENOSYS):
            breaches.append((name, ctypes.get_errno()))
    if breaches:
        raise RuntimeError(f"BREACH: {breaches}")
