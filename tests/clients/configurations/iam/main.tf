variable "team" { type = string }

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["ec2.amazonaws.com", "lambda.amazonaws.com"]
    }
    principals {
      type        = "AWS"
      identifiers = [aws_iam_user.it.arn]
    }
  }
}

data "aws_iam_policy_document" "read" {
  statement {
    actions   = ["s3:GetObject", "s3:ListBucket"]
    resources = ["arn:aws:s3:::${var.team}", "arn:aws:s3:::${var.team}/*"]
  }
}

data "aws_iam_policy" "read_only" { name = "ReadOnlyAccess" }

resource "aws_iam_account_alias" "it" { account_alias = "mesocosm-${var.team}" }

resource "aws_iam_account_password_policy" "it" {
  minimum_password_length = 12
  require_symbols         = true
}

resource "aws_iam_user" "it" {
  name = "u"
  path = "/${var.team}/"
  tags = { team = var.team }
}

resource "aws_iam_access_key" "it" { user = aws_iam_user.it.name }

resource "aws_iam_user_login_profile" "it" { user = aws_iam_user.it.name }

resource "aws_iam_user_policy" "it" {
  user   = aws_iam_user.it.name
  policy = data.aws_iam_policy_document.read.json
}

resource "aws_iam_user_policy_attachment" "it" {
  user       = aws_iam_user.it.name
  policy_arn = aws_iam_policy.it.arn
}

resource "aws_iam_group" "it" { name = "g" }

resource "aws_iam_group_membership" "it" {
  name  = "members"
  group = aws_iam_group.it.name
  users = [aws_iam_user.it.name]
}

resource "aws_iam_group_policy" "it" {
  group  = aws_iam_group.it.name
  policy = data.aws_iam_policy_document.read.json
}

resource "aws_iam_group_policy_attachment" "it" {
  group      = aws_iam_group.it.name
  policy_arn = data.aws_iam_policy.read_only.arn
}

resource "aws_iam_policy" "it" {
  name        = "p"
  description = "reads"
  policy      = data.aws_iam_policy_document.read.json
  tags        = { team = var.team }
}

resource "aws_iam_role" "it" {
  name                 = "r"
  description          = "role of ${var.team}"
  assume_role_policy   = data.aws_iam_policy_document.trust.json
  max_session_duration = 7200
  permissions_boundary = aws_iam_policy.it.arn
  tags                 = { team = var.team }
}

resource "aws_iam_role_policy" "it" {
  name   = "inline"
  role   = aws_iam_role.it.id
  policy = data.aws_iam_policy_document.read.json
}

resource "aws_iam_role_policy_attachment" "it" {
  role       = aws_iam_role.it.name
  policy_arn = aws_iam_policy.it.arn
}

resource "aws_iam_instance_profile" "it" {
  name = "ip"
  role = aws_iam_role.it.name
}

resource "aws_iam_service_linked_role" "it" { aws_service_name = "ecs.amazonaws.com" }

resource "aws_iam_openid_connect_provider" "it" {
  url             = "https://token.example.com"
  client_id_list  = ["sts.amazonaws.com"]
  thumbprint_list = ["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]
}

resource "aws_iam_virtual_mfa_device" "it" { virtual_mfa_device_name = "phone" }


data "aws_iam_policy_document" "web" {
  source_policy_documents = [data.aws_iam_policy_document.read.json]
  statement {
    sid     = "Deny"
    effect  = "Deny"
    actions = ["s3:DeleteObject"]
    not_resources = [
      "arn:aws:s3:::${var.team}/$${aws:username}/*",
    ]
    condition {
      test     = "NumericLessThan"
      variable = "aws:MultiFactorAuthAge"
      values   = ["3600"]
    }
  }
}

resource "aws_iam_user" "other" {
  name          = "other"
  force_destroy = true
}

resource "aws_iam_access_key" "other" {
  user   = aws_iam_user.other.name
  status = var.team == "a" ? "Active" : "Inactive"
}

resource "aws_iam_user_ssh_key" "it" {
  username   = aws_iam_user.it.name
  encoding   = "SSH"
  public_key = trimspace(file("${path.module}/ssh.pub"))
}

resource "aws_iam_signing_certificate" "it" {
  user_name        = aws_iam_user.it.name
  certificate_body = file("${path.module}/certificate.pem")
  status           = var.team == "a" ? "Active" : "Inactive"
}

resource "aws_iam_service_specific_credential" "it" {
  user_name    = aws_iam_user.it.name
  service_name = "codecommit.amazonaws.com"
}

resource "aws_iam_user_group_membership" "other" {
  user   = aws_iam_user.other.name
  groups = var.team == "a" ? [aws_iam_group.one.name] : [aws_iam_group.one.name, aws_iam_group.two.name]
}

resource "aws_iam_group" "one" { name = "one" }

resource "aws_iam_group" "two" {
  name = "two"
  path = "/${var.team}/"
}

resource "aws_iam_policy_attachment" "everywhere" {
  name       = "everywhere"
  users      = [aws_iam_user.other.name]
  groups     = [aws_iam_group.one.name]
  roles      = [aws_iam_role.web.name]
  policy_arn = aws_iam_policy.web.arn
}

resource "aws_iam_policy" "web" {
  name_prefix = "web-"
  policy      = data.aws_iam_policy_document.web.json
}

resource "aws_iam_role" "web" {
  name_prefix           = "web-"
  path                  = "/web/"
  force_detach_policies = true
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Federated = aws_iam_openid_connect_provider.it.arn }
      Action    = "sts:AssumeRoleWithWebIdentity"
      Condition = { StringEquals = { "token.example.com:aud" = "sts.amazonaws.com" } }
    }]
  })
}

resource "aws_iam_role_policies_exclusive" "it" {
  role_name    = aws_iam_role.it.name
  policy_names = [aws_iam_role_policy.it.name]
}

resource "aws_iam_role_policy_attachments_exclusive" "it" {
  role_name   = aws_iam_role.it.name
  policy_arns = [aws_iam_role_policy_attachment.it.policy_arn]
}

resource "aws_iam_saml_provider" "it" {
  name                   = "idp"
  saml_metadata_document = file("${path.module}/saml.xml")
  tags                   = { team = var.team }
}

resource "aws_iam_server_certificate" "it" {
  name             = "site"
  path             = "/cloudfront/"
  certificate_body = file("${path.module}/certificate.pem")
  private_key      = file("${path.module}/key.pem")
  tags             = { team = var.team }
}

resource "aws_iam_security_token_service_preferences" "it" {
  global_endpoint_token_version = "v2Token"
}

data "aws_iam_user" "it" { user_name = aws_iam_user.it.name }

data "aws_iam_users" "it" {
  path_prefix = "/eng/"
  depends_on  = [aws_iam_user.it]
}

data "aws_iam_role" "it" { name = aws_iam_role.it.name }

data "aws_iam_roles" "it" {
  name_regex = "^web-"
  depends_on = [aws_iam_role.web]
}

data "aws_iam_group" "it" { group_name = aws_iam_group_membership.it.group }

data "aws_iam_instance_profile" "it" { name = aws_iam_instance_profile.it.name }

data "aws_iam_access_keys" "it" { user = aws_iam_access_key.other.user }

data "aws_iam_session_context" "it" { arn = data.aws_caller_identity.it.arn }

data "aws_caller_identity" "it" {}

data "aws_iam_principal_policy_simulation" "it" {
  action_names      = ["s3:GetObject"]
  resource_arns     = ["arn:aws:s3:::${var.team}/key"]
  policy_source_arn = aws_iam_user_policy_attachment.it.user == "" ? "" : aws_iam_user.it.arn
}

output "allowed" { value = data.aws_iam_principal_policy_simulation.it.all_allowed }
output "group" { value = data.aws_iam_group.it.users[*].user_name }
output "credential" {
  value     = aws_iam_service_specific_credential.it.service_password
  sensitive = true
}
