import Base

/// Environments that are kept ready ahead of use (AWS: "Configuring provisioned concurrency for a function").
extension Pool {
  /// Environments that have booted and are kept ready, busy or not.
  var booted: Int { slots.values.count { $0.role == .provisioned && $0.hasBooted } }

  func isProvisioned(_ id: EnvironmentID) -> Bool { slots[id]?.role == .provisioned }

  /// Keeps so many environments ready. The same request again changes nothing, even when it failed.
  mutating func provide(_ count: Int, revision request: String, newID: () -> EnvironmentID) -> [Action] {
    if let provision, (provision.count, provision.revision) == (count, request) { return [] }
    provision = Provision(count: count, revision: request)
    let surplus = dismiss(count)
    return surplus + fill(newID)
  }

  /// Nothing is kept ready any more.
  mutating func withdraw() -> [Action] {
    guard provision != nil else { return [] }
    provision = nil
    return dismiss(0)
  }

  /// Starts what is missing, unless that has been found to fail.
  mutating func fill(_ newID: () -> EnvironmentID) -> [Action] {
    guard let provision else { return [] }
    if case .failed = provision.progress { return [] }
    let have = slots.values.count { $0.role == .provisioned && $0.revision == revision }
    noteProgress()
    return (0..<max(0, provision.count - have)).map { _ in
      let id = newID()
      slots[id] = Slot(phase: .starting, role: .provisioned, revision: revision)
      return .provide(id)
    }
  }

  /// Leaves so many: those go first that have not booted, and those that work when they have answered.
  private mutating func dismiss(_ keep: Int) -> [Action] {
    func rank(_ phase: Phase) -> Int {
      switch phase {
      case .starting: 0
      case .idle: 1
      case .busy: 2
      }
    }
    let provisioned = slots.filter { $0.value.role == .provisioned }
      .sorted { (rank($0.value.phase), $0.key.number) < (rank($1.value.phase), $1.key.number) }
    return provisioned.dropLast(keep).compactMap { id, slot in
      if case .busy = slot.phase {
        slots[id]?.role = .leaving
        return nil
      }
      forget(id)
      return .stop(id)
    }
  }

  /// One of them could not be made ready: the others that boot would not fare better.
  mutating func provisionFailed(_ id: EnvironmentID, _ reason: String) -> [Action] {
    forget(id)
    provision?.progress = .failed(reason: reason)
    return stopAll { $0.role == .provisioned && !$0.hasBooted }
  }

  /// Has an idle one replaced, which serves as an ordinary one until its replacement has long been ready.
  mutating func renew(_ id: EnvironmentID, now: Instant, newID: () -> EnvironmentID) -> [Action] {
    guard let slot = slots[id], case (.provisioned, .idle) = (slot.role, slot.phase) else { return [] }
    slots[id] = Slot(phase: .idle(since: now), role: .onDemand, revision: slot.revision)
    ready.removeAll { $0 == id }
    free.append(id)
    return fill(newID)
  }

  mutating func noteProgress() {
    guard let provision, provision.progress == .allocating, booted >= provision.count else { return }
    self.provision?.progress = .ready
  }
}
