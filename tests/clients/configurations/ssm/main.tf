variable "seconds" { type = number }

resource "aws_ssm_parameter" "plain" {
  name        = "/app/prod/seconds"
  type        = "String"
  value       = tostring(var.seconds)
  description = "changed at ${var.seconds}"
  tags        = { seconds = tostring(var.seconds) }
}

resource "aws_ssm_parameter" "list" {
  name            = "/app/prod/list"
  type            = "StringList"
  value           = "a,b,c"
  allowed_pattern = "^[a-z]$"
}

resource "aws_ssm_parameter" "secret" {
  name  = "/app/prod/secret"
  type  = "SecureString"
  value = "s${var.seconds}"
  tier  = "Advanced"
}

resource "aws_ssm_parameter" "image" {
  name      = "golden"
  type      = "String"
  value     = data.aws_ssm_parameter.image.value
  data_type = "aws:ec2:image"
  tier      = "Intelligent-Tiering"
}

resource "aws_ssm_service_setting" "tier" {
  setting_id    = "arn:aws:ssm:us-east-1:111111111111:servicesetting/ssm/parameter-store/high-throughput-enabled"
  setting_value = var.seconds > 30 ? "true" : "false"
}

data "aws_ssm_parameter" "image" {
  name = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
}

data "aws_ssm_parameters_by_path" "all" {
  path            = "/app"
  recursive       = true
  with_decryption = true
  depends_on = [
    aws_ssm_parameter.plain, aws_ssm_parameter.list, aws_ssm_parameter.secret
  ]
}

output "names" { value = data.aws_ssm_parameters_by_path.all.names }
output "image" {
  value     = aws_ssm_parameter.image.value
  sensitive = true
}
