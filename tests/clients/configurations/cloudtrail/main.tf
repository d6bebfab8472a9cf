variable "team" { type = string }

data "aws_caller_identity" "it" {}

resource "aws_s3_bucket" "trail" {
  bucket        = "trail-${data.aws_caller_identity.it.account_id}"
  force_destroy = true
}

data "aws_iam_policy_document" "trail" {
  statement {
    sid       = "Check"
    actions   = ["s3:GetBucketAcl"]
    resources = [aws_s3_bucket.trail.arn]
    principals {
      type        = "Service"
      identifiers = ["cloudtrail.amazonaws.com"]
    }
  }
  statement {
    sid       = "Write"
    actions   = ["s3:PutObject"]
    resources = ["${aws_s3_bucket.trail.arn}/*/AWSLogs/${data.aws_caller_identity.it.account_id}/*"]
    principals {
      type        = "Service"
      identifiers = ["cloudtrail.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "s3:x-amz-acl"
      values   = ["bucket-owner-full-control"]
    }
  }
}

resource "aws_s3_bucket_policy" "trail" {
  bucket = aws_s3_bucket.trail.id
  policy = data.aws_iam_policy_document.trail.json
}

resource "aws_cloudwatch_log_group" "trail" {
  for_each = toset(["a", "b"])
  name     = "trail-${each.key}"
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["cloudtrail.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "logs" {
  name               = "trail-to-logs"
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

resource "aws_iam_role_policy" "logs" {
  name = "logs"
  role = aws_iam_role.logs.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = [for group in aws_cloudwatch_log_group.trail : "${group.arn}:*"]
      },
    ]
  })
}

resource "aws_sns_topic" "trail" {
  for_each = toset(["a", "b"])
  name     = "trail-${each.key}"
}

data "aws_iam_policy_document" "topic" {
  for_each = aws_sns_topic.trail
  statement {
    actions   = ["sns:Publish"]
    resources = [each.value.arn]
    principals {
      type        = "Service"
      identifiers = ["cloudtrail.amazonaws.com"]
    }
  }
}

resource "aws_sns_topic_policy" "trail" {
  for_each = aws_sns_topic.trail
  arn      = each.value.arn
  policy   = data.aws_iam_policy_document.topic[each.key].json
}

resource "aws_cloudtrail" "all" {
  depends_on = [
    aws_s3_bucket_policy.trail,
    aws_iam_role_policy.logs,
    aws_sns_topic_policy.trail,
  ]
  name                          = "all"
  s3_bucket_name                = aws_s3_bucket.trail.id
  s3_key_prefix                 = "p"
  is_multi_region_trail         = true
  enable_log_file_validation    = true
  include_global_service_events = true
  enable_logging                = var.team == "a"
  cloud_watch_logs_group_arn    = "${aws_cloudwatch_log_group.trail[var.team].arn}:*"
  cloud_watch_logs_role_arn     = aws_iam_role.logs.arn
  sns_topic_name                = aws_sns_topic.trail[var.team].name
  tags                          = { team = var.team }
  event_selector {
    read_write_type           = var.team == "a" ? "All" : "WriteOnly"
    include_management_events = true
    data_resource {
      type   = "AWS::S3::Object"
      values = ["arn:aws:s3"]
    }
  }
}

resource "aws_cloudtrail" "data" {
  depends_on = [
    aws_s3_bucket_policy.trail,
    aws_iam_role_policy.logs,
    aws_sns_topic_policy.trail,
  ]
  name                       = "data"
  s3_bucket_name             = aws_s3_bucket.trail.id
  s3_key_prefix              = "q-${var.team}"
  cloud_watch_logs_group_arn = var.team == "a" ? "${aws_cloudwatch_log_group.trail["a"].arn}:*" : null
  cloud_watch_logs_role_arn  = var.team == "a" ? aws_iam_role.logs.arn : null
  sns_topic_name             = var.team == "a" ? aws_sns_topic.trail["a"].name : null
  advanced_event_selector {
    name = "writes of objects"
    field_selector {
      field  = "eventCategory"
      equals = ["Data"]
    }
    field_selector {
      field  = "resources.type"
      equals = ["AWS::S3::Object"]
    }
    field_selector {
      field      = "eventName"
      not_equals = ["DeleteObject", "PutObject"]
    }
    field_selector {
      field       = "resources.ARN"
      starts_with = ["${aws_s3_bucket.trail.arn}/${var.team}/"]
    }
  }
  advanced_event_selector {
    name = "management"
    field_selector {
      field  = "eventCategory"
      equals = ["Management"]
    }
    field_selector {
      field      = "eventSource"
      not_equals = ["kms.amazonaws.com"]
    }
  }
}

output "arn" { value = aws_cloudtrail.all.arn }
output "home" { value = aws_cloudtrail.all.home_region }
