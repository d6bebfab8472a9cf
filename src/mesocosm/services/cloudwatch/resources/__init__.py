"""What CloudWatch keeps."""

from __future__ import annotations
