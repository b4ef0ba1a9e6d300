import Base
import Crypto

/// The VPC that a function was given. There is no VPC here: what it means is that the function has no way out of its sandbox, as on AWS
/// a function in a VPC without a NAT gateway (AWS: "Giving Lambda functions access to resources in an Amazon VPC").
struct VPCSettings: Sendable, Equatable {
  /// None when the function was taken out of its VPC again.
  var subnets: [String] = []
  var securityGroups: [String] = []
  var allowsIPv6 = false

  var isAttached: Bool { !subnets.isEmpty }

  /// - Throws: `InvalidParameterValueException`; the identifiers are judged by their form, because nothing knows the things themselves.
  init(_ config: VpcConfig) throws {
    (subnets, securityGroups) = (config.subnetIds ?? [], config.securityGroupIds ?? [])
    allowsIPv6 = config.ipv6AllowedForDualStack ?? false
    guard subnets.isEmpty == securityGroups.isEmpty else {
      throw LambdaError.invalidParameter("SubnetIds and SecurityIds must coexist or be both empty list.")
    }
    for id in subnets where !Self.isIdentifier(id, of: "subnet") {
      throw Self.malformed(id, of: "subnet", "DescribeSubnets", code: "InvalidSubnetID.Malformed")
    }
    for id in securityGroups where !Self.isIdentifier(id, of: "sg") {
      throw Self.malformed(id, of: "sg", "DescribeSecurityGroups", code: "InvalidGroupId.Malformed")
    }
  }

  init(subnets: [String], securityGroups: [String], allowsIPv6: Bool) {
    (self.subnets, self.securityGroups, self.allowsIPv6) = (subnets, securityGroups, allowsIPv6)
  }

  /// Made up: one VPC for each account and Region, so that all subnets of one seem to lie together.
  static func identifier(of function: FunctionID) -> String {
    let digest = SHA256.hash(data: Array("\(function.account.text)/\(function.region.text)".utf8))
    return "vpc-" + Array(digest.prefix(9)).hex.prefix(17)
  }

  /// The kind, a hyphen, and 8 or 17 hexadecimal digits (AWS: "Resource IDs").
  private static func isIdentifier(_ text: String, of kind: String) -> Bool {
    guard text.hasPrefix(kind + "-") else { return false }
    let digits = text.utf8.dropFirst(kind.utf8.count + 1)
    return (digits.count == 8 || digits.count == 17)
      && digits.allSatisfy { ($0 >= 48 && $0 <= 57) || ($0 >= 97 && $0 <= 102) }
  }

  private static func malformed(_ id: String, of kind: String, _ operation: String, code: String) -> AWSError {
    LambdaError.invalidParameter(
      "Error occurred while \(operation). EC2 Error Code: \(code). EC2 Error Message: Invalid id: \"\(id)\" (expecting \"\(kind)-...\")")
  }
}
