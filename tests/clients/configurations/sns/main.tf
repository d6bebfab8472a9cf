# The queues are those of nobody: Terraform waits long for real ones, and SNS asks for none.

variable "retries" { type = number }

locals {
  account = data.aws_caller_identity.it.account_id
  queue   = "arn:aws:sqs:us-east-1:${local.account}:inbox"
  tags    = { retries = tostring(var.retries) }
}

data "aws_caller_identity" "it" {}

resource "aws_sns_topic" "news" {
  name              = "news"
  display_name      = "News ${var.retries}"
  signature_version = 2
  tracing_config    = "PassThrough"
  delivery_policy = jsonencode({
    http = {
      defaultHealthyRetryPolicy = {
        minDelayTarget     = 20
        maxDelayTarget     = 20
        numRetries         = var.retries
        numMaxDelayRetries = 0
        numNoDelayRetries  = 0
        numMinDelayRetries = 0
        backoffFunction    = "linear"
      }
      disableSubscriptionOverrides = false
    }
  })
  tags = local.tags
}

data "aws_iam_policy_document" "news" {
  statement {
    sid       = "buckets"
    actions   = ["SNS:Publish"]
    resources = [aws_sns_topic.news.arn]
    principals {
      type        = "Service"
      identifiers = ["s3.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }
  }
}

resource "aws_sns_topic_policy" "news" {
  arn    = aws_sns_topic.news.arn
  policy = data.aws_iam_policy_document.news.json
}

resource "aws_sns_topic_subscription" "inbox" {
  topic_arn            = aws_sns_topic.news.arn
  protocol             = "sqs"
  endpoint             = local.queue
  raw_message_delivery = var.retries > 5
  filter_policy_scope  = "MessageBody"
  filter_policy = jsonencode({
    store = ["example", { prefix = "shop-${var.retries}" }]
    price = [{ numeric = [">", 0] }]
  })
  redrive_policy = jsonencode({
    deadLetterTargetArn = "arn:aws:sqs:us-east-1:${local.account}:letters"
  })
}

resource "aws_sns_topic" "orders" {
  name                        = "orders.fifo"
  fifo_topic                  = true
  content_based_deduplication = true
  fifo_throughput_scope       = "MessageGroup"
  archive_policy = var.retries > 5 ? null : jsonencode({
    MessageRetentionPeriod = "30"
  })
}

resource "aws_sns_topic_subscription" "orders" {
  topic_arn = aws_sns_topic.orders.arn
  protocol  = "sqs"
  endpoint  = "${local.queue}.fifo"
}

resource "aws_sns_topic" "sealed" {
  name_prefix       = "sealed-"
  kms_master_key_id = "alias/aws/sns"
}

data "aws_sns_topic" "news" { name = aws_sns_topic.news.name }

output "news" { value = data.aws_sns_topic.news.arn }
output "inbox" { value = aws_sns_topic_subscription.inbox.arn }
