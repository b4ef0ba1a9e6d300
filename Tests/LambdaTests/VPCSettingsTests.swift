import Base
import Sandbox
import Testing
import Wire

@testable import Lambda

private let subnets = ["subnet-0123456789abcdef0", "subnet-01234567"]
private let groups = ["sg-0123456789abcdef0"]

@Test func `a function in a VPC shows it, with one VPC for all that an account has in a Region`() async throws {
  let test = TestPlane()
  var creation = TestPlane.creation()
  creation.vpcConfig = input {
    ($0.subnetIds, $0.securityGroupIds, $0.ipv6AllowedForDualStack) = (subnets, groups, true)
  }
  try await test.run(creation)
  try await test.settle()
  let shown = try #require(try await test.configuration().vpcConfig)
  #expect(shown.subnetIds == subnets && shown.securityGroupIds == groups && shown.ipv6AllowedForDualStack == true)
  let id = FunctionID(account: .one, region: .usEast1, name: "orders")
  #expect(shown.vpcId == VPCSettings.identifier(of: FunctionID(account: .one, region: .usEast1, name: "other")))
  #expect(shown.vpcId?.count == 21 && shown.vpcId?.hasPrefix("vpc-") == true)
  let version = try await test.plane.resolve(id, qualifier: nil).version
  #expect(version.vpc == VPCSettings(subnets: subnets, securityGroups: groups, allowsIPv6: true))
}

@Test func `empty lists take a function out of its VPC, and mean nothing for one that never was in any`() async throws {
  let test = TestPlane()
  _ = try await test.create()
  func update(_ subnets: [String], _ groups: [String]) async throws -> VpcConfigResponse? {
    try await test.run(
      input(UpdateFunctionConfigurationInput.self) {
        $0.functionName = "orders"
        $0.vpcConfig = input { ($0.subnetIds, $0.securityGroupIds) = (subnets, groups) }
      })
    try await test.settle()
    return try await test.configuration().vpcConfig
  }
  #expect(try await update([], []) == nil)
  #expect(try await update(subnets, groups)?.subnetIds == subnets)
  let left = try await update([], [])
  #expect(left?.subnetIds == [] && left?.securityGroupIds == [] && left?.vpcId == "")
}
