variable "seconds" { type = number }

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["firehose.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "write" {
  statement {
    actions   = ["s3:PutObject"]
    resources = ["${aws_s3_bucket.lake.arn}/*"]
  }
}

resource "aws_s3_bucket" "lake" {
  bucket        = "lake"
  force_destroy = true
}

resource "aws_iam_role" "writer" {
  name               = "writer"
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

resource "aws_iam_role_policy" "writer" {
  role   = aws_iam_role.writer.id
  policy = data.aws_iam_policy_document.write.json
}

resource "aws_kinesis_firehose_delivery_stream" "clicks" {
  name        = "clicks"
  destination = "extended_s3"
  tags        = { seconds = tostring(var.seconds) }

  extended_s3_configuration {
    role_arn            = aws_iam_role.writer.arn
    bucket_arn          = aws_s3_bucket.lake.arn
    prefix              = "c=!{partitionKeyFromQuery:customer}/"
    error_output_prefix = "bad/!{firehose:error-output-type}/"
    buffering_interval  = var.seconds
    buffering_size      = 64
    compression_format  = "GZIP"

    dynamic_partitioning_configuration { enabled = true }

    processing_configuration {
      enabled = true
      processors {
        type = "MetadataExtraction"
        parameters {
          parameter_name  = "MetadataExtractionQuery"
          parameter_value = "{customer:.customer_id}"
        }
        parameters {
          parameter_name  = "JsonParsingEngine"
          parameter_value = "JQ-1.6"
        }
      }
      processors { type = "AppendDelimiterToRecord" }
    }
  }
}

resource "aws_kinesis_firehose_delivery_stream" "plain" {
  name        = "plain"
  destination = "extended_s3"

  extended_s3_configuration {
    role_arn   = aws_iam_role.writer.arn
    bucket_arn = aws_s3_bucket.lake.arn
  }
}

output "arn" { value = aws_kinesis_firehose_delivery_stream.clicks.arn }
