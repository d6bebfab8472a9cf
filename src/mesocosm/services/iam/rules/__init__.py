"""Rules of IAM that need neither rows nor a clock."""
