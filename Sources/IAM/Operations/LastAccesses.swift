import Base
import Fabric

/// Reports of which services an identity last used, from what is recorded of its accesses.
extension IAMService {
  var lastAccessOperations: [Operation] {
    [
      operation(
        "GenerateServiceLastAccessedDetails", at: { (input: GenerateServiceLastAccessedDetailsInput, _) in input.arn },
        generateLastAccesses),
      operation("GetServiceLastAccessedDetails", at: { (_: GetServiceLastAccessedDetailsInput, _) in "*" }, getLastAccesses),
    ]
  }

  private func generateLastAccesses(_ input: GenerateServiceLastAccessedDetailsInput, _ call: Call) async throws
    -> GenerateServiceLastAccessedDetailsOutput
  {
    let id = ambient.uuid()
    let job = AccessJob(arn: input.arn, byAction: input.granularity == "ACTION_LEVEL", created: call.second)
    try await change(call.account) { tx in
      _ = try tx.holder(input.arn)
      try tx.save(job, id)
    }
    var output = GenerateServiceLastAccessedDetailsOutput()
    output.jobId = id
    return output
  }

  private func getLastAccesses(_ input: GetServiceLastAccessedDetailsInput, _ call: Call) async throws
    -> GetServiceLastAccessedDetailsOutput
  {
    let (job, entity) = try await read(call.account) { rows in
      guard let row = try rows.reader.get(IAMKeys.job(call.account, input.jobId)) else {
        throw IAMError.noSuchEntity("The job with id \(input.jobId) cannot be found.")
      }
      let job = try AccessJob(row: row)
      return (job, try rows.holder(job.arn))
    }
    var services: [String: [(action: String, last: Instant)]] = [:]
    for (action, use) in try await accessRecord(of: entity) {
      let parts = action.split(separator: ":", maxSplits: 1).map(String.init)
      if parts.count == 2 { services[parts[0], default: []].append((parts[1], Instant(seconds: use.last.seconds))) }
    }
    let page = try Page(services.map { ($0.key, $0.value) }, after: input.marker, limit: input.maxItems) { $0.0 }
    var output = GetServiceLastAccessedDetailsOutput()
    (output.jobStatus, output.jobType) = ("COMPLETED", job.byAction ? "ACTION_LEVEL" : "SERVICE_LEVEL")
    (output.jobCreationDate, output.jobCompletionDate) = (job.created, job.created)
    output.servicesLastAccessed = page.items.map { ServiceLastAccessed($0.0, $0.1, entity, byAction: job.byAction) }
    (output.isTruncated, output.marker) = (page.isTruncated, page.marker)
    return output
  }
}

extension ServiceLastAccessed {
  fileprivate init(_ service: String, _ actions: [(action: String, last: Instant)], _ entity: Entity, byAction: Bool) {
    self.init()
    (serviceName, serviceNamespace) = (service, service)
    lastAuthenticated = actions.map(\.last).max()
    (lastAuthenticatedEntity, totalAuthenticatedEntities) = (entity.arn, 1)
    guard byAction else { return }
    trackedActionsLastAccessed = actions.sorted { $0.action < $1.action }.map { action in
      var shape = TrackedActionLastAccessed()
      (shape.actionName, shape.lastAccessedEntity, shape.lastAccessedTime) = (action.action, entity.arn, action.last)
      return shape
    }
  }
}

extension IAMReading {
  /// The user or role of an ARN. Throws NoSuchEntity; what is recorded is only of these.
  func holder(_ arn: String) throws -> Entity {
    guard let parsed = ARN(arn), let name = parsed.resource.split(separator: "/").last,
      let kind = Entity.Kind(rawValue: String(parsed.resource.prefix { $0 != "/" })), kind != .group
    else { throw IAMError.invalidInput("\(arn) is not the ARN of a user or role.") }
    let entity = try get(kind, String(name))
    guard entity.arn == arn else { throw IAMError.noSuchEntity("ARN \(arn) was not found.") }
    return entity
  }
}
