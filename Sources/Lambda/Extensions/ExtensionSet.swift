import Base

/// The extensions of one environment between two boots: who is expected, who has registered for what, and how each fares.
/// Decides; does nothing itself (AWS: "Using the Lambda Extensions API to create extensions").
struct ExtensionSet: Sendable {
  /// Of external and internal ones together.
  static let limit = 10

  enum Event: String, Sendable { case invoke = "INVOKE", shutdown = "SHUTDOWN" }

  /// - started may become registered, ended or failedToLaunch
  /// - registered may become ready, reported or ended
  /// - ready (waits for an event) may become running, reported or ended
  /// - running may become ready, reported or ended
  /// - reported (it has told of an error) may become ended; what it has told stays
  /// - failedToLaunch, ended: for good
  enum Stage: Sendable, Equatable {
    case started
    case registered
    case ready
    case running
    case reported(isInit: Bool)
    case failedToLaunch
    case ended

    /// As logs and error messages name it.
    var name: String {
      switch self {
      case .started: "Started"
      case .registered: "Registered"
      case .ready: "Ready"
      case .running: "Running"
      case .reported(let isInit): isInit ? "InitError" : "ExitError"
      case .failedToLaunch: "LaunchError"
      case .ended: "Exited"
      }
    }
  }

  struct Member: Sendable, Equatable {
    var name: String
    /// A program in /opt/extensions; else a part of the runtime.
    var isExternal: Bool
    /// Given at registration; empty before.
    var id = ""
    var events: [Event] = []
    var stage = Stage.started
    /// Shown in the log; of an error that was reported or of a failed launch.
    var errorType: String?
    /// Has asked for its first event, so its init is done.
    var isInitialised = false
    /// Its process has ended after it had told of an error.
    var isGone = false
  }

  /// Why a request is refused: 403 with this type and message.
  struct Refusal: Error, Sendable, Equatable {
    var type: String
    var message: String
  }

  private(set) var members: [Member] = []
  /// The runtime is initialised: nobody registers any more.
  private(set) var isClosed = false

  init(external names: [String] = []) { members = names.map { Member(name: $0, isExternal: true) } }

  var isEmpty: Bool { members.isEmpty }
  var hasExternal: Bool { members.contains(where: \.isExternal) }
  var hasInternal: Bool { members.contains { !$0.isExternal } }
  /// Too many programs: none is started.
  var isOverLimit: Bool { members.count > Self.limit }
  /// The runtime may be started.
  var hasRegistered: Bool { members.allSatisfy { !$0.isExternal || $0.stage != .started } }
  /// Every one has asked for its first event.
  var isInitialised: Bool { members.allSatisfy(\.isInitialised) }
  /// None works on an event any more.
  var isResting: Bool { members.allSatisfy { $0.stage == .ready } }

  /// What must come to an end before the environment does: those that were told of the shutdown.
  var isAwaitedAtShutdown: Bool { members.contains { $0.isExternal && $0.events.contains(.shutdown) && $0.isAlive } }

  mutating func close() { isClosed = true }

  func member(id: String) -> Member? { members.first { !$0.id.isEmpty && $0.id == id } }

  mutating func register(_ name: String, id: String, events: [String]) throws(Refusal) -> Member {
    guard !name.isEmpty else { throw Refusal(type: "Extension.InvalidExtensionName", message: "Empty extension name") }
    let known = members.firstIndex { $0.name == name }
    let isExternal = known.map { members[$0].isExternal } ?? false
    var wanted: [Event] = []
    for text in events {
      guard let event = Event(rawValue: text) else { throw .invalidEvent("\(text): ErrorInvalidEventType") }
      guard isExternal || event == .invoke else { throw .invalidEvent("\(text): ShutdownEventNotSupportedForInternalExtension") }
      if !wanted.contains(event) { wanted.append(event) }
    }
    if let known {
      guard isExternal else { throw .invalidState("Extension with this name already registered") }
      guard members[known].stage == .started else { throw .transition(members[known], to: "Registered") }
      (members[known].id, members[known].events, members[known].stage) = (id, wanted, .registered)
      return members[known]
    }
    guard !isClosed else {
      throw Refusal(type: "Extension.RegistrationClosed", message: "Extension registration closed already")
    }
    guard members.count < Self.limit else {
      throw Refusal(type: "Extension.TooManyExtensions", message: "Extension limit (\(Self.limit)) reached")
    }
    members.append(Member(name: name, isExternal: false, id: id, events: wanted, stage: .registered))
    return members[members.count - 1]
  }

  /// One asks for its next event: what it was doing is done.
  mutating func askedNext(_ id: String) throws(Refusal) {
    let index = try index(of: id, unknown: "Unknown extension \(id)")
    switch members[index].stage {
    case .registered, .running: (members[index].stage, members[index].isInitialised) = (.ready, true)
    // It asks again because its connection broke; the older request is let go.
    case .ready: break
    case .started, .reported, .failedToLaunch, .ended: throw .transition(members[index], to: "Ready")
    }
  }

  /// One reports that it fails; its process is expected to end by itself.
  mutating func reported(_ id: String, isInit: Bool, type: String) throws(Refusal) {
    let index = try index(of: id, unknown: "Unknown Lambda-Extension-Identifier")
    switch members[index].stage {
    case .reported(isInit): return  // the first report counts
    case .registered,
      .ready where !isInit,
      .running where !isInit:
      (members[index].stage, members[index].errorType) = (.reported(isInit: isInit), type)
    case .started, .ready, .running, .reported, .failedToLaunch, .ended:
      throw .transition(members[index], to: isInit ? "InitError" : "ExitError")
    }
  }

  private func index(of id: String, unknown: String) throws(Refusal) -> Int {
    guard let index = members.firstIndex(where: { !$0.id.isEmpty && $0.id == id }) else {
      throw Refusal(type: "Extension.UnknownExtensionIdentifier", message: unknown)
    }
    return index
  }

  mutating func failedToLaunch(_ name: String, type: String) {
    guard let index = members.firstIndex(where: { $0.name == name }) else { return }
    (members[index].stage, members[index].errorType) = (.failedToLaunch, type)
  }

  /// Its process is gone.
  mutating func ended(_ name: String) {
    guard let index = members.firstIndex(where: { $0.name == name && $0.isExternal }) else { return }
    // A report of an error stays visible in the log.
    if case .reported = members[index].stage { return members[index].isGone = true }
    members[index].stage = .ended
  }

  /// Those that get an event now work on it.
  mutating func deliver(_ event: Event) -> [Member] {
    var addressed: [Member] = []
    for index in members.indices where members[index].events.contains(event) && members[index].isAlive {
      members[index].stage = .running
      addressed.append(members[index])
    }
    return addressed
  }
}

extension ExtensionSet.Member {
  /// Its process may still do something.
  var isAlive: Bool {
    switch stage {
    case .started, .registered, .ready, .running: true
    case .reported: !isGone
    case .failedToLaunch, .ended: false
    }
  }
}

extension ExtensionSet.Refusal {
  static func invalidEvent(_ message: String) -> Self { .init(type: "Extension.InvalidEventType", message: message) }
  static func invalidState(_ message: String) -> Self { .init(type: "Extension.InvalidExtensionState", message: message) }
  static func transition(_ member: ExtensionSet.Member, to stage: String) -> Self {
    invalidState(
      "State transition from \(member.stage.name) to \(stage) failed for extension \(member.name). "
        + "Error: State transition is not allowed")
  }
}
