"""What KMS decides without looking at the world."""
