"""`python -m cli.language` writes docs/contracts/ anew; with `release`, what this version promises for good."""

import sys

from cli.language.documents import AlreadyReleased, release, write

match sys.argv[1:]:
    case []:
        write()
    case ["release"]:
        try:
            print(release())
        except AlreadyReleased as error:
            sys.exit(str(error))
    case _:
        sys.exit("usage: python -m cli.language [release]")
