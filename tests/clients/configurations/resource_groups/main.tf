variable "team" { type = string }

resource "aws_sqs_queue" "tagged" {
  name = "tagged"
  tags = { team = "a" }
}

resource "aws_s3_bucket" "tagged" {
  bucket = "tagged-bucket"
  tags   = { team = "b" }
}

resource "aws_resourcegroups_group" "team" {
  name        = "team"
  description = "what belongs to ${var.team}"
  resource_query {
    query = jsonencode({
      ResourceTypeFilters = ["AWS::AllSupported"]
      TagFilters          = [{ Key = "team", Values = [var.team] }]
    })
  }
  tags = { team = "groups" }
}

data "aws_resourcegroupstaggingapi_resources" "queues" {
  resource_type_filters = ["sqs"]
  tag_filter {
    key    = "team"
    values = ["a"]
  }
  depends_on = [aws_sqs_queue.tagged]
}

output "queues" {
  value = data.aws_resourcegroupstaggingapi_resources.queues.resource_tag_mapping_list[*].resource_arn
}
