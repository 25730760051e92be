"""What the tests of dependencies share: an index that is written bit by bit, and a small world on it."""

from make_index import describe, make_sdist, make_wheel
from program import names_in


class Index:
    def __init__(self, root):
        (root / "files").mkdir(parents=True)
        (root / "simple").mkdir()
        self.root = root
        self.files = []

    def wheel(self, name, version, *needs, listed=None, **facts):
        path = make_wheel(self.root / "files", name, version, requires_dist=needs, **facts)
        self.files.append(describe(path, **(listed or {})))
        return path

    def sdist(self, name, version, **listed):
        path = make_sdist(self.root / "files", name, version)
        self.files.append(describe(path, **listed))
        return path


def small_world(index):
    index.wheel("app", "1.0", "web>=1", "db; python_version > '3'", "lin[x]", "never; sys_platform == 'beos'")
    index.wheel("web", "2.0", "http>=2")
    index.wheel("web", "1.0", "http<2")
    index.wheel("db", "1.0", "http<2")
    index.wheel("http", "1.0")
    index.wheel("http", "2.0")
    index.wheel("lin", "1.0", "thing; extra == 'x'", "other; extra == 'y'", extras=["x", "y"])
    index.wheel("thing", "3.0")


WORLD = ["app-1.0", "db-1.0", "http-1.0", "lin-1.0", "thing-3.0", "web-1.0"]


def pins(folder):
    return ["-".join(name.split("-")[:2]) for name in names_in(folder)]
