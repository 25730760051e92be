"""pip_for_target.py MARKERS ARGUMENT...: runs pip as if the Python with these marker values ran it.

pip chooses wheels for another target, but looks at markers with the values of the Python that runs it (pip #11664).
"""

import json
import sys

from pip._internal.cli.main import main
from pip._vendor.packaging import markers

if __name__ == "__main__":
    values = json.loads(sys.argv[1])
    # None: those of this Python.
    if values:
        markers.default_environment = lambda: dict(values)
    sys.exit(main(sys.argv[2:]))
