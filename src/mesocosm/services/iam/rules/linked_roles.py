"""Service-linked roles: what each service calls its role, and which of AWS's policies the role has.

Source: the service-linked role page of each service's user guide. Which services have them is
data: a service that
is not here has no service-linked role in Mesocosm.
"""

from __future__ import annotations

import json
from typing import NamedTuple

PREFIX = "AWSServiceRoleFor"


class LinkedRole(NamedTuple):
    """The end of the role's name, its managed policy, and whether a suffix may tell several
    apart."""

    name: str
    policy: str
    suffix: bool = False


SERVICES = {
    "access-analyzer.amazonaws.com": LinkedRole(
        "AccessAnalyzer", "AccessAnalyzerServiceRolePolicy"
    ),
    "acm.amazonaws.com": LinkedRole("CertificateManager", "CertificateManagerServiceRolePolicy"),
    "apprunner.amazonaws.com": LinkedRole("AppRunner", "AppRunnerServiceRolePolicy"),
    "autoscaling.amazonaws.com": LinkedRole(
        "AutoScaling", "AutoScalingServiceRolePolicy", suffix=True
    ),
    "autoscaling-plans.amazonaws.com": LinkedRole(
        "AutoScalingPlans_EC2AutoScaling", "AWSAutoScalingPlansEC2AutoScalingPolicy"
    ),
    "backup.amazonaws.com": LinkedRole("Backup", "AWSBackupServiceLinkedRolePolicyForBackup"),
    "batch.amazonaws.com": LinkedRole("Batch", "BatchServiceRolePolicy"),
    "budgets.amazonaws.com": LinkedRole("Budgets", "BudgetsServiceRolePolicy"),
    "cloudtrail.amazonaws.com": LinkedRole("CloudTrail", "CloudTrailServiceRolePolicy"),
    "compute-optimizer.amazonaws.com": LinkedRole(
        "ComputeOptimizer", "ComputeOptimizerServiceRolePolicy"
    ),
    "config.amazonaws.com": LinkedRole("Config", "AWSConfigServiceRolePolicy"),
    "config-conforms.amazonaws.com": LinkedRole(
        "ConfigConforms", "ConfigConformsServiceRolePolicy"
    ),
    "config-multiaccountsetup.amazonaws.com": LinkedRole(
        "ConfigMultiAccountSetup", "AWSConfigMultiAccountSetupPolicy"
    ),
    "controltower.amazonaws.com": LinkedRole(
        "AWSControlTower", "AWSControlTowerAccountServiceRolePolicy"
    ),
    "dax.amazonaws.com": LinkedRole("DAX", "DAXServiceRolePolicy"),
    "detective.amazonaws.com": LinkedRole("Detective", "AmazonDetectiveServiceLinkedRolePolicy"),
    "dynamodb.application-autoscaling.amazonaws.com": LinkedRole(
        "ApplicationAutoScaling_DynamoDBTable", "AWSApplicationAutoscalingDynamoDBTablePolicy"
    ),
    "ecs.application-autoscaling.amazonaws.com": LinkedRole(
        "ApplicationAutoScaling_ECSService", "AWSApplicationAutoscalingECSServicePolicy"
    ),
    "ec2fleet.amazonaws.com": LinkedRole("EC2Fleet", "AWSEC2FleetServiceRolePolicy"),
    "ecs.amazonaws.com": LinkedRole("ECS", "AmazonECSServiceRolePolicy"),
    "eks.amazonaws.com": LinkedRole("AmazonEKS", "AmazonEKSServiceRolePolicy"),
    "eks-fargate.amazonaws.com": LinkedRole(
        "AmazonEKSForFargate", "AmazonEKSForFargateServiceRolePolicy"
    ),
    "eks-nodegroup.amazonaws.com": LinkedRole(
        "AmazonEKSNodegroup", "AWSServiceRoleForAmazonEKSNodegroup"
    ),
    "elasticache.amazonaws.com": LinkedRole("ElastiCache", "ElastiCacheServiceRolePolicy"),
    "elasticbeanstalk.amazonaws.com": LinkedRole(
        "ElasticBeanstalk", "AWSElasticBeanstalkServiceRolePolicy"
    ),
    "elasticfilesystem.amazonaws.com": LinkedRole(
        "AmazonElasticFileSystem", "AmazonElasticFileSystemServiceRolePolicy"
    ),
    "elasticloadbalancing.amazonaws.com": LinkedRole(
        "ElasticLoadBalancing", "AWSElasticLoadBalancingServiceRolePolicy"
    ),
    "elasticmapreduce.amazonaws.com": LinkedRole(
        "EMRCleanup", "AmazonEMRCleanupPolicy", suffix=True
    ),
    "es.amazonaws.com": LinkedRole(
        "AmazonElasticsearchService", "AmazonElasticsearchServiceRolePolicy"
    ),
    "events.amazonaws.com": LinkedRole("CloudWatchEvents", "CloudWatchEventsServiceRolePolicy"),
    "fms.amazonaws.com": LinkedRole("FMS", "FMSServiceRolePolicy"),
    "fsx.amazonaws.com": LinkedRole("AmazonFSx", "AmazonFSxServiceRolePolicy"),
    "globalaccelerator.amazonaws.com": LinkedRole(
        "GlobalAccelerator", "AWSGlobalAcceleratorSLRPolicy"
    ),
    "guardduty.amazonaws.com": LinkedRole("AmazonGuardDuty", "AmazonGuardDutyServiceRolePolicy"),
    "inspector2.amazonaws.com": LinkedRole("AmazonInspector2", "AmazonInspector2ServiceRolePolicy"),
    "kafka.amazonaws.com": LinkedRole("Kafka", "KafkaServiceRolePolicy"),
    "kafkaconnect.amazonaws.com": LinkedRole("KafkaConnect", "KafkaConnectServiceRolePolicy"),
    "lakeformation.amazonaws.com": LinkedRole(
        "LakeFormationDataAccess", "LakeFormationDataAccessServiceRolePolicy"
    ),
    "macie.amazonaws.com": LinkedRole("AmazonMacie", "AmazonMacieServiceRolePolicy"),
    "memorydb.amazonaws.com": LinkedRole("MemoryDB", "MemoryDBServiceRolePolicy"),
    "mq.amazonaws.com": LinkedRole("AmazonMQ", "AmazonMQServiceRolePolicy"),
    "network-firewall.amazonaws.com": LinkedRole(
        "NetworkFirewall", "AWSNetworkFirewallServiceRolePolicy"
    ),
    "opensearchservice.amazonaws.com": LinkedRole(
        "AmazonOpenSearchService", "AmazonOpenSearchServiceRolePolicy"
    ),
    "ops.apigateway.amazonaws.com": LinkedRole("APIGateway", "APIGatewayServiceRolePolicy"),
    "organizations.amazonaws.com": LinkedRole(
        "Organizations", "AWSOrganizationsServiceTrustPolicy"
    ),
    "ram.amazonaws.com": LinkedRole(
        "ResourceAccessManager", "AWSResourceAccessManagerServiceRolePolicy"
    ),
    "rds.amazonaws.com": LinkedRole("RDS", "AmazonRDSServiceRolePolicy"),
    "rds.application-autoscaling.amazonaws.com": LinkedRole(
        "ApplicationAutoScaling_RDSCluster", "AWSApplicationAutoscalingRDSClusterPolicy"
    ),
    "redshift.amazonaws.com": LinkedRole("Redshift", "AmazonRedshiftServiceLinkedRolePolicy"),
    "replication.dynamodb.amazonaws.com": LinkedRole(
        "DynamoDBReplication", "DynamoDBReplicationServiceRolePolicy"
    ),
    "replication.ecr.amazonaws.com": LinkedRole(
        "ECRReplication", "ECRReplicationServiceRolePolicy"
    ),
    "replicator.lambda.amazonaws.com": LinkedRole("LambdaReplicator", "AWSLambdaReplicator"),
    "resource-explorer-2.amazonaws.com": LinkedRole(
        "ResourceExplorer", "AWSResourceExplorerServiceRolePolicy"
    ),
    "route53resolver.amazonaws.com": LinkedRole(
        "Route53Resolver", "Route53ResolverServiceRolePolicy"
    ),
    "securityhub.amazonaws.com": LinkedRole("SecurityHub", "AWSSecurityHubServiceRolePolicy"),
    "servicequotas.amazonaws.com": LinkedRole("ServiceQuotas", "ServiceQuotasServiceRolePolicy"),
    "shield.amazonaws.com": LinkedRole("AWSShield", "AWSShieldServiceRolePolicy"),
    "spot.amazonaws.com": LinkedRole("EC2Spot", "AWSEC2SpotServiceRolePolicy"),
    "spotfleet.amazonaws.com": LinkedRole("EC2SpotFleet", "AWSEC2SpotFleetServiceRolePolicy"),
    "ssm.amazonaws.com": LinkedRole("AmazonSSM", "AmazonSSMServiceRolePolicy"),
    "sso.amazonaws.com": LinkedRole("SSO", "AWSSSOServiceRolePolicy"),
    "support.amazonaws.com": LinkedRole("Support", "AWSSupportServiceRolePolicy"),
    "transitgateway.amazonaws.com": LinkedRole(
        "VPCTransitGateway", "AWSVPCTransitGatewayServiceRolePolicy"
    ),
    "trustedadvisor.amazonaws.com": LinkedRole(
        "TrustedAdvisor", "AWSTrustedAdvisorServiceRolePolicy"
    ),
    "wafv2.amazonaws.com": LinkedRole("WAFV2Logging", "WAFV2LoggingServiceRolePolicy"),
}


def trust(service: str) -> str:
    """The trust policy of a service-linked role."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]}, separators=(",", ":"))
