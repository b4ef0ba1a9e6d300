import Base

/// An event bus. The default one of an account is there without a row as long as nothing is set on it.
struct Bus: Sendable, Equatable {
  var name: BusName
  /// Nil for a default bus on which nothing has been set.
  var created: Instant?
  var modified: Instant?
  var description: String?
  /// Where events go that cannot be decrypted. Nothing is encrypted here, so nothing goes there; it is checked and shown.
  var deadLetter: String?
  /// With users and roles by their unique ids.
  var policy: String?
  var tags: [String: String] = [:]

  init(_ name: BusName, created: Instant? = nil) { (self.name, self.created, modified) = (name, created, created) }
}
