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
  static let oidcProviders = 100
  static let oidcClients = 100
  static let oidcThumbprints = 5
  static let users = 5_000
  static let groups = 300
  static let roles = 1_000
  static let policies = 1_500
  static let instanceProfiles = 1_000
  static let federationSeconds = 900...129_600

  // Ours: what is kept in memory.
  static let cachedPrincipals = 10_000
  static let cachedIdentities = 10_000
  static let cachedDocuments = 2_000
  static let recentDenials = 1_000

  // Ours: what is recorded of the accesses of a user or role.
  /// Further actions are not recorded, and `dewpoint iam generate` says so.
  static let recordedActions = 400
  /// Of one action; from then on what the resources begin with.
  static let recordedResources = 64
  /// Resources of all principals between two writes; when it is full it is written at once and begun anew.
  static let recordedInMemory = 100_000

  /// The quota's name in the error, and how many there may be.
  static func entities(_ kind: Entity.Kind) -> (name: String, limit: Int) {
    switch kind {
    case .user: ("UsersPerAccount", users)
    case .group: ("GroupsPerAccount", groups)
    case .role: ("RolesPerAccount", roles)
    }
  }
}
