import Base
import Fabric

/// `lambda/attach`: the pages that `dewpoint exec` works with. They know no keys, so they are closed where keys count.
///
/// POST `lambda/attach` streams lines of JSON as long as the process is attached; POST `lambda/attach/ID` tells of the process:
/// `?output` (the body, perhaps with `flush=NUMBER`), `?held=true|false`, `?status=NUMBER`, `?signal=NUMBER`.
enum AttachPages {
  static func pages(_ attachments: Attachments, refusal: String?) -> [InternalPage] {
    [
      InternalPage("lambda/attach") { request in
        try request.require("POST")
        if let refusal { return refused(refusal) }
        let wanted = try wanted(request)
        let version = try await attachments.version(wanted)
        return PageAnswer(contentType: "application/x-ndjson") { write in try await attachments.serve(version, wanted, write) }
      },
      InternalPage("lambda/attach/") { request in
        try request.require("POST")
        if let refusal { return refused(refusal) }
        let id = request.path.split(separator: "/").last.map(String.init) ?? ""
        guard take(request, id, attachments) else {
          throw AWSError("NotFound", "Nothing of this name is attached, or too much of its output waits.", status: 404)
        }
        return .json(["status": "ok"])
      },
    ]
  }

  private static func refused(_ refusal: String) -> PageAnswer { .json(["message": .string(refusal)], status: 403) }

  private static func take(_ request: PageRequest, _ id: String, _ attachments: Attachments) -> Bool {
    if let held = request.parameter("held") { return attachments.held(id, held == "true") }
    if let status = request.parameter("status").flatMap({ Int32($0) }) { return attachments.exited(id, .exited(status)) }
    if let signal = request.parameter("signal").flatMap({ Int32($0) }) { return attachments.exited(id, .signalled(signal)) }
    return attachments.wrote(id, request.body, flush: request.parameter("flush").flatMap { UInt64($0) })
  }

  private static func wanted(_ request: PageRequest) throws -> Attachments.Request {
    guard let function = request.parameter("function"), !function.isEmpty else {
      throw AWSError("ValidationException", "Say which function: function=NAME.", status: 400)
    }
    guard let account = AccountID(request.parameter("account") ?? AccountID.local.text) else {
      throw AWSError("ValidationException", "The account must have twelve digits.", status: 400)
    }
    guard let region = Region(request.parameter("region") ?? Region.usEast1.text) else {
      throw AWSError("ValidationException", "There is no such Region.", status: 400)
    }
    let name = try FunctionName(function, account: account, region: region)
    return Attachments.Request(
      name: name, endpoint: request.parameter("endpoint") ?? "http://127.0.0.1:4566",
      hasTimeout: request.parameter("timeout") != "none")
  }
}
