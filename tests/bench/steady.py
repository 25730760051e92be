"""Keeps out of the measurements what is not the programs' doing and strikes them at random."""

import array
import fcntl
import mmap
import os

# linux/fs.h; the argument is a long by name, an int in fact.
FS_IOC_GETFLAGS, FS_IOC_SETFLAGS, FS_TOPDIR_FL = 0x80086601, 0x40086602, 0x00020000


def warm_memory(size):
    """Touches so much free memory and gives it back, for the page cache to find.

    A virtual machine may have handed its free memory to the host: the first touch of each page then
    costs a fault there, for whoever comes first, and more than all that is to be measured.
    """
    size = min(size, os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2)
    with mmap.mmap(-1, size) as memory:
        if hasattr(mmap, "MADV_HUGEPAGE"):
            # Only whole huge pages come from the memory that was handed over.
            memory.madvise(mmap.MADV_HUGEPAGE)
        memory[::mmap.PAGESIZE] = bytes(len(range(0, size, mmap.PAGESIZE)))


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
