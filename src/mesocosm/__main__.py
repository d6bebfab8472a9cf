"""`python -m mesocosm` is the command `mesocosm`."""

from __future__ import annotations

from mesocosm.cli.main import main

if __name__ == "__main__":
    main()
