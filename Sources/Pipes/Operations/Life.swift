import Base
import Fabric
import Store
import Wire

extension PipesService {
  var lifeOperations: [Fabric.Operation] {
    [
      Operation("StartPipe", access: { [self] (input: StartPipeInput, call) in
        try await access("StartPipe", input.name, call)
      }, run: { [self] (input: StartPipeInput, call) in
        let pipe = try await change(input.name, call, to: .starting, wanted: true)
        var output = StartPipeOutput()
        (output.arn, output.name, output.desiredState) = (pipe.name.arn, pipe.name.name, pipe.desired)
        (output.currentState, output.creationTime, output.lastModifiedTime) = (pipe.state.rawValue, pipe.createdAt, pipe.modifiedAt)
        return output
      }),
      Operation("StopPipe", access: { [self] (input: StopPipeInput, call) in
        try await access("StopPipe", input.name, call)
      }, run: { [self] (input: StopPipeInput, call) in
        let pipe = try await change(input.name, call, to: .stopping, wanted: false)
        var output = StopPipeOutput()
        (output.arn, output.name, output.desiredState) = (pipe.name.arn, pipe.name.name, pipe.desired)
        (output.currentState, output.creationTime, output.lastModifiedTime) = (pipe.state.rawValue, pipe.createdAt, pipe.modifiedAt)
        return output
      }),
      Operation("DeletePipe", access: { [self] (input: DeletePipeInput, call) in
        try await access("DeletePipe", input.name, call)
      }, run: { [self] (input: DeletePipeInput, call) in
        let pipe = try await change(input.name, call, to: .deleting, wanted: false)
        var output = DeletePipeOutput()
        (output.arn, output.name, output.desiredState) = (pipe.name.arn, pipe.name.name, "DELETED")
        (output.currentState, output.creationTime, output.lastModifiedTime) = (pipe.state.rawValue, pipe.createdAt, pipe.modifiedAt)
        return output
      }),
      Operation("TagResource", access: { [self] (input: TagResourceInput, call) in
        try await tagAccess("TagResource", input.resourceArn, call).map { $0.bringing(input.tags) }
      }, run: { [self] (input: TagResourceInput, call) in
        try await changeTags(try call.taggedPipe(input.resourceArn)) { $0.merge(input.tags) { $1 } }
        return TagResourceOutput()
      }),
      Operation("UntagResource", access: { [self] (input: UntagResourceInput, call) in
        try await tagAccess("UntagResource", input.resourceArn, call).map { $0.naming(input.tagKeys) }
      }, run: { [self] (input: UntagResourceInput, call) in
        try await changeTags(try call.taggedPipe(input.resourceArn)) { tags in for key in input.tagKeys { tags[key] = nil } }
        return UntagResourceOutput()
      }),
      Operation("ListTagsForResource", access: { [self] (input: ListTagsForResourceInput, call) in
        try await tagAccess("ListTagsForResource", input.resourceArn, call)
      }, run: { [self] (input: ListTagsForResourceInput, call) in
        let name = try call.taggedPipe(input.resourceArn)
        var output = ListTagsForResourceOutput()
        output.tags = try await store.read { try $0.existingPipe(name).tags }
        return output
      }),
    ]
  }

  /// Of another account's pipe only that account's permission tells whether it is there.
  private func tagAccess(_ action: String, _ text: String, _ call: Call) async throws -> [Access] {
    if let owner = ARN(text).flatMap({ AccountID($0.account) }), owner != call.account {
      return [Access("pipes:\(action)", on: text, owner: owner)]
    }
    return try await access(action, try call.taggedPipe(text).name, call)
  }

  private func change(_ name: String, _ call: Call, to state: PipeState, wanted: Bool) async throws -> Pipe {
    let name = call.pipe(name)
    let pipe = try await store.transact { t in
      var pipe = try t.existingPipe(name)
      // A pipe that is being deleted is deleted.
      if pipe.state == .deleting, state == .deleting { return pipe }
      guard pipe.state.isSettled else { throw PipesError.isChanging(name.name, pipe.state) }
      (pipe.state, pipe.isWanted, pipe.modifiedAt) = (state, wanted, call.now)
      try t.put(pipe)
      return pipe
    }
    changed.nudge()
    return pipe
  }

  private func changeTags(_ name: PipeName, _ change: @escaping @Sendable (inout [String: String]) -> Void) async throws {
    try await store.transact { t in
      var pipe = try t.existingPipe(name)
      change(&pipe.tags)
      guard pipe.tags.count <= PipesLimits.tags else { throw PipesError.tooManyTags }
      try t.put(pipe)
    }
  }
}

extension Call {
  /// Somebody else's pipes are not there.
  fileprivate func taggedPipe(_ text: String) throws -> PipeName {
    let parts = ARN(text)?.resource.split(separator: "/") ?? []
    guard parts.count == 2, parts[0] == "pipe" else { throw PipesError.validation("The ARN \(text) is not the ARN of a pipe.") }
    let name = pipe(String(parts[1]))
    guard name.arn == text else { throw PipesError.noPipe(name.name) }
    return name
  }
}
