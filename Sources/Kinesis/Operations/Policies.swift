import Base
import Fabric
import Store
import Wire

/// Resource policies of streams and consumers.
extension KinesisService {
  var policyOperations: [Operation] {
    [
      Operation("PutResourcePolicy", access: { [self] (input: PutResourcePolicyInput, call) in
        [try await access("PutResourcePolicy", try Resource(input.resourceARN, input.streamId, call), by: call.account)]
      }, run: putPolicy),
      Operation("GetResourcePolicy", access: { [self] (input: GetResourcePolicyInput, call) in
        [try await access("GetResourcePolicy", try Resource(input.resourceARN, input.streamId, call), by: call.account)]
      }, run: getPolicy),
      Operation("DeleteResourcePolicy", access: { [self] (input: DeleteResourcePolicyInput, call) in
        [try await access("DeleteResourcePolicy", try Resource(input.resourceARN, input.streamId, call), by: call.account)]
      }, run: deletePolicy),
    ]
  }

  private func putPolicy(_ input: PutResourcePolicyInput, _ call: Call) async throws {
    let resource = try Resource(input.resourceARN, input.streamId, call)
    guard input.policy.utf8.count <= KinesisLimits.policyBytes, let json = try? JSON.parse(input.policy), json["Statement"] != nil else {
      throw KinesisError.invalid("The resource policy is not valid.")
    }
    let tied: String
    do {
      tied = try await principals.tied(input.policy)
    } catch let error as AWSError {
      throw KinesisError.invalid(error.message)
    }
    try await setPolicy(tied, of: resource)
  }

  private func getPolicy(_ input: GetResourcePolicyInput, _ call: Call) async throws -> GetResourcePolicyOutput {
    let resource = try Resource(input.resourceARN, input.streamId, call)
    let policy =
      switch resource {
      case .stream(let name): try await existing(name).stream.policy
      case .consumer(let name): try await consumer(name).policy
      }
    var output = GetResourcePolicyOutput()
    // AWS answers with an empty document where there is none.
    output.policy = if let policy { try await principals.shown(policy) } else { "" }
    return output
  }

  private func deletePolicy(_ input: DeleteResourcePolicyInput, _ call: Call) async throws {
    try await setPolicy(nil, of: try Resource(input.resourceARN, input.streamId, call))
  }

  private func setPolicy(_ policy: String?, of resource: Resource) async throws {
    switch resource {
    case .stream(let name):
      try await change(name) { stream, _, _ in
        if policy == nil, stream.policy == nil {
          throw KinesisError.notFound("No resource policy found for resource ARN \(resource.arn).")
        }
        stream.policy = policy
      }
    case .consumer(let name):
      try await change(name) { consumer in
        if policy == nil, consumer.policy == nil {
          throw KinesisError.notFound("No resource policy found for resource ARN \(resource.arn).")
        }
        consumer.policy = policy
      }
    }
  }
}
