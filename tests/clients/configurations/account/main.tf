variable "team" { type = string }

resource "aws_account_primary_contact" "it" {
  full_name       = "Ana ${var.team}"
  company_name    = "Shop"
  address_line_1  = "1 Road"
  city            = "Seattle"
  state_or_region = "WA"
  postal_code     = "98101"
  country_code    = "US"
  phone_number    = "+64211111111"
  website_url     = "https://example.com"
}

resource "aws_account_alternate_contact" "it" {
  for_each               = toset(["BILLING", "OPERATIONS", "SECURITY"])
  alternate_contact_type = each.value
  name                   = "Ben ${var.team}"
  title                  = "Lead"
  email_address          = "${lower(each.value)}@example.com"
  phone_number           = "+64211111112"
}

resource "aws_account_region" "it" {
  region_name = "ap-southeast-3"
  enabled     = var.team == "a"
}

# another account, through a role

data "aws_caller_identity" "here" {}
data "aws_caller_identity" "there" { provider = aws.there }
data "aws_region" "there" { provider = aws.there }
data "aws_regions" "all" { all_regions = true }
data "aws_availability_zones" "it" { state = "available" }
data "aws_partition" "it" {}

resource "aws_iam_user" "there" {
  provider = aws.there
  name     = "made-for-${var.team}"
}

resource "aws_sqs_queue" "there" {
  provider = aws.there
  name     = "made-there"
  tags     = { team = var.team }
}

output "here" { value = data.aws_caller_identity.here.arn }
output "there" { value = data.aws_caller_identity.there.arn }
output "zones" { value = data.aws_availability_zones.it.names }
output "queue" { value = aws_sqs_queue.there.arn }
