variable "threshold" { type = number }

locals {
  account = data.aws_caller_identity.it.account_id
  tags    = { threshold = tostring(var.threshold) }
}

data "aws_caller_identity" "it" {}

resource "aws_cloudwatch_metric_alarm" "high" {
  alarm_name          = "high"
  alarm_description   = "more than ${var.threshold}"
  namespace           = "App"
  metric_name         = "requests"
  dimensions          = { Host = "a" }
  statistic           = "Average"
  period              = 60
  evaluation_periods  = 3
  datapoints_to_alarm = 2
  threshold           = var.threshold
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = ["arn:aws:sns:us-east-1:${local.account}:alerts"]
  tags                = local.tags
}

resource "aws_cloudwatch_metric_alarm" "slow" {
  alarm_name                            = "slow"
  namespace                             = "App"
  metric_name                           = "latency"
  extended_statistic                    = "p99"
  period                                = 300
  evaluation_periods                    = 1
  threshold                             = 0.5
  unit                                  = "Seconds"
  comparison_operator                   = "GreaterThanOrEqualToThreshold"
  evaluate_low_sample_count_percentiles = "ignore"
}

resource "aws_cloudwatch_metric_alarm" "rate" {
  alarm_name          = "rate"
  evaluation_periods  = 2
  threshold           = var.threshold
  comparison_operator = "GreaterThanThreshold"

  metric_query {
    id          = "e1"
    expression  = "100 * errors / requests"
    label       = "Errors in percent"
    return_data = true
  }
  metric_query {
    id = "errors"
    metric {
      namespace   = "App"
      metric_name = "errors"
      period      = 60
      stat        = "Sum"
    }
  }
  metric_query {
    id = "requests"
    metric {
      namespace   = "App"
      metric_name = "requests"
      period      = 60
      stat        = "Sum"
      dimensions  = { Host = "a" }
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "odd" {
  alarm_name          = "odd"
  evaluation_periods  = 2
  comparison_operator = "GreaterThanUpperThreshold"
  threshold_metric_id = "band"

  metric_query {
    id          = "band"
    expression  = "ANOMALY_DETECTION_BAND(m1, 2)"
    label       = "requests (expected)"
    return_data = true
  }
  metric_query {
    id          = "m1"
    return_data = true
    metric {
      namespace   = "App"
      metric_name = "requests"
      period      = 120
      stat        = "Average"
    }
  }
}

resource "aws_cloudwatch_composite_alarm" "both" {
  alarm_name        = "both"
  alarm_description = "high and slow"
  alarm_rule = format("ALARM(%s) AND NOT OK(%s)",
    aws_cloudwatch_metric_alarm.high.alarm_name,
  aws_cloudwatch_metric_alarm.slow.alarm_name)
  ok_actions = ["arn:aws:sns:us-east-1:${local.account}:alerts"]
  tags       = local.tags

  actions_suppressor {
    alarm            = aws_cloudwatch_metric_alarm.rate.alarm_name
    wait_period      = 20
    extension_period = var.threshold
  }
}

resource "aws_cloudwatch_dashboard" "main" {
  dashboard_name = "main"
  dashboard_body = jsonencode({
    widgets = [
      {
        type       = "metric"
        x          = 0
        y          = 0
        width      = 12
        height     = 6
        properties = { metrics = [["App", "requests", "Host", "a"]], region = "us-east-1" }
      },
      { type = "text", properties = { markdown = "At most ${var.threshold}" } },
    ]
  })
}

resource "aws_iam_role" "stream" {
  name = "stream"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "streams.metrics.cloudwatch.amazonaws.com" }
    }]
  })
}

resource "aws_cloudwatch_metric_stream" "out" {
  name          = "out"
  role_arn      = aws_iam_role.stream.arn
  firehose_arn  = "arn:aws:firehose:us-east-1:${local.account}:deliverystream/metrics"
  output_format = "json"
  tags          = local.tags

  include_filter {
    namespace    = "App"
    metric_names = ["requests", "latency"]
  }
  statistics_configuration {
    additional_statistics = ["p99", "tm${var.threshold}"]
    include_metric {
      namespace   = "App"
      metric_name = "latency"
    }
  }
}
