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

resource "aws_cloudtrail" "all" {
  depends_on                    = [aws_s3_bucket_policy.trail]
  name                          = "all"
  s3_bucket_name                = aws_s3_bucket.trail.id
  s3_key_prefix                 = "p"
  is_multi_region_trail         = true
  enable_log_file_validation    = true
  include_global_service_events = true
  enable_logging                = var.team == "a"
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
  depends_on     = [aws_s3_bucket_policy.trail]
  name           = "data"
  s3_bucket_name = aws_s3_bucket.trail.id
  s3_key_prefix  = "q-${var.team}"
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
