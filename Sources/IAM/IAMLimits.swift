/// Quotas as AWS states them on "IAM and AWS STS quotas".
enum IAMLimits {
  static let tags = 50
  static let policyVersions = 5
  static let accessKeysPerUser = 2
  static let groupsPerUser = 10
  static let attachedPolicies = 10
  static let managedPolicyCharacters = 6144
  static let trustPolicyCharacters = 2048
  static let sessionPolicyCharacters = 2048
  /// All inline policies of one entity together, without blanks.
  static func inlineCharacters(_ kind: Entity.Kind) -> Int {
    switch kind {
    case .user: 2048
    case .group: 5120
    case .role: 10_240
    }
  }
  static let roleSessionSeconds = 3600...43_200
  static let chainedSessionSeconds = 3600
  static let userSessionSeconds = 900...129_600
  static let rootSessionSeconds = 3600
  static let pageSize = 100

  // Ours: what is kept in memory.
  static let cachedPrincipals = 10_000
  static let cachedIdentities = 10_000
  static let cachedDocuments = 2_000
  static let recentDenials = 1_000
}
