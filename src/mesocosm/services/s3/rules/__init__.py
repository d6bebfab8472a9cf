"""Pure logic of S3: no rows, no clock, no I/O."""
