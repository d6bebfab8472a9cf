"""What Terraform goes through with each service: one module each, named like its configuration.

`life(cloud, run)` applies the configuration, changes it and destroys it, and looks at the cloud
with boto3 in between.
"""

from __future__ import annotations

ACCOUNT = "111111111111"
OTHER = "222222222222"
