"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Port = Annotated[
    int | None,
    typer.Option(
        "--port", help="Port of the running cloud (else MESOCOSM_URL, else 4566).", min=1, max=65535
    ),
]
Data = Annotated[
    Path | None, typer.Option("--data", help="Data directory (else MESOCOSM_DATA, else your own).")
]
