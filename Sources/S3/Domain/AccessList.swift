import Base
import Wire

/// An access control list: who may do what with a bucket or an object beside its owner.
struct AccessList: Sendable, Equatable {
  enum Grantee: Sendable, Hashable {
    case account(AccountID)
    case group(Group)
  }
  enum Group: String, Sendable {
    case allUsers = "http://acs.amazonaws.com/groups/global/AllUsers"
    case authenticatedUsers = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"
    case logDelivery = "http://acs.amazonaws.com/groups/s3/LogDelivery"
  }
  enum Permission: String, Sendable {
    case fullControl = "FULL_CONTROL"
    case write = "WRITE"
    case writeACP = "WRITE_ACP"
    case read = "READ"
    case readACP = "READ_ACP"
  }
  struct Grant: Sendable, Hashable {
    var grantee: Grantee
    var permission: Permission
  }

  /// Whose the thing is. It is not said in `grants` that he may do everything, unless it was said to us.
  var owner: AccountID
  var grants: [Grant]

  /// What everything begins with: the owner alone, with full control.
  static func standard(_ owner: AccountID) -> AccessList {
    AccessList(owner: owner, grants: [Grant(grantee: .account(owner), permission: .fullControl)])
  }

  /// Whether everybody, or every account, is let in.
  var isPublic: Bool { grants.contains { $0.grantee == .group(.allUsers) || $0.grantee == .group(.authenticatedUsers) } }

  func grantsOthers(than account: AccountID) -> Bool { grants.contains { $0.grantee != .account(account) } }

  // Reading

  /// A canned list. Throws InvalidArgument for a name that is none.
  /// - Parameter bucketOwner: of the bucket that an object lies in; nil for a list of a bucket.
  init(canned name: String, owner: AccountID, bucketOwner: AccountID? = nil) throws(AWSError) {
    self = .standard(owner)
    func add(_ grantee: Grantee, _ permission: Permission) { grants.append(Grant(grantee: grantee, permission: permission)) }
    switch (name, bucketOwner) {
    case ("private", _): break
    case ("public-read", _): add(.group(.allUsers), .read)
    case ("public-read-write", _):
      add(.group(.allUsers), .read)
      add(.group(.allUsers), .write)
    case ("authenticated-read", _): add(.group(.authenticatedUsers), .read)
    case ("log-delivery-write", nil):
      add(.group(.logDelivery), .write)
      add(.group(.logDelivery), .readACP)
    case ("bucket-owner-read", let bucketOwner?): if bucketOwner != owner { add(.account(bucketOwner), .read) }
    case ("bucket-owner-full-control", let bucketOwner?): if bucketOwner != owner { add(.account(bucketOwner), .fullControl) }
    case ("aws-exec-read", _): throw S3Error.notImplemented("the canned ACL aws-exec-read")
    default: throw S3Error.invalidArgument("", "x-amz-acl", name)
    }
  }

  /// The list of a request: a canned one, grants in header fields, or a document in the body. Nil when it has none of them.
  init?(_ request: some AccessListInput, owner: AccountID, bucketOwner: AccountID? = nil) throws(AWSError) {
    let fields: [(String?, Permission)] = [
      (request.grantFullControl, .fullControl), (request.grantRead, .read), (request.grantReadACP, .readACP),
      (request.grantWrite, .write), (request.grantWriteACP, .writeACP),
    ]
    let hasFields = fields.contains { $0.0 != nil }
    if request.acl != nil, hasFields { throw S3Error.invalidRequest("Specifying both Canned ACLs and Header Grants is not allowed") }
    if request.acl != nil || hasFields, request.accessControlPolicy != nil { throw S3Error.unexpectedContent }
    if let canned = request.acl {
      try self.init(canned: canned, owner: owner, bucketOwner: bucketOwner)
    } else if hasFields {
      self.init(owner: owner, grants: [])
      for (text, permission) in fields {
        for grantee in try text.map({ text throws(AWSError) in try Self.grantees(text) }) ?? [] {
          grants.append(Grant(grantee: grantee, permission: permission))
        }
      }
    } else if let document = request.accessControlPolicy {
      try self.init(document, owner: owner)
    } else {
      return nil
    }
    guard grants.count <= S3Limits.grants else { throw S3Error.tooManyGrants }
  }

  private init(owner: AccountID, grants: [Grant]) { (self.owner, self.grants) = (owner, grants) }

  /// A document of the API. Throws for one whose owner is another, or whose grantees nobody knows.
  init(_ document: AccessControlPolicy, owner: AccountID) throws(AWSError) {
    guard let named = document.owner, let id = named.id else { throw S3Error.malformedACL }
    guard CanonicalUser.account(id) == owner else { throw S3Error.accessDenied }
    try self.init(kept: document, owner: owner)
  }

  /// A document that was checked when it came.
  init(kept document: AccessControlPolicy, owner: AccountID) throws(AWSError) {
    self.init(owner: owner, grants: [])
    for grant in document.grants ?? [] {
      guard let grantee = grant.grantee, let permission = grant.permission.flatMap(Permission.init) else { throw S3Error.malformedACL }
      grants.append(Grant(grantee: try Self.grantee(grantee), permission: permission))
    }
  }

  private static func grantee(_ grantee: S3Grantee) throws(AWSError) -> Grantee {
    switch grantee.type {
    case "CanonicalUser": return try account(grantee.id ?? "")
    case "Group": return try group(grantee.uri ?? "")
    case "AmazonCustomerByEmail": throw S3Error.unresolvableGrant
    default: throw S3Error.malformedACL
    }
  }

  private static func account(_ id: String) throws(AWSError) -> Grantee {
    guard let account = CanonicalUser.account(id) else { throw S3Error.invalidArgument("Invalid id", "CanonicalUser/ID", id) }
    return .account(account)
  }
  private static func group(_ uri: String) throws(AWSError) -> Grantee {
    guard let group = Group(rawValue: uri) else { throw S3Error.invalidArgument("Invalid group uri", "Group/URI", uri) }
    return .group(group)
  }

  /// `id="…", uri="…"`
  private static func grantees(_ text: String) throws(AWSError) -> [Grantee] {
    var grantees: [Grantee] = []
    for part in text.split(separator: ",") {
      let sides = part.split(separator: "=", maxSplits: 1)
      guard sides.count == 2 else { throw S3Error.invalidArgument("Argument format not recognized", "grant", text) }
      var value = sides[1].trimmed
      if value.hasPrefix("\""), value.hasSuffix("\""), value.utf8.count > 1 { value = String(value.dropFirst().dropLast()) }
      switch sides[0].trimmed.lowercased() {
      case "id": grantees.append(try account(value))
      case "uri": grantees.append(try group(value))
      case "emailaddress": throw S3Error.unresolvableGrant
      default: throw S3Error.invalidArgument("Argument format not recognized", "grant", text)
      }
    }
    return grantees
  }

  // Writing

  var document: AccessControlPolicy {
    var document = AccessControlPolicy()
    document.owner = S3Owner(owner)
    document.grants = grants.map { grant in
      var shown = S3Grant(), grantee = S3Grantee()
      switch grant.grantee {
      case .account(let account): (grantee.type, grantee.id) = ("CanonicalUser", CanonicalUser.id(account))
      case .group(let group): (grantee.type, grantee.uri) = ("Group", group.rawValue)
      }
      (shown.grantee, shown.permission) = (grantee, grant.permission.rawValue)
      return shown
    }
    return document
  }
}

/// An input that may bring an access control list.
protocol AccessListInput: RecordView {
  var acl: String? { get }
  var grantFullControl: String? { get }
  var grantRead: String? { get }
  var grantReadACP: String? { get }
  var grantWrite: String? { get }
  var grantWriteACP: String? { get }
  var accessControlPolicy: AccessControlPolicy? { get }
}

extension AccessListInput {
  var grantWrite: String? { nil }
  var accessControlPolicy: AccessControlPolicy? { nil }
}
