variable "seconds" { type = number }

data "aws_caller_identity" "it" {}

locals {
  tags = { seconds = tostring(var.seconds) }
}

resource "aws_kms_key" "app" {
  description             = "changed at ${var.seconds}"
  enable_key_rotation     = true
  rotation_period_in_days = 90 + var.seconds
  deletion_window_in_days = 7
  tags                    = local.tags
}

resource "aws_kms_alias" "app" {
  name          = "alias/app"
  target_key_id = aws_kms_key.app.key_id
}

resource "aws_kms_key_policy" "app" {
  key_id = aws_kms_key.app.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "changed${var.seconds}"
      Effect    = "Allow"
      Principal = { AWS = "arn:aws:iam::${data.aws_caller_identity.it.account_id}:root" }
      Action    = "kms:*"
      Resource  = "*"
    }]
  })
}

resource "aws_iam_role" "reader" {
  name = "reader"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_kms_grant" "reader" {
  name              = "reader"
  key_id            = aws_kms_key.app.key_id
  grantee_principal = aws_iam_role.reader.arn
  operations        = ["Decrypt", "DescribeKey"]
  constraints {
    encryption_context_equals = { app = "x" }
  }
}

resource "aws_kms_ciphertext" "secret" {
  key_id    = aws_kms_key.app.key_id
  plaintext = "secret ${var.seconds}"
  context   = { app = "x" }
}

resource "aws_kms_key" "signing" {
  description              = "signing"
  key_usage                = "SIGN_VERIFY"
  customer_master_key_spec = "ECC_NIST_P256"
  deletion_window_in_days  = 7
}

resource "aws_kms_key" "everywhere" {
  description             = "everywhere"
  multi_region            = true
  deletion_window_in_days = 7
}

resource "aws_kms_replica_key" "abroad" {
  provider                = aws.abroad
  description             = "abroad ${var.seconds}"
  primary_key_arn         = aws_kms_key.everywhere.arn
  deletion_window_in_days = 7
}

resource "aws_kms_external_key" "own" {
  description             = "own"
  deletion_window_in_days = 7
  key_material_base64     = base64encode("0123456789abcdef0123456789abcdef")
  enabled                 = true
}

data "aws_kms_public_key" "signing" {
  key_id = aws_kms_key.signing.arn
}

data "aws_kms_alias" "app" {
  name       = aws_kms_alias.app.name
  depends_on = [aws_kms_alias.app]
}

output "arn" { value = data.aws_kms_alias.app.target_key_arn }
output "public" { value = data.aws_kms_public_key.signing.public_key_pem }
output "ciphertext" { value = aws_kms_ciphertext.secret.ciphertext_blob }

resource "aws_s3_bucket" "papers" {
  bucket        = "papers-under-a-key"
  force_destroy = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "papers" {
  bucket = aws_s3_bucket.papers.id
  rule {
    bucket_key_enabled = true
    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.app.arn
    }
  }
}

resource "aws_s3_object" "paper" {
  bucket     = aws_s3_bucket.papers.id
  key        = "paper"
  content    = "text ${var.seconds}"
  kms_key_id = aws_kms_key.app.arn
}
