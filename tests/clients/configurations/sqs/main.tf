# Terraform waits 25 seconds for each change of a queue and 45 for its end: as little as can be
# depends on another, and the queue of S3's events is made by the test.

variable "seconds" { type = number }

locals {
  account = data.aws_caller_identity.it.account_id
  tags    = { seconds = tostring(var.seconds) }
}

data "aws_caller_identity" "it" {}
data "aws_region" "it" {}

resource "aws_sqs_queue" "dead" {
  name                      = "dead"
  message_retention_seconds = 1209600
}

resource "aws_sqs_queue_redrive_allow_policy" "dead" {
  queue_url = aws_sqs_queue.dead.id
  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = ["arn:aws:sqs:us-east-1:${local.account}:orders"]
  })
}

resource "aws_sqs_queue" "orders" {
  name                       = "orders"
  delay_seconds              = var.seconds
  max_message_size           = 2048
  message_retention_seconds  = 86400
  receive_wait_time_seconds  = 10
  visibility_timeout_seconds = var.seconds
  sqs_managed_sse_enabled    = true
  tags                       = local.tags
}

resource "aws_sqs_queue" "separate" {
  name_prefix = "separate-"
  policy      = data.aws_iam_policy_document.anyone.json
}

resource "aws_sqs_queue_redrive_policy" "orders" {
  queue_url = aws_sqs_queue.orders.id
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead.arn
    maxReceiveCount     = 5
  })
}

resource "aws_sqs_queue" "dead_fifo" {
  name       = "dead.fifo"
  fifo_queue = true
  redrive_allow_policy = jsonencode({
    redrivePermission = "allowAll"
  })
}

resource "aws_sqs_queue" "payments" {
  name                        = "payments.fifo"
  fifo_queue                  = true
  content_based_deduplication = true
  deduplication_scope         = "messageGroup"
  fifo_throughput_limit       = "perMessageGroupId"
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_fifo.arn
    maxReceiveCount     = 3
  })
  tags = local.tags
}

resource "aws_sqs_queue" "plain" {
  name                    = "plain"
  sqs_managed_sse_enabled = false
}

data "aws_iam_policy_document" "anyone" {
  statement {
    actions   = ["sqs:SendMessage"]
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = ["*"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:PrincipalAccount"
      values   = ["222222222222", data.aws_caller_identity.it.account_id]
    }
  }
}

resource "aws_sqs_queue_policy" "orders" {
  queue_url = aws_sqs_queue.orders.id
  policy    = data.aws_iam_policy_document.anyone.json
}

resource "aws_sqs_queue" "abroad" {
  provider = aws.abroad
  name     = "orders"
  tags     = local.tags
}

data "aws_sqs_queue" "orders" { name = aws_sqs_queue.orders.name }
data "aws_sqs_queues" "dead" {
  queue_name_prefix = "dead"
  depends_on        = [aws_sqs_queue.dead]
}

output "orders" { value = data.aws_sqs_queue.orders.url }
output "abroad" { value = aws_sqs_queue.abroad.arn }
output "region" { value = data.aws_region.it.name }
