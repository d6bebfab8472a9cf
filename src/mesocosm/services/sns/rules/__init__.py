"""Pure logic of SNS: nothing here reads or changes rows."""
