variable "team" { type = string }

data "aws_caller_identity" "it" {}
data "aws_canonical_user_id" "it" {}

locals {
  account = data.aws_caller_identity.it.account_id
  second  = var.team == "b"
}

# a bucket with one of everything that goes together

resource "aws_s3_bucket" "it" {
  bucket        = "it-${local.account}"
  force_destroy = true
  tags          = { team = var.team }
}

resource "aws_s3_bucket_versioning" "it" {
  bucket = aws_s3_bucket.it.id
  versioning_configuration { status = "Enabled" }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "it" {
  bucket = aws_s3_bucket.it.id
  rule {
    bucket_key_enabled = local.second
    apply_server_side_encryption_by_default { sse_algorithm = "AES256" }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "it" {
  bucket = aws_s3_bucket_versioning.it.id
  rule {
    id     = "logs"
    status = "Enabled"
    filter {
      and {
        prefix                   = "logs/"
        tags                     = { team = var.team }
        object_size_greater_than = 1000
      }
    }
    transition {
      days          = local.second ? 60 : 30
      storage_class = "STANDARD_IA"
    }
    transition {
      days          = 90
      storage_class = "GLACIER"
    }
    expiration { days = 365 }
    noncurrent_version_expiration {
      noncurrent_days           = 7
      newer_noncurrent_versions = 3
    }
  }
  rule {
    id     = "uploads"
    status = "Enabled"
    filter {}
    abort_incomplete_multipart_upload { days_after_initiation = 7 }
  }
  rule {
    id     = "markers"
    status = "Disabled"
    filter { prefix = "tmp/" }
    expiration { expired_object_delete_marker = true }
  }
}

resource "aws_s3_bucket_cors_configuration" "it" {
  bucket = aws_s3_bucket.it.id
  cors_rule {
    id              = "site"
    allowed_headers = ["*"]
    allowed_methods = ["PUT", "POST"]
    allowed_origins = ["https://${var.team}.example.com"]
    expose_headers  = ["ETag"]
    max_age_seconds = 3000
  }
  cors_rule {
    allowed_methods = ["GET"]
    allowed_origins = ["*"]
  }
}

resource "aws_s3_bucket_public_access_block" "it" {
  bucket                  = aws_s3_bucket.it.id
  block_public_acls       = true
  block_public_policy     = local.second
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "it" {
  bucket = aws_s3_bucket.it.id
  rule { object_ownership = "BucketOwnerEnforced" }
}

data "aws_iam_policy_document" "it" {
  statement {
    sid       = "Secure"
    effect    = "Deny"
    actions   = ["s3:PutObject"]
    resources = ["${aws_s3_bucket.it.arn}/${var.team}/*"]
    principals {
      type        = "AWS"
      identifiers = ["*"]
    }
    condition {
      test     = "StringNotEquals"
      variable = "s3:x-amz-server-side-encryption"
      values   = ["AES256"]
    }
  }
}

resource "aws_s3_bucket_policy" "it" {
  bucket = aws_s3_bucket.it.id
  policy = data.aws_iam_policy_document.it.json
}

resource "aws_s3_bucket_accelerate_configuration" "it" {
  bucket = aws_s3_bucket.it.id
  status = local.second ? "Suspended" : "Enabled"
}

resource "aws_s3_bucket_request_payment_configuration" "it" {
  bucket = aws_s3_bucket.it.id
  payer  = local.second ? "BucketOwner" : "Requester"
}

resource "aws_s3_bucket_metric" "it" {
  bucket = aws_s3_bucket.it.id
  name   = "team"
  filter {
    prefix = "x/"
    tags   = { team = var.team }
  }
}

resource "aws_s3_bucket_metric" "all" {
  bucket = aws_s3_bucket.it.id
  name   = "EntireBucket"
}

resource "aws_s3_bucket_intelligent_tiering_configuration" "it" {
  bucket = aws_s3_bucket.it.id
  name   = "archive"
  status = local.second ? "Disabled" : "Enabled"
  tiering {
    access_tier = "ARCHIVE_ACCESS"
    days        = 125
  }
  tiering {
    access_tier = "DEEP_ARCHIVE_ACCESS"
    days        = 180
  }
}

resource "aws_s3_bucket_analytics_configuration" "it" {
  bucket = aws_s3_bucket.it.id
  name   = "classes"
  filter { prefix = var.team }
}

resource "aws_s3_bucket_inventory" "it" {
  bucket                   = aws_s3_bucket.it.id
  name                     = "daily"
  included_object_versions = "All"
  optional_fields          = ["Size", "LastModifiedDate", "ETag"]
  filter { prefix = "documents/" }
  schedule { frequency = local.second ? "Weekly" : "Daily" }
  destination {
    bucket {
      format     = "CSV"
      bucket_arn = aws_s3_bucket.logs.arn
      prefix     = "inventory"
      encryption {
        sse_s3 {}
      }
    }
  }
}

resource "aws_s3_bucket_logging" "it" {
  bucket        = aws_s3_bucket.it.id
  target_bucket = aws_s3_bucket.logs.id
  target_prefix = "log-${var.team}/"
  target_object_key_format {
    partitioned_prefix { partition_date_source = "EventTime" }
  }
}

resource "aws_s3_bucket_notification" "it" {
  bucket = aws_s3_bucket.it.id
  queue {
    id            = "made"
    queue_arn     = "arn:aws:sqs:us-east-1:${local.account}:events"
    events        = ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]
    filter_prefix = "${var.team}/"
    filter_suffix = ".jpg"
  }
}

# where logs and reports go, with an ACL

resource "aws_s3_bucket" "logs" {
  bucket_prefix = "logs-"
  force_destroy = true
}

resource "aws_s3_bucket_ownership_controls" "logs" {
  bucket = aws_s3_bucket.logs.id
  rule { object_ownership = local.second ? "ObjectWriter" : "BucketOwnerPreferred" }
}

resource "aws_s3_bucket_acl" "logs" {
  depends_on = [aws_s3_bucket_ownership_controls.logs]
  bucket     = aws_s3_bucket.logs.id
  access_control_policy {
    grant {
      permission = "FULL_CONTROL"
      grantee {
        id   = data.aws_canonical_user_id.it.id
        type = "CanonicalUser"
      }
    }
    grant {
      permission = local.second ? "READ_ACP" : "WRITE"
      grantee {
        type = "Group"
        uri  = "http://acs.amazonaws.com/groups/s3/LogDelivery"
      }
    }
    owner { id = data.aws_canonical_user_id.it.id }
  }
}

resource "aws_s3_bucket_policy" "logs" {
  bucket = aws_s3_bucket.logs.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = ["logging.s3.amazonaws.com", "s3.amazonaws.com"] }
      Action    = "s3:PutObject"
      Resource  = "${aws_s3_bucket.logs.arn}/*"
      Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
    }]
  })
}

# a web site, public

resource "aws_s3_bucket" "site" {
  bucket        = "site-${local.account}"
  force_destroy = true
}

resource "aws_s3_bucket_public_access_block" "site" {
  bucket = aws_s3_bucket.site.id
}

resource "aws_s3_bucket_ownership_controls" "site" {
  bucket = aws_s3_bucket.site.id
  rule { object_ownership = "BucketOwnerPreferred" }
}

resource "aws_s3_bucket_acl" "site" {
  depends_on = [
    aws_s3_bucket_ownership_controls.site,
    aws_s3_bucket_public_access_block.site,
  ]
  bucket = aws_s3_bucket.site.id
  acl    = local.second ? "private" : "public-read"
}

resource "aws_s3_bucket_website_configuration" "site" {
  bucket = aws_s3_bucket.site.id
  index_document { suffix = "index.html" }
  error_document { key = "error-${var.team}.html" }
  routing_rule {
    condition { key_prefix_equals = "docs/" }
    redirect { replace_key_prefix_with = "documents/" }
  }
  routing_rule {
    condition { http_error_code_returned_equals = "404" }
    redirect {
      host_name          = "example.com"
      http_redirect_code = "302"
      protocol           = "https"
      replace_key_with   = "missing.html"
    }
  }
}

resource "aws_s3_object" "index" {
  bucket           = aws_s3_bucket.site.id
  key              = "index.html"
  content          = "<h1>${var.team}</h1>"
  content_type     = "text/html"
  cache_control    = "max-age=60"
  content_language = "en"
  storage_class    = "STANDARD_IA"
  metadata         = { team = var.team }
  tags             = { team = var.team }
}

resource "aws_s3_object" "folder" {
  bucket                 = aws_s3_bucket_versioning.it.id
  key                    = "a folder/näme+%.txt"
  content_base64         = base64encode("hello ${var.team}")
  checksum_algorithm     = "SHA256"
  server_side_encryption = "AES256"
}

resource "aws_s3_object_copy" "copy" {
  bucket = aws_s3_bucket.site.id
  key    = "copy.html"
  source = "${aws_s3_bucket.site.id}/${aws_s3_object.index.key}"
  tags   = { of = var.team }

  tagging_directive = "REPLACE"
}

# an archive whose objects are locked

resource "aws_s3_bucket" "locked" {
  bucket              = "locked-${local.account}"
  object_lock_enabled = true
  force_destroy       = true
}

resource "aws_s3_bucket_object_lock_configuration" "locked" {
  bucket = aws_s3_bucket.locked.id
  rule {
    default_retention {
      mode = "GOVERNANCE"
      days = local.second ? 2 : 1
    }
  }
}

resource "aws_s3_object" "locked" {
  depends_on                    = [aws_s3_bucket_object_lock_configuration.locked]
  bucket                        = aws_s3_bucket.locked.id
  key                           = "held"
  content                       = "held"
  object_lock_legal_hold_status = local.second ? "OFF" : "ON"
  object_lock_mode              = "GOVERNANCE"
  object_lock_retain_until_date = "2049-01-01T00:00:00Z"
  force_destroy                 = true
}

# replication to another Region

resource "aws_s3_bucket" "replica" {
  provider      = aws.abroad
  bucket        = "replica-${local.account}"
  force_destroy = true
}

resource "aws_s3_bucket_versioning" "replica" {
  provider = aws.abroad
  bucket   = aws_s3_bucket.replica.id
  versioning_configuration { status = "Enabled" }
}

resource "aws_iam_role" "replication" {
  name = "replication"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "s3.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_s3_bucket_replication_configuration" "it" {
  bucket = aws_s3_bucket_versioning.it.id
  role   = aws_iam_role.replication.arn
  rule {
    id       = "all"
    priority = 1
    status   = local.second ? "Disabled" : "Enabled"
    filter { prefix = "r/" }
    delete_marker_replication { status = "Enabled" }
    destination {
      bucket        = aws_s3_bucket_versioning.replica.id == "" ? "" : aws_s3_bucket.replica.arn
      storage_class = "STANDARD_IA"
      replication_time {
        status = "Enabled"
        time { minutes = 15 }
      }
      metrics {
        status = "Enabled"
        event_threshold { minutes = 15 }
      }
    }
  }
}

data "aws_s3_bucket" "it" { bucket = aws_s3_bucket.it.id }
data "aws_s3_object" "index" {
  bucket = aws_s3_object.index.bucket
  key    = aws_s3_object.index.key
}
data "aws_s3_objects" "site" {
  depends_on = [aws_s3_object_copy.copy]
  bucket     = aws_s3_bucket.site.id
}

output "index" { value = data.aws_s3_object.index.body }
output "keys" { value = data.aws_s3_objects.site.keys }
output "region" { value = data.aws_s3_bucket.it.region }
output "website" { value = aws_s3_bucket_website_configuration.site.website_endpoint }
output "logs" { value = aws_s3_bucket.logs.id }
