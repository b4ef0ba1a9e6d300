import Base
import Fabric

/// GET `lambda/reloads?functions=A,B&account=…&region=…` streams a line of JSON for each reload of the code of these functions,
/// `{"directory": …, "files": […]}`, until the reader goes away.
enum ReloadPage {
  private static let maximumFunctions = 64
  /// Empty lines between, by which a reader that is gone is noticed.
  private static let beat = Duration.seconds(1)

  static func pages(_ control: ControlPlane, _ hotReload: HotReload) -> [InternalPage] {
    [
      InternalPage("lambda/reloads") { request in
        try request.require("GET")
        let directories = try await directories(request, control)
        return PageAnswer(contentType: "application/x-ndjson") { write in
          try await stream(directories, hotReload, control.ambient.clock, write)
        }
      }
    ]
  }

  private static func directories(_ request: PageRequest, _ control: ControlPlane) async throws -> [String: FunctionVersion] {
    guard let account = AccountID(request.parameter("account") ?? AccountID.local.text),
      let region = Region(request.parameter("region") ?? Region.usEast1.text)
    else { throw AWSError("ValidationException", "There is no such account or Region.", status: 400) }
    let names = (request.parameter("functions") ?? "").split(separator: ",").prefix(maximumFunctions)
    var found: [String: FunctionVersion] = [:]
    for name in names {
      let version = try await control.resolve(try FunctionName(String(name), account: account, region: region)).version
      if let directory = version.hotReloadDirectory { found[directory] = version }
    }
    return found
  }

  private static func stream(
    _ directories: [String: FunctionVersion], _ hotReload: HotReload, _ clock: any AmbientClock,
    _ write: @escaping @Sendable ([UInt8]) async throws -> Void
  ) async throws {
    let reloads = hotReload.reloads()
    // From now on it is watched, whether somebody invokes it or not.
    for version in directories.values { try? await hotReload.prepare(version) }
    let (lines, sink) = AsyncStream.makeStream(of: [UInt8].self, bufferingPolicy: .bufferingNewest(256))
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        for await reload in reloads where directories[reload.directory] != nil {
          let files = JSON.array(reload.files.map { .string($0) })
          sink.yield(JSON.object(JSONObject([("directory", .string(reload.directory)), ("files", files)])).bytes + [10])
        }
        sink.finish()
      }
      group.addTask { while (try? await clock.sleepReal(for: beat)) != nil { sink.yield([10]) } }
      defer { group.cancelAll() }
      for await line in lines { try await write(line) }
    }
  }
}
