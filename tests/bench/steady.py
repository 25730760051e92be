"""Keeps out of the measurements what is not the programs' doing and strikes them at random."""

import array
import contextlib
import fcntl
import mmap
import os

# linux/fs.h; the argument is a long by name, an int in fact.
FS_IOC_GETFLAGS, FS_IOC_SETFLAGS, FS_TOPDIR_FL = 0x80086601, 0x40086602, 0x00020000


@contextlib.contextmanager
def warm_memory(size=4 * 1024**3):
    """So much of the free memory is really there while the context lasts.

    A virtual machine may hand its free memory to the host, in blocks of whole huge pages; the first
    touch of each page then costs a fault there, and all of them more than what is to be measured.
    So everything is touched once, and all but one page of each 2 MiB is given back: what is free
    then is in pieces too small to be handed over.
    """
    page, piece = mmap.PAGESIZE, 2 * 1024**2
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    size = min(size, free // 2) // piece * piece
    if not size or not hasattr(mmap, "MADV_NOHUGEPAGE"):  # not Linux
        yield
        return
    with mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as memory:
        memory.madvise(mmap.MADV_NOHUGEPAGE)
        memory[::page] = bytes(size // page)
        for start in range(0, size, piece):
            memory.madvise(mmap.MADV_DONTNEED, start + page, piece - page)
        yield


def spread_directories(folder):
    """Has each new directory in `folder` begin in another part of the disk, where that is possible.

    ext4 looks for a free inode near the directory and may pass over those deleted in the last
    minutes, one by one: after a round that left thousands, creating a file costs more than fetching
    it.
    """
    flags = array.array("l", [0])
    opened = os.open(folder, os.O_RDONLY)
    try:
        fcntl.ioctl(opened, FS_IOC_GETFLAGS, flags)
        flags[0] |= FS_TOPDIR_FL
        fcntl.ioctl(opened, FS_IOC_SETFLAGS, flags)
    except OSError:
        pass  # not a file system that knows of it: btrfs, xfs, APFS
    finally:
        os.close(opened)
