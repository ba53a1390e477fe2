"""The kernel's timer that ends a process before it writes too late. See `foundry/fence.py`.

On Linux it counts on CLOCK_BOOTTIME, which goes on while the machine is suspended, and its signal
goes to the thread that writes: that thread dies before it runs one more instruction. The way of
other Unixes, `setitimer`, does not count while the machine is suspended. Windows has neither;
there the check right before the first byte is all there is.

Patroni does the same for a whole machine, with `/dev/watchdog`.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import threading

from autoscaler.foundry.fence import Fence
from autoscaler.runtime.clock import SystemClock

# timer_create(2), sigevent(7) and <time.h> on Linux, the same on every architecture.
CLOCK_BOOTTIME = 7
SIGEV_THREAD_ID = 4
TIMER_ABSTIME = 1


def process_fence() -> Fence:
    """The fence of this process, on the best timer that there is.

    To be called in the thread that runs the event loop, which has to be the main thread.
    """
    if not hasattr(signal, "SIGALRM"):
        return Fence()
    deadly()
    with contextlib.suppress(OSError, AttributeError):
        return Fence(BootTimer())
    return Fence(IntervalTimer())


def deadly() -> None:
    """Let SIGALRM end this process, whatever it inherited.

    The first process of a container outlives the default action of every signal, SIGKILL from
    inside included. There the C library's own `_exit` becomes the handler: it needs no
    interpreter. The exit code is then 14 instead of the 142 that a shell shows for SIGALRM.
    """
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGALRM})
    if os.getpid() == 1:
        library = ctypes.CDLL(None)
        library.signal.argtypes = (ctypes.c_int, ctypes.c_void_p)
        library.signal.restype = ctypes.c_void_p
        library.signal(signal.SIGALRM, ctypes.cast(library._exit, ctypes.c_void_p))  # noqa: SLF001 - the name of the C function


class IntervalTimer:
    """`setitimer`: on every Unix, and does not count while the machine is suspended."""

    kind = "monotonic"

    def set(self, at: float) -> None:
        """See `foundry.fence.Timer`."""
        signal.setitimer(signal.ITIMER_REAL, max(1e-6, at - SystemClock().monotonic()))

    def clear(self) -> None:
        """See `foundry.fence.Timer`."""
        signal.setitimer(signal.ITIMER_REAL, 0.0)


class _Event(ctypes.Structure):
    _fields_ = (
        ("value", ctypes.c_void_p),
        ("signal", ctypes.c_int),
        ("notify", ctypes.c_int),
        ("thread", ctypes.c_int),
        ("_room", ctypes.c_char * 64),
    )


class _Moment(ctypes.Structure):
    _fields_ = (
        ("again_s", ctypes.c_long),
        ("again_ns", ctypes.c_long),
        ("at_s", ctypes.c_long),
        ("at_ns", ctypes.c_long),
    )


class BootTimer:
    """`timer_create` on CLOCK_BOOTTIME. Raises OSError or AttributeError where there is none."""

    kind = "boottime"

    def __init__(self) -> None:
        self._library = ctypes.CDLL(None, use_errno=True)
        self._timer = ctypes.c_void_p()
        event = _Event(
            signal=signal.SIGALRM, notify=SIGEV_THREAD_ID, thread=threading.get_native_id()
        )
        create = self._library.timer_create
        self._check(create(CLOCK_BOOTTIME, ctypes.byref(event), ctypes.byref(self._timer)))

    def set(self, at: float) -> None:
        """See `foundry.fence.Timer`."""
        whole = int(at)
        # All zero would mean "never".
        self._put(_Moment(at_s=whole, at_ns=max(1, int((at - whole) * 1e9))))

    def clear(self) -> None:
        """See `foundry.fence.Timer`."""
        self._put(_Moment())

    def _put(self, moment: _Moment) -> None:
        put = self._library.timer_settime
        self._check(put(self._timer, TIMER_ABSTIME, ctypes.byref(moment), None))

    def _check(self, failed: int) -> None:
        if failed:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
