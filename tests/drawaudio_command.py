"""`drawaudio` as a process of its own, without needing its script on the path."""

import sys

DRAWAUDIO = (sys.executable, "-c", "import sys; from bridge.cli import main; sys.exit(main(sys.argv[1:]))")
