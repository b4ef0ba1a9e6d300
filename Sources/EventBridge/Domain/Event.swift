import Base
import Fabric

/// An event as targets see it, with what Dewpoint keeps beside it.
struct Event: Sendable {
  var id: String
  var json: JSON
  /// `json` as text; what is delivered when a target asks for nothing else.
  var bytes: [UInt8]
  var ingested: Instant
  /// It came from another bus, so it is not passed on to a third one.
  var isForwarded = false

  /// What is put, before it has an id.
  struct Draft: Sendable {
    var source: String
    var detailType: String
    var detail: JSON
    var resources: [String]
    var time: Instant
    var replay: String?

    init(source: String, detailType: String, detail: JSON, resources: [String], time: Instant) {
      (self.source, self.detailType, self.detail) = (source, detailType, detail)
      (self.resources, self.time) = (resources, time)
    }
  }

  /// - Parameters:
  ///   - account: in which it was put, which stays the same when it goes to the buses of others.
  init(_ draft: Draft, id: String, account: AccountID, region: Region, ingested: Instant) {
    // Whole seconds, as on AWS.
    let time = Instant(seconds: draft.time.seconds)
    json = .object(JSONObject([
      ("version", "0"), ("id", .string(id)), ("detail-type", .string(draft.detailType)), ("source", .string(draft.source)),
      ("account", .string(account.text)), ("time", .string(time.iso8601)), ("region", .string(region.text)),
      ("resources", .array(draft.resources.map(JSON.string))), ("detail", draft.detail),
    ]))
    (self.id, self.ingested, bytes) = (id, ingested, json.bytes)
  }

  /// An event that was one before: from an archive or another bus. Throws when the bytes are no JSON.
  init(_ bytes: [UInt8], ingested: Instant) throws {
    json = try JSON.parse(bytes)
    (id, self.bytes, self.ingested) = (json["id"]?.string ?? "", bytes, ingested)
  }

  /// The same event as a replay puts it.
  func replayed(by replay: String) -> Event {
    var members: [(String, JSON)] = []
    for (name, value) in json.object ?? JSONObject() where name != "replay-name" {
      members.append((name, value))
      if name == "region" { members.append(("replay-name", .string(replay))) }
    }
    var copy = self
    copy.json = .object(JSONObject(members))
    copy.bytes = copy.json.bytes
    return copy
  }

  var account: String { json["account"]?.string ?? "" }
  var source: String { json["source"]?.string ?? "" }
  var detailType: String { json["detail-type"]?.string ?? "" }
  /// When it happened; what replays go by.
  var time: Instant { json["time"]?.string.flatMap { Instant(iso8601: $0) } ?? ingested }
}

extension PutEventsRequestEntry {
  /// What the entry counts towards the size of its request ("Calculating PutEvents event entry size").
  var byteCount: Int {
    (time == nil ? 0 : EventBridgeLimits.timeBytes) + (source?.utf8.count ?? 0) + (detailType?.utf8.count ?? 0)
      + (detail?.utf8.count ?? 0) + (resources ?? []).reduce(0) { $0 + $1.utf8.count }
  }
}

extension Event.Draft {
  /// Checks an entry. The errors are the entry's own: the others of the request are put all the same.
  /// - Parameter mayBeAWS: a service of ours puts it, which may say so in the source.
  init(_ entry: PutEventsRequestEntry, at now: Instant) throws(AWSError) {
    func required(_ value: String?, _ name: String) throws(AWSError) -> String {
      guard let value, !value.isEmpty else {
        throw AWSError("InvalidArgument", "Parameter \(name) is not valid. Reason: \(name) is a required argument.")
      }
      return value
    }
    let source = try required(entry.source, "Source")
    let type = try required(entry.detailType, "DetailType")
    let text = try required(entry.detail, "Detail")
    guard !source.hasPrefix("aws.") else {
      throw AWSError("NotAuthorizedForSourceException", "Not authorized for the source.")
    }
    guard let detail = try? JSON.parse(text), detail.object != nil else {
      throw AWSError("MalformedDetail", "Detail is malformed.")
    }
    self.init(source: source, detailType: type, detail: detail, resources: entry.resources ?? [], time: entry.time ?? now)
  }
}
