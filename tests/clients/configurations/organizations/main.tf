variable "team" { type = string }

resource "aws_organizations_organization" "it" {
  feature_set = "ALL"
  aws_service_access_principals = var.team == "a" ? ["cloudtrail.amazonaws.com"] : [
    "cloudtrail.amazonaws.com", "account.amazonaws.com",
  ]
  enabled_policy_types = var.team == "a" ? ["SERVICE_CONTROL_POLICY", "TAG_POLICY"] : [
    "SERVICE_CONTROL_POLICY", "TAG_POLICY", "RESOURCE_CONTROL_POLICY",
  ]
}

resource "aws_organizations_organizational_unit" "workloads" {
  name      = "workloads"
  parent_id = aws_organizations_organization.it.roots[0].id
  tags      = { team = var.team }
}

resource "aws_organizations_organizational_unit" "production" {
  name      = "production-${var.team}"
  parent_id = aws_organizations_organizational_unit.workloads.id
}

resource "aws_organizations_account" "shop" {
  name      = "shop"
  email     = "shop@example.com"
  role_name = "Admin"
  parent_id = var.team == "a" ? aws_organizations_organizational_unit.workloads.id : aws_organizations_organizational_unit.production.id
  tags      = { team = var.team }
}

resource "aws_organizations_policy" "guard" {
  name        = "guard"
  description = "for ${var.team}"
  content = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Sid = "Guard", Effect = "Deny", Action = "sqs:*", Resource = "*" }]
  })
  tags       = { team = var.team }
  depends_on = [aws_organizations_organization.it]
}

resource "aws_organizations_policy" "tags" {
  name = "tags"
  type = "TAG_POLICY"
  content = jsonencode({
    tags = { Project = { tag_key = { "@@assign" = "Project" } } }
  })
  depends_on = [aws_organizations_organization.it]
}

resource "aws_organizations_policy_attachment" "unit" {
  policy_id = aws_organizations_policy.guard.id
  target_id = aws_organizations_organizational_unit.workloads.id
}

resource "aws_organizations_policy_attachment" "account" {
  policy_id = aws_organizations_policy.tags.id
  target_id = aws_organizations_account.shop.id
}

resource "aws_organizations_delegated_administrator" "trail" {
  account_id        = aws_organizations_account.shop.id
  service_principal = "cloudtrail.amazonaws.com"
}

resource "aws_organizations_resource_policy" "it" {
  content = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "Read"
      Effect    = "Allow"
      Principal = { AWS = "arn:aws:iam::${aws_organizations_account.shop.id}:root" }
      Action    = var.team == "a" ? ["organizations:DescribeOrganization"] : ["organizations:ListAccounts"]
      Resource  = "*"
    }]
  })
  tags = { team = var.team }
}

data "aws_organizations_organization" "it" { depends_on = [aws_organizations_account.shop] }
data "aws_organizations_organizational_units" "root" {
  parent_id  = aws_organizations_organization.it.roots[0].id
  depends_on = [aws_organizations_organizational_unit.workloads]
}
data "aws_organizations_organizational_unit_descendant_accounts" "root" {
  parent_id  = aws_organizations_organization.it.roots[0].id
  depends_on = [aws_organizations_account.shop]
}
data "aws_organizations_delegated_administrators" "it" {
  depends_on = [aws_organizations_delegated_administrator.trail]
}
data "aws_organizations_policies" "it" {
  filter     = "SERVICE_CONTROL_POLICY"
  depends_on = [aws_organizations_policy.guard]
}
data "aws_organizations_policies_for_target" "unit" {
  target_id = aws_organizations_policy_attachment.unit.target_id
  filter    = "SERVICE_CONTROL_POLICY"
}
data "aws_organizations_resource_tags" "shop" { resource_id = aws_organizations_account.shop.id }

output "shop" { value = aws_organizations_account.shop.id }
output "parent" { value = aws_organizations_account.shop.parent_id }
output "below" { value = data.aws_organizations_organizational_unit_descendant_accounts.root.accounts[*].name }
output "delegated" { value = data.aws_organizations_delegated_administrators.it.delegated_administrators[*].name }
