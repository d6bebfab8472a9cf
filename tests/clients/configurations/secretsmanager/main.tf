variable "seconds" { type = number }

resource "aws_secretsmanager_secret" "db" {
  name                    = "app/db"
  description             = "changed at ${var.seconds}"
  recovery_window_in_days = 7
  tags                    = { seconds = tostring(var.seconds) }

  replica {
    region = "eu-west-1"
  }
}

resource "aws_secretsmanager_secret_version" "db" {
  secret_id     = aws_secretsmanager_secret.db.id
  secret_string = jsonencode({ user = "app", password = "p${var.seconds}" })
}

resource "aws_secretsmanager_secret_policy" "db" {
  secret_arn = aws_secretsmanager_secret.db.arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { AWS = "arn:aws:iam::222222222222:root" }
      Action    = "secretsmanager:GetSecretValue"
      Resource  = "*"
    }]
  })
}

resource "aws_secretsmanager_secret" "blob" {
  name                    = "blob"
  recovery_window_in_days = 0
}

resource "aws_secretsmanager_secret_version" "blob" {
  secret_id      = aws_secretsmanager_secret.blob.id
  secret_binary  = base64encode("bytes")
  version_stages = ["AWSCURRENT", "blue"]
}

data "aws_secretsmanager_secret_version" "db" {
  secret_id  = aws_secretsmanager_secret.db.id
  depends_on = [aws_secretsmanager_secret_version.db]
}

data "aws_secretsmanager_random_password" "made" {
  password_length     = 20
  exclude_punctuation = true
}

output "arn" { value = aws_secretsmanager_secret.db.arn }
output "password" {
  value     = jsondecode(data.aws_secretsmanager_secret_version.db.secret_string).password
  sensitive = true
}
