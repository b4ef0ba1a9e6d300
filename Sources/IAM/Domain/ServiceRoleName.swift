/// The names that services give to their service-linked roles.
///
/// No rule leads from a service to its role's name; these stand in the guide of each service. What is not listed gets the
/// first word of its service.
enum ServiceRoleName {
  private static let known = [
    "apidestinations.events": "AmazonEventBridgeApiDestinations",
    "autoscaling": "AutoScaling",
    "dynamodb.application-autoscaling": "ApplicationAutoScaling_DynamoDBTable",
    "ec2.application-autoscaling": "ApplicationAutoScaling_EC2SpotFleetRequest",
    "ecs": "ECS",
    "ecs.application-autoscaling": "ApplicationAutoScaling_ECSService",
    "eks": "AmazonEKS",
    "elasticache": "ElastiCache",
    "elasticloadbalancing": "ElasticLoadBalancing",
    "events": "CloudWatchEvents",
    "guardduty": "AmazonGuardDuty",
    "lambda.application-autoscaling": "ApplicationAutoScaling_LambdaConcurrency",
    "lex": "LexBots",
    "ops.apigateway": "APIGateway",
    "opensearchservice": "AmazonOpenSearchService",
    "rds": "RDS",
    "replicator.lambda": "LambdaReplicator",
    "spot": "EC2Spot",
    "spotfleet": "EC2SpotFleet",
    "sso": "SSO",
    "trustedadvisor": "TrustedAdvisor",
  ]

  /// - Parameter service: `lex.amazonaws.com`.
  static func name(for service: String, suffix: String?) -> String {
    let domain = ".amazonaws.com"
    let short = service.hasSuffix(domain) ? String(service.dropLast(domain.count)) : service
    let words = short.split(separator: ".").first?.split(separator: "-") ?? []
    let name = known[short] ?? words.map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
    return "AWSServiceRoleFor\(name)" + (suffix.map { "_\($0)" } ?? "")
  }
}
