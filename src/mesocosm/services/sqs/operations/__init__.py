"""The operations of SQS, by what they are about."""

from __future__ import annotations

from mesocosm.services.sqs.operations import batches, messages, moves, permissions, queues, tagged

__all__ = ["batches", "messages", "moves", "permissions", "queues", "tagged"]
