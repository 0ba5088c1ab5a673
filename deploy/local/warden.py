"""Who clears up when the process that started a deployment is killed? This one: it holds the other end of a pipe.

Started by the stack with the state folder as its argument. Its standard input ends when its
parent does, however that ended.
"""

import sys
from pathlib import Path

from deploy.local.state import StateFolder
from deploy.local.takedown import take_down


def main() -> None:
    sys.stdin.buffer.read()
    take_down(StateFolder(Path(sys.argv[1])))


if __name__ == "__main__":
    main()
