import Base
import Fabric
import Store
import Wire

extension PipesService {
  var listOperations: [Fabric.Operation] {
    [
      Operation("ListPipes", access: { (_: ListPipesInput, call) in [Access("pipes:ListPipes", owner: call.account)] }, run: listPipes)
    ]
  }

  private func listPipes(_ input: ListPipesInput, _ call: Call) async throws -> ListPipesOutput {
    let home = Keys.pipes(call.account, call.region)
    var range = KeyRange(prefix: home)
    if let token = input.nextToken {
      guard let bytes = decodeBase64(token), let name = String(validating: bytes, as: UTF8.self) else { throw PipesError.badToken }
      range.lower = max(range.lower, home.appending(name).end)
    }
    let (limit, lower) = (input.limit ?? PipesLimits.page, range)
    let found = try await store.read { r in
      var found: [Pipe] = []
      try r.scan(lower) { key, row in
        let pipe = try Pipe(row: row, try Keys.name(key))
        if pipe.fits(input) { found.append(pipe) }
        return found.count <= limit
      }
      return found
    }
    var output = ListPipesOutput()
    output.pipes = found.prefix(limit).map(\.summary)
    output.nextToken = found.count > limit ? Array(found[limit - 1].name.name.utf8).base64 : nil
    return output
  }
}

extension Pipe {
  fileprivate func fits(_ input: ListPipesInput) -> Bool {
    name.name.hasPrefix(input.namePrefix ?? "") && (input.desiredState ?? desired) == desired
      && (input.currentState ?? state.rawValue) == state.rawValue && source.hasPrefix(input.sourcePrefix ?? "")
      && target.hasPrefix(input.targetPrefix ?? "")
  }

  fileprivate var summary: PipesPipe {
    var shape = PipesPipe()
    (shape.name, shape.arn, shape.desiredState, shape.currentState) = (name.name, name.arn, desired, state.rawValue)
    (shape.creationTime, shape.lastModifiedTime) = (createdAt, modifiedAt)
    (shape.source, shape.target, shape.enrichment) = (source, target, enrichment)
    return shape
  }
}
