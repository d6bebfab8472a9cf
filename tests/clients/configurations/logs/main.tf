variable "days" { type = number }

data "aws_caller_identity" "it" {}

locals {
  account = data.aws_caller_identity.it.account_id
  email   = "arn:aws:dataprotection::aws:data-identifier/EmailAddress"
  address = "arn:aws:dataprotection::aws:data-identifier/IpAddress"
  protection = {
    Name    = "protection"
    Version = "2021-06-01"
    Statement = [
      {
        Sid            = "Audit"
        DataIdentifier = [local.email]
        Operation = {
          Audit = {
            FindingsDestination = {
              CloudWatchLogs = { LogGroup = aws_cloudwatch_log_group.audit.name }
            }
          }
        }
      },
      {
        Sid            = "Redact"
        DataIdentifier = [local.email]
        Operation      = { Deidentify = { MaskConfig = {} } }
      },
    ]
  }
}

resource "aws_kms_key" "logs" {
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect    = "Allow"
        Principal = { AWS = "arn:aws:iam::${local.account}:root" }
        Action    = "kms:*"
        Resource  = "*"
      },
      {
        Effect    = "Allow"
        Principal = { Service = "logs.us-east-1.amazonaws.com" }
        Action    = ["kms:Encrypt*", "kms:Decrypt*", "kms:GenerateDataKey*", "kms:Describe*"]
        Resource  = "*"
      },
    ]
  })
  deletion_window_in_days = 7
}

resource "aws_cloudwatch_log_group" "app" {
  name              = "/app/web"
  retention_in_days = var.days
  kms_key_id        = aws_kms_key.logs.arn
  tags              = { days = tostring(var.days) }
}

resource "aws_cloudwatch_log_group" "rare" {
  name_prefix     = "/app/rare-"
  log_group_class = "INFREQUENT_ACCESS"
}

resource "aws_cloudwatch_log_group" "audit" {
  name = "/aws/vendedlogs/audit"
}

resource "aws_cloudwatch_log_stream" "app" {
  name           = "one"
  log_group_name = aws_cloudwatch_log_group.app.name
}

resource "aws_cloudwatch_log_metric_filter" "errors" {
  name           = "errors"
  log_group_name = aws_cloudwatch_log_group.app.name
  pattern        = "{ $.level = \"ERROR\" && $.days = ${var.days} }"
  metric_transformation {
    name      = "Errors"
    namespace = "App"
    value     = "$.count"
    unit      = "Count"
    dimensions = {
      Path = "$.path"
    }
  }
}

resource "aws_cloudwatch_log_metric_filter" "all" {
  name           = "all"
  log_group_name = aws_cloudwatch_log_group.app.name
  pattern        = ""
  metric_transformation {
    name          = "Events"
    namespace     = "App"
    value         = "1"
    default_value = "0"
  }
}

resource "aws_cloudwatch_log_resource_policy" "dns" {
  policy_name = "dns"
  policy_document = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "route53.amazonaws.com" }
      Action    = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Resource  = "arn:aws:logs:us-east-1:${local.account}:log-group:/dns/${var.days}/*"
    }]
  })
}

resource "aws_cloudwatch_log_data_protection_policy" "app" {
  log_group_name  = aws_cloudwatch_log_group.app.name
  policy_document = jsonencode(local.protection)
}

resource "aws_cloudwatch_log_account_policy" "all" {
  policy_name     = "all"
  policy_type     = "DATA_PROTECTION_POLICY"
  policy_document = replace(jsonencode(local.protection), local.email, local.address)
}

resource "aws_cloudwatch_query_definition" "slow" {
  name            = "app/slow"
  log_group_names = [aws_cloudwatch_log_group.app.name]
  query_string    = "fields @timestamp, @message | limit ${var.days}"
}

resource "aws_s3_bucket" "out" {
  bucket        = "logs-out"
  force_destroy = true
}

resource "aws_iam_role" "sender" {
  name = "sender"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = ["logs.amazonaws.com", "firehose.amazonaws.com"] }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy" "sender" {
  role = aws_iam_role.sender.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["firehose:PutRecord", "firehose:PutRecordBatch", "s3:*"]
      Resource = "*"
    }]
  })
}

resource "aws_kinesis_firehose_delivery_stream" "out" {
  name        = "out"
  destination = "extended_s3"
  extended_s3_configuration {
    role_arn   = aws_iam_role.sender.arn
    bucket_arn = aws_s3_bucket.out.arn
  }
  depends_on = [aws_iam_role_policy.sender]
}

resource "aws_cloudwatch_log_subscription_filter" "out" {
  name            = "out"
  log_group_name  = aws_cloudwatch_log_group.app.name
  filter_pattern  = "ERROR ${var.days}"
  destination_arn = aws_kinesis_firehose_delivery_stream.out.arn
  role_arn        = aws_iam_role.sender.arn
}

resource "aws_cloudwatch_log_destination" "out" {
  name       = "out"
  role_arn   = aws_iam_role.sender.arn
  target_arn = aws_kinesis_firehose_delivery_stream.out.arn
  tags       = { days = tostring(var.days) }
}

resource "aws_cloudwatch_log_destination_policy" "out" {
  destination_name = aws_cloudwatch_log_destination.out.name
  access_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { AWS = "111111111111" }
      Action    = "logs:PutSubscriptionFilter"
      Resource  = aws_cloudwatch_log_destination.out.arn
    }]
  })
}

data "aws_cloudwatch_log_group" "app" {
  name = aws_cloudwatch_log_group.app.name
}

output "group" { value = data.aws_cloudwatch_log_group.app.arn }
